/* cmd_devices.c - `mien devices`: every OpenCL device, and which one is taken and why */
#include <stdlib.h>

#include "base/error.h"
#include "base/json.h"
#include "base/number.h"
#include "cl/device.h"
#include "cli/commands.h"
#include "cli/term.h"

struct devices_options {
    struct common_options common;
};

static const struct devices_options devices_defaults = { .common = { .seed = -1 } };

/* What one sees of the choice among the list. */
struct choice {
    const char *wanted; /* "auto" where nothing was wished */
    bool made;
    size_t index;
    char reason[256];
};

static void print_device(struct term *term, const struct mien_device_info *info, bool taken)
{
    char memory[MIEN_MIB_BYTES];
    char buffer[MIEN_MIB_BYTES];
    term_print(term, "%c %d:%d  %s  %s\n", taken ? '*' : ' ', info->platform_index,
               info->device_index, mien_device_kind_name(info->kind), info->name);
    term_print(term, "       platform  %s, %s\n", info->platform_name, info->platform_version);
    term_print(term, "       version   %s\n", info->version);
    term_print(term, "       driver    %s\n", info->driver);
    term_print(term, "       memory    %s%s, at most %s in one buffer\n",
               mien_mib(memory, info->global_bytes),
               info->kind != MIEN_DEVICE_CPU && info->shares_memory ? " shared with the host" : "",
               mien_mib(buffer, info->max_alloc_bytes));
    term_print(term, "       units     %u, work-groups of up to %zu\n", info->compute_units,
               info->max_work_group);
    const char *const why = mien_device_why_unusable(info);
    if (why != NULL) {
        term_print(term, "       cannot be used: %s\n", why);
    }
}

static json_t *describe(const struct mien_device_info *info)
{
    char id[32];
    (void)snprintf(id, sizeof(id), "%d:%d", info->platform_index, info->device_index);
    return json_pack(
        "{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:b, s:b, s:b}", "id",
        id, "kind", mien_device_kind_name(info->kind), "name", mien_json_text(info->name), "vendor",
        mien_json_text(info->vendor), "platform", mien_json_text(info->platform_name),
        "platform_version", mien_json_text(info->platform_version), "version",
        mien_json_text(info->version), "driver", mien_json_text(info->driver), "compute_units",
        (json_int_t)info->compute_units, "memory_bytes", (json_int_t)info->global_bytes,
        "max_buffer_bytes", (json_int_t)info->max_alloc_bytes, "local_memory_bytes",
        (json_int_t)info->local_bytes, "max_work_group", (json_int_t)info->max_work_group,
        "shares_memory", info->shares_memory, "available", info->available, "compiler",
        info->has_compiler);
}

static json_t *describe_all(const struct mien_device_list *list, const struct choice *choice)
{
    json_t *const devices = json_array();
    for (size_t i = 0; i < list->count; i++) {
        if (json_array_append_new(devices, describe(&list->devices[i])) != 0) {
            json_decref(devices);
            return NULL;
        }
    }
    json_t *taken = json_null();
    if (choice->made) {
        const struct mien_device_info *const info = &list->devices[choice->index];
        taken = json_pack("{s:o, s:o}", "id",
                          json_sprintf("%d:%d", info->platform_index, info->device_index), "reason",
                          mien_json_text(choice->reason));
    }
    return json_pack("{s:o, s:o, s:o}", "devices", devices, "wanted",
                     mien_json_text(choice->wanted), "taken", taken);
}

static void print_all(struct term *term, const struct mien_device_list *list,
                      const struct choice *choice)
{
    for (size_t i = 0; i < list->count; i++) {
        print_device(term, &list->devices[i], choice->made && choice->index == i);
    }
    if (choice->made) {
        const struct mien_device_info *const info = &list->devices[choice->index];
        term_print(term, "%s takes %d:%d: %s\n", choice->wanted, info->platform_index,
                   info->device_index, choice->reason);
    }
}

/* The list is printed also where the wish fits none of it: it says what could be wished. */
static enum mien_status devices(const void *options, struct term *term, struct mien_error *err)
{
    const struct devices_options *const o = options;
    struct mien_device_list list = { 0 };
    enum mien_status st = MIEN_OK;
    const char *wanted = o->common.device;
    if (wanted == NULL) {
        wanted = getenv("MIEN_DEVICE");
    }
    struct choice choice = { .wanted = wanted != NULL && *wanted != '\0' ? wanted : "auto" };
    TRY(mien_device_list(&list, err));
    const enum mien_status chosen = mien_device_choose(
        &choice.index, choice.reason, sizeof(choice.reason), &list, choice.wanted, err);
    choice.made = chosen == MIEN_OK;
    if (o->common.json) {
        struct mien_error json_err = { "" };
        st = term_json(term, describe_all(&list, &choice), &json_err);
        if (st != MIEN_OK) {
            *err = json_err;
            goto done;
        }
    } else {
        print_all(term, &list, &choice);
    }
    st = chosen == MIEN_OK || o->common.device != NULL ? chosen
                                                       : mien_wrap(err, chosen, "MIEN_DEVICE");

done:
    mien_device_list_finish(&list);
    return st;
}

const struct command cmd_devices = {
    .name = "devices",
    .summary = "List every OpenCL device, and say which one is taken and why",
    .details =
        "auto takes a GPU before any other, then the one with more memory, then with more\n"
        "compute units. --device and MIEN_DEVICE choose by kind, by PLATFORM:DEVICE or by a\n"
        "part of the name.",
    .common = COMMON_DEVICE | COMMON_JSON | COMMON_QUIET,
    .options_bytes = sizeof(struct devices_options),
    .defaults = &devices_defaults,
    .run = devices,
};
