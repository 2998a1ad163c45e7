/* cmd_check_json.c - what `mien check` found, as JSON */
#include <stdlib.h>

#include "base/json.h"
#include "base/memory.h"
#include "cli/cmd_check.h"

static json_t *file_of(const struct mien_check *check, size_t index)
{
    char number[MIEN_DATASET_NAME_BYTES];
    return mien_json_text(mien_dataset_name(number, check->set, index));
}

static json_t *describe_unreadable(const struct mien_check *check)
{
    json_t *list = json_array();
    for (size_t i = 0; i < check->stray_count; i++) {
        const struct mien_check_stray *const stray = &check->strays[i];
        mien_json_append(&list, json_pack("{s:o, s:o}", "file", mien_json_text(stray->name),
                                          "error", mien_json_text(stray->error)));
    }
    for (size_t i = 0; i < check->image_count; i++) {
        if (check->images[i].error != NULL) {
            mien_json_append(&list, json_pack("{s:o, s:o}", "file", file_of(check, i), "error",
                                              mien_json_text(check->images[i].error)));
        }
    }
    return list;
}

static json_t *describe_blank(const struct mien_check *check)
{
    json_t *list = json_array();
    for (size_t i = 0; i < check->image_count; i++) {
        const struct mien_check_image *const image = &check->images[i];
        if (image->error == NULL && image->blank) {
            mien_json_append(
                &list, json_pack("{s:o, s:i}", "file", file_of(check, i), "level", image->level));
        }
    }
    return list;
}

static json_t *describe_splits(const struct mien_check *check, size_t *counts)
{
    const struct mien_dataset *const set = check->set;
    json_t *splits = json_object();
    for (int s = 0; s < MIEN_SPLITS; s++) {
        json_t *per_class = json_array();
        check_classes(counts, check, (enum mien_split)s);
        for (int c = 0; c < set->class_count; c++) {
            mien_json_append(&per_class, json_integer((json_int_t)counts[c]));
        }
        mien_json_set(&splits, mien_split_name((enum mien_split)s),
                      json_pack("{s:I, s:o}", "images", (json_int_t)set->splits[s].count,
                                "per_class", per_class));
    }
    return splits;
}

static json_t *describe_sizes(const struct check_size *sizes, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        mien_json_append(&list, json_pack("{s:i, s:i, s:I}", "height", sizes[i].height, "width",
                                          sizes[i].width, "images", (json_int_t)sizes[i].images));
    }
    return list;
}

static json_t *describe_group(const struct mien_check *check, const struct mien_check_group *group)
{
    json_t *images = json_array();
    for (uint32_t i = 0; i < group->count; i++) {
        const uint32_t index = check->members[group->first + i];
        mien_json_append(&images,
                         json_pack("{s:o, s:s, s:o}", "file", file_of(check, index), "split",
                                   mien_split_name(mien_check_split(check, index)), "class",
                                   mien_json_text(check->set->classes[check->set->labels[index]])));
    }
    return json_pack("{s:b, s:o}", "conflict", (int)group->conflict, "images", images);
}

static json_t *describe_duplicates(const struct check_report *report)
{
    const struct mien_check *const check = report->check;
    json_t *list = json_array();
    for (size_t g = 0; g < check->group_count; g++) {
        mien_json_append(&list, describe_group(check, &check->groups[g]));
    }
    return json_pack("{s:I, s:I, s:I, s:I, s:o}", "groups", (json_int_t)report->counts.groups,
                     "redundant", (json_int_t)report->counts.redundant, "conflicts",
                     (json_int_t)report->counts.conflicts, "conflict_images",
                     (json_int_t)report->counts.conflict_images, "list", list);
}

static json_t *describe_twins(const struct mien_check_counts *counts)
{
    json_t *list = json_array();
    for (int of = 0; of < MIEN_SPLITS; of++) {
        for (int in = 0; in < MIEN_SPLITS; in++) {
            if (counts->twins[of][in] > 0) {
                mien_json_append(&list, json_pack("{s:s, s:s, s:I}", "split",
                                                  mien_split_name((enum mien_split)of), "in",
                                                  mien_split_name((enum mien_split)in), "images",
                                                  (json_int_t)counts->twins[of][in]));
            }
        }
    }
    return list;
}

static json_t *describe_near(const struct check_report *report)
{
    const struct mien_check *const check = report->check;
    json_t *list = json_array();
    for (size_t i = 0; i < check->image_count; i++) {
        const struct mien_check_image *const image = &check->images[i];
        if (image->near != MIEN_NO_IMAGE) {
            mien_json_append(&list, json_pack("{s:o, s:o, s:o}", "file", file_of(check, i), "like",
                                              file_of(check, image->near), "correlation",
                                              mien_json_real((double)image->correlation)));
        }
    }
    return json_pack("{s:o, s:I, s:I, s:o}", "limit", mien_json_real(report->near), "images",
                     (json_int_t)report->counts.near, "across_splits",
                     (json_int_t)report->counts.near_across, "list", list);
}

static json_t *describe_list(const struct check_report *report)
{
    json_int_t sum = 0;
    json_t *object = json_object();
    mien_json_set(&object, "file", mien_json_text(report->list));
    for (int r = 1; r < MIEN_REASONS; r++) {
        sum += (json_int_t)report->listed[r];
        mien_json_set(&object, mien_check_reason_name((enum mien_check_reason)r),
                      json_integer((json_int_t)report->listed[r]));
    }
    mien_json_set(&object, "images", json_integer(sum));
    return object;
}

enum mien_status check_describe(json_t **out, const struct check_report *report,
                                struct mien_error *err)
{
    const struct mien_check *const check = report->check;
    const struct mien_check_counts *const c = &report->counts;
    struct check_size *sizes = NULL;
    size_t size_count = 0;
    enum mien_status st = MIEN_ERR_MEMORY;
    size_t *const counts = mien_calloc((size_t)check->set->class_count, sizeof(*counts), err);
    if (counts == NULL) {
        return st;
    }
    TRY(check_sizes(&sizes, &size_count, check, err));
    json_t *const forms =
        json_pack("{s:I, s:I, s:I}", "gray", (json_int_t)c->forms[MIEN_FORM_GRAY], "colour",
                  (json_int_t)c->forms[MIEN_FORM_COLOUR], "gray_as_colour",
                  (json_int_t)c->forms[MIEN_FORM_GRAY_AS_COLOUR]);
    *out = json_pack("{s:o, s:I, s:o, s:o, s:o, s:o, s:I, s:I, s:o, s:o, s:I, s:o, s:o, s:o}",
                     "data", mien_json_text(report->data), "images",
                     (json_int_t)check->image_count + (json_int_t)check->stray_count, "classes",
                     mien_json_texts(check->set->classes, check->set->class_count), "splits",
                     describe_splits(check, counts), "sizes", describe_sizes(sizes, size_count),
                     "forms", forms, "converted", (json_int_t)c->converted, "skipped",
                     (json_int_t)check->set->skipped, "unreadable", describe_unreadable(check),
                     "blank", describe_blank(check), "black", (json_int_t)c->black, "duplicates",
                     describe_duplicates(report), "twins", describe_twins(c), "near",
                     describe_near(report));
    if (report->list != NULL) {
        mien_json_set(out, "list", describe_list(report));
    }

done:
    free(sizes);
    free(counts);
    return st;
}
