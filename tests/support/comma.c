/* comma.c - a locale that writes 1,5 where C writes 1.5 */
#include "support/comma.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <locale.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "support/scratch.h"

extern char **environ;

static const char source_text[] = "comment_char %\n"
                                  "escape_char /\n"
                                  "LC_NUMERIC\n"
                                  "decimal_point \",\"\n"
                                  "thousands_sep \"\"\n"
                                  "grouping -1\n"
                                  "END LC_NUMERIC\n";

/* Compiled here, as no machine needs to have a locale installed. */
static void compile(const char *folder)
{
    char *const source = scratch_path(folder, "comma.src");
    char *const locale = scratch_path(folder, "comma");
    char program[] = "localedef";
    char quiet[] = "--quiet";
    char force[] = "-c"; /* the other categories are not there, which makes its status 1 */
    char input[] = "-i";
    char *argv[] = { program, quiet, force, input, source, locale, NULL };
    pid_t child = 0;
    int status = 0;
    scratch_write(source, source_text, strlen(source_text));
    assert_int_equal(posix_spawnp(&child, argv[0], NULL, NULL, argv, environ), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    free(source);
    free(locale);
}

void comma_enter(const char *folder)
{
    char text[8];
    compile(folder);
    assert_int_equal(setenv("LOCPATH", folder, 1), 0);
    assert_non_null(setlocale(LC_ALL, "comma"));
    (void)snprintf(text, sizeof(text), "%.1f", 1.5);
    assert_string_equal(text, "1,5");
}

void comma_leave(void)
{
    assert_non_null(setlocale(LC_ALL, "C"));
    assert_int_equal(unsetenv("LOCPATH"), 0);
}
