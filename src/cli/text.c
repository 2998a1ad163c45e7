/* text.c - names from files, made fit for a table, and other texts */
#include "cli/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"

/* Of a character in UTF-8: every byte but the first. */
static bool continues(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

int text_columns(const char *text)
{
    int columns = 0;
    for (; *text != '\0'; text++) {
        columns += continues(*text) ? 0 : 1;
    }
    return columns;
}

char *text_cell(char *out, size_t bytes, const char *text, int columns)
{
    size_t used = 0;
    int shown = 0;
    while (*text != '\0' && used + 1 < bytes) {
        shown += continues(*text) ? 0 : 1;
        if (columns > 0 && shown > columns) {
            shown--;
            break;
        }
        const int control = mien_control_bytes(text);
        out[used++] = *text;
        if (control > 0) {
            out[used - 1] = '?';
        }
        text += control > 0 ? control : 1;
    }
    for (; shown < columns && used + 1 < bytes; shown++) {
        out[used++] = ' ';
    }
    out[used] = '\0';
    return out;
}

char *text_bar(char *out, size_t bytes, double part, int columns, bool blocks)
{
    /* U+2588 is a full block, U+2589 has seven eighths of it, and so on to U+258F. */
    const int eighths = part > 0 ? (int)(part * columns * 8 + 0.5) : 0;
    const int whole = blocks ? eighths / 8 : (eighths + 4) / 8;
    const int rest = blocks ? eighths % 8 : 0;
    size_t used = 0;
    for (int i = 0; i < whole && used + 4 <= bytes; i++) {
        const char *const cell = blocks ? "\xE2\x96\x88" : "#";
        memcpy(out + used, cell, strlen(cell));
        used += strlen(cell);
    }
    if (rest > 0 && used + 4 <= bytes) {
        const char cell[3] = { '\xE2', '\x96', (char)(0x90 - rest) };
        memcpy(out + used, cell, sizeof(cell));
        used += sizeof(cell);
    }
    out[used] = '\0';
    return out;
}

char *text_rate(char out[TEXT_RATE_BYTES], double per_second)
{
    if (!isfinite(per_second)) {
        (void)snprintf(out, TEXT_RATE_BYTES, "?");
    } else {
        const int digits = per_second >= 1000   ? 0
                           : per_second >= 10   ? 1
                           : per_second >= 0.01 ? 2
                                                : 6;
        (void)snprintf(out, TEXT_RATE_BYTES, "%.*f", digits, fmin(per_second, 1e15));
    }
    return out;
}

char *text_of_key(const json_t *object, const char *key)
{
    const char *const text = json_string_value(json_object_get(object, key));
    return text != NULL ? mien_strdup(text, NULL) : NULL;
}
