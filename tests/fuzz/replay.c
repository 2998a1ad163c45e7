/*
 * replay.c - a fuzz target over the files of folders, without a fuzzer
 *
 *   replay FOLDER...
 *
 * Each file is given as it is and cut short in a few places, in a block of just its size, so that a
 * read behind its end is seen.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "fuzz/fuzz.h"

/* AddressSanitizer asks for it: no file of a corpus needs more at once, whatever it says of itself.
 */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "max_allocation_size_mb=512";
}

enum { CUTS = 8, LARGEST_BYTES = 1 << 20 };

static void run(const unsigned char *data, size_t bytes)
{
    uint8_t *const exact = malloc(bytes > 0 ? bytes : 1);
    fuzz_expect(exact != NULL, "there is memory");
    memcpy(exact, data, bytes);
    (void)LLVMFuzzerTestOneInput(exact, bytes);
    free(exact);
}

static void replay(const char *path)
{
    unsigned char *data = NULL;
    size_t bytes = 0;
    struct mien_error err = { "" };
    if (mien_file_read(&data, &bytes, path, LARGEST_BYTES, &err) != MIEN_OK) {
        (void)fprintf(stderr, "replay: %s\n", err.text);
        exit(1);
    }
    for (size_t cut = 0; cut < CUTS; cut++) {
        run(data, bytes * cut / CUTS);
    }
    run(data, bytes);
    free(data);
}

static int is_shown(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

int main(int argc, char **argv)
{
    int count = 0;
    for (int i = 1; i < argc; i++) {
        struct dirent **entries = NULL;
        const int found = scandir(argv[i], &entries, is_shown, alphasort);
        for (int k = 0; k < found; k++) {
            char path[4096];
            (void)snprintf(path, sizeof(path), "%s/%s", argv[i], entries[k]->d_name);
            (void)fprintf(stderr, "%s\n", path); /* the last one is the one that failed */
            replay(path);
            free(entries[k]);
            count++;
        }
        free(entries);
    }
    (void)fprintf(stderr, "%d files replayed\n", count);
    return count > 0 ? 0 : 1;
}
