/* test_picture.c - maps as pictures and as NumPy's files */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "explain/picture.h"
#include "support/scratch.h"

static void test_limit__is_the_largest_or_leaves_some_out(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    float map[200];
    float mostly_zero[100] = { [7] = -3.0f };
    double limit = 0.0;
    for (int i = 0; i < 200; i++) {
        map[i] = (float)(i % 2 == 0 ? i : -i);
    }
    must(mien_map_limit(&limit, map, 200, 0.0, &err), &err);
    assert_true(limit == 199.0);
    must(mien_map_limit(&limit, map, 200, 0.01, &err), &err);
    assert_true(limit == 197.0); /* two are beyond */
    must(mien_map_limit(&limit, mostly_zero, 100, 0.01, &err), &err);
    assert_true(limit == 3.0);
    must(mien_map_limit(&limit, mostly_zero, 7, 0.0, &err), &err);
    assert_true(limit == 0.0);
}

static const uint8_t gray[4] = { 0, 85, 170, 255 };
static const float map_of[4] = { 0.0f, 1.0f, 2.0f, -2.0f };

static struct mien_map_view view_of(bool has_sign)
{
    return (struct mien_map_view){ .pixels = gray,
                                   .channels = 1,
                                   .h = 2,
                                   .w = 2,
                                   .map = map_of,
                                   .map_h = 2,
                                   .map_w = 2,
                                   .has_sign = has_sign,
                                   .limit = 2.0 };
}

static void assert_colour(const struct mien_canvas *canvas, int at, struct mien_colour want)
{
    assert_memory_equal(&canvas->pixels[at], &want, sizeof(want));
}

static void test_panel__shows_image_map_and_both(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    struct mien_canvas canvas;
    const struct mien_map_view heat = view_of(false);
    const struct mien_map_view both = view_of(true);

    must(mien_map_panel(&canvas, &heat, MIEN_PANEL_IMAGE, 2, 2, &err), &err);
    assert_colour(&canvas, 2, (struct mien_colour){ 170, 170, 170 });
    mien_canvas_finish(&canvas);

    must(mien_map_panel(&canvas, &heat, MIEN_PANEL_MAP, 2, 2, &err), &err);
    assert_colour(&canvas, 0, mien_colour_heat(0.0));
    assert_colour(&canvas, 1, mien_colour_heat(0.5));
    assert_colour(&canvas, 2, mien_colour_heat(1.0));
    mien_canvas_finish(&canvas);

    must(mien_map_panel(&canvas, &both, MIEN_PANEL_MAP, 2, 2, &err), &err);
    assert_colour(&canvas, 2, mien_colour_signed(1.0));
    assert_colour(&canvas, 3, mien_colour_signed(-1.0));
    mien_canvas_finish(&canvas);

    /* Where the map is zero the image is as it is. */
    must(mien_map_panel(&canvas, &heat, MIEN_PANEL_OVERLAY, 2, 2, &err), &err);
    assert_colour(&canvas, 0, (struct mien_colour){ 0, 0, 0 });
    assert_colour(
        &canvas, 2,
        mien_colour_mix((struct mien_colour){ 170, 170, 170 }, mien_colour_heat(1.0), 0.75));
    mien_canvas_finish(&canvas);
}

/* Panels keep the image's proportions; a long title makes the picture wider, not higher. */
static void test_picture__has_room_for_all_of_it(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    struct mien_canvas narrow;
    struct mien_canvas wide;
    uint8_t pixels[3 * 8 * 4] = { 0 };
    struct mien_map_view view = view_of(true);
    view.pixels = pixels;
    view.channels = 3;
    view.h = 8;
    view.w = 4;
    must(mien_map_picture(&narrow, &view, "a", "b", true, 80, &err), &err);
    must(mien_map_picture(&wide, &view,
                          "a title that is a good deal longer than three images of forty pixels",
                          "b", true, 80, &err),
         &err);
    assert_true(narrow.width > 3 * 40 && narrow.width < 3 * 40 + 120);
    assert_true(narrow.height > 80 && narrow.height < 80 + 100);
    assert_true(wide.width > narrow.width);
    assert_int_equal(wide.height, narrow.height);
    mien_canvas_finish(&narrow);
    mien_canvas_finish(&wide);

    view.limit = 0.0; /* a map of zeros has a picture too */
    must(mien_map_picture(&narrow, &view, "", "", false, 16, &err), &err);
    mien_canvas_finish(&narrow);
}

static void test_npy__is_numpys_format(void **state)
{
    (void)state;
    static const float values[6] = { 0.0f, 1.0f, -2.0f, 3.5f, 1e-30f, 6.0f };
    static const size_t shape[2] = { 2, 3 };
    static const char head[] = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3,), }";
    struct mien_error err = { "" };
    char *const folder = scratch_make();
    char *const path = scratch_path(folder, "a.npy");
    size_t bytes = 0;
    must(mien_npy_write(path, values, shape, 2, &err), &err);
    unsigned char *const data = scratch_read(path, &bytes);
    assert_memory_equal(data, "\x93NUMPY\x01\x00", 8);
    const size_t length = data[8] + 256U * data[9];
    assert_int_equal((10 + length) % 64, 0);
    assert_memory_equal(data + 10, head, strlen(head));
    assert_int_equal(data[9 + length], '\n');
    assert_int_equal(bytes, 10 + length + sizeof(values));
    assert_memory_equal(data + 10 + length, values, sizeof(values));
    free(data);
    char *const nowhere = scratch_path(folder, "none/a.npy");
    assert_int_equal(mien_npy_write(nowhere, values, shape, 2, &err), MIEN_ERR_IO);
    assert_int_equal(scratch_count(folder), 1);
    free(nowhere);
    free(path);
    scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limit__is_the_largest_or_leaves_some_out),
        cmocka_unit_test(test_panel__shows_image_map_and_both),
        cmocka_unit_test(test_picture__has_room_for_all_of_it),
        cmocka_unit_test(test_npy__is_numpys_format),
    };
    return cmocka_run_group_tests_name("explain/picture", tests, NULL, NULL);
}
