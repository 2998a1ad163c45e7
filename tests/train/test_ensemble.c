/* test_ensemble.c - the mean of several models' probabilities, by the names of their classes */
#include <math.h>

#include "support/device.h"
#include "support/scratch.h"
#include "train/ensemble.h"

static char angry[] = "angry", happy[] = "happy", sad[] = "sad", tired[] = "tired";
static char *const first[] = { angry, happy, sad };
static char *const other[] = { sad, angry, happy };
static char *const foreign[] = { angry, happy, tired };

static void test_ensemble__adds_by_name_whatever_the_order(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    struct mien_ensemble mean;
    must(mien_ensemble_init(&mean, first, 3, 2, &err), &err);
    const float a[] = { 0.5f, 0.25f, 0.25f, 0.0f, 1.0f, 0.0f };
    const float b[] = { 0.75f, 0.125f, 0.125f, 0.0f, 0.5f, 0.5f }; /* sad, angry, happy */
    const float want[] = { 0.3125f, 0.1875f, 0.5f, 0.25f, 0.75f, 0.0f };
    const int32_t labels[] = { 2, 1 };
    const int32_t missed[] = { 2, 2 };
    float got[6];
    must(mien_ensemble_add(&mean, a, first, 3, &err), &err);
    mien_ensemble_mean(got, &mean);
    assert_memory_equal(got, a, sizeof(a)); /* one alone is itself, to the bit */
    must(mien_ensemble_add(&mean, b, other, 3, &err), &err);
    mien_ensemble_mean(got, &mean);
    assert_memory_equal(got, want, sizeof(want));
    assert_true(fabs(mien_ensemble_loss(&mean, labels) + (log(0.5) + log(0.75)) / 2) < 1e-12);
    assert_true(isinf(mien_ensemble_loss(&mean, missed)));
    mien_ensemble_clear(&mean, 1);
    must(mien_ensemble_add(&mean, b, other, 3, &err), &err);
    mien_ensemble_mean(got, &mean);
    assert_true(got[0] == 0.125f && got[1] == 0.125f && got[2] == 0.75f);
    mien_ensemble_finish(&mean);
}

static void test_ensemble__refuses_other_classes(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    struct mien_ensemble mean;
    const float a[] = { 0.5f, 0.25f, 0.25f };
    must(mien_ensemble_init(&mean, first, 3, 1, &err), &err);
    must_fail(mien_ensemble_match(&mean, foreign, 3, &err), MIEN_ERR_FORMAT, &err,
              "does not know the class 'sad' of the first model");
    must_fail(mien_ensemble_add(&mean, a, first, 2, &err), MIEN_ERR_FORMAT, &err, "'sad'");
    assert_int_equal(mean.members, 0);
    mien_ensemble_finish(&mean);
    must(mien_ensemble_init(&mean, first, 2, 1, &err), &err);
    must_fail(mien_ensemble_add(&mean, a, first, 3, &err), MIEN_ERR_FORMAT, &err,
              "has the class 'sad', which the first model does not know");
    mien_ensemble_finish(&mean);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ensemble__adds_by_name_whatever_the_order),
        cmocka_unit_test(test_ensemble__refuses_other_classes),
    };
    return cmocka_run_group_tests_name("train/ensemble", tests, NULL, NULL);
}
