/* test_augment.c - what is drawn for each training image, and how it is put to the kernel */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ref/gather.h"
#include "support/layout.h"
#include "support/oracle.h"
#include "support/training.h"
#include "train/augment.h"

#define SIZE "input: { channels: 1, height: 44, width: 40, margin: 2 }\n"
#define REST "layers: [ flatten, dense classes ]\ntrain: { seed: 3 }\n"
enum { HEIGHT = 44, WIDTH = 40, MARGIN = 2, IMAGES = 20000 };

static struct mien_recipe *recipe_with(const char *augment)
{
    char text[512];
    (void)snprintf(text, sizeof(text), SIZE "augment: { %s }\n" REST, augment);
    return recipe_from(text);
}

/* The changes of images 0 .. IMAGES - 1 in an epoch; free() them. */
static struct mien_gather_change *draw_all(const struct mien_recipe *recipe, int epoch)
{
    struct mien_gather_change *const out = calloc(IMAGES, sizeof(*out));
    assert_non_null(out);
    for (size_t i = 0; i < IMAGES; i++) {
        mien_augment_draw(&out[i], recipe, epoch, i);
    }
    return out;
}

/* Fails unless `value` goes evenly from low to high: mean, spread and limits. */
static void assert_even(const double *values, double low, double high)
{
    double sum = 0;
    double squares = 0;
    for (size_t i = 0; i < IMAGES; i++) {
        assert_true(values[i] >= low - 1e-6 && values[i] <= high + 1e-6);
        sum += values[i];
        squares += (values[i] - (low + high) / 2) * (values[i] - (low + high) / 2);
    }
    const double width = high - low;
    assert_true(fabs(sum / IMAGES - (low + high) / 2) < 0.01 * width);
    assert_true(fabs(squares / IMAGES - width * width / 12) < 0.003 * width * width);
}

static bool is_plain(const struct mien_gather_change *change)
{
    const struct mien_gather_change plain = { .map = { 1, 0, MARGIN, 0, 1, MARGIN }, .gain = 1 };
    for (int k = 0; k < 6; k++) {
        if (change->map[k] != plain.map[k]) {
            return false;
        }
    }
    return change->gain == 1 && change->offset == 0 &&
           memcmp(change->erase, plain.erase, sizeof(plain.erase)) == 0;
}

static void test_augment__leaves_alone_what_is_off(void **state)
{
    (void)state;
    struct mien_recipe *const recipe = recipe_with("mirror: no, rotate: 0");
    struct mien_gather_change *const changes = draw_all(recipe, 4);
    assert_false(mien_augment_any(&recipe->augment));
    for (size_t i = 0; i < IMAGES; i++) {
        assert_true(is_plain(&changes[i]));
    }
    free(changes);
    mien_recipe_destroy(recipe);
}

static void test_augment__knows_that_any_of_them_is_on(void **state)
{
    (void)state;
    static const char *const each[] = {
        "mirror: yes",     "rotate: 0.5",   "scale: 0.1", "shift: 0.1",
        "brightness: 0.1", "contrast: 0.1", "erase: 0.1",
    };
    struct mien_recipe *const mixing = recipe_with("mixup: 0.2");
    assert_true(mien_augment_any(&mixing->augment));
    mien_recipe_destroy(mixing);
    for (size_t i = 0; i < sizeof(each) / sizeof(each[0]); i++) {
        struct mien_recipe *const recipe = recipe_with(each[i]);
        struct mien_gather_change *const changes = draw_all(recipe, 0);
        size_t changed = 0;
        for (size_t k = 0; k < IMAGES; k++) {
            changed += !is_plain(&changes[k]);
        }
        assert_true(mien_augment_any(&recipe->augment));
        assert_true(changed > IMAGES / 20);
        free(changes);
        mien_recipe_destroy(recipe);
    }
}

