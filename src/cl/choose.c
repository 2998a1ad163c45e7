/* choose.c - which of the listed devices a wish means, and why */
#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/letters.h"
#include "cl/device.h"

/* What a wish comes down to; `name` borrowed. */
struct wish {
    bool any_kind, by_index, by_name, exact_name;
    enum mien_device_kind kind;
    int platform_index, device_index;
    const char *name;
};

const char *mien_device_why_unusable(const struct mien_device_info *info)
{
    if (!info->available) {
        return "it is not available";
    }
    if (!info->has_compiler) {
        return "it has no compiler";
    }
    if (info->opencl_major < 1 || (info->opencl_major == 1 && info->opencl_minor < 2)) {
        return "it is older than OpenCL 1.2";
    }
    return info->align_bytes > MIEN_CL_ALIGN_BYTES
               ? "its buffers want an alignment of more than 512 bytes"
               : NULL;
}

/* `part` somewhere in `text`, in any case. */
static bool has_part(const char *text, const char *part)
{
    const size_t length = strlen(part);
    for (const char *at = text; *at != '\0'; at++) {
        if (mien_same_letters(at, part, length)) {
            return true;
        }
    }
    return false;
}

/* "P:D", nothing but digits around the colon. */
static bool parse_index(struct wish *out, const char *text)
{
    char *end = NULL;
    if (!isdigit((unsigned char)text[0])) {
        return false;
    }
    const long platform = strtol(text, &end, 10);
    if (*end != ':' || !isdigit((unsigned char)end[1])) {
        return false;
    }
    const long device = strtol(end + 1, &end, 10);
    if (*end != '\0' || platform > INT_MAX || device > INT_MAX) {
        return false;
    }
    out->platform_index = (int)platform;
    out->device_index = (int)device;
    return true;
}

static struct wish parse_wish(const struct mien_device_list *list, const char *wanted)
{
    struct wish wish = { .name = wanted };
    if (wanted == NULL || wanted[0] == '\0' || mien_same_text(wanted, "auto")) {
        wish.any_kind = true;
        return wish;
    }
    for (int kind = MIEN_DEVICE_GPU; kind <= MIEN_DEVICE_ACCELERATOR; kind++) {
        if (mien_same_text(wanted, mien_device_kind_name((enum mien_device_kind)kind))) {
            wish.kind = (enum mien_device_kind)kind;
            return wish;
        }
    }
    wish.by_index = parse_index(&wish, wanted);
    wish.by_name = !wish.by_index;
    for (size_t i = 0; i < list->count && wish.by_name; i++) {
        wish.exact_name = wish.exact_name || mien_same_text(list->devices[i].name, wanted);
    }
    return wish;
}

static bool fits(const struct mien_device_info *info, const struct wish *wish)
{
    if (wish->by_index) {
        return info->platform_index == wish->platform_index &&
               info->device_index == wish->device_index;
    }
    if (wish->exact_name) {
        return mien_same_text(info->name, wish->name);
    }
    if (wish->by_name) {
        return has_part(info->name, wish->name);
    }
    return wish->any_kind || info->kind == wish->kind;
}

static int kind_rank(enum mien_device_kind kind)
{
    switch (kind) {
    case MIEN_DEVICE_GPU: return 2;
    case MIEN_DEVICE_ACCELERATOR: return 1;
    case MIEN_DEVICE_CPU: return 0;
    }
    return 0;
}

/* An integrated GPU tells the machine's memory as its own, so that memory says nothing of which of
 * the two is the better one: a card most likely is. */
static bool shares(const struct mien_device_info *info)
{
    return info->kind == MIEN_DEVICE_GPU && info->shares_memory;
}

static bool goes_before(const struct mien_device_info *a, const struct mien_device_info *b)
{
    if (a->kind != b->kind) {
        return kind_rank(a->kind) > kind_rank(b->kind);
    }
    if (shares(a) != shares(b)) {
        return shares(b);
    }
    if (a->global_bytes != b->global_bytes) {
        return a->global_bytes > b->global_bytes;
    }
    return a->compute_units > b->compute_units;
}

static const char *kind_text(enum mien_device_kind kind)
{
    switch (kind) {
    case MIEN_DEVICE_GPU: return "GPU";
    case MIEN_DEVICE_CPU: return "CPU";
    case MIEN_DEVICE_ACCELERATOR: return "accelerator";
    }
    return "device";
}

/* Fitting devices that can be used, against the best of them. */
struct field {
    size_t fitting, usable, same_kind, same_place, same_memory, same_units;
    enum mien_device_kind other_kind; /* the best kind that lost, when usable > same_kind */
};

static struct field survey(const struct mien_device_list *list, const struct wish *wish,
                           const struct mien_device_info *best)
{
    struct field field = { .other_kind = MIEN_DEVICE_CPU };
    for (size_t i = 0; i < list->count; i++) {
        const struct mien_device_info *const info = &list->devices[i];
        if (!fits(info, wish)) {
            continue;
        }
        field.fitting++;
        if (mien_device_why_unusable(info) != NULL) {
            continue;
        }
        const bool kind = info->kind == best->kind;
        const bool place = kind && shares(info) == shares(best);
        const bool memory = place && info->global_bytes == best->global_bytes;
        field.usable++;
        field.same_kind += kind;
        field.same_place += place;
        field.same_memory += memory;
        field.same_units += memory && info->compute_units == best->compute_units;
        if (!kind && kind_rank(info->kind) > kind_rank(field.other_kind)) {
            field.other_kind = info->kind;
        }
    }
    return field;
}

