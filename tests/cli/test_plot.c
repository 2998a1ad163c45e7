/* test_plot.c - curves in the characters of a terminal */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "cli/plot.h"
#include "cli/text.h"

#define GAP ((double)NAN)

static const double rising[] = { 0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0 };
static const double falling[] = { 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0, 0.0 };
static const double none[] = { GAP, GAP, GAP, GAP, GAP, GAP, GAP, GAP };

/* Eight places over eight dots, two lines. */
static struct plot small(const double *first, const double *second)
{
    return (struct plot){ .title = "t",
                          .values = { first, second },
                          .names = { "a", "b" },
                          .count = 8,
                          .total = 8,
                          .columns = PLOT_LABEL + 4,
                          .lines = 2 };
}

static void assert_line(const struct plot *plot, int line, const char *want)
{
    struct plot_drawing drawing;
    char got[PLOT_LINE_BYTES];
    plot_draw(&drawing, plot);
    assert_string_equal(plot_line(got, plot, &drawing, line), want);
}

static void test_plot__draws_the_second_curve_through(void **state)
{
    (void)state;
    const struct plot plot = small(none, falling);
    assert_line(&plot, 1, " 7.00 \xE2\xA0\x99\xE2\xA2\xA6\xE2\xA1\x80\xE2\xA0\x80");
    assert_line(&plot, 2, " 0.00 \xE2\xA0\x80\xE2\xA0\x80\xE2\xA0\x99\xE2\xA2\xA6");
}

static void test_plot__dots_the_first_curve(void **state)
{
    (void)state;
    const struct plot plot = small(rising, none);
    struct plot_drawing drawing;
    plot_draw(&drawing, &plot);
    for (int x = 0; x < 4; x++) {
        const int dots = drawing.dots[0][0][x] | drawing.dots[0][1][x];
        assert_int_equal(dots & 0xB8, 0); /* nothing in the right columns */
        assert_int_not_equal(dots & 0x47, 0);
    }
    assert_int_equal(drawing.dots[0][1][0], 0x40); /* the lowest on the left */
}

static void test_plot__leaves_gaps_and_places_to_come_empty(void **state)
{
    (void)state;
    static const double gap[] = { 1.0, GAP, GAP, 0.0, 0.0, 0.0, 0.0, 0.0 };
    struct plot plot = small(none, gap);
    assert_line(&plot, 1, " 1.00 \xE2\xA0\x81\xE2\xA0\x80\xE2\xA0\x80\xE2\xA0\x80");
    assert_line(&plot, 2, " 0.00 \xE2\xA0\x80\xE2\xA2\x80\xE2\xA3\x80\xE2\xA3\x80");
    plot.total = 15; /* the eighth of fifteen is in the middle, the fourth at the third dot */
    assert_line(&plot, 2, " 0.00 \xE2\xA0\x80\xE2\xA3\x80\xE2\xA1\x80\xE2\xA0\x80");
}

static void test_plot__bears_any_values(void **state)
{
    (void)state;
    static const double odd[] = { 1e300, -1e300, HUGE_VAL, -HUGE_VAL, GAP, 0.0, 1e5, -1e-300 };
    static const double same[] = { 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3 };
    const double *const all[] = { odd, same, none, rising };
    for (size_t i = 0; i < 16 * 4; i++) {
        struct plot plot = small(all[i % 4], all[i / 4 % 4]);
        struct plot_drawing drawing;
        char line[PLOT_LINE_BYTES];
        plot.percent = i / 16 % 2 == 1;
        plot.count = i / 32 == 0 ? 8 : 1;
        plot.total = plot.count;
        plot.columns = PLOT_COLUMNS;
        plot.lines = PLOT_LINES;
        plot_draw(&drawing, &plot);
        for (int k = 0; k <= plot.lines; k++) {
            assert_int_equal(text_columns(plot_line(line, &plot, &drawing, k)), PLOT_COLUMNS);
        }
    }
}

static void test_plot__tells_percent_and_large_numbers(void **state)
{
    (void)state;
    static const double parts[] = { 0.14, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.71 };
    static const double large[] = { 12.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 123456.0 };
    struct plot_drawing drawing;
    char line[PLOT_LINE_BYTES];
    struct plot plot = small(parts, none);
    plot.percent = true;
    plot_draw(&drawing, &plot);
    assert_memory_equal(plot_line(line, &plot, &drawing, 1), "  80% ", 6);
    assert_memory_equal(plot_line(line, &plot, &drawing, 2), "  10% ", 6);
    plot = small(large, none);
    plot_draw(&drawing, &plot);
    assert_memory_equal(plot_line(line, &plot, &drawing, 1), "1e+05 ", 6);
}

static void test_title__is_as_wide_as_the_plot(void **state)
{
    (void)state;
    struct plot plot = small(rising, falling);
    assert_line(&plot, 0, "t  \xE2\x94\x84 a    "); /* no room for the second name */
    plot.columns = 12;
    assert_line(&plot, 0, "t  \xE2\x94\x84 a  \xE2\x94\x80 b ");
}

static void test_colours__are_only_where_they_are_wanted(void **state)
{
    (void)state;
    struct plot plot = small(rising, falling);
    struct plot_drawing drawing;
    char line[PLOT_LINE_BYTES];
    plot.columns = 20;
    for (int on = 0; on < 2; on++) {
        plot.coloured = on == 1;
        plot_draw(&drawing, &plot);
        for (int k = 0; k <= plot.lines; k++) {
            (void)plot_line(line, &plot, &drawing, k);
            assert_int_equal(strstr(line, "\033[34m") != NULL, on);
            assert_int_equal(strstr(line, "\033[33m") != NULL, on);
            assert_int_equal(strchr(line, '\033') != NULL, on);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plot__draws_the_second_curve_through),
        cmocka_unit_test(test_plot__dots_the_first_curve),
        cmocka_unit_test(test_plot__leaves_gaps_and_places_to_come_empty),
        cmocka_unit_test(test_plot__bears_any_values),
        cmocka_unit_test(test_plot__tells_percent_and_large_numbers),
        cmocka_unit_test(test_title__is_as_wide_as_the_plot),
        cmocka_unit_test(test_colours__are_only_where_they_are_wanted),
    };
    return cmocka_run_group_tests_name("cli/plot", tests, NULL, NULL);
}
