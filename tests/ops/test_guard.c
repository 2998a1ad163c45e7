/* test_guard.c - what is not finite is found wherever it is, and the first step that has it stays
 */
// oclgrind
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ops/guard.h"
#include "ops/optimizer.h"
#include "ops/softmax.h"
#include "ref/guard.h"
#include "support/layout.h"

/* One block; several; one more than whole work-groups; many. */
static const size_t counts[] = { 128, 384, 4224, 128 * 301, 128 * 9999 };
enum { COUNTS = sizeof(counts) / sizeof(counts[0]) };

static const float odd[] = { NAN, INFINITY, -INFINITY, -NAN };
enum { ODD = sizeof(odd) / sizeof(odd[0]) };

struct fixture {
    struct mien_cl *cl;
    size_t count;
    float *grads;
    struct mien_cl_buffer *guard, *bgrads, *stats;
    int32_t want[2];
    float loss[2];
};

static void set_up(struct fixture *f, struct mien_cl *cl, size_t count)
{
    static const cl_int zeros[2] = { 0, 0 };
    struct mien_error err = { "" };
    *f = (struct fixture){ .cl = cl, .count = count, .grads = random_floats(count, 3) };
    f->guard = guarded_copy(cl, zeros, sizeof(zeros));
    f->bgrads = guarded_copy(cl, f->grads, count * sizeof(float));
    f->stats = guarded_buffer(cl, mien_softmax_stats_bytes(1));
    assert_ok(mien_cl_write(cl, f->stats, 0, f->loss, sizeof(f->loss), &err), &err);
}

static void tear_down(struct fixture *f)
{
    float *const grads = guarded_read(f->cl, f->bgrads, f->count * sizeof(float));
    assert_memory_equal(grads, f->grads, f->count * sizeof(float)); /* bits, NaN among them */
    mien_cl_buffer_destroy(f->guard);
    mien_cl_buffer_destroy(f->bgrads);
    mien_cl_buffer_destroy(f->stats);
    free(grads);
    free(f->grads);
}

static void put_gradient(struct fixture *f, size_t at, float value)
{
    struct mien_error err = { "" };
    f->grads[at] = value;
    assert_ok(mien_cl_write(f->cl, f->bgrads, at * sizeof(float), &value, sizeof(value), &err),
              &err);
}

static void put_loss(struct fixture *f, float sum, float lost)
{
    struct mien_error err = { "" };
    f->loss[0] = sum;
    f->loss[1] = lost;
    assert_ok(mien_cl_write(f->cl, f->stats, 0, f->loss, sizeof(f->loss), &err), &err);
}

/* The kernel's word and the reference's, which are to be the same. */
static struct mien_guard check(struct fixture *f, cl_int step)
{
    struct mien_error err = { "" };
    assert_ok(mien_guard_step(f->cl, f->guard, f->bgrads, f->stats, f->count, step, &err), &err);
    mien_ref_guard_step(f->want, f->grads, f->loss, f->count, step);
    struct mien_guard *const got = (struct mien_guard *)guarded_read(f->cl, f->guard, sizeof(*got));
    const struct mien_guard result = *got;
    free(got);
    assert_int_equal(result.faults, f->want[0]);
    assert_int_equal(result.step, f->want[1]);
    return result;
}

static void reset(struct fixture *f)
{
    struct mien_error err = { "" };
    memset(f->want, 0, sizeof(f->want));
    assert_ok(mien_cl_write(f->cl, f->guard, 0, f->want, sizeof(f->want), &err), &err);
}

static void test_guard__lets_every_finite_number_pass(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    static const float largest[] = { 0x1.fffffep127f, -0x1.fffffep127f, 0x1p-149f, -0.0f, 1e-40f };
    for (size_t k = 0; k < (small_only() ? 3 : COUNTS); k++) {
        struct fixture f;
        set_up(&f, cl, counts[k]);
        for (size_t i = 0; i < sizeof(largest) / sizeof(largest[0]); i++) {
            put_gradient(&f, counts[k] - 1 - i * 7, largest[i]);
            put_loss(&f, largest[i], -largest[i]);
            assert_int_equal(check(&f, 1).faults, 0);
        }
        tear_down(&f);
    }
}

static void test_guard__finds_one_number_wherever_it_is(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    for (size_t k = 0; k < (small_only() ? 3 : COUNTS); k++) {
        const size_t places[] = { 0,  1,  counts[k] / 2, counts[k] - 1, counts[k] - 2,
                                  15, 16, 127,           counts[k] / 3 };
        struct fixture f;
        set_up(&f, cl, counts[k]);
        for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
            const float old = f.grads[places[i]];
            put_gradient(&f, places[i], odd[i % ODD]);
            assert_int_equal(check(&f, (cl_int)i + 1).faults, MIEN_GUARD_GRADIENT);
            put_gradient(&f, places[i], old);
            reset(&f);
            assert_int_equal(check(&f, 1).faults, 0);
        }
        tear_down(&f);
    }
}

static void test_guard__finds_the_loss_and_both(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct fixture f;
    set_up(&f, cl, 384);
    for (size_t i = 0; i < ODD; i++) {
        put_loss(&f, odd[i], 0.0f);
        assert_int_equal(check(&f, 3).faults, MIEN_GUARD_LOSS);
        reset(&f);
        put_loss(&f, 1.0f, odd[i]);
        assert_int_equal(check(&f, 3).faults, MIEN_GUARD_LOSS);
        reset(&f);
    }
    put_gradient(&f, 383, NAN);
    assert_int_equal(check(&f, 3).faults, MIEN_GUARD_LOSS | MIEN_GUARD_GRADIENT);
    tear_down(&f);
}

static void test_guard__keeps_the_first_step_that_had_any(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct fixture f;
    set_up(&f, cl, 128 * 301);
    assert_int_equal(check(&f, 1).step, 0);
    put_gradient(&f, 4000, INFINITY);
    assert_int_equal(check(&f, 2).step, 2);
    put_loss(&f, NAN, 0.0f);
    put_gradient(&f, 0, NAN);
    const struct mien_guard later = check(&f, 3);
    assert_int_equal(later.step, 2);
    assert_int_equal(later.faults, MIEN_GUARD_GRADIENT);
    put_gradient(&f, 0, 0.0f);
    put_gradient(&f, 4000, 0.0f);
    put_loss(&f, 1.0f, 0.0f);
    assert_int_equal(check(&f, 4).step, 2); /* what was lost stays lost */
    tear_down(&f);
}

static void test_guard__refuses_a_count_off_the_block(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    assert_int_equal(mien_guard_step(NULL, NULL, NULL, NULL, 100, 1, &err), MIEN_ERR_SHAPE);
    assert_int_equal(mien_guard_step(NULL, NULL, NULL, NULL, 0, 1, &err), MIEN_ERR_SHAPE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_guard__refuses_a_count_off_the_block),
        cmocka_unit_test(test_guard__lets_every_finite_number_pass),
        cmocka_unit_test(test_guard__finds_one_number_wherever_it_is),
        cmocka_unit_test(test_guard__finds_the_loss_and_both),
        cmocka_unit_test(test_guard__keeps_the_first_step_that_had_any),
    };
    return cmocka_run_group_tests_name("ops/guard", tests, device_setup, device_teardown);
}
