/* print.c - texts printed into memory, and from there into files */
#include "base/print.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/number.h"

enum mien_status mien_print(char **out, size_t *bytes, mien_print_fn print, const void *user,
                            const char *what, struct mien_error *err)
{
    struct mien_plain_numbers numbers;
    char *text = NULL;
    size_t length = 0;
    *out = NULL;
    const enum mien_status st = mien_plain_numbers_begin(&numbers, err);
    if (st != MIEN_OK) {
        return st;
    }
    FILE *const to = open_memstream(&text, &length);
    bool good = to != NULL;
    if (good) {
        print(to, user);
        good = ferror(to) == 0;
        /* glibc's fclose() succeeds with text NULL when the last realloc() is refused */
        good = fclose(to) == 0 && good && text != NULL;
    }
    mien_plain_numbers_end(&numbers);
    if (!good) {
        free(text);
        return mien_fail(err, MIEN_ERR_MEMORY, "no memory for %s", what);
    }
    *out = text;
    if (bytes != NULL) {
        *bytes = length;
    }
    return MIEN_OK;
}

enum mien_status mien_print_file(const char *path, mien_print_fn print, const void *user,
                                 struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    char *text = NULL;
    size_t bytes = 0;
    TRY(mien_print(&text, &bytes, print, user, path, err));
    TRY(mien_file_replace(path, text, bytes, err));

done:
    free(text);
    return st;
}
