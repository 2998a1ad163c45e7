/** utf8.h - whether a text is UTF-8, and what to show of one that is not (internal) */
#ifndef MIEN_BASE_UTF8_H
#define MIEN_BASE_UTF8_H

#include <stdbool.h>

/** Whether a text is UTF-8 by RFC 3629: nothing too long for its character, no surrogates, nothing
 * beyond U+10FFFF. */
bool mien_is_utf8(const char *text);

/** Put a question mark for every byte that is no ASCII. */
void mien_ascii_only(char *text);

#endif
