/*
 * fuzz_classes.c - names of class folders and image files: which class, which split
 *
 * Each line is a file, FOLDER/NAME, in a set without folders for splits.
 */
#include <stdlib.h>
#include <string.h>

#include "data/build.h"
#include "data/scan.h"
#include "fuzz/fuzz.h"

enum { MOST = 64 };

/* The lines of `text`, which has zero bytes for newlines afterwards, as files that were found. */
static void find(struct mien_scan *scan, struct mien_found *found, char *text)
{
    struct mien_error err = { "" };
    for (char *line = strtok_r(text, "\n", &text); line != NULL && scan->count < MOST;
         line = strtok_r(NULL, "\n", &text)) {
        char *const slash = strchr(line, '/');
        if (slash == NULL || slash == line) {
            continue;
        }
        *slash = '\0';
        fuzz_expect(mien_class_list_add(&scan->folders, line, &err) == MIEN_OK, "there is memory");
        const int folder = mien_class_list_find(&scan->folders, line);
        fuzz_expect(folder >= 0, "what was added is found");
        *slash = '/';
        found[scan->count++] =
            (struct mien_found){ .name = (size_t)(line - scan->text), .folder = folder };
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mien_found found[MOST];
    struct mien_error err = { "" };
    char *const text = malloc(size + 1);
    fuzz_expect(text != NULL, "there is memory");
    memcpy(text, data, size);
    text[size] = '\0';
    struct mien_scan scan = { .root = "set", .found = found, .text = text };
    find(&scan, found, text);
    if (scan.count > 0) {
        const enum mien_status st = mien_scan_name_classes(&scan, &err);
        fuzz_outcome(st, st == MIEN_OK ? &scan : NULL, &err);
        mien_scan_name_splits(&scan);
        for (size_t i = 0; st == MIEN_OK && i < scan.count; i++) {
            fuzz_expect(found[i].folder >= 0 && (size_t)found[i].folder < scan.classes.count,
                        "a file has a class");
            fuzz_expect(found[i].split >= 0 && found[i].split < MIEN_SPLITS, "a file has a split");
        }
    }
    mien_class_list_finish(&scan.folders);
    mien_class_list_finish(&scan.classes);
    free(text);
    return 0;
}
