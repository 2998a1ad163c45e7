/* test_slice.c - long launches in several commands */
#include <stdlib.h>
#include <string.h>

#include "cl/blas.h"
#include "cl/internal.h"
#include "support/device.h"

static const struct {
    size_t groups[3];
    double flop;
    struct mien_cl_slicing how;
    size_t parts[3];
} cuts[] = {
    { { 7, 3, 2 }, 1e12, { 0.0, 0 }, { 1, 1, 1 } },   /* no limit */
    { { 7, 3, 2 }, 1e9, { 1e9, 0 }, { 1, 1, 1 } },    /* at the limit */
    { { 7, 3, 2 }, 1.1e9, { 1e9, 0 }, { 1, 1, 2 } },  /* the slowest dimension first */
    { { 7, 3, 2 }, 3e9, { 1e9, 0 }, { 1, 2, 2 } },    /* then the one before it */
    { { 7, 3, 2 }, 1e12, { 1e9, 0 }, { 7, 3, 2 } },   /* no more than there are groups */
    { { 7, 1, 1 }, 2.5e9, { 1e9, 0 }, { 3, 1, 1 } },  /* one dimension */
    { { 1, 1, 1 }, 1e12, { 1e9, 1 }, { 1, 1, 1 } },   /* a single group stays whole */
    { { 7, 3, 2 }, 0.0, { 0.0, 1 }, { 7, 3, 2 } },    /* by groups */
    { { 7, 3, 2 }, 0.0, { 1e9, 21 }, { 1, 1, 2 } },   /* the stricter limit counts */
    { { 0, 1, 1 }, 0.0, { 1e9, 1 }, { 1, 1, 1 } },    /* nothing to do: left to OpenCL to refuse */
    { { 4, 1, 1 }, 1e300, { 1e-9, 0 }, { 4, 1, 1 } }, /* numbers beyond size_t */
};

static void test_slice__cuts_along_the_slowest_dimensions(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
        const struct mien_cl cl = { .slicing = cuts[i].how };
        const struct mien_cl_cut cut = mien_cl_cut(&cl, cuts[i].groups, cuts[i].flop);
        for (int d = 0; d < 3; d++) {
            assert_int_equal(cut.parts[d], cuts[i].parts[d]);
        }
    }
}

static void test_slice__has_every_group_once(void **state)
{
    (void)state;
    const struct mien_cl_cut cut = { { 7, 5, 3 }, { 3, 5, 2 } };
    int seen[7 * 5 * 3] = { 0 };
    assert_int_equal(mien_cl_cut_count(&cut), 30);
    for (size_t i = 0; i < 30; i++) {
        size_t first[3];
        size_t count[3];
        mien_cl_cut_slice(first, count, &cut, i);
        for (size_t z = first[2]; z < first[2] + count[2]; z++) {
            for (size_t y = first[1]; y < first[1] + count[1]; y++) {
                for (size_t x = first[0]; x < first[0] + count[0]; x++) {
                    assert_true(z < 3 && y < 5 && x < 7);
                    seen[(z * 5 + y) * 7 + x]++;
                }
            }
        }
    }
    for (size_t i = 0; i < sizeof(seen) / sizeof(seen[0]); i++) {
        assert_int_equal(seen[i], 1);
    }
}

static void test_slice__is_on_for_gpus_alone(void **state)
{
    (void)state;
    struct mien_device_info info = { .kind = MIEN_DEVICE_GPU,
                                     .compute_units = 24,
                                     .clock_mhz = 1000 };
    /* A tenth of 24 units x 1 GHz x 16 operations, for 100 ms. */
    const double limit = mien_cl_default_slicing(&info).most_flop;
    assert_true(limit > 3.83e9 && limit < 3.85e9);
    assert_int_equal(mien_cl_default_slicing(&info).most_groups, 0);
    info.clock_mhz = 0;
    assert_true(mien_cl_default_slicing(&info).most_flop < limit);
    info.compute_units = 0;
    assert_true(mien_cl_default_slicing(&info).most_flop > 0.0);
    info.kind = MIEN_DEVICE_CPU;
    assert_true(mien_cl_default_slicing(&info).most_flop == 0.0);
}

