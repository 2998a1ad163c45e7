/* test_sam.c - the step up the slope against the reference, and the way back */
// oclgrind
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ops/average.h"
#include "ops/clip.h"
#include "ops/sam.h"
#include "ref/clip.h"
#include "ref/sam.h"
#include "support/layout.h"

static const size_t counts[] = { 128, 384, 128 * 301 };
enum { COUNTS = sizeof(counts) / sizeof(counts[0]), PARAMS = 0, SAVED, GRADS, CLIP, BUFFERS };

/* Numbers of a climb on the device. */
struct climb {
    struct mien_cl *cl;
    size_t count;
    struct mien_cl_buffer *buffers[BUFFERS];
};

static void begin(struct climb *c, struct mien_cl *cl, const float *params, const float *grads,
                  size_t count, float radius)
{
    struct mien_error err = { "" };
    const size_t bytes = count * sizeof(float);
    *c = (struct climb){ cl, count, { NULL } };
    c->buffers[PARAMS] = guarded_copy(cl, params, bytes);
    c->buffers[SAVED] = guarded_buffer(cl, bytes);
    c->buffers[GRADS] = guarded_copy(cl, grads, bytes);
    c->buffers[CLIP] = guarded_buffer(cl, mien_clip_bytes(count));
    assert_ok(mien_clip_factor(cl, c->buffers[CLIP], c->buffers[GRADS], count, 1.0f, &err), &err);
    assert_ok(mien_sam_climb(cl, c->buffers[PARAMS], c->buffers[SAVED], c->buffers[GRADS],
                             c->buffers[CLIP], count, radius, &err),
              &err);
}

/* What stands in a buffer now; free() it. */
static float *numbers(const struct climb *c, int which)
{
    return guarded_read(c->cl, c->buffers[which], c->count * sizeof(float));
}

static void end(struct climb *c)
{
    for (int i = 0; i < BUFFERS; i++) {
        mien_cl_buffer_destroy(c->buffers[i]);
    }
}

static void test_sam__goes_as_far_as_the_radius_up_the_slope_and_back(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    static const float radii[] = { 0.05f, 2.0f };
    for (size_t k = 0; k < COUNTS * 2; k++) {
        struct climb c;
        struct mien_error err = { "" };
        const size_t count = counts[k / 2];
        const float radius = radii[k % 2];
        float *const params = random_floats(count, 5);
        float *const grads = random_floats(count, 6);
        float *const want = malloc(count * sizeof(*want));
        float clip[2];
        assert_non_null(want);
        memcpy(want, params, count * sizeof(*want));
        mien_ref_clip_factor(clip, grads, count, 1.0f);
        mien_ref_sam_climb(want, NULL, grads, clip[1], count, radius);
        begin(&c, cl, params, grads, count, radius);
        float *const up = numbers(&c, PARAMS);
        float *const saved = numbers(&c, SAVED);
        double squares = 0.0;
        for (size_t i = 0; i < count; i++) {
            const double way = (double)up[i] - (double)params[i];
            squares += way * way;
        }
        assert_all_close(up, want, count, 2e-6f, 0.0f);
        assert_memory_equal(saved, params, count * sizeof(float));
        assert_float_equal((float)sqrt(squares), radius, 1e-4f * radius);
        assert_ok(mien_average_swap(cl, c.buffers[SAVED], c.buffers[PARAMS], count, &err), &err);
        float *const back = numbers(&c, PARAMS);
        assert_memory_equal(back, params, count * sizeof(float));
        end(&c);
        free(params);
        free(grads);
        free(want);
        free(up);
        free(saved);
        free(back);
    }
}

static void test_sam__stays_where_there_is_no_slope_or_too_much(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct climb c;
    float *const params = random_floats(256, 5);
    float *const grads = calloc(256, sizeof(*grads));
    assert_non_null(grads);
    begin(&c, cl, params, grads, 256, 0.5f);
    float *const stayed = numbers(&c, PARAMS);
    assert_memory_equal(stayed, params, 256 * sizeof(float));
    end(&c);
    grads[200] = NAN;
    begin(&c, cl, params, grads, 256, 0.5f);
    float *const lost = numbers(&c, PARAMS);
    float *const saved = numbers(&c, SAVED);
    assert_true(isnan(lost[0]) && isnan(lost[255]));
    assert_memory_equal(saved, params, 256 * sizeof(float));
    end(&c);
    grads[200] = INFINITY; /* the norm as well */
    begin(&c, cl, params, grads, 256, 0.5f);
    float *const infinite = numbers(&c, PARAMS);
    assert_true(isnan(infinite[200]));
    infinite[200] = params[200];
    assert_memory_equal(infinite, params, 256 * sizeof(float));
    end(&c);
    grads[200] = 1e20f; /* its square is infinite */
    begin(&c, cl, params, grads, 256, 0.5f);
    float *const huge = numbers(&c, PARAMS);
    assert_memory_equal(huge, params, 256 * sizeof(float));
    end(&c);
    free(infinite);
    free(huge);
    free(params);
    free(grads);
    free(stayed);
    free(lost);
    free(saved);
}

static void test_sam__refuses_a_count_off_the_block(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    assert_int_equal(mien_sam_climb(NULL, NULL, NULL, NULL, NULL, 100, 1.0f, &err), MIEN_ERR_SHAPE);
    assert_int_equal(mien_sam_climb(NULL, NULL, NULL, NULL, NULL, 0, 1.0f, &err), MIEN_ERR_SHAPE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sam__refuses_a_count_off_the_block),
        cmocka_unit_test(test_sam__goes_as_far_as_the_radius_up_the_slope_and_back),
        cmocka_unit_test(test_sam__stays_where_there_is_no_slope_or_too_much),
    };
    return cmocka_run_group_tests_name("ops/sam", tests, device_setup, device_teardown);
}
