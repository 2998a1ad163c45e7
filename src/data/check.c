/* check.c - looking at every image of a data set, and telling exact copies */
#include "data/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "data/build.h"

enum { THUMB_PX = 32 };

/* Whether all three channels are equal everywhere. */
static bool is_gray(const struct mien_bitmap *bitmap)
{
    const size_t count = (size_t)bitmap->height * (size_t)bitmap->width;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *const p = bitmap->pixels + 3 * i;
        if (p[0] != p[1] || p[0] != p[2]) {
            return false;
        }
    }
    return true;
}

/* Whether every pixel is the first one. */
static bool is_blank(const struct mien_bitmap *bitmap)
{
    const size_t channels = (size_t)bitmap->channels;
    const size_t bytes = (size_t)bitmap->height * (size_t)bitmap->width * channels;
    return memcmp(bitmap->pixels, bitmap->pixels + channels, bytes - channels) == 0;
}

static void make_key(uint64_t key[2], const struct mien_bitmap *bitmap, enum mien_check_form form)
{
    const int32_t shape[3] = { bitmap->height, bitmap->width, form == MIEN_FORM_COLOUR ? 3 : 1 };
    const size_t count = (size_t)bitmap->height * (size_t)bitmap->width;
    struct mien_hash hash;
    mien_hash_init(&hash);
    mien_hash_add(&hash, shape, sizeof(shape));
    if (form == MIEN_FORM_GRAY_AS_COLOUR) {
        for (size_t i = 0; i < count; i++) {
            mien_hash_add(&hash, bitmap->pixels + 3 * i, 1);
        }
    } else {
        mien_hash_add(&hash, bitmap->pixels, count * (size_t)bitmap->channels);
    }
    mien_hash_words(key, &hash);
}

static enum mien_status begin(void *user, const struct mien_dataset *set, struct mien_error *err)
{
    struct mien_check *const check = user;
    check->images = mien_calloc(set->count, sizeof(*check->images), err);
    check->image_count = check->images != NULL ? set->count : 0;
    return check->images != NULL ? MIEN_OK : MIEN_ERR_MEMORY;
}

static enum mien_status look_at(void *user, size_t index, const struct mien_bitmap *bitmap,
                                const char *cause, struct mien_error *err)
{
    struct mien_check *const check = user;
    struct mien_check_image *const image = &check->images[index];
    image->group = MIEN_NO_IMAGE;
    image->near = MIEN_NO_IMAGE;
    if (bitmap == NULL) {
        image->error = mien_strdup(cause, err);
        return image->error != NULL ? MIEN_OK : MIEN_ERR_MEMORY;
    }
    image->height = bitmap->height;
    image->width = bitmap->width;
    image->form = bitmap->channels == 1 ? MIEN_FORM_GRAY
                  : is_gray(bitmap)     ? MIEN_FORM_GRAY_AS_COLOUR
                                        : MIEN_FORM_COLOUR;
    image->converted = bitmap->converted;
    image->blank = is_blank(bitmap);
    image->level = bitmap->pixels[0];
    make_key(image->key, bitmap, image->form);
    return MIEN_OK;
}

static enum mien_status note_stray(void *user, const char *name, const char *cause,
                                   struct mien_error *err)
{
    struct mien_check *const check = user;
    struct mien_check_stray *const strays =
        mien_realloc(check->strays, check->stray_count + 1, sizeof(*strays), err);
    if (strays == NULL) {
        return MIEN_ERR_MEMORY;
    }
    check->strays = strays;
    struct mien_check_stray *const stray = &strays[check->stray_count++];
    stray->name = mien_strdup(name, err);
    stray->error = mien_strdup(cause, err);
    return stray->name != NULL && stray->error != NULL ? MIEN_OK : MIEN_ERR_MEMORY;
}

/* What sorts the images: copies side by side, in the order of the set. */
struct keyed {
    uint64_t key[2];
    uint32_t index;
};

static int compare_keyed(const void *a, const void *b)
{
    const struct keyed *const x = a;
    const struct keyed *const y = b;
    for (int i = 0; i < 2; i++) {
        if (x->key[i] != y->key[i]) {
            return x->key[i] < y->key[i] ? -1 : 1;
        }
    }
    return x->index < y->index ? -1 : x->index > y->index;
}

static bool same_key(const struct keyed *a, const struct keyed *b)
{
    return a->key[0] == b->key[0] && a->key[1] == b->key[1];
}

/* By their first members, so that groups come in the order of the set. */
static int compare_groups(const void *a, const void *b, void *user)
{
    const struct mien_check_group *const x = a;
    const struct mien_check_group *const y = b;
    const uint32_t *const members = user;
    return members[x->first] < members[y->first] ? -1 : members[x->first] > members[y->first];
}

static void add_group(struct mien_check *check, const struct keyed *keyed, uint32_t count)
{
    const int32_t *const labels = check->set->labels;
    struct mien_check_group *const group = &check->groups[check->group_count];
    const bool any = check->group_count > 0;
    *group = (struct mien_check_group){
        .first = any ? group[-1].first + group[-1].count : 0,
        .count = count,
        .lead = keyed[0].index,
    };
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t index = keyed[i].index;
        check->members[group->first + i] = index;
        group->conflict = group->conflict || labels[index] != labels[keyed[0].index];
        group->splits |= 1U << mien_check_split(check, index);
        if (mien_check_split(check, index) > mien_check_split(check, group->lead)) {
            group->lead = index;
        }
    }
    check->group_count++;
}

