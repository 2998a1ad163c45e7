/* test_slices.c - a run whose launches are all cut into single work-groups ends in the same bits */
#include <stdlib.h>
#include <string.h>

#include "support/device.h"
#include "support/training.h"
#include "train/trainer.h"

static const char recipe[] =
    "input: { channels: 1, height: 12, width: 12, margin: 1 }\n"
    "augment: { mirror: yes, rotate: 10, mixup: 0.2 }\n"
    "layers: [ conv 6 3x3 pad 1 bias no, batchnorm, relu, mark a, conv 6 3x3 pad 1 groups 3, "
    "silu,\n"
    "          conv 6 1x1, add a, batchnorm, relu, maxpool 2, dropout 0.2, mark b,\n"
    "          globalavgpool, dense 6, sigmoid, multiply b, conv 5 3x3, leakyrelu,\n"
    "          avgpool 2, flatten, dense 9, relu, dense classes ]\n"
    "train: { batch: 9, epochs: 2, ema: 0.9, clip_norm: 1, accumulate: 2, sam: 0.1,\n"
    "  optimizer: { kind: adam, rate: 0.01 } }";

/* Weights after an epoch of five steps, gradients and the optimiser behind it; free() them. */
static float *train(size_t *bytes, struct mien_cl *cl, enum mien_blas blas, size_t most_groups)
{
    struct mien_error err = { "" };
    struct mien_trainer trainer;
    const struct set_sizes sizes = { 83, 7, 1, 14, 14, 7 };
    const struct mien_cl_slicing how = { 0.0, most_groups };
    const struct mien_cl_slicing none = { 0.0, 0 };
    const struct mien_trainer_options options = { .blas = blas, .shuffle = true };
    struct mien_dataset *const set = set_make(&sizes, 1);
    struct mien_model_file file = model_for(recipe, set);
    mien_cl_slice(cl, &how);
    assert_ok(mien_trainer_init(&trainer, cl, &file, set, &options, &err), &err);
    assert_ok(mien_trainer_begin_epoch(&trainer, &err), &err);
    for (size_t i = 0; i < mien_trainer_steps(&trainer); i++) {
        assert_ok(mien_trainer_step(&trainer, &err), &err);
    }
    assert_ok(mien_trainer_download(&trainer, &err), &err);
    mien_cl_slice(cl, &none);
    *bytes = file.network->flat_floats * sizeof(float);
    float *const out = malloc(*bytes);
    assert_non_null(out);
    memcpy(out, file.weights, *bytes);
    mien_trainer_finish(&trainer);
    mien_model_file_finish(&file);
    set_free(set);
    return out;
}

static void test_slices__a_run_ends_in_the_same_bits(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    for (int blas = MIEN_BLAS_AUTO; blas <= MIEN_BLAS_CLBLAST; blas += MIEN_BLAS_CLBLAST) {
        size_t bytes = 0;
        float *const whole = train(&bytes, cl, (enum mien_blas)blas, 0);
        float *const sliced = train(&bytes, cl, (enum mien_blas)blas, 1);
        assert_memory_equal(whole, sliced, bytes);
        free(whole);
        free(sliced);
    }
    assert_int_equal(mien_cl_live(cl), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slices__a_run_ends_in_the_same_bits),
    };
    return cmocka_run_group_tests(tests, device_setup, device_teardown);
}