static void test_augment__mirrors_every_other_image_exactly(void **state)
{
    (void)state;
    struct mien_recipe *const recipe = recipe_with("mirror: yes");
    struct mien_gather_change *const changes = draw_all(recipe, 0);
    size_t mirrored = 0;
    for (size_t i = 0; i < IMAGES; i++) {
        if (!is_plain(&changes[i])) {
            mirrored++;
            assert_true(changes[i].map[0] == -1 && changes[i].map[1] == 0);
            assert_true(changes[i].map[2] == WIDTH - 1 + MARGIN);
            assert_true(changes[i].map[3] == 0 && changes[i].map[4] == 1);
            assert_true(changes[i].map[5] == MARGIN);
        }
    }
    assert_true((double)mirrored > IMAGES * 0.48 && (double)mirrored < IMAGES * 0.52);
    free(changes);
    mien_recipe_destroy(recipe);
}

/* Angle, size and move of the middle, back from the map, for each image. */
static void test_augment__turns_sizes_and_moves_evenly(void **state)
{
    (void)state;
    struct mien_recipe *const recipe = recipe_with("rotate: 10, scale: 0.1, shift: 0.08");
    struct mien_gather_change *const changes = draw_all(recipe, 0);
    double *const values[4] = { calloc(IMAGES, sizeof(double)), calloc(IMAGES, sizeof(double)),
                                calloc(IMAGES, sizeof(double)), calloc(IMAGES, sizeof(double)) };
    for (size_t i = 0; i < IMAGES; i++) {
        const float *const m = changes[i].map;
        const double x = (WIDTH - 1) / 2.0;
        const double y = (HEIGHT - 1) / 2.0;
        values[0][i] = atan2((double)m[3], (double)m[0]) * 180 / 3.14159265358979;
        values[1][i] = 1 / hypot((double)m[0], (double)m[3]);
        values[2][i] = ((double)m[0] * x + (double)m[1] * y + (double)m[2] - x - MARGIN) / 44;
        values[3][i] = ((double)m[3] * x + (double)m[4] * y + (double)m[5] - y - MARGIN) / 48;
    }
    assert_even(values[0], -10, 10);
    assert_even(values[1], 0.9, 1.1);
    assert_even(values[2], -0.08, 0.08);
    assert_even(values[3], -0.08, 0.08);
    for (int k = 0; k < 4; k++) {
        free(values[k]);
    }
    free(changes);
    mien_recipe_destroy(recipe);
}

static void test_augment__lights_evenly(void **state)
{
    (void)state;
    struct mien_recipe *const recipe = recipe_with("contrast: 0.2, brightness: 0.3");
    struct mien_gather_change *const changes = draw_all(recipe, 0);
    double *const gain = calloc(IMAGES, sizeof(double));
    double *const offset = calloc(IMAGES, sizeof(double));
    double together = 0;
    for (size_t i = 0; i < IMAGES; i++) {
        gain[i] = (double)changes[i].gain;
        offset[i] = (double)changes[i].offset;
        together += (gain[i] - 1) * offset[i] / (0.2 * 0.3);
    }
    assert_even(gain, 0.8, 1.2);
    assert_even(offset, -0.3, 0.3);
    assert_true(fabs(together / IMAGES) < 0.01); /* independent */
    free(gain);
    free(offset);
    free(changes);
    mien_recipe_destroy(recipe);
}

static void test_augment__erases_rectangles_of_the_stated_share_and_shape(void **state)
{
    (void)state;
    struct mien_recipe *const recipe = recipe_with("erase: 0.25");
    struct mien_gather_change *const changes = draw_all(recipe, 0);
    size_t erased = 0;
    double area = 0;
    int reached[4] = { HEIGHT, WIDTH, 0, 0 };
    for (size_t i = 0; i < IMAGES; i++) {
        const cl_int *const e = changes[i].erase;
        const int high = e[2] - e[0];
        const int wide = e[3] - e[1];
        if (high == 0 && wide == 0) {
            continue;
        }
        erased++;
        assert_true(e[0] >= 0 && e[1] >= 0 && e[2] <= HEIGHT && e[3] <= WIDTH);
        assert_true(high > 0 && wide > 0);
        const double share = (double)(high * wide) / (HEIGHT * WIDTH);
        assert_true(share > 0.015 && share < 0.215); /* sides are whole pixels */
        assert_true((double)high / wide < 3.3 * 1.15 && (double)wide / high < 3.3 * 1.15);
        area += share;
        for (int k = 0; k < 4; k++) {
            reached[k] = k < 2 ? (e[k] < reached[k] ? e[k] : reached[k])
                               : (e[k] > reached[k] ? e[k] : reached[k]);
        }
    }
    assert_true((double)erased > IMAGES * 0.235 && (double)erased < IMAGES * 0.265);
    assert_true(fabs(area / (double)erased - 0.11) < 0.005);
    assert_true(reached[0] == 0 && reached[1] == 0 && reached[2] == HEIGHT && reached[3] == WIDTH);
    free(changes);
    mien_recipe_destroy(recipe);
}

