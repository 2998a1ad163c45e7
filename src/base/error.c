/* error.c - filling in struct mien_error */
#include "base/error.h"

#undef mien_fail /* the analyzer's forms */
#undef mien_wrap

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

const char *mien_status_name(enum mien_status status)
{
    switch (status) {
    case MIEN_OK: return "MIEN_OK";
    case MIEN_ERR_MEMORY: return "MIEN_ERR_MEMORY";
    case MIEN_ERR_SHAPE: return "MIEN_ERR_SHAPE";
    case MIEN_ERR_FORMAT: return "MIEN_ERR_FORMAT";
    case MIEN_ERR_NO_DEVICE: return "MIEN_ERR_NO_DEVICE";
    case MIEN_ERR_CL: return "MIEN_ERR_CL";
    case MIEN_ERR_IO: return "MIEN_ERR_IO";
    case MIEN_ERR_USAGE: return "MIEN_ERR_USAGE";
    case MIEN_ERR_NOT_FINITE: return "MIEN_ERR_NOT_FINITE";
    case MIEN_ERR_INTERRUPTED: return "MIEN_ERR_INTERRUPTED";
    }
    return "unknown status";
}

void mien_one_line(char *text)
{
    for (unsigned char *at = (unsigned char *)text; *at != '\0'; at++) {
        const bool c1 = at[0] == 0xC2 && at[1] >= 0x80 && at[1] <= 0x9F; /* in UTF-8 */
        if (*at < 0x20 || *at == 0x7F || c1) {
            *at = '?';
            at += c1 ? 1 : 0;
            *at = '?';
        }
    }
}

enum mien_status mien_fail(struct mien_error *err, enum mien_status status, const char *fmt, ...)
{
    if (err != NULL) {
        va_list args;
        va_start(args, fmt);
        (void)vsnprintf(err->text, sizeof(err->text), fmt, args);
        va_end(args);
        mien_one_line(err->text);
    }
    return status;
}

enum mien_status mien_wrap(struct mien_error *err, enum mien_status status, const char *fmt, ...)
{
    if (err != NULL) {
        char doing[256];
        va_list args;
        va_start(args, fmt);
        (void)vsnprintf(doing, sizeof(doing), fmt, args);
        va_end(args);
        mien_one_line(doing);

        char both[sizeof(doing) + 2 + sizeof(err->text)];
        (void)snprintf(both, sizeof(both), "%s: %s", doing, err->text);
        both[sizeof(err->text) - 1] = '\0'; /* the cause is cut, never the context */
        memcpy(err->text, both, sizeof(err->text));
    }
    return status;
}