static enum mien_status find_groups(struct mien_check *check, struct mien_error *err)
{
    const size_t count = check->image_count;
    size_t readable = 0;
    struct keyed *const keyed = mien_calloc(count, sizeof(*keyed), err);
    check->members = mien_calloc(count, sizeof(*check->members), err);
    check->groups = mien_calloc(count / 2 + 1, sizeof(*check->groups), err);
    if (keyed == NULL || check->members == NULL || check->groups == NULL) {
        free(keyed);
        return MIEN_ERR_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        const struct mien_check_image *const image = &check->images[i];
        if (image->error == NULL) {
            keyed[readable++] = (struct keyed){ { image->key[0], image->key[1] }, (uint32_t)i };
        }
    }
    qsort(keyed, readable, sizeof(*keyed), compare_keyed);
    for (size_t i = 0; i < readable;) {
        size_t end = i + 1;
        while (end < readable && same_key(&keyed[end], &keyed[i])) {
            end++;
        }
        if (end - i > 1) {
            add_group(check, keyed + i, (uint32_t)(end - i));
        }
        i = end;
    }
    free(keyed);
    qsort_r(check->groups, check->group_count, sizeof(*check->groups), compare_groups,
            check->members);
    for (size_t g = 0; g < check->group_count; g++) {
        const struct mien_check_group *const group = &check->groups[g];
        for (uint32_t i = 0; i < group->count; i++) {
            check->images[check->members[group->first + i]].group = (uint32_t)g;
        }
    }
    return MIEN_OK;
}

enum mien_split mien_check_split(const struct mien_check *check, size_t index)
{
    const struct mien_dataset *const set = check->set;
    int split = 0;
    while (split < MIEN_SPLITS - 1 &&
           index >= set->splits[split].first + set->splits[split].count) {
        split++;
    }
    return (enum mien_split)split;
}

enum mien_status mien_check_run(struct mien_check **out, const char *path,
                                const struct mien_check_options *options, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_data_options load = {
        .channels = 1,
        .height = THUMB_PX,
        .width = THUMB_PX,
        .threads = options->threads,
        .exclude = options->exclude,
        .log = options->log,
    };
    *out = NULL;
    struct mien_check *check = mien_calloc(1, sizeof(*check), err);
    if (check == NULL) {
        return MIEN_ERR_MEMORY;
    }
    const struct mien_inspector inspector = {
        .user = check,
        .begin = begin,
        .image = look_at,
        .stray = note_stray,
    };
    TRY(mien_dataset_inspect(&check->set, path, &load, &inspector, err));
    TRY(find_groups(check, err));
    TRY(mien_check_find_near(check, options->near, options->log, err));
    *out = check;
    check = NULL;

done:
    mien_check_destroy(check);
    return st;
}

void mien_check_destroy(struct mien_check *check)
{
    if (check == NULL) {
        return;
    }
    for (size_t i = 0; i < check->image_count; i++) {
        free(check->images[i].error);
    }
    for (size_t i = 0; i < check->stray_count; i++) {
        free(check->strays[i].name);
        free(check->strays[i].error);
    }
    free(check->images);
    free(check->strays);
    free(check->groups);
    free(check->members);
    mien_dataset_destroy(check->set);
    free(check);
}

static void count_group(struct mien_check_counts *out, const struct mien_check *check,
                        const struct mien_check_group *group)
{
    out->groups++;
    out->redundant += group->count - 1;
    out->conflicts += group->conflict ? 1 : 0;
    out->conflict_images += group->conflict ? group->count : 0;
    for (uint32_t i = 0; i < group->count; i++) {
        const int of = (int)mien_check_split(check, check->members[group->first + i]);
        for (int in = 0; in < MIEN_SPLITS; in++) {
            out->twins[of][in] += in != of && (group->splits >> in & 1U) != 0 ? 1 : 0;
        }
    }
}

void mien_check_count(struct mien_check_counts *out, const struct mien_check *check)
{
    *out = (struct mien_check_counts){ .unreadable = check->stray_count };
    for (size_t i = 0; i < check->image_count; i++) {
        const struct mien_check_image *const image = &check->images[i];
        if (image->error != NULL) {
            out->unreadable++;
            continue;
        }
        const bool blank_gray = image->blank && image->form != MIEN_FORM_COLOUR;
        out->blank += image->blank ? 1 : 0;
        out->black += blank_gray && image->level == 0 ? 1 : 0;
        out->forms[image->form]++;
        out->converted += image->converted ? 1 : 0;
        if (image->near != MIEN_NO_IMAGE) {
            out->near++;
            out->near_across +=
                mien_check_split(check, i) != mien_check_split(check, image->near) ? 1 : 0;
        }
    }
    for (size_t g = 0; g < check->group_count; g++) {
        count_group(out, check, &check->groups[g]);
    }
}
