/* test_conv2d_batched.c - Winograd convolution for GPUs against the reference and PyTorch */
// oclgrind
#include "ops/conv2d_batched.h"
#include "support/conv2d.h"

/* Parameters that are not the defaults; 0: the default. */
struct params {
    cl_int down, across, terms, points, kib;
};

/* Images smaller than a tile, odd sizes, paddings up to k - 1, channels off the tiles' sizes;
 * images in several rounds of which the last is not full, sums in several parts. */
static const struct shape {
    int n, c, h, w, oc, k, pad;
    struct params params;
    int rounds, parts; /* of the filter's gradient */
    bool small;
} shapes[] = {
    { 1, 1, 3, 3, 1, 3, 0, { 0 }, 1, 1, true },
    { 2, 3, 7, 5, 5, 3, 1, { 0 }, 1, 1, true },
    { 1, 2, 5, 9, 3, 5, 4, { 2, 2, 8, 7, 0 }, 1, 1, true },
    { 10, 2, 17, 16, 2, 3, 1, { 2, 2, 8, 6, 48 }, 3, 2, true },
    { 3, 17, 11, 13, 19, 3, 2, { 0 }, 1, 1, false },
    { 2, 70, 6, 7, 66, 4, 1, { 8, 2, 32, 6, 0 }, 1, 1, false },
    { 3, 5, 10, 10, 7, 4, 3, { 8, 8, 16, 7, 0 }, 1, 1, false },
    { 5, 9, 8, 8, 130, 5, 2, { 4, 8, 8, 6, 0 }, 1, 2, false },
    { 37, 8, 20, 21, 9, 3, 1, { .points = 6, .kib = 1024 }, 3, 7, false },
    { 90, 2, 44, 44, 3, 5, 0, { 0 }, 2, 6, false },
    { 1, 1, 300, 290, 8, 5, 2, { 0 }, 1, 6, false },
};
enum { SHAPES = sizeof(shapes) / sizeof(shapes[0]) };

static struct mien_conv2d op_of(const struct shape *s)
{
    struct mien_error err = { "" };
    struct mien_conv2d op;
    const struct mien_act x = { s->n, s->c, s->h, s->w, 1 };
    const cl_int values[] = { s->params.down, s->params.across, s->params.terms, s->params.points,
                              s->params.kib };
    assert_ok(mien_conv2d_init(&op, &x, s->oc, s->k, s->k, 1, s->pad, &err), &err);
    for (int pass = 0; pass < MIEN_CONV2D_PASSES; pass++) {
        assert_int_equal(op.variant[pass], MIEN_CONV2D_TILE); /* not the default */
        for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
            op.param[pass][i] = values[i];
        }
    }
    assert_true(conv2d_choose(&op, MIEN_CONV2D_BATCHED));
    return op;
}

static void test_conv2d_batched__matches_reference_on_all_shapes(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    for (size_t s = 0; s < SHAPES; s++) {
        for (int fused = 0; fused < 2 && (shapes[s].small || !small_only()); fused++) {
            struct mien_conv2d op = op_of(&shapes[s]);
            op.relu = fused != 0;
            struct conv2d_numbers numbers = conv2d_random(&op, fused != 0);
            conv2d_check(cl, &op, &numbers, fused != 0);
            conv2d_free(&numbers);
        }
    }
}

/* What the shapes above are for. */
static void test_conv2d_batched__has_rounds_of_images_and_parts_of_sums(void **state)
{
    (void)state;
    for (size_t s = 0; s < SHAPES; s++) {
        const struct mien_conv2d op = op_of(&shapes[s]);
        const struct mien_batched plan = mien_batched_plan(&op, MIEN_CONV2D_BWD_FILTER);
        print_message("%zu: %d images of %d at once, %d parts\n", s, plan.images, op.n,
                      mien_batched_splits(&plan));
        assert_int_equal((op.n + plan.images - 1) / plan.images, shapes[s].rounds);
        assert_int_equal(mien_batched_splits(&plan), shapes[s].parts);
    }
}

