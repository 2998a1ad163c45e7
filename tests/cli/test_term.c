/* test_term.c - bars on a real (pseudo) terminal, and what JSON cannot say */
#include "base/json.h"
#include "cli/term.h"

#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static void test_json__knows_no_infinity(void **state)
{
    (void)state;
    json_t *const infinite = mien_json_real(HUGE_VAL);
    assert_true(json_is_null(infinite));
    json_decref(infinite);
    json_t *const finite = mien_json_real(0.5);
    assert_true(json_is_real(finite));
    json_decref(finite);
}

static void nap(long milliseconds)
{
    const struct timespec t = { .tv_nsec = milliseconds * 1000000 };
    (void)nanosleep(&t, NULL);
}

/* Everything the terminal got so far; `text` holds `bytes`. */
static void read_terminal(int fd, char *text, size_t bytes)
{
    size_t used = 0;
    struct pollfd wait = { .fd = fd, .events = POLLIN };
    while (used < bytes - 1 && poll(&wait, 1, 50) == 1) {
        const ssize_t got = read(fd, text + used, bytes - 1 - used);
        if (got <= 0) {
            break;
        }
        used += (size_t)got;
    }
    text[used] = '\0';
}

/* stderr is a terminal of our own while `body` runs; what reached it comes back in `text`. */
static void with_terminal(void (*body)(void), char *text, size_t bytes)
{
    const int master = posix_openpt(O_RDWR | O_NOCTTY);
    if (master < 0) {
        print_message("no pseudo terminals here\n");
        skip();
    }
    assert_int_equal(grantpt(master), 0);
    assert_int_equal(unlockpt(master), 0);
    const int terminal = open(ptsname(master), O_RDWR | O_NOCTTY);
    assert_true(terminal >= 0);
    const int kept = dup(STDERR_FILENO);
    assert_true(kept >= 0);
    assert_int_equal(dup2(terminal, STDERR_FILENO), STDERR_FILENO);
    body();
    assert_int_equal(dup2(kept, STDERR_FILENO), STDERR_FILENO);
    read_terminal(master, text, bytes);
    (void)close(kept);
    (void)close(terminal);
    (void)close(master);
}

static size_t count(const char *text, const char *part)
{
    size_t found = 0;
    for (const char *at = text; (at = strstr(at, part)) != NULL; at += strlen(part)) {
        found++;
    }
    return found;
}

static void run_a_task(void)
{
    struct term term;
    term_init(&term, "test");
    for (size_t i = 0; i <= 300; i++) {
        term_progress(&term, "task", i, 300, NULL);
        nap(1);
    }
    term.log.line(term.log.user, "a notice");
}

static void test_progress__is_throttled_and_taken_away(void **state)
{
    (void)state;
    char text[8192];
    with_terminal(run_a_task, text, sizeof(text));
    const size_t drawn = count(text, "task: ");
    assert_in_range(drawn, 1, 40); /* 300 ms or, on a slow machine, some seconds: 10 a second */
    const char *const cleared = strstr(text, "\r\033[Ka notice");
    assert_non_null(cleared);
    assert_null(strstr(cleared, "task"));
}

static void draw_a_block(void)
{
    struct term term;
    term_init(&term, "test");
    term_block(&term, "one\ntwo\n", 2);
    for (size_t i = 0; i <= 300; i++) { /* the bar below comes and goes alone */
        term_progress(&term, "task", i, 300, NULL);
        nap(1);
    }
    term_block(&term, "three\nfour\n", 2); /* in place of the first */
    term.log.line(term.log.user, "a notice");
    term_block(&term, "five\n", 1);
    term_keep(&term);
    term.log.line(term.log.user, "another");
}

static void test_block__stays_until_something_is_printed_or_for_good(void **state)
{
    (void)state;
    char text[8192];
    with_terminal(draw_a_block, text, sizeof(text));
    assert_ptr_equal(strstr(text, "one\r\ntwo\r\n"), text);
    assert_true(count(text, "task: ") >= 1);
    assert_non_null(strstr(text, "\r\033[K\033[2A\033[Jthree\r\nfour\r\n\033[2A\033[Ja notice\r\n"
                                 "five\r\nanother\r\n"));
    assert_int_equal(count(text, "\033[2A\033[J"), 2);
}

