/* test_proof.c - what failed a self-test, and what commands do without for it */
#include "train/proof.h"

#include <stdio.h>
#include <stdlib.h>

#include "support/device.h"
#include "tune/blas_space.h"

/* CLBlast with parameters that were found for it gives way to its usual ones, and to nothing else.
 */
static void test_proof__bars_a_set_of_clblast_alone(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    struct mien_tuning tuning = { .entries = NULL };
    const struct mien_blas_params set = mien_blas_first(MIEN_DEVICE_CPU);
    const struct mien_tuned blas = mien_tuned_blas(&set);
    const struct mien_dense op = { .n = 8, .in = 30, .out = 7, .lanes = 8 };
    const struct mien_act x = { 8, 30, 1, 1, 8 };
    const struct mien_tuned dense = mien_tuned_dense(&op, MIEN_TUNED_CLBLAST);
    struct mien_verdict verdict = { .kernel = "dense backward data",
                                    .variant = MIEN_VERIFY_TUNED_BLAS };
    const struct mien_verdicts verdicts = { &verdict, 1 };
    assert_ok(mien_tuning_put(&tuning, &blas, &err), &err);
    assert_ok(mien_tuning_put(&tuning, &dense, &err), &err);
    assert_false(mien_proof_avoids(&verdict)); /* it passed */
    mien_proof_bar(&verdicts, &tuning);
    assert_non_null(mien_tuning_blas(&tuning));
    verdict.failed = 1;
    assert_true(mien_proof_avoids(&verdict));
    mien_proof_bar(&verdicts, &tuning);
    assert_null(mien_tuning_blas(&tuning));
    assert_true(mien_tuning_wants_clblast(&tuning, &x, 7));
    (void)snprintf(verdict.variant, sizeof(verdict.variant), "clblast");
    mien_proof_bar(&verdicts, &tuning);
    assert_false(mien_tuning_wants_clblast(&tuning, &x, 7));
    mien_tuning_finish(&tuning);
}

/* A convolution whose pooling is wrong leaves it to the pooling's own kernel, and is used. */
static void test_proof__bars_a_pooling_alone(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    struct mien_tuning tuning = { .entries = NULL };
    const struct mien_act x = { 8, 3, 12, 12, 8 };
    struct mien_conv2d op;
    struct mien_verdict verdict = { .kernel = "conv2d maxpool forward", .failed = 1 };
    const struct mien_verdicts verdicts = { &verdict, 1 };
    assert_ok(mien_conv2d_init(&op, &x, 5, 3, 3, 1, 1, &err), &err);
    const enum mien_conv2d_variant usual = op.variant[MIEN_CONV2D_FWD];
    assert_true(mien_conv2d_pools(&op, 2));
    (void)snprintf(verdict.variant, sizeof(verdict.variant), "%s", mien_conv2d_variant_name(usual));
    assert_true(mien_proof_avoids(&verdict));
    mien_proof_bar(&verdicts, &tuning);
    assert_false(mien_tuning_barred(&tuning, MIEN_TUNED_CONV2D, MIEN_CONV2D_FWD, (int)usual));
    mien_tuning_apply(&tuning, &op);
    assert_int_equal(op.variant[MIEN_CONV2D_FWD], usual);
    assert_false(mien_conv2d_pools(&op, 2));

    struct mien_tuning other = { .entries = NULL }; /* as that of a run that goes on */
    mien_tuning_bar_all(&other, &tuning);
    mien_tuning_apply(&other, &op);
    assert_false(mien_conv2d_pools(&op, 2));
    mien_tuning_apply(&(struct mien_tuning){ .entries = NULL }, &op);
    assert_true(mien_conv2d_pools(&op, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_proof__bars_a_set_of_clblast_alone),
        cmocka_unit_test(test_proof__bars_a_pooling_alone),
    };
    return cmocka_run_group_tests_name("train/proof", tests, NULL, NULL);
}
