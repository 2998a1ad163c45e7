/*
 * fuzz_history.c - history.csv, as a run that goes on keeps it, and as a report reads it
 *
 * A byte, the number of rows that are wanted less one, then the file.
 */
#include <stdlib.h>

#include "fuzz/fuzz.h"
#include "train/history.h"

static void keep(const char *path, int rows, size_t size)
{
    struct mien_history history = { 0 };
    struct mien_error err = { "" };
    const enum mien_status st = mien_history_init(&history, path, rows, &err);
    fuzz_outcome(st, st == MIEN_OK ? &history : NULL, &err);
    if (st == MIEN_OK) {
        fuzz_expect(history.bytes <= size, "no more is kept than there was");
        fuzz_touch(history.text, history.bytes);
    }
    mien_history_finish(&history);
}

static void load(const char *path)
{
    struct mien_epoch *rows = NULL;
    size_t count = 0;
    struct mien_error err = { "" };
    const enum mien_status st = mien_history_load(&rows, &count, path, &err);
    fuzz_outcome(st, st == MIEN_OK ? &rows : NULL, &err);
    fuzz_expect(st == MIEN_OK || rows == NULL, "an error leaves no rows");
    for (size_t i = 0; st == MIEN_OK && i < count; i++) {
        fuzz_touch(&rows[i], sizeof(rows[i]));
    }
    free(rows);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 0) {
        const char *const path = fuzz_file(data + 1, size - 1);
        keep(path, data[0] + 1, size - 1);
        load(path);
    }
    return 0;
}
