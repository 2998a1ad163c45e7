/* folder.c - a data set from class folders of PNG and JPEG files */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "data/build.h"
#include "data/image.h"
#include "data/scan.h"

/* What orders the images, with the text in place. */
struct item {
    const char *name;
    int split, label;
};

struct decoding {
    const struct mien_load *load;
    struct mien_dataset *set;
    uint8_t *images;
    atomic_size_t resized, converted;
};

static int compare_items(const void *a, const void *b)
{
    const struct item *const x = a;
    const struct item *const y = b;
    if (x->split != y->split) {
        return x->split - y->split;
    }
    if (x->label != y->label) {
        return x->label - y->label;
    }
    return strcmp(x->name, y->name);
}

static struct item *order_items(const struct mien_scan *scan, struct mien_error *err)
{
    struct item *const items = mien_calloc(scan->count, sizeof(*items), err);
    if (items == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < scan->count; i++) {
        const struct mien_found *const found = &scan->found[i];
        items[i] = (struct item){ .name = scan->text + found->name,
                                  .split = found->split,
                                  .label = found->folder };
    }
    qsort(items, scan->count, sizeof(*items), compare_items);
    return items;
}

/* Drop the items that the list of exclusions names. */
static enum mien_status leave_out(struct item *items, size_t *count, const struct mien_load *load,
                                  struct mien_error *err)
{
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++) {
        if (!mien_exclusion_has(load->exclusion, items[i].name)) {
            items[kept++] = items[i];
        }
    }
    const enum mien_status st =
        mien_exclusion_settle(load->exclusion, *count, kept, load->options->log, err);
    *count = kept;
    return st;
}

static enum mien_status decode_one(void *user, size_t index, struct mien_error *err)
{
    struct decoding *const job = user;
    const struct mien_dataset *const set = job->set;
    const size_t image = (size_t)set->channels * (size_t)set->height * (size_t)set->width;
    struct mien_bitmap bitmap = { 0 };
    enum mien_status st = MIEN_ERR_MEMORY;
    char *const path = mien_path_join(job->load->path, set->names[index], err);
    if (path == NULL) {
        goto done;
    }
    const enum mien_status read = mien_bitmap_read(&bitmap, path, err);
    TRY(mien_load_inspect(job->load, index, &bitmap, read, err));
    if (read != MIEN_OK) {
        goto done; /* the inspector has it */
    }
    if (bitmap.height != set->height || bitmap.width != set->width) {
        atomic_fetch_add(&job->resized, 1);
    }
    if (bitmap.converted || bitmap.channels != set->channels) {
        atomic_fetch_add(&job->converted, 1);
    }
    TRY(mien_bitmap_fit(job->images + index * image, &bitmap, set->channels, set->height,
                        set->width, err));
done:
    mien_bitmap_finish(&bitmap);
    free(path);
    return st;
}

static enum mien_status decode_all(struct mien_dataset *set, const struct mien_load *load,
                                   struct mien_error *err)
{
    const struct mien_data_options *const options = load->options;
    struct decoding job = { .load = load, .set = set, .images = mien_dataset_storage(set)->images };
    const enum mien_status st = mien_parallel_for(set->count, options->threads, decode_one, &job,
                                                  options->log, "decoding", err);
    set->resized = atomic_load(&job.resized);
    set->converted = atomic_load(&job.converted);
    return st;
}

/* The size that was asked for, or that of the first image. */
static enum mien_status choose_size(int *height, int *width, const struct mien_load *load,
                                    const char *first, struct mien_error *err)
{
    const struct mien_data_options *const options = load->options;
    *height = options->height;
    *width = options->width;
    if (options->height != 0) {
        return MIEN_OK;
    }
    char *const path = mien_path_join(load->path, first, err);
    if (path == NULL) {
        return MIEN_ERR_MEMORY;
    }
    struct mien_bitmap bitmap;
    const enum mien_status st = mien_bitmap_read(&bitmap, path, err);
    *height = bitmap.height;
    *width = bitmap.width;
    mien_bitmap_finish(&bitmap);
    free(path);
    return st;
}

/* Labels, splits and names of a set from its ordered items. */
static enum mien_status describe(struct mien_dataset *set, const struct item *items,
                                 struct mien_error *err)
{
    struct mien_data_storage *const storage = mien_dataset_storage(set);
    size_t counts[MIEN_SPLITS] = { 0 };
    set->names = mien_calloc(set->count, sizeof(*set->names), err);
    if (set->names == NULL) {
        return MIEN_ERR_MEMORY;
    }
    for (size_t i = 0; i < set->count; i++) {
        storage->labels[i] = items[i].label;
        set->names[i] = storage->text + (items[i].name - storage->text);
        counts[items[i].split]++;
    }
    mien_dataset_set_splits(set, counts);
    return MIEN_OK;
}

enum mien_status mien_folder_load(struct mien_dataset **out, const struct mien_load *load,
                                  struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_data_options *const options = load->options;
    const struct mien_inspector *const inspector = load->inspector;
    struct mien_scan scan = { .root = load->path, .log = options->log };
    struct item *items = NULL;
    struct mien_dataset *set = NULL;
    int height = 0;
    int width = 0;
    *out = NULL;

    TRY(mien_scan_run(&scan, err));
    items = order_items(&scan, err);
    if (items == NULL) {
        st = MIEN_ERR_MEMORY;
        goto done;
    }
    size_t count = scan.count;
    TRY(leave_out(items, &count, load, err));
    TRY(choose_size(&height, &width, load, items[0].name, err));
    TRY(mien_dataset_create(&set, count, options->channels, height, width, true, err));
    mien_dataset_storage(set)->text = scan.text;
    scan.text = NULL;
    set->skipped = scan.skipped;
    mien_dataset_take_classes(set, &scan.classes);
    TRY(describe(set, items, err));
    if (inspector != NULL) {
        TRY(inspector->begin(inspector->user, set, err));
    }
    TRY(decode_all(set, load, err));
    TRY(mien_dataset_settle(set, options, err));
    *out = set;
    set = NULL;
done:
    mien_dataset_destroy(set);
    mien_scan_finish(&scan);
    free(items);
    return st;
}