/* A line as long as those of training, on terminals of two widths. */
static void run_in_columns(unsigned short columns)
{
    struct term term;
    const struct winsize window = { .ws_row = 24, .ws_col = columns };
    assert_int_equal(ioctl(STDERR_FILENO, TIOCSWINSZ, &window), 0);
    term_init(&term, "test");
    for (size_t i = 0; i < 150; i++) {
        term_progress(&term, "epoch 12/50", 12000 + i, 28709, "loss 1.2345 acc 53.12 %");
        nap(1);
    }
    term_clear(&term);
}

static void run_unknown(void)
{
    run_in_columns(0);
}

static void run_narrow(void)
{
    run_in_columns(40);
}

static void test_progress__fits_the_terminal(void **state)
{
    (void)state;
    char text[8192];
    with_terminal(run_unknown, text, sizeof(text));
    assert_non_null(strstr(text, "/s, loss 1.2345 acc 53.12 %]\033[K"));
    assert_null(strstr(text, "/28709")); /* which 80 columns have no room for */
    with_terminal(run_narrow, text, sizeof(text));
    assert_non_null(strstr(text, "]\033[K"));
    assert_null(strstr(text, "loss"));
}

static void run_quiet(void)
{
    struct term term;
    term_init(&term, "test");
    term.quiet = true;
    for (size_t i = 0; i < 150; i++) {
        term_progress(&term, "task", i, 300, NULL);
        nap(1);
    }
    term.log.line(term.log.user, "a notice");
    term_error(&term, "a file\n\033[31mred");
}

static void test_progress__is_silent_when_quiet_but_for_errors(void **state)
{
    (void)state;
    char text[8192];
    with_terminal(run_quiet, text, sizeof(text));
    assert_string_equal(text, "mien test: a file??[31mred\r\n");
}

/* stdout is a file while `body` runs; what it got comes back in `text`. */
static void with_stdout(void (*body)(struct term *term), char *text, size_t bytes)
{
    FILE *const file = tmpfile();
    struct term term;
    assert_non_null(file);
    (void)fflush(stdout);
    const int kept = dup(STDOUT_FILENO);
    assert_true(kept >= 0);
    assert_int_equal(dup2(fileno(file), STDOUT_FILENO), STDOUT_FILENO);
    term_init(&term, "test");
    body(&term);
    term_flush(&term);
    assert_int_equal(dup2(kept, STDOUT_FILENO), STDOUT_FILENO);
    assert_int_equal(term.write_errno, 0);
    (void)close(kept);
    rewind(file);
    text[fread(text, 1, bytes - 1, file)] = '\0';
    (void)fclose(file);
}

static void print_controls(struct term *term)
{
    term_print(term, "%s\n%s\n",
               "a\t\x1b[31m\r\x7f"
               "b",
               "\xC2\x9B"
               "2J gl\xC3\xBC"
               "ck \xC2\xA0");
}

static void test_print__tells_the_terminal_nothing(void **state)
{
    (void)state;
    char text[256];
    with_stdout(print_controls, text, sizeof(text));
    assert_string_equal(text, "a??[31m??b\n??2J gl\xC3\xBC"
                              "ck \xC2\xA0\n");
}

static void print_long(struct term *term)
{
    char line[5001];
    memset(line, 'x', sizeof(line) - 1);
    line[sizeof(line) - 1] = '\0';
    term_print(term, "%s\n", line);
}

static void test_print__cuts_no_line(void **state)
{
    (void)state;
    char text[6000];
    with_stdout(print_long, text, sizeof(text));
    assert_int_equal(strlen(text), 5001);
    assert_int_equal(text[4999], 'x');
}

static void print_json_controls(struct term *term)
{
    struct mien_error err = { "" };
    json_t *const value = json_string("a\x1b\n\x7f"
                                      "b\xC2\x9B gl\xC3\xBC"
                                      "ck");
    assert_int_equal(term_json(term, value, &err), MIEN_OK);
}

static void test_json__escapes_every_control_character(void **state)
{
    (void)state;
    char text[256];
    with_stdout(print_json_controls, text, sizeof(text));
    assert_string_equal(text, "\"a\\u001B\\n\\u007Fb\\u009B gl\xC3\xBC"
                              "ck\"\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json__knows_no_infinity),
        cmocka_unit_test(test_json__escapes_every_control_character),
        cmocka_unit_test(test_print__tells_the_terminal_nothing),
        cmocka_unit_test(test_print__cuts_no_line),
        cmocka_unit_test(test_progress__is_throttled_and_taken_away),
        cmocka_unit_test(test_block__stays_until_something_is_printed_or_for_good),
        cmocka_unit_test(test_progress__fits_the_terminal),
        cmocka_unit_test(test_progress__is_silent_when_quiet_but_for_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
