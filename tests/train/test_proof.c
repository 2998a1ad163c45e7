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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_proof__bars_a_set_of_clblast_alone),
    };
    return cmocka_run_group_tests_name("train/proof", tests, NULL, NULL);
}
