/* test_clip.c - the factor of clipping against the reference and against PyTorch */
// oclgrind
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/clip.h"
#include "ops/optimizer.h"
#include "ref/clip.h"
#include "ref/optimizer.h"
#include "support/layout.h"
#include "support/oracle.h"

/* One block; less than a part, a part, more; many parts, the last one short. */
static const size_t counts[] = { 128, 384, 4096, 4224, 128 * 301, 128 * 9999 };
enum { COUNTS = sizeof(counts) / sizeof(counts[0]) };

/* Runs the kernels over guarded buffers; factor and norm come back. */
static void run(float got[2], struct mien_cl *cl, const float *grads, size_t count, float most)
{
    struct mien_error err = { "" };
    const size_t bytes = mien_clip_bytes(count);
    struct mien_cl_buffer *const clip = guarded_buffer(cl, bytes);
    struct mien_cl_buffer *const bgrads = guarded_copy(cl, grads, count * sizeof(float));
    assert_ok(mien_clip_factor(cl, clip, bgrads, count, most, &err), &err);
    float *const all = guarded_read(cl, clip, bytes);
    memcpy(got, all, 2 * sizeof(float));
    float *const after = guarded_read(cl, bgrads, count * sizeof(float));
    assert_memory_equal(after, grads, count * sizeof(float));
    mien_cl_buffer_destroy(clip);
    mien_cl_buffer_destroy(bgrads);
    free(all);
    free(after);
}

static void test_clip__matches_reference(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    static const float limits[] = { 0.01f, 1.0f, 1e6f };
    for (size_t k = 0; k < (small_only() ? 4 : COUNTS); k++) {
        float *const grads = random_floats(counts[k], 3);
        for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
            float want[2];
            float got[2];
            float again[2];
            mien_ref_clip_factor(want, grads, counts[k], limits[i]);
            run(got, cl, grads, counts[k], limits[i]);
            assert_all_close(got, want, 2, 0.0f, 1e-6f);
            run(again, cl, grads, counts[k], limits[i]);
            assert_memory_equal(got, again, sizeof(got));
        }
        free(grads);
    }
}

static void test_clip__leaves_small_gradients_alone_and_takes_zeros(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    float got[2];
    float *const grads = calloc(384, sizeof(*grads));
    assert_non_null(grads);
    run(got, cl, grads, 384, 0.5f);
    assert_true(got[0] == 1.0f && got[1] == 0.0f);
    grads[383] = 3.0f; /* the last of all counts too */
    grads[0] = -4.0f;
    run(got, cl, grads, 384, 5.001f);
    assert_true(got[0] == 1.0f);
    assert_float_equal(got[1], 5.0f, 1e-6f);
    run(got, cl, grads, 384, 2.5f);
    assert_float_equal(got[0], 0.5f, 1e-6f);
    free(grads);
}

static void test_clip__lets_a_nan_through(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    float got[2];
    float *const grads = random_floats(8192, 3);
    grads[8000] = NAN;
    run(got, cl, grads, 8192, 1.0f);
    assert_true(isnan(got[0]) && isnan(got[1]));
    grads[8000] = -INFINITY;
    run(got, cl, grads, 8192, 1.0f);
    assert_true(got[0] == 0.0f && isinf(got[1]));
    free(grads);
}

static void test_clip__refuses_a_count_off_the_block(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    assert_int_equal(mien_clip_factor(NULL, NULL, NULL, 100, 1.0f, &err), MIEN_ERR_SHAPE);
    assert_int_equal(mien_clip_factor(NULL, NULL, NULL, 0, 1.0f, &err), MIEN_ERR_SHAPE);
}

/* Zero-padded to whole blocks; free() it. */
static float *padded(float *numbers, size_t count, size_t *room)
{
    *room = (count + MIEN_DECAY_BLOCK - 1) / MIEN_DECAY_BLOCK * MIEN_DECAY_BLOCK;
    float *const all = calloc(*room, sizeof(*all));
    assert_non_null(all);
    memcpy(all, numbers, count * sizeof(*all));
    free(numbers);
    return all;
}

static void test_clip__gives_what_pytorch_gives(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    for (int i = 0; i < 4; i++) {
        char name[32];
        size_t count = 0;
        (void)snprintf(name, sizeof(name), "clip_%02d", i);
        struct mien_safetensors *const file = oracle_open(name);
        const size_t real = oracle_tensor(file, "gradients")->shape[0];
        float *const grads = padded(oracle_floats(file, "gradients"), real, &count);
        float *const want = oracle_floats(file, "clipped");
        float *const norm = oracle_floats(file, "norm");
        float got[2];
        run(got, cl, grads, count, (float)oracle_number(file, "max_norm", 0.0));
        assert_float_equal(got[1], norm[0], 1e-6f * norm[0]);
        for (size_t k = 0; k < real; k++) {
            grads[k] *= got[0];
        }
        assert_all_close(grads, want, real, 0.0f, 2e-6f);
        free(grads);
        free(want);
        free(norm);
        mien_safetensors_close(file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clip__refuses_a_count_off_the_block),
        cmocka_unit_test(test_clip__matches_reference),
        cmocka_unit_test(test_clip__leaves_small_gradients_alone_and_takes_zeros),
        cmocka_unit_test(test_clip__lets_a_nan_through),
        cmocka_unit_test(test_clip__gives_what_pytorch_gives),
    };
    return cmocka_run_group_tests_name("ops/clip", tests, device_setup, device_teardown);
}
