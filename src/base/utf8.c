/* utf8.c - whether a text is UTF-8, and what to show of one that is not */
#include "base/utf8.h"

#include <stddef.h>

/* What the first byte of a character promises: bytes that follow, and the range of the next one. */
struct lead {
    unsigned char first, last; /* such a first byte */
    unsigned char more;
    unsigned char low, high; /* the second byte; those behind it are 0x80 to 0xBF */
};

/* RFC 3629, section 4. */
static const struct lead leads[] = {
    { 0x00, 0x7F, 0, 0x00, 0x00 }, { 0xC2, 0xDF, 1, 0x80, 0xBF }, { 0xE0, 0xE0, 2, 0xA0, 0xBF },
    { 0xE1, 0xEC, 2, 0x80, 0xBF }, { 0xED, 0xED, 2, 0x80, 0x9F }, { 0xEE, 0xEF, 2, 0x80, 0xBF },
    { 0xF0, 0xF0, 3, 0x90, 0xBF }, { 0xF1, 0xF3, 3, 0x80, 0xBF }, { 0xF4, 0xF4, 3, 0x80, 0x8F },
};

static const struct lead *find_lead(unsigned char byte)
{
    for (size_t i = 0; i < sizeof(leads) / sizeof(leads[0]); i++) {
        if (byte >= leads[i].first && byte <= leads[i].last) {
            return &leads[i];
        }
    }
    return NULL;
}

bool mien_is_utf8(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    while (*at != '\0') {
        const struct lead *const lead = find_lead(*at++);
        if (lead == NULL || (lead->more > 0 && (*at < lead->low || *at > lead->high))) {
            return false;
        }
        for (int i = 0; i < lead->more; i++, at++) {
            if ((*at & 0xC0) != 0x80) { /* the end of the text too */
                return false;
            }
        }
    }
    return true;
}

void mien_ascii_only(char *text)
{
    for (; *text != '\0'; text++) {
        *text = (char)((unsigned char)*text < 0x80 ? *text : '?');
    }
}
