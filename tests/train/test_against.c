/* test_against.c - the same steps on two devices, one of which goes astray */
// wrap: mien_sgd_step
#include "train/against.h"

#include <math.h>
#include <string.h>

#include "ops/optimizer.h"
#include "support/device.h"
#include "support/training.h"

static const struct mien_cl *astray; /* the device whose steps are `factor` times as long */
static float factor;

enum mien_status __real_mien_sgd_step(struct mien_cl *cl, struct mien_cl_buffer *params,
                                      struct mien_cl_buffer *state,
                                      const struct mien_cl_buffer *grads,
                                      const struct mien_cl_buffer *decayed, size_t count,
                                      const struct mien_sgd *op, struct mien_error *err);
enum mien_status __wrap_mien_sgd_step(struct mien_cl *cl, struct mien_cl_buffer *params,
                                      struct mien_cl_buffer *state,
                                      const struct mien_cl_buffer *grads,
                                      const struct mien_cl_buffer *decayed, size_t count,
                                      const struct mien_sgd *op, struct mien_error *err);
enum mien_status __wrap_mien_sgd_step(struct mien_cl *cl, struct mien_cl_buffer *params,
                                      struct mien_cl_buffer *state,
                                      const struct mien_cl_buffer *grads,
                                      const struct mien_cl_buffer *decayed, size_t count,
                                      const struct mien_sgd *op, struct mien_error *err)
{
    struct mien_sgd changed = *op;
    changed.rate *= cl == astray ? factor : 1.0f;
    return __real_mien_sgd_step(cl, params, state, grads, decayed, count, &changed, err);
}

static const char recipe[] = "input: { channels: 1, height: 6, width: 5 }\n"
                             "layers: [ flatten, dense 9, batchnorm, relu, dense classes ]\n"
                             "train: { batch: 5, optimizer: { rate: 0.5 } }\n";

static bool at_once(void *user)
{
    (void)user;
    return true;
}

/* Steps on two contexts of this device, whose second one is `by` times as fast. */
static struct mien_apart train(float by, int steps)
{
    struct mien_error err = { "" };
    struct mien_cl *cl[2] = { NULL, NULL };
    const struct set_sizes sizes = { 4, 0, 1, 6, 5, 4 };
    struct mien_dataset *const set = set_make(&sizes, 1);
    struct mien_model_file file = model_for(recipe, set);
    const float first = file.weights[0];
    struct mien_apart apart;
    struct mien_against_options options = { .steps = steps };
    for (int i = 0; i < 2; i++) {
        assert_ok(mien_cl_open(&cl[i], NULL, &err), &err);
    }
    astray = cl[1];
    factor = by;
    const struct mien_against_side sides[2] = { { cl[0], NULL }, { cl[1], NULL } };
    options.stop = at_once;
    assert_int_equal(mien_against(&apart, sides, &file, &options, &err), MIEN_ERR_INTERRUPTED);
    mien_apart_finish(&apart);
    options.stop = NULL;
    assert_ok(mien_against(&apart, sides, &file, &options, &err), &err);
    assert_true(file.weights[0] == first); /* they stay as they are */
    for (int i = 0; i < 2; i++) {
        assert_int_equal(mien_cl_live(cl[i]), 0);
        mien_cl_close(cl[i]);
    }
    mien_model_file_finish(&file);
    set_free(set);
    assert_int_equal(apart.count, 3);
    assert_string_equal(apart.layers[0].layer, "dense1");
    assert_string_equal(apart.layers[1].layer, "batchnorm1");
    assert_string_equal(apart.layers[2].layer, "dense2");
    return apart;
}

static void test_against__equal_devices_are_not_apart(void **state)
{
    (void)device_or_skip(state);
    struct mien_apart apart = train(1.0f, 3);
    assert_false(mien_apart_failed(&apart));
    assert_true(apart.loss == 0.0);
    for (size_t i = 0; i < apart.count; i++) {
        assert_true(apart.layers[i].gradient == 0.0);
        assert_true(apart.layers[i].weight == 0.0);
        assert_int_equal(apart.layers[i].step, 1);
    }
    mien_apart_finish(&apart);
}

static void test_against__tells_where_they_go_apart(void **state)
{
    (void)device_or_skip(state);
    struct mien_apart apart = train(1.5f, 3);
    assert_true(mien_apart_failed(&apart));
    for (size_t i = 0; i < apart.count; i++) {
        print_message("  %s %g %g\n", apart.layers[i].layer, apart.layers[i].gradient,
                      apart.layers[i].weight);
        assert_true(mien_layer_is_apart(&apart.layers[i]));
        assert_true(apart.layers[i].step > 1); /* the first one had the same weights */
        assert_true(apart.layers[i].weight > 0.01 && apart.layers[i].weight < 10.0);
    }
    mien_apart_finish(&apart);
}

/* Only its update goes astray, and there is no other step. */
static void test_against__tells_of_the_last_update(void **state)
{
    (void)device_or_skip(state);
    struct mien_apart apart = train(1.5f, 1);
    assert_true(mien_apart_failed(&apart));
    for (size_t i = 0; i < apart.count; i++) {
        assert_int_equal(apart.layers[i].step, 2);
    }
    mien_apart_finish(&apart);
}

static void test_against__what_is_not_finite_is_apart(void **state)
{
    (void)device_or_skip(state);
    struct mien_apart apart = train(NAN, 3);
    assert_true(mien_apart_failed(&apart));
    assert_true(isnan(apart.loss));
    for (size_t i = 0; i < apart.count; i++) {
        assert_true(isnan(apart.layers[i].gradient));
        assert_true(isnan(apart.layers[i].weight));
        assert_int_equal(apart.layers[i].step, 2);
    }
    mien_apart_finish(&apart);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against__equal_devices_are_not_apart),
        cmocka_unit_test(test_against__tells_where_they_go_apart),
        cmocka_unit_test(test_against__tells_of_the_last_update),
        cmocka_unit_test(test_against__what_is_not_finite_is_apart),
    };
    return cmocka_run_group_tests_name("train/against", tests, device_setup, device_teardown);
}
