/* fuzz_exclude.c - lists of images to leave out */
#include "data/exclude.h"
#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mien_exclusion *list = NULL;
    struct mien_error err = { "" };
    const enum mien_status st = mien_exclusion_read(&list, fuzz_file(data, size), &err);
    fuzz_outcome(st, list, &err);
    if (st == MIEN_OK) {
        const size_t kept = (size_t)!mien_exclusion_has(list, "train/sad/1.png") +
                            (size_t)!mien_exclusion_has(list, "a");
        const enum mien_status settled = mien_exclusion_settle(list, 2, kept, NULL, &err);
        fuzz_outcome(settled, settled == MIEN_OK ? list : NULL, &err);
    }
    mien_exclusion_destroy(list);
    return 0;
}