/* A batch of fewer images uses the scratch of a full one: it may not need more. */
static void test_conv2d_batched__needs_no_more_memory_for_fewer_images(void **state)
{
    (void)state;
    for (size_t s = 0; s < SHAPES; s++) {
        struct mien_conv2d op = op_of(&shapes[s]);
        for (int pass = 0; pass < MIEN_CONV2D_PASSES; pass++) {
            size_t before = 0;
            for (op.n = 1; op.n <= shapes[s].n; op.n++) {
                const size_t bytes = mien_conv2d_pass_work_bytes(&op, (enum mien_conv2d_pass)pass);
                assert_true(bytes >= before);
                before = bytes;
            }
        }
    }
}

static void test_conv2d_batched__keeps_its_bound_with_many_channels(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    static const struct shape many[] = { { 9, 512, 5, 5, 40, 3, 1, { 0 }, 1, 1, false },
                                         { 9, 40, 5, 5, 512, 3, 1, { 0 }, 1, 1, false } };
    for (size_t i = 0; i < (small_only() ? 0 : 2); i++) {
        const struct mien_conv2d op = op_of(&many[i]);
        struct conv2d_numbers numbers = conv2d_random(&op, false);
        conv2d_check(cl, &op, &numbers, false);
        conv2d_free(&numbers);
    }
}

static void test_conv2d_batched__gives_what_pytorch_gives(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    static const char *const names[] = { "conv2d_01", "conv2d_08" }; /* 4x4, and 3x3 */
    for (size_t i = 0; i < (small_only() ? 0 : 2); i++) {
        struct mien_safetensors *const file = oracle_open(names[i]);
        struct mien_conv2d op = conv2d_oracle_op(file, 1);
        struct conv2d_numbers numbers = conv2d_oracle(file);
        assert_true(conv2d_choose(&op, MIEN_CONV2D_BATCHED));
        conv2d_check(cl, &op, &numbers, false);
        conv2d_free(&numbers);
        mien_safetensors_close(file);
    }
}

/* Other strides, kernels that are not square, and sizes whose points no integer counts. */
static void test_conv2d_batched__takes_what_it_can_compute(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    static const struct {
        int c, h, w, oc, kh, kw, stride;
        bool filter, others; /* passes that it takes */
    } cases[] = {
        { 3, 9, 9, 3, 3, 3, 2, false, false },        { 3, 9, 9, 3, 3, 4, 1, false, false },
        { 3, 9, 9, 3, 1, 1, 1, false, false },        { 3, 9, 9, 3, 6, 6, 1, false, false },
        { 2048, 9, 9, 2048, 3, 3, 1, true, true },    { 4096, 9, 9, 4096, 3, 3, 1, false, true },
        { 8192, 9, 9, 8192, 3, 3, 1, false, false },  { 65536, 3, 3, 1, 3, 3, 1, false, false },
        { 65535, 3, 3, 1, 3, 3, 1, true, true },      { 64, 1024, 512, 64, 3, 3, 1, true, true },
        { 64, 4096, 2048, 3, 3, 3, 1, false, false },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct mien_conv2d op;
        const struct mien_act x = { 1, cases[i].c, cases[i].h, cases[i].w, 1 };
        assert_ok(mien_conv2d_init(&op, &x, cases[i].oc, cases[i].kh, cases[i].kw, cases[i].stride,
                                   0, &err),
                  &err);
        for (int p = 0; p < MIEN_CONV2D_PASSES; p++) {
            const enum mien_conv2d_pass pass = (enum mien_conv2d_pass)p;
            assert_int_equal(mien_conv2d_takes(&op, pass, MIEN_CONV2D_BATCHED),
                             p == MIEN_CONV2D_BWD_FILTER ? cases[i].filter : cases[i].others);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conv2d_batched__takes_what_it_can_compute),
        cmocka_unit_test(test_conv2d_batched__has_rounds_of_images_and_parts_of_sums),
        cmocka_unit_test(test_conv2d_batched__needs_no_more_memory_for_fewer_images),
        cmocka_unit_test(test_conv2d_batched__matches_reference_on_all_shapes),
        cmocka_unit_test(test_conv2d_batched__keeps_its_bound_with_many_channels),
        cmocka_unit_test(test_conv2d_batched__gives_what_pytorch_gives),
    };
    return cmocka_run_group_tests_name("ops/conv2d_batched", tests, device_setup, device_teardown);
}
