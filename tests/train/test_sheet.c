/* test_sheet.c - a sheet shows what training feeds its network, and images as they are beside it */
#include "train/sheet.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support/layout.h"
#include "support/scratch.h"
#include "support/training.h"
#include "train/trainer.h"

/* Images of 8 x 9 with margin 1 in a network of 6 x 7; 23 of them in batches of 8, 8 and 7. */
#define HEAD(channels)                                                                             \
    "input: { channels: " #channels ", height: 6, width: 7, margin: 1 }\n"                         \
    "normalize: { mean: 0.3, std: 0.7 }\n"                                                         \
    "layers: [ flatten, dense classes ]\n"                                                         \
    "train: { batch: 8, seed: 5 }\n"
#define ALL                                                                                        \
    "augment: { mirror: yes, rotate: 20, scale: 0.2, shift: 0.2, brightness: 0.3, contrast: 0.3, " \
    "erase: 0.5, mixup: 0.4 }\n"
enum { TRAIN = 23, EPOCHS = 3 };

struct fixture {
    struct mien_dataset *set;
    struct mien_model_file file;
    struct mien_trainer trainer;
    struct mien_sheet sheet;
};

static void set_up(struct fixture *f, struct mien_cl *cl, const char *recipe, int channels,
                   size_t images)
{
    struct mien_error err = { "" };
    const struct set_sizes sizes = { TRAIN, 5, channels, 8, 9, 4 };
    const struct mien_trainer_options training = { .shuffle = true };
    const struct mien_sheet_options options = { images, EPOCHS, true };
    *f = (struct fixture){ .set = set_make(&sizes, 3) };
    f->file = model_for(recipe, f->set);
    assert_ok(mien_trainer_init(&f->trainer, cl, &f->file, f->set, &training, &err), &err);
    assert_ok(mien_sheet_take(&f->sheet, f->trainer.loader, f->trainer.model, &options, &err),
              &err);
}

static void tear_down(struct fixture *f)
{
    mien_sheet_finish(&f->sheet);
    mien_trainer_finish(&f->trainer);
    mien_model_file_finish(&f->file);
    set_free(f->set);
}

/* The row of the sheet that shows this image, or its count where none does. */
static size_t row_of(const struct mien_sheet *sheet, size_t index)
{
    size_t row = 0;
    while (row < sheet->count && sheet->images[row] != index) {
        row++;
    }
    return row;
}

/* Pixels [h][w][c] against normalised values [c][h][w]. */
static void assert_shows(const uint8_t *pixels, const float *values, int channels)
{
    for (int i = 0; i < channels * 6 * 7; i++) {
        const double value = ((double)values[i] * 0.7 + 0.3) * 255.0;
        const int channel = i / 42;
        const double got = pixels[i % 42 * channels + channel];
        assert_true(fabs(got - fmin(fmax(value, 0.0), 255.0)) <= 0.501);
    }
}

/* What the trainer's batches are in the epoch that it has begun, against the sheet's column. */
static size_t compare_epoch(struct fixture *f, struct mien_cl *cl, int epoch, int channels)
{
    struct mien_error err = { "" };
    size_t compared = 0;
    for (size_t first = 0; first < TRAIN; first += 8) {
        const size_t n = TRAIN - first < 8 ? TRAIN - first : 8;
        const struct mien_act act = mien_model_input_act(f->trainer.model, (int)n);
        const size_t floats = mien_act_floats(&act);
        float *const blocked = calloc(floats, sizeof(*blocked));
        assert_non_null(blocked);
        assert_ok(mien_loader_load(f->trainer.loader, f->trainer.model, first, (int)n, &err), &err);
        assert_ok(mien_cl_read(cl, blocked, mien_model_input(f->trainer.model), 0,
                               floats * sizeof(*blocked), &err),
                  &err);
        float *const plain = plain_from_blocked(blocked, &act);
        for (size_t i = 0; i < n; i++) {
            const size_t row = row_of(&f->sheet, mien_loader_image(f->trainer.loader, first + i));
            if (row == f->sheet.count) {
                continue;
            }
            const struct mien_sheet_mix *const mix =
                &f->sheet.mixes[row * EPOCHS + (size_t)epoch - 1];
            assert_shows(mien_sheet_pixels(&f->sheet, row, epoch),
                         plain + i * (size_t)channels * 42, channels);
            assert_int_equal(mix->with, mien_loader_image(f->trainer.loader, first + n - 1 - i));
            assert_float_equal(mix->share, mien_loader_second(f->trainer.loader), 0.0f);
            compared++;
        }
        free(plain);
        free(blocked);
    }
    return compared;
}

static void check_training(struct mien_cl *cl, const char *recipe, int channels)
{
    struct mien_error err = { "" };
    struct fixture f;
    set_up(&f, cl, recipe, channels, 9);
    assert_int_equal(f.sheet.count, 9);
    for (int epoch = 1; epoch <= EPOCHS; epoch++) {
        f.trainer.position = (struct mien_position){ .epoch = epoch - 1 };
        assert_ok(mien_trainer_begin_epoch(&f.trainer, &err), &err);
        assert_int_equal(compare_epoch(&f, cl, epoch, channels), 9);
    }
    tear_down(&f);
}

