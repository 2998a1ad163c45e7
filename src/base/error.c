/* error.c - filling in struct mien_error */
#include "base/error.h"

#undef mien_fail /* the analyzer's forms */
#undef mien_wrap

#include <stdarg.h>
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

int mien_control_bytes(const char *at)
{
    const unsigned char *const byte = (const unsigned char *)at;
    if (byte[0] == '\0') {
        return 0;
    }
    if (byte[0] < 0x20 || byte[0] == 0x7F) {
        return 1;
    }
    return byte[0] == 0xC2 && byte[1] >= 0x80 && byte[1] <= 0x9F ? 2 : 0;
}

void mien_one_line(char *text)
{
    while (*text != '\0') {
        const int bytes = mien_control_bytes(text);
        memset(text, '?', (size_t)bytes);
        text += bytes > 0 ? bytes : 1;
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