static void explain(char *reason, size_t room, const struct mien_device_list *list,
                    const struct wish *wish, const struct mien_device_info *best)
{
    const struct field field = survey(list, wish, best);
    const char *const kind = kind_text(best->kind);
    const char *const asked = wish->by_name ? "asked for by name, " : "";

    if (wish->by_index) {
        (void)snprintf(reason, room, "asked for as %d:%d", best->platform_index,
                       best->device_index);
    } else if (field.usable == 1 && list->count == 1) {
        (void)snprintf(reason, room, "%sthe only device", asked);
    } else if (field.usable == 1 && wish->by_name) {
        (void)snprintf(reason, room, "asked for by name");
    } else if (field.usable == 1 && field.fitting > 1) {
        (void)snprintf(reason, room, "the only one of %zu devices that can be used", field.fitting);
    } else if (field.usable == 1) {
        (void)snprintf(reason, room, "the only %s", kind);
    } else if (field.same_kind == 1) {
        (void)snprintf(reason, room, "%s%s %s goes before %s %s", asked,
                       best->kind == MIEN_DEVICE_GPU ? "a" : "an", kind,
                       field.other_kind == MIEN_DEVICE_ACCELERATOR ? "an" : "a",
                       kind_text(field.other_kind));
    } else if (field.same_place == 1) {
        (void)snprintf(reason, room, "%sthe only one of %zu %ss with memory of its own", asked,
                       field.same_kind, kind);
    } else if (field.same_memory == 1) {
        (void)snprintf(reason, room, "%smost memory of %zu %ss", asked, field.same_place, kind);
    } else if (field.same_units == 1) {
        (void)snprintf(reason, room, "%smost compute units of %zu %ss with equal memory", asked,
                       field.same_memory, kind);
    } else {
        (void)snprintf(reason, room, "%sthe first of %zu equal %ss", asked, field.same_units, kind);
    }
}

/* "0:0 gpu NAME, 1:0 cpu NAME" of those that fit `wish` (NULL: all), cut where `out` ends. */
static void list_devices(char *out, size_t room, const struct mien_device_list *list,
                         const struct wish *wish)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < list->count && used < room; i++) {
        const struct mien_device_info *const info = &list->devices[i];
        if (wish != NULL && !fits(info, wish)) {
            continue;
        }
        const int wrote = snprintf(out + used, room - used, "%s%d:%d %s %s", used == 0 ? "" : ", ",
                                   info->platform_index, info->device_index,
                                   mien_device_kind_name(info->kind), info->name);
        used += wrote > 0 ? (size_t)wrote : 0;
    }
}

static enum mien_status refuse(const struct mien_device_list *list, const struct wish *wish,
                               const struct mien_device_info *unusable, struct mien_error *err)
{
    char there[700];
    list_devices(there, sizeof(there), list, NULL);
    if (unusable != NULL) {
        return mien_fail(err, MIEN_ERR_NO_DEVICE, "%d:%d %s can not be used: %s; there is %s",
                         unusable->platform_index, unusable->device_index, unusable->name,
                         mien_device_why_unusable(unusable), there);
    }
    return mien_fail(err, MIEN_ERR_NO_DEVICE, "no device fits \"%.64s\"; there is %s",
                     wish->any_kind ? "auto" : wish->name, list->count == 0 ? "none" : there);
}

enum mien_status mien_device_choose(size_t *out, char *reason, size_t reason_bytes,
                                    const struct mien_device_list *list, const char *wanted,
                                    struct mien_error *err)
{
    const struct wish wish = parse_wish(list, wanted);
    const struct mien_device_info *best = NULL;
    const struct mien_device_info *unusable = NULL;
    bool several_names = false;

    for (size_t i = 0; i < list->count; i++) {
        const struct mien_device_info *const info = &list->devices[i];
        if (!fits(info, &wish)) {
            continue;
        }
        if (mien_device_why_unusable(info) != NULL) {
            unusable = info;
            continue;
        }
        several_names = several_names ||
                        (wish.by_name && best != NULL && !mien_same_text(best->name, info->name));
        if (best == NULL || goes_before(info, best)) {
            best = info;
        }
    }
    if (several_names) {
        char there[700];
        list_devices(there, sizeof(there), list, &wish);
        return mien_fail(err, MIEN_ERR_USAGE, "device \"%.64s\" could be any of %s", wanted, there);
    }
    if (best == NULL) {
        return refuse(list, &wish, unusable, err);
    }
    if (reason != NULL && reason_bytes > 0) {
        explain(reason, reason_bytes, list, &wish, best);
    }
    *out = (size_t)(best - list->devices);
    return MIEN_OK;
}
