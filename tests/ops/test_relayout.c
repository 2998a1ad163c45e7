/* test_relayout.c - blocked activations to rows and back on the device against the reference */
// oclgrind
#include <stdlib.h>

#include "ops/relayout.h"
#include "support/layout.h"
#include "support/relayout.h"

static const struct mien_act shapes[] = {
    { 1, 1, 1, 1, 1 },    { 5, 3, 2, 7, 1 },     { 1, 1, 1, 1, 8 },
    { 7, 65, 1, 1, 4 },   { 17, 3, 5, 9, 8 },    { 8, 64, 1, 1, 8 },
    { 150, 32, 3, 3, 8 }, { 150, 13, 7, 1, 16 }, { 150, 7, 1, 1, 4 },
};

static void check_one(struct mien_cl *cl, const struct mien_act *act)
{
    struct mien_error err = { "" };
    const size_t count = plain_floats(act);
    const size_t floats = mien_act_floats(act);
    const int features = act->c * act->h * act->w;
    float *const blocked = random_floats(floats, 1);
    float *const want_rows = random_floats(count, 2);
    float *const want = random_floats(floats, 3);
    struct mien_cl_buffer *const bin = guarded_copy(cl, blocked, floats * sizeof(float));
    struct mien_cl_buffer *const brows = guarded_buffer(cl, count * sizeof(float));
    struct mien_cl_buffer *const bout = poisoned_act(cl, act);
    assert_ok(mien_relayout_to_rows(cl, brows, bin, act, &err), &err);
    assert_ok(mien_relayout_from_rows(cl, bout, brows, act, &err), &err);
    relayout_to_rows(want_rows, blocked, act->n, features, act->lanes);
    relayout_from_rows(want, want_rows, act->n, features, act->lanes);
    float *const rows = guarded_read(cl, brows, count * sizeof(float));
    float *const out = guarded_read(cl, bout, floats * sizeof(float));
    assert_all_close(rows, want_rows, count, 0.0f, 0.0f);
    assert_all_close(out, want, floats, 0.0f, 0.0f);
    assert_unused_lanes(cl, bout, act, true);
    mien_cl_buffer_destroy(bin);
    mien_cl_buffer_destroy(brows);
    mien_cl_buffer_destroy(bout);
    free(blocked);
    free(want_rows);
    free(want);
    free(rows);
    free(out);
}

static void test_relayout__there_and_back_on_all_shapes(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        check_one(cl, &shapes[i]);
    }
}

static void test_ref_relayout__rows_are_images(void **state)
{
    (void)state;
    const struct mien_act act = { 6, 2, 1, 3, 4 };
    float *const plain = random_floats(36, 1);
    float *const blocked = blocked_from_plain(plain, &act, 7.0f);
    float rows[36];
    relayout_to_rows(rows, blocked, 6, 6, 4);
    assert_all_close(rows, plain, 36, 0.0f, 0.0f);
    free(plain);
    free(blocked);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ref_relayout__rows_are_images),
        cmocka_unit_test(test_relayout__there_and_back_on_all_shapes),
    };
    return cmocka_run_group_tests_name("ops/relayout", tests, device_setup, device_teardown);
}