static void test_augment__erases_nothing_where_no_rectangle_fits(void **state)
{
    (void)state;
    struct mien_recipe *const recipe =
        recipe_from("input: { channels: 1, height: 1, width: 30 }\naugment: { erase: 1 }\n" REST);
    for (size_t i = 0; i < 100; i++) {
        struct mien_gather_change change;
        mien_augment_draw(&change, recipe, 0, i);
        assert_int_equal(change.erase[2] - change.erase[0], 0);
    }
    mien_recipe_destroy(recipe);
}

static void test_augment__draws_by_seed_epoch_and_image(void **state)
{
    (void)state;
    struct mien_recipe *const recipe = recipe_with("rotate: 10, shift: 0.1, contrast: 0.2");
    struct mien_gather_change *const first = draw_all(recipe, 1);
    struct mien_gather_change *const again = draw_all(recipe, 1);
    struct mien_gather_change *const next = draw_all(recipe, 2);
    recipe->train.seed = 4;
    struct mien_gather_change *const other = draw_all(recipe, 1);
    assert_memory_equal(first, again, IMAGES * sizeof(*first));
    size_t same[3] = { 0 };
    for (size_t i = 0; i < IMAGES; i++) {
        same[0] += first[i].gain == next[i].gain;
        same[1] += first[i].gain == other[i].gain;
        same[2] += i > 0 && first[i].gain == first[i - 1].gain;
    }
    for (int k = 0; k < 3; k++) {
        assert_true(same[k] < 5); /* of 2^24 numbers, by chance */
    }
    free(first);
    free(again);
    free(next);
    free(other);
    mien_recipe_destroy(recipe);
}

/* Mean 1/2 and variance 1 / (4 (2 alpha + 1)), below and above where the method changes. */
static void test_augment__mixes_by_shares_of_a_symmetric_beta(void **state)
{
    (void)state;
    static const double alphas[] = { 1e-6, 0.2, 0.4, 0.5, 0.51, 1.0, 4.0 };
    struct mien_recipe *const recipe = recipe_with("mixup: 1");
    for (size_t a = 0; a < sizeof(alphas) / sizeof(alphas[0]); a++) {
        recipe->augment.mixup = (float)alphas[a];
        const double variance = 1 / (4 * (2 * alphas[a] + 1));
        double sum = 0;
        double squares = 0;
        double low = 0; /* below 1/10: of alpha 1 a tenth */
        for (size_t i = 0; i < IMAGES; i++) {
            const double share = (double)mien_augment_mix(recipe, (int)(i % 10), i / 10 * 150);
            assert_true(share >= 0 && share <= 1);
            sum += share;
            squares += (share - 0.5) * (share - 0.5);
            low += share < 0.1 ? 1 : 0;
        }
        assert_true(fabs(sum / IMAGES - 0.5) < 0.015);
        assert_true(fabs(squares / IMAGES - variance) < 0.03 * variance);
        assert_true(alphas[a] != 1.0 || fabs(low / IMAGES - 0.1) < 0.01);
    }
    recipe->augment.mixup = 0.2f;
    const float share = mien_augment_mix(recipe, 3, 300);
    assert_true(share == mien_augment_mix(recipe, 3, 300));
    assert_true(share != mien_augment_mix(recipe, 4, 300));
    assert_true(share != mien_augment_mix(recipe, 3, 450));
    recipe->augment.mixup = 0;
    assert_true(mien_augment_mix(recipe, 3, 300) == 0);
    mien_recipe_destroy(recipe);
}

