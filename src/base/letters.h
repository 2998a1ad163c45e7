/** letters.h - letters of ASCII in either case, whatever the locale of the program (internal) */
#ifndef MIEN_BASE_LETTERS_H
#define MIEN_BASE_LETTERS_H

#include <stdbool.h>
#include <stddef.h>

/** Whether the first `length` characters agree, or all where both texts are shorter. */
bool mien_same_letters(const char *a, const char *b, size_t length);

/** Whether two texts agree. */
bool mien_same_text(const char *a, const char *b);

/** Whether something is before `ending`, such as ".csv", and nothing behind it. */
bool mien_has_ending(const char *text, const char *ending);

#endif
