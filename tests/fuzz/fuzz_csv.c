/* fuzz_csv.c - fer2013.csv */
#include "data/build.h"
#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct mien_data_options options = { .channels = 1, .split = 0.3, .threads = 1 };
    const struct mien_load load = { .path = fuzz_file(data, size), .options = &options };
    struct mien_dataset *set = NULL;
    struct mien_error err = { "" };
    const enum mien_status st = mien_csv_load(&set, &load, &err);
    fuzz_outcome(st, set, &err);
    for (size_t i = 0; st == MIEN_OK && i < set->count; i++) {
        fuzz_expect(set->labels[i] >= 0 && set->labels[i] < set->class_count, "labels are classes");
    }
    if (st == MIEN_OK) {
        fuzz_touch(set->images, set->count * (size_t)set->height * (size_t)set->width);
    }
    mien_dataset_destroy(set);
    return 0;
}