/* Ten groups of the probe in slices: each does its part, and the record has them as one launch. */
static void test_slice__is_one_launch_in_the_record(void **state)
{
    enum { COUNT = 600 };
    (void)device_or_skip(state);
    struct mien_error err = { "" };
    struct mien_cl *cl = NULL;
    const struct mien_cl_options options = { .profile = true };
    const struct mien_cl_slicing limit = { 1e6, 0 };
    const struct mien_cl_launch probe = {
        .source = "probe",
        .kernel = "probe_axpb",
        .global = { COUNT },
        .local = { 64 },
        .flop = 3.5e6,
    };
    struct mien_cl_launch light = probe;
    light.flop = 1e6;
    const float a = 3.0f;
    const float b = 2.0f;
    const int count = COUNT;
    const struct mien_cl_sample *samples = NULL;
    size_t sample_count = 0;
    float *const x = random_floats(COUNT, 1);
    assert_ok(mien_cl_open(&cl, &options, &err), &err);
    struct mien_cl_buffer *const bx = guarded_copy(cl, x, COUNT * sizeof(float));
    struct mien_cl_buffer *const by = guarded_buffer(cl, COUNT * sizeof(float));
    const struct mien_cl_arg args[] = { ARG_BUF(by), ARG_BUF(bx), ARG_F32(a), ARG_F32(b),
                                        ARG_I32(count) };
    mien_cl_slice(cl, &limit);
    assert_ok(mien_cl_launch(cl, &probe, args, ARG_COUNT(args), &err), &err);
    float *const got = guarded_read(cl, by, COUNT * sizeof(float));
    for (size_t i = 0; i < COUNT; i++) {
        x[i] = 3.0f * x[i] + 2.0f;
    }
    assert_all_close(got, x, COUNT, 1e-6f, 1e-6f);
    assert_ok(mien_cl_launch(cl, &light, args, ARG_COUNT(args), &err), &err);
    assert_ok(mien_cl_profile(cl, &samples, &sample_count, &err), &err);
    assert_int_equal(sample_count, 2);
    assert_int_equal(samples[0].slices, 4);
    assert_int_equal(samples[1].slices, 1);
    assert_true(samples[0].end_ns > samples[0].start_ns);
    free(got);
    free(x);
    mien_cl_buffer_destroy(bx);
    mien_cl_buffer_destroy(by);
    mien_cl_close(cl);
}

/* c in slices of rows has the bytes of c in one product, and nothing beside it is written. */
static void check_product(struct mien_cl *cl, bool left_turned, bool right_turned, float beta)
{
    enum { M = 300, N = 21, K = 65, GAP = 3 };
    struct mien_error err = { "" };
    const struct mien_cl_slicing none = { 0.0, 0 };
    const struct mien_cl_slicing forced = { 0.0, 1 };
    const size_t bytes = (size_t)(5 + M * (N + GAP)) * sizeof(float);
    const size_t lefts = 7 + M * (K + GAP) + K * (M + GAP);
    const size_t rights = N * (K + GAP) + K * (N + GAP);
    float *const left = random_floats(lefts, 1);
    float *const right = random_floats(rights, 2);
    float *const old = random_floats(bytes / sizeof(float), 3);
    float *results[2];
    struct mien_cl_buffer *const ba = guarded_copy(cl, left, lefts * sizeof(float));
    struct mien_cl_buffer *const bb = guarded_copy(cl, right, rights * sizeof(float));
    for (int sliced = 0; sliced < 2; sliced++) {
        struct mien_cl_buffer *const bc = guarded_copy(cl, old, bytes);
        const struct mien_matrix a = { ba, 7, (left_turned ? M : K) + GAP, left_turned };
        const struct mien_matrix b = { bb, 0, (right_turned ? K : N) + GAP, right_turned };
        const struct mien_matrix c = { bc, 5, N + GAP, false };
        const struct mien_gemm gemm = { M, N, K, beta };
        struct mien_cl_buffer *const work = guarded_buffer(cl, mien_blas_work_bytes(&gemm));
        mien_cl_slice(cl, sliced ? &forced : &none);
        assert_ok(mien_blas_gemm(cl, &c, &a, &b, work, &gemm, &err), &err);
        free(guarded_read(cl, work, mien_blas_work_bytes(&gemm)));
        results[sliced] = guarded_read(cl, bc, bytes);
        mien_cl_buffer_destroy(work);
        mien_cl_buffer_destroy(bc);
    }
    mien_cl_slice(cl, &none);
    assert_memory_equal(results[0], results[1], bytes);
    assert_memory_not_equal(results[0], old, bytes);
    free(left);
    free(right);
    free(old);
    free(results[0]);
    free(results[1]);
    mien_cl_buffer_destroy(ba);
    mien_cl_buffer_destroy(bb);
}

static void test_slice__products_are_the_same_bits(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    for (int i = 0; i < 8; i++) {
        check_product(cl, i % 2 != 0, i / 2 % 2 != 0, i / 4 != 0 ? 1.0f : 0.0f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slice__cuts_along_the_slowest_dimensions),
        cmocka_unit_test(test_slice__has_every_group_once),
        cmocka_unit_test(test_slice__is_on_for_gpus_alone),
        cmocka_unit_test(test_slice__is_one_launch_in_the_record),
        cmocka_unit_test(test_slice__products_are_the_same_bits),
    };
    return cmocka_run_group_tests(tests, device_setup, device_teardown);
}
