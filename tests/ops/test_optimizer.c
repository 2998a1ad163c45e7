/* test_optimizer.c - steps of the optimisers against the reference and against PyTorch */
// oclgrind
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/optimizer.h"
#include "ref/optimizer.h"
#include "support/layout.h"
#include "support/oracle.h"

static const size_t counts[] = { 128, 384, 128 * 301 };

struct fixture {
    size_t count;
    float *params, *mean, *square, *grads;
    uint8_t *decayed;
    struct mien_cl_buffer *bparams, *bmean, *bsquare, *bgrads, *bdecayed;
};

/* Takes over params and grads, [count] each. */
static void set_up(struct fixture *f, struct mien_cl *cl, size_t count, float *params, float *grads)
{
    f->count = count;
    f->params = params;
    f->grads = grads;
    f->mean = calloc(count, sizeof(float));
    f->square = calloc(count, sizeof(float));
    f->decayed = malloc(count / MIEN_DECAY_BLOCK);
    assert_non_null(f->mean);
    assert_non_null(f->square);
    assert_non_null(f->decayed);
    for (size_t i = 0; i < count / MIEN_DECAY_BLOCK; i++) {
        f->decayed[i] = i % 3 != 1;
    }
    f->bparams = guarded_copy(cl, params, count * sizeof(float));
    f->bmean = guarded_copy(cl, f->mean, count * sizeof(float));
    f->bsquare = guarded_copy(cl, f->square, count * sizeof(float));
    f->bgrads = guarded_copy(cl, grads, count * sizeof(float));
    f->bdecayed = guarded_copy(cl, f->decayed, count / MIEN_DECAY_BLOCK);
}

static void tear_down(struct fixture *f)
{
    mien_cl_buffer_destroy(f->bparams);
    mien_cl_buffer_destroy(f->bmean);
    mien_cl_buffer_destroy(f->bsquare);
    mien_cl_buffer_destroy(f->bgrads);
    mien_cl_buffer_destroy(f->bdecayed);
    free(f->params);
    free(f->mean);
    free(f->square);
    free(f->grads);
    free(f->decayed);
}

static void check_buffer(struct mien_cl *cl, const struct mien_cl_buffer *buffer, const float *want,
                         size_t count)
{
    float *const got = guarded_read(cl, buffer, count * sizeof(float));
    assert_all_close(got, want, count, 1e-6f, 2e-6f);
    free(got);
}

static void test_sgd__matches_reference_for_three_steps(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    static const struct mien_sgd ops[] = {
        { 0.1f, 0.0f, 0.0f, false, NULL, NULL },
        { 0.1f, 0.0f, 0.01f, false, NULL, NULL },
        { 0.05f, 0.9f, 0.01f, false, NULL, NULL },
        { 0.05f, 0.9f, 0.01f, true, NULL, NULL },
    };
    struct mien_error err = { "" };
    for (size_t k = 0; k < (small_only() ? 8 : 12); k++) {
        const struct mien_sgd *const op = &ops[k % 4];
        const struct mien_ref_sgd ref = { op->rate, op->momentum, op->decay, op->nesterov, 1.0f };
        const bool momentum = op->momentum > 0.0f;
        struct fixture f;
        set_up(&f, cl, counts[k / 4], random_floats(counts[k / 4], 1),
               random_floats(counts[k / 4], 2));
        for (int step = 0; step < 3; step++) {
            assert_ok(mien_sgd_step(cl, f.bparams, momentum ? f.bmean : NULL, f.bgrads, f.bdecayed,
                                    f.count, op, &err),
                      &err);
            mien_ref_sgd_step(f.params, momentum ? f.mean : NULL, f.grads, f.decayed, f.count,
                              &ref);
        }
        check_buffer(cl, f.bparams, f.params, f.count);
        check_buffer(cl, f.bmean, f.mean, f.count);
        tear_down(&f);
    }
}

