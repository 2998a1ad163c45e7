/** comma.h - a locale that writes 1,5 where C writes 1.5 */
#ifndef MIEN_TESTS_SUPPORT_COMMA_H
#define MIEN_TESTS_SUPPORT_COMMA_H

/** Make such a locale in an empty folder and set it; back with comma_leave(). */
void comma_enter(const char *folder);
void comma_leave(void);

#endif
