/* fuzz_packed.c - packed data sets: as they are, and converted to another size and colour form */
#include <string.h>

#include "data/build.h"
#include "data/targets.h"
#include "fuzz/fuzz.h"

static void load(const char *path, const struct mien_data_options *options)
{
    const struct mien_load load = { .path = path, .options = options };
    struct mien_dataset *set = NULL;
    struct mien_error err = { "" };
    const enum mien_status st = mien_packed_load(&set, &load, &err);
    fuzz_outcome(st, set, &err);
    if (st == MIEN_OK) {
        size_t sum = 0;
        for (int s = 0; s < MIEN_SPLITS; s++) {
            sum += set->splits[s].count;
        }
        fuzz_expect(sum == set->count, "every image is in a split");
        for (size_t i = 0; i < set->count; i++) {
            fuzz_expect(set->labels[i] >= 0 && set->labels[i] < set->class_count,
                        "labels are classes");
            if (set->names != NULL) {
                fuzz_touch(set->names[i], strlen(set->names[i]) + 1);
            }
        }
        if (set->targets != NULL) {
            fuzz_expect(mien_targets_check(set, &err) == MIEN_OK, "targets are shares");
        }
        fuzz_touch(set->images,
                   set->count * (size_t)set->channels * (size_t)set->height * (size_t)set->width);
    }
    mien_dataset_destroy(set);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct mien_data_options as_it_is = { .channels = 1, .split = 0.3, .threads = 1 };
    const struct mien_data_options other = { .channels = 3, .height = 5, .width = 3, .threads = 1 };
    const char *const path = fuzz_file(data, size);
    load(path, &as_it_is);
    load(path, &other);
    return 0;
}