static void test_adam__matches_reference_for_three_steps(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    for (size_t k = 0; k < (small_only() ? 4 : 6); k++) {
        struct mien_adam op = { 0.01f, 0.9f, 0.999f, 1e-8f, 0.1f, k % 2 == 1, 0, NULL, NULL };
        struct fixture f;
        set_up(&f, cl, counts[k / 2], random_floats(counts[k / 2], 1),
               random_floats(counts[k / 2], 2));
        for (op.step = 1; op.step <= 3; op.step++) {
            const struct mien_ref_adam ref = { op.rate,  op.beta1,     op.beta2, op.epsilon,
                                               op.decay, op.decoupled, op.step,  1.0f };
            const struct mien_adam_state moments = { f.bmean, f.bsquare };
            assert_ok(
                mien_adam_step(cl, f.bparams, &moments, f.bgrads, f.bdecayed, f.count, &op, &err),
                &err);
            mien_ref_adam_step(f.params, f.mean, f.square, f.grads, f.decayed, f.count, &ref);
        }
        check_buffer(cl, f.bparams, f.params, f.count);
        check_buffer(cl, f.bmean, f.mean, f.count);
        check_buffer(cl, f.bsquare, f.square, f.count);
        tear_down(&f);
    }
}

/* The factor comes from the device; what it does is what smaller gradients do. */
static void test_optimizer__takes_the_factor_of_clipping(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    const size_t count = 384;
    static const float factors[] = { 0.25f, 7.0f }; /* the second number is the norm */
    struct mien_cl_buffer *const clip = guarded_copy(cl, factors, sizeof(factors));
    for (int kind = 0; kind < 3; kind++) {
        struct fixture f;
        set_up(&f, cl, count, random_floats(count, 1), random_floats(count, 2));
        for (long step = 1; step <= 2; step++) {
            const struct mien_sgd sgd = { 0.05f, 0.9f, 0.01f, true, clip, NULL };
            const struct mien_adam adam = { 0.01f,     0.9f, 0.999f, 1e-8f, 0.1f,
                                            kind == 2, step, clip,   NULL };
            const struct mien_ref_sgd ref_sgd = { 0.05f, 0.9f, 0.01f, true, 0.25f };
            const struct mien_ref_adam ref_adam = { 0.01f, 0.9f,      0.999f, 1e-8f,
                                                    0.1f,  kind == 2, step,   0.25f };
            const struct mien_adam_state moments = { f.bmean, f.bsquare };
            if (kind == 0) {
                assert_ok(
                    mien_sgd_step(cl, f.bparams, f.bmean, f.bgrads, f.bdecayed, count, &sgd, &err),
                    &err);
                mien_ref_sgd_step(f.params, f.mean, f.grads, f.decayed, count, &ref_sgd);
            } else {
                assert_ok(mien_adam_step(cl, f.bparams, &moments, f.bgrads, f.bdecayed, count,
                                         &adam, &err),
                          &err);
                mien_ref_adam_step(f.params, f.mean, f.square, f.grads, f.decayed, count,
                                   &ref_adam);
            }
        }
        check_buffer(cl, f.bparams, f.params, count);
        check_buffer(cl, f.bmean, f.mean, count);
        check_buffer(cl, f.bsquare, f.square, count);
        tear_down(&f);
    }
    mien_cl_buffer_destroy(clip);
}

static void test_optimizer__refuses_a_count_off_the_block(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    const struct mien_sgd op = { 0.1f, 0.0f, 0.0f, false, NULL, NULL };
    assert_int_equal(mien_sgd_step(NULL, NULL, NULL, NULL, NULL, 100, &op, &err), MIEN_ERR_SHAPE);
    assert_int_equal(mien_sgd_step(NULL, NULL, NULL, NULL, NULL, 0, &op, &err), MIEN_ERR_SHAPE);
}

