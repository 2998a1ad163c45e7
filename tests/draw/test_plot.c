/* test_plot.c - lines stand where their numbers are, and nowhere beyond the axes */
#include "draw/plot.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support/device.h"
#include "support/scratch.h"

static const struct mien_colour red = { 255, 0, 0 };
static const struct mien_plot_axis rates = { "rate", 1e-3, 10.0, true };
static const struct mien_plot_axis losses = { "loss", -1.0, 3.0, false };

static struct mien_plot make(void)
{
    struct mien_error err = { "" };
    struct mien_plot plot;
    must(mien_plot_init(&plot, 640, 400, "Title", "note", &rates, &losses, &err), &err);
    return plot;
}

static bool is_red(const struct mien_plot *plot, int x, int y)
{
    const struct mien_colour *const at = &plot->canvas.pixels[y * plot->canvas.width + x];
    return at->r > 200 && at->g < 100 && at->b < 100;
}

/* The box that all red pixels are in; width 0: there are none. */
struct box {
    int left, top, right, bottom, count;
};

static struct box find_red(const struct mien_plot *plot)
{
    struct box box = { plot->canvas.width, plot->canvas.height, -1, -1, 0 };
    for (int y = 0; y < plot->canvas.height; y++) {
        for (int x = 0; x < plot->canvas.width; x++) {
            if (is_red(plot, x, y)) {
                box.left = x < box.left ? x : box.left;
                box.top = y < box.top ? y : box.top;
                box.right = x > box.right ? x : box.right;
                box.bottom = y > box.bottom ? y : box.bottom;
                box.count++;
            }
        }
    }
    return box;
}

static void test_plot__draws_a_line_where_its_numbers_are(void **state)
{
    (void)state;
    struct mien_plot plot = make();
    const double x[] = { 1e-2, 1.0 }; /* a quarter and three quarters of four decades */
    const double y[] = { 2.0, 0.0 };
    mien_plot_line(&plot, x, y, 2, 1.0, red);
    const struct box box = find_red(&plot);
    assert_true(abs(box.left - (plot.left + plot.width / 4)) <= 2);
    assert_true(abs(box.right - (plot.left + plot.width * 3 / 4)) <= 2);
    assert_true(abs(box.top - (plot.top + plot.height / 4)) <= 2);
    assert_true(abs(box.bottom - (plot.top + plot.height * 3 / 4)) <= 2);
    assert_true(is_red(&plot, box.left + 1, box.top) || is_red(&plot, box.left, box.top));
    mien_plot_finish(&plot);
}

static void test_plot__cuts_lines_off_at_the_axes(void **state)
{
    (void)state;
    struct mien_plot plot = make();
    const double x[] = { 1e-5, 1e3, 0.1, 0.1 };
    const double y[] = { -9.0, 11.0, 50.0, -50.0 };
    mien_plot_line(&plot, x, y, 4, 2.0, red);
    const struct box box = find_red(&plot);
    assert_true(box.count > plot.height);
    assert_true(box.left >= plot.left - 2 && box.right <= plot.left + plot.width + 1);
    assert_true(abs(box.top - plot.top) <= 2);
    assert_true(abs(box.bottom - (plot.top + plot.height - 1)) <= 2);
    mien_plot_finish(&plot);

    plot = make(); /* one that is beyond them all the way */
    const double above[] = { 4.0, 9.0 };
    mien_plot_line(&plot, x + 2, above, 2, 1.0, red);
    assert_int_equal(find_red(&plot).count, 0);
    mien_plot_finish(&plot);
}

static void test_plot__marks_what_is_inside(void **state)
{
    (void)state;
    struct mien_plot plot = make();
    const struct mien_plot_mark outside[] = { { 1e-4, "low", red },
                                              { 11.0, "high", red },
                                              { (double)NAN, "none", red } };
    mien_plot_marks(&plot, outside, 3);
    assert_int_equal(find_red(&plot).count, 0);
    const struct mien_plot_mark at_the_right = { 9.0, "a text to the left of it", red };
    mien_plot_marks(&plot, &at_the_right, 1);
    const struct box box = find_red(&plot);
    assert_true(box.count > plot.height);
    assert_true(box.left > plot.left && box.right < plot.left + plot.width + 2);
    assert_true(box.right - box.left > mien_text_width(at_the_right.text, 2));
    mien_plot_finish(&plot);
}

static void test_plot__writes_numbers_short(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = { { 1e-5, "1e-5" }, { 1e-12, "1e-12" }, { 0.002, "0.002" }, { 30.0, "30" },
                  { 0.0, "0" },     { -1.5, "-1.5" },   { 2e7, "2e7" },     { 1e10, "1e10" } };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[MIEN_PLOT_NUMBER_BYTES];
        mien_plot_number(text, cases[i].value);
        assert_string_equal(text, cases[i].text);
    }
}

static void test_plot__without_room_is_refused(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    struct mien_plot plot;
    must_fail(mien_plot_init(&plot, 100, 100, "", "", &rates, &losses, &err), MIEN_ERR_USAGE, &err,
              "no room for its axes");
    assert_null(plot.canvas.pixels);
    must_fail(mien_plot_init(&plot, 20000, 400, "", "", &rates, &losses, &err), MIEN_ERR_USAGE,
              &err, "20000x400");
    assert_null(plot.canvas.pixels);
    mien_plot_finish(&plot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plot__draws_a_line_where_its_numbers_are),
        cmocka_unit_test(test_plot__cuts_lines_off_at_the_axes),
        cmocka_unit_test(test_plot__marks_what_is_inside),
        cmocka_unit_test(test_plot__writes_numbers_short),
        cmocka_unit_test(test_plot__without_room_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