static void check_oracle(const char *name)
{
    struct mien_safetensors *const file = oracle_open(name);
    const struct mien_tensor *const y = oracle_tensor(file, "y");
    const struct mien_tensor *const images = oracle_tensor(file, "images");
    const char *const scalars[] = { "turn", "factor", "right", "down", "gain", "offset" };
    float *v[6];
    for (int k = 0; k < 6; k++) {
        v[k] = oracle_floats(file, scalars[k]);
    }
    int32_t *const mirror = oracle_ints(file, "mirror");
    int32_t *const erase = oracle_ints(file, "erase");
    int32_t *const wide_pixels = oracle_ints(file, "images");
    float *const want = oracle_floats(file, "y");
    const int n = (int)y->shape[0];
    const int margin = (int)oracle_number(file, "margin", -1);
    const struct mien_ref_gather op = {
        .n = n,
        .c = (int)y->shape[1],
        .h = (int)y->shape[2],
        .w = (int)y->shape[3],
        .count = n,
        .mean = 0.5077f,
        .std = 0.2551f,
        .margin = margin,
    };
    assert_int_equal(images->shape[1], y->shape[2] + 2 * (size_t)margin);
    const struct mien_recipe recipe = {
        .input = { op.c, op.h, op.w, margin },
    };
    const size_t bytes = images->bytes / sizeof(int32_t);
    const size_t floats = y->bytes / sizeof(float);
    uint8_t *const set = malloc(bytes);
    float *const got = malloc(y->bytes);
    struct mien_ref_gather_change *const changes = calloc((size_t)n, sizeof(*changes));
    int32_t *const indices = calloc((size_t)n, sizeof(*indices));
    assert_true(set != NULL && got != NULL && changes != NULL && indices != NULL);
    for (size_t i = 0; i < bytes; i++) {
        set[i] = (uint8_t)wide_pixels[i];
    }
    for (int i = 0; i < n; i++) {
        const struct mien_augment_place place = {
            .mirror = mirror[i] == 1,
            .turn = (double)v[0][i],
            .factor = (double)v[1][i],
            .right = (double)v[2][i],
            .down = (double)v[3][i],
        };
        mien_augment_map(changes[i].map, &place, &recipe);
        changes[i].gain = v[4][i];
        changes[i].offset = v[5][i];
        memcpy(changes[i].erase, erase + 4 * i, sizeof(changes[i].erase));
        indices[i] = i;
    }
    mien_ref_gather_changed(got, set, indices, changes, &op);
    assert_all_close(got, want, floats, 2e-5f, 0.0f);
    for (int k = 0; k < 6; k++) {
        free(v[k]);
    }
    free(mirror);
    free(erase);
    free(wide_pixels);
    free(want);
    free(set);
    free(got);
    free(changes);
    free(indices);
    mien_safetensors_close(file);
}

static void test_augment__is_what_pytorch_samples(void **state)
{
    (void)state;
    check_oracle("augment_00");
    check_oracle("augment_01");
    check_oracle("augment_02");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_augment__leaves_alone_what_is_off),
        cmocka_unit_test(test_augment__knows_that_any_of_them_is_on),
        cmocka_unit_test(test_augment__mirrors_every_other_image_exactly),
        cmocka_unit_test(test_augment__turns_sizes_and_moves_evenly),
        cmocka_unit_test(test_augment__lights_evenly),
        cmocka_unit_test(test_augment__erases_rectangles_of_the_stated_share_and_shape),
        cmocka_unit_test(test_augment__erases_nothing_where_no_rectangle_fits),
        cmocka_unit_test(test_augment__draws_by_seed_epoch_and_image),
        cmocka_unit_test(test_augment__mixes_by_shares_of_a_symmetric_beta),
        cmocka_unit_test(test_augment__is_what_pytorch_samples),
    };
    return cmocka_run_group_tests_name("train/augment", tests, NULL, NULL);
}