/* Six steps of a fixture, each compared. */
static void run_oracle(struct mien_cl *cl, const struct mien_safetensors *file)
{
    enum { REAL = 257, COUNT = 384, STEPS = 6 };
    struct mien_error err = { "" };
    const float rate = (float)oracle_number(file, "lr", 0.0);
    const float decay = (float)oracle_number(file, "weight_decay", 0.0);
    const struct mien_sgd sgd = { rate,  (float)oracle_number(file, "momentum", 0.0),
                                  decay, oracle_number(file, "nesterov", 0.0) > 0.0,
                                  NULL,  NULL };
    struct mien_adam adam = { rate, 0.9f, 0.999f, 1e-8f, decay, oracle_says(file, "kind", "AdamW"),
                              1,    NULL, NULL };
    const bool is_sgd = oracle_says(file, "kind", "SGD");
    float *const start = oracle_floats(file, "parameter");
    float *const grads = oracle_floats(file, "gradients");
    float *const after = oracle_floats(file, "after_each_step");
    struct fixture f;
    set_up(&f, cl, COUNT, random_floats(COUNT, 1), random_floats(COUNT, 2));
    memset(f.decayed, 1, COUNT / MIEN_DECAY_BLOCK);
    assert_ok(mien_cl_write(cl, f.bdecayed, 0, f.decayed, COUNT / MIEN_DECAY_BLOCK, &err), &err);
    assert_ok(mien_cl_write(cl, f.bparams, 0, start, REAL * sizeof(float), &err), &err);
    const struct mien_adam_state moments = { f.bmean, f.bsquare };
    for (; adam.step <= STEPS; adam.step++) {
        const size_t row = (size_t)(adam.step - 1) * REAL;
        assert_ok(mien_cl_write(cl, f.bgrads, 0, grads + row, REAL * sizeof(float), &err), &err);
        if (is_sgd) {
            assert_ok(
                mien_sgd_step(cl, f.bparams, f.bmean, f.bgrads, f.bdecayed, COUNT, &sgd, &err),
                &err);
        } else {
            assert_ok(
                mien_adam_step(cl, f.bparams, &moments, f.bgrads, f.bdecayed, COUNT, &adam, &err),
                &err);
        }
        float *const got = guarded_read(cl, f.bparams, COUNT * sizeof(float));
        assert_all_close(got, after + row, REAL, 1e-6f, 1e-5f);
        free(got);
    }
    free(start);
    free(grads);
    free(after);
    tear_down(&f);
}

/* Behind a step that was not finite nothing is written; before, the guard changes no bit. */
static void test_optimizer__leaves_everything_once_the_guard_has_tripped(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    const size_t count = 384;
    for (int kind = 0; kind < 4; kind++) {
        const cl_int tripped[] = { kind % 2, 7 * (kind % 2) };
        struct mien_cl_buffer *const guard = guarded_copy(cl, tripped, sizeof(tripped));
        struct fixture f;
        set_up(&f, cl, count, random_floats(count, 1), random_floats(count, 2));
        const struct mien_sgd sgd = { 0.05f, 0.9f, 0.01f, true, NULL, guard };
        const struct mien_adam adam = { 0.01f, 0.9f, 0.999f, 1e-8f, 0.1f, true, 1, NULL, guard };
        const struct mien_adam_state moments = { f.bmean, f.bsquare };
        const struct mien_ref_sgd ref_sgd = { 0.05f, 0.9f, 0.01f, true, 1.0f };
        const struct mien_ref_adam ref_adam = { 0.01f, 0.9f, 0.999f, 1e-8f, 0.1f, true, 1, 1.0f };
        if (kind < 2) {
            assert_ok(
                mien_sgd_step(cl, f.bparams, f.bmean, f.bgrads, f.bdecayed, count, &sgd, &err),
                &err);
        } else {
            assert_ok(
                mien_adam_step(cl, f.bparams, &moments, f.bgrads, f.bdecayed, count, &adam, &err),
                &err);
        }
        if (kind == 0) {
            mien_ref_sgd_step(f.params, f.mean, f.grads, f.decayed, count, &ref_sgd);
        } else if (kind == 2) {
            mien_ref_adam_step(f.params, f.mean, f.square, f.grads, f.decayed, count, &ref_adam);
        }
        if (kind % 2 == 1) {
            float *const params = guarded_read(cl, f.bparams, count * sizeof(float));
            assert_memory_equal(params, f.params, count * sizeof(float));
            free(params);
        }
        check_buffer(cl, f.bparams, f.params, count);
        check_buffer(cl, f.bmean, f.mean, count);
        check_buffer(cl, f.bsquare, f.square, count);
        mien_cl_buffer_destroy(guard);
        tear_down(&f);
    }
}

static void test_optimizer__gives_what_pytorch_gives(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    for (int i = 0; i < 5; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "optimizer_%02d", i);
        struct mien_safetensors *const file = oracle_open(name);
        run_oracle(cl, file);
        mien_safetensors_close(file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_optimizer__refuses_a_count_off_the_block),
        cmocka_unit_test(test_sgd__matches_reference_for_three_steps),
        cmocka_unit_test(test_adam__matches_reference_for_three_steps),
        cmocka_unit_test(test_optimizer__takes_the_factor_of_clipping),
        cmocka_unit_test(test_optimizer__leaves_everything_once_the_guard_has_tripped),
        cmocka_unit_test(test_optimizer__gives_what_pytorch_gives),
    };
    return cmocka_run_group_tests_name("ops/optimizer", tests, device_setup, device_teardown);
}
