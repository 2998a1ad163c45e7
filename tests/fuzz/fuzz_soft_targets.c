/* fuzz_soft_targets.c - CSV files with target distributions */
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "data/build.h"
#include "data/targets.h"
#include "fuzz/fuzz.h"

enum { IMAGES = 5, CLASSES = 3 };

/* Images of one pixel in three classes, of which two have names that others stand for. */
static struct mien_dataset *make_set(void)
{
    static char names[IMAGES][16] = { "a.png", "b,c.png", "", "train/sad/1.png", "\"" };
    static const char *const classes[CLASSES] = { "happy", "sad", "x" };
    struct mien_dataset *set = NULL;
    struct mien_class_list list = { 0 };
    struct mien_error err = { "" };
    fuzz_expect(mien_dataset_create(&set, IMAGES, 1, 1, 1, true, &err) == MIEN_OK, "memory");
    for (size_t i = 0; i < CLASSES; i++) {
        fuzz_expect(mien_class_list_add(&list, classes[i], &err) == MIEN_OK, "memory");
    }
    mien_dataset_take_classes(set, &list);
    set->names = mien_calloc(IMAGES, sizeof(*set->names), &err);
    fuzz_expect(set->names != NULL, "memory");
    for (size_t i = 0; i < IMAGES; i++) {
        set->names[i] = names[i];
        mien_dataset_storage(set)->labels[i] = (int32_t)(i % CLASSES);
    }
    return set;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mien_dataset *const set = make_set();
    struct mien_error err = { "" };
    const enum mien_status st = mien_targets_read(set, fuzz_file(data, size), NULL, &err);
    fuzz_outcome(st, set->targets, &err);
    if (st == MIEN_OK) {
        fuzz_expect(mien_targets_check(set, &err) == MIEN_OK, "what was read are shares");
    }
    mien_dataset_destroy(set);
    return 0;
}