static void test_sheet__shows_what_training_feeds(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    check_training(cl, HEAD(1) ALL, 1);
    check_training(cl, HEAD(3) ALL, 3);
    check_training(cl, HEAD(3) "augment: { mirror: yes }\n", 3);
}

/* Image `row` of the sheet without its margin, in this column. */
static bool is_original(const struct fixture *f, size_t row, int column)
{
    const uint8_t *const whole = f->set->images + f->sheet.images[row] * 8 * 9 * 3;
    for (size_t y = 0; y < 6; y++) {
        if (memcmp(mien_sheet_pixels(&f->sheet, row, column) + y * 7 * 3,
                   whole + ((y + 1) * 9 + 1) * 3, (size_t)7 * 3) != 0) {
            return false;
        }
    }
    return true;
}

static void test_sheet__begins_with_the_image_as_it_is(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct fixture f;
    set_up(&f, cl, HEAD(3) ALL, 3, TRAIN);
    size_t changed = 0;
    for (size_t row = 0; row < TRAIN; row++) {
        assert_int_equal(f.sheet.images[row], row);
        assert_true(is_original(&f, row, 0));
        changed += is_original(&f, row, 1) ? 0 : 1;
    }
    assert_int_equal(changed, TRAIN);
    tear_down(&f);
}

static void test_sheet__without_augmentation_never_changes(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct fixture f;
    set_up(&f, cl, HEAD(3), 3, 1000);
    assert_int_equal(f.sheet.count, TRAIN);
    for (size_t row = 0; row < TRAIN; row++) {
        for (int column = 0; column <= EPOCHS; column++) {
            assert_true(is_original(&f, row, column));
        }
        assert_float_equal(f.sheet.mixes[row * EPOCHS].share, 0.0f, 0.0f);
    }
    tear_down(&f);
}

/* The images stand enlarged in the picture, in their colours. */
static bool is_drawn(const struct mien_canvas *canvas, const uint8_t *pixels, int side)
{
    for (int top = 0; top + 6 * side <= canvas->height; top++) {
        for (int left = 0; left + 7 * side <= canvas->width; left++) {
            bool same = true;
            for (int i = 0; same && i < 6 * side * 7 * side; i++) {
                const int y = i / (7 * side);
                const int x = i % (7 * side);
                const struct mien_colour *const at =
                    &canvas->pixels[(top + y) * canvas->width + left + x];
                same = memcmp(at, pixels + (y / side * 7 + x / side) * 3, 3) == 0;
            }
            if (same) {
                return true;
            }
        }
    }
    return false;
}

static void test_sheet__is_drawn_enlarged(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    struct mien_canvas canvas;
    struct fixture f;
    set_up(&f, cl, HEAD(3) ALL, 3, 2);
    assert_ok(mien_sheet_draw(&canvas, &f.sheet, 21, &err), &err);
    for (size_t row = 0; row < 2; row++) {
        for (int column = 0; column <= EPOCHS; column++) {
            assert_true(is_drawn(&canvas, mien_sheet_pixels(&f.sheet, row, column), 3));
        }
    }
    mien_canvas_finish(&canvas);
    tear_down(&f);
}

static void test_sheet__that_is_too_large_is_refused(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    const struct set_sizes sizes = { 1000, 5, 1, 8, 9, 4 };
    struct mien_dataset *const set = set_make(&sizes, 3);
    struct mien_recipe *const recipe = recipe_from(HEAD(1));
    const struct mien_sheet_options wide = { 8, 1000, true };
    const struct mien_sheet_options high = { 1000, 8, true };
    const struct mien_sheet_options fits = { 8, 8, true };
    must_fail(mien_sheet_check(recipe, set, &wide, 140, &err), MIEN_ERR_USAGE, &err, "1000 epochs");
    must_fail(mien_sheet_check(recipe, set, &high, 140, &err), MIEN_ERR_USAGE, &err, "1000 images");
    must(mien_sheet_check(recipe, set, &fits, 140, &err), &err);
    set->splits[MIEN_SPLIT_TRAIN].count = 8; /* no more than there are */
    must(mien_sheet_check(recipe, set, &high, 140, &err), &err);
    mien_recipe_destroy(recipe);
    set_free(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sheet__shows_what_training_feeds),
        cmocka_unit_test(test_sheet__begins_with_the_image_as_it_is),
        cmocka_unit_test(test_sheet__without_augmentation_never_changes),
        cmocka_unit_test(test_sheet__is_drawn_enlarged),
        cmocka_unit_test(test_sheet__that_is_too_large_is_refused),
    };
    return cmocka_run_group_tests(tests, device_setup, device_teardown);
}
