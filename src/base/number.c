/* number.c - numbers in files, in the C locale, and in messages */
#include "base/number.h"

#include <stdio.h>

enum mien_status mien_plain_numbers_begin(struct mien_plain_numbers *numbers,
                                          struct mien_error *err)
{
    numbers->plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (numbers->plain == (locale_t)0) {
        return mien_fail(err, MIEN_ERR_MEMORY, "no memory for the C locale");
    }
    numbers->before = uselocale(numbers->plain);
    return MIEN_OK;
}

void mien_plain_numbers_end(const struct mien_plain_numbers *numbers)
{
    (void)uselocale(numbers->before);
    freelocale(numbers->plain);
}

const char *mien_mib(char out[MIEN_MIB_BYTES], uint64_t bytes)
{
    (void)snprintf(out, MIEN_MIB_BYTES, "%.1f MiB", (double)bytes / (1024.0 * 1024.0));
    return out;
}
