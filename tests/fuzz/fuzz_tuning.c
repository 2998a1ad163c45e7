/* fuzz_tuning.c - the chosen kernels, as checkpoints and as files in the cache keep them */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "tune/table.h"

/* The file of a device all of whose texts are empty. */
static void load(const char *path)
{
    static const struct mien_device_info device;
    struct mien_tuning tuning = { 0 };
    struct mien_error err = { "" };
    const enum mien_status st = mien_tuning_load(&tuning, path, &device, &err);
    fuzz_outcome(st, st == MIEN_OK ? &tuning : NULL, &err);
    fuzz_expect(st == MIEN_OK || tuning.count == 0, "an error leaves an empty table");
    mien_tuning_finish(&tuning);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mien_tuning tuning = { 0 };
    struct mien_tuning again = { 0 };
    struct mien_error err = { "" };
    char *const text = malloc(size + 1);
    fuzz_expect(text != NULL, "there is memory");
    memcpy(text, data, size);
    text[size] = '\0';
    enum mien_status st = mien_tuning_parse(&tuning, text, &err);
    fuzz_outcome(st, st == MIEN_OK ? &tuning : NULL, &err);
    fuzz_expect(st == MIEN_OK || tuning.count == 0, "an error leaves an empty table");
    if (st == MIEN_OK) {
        char *const line = mien_tuning_format(&tuning, &err);
        fuzz_expect(line != NULL, "what was read can be written");
        fuzz_expect(mien_tuning_parse(&again, line, &err) == MIEN_OK,
                    "what is written can be read");
        fuzz_expect(tuning.count == again.count, "what is read back is the same");
        free(line);
    }
    mien_tuning_finish(&tuning);
    mien_tuning_finish(&again);
    free(text);
    load(fuzz_file(data, size));
    return 0;
}
