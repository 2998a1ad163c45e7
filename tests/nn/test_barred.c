/* test_barred.c - convolutions of which variants are barred, because they compute wrong numbers */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "nn/model.h"
#include "support/scratch.h"
#include "support/training.h"
#include "tune/table.h"

/* A table that bars a pass's variants, all but one; MIEN_CONV2D_VARIANTS: all. */
static struct mien_tuning barring(enum mien_conv2d_pass pass, int but)
{
    struct mien_tuning tuning = { .entries = NULL };
    for (int v = 0; v < MIEN_CONV2D_VARIANTS; v++) {
        if (v != but) {
            mien_tuning_bar(&tuning, MIEN_TUNED_CONV2D, pass, v);
        }
    }
    return tuning;
}

static enum mien_status plan(const char *layers, int lanes, bool train,
                             const struct mien_tuning *tuning, struct mien_error *err)
{
    char text[256];
    struct mien_model_memory memory;
    (void)snprintf(text, sizeof(text),
                   "input: { channels: 3, height: 12, width: 12 }\nlayers: [ %s ]\n", layers);
    struct mien_network *const network = network_from(text, 3);
    const struct mien_model_options options = {
        .batch = 5, .lanes = lanes, .train = train, .tuning = tuning
    };
    const enum mien_status st = mien_model_plan(&memory, network, &options, err);
    mien_network_destroy(network);
    return st;
}

static const char plain[] = "relu, conv 8 3x3 pad 1, relu, conv 4 3x3, flatten, dense classes";
static const char strided[] = "relu, conv 8 3x3 stride 2, flatten, dense classes";
static const char grouped[] = "relu, conv 6 3x3 groups 3, flatten, dense classes";

static void test_barred__a_pass_without_a_variant_is_refused_and_named(void **state)
{
    (void)state;
    static const int lanes[] = { 1, 8, 16 };
    for (int p = 0; p < MIEN_CONV2D_PASSES; p++) {
        const enum mien_conv2d_pass pass = (enum mien_conv2d_pass)p;
        const struct mien_tuning tuning = barring(pass, MIEN_CONV2D_VARIANTS);
        for (size_t i = 0; i < 2 * sizeof(lanes) / sizeof(lanes[0]); i++) {
            struct mien_error err = { "" };
            char part[64];
            const char *const layers = i % 2 == 0 ? plain : grouped;
            (void)snprintf(part, sizeof(part), "conv1: conv2d %s, ", mien_conv2d_pass_name(pass));
            must_fail(plan(layers, lanes[i / 2], true, &tuning, &err), MIEN_ERR_CL, &err, part);
            must_fail(MIEN_ERR_CL, MIEN_ERR_CL, &err,
                      " computes wrong numbers on this device, and no other variant takes its "
                      "shape; 'mien selftest' tells more");
            err = (struct mien_error){ "" };
            const enum mien_status use = plan(layers, lanes[i / 2], false, &tuning, &err);
            assert_int_equal(use, pass == MIEN_CONV2D_FWD ? MIEN_ERR_CL : MIEN_OK);
        }
    }
}

static void test_barred__one_variant_that_takes_the_shape_is_enough(void **state)
{
    (void)state;
    for (int p = 0; p < MIEN_CONV2D_PASSES; p++) {
        struct mien_error err = { "" };
        const enum mien_conv2d_pass pass = (enum mien_conv2d_pass)p;
        struct mien_tuning tuning = barring(pass, MIEN_CONV2D_VECTOR);
        must(plan(plain, 8, true, &tuning, &err), &err);
        tuning = barring(pass, MIEN_CONV2D_TILE);
        must(plan(plain, 1, true, &tuning, &err), &err);
        tuning = barring(pass, MIEN_CONV2D_BATCHED);
        must(plan(plain, 1, true, &tuning, &err), &err);
        must_fail(plan(strided, 1, true, &tuning, &err), MIEN_ERR_CL, &err, "conv1: conv2d ");
        err = (struct mien_error){ "" };
        tuning = barring(pass, MIEN_CONV2D_GROUPED);
        must(plan(grouped, 8, true, &tuning, &err), &err);
        tuning = barring(pass, MIEN_CONV2D_PRODUCT); /* for 1x1 alone */
        must_fail(plan(plain, 8, true, &tuning, &err), MIEN_ERR_CL, &err, "conv1: conv2d ");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_barred__a_pass_without_a_variant_is_refused_and_named),
        cmocka_unit_test(test_barred__one_variant_that_takes_the_shape_is_enough),
    };
    return cmocka_run_group_tests_name("nn/barred", tests, NULL, NULL);
}
