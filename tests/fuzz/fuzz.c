/* fuzz.c - what the fuzz targets share */
#include "fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void fuzz_expect(bool holds, const char *what)
{
    if (!holds) {
        (void)fprintf(stderr, "fuzz: does not hold: %s\n", what);
        abort();
    }
}

const char *fuzz_file(const uint8_t *data, size_t size)
{
    static int file = -1;
    static char path[32];
    if (file < 0) {
        file = memfd_create("fuzz", 0);
        fuzz_expect(file >= 0, "a file in memory can be made");
        (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
    }
    fuzz_expect(ftruncate(file, 0) == 0 && pwrite(file, data, size, 0) == (ssize_t)size,
                "a file in memory can be written");
    return path;
}

void fuzz_outcome(enum mien_status st, const void *out, const struct mien_error *err)
{
    fuzz_expect((st == MIEN_OK) == (out != NULL), "there is a result, or there is an error");
    if (st != MIEN_OK) {
        fuzz_expect(memchr(err->text, '\0', sizeof(err->text)) != NULL, "an error's text ends");
        fuzz_expect(err->text[0] != '\0', "an error has a text");
        for (const char *at = err->text; *at != '\0'; at++) {
            fuzz_expect((unsigned char)*at >= 0x20 && *at != 0x7f,
                        "an error is one line without control characters");
        }
    }
}

void fuzz_touch(const void *data, size_t bytes)
{
    static volatile uint8_t sink;
    const uint8_t *const from = data;
    uint8_t all = 0;
    for (size_t i = 0; i < bytes; i++) {
        all ^= from[i];
    }
    sink = all;
    (void)sink;
}
