/* test_softmax.c - the loss on the device against the reference and against PyTorch */
// oclgrind
// wrap: clEnqueueNDRangeKernel
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/softmax.h"
#include "ref/softmax.h"
#include "support/launches.h"
#include "support/layout.h"
#include "support/oracle.h"

static const struct {
    int n, classes;
    float smoothing, second, scale;
    bool weighted, soft;
} shapes[] = {
    { 1, 1, 0.0f, 0.0f, 1.0f, false, false },   { 1, 7, 0.0f, 0.0f, 1.0f, false, false },
    { 13, 7, 0.1f, 0.0f, 1.0f, true, false },   { 150, 7, 0.0f, 0.0f, 1.0f, false, false },
    { 150, 7, 0.1f, 0.0f, 0.25f, true, false }, { 67, 101, 0.3f, 0.0f, 2.0f, false, false },
    { 1, 1, 0.0f, 0.5f, 1.0f, false, false },   { 13, 7, 0.0f, 0.3f, 1.0f, false, false },
    { 150, 7, 0.1f, 0.8f, 0.5f, true, false },  { 33, 5, 0.0f, 1.0f, 1.0f, true, false },
    { 1, 1, 0.0f, 0.0f, 1.0f, false, true },    { 13, 7, 0.0f, 0.3f, 1.0f, false, true },
    { 150, 7, 0.1f, 0.8f, 0.5f, true, true },   { 67, 101, 0.3f, 0.0f, 2.0f, true, true },
};
static const cl_int lane_counts[] = { 1, 4, 8, 16 };

struct fixture {
    struct mien_softmax op;
    struct mien_act act;
    float *logits, *shares, *weights;
    int32_t *labels;
    struct mien_cl_buffer *blogits, *blabels, *bshares, *bweights, *bdlogits, *bprobabilities,
        *bstats;
    struct mien_softmax_target target; /* what is right, on the device */
    struct mien_ref_softmax_target ref;
};

/*
 * Takes over logits [n][classes], labels [n] or [2][n], weights [classes] or NULL, and what stands
 * in f->shares already, [n][classes] or NULL.
 */
static void set_up(struct fixture *f, struct mien_cl *cl, float *logits, int32_t *labels,
                   float *weights)
{
    struct mien_error err = { "" };
    const size_t n = (size_t)f->op.n;
    const size_t classes = (size_t)f->op.classes;
    const size_t rows = n + (size_t)f->op.first_row;
    f->act = (struct mien_act){ f->op.n, f->op.classes, 1, 1, f->op.lanes };
    f->logits = logits;
    f->labels = labels;
    f->weights = weights;
    f->blogits = upload_act(cl, logits, &f->act, 0.5f);
    f->blabels = guarded_copy(cl, labels, n * (f->op.second > 0.0f ? 2 : 1) * sizeof(*labels));
    f->bweights = weights != NULL ? guarded_copy(cl, weights, classes * sizeof(float)) : NULL;
    f->bshares =
        f->shares != NULL ? guarded_copy(cl, f->shares, n * classes * sizeof(float)) : NULL;
    f->target = (struct mien_softmax_target){ f->blabels, f->bshares, f->bweights };
    f->ref = (struct mien_ref_softmax_target){ f->labels, f->shares, f->weights };
    f->bdlogits = poisoned_act(cl, &f->act);
    f->bprobabilities = guarded_buffer(cl, rows * classes * sizeof(float));
    /* Nothing summed, as after a reset, which would clear the guard. */
    static const cl_int zeros[8];
    f->bstats = guarded_buffer(cl, mien_softmax_stats_bytes(f->op.n));
    assert_ok(mien_cl_write(cl, f->bstats, 0, zeros, sizeof(zeros), &err), &err);
}

static void tear_down(struct fixture *f)
{
    mien_cl_buffer_destroy(f->blogits);
    mien_cl_buffer_destroy(f->blabels);
    mien_cl_buffer_destroy(f->bshares);
    mien_cl_buffer_destroy(f->bweights);
    mien_cl_buffer_destroy(f->bdlogits);
    mien_cl_buffer_destroy(f->bprobabilities);
    mien_cl_buffer_destroy(f->bstats);
    free(f->logits);
    free(f->labels);
    free(f->shares);
    free(f->weights);
}

static float *random_logits(size_t count, uint32_t seed)
{
    float *const out = random_floats(count, seed);
    for (size_t i = 0; i < count; i++) {
        out[i] *= 12.0f;
    }
    return out;
}

static int32_t *random_labels(int n, int classes)
{
    int32_t *const out = malloc((size_t)n * sizeof(*out));
    assert_non_null(out);
    for (int i = 0; i < n; i++) {
        out[i] = (i * 5 + i / 7) % classes;
    }
    return out;
}

static void check_one(struct mien_cl *cl, size_t s, cl_int lanes)
{
    struct mien_error err = { "" };
    struct fixture f = { .op = { shapes[s].n, shapes[s].classes, lanes, shapes[s].smoothing,
                                 shapes[s].second, shapes[s].scale, 3 } };
    const size_t count = (size_t)f.op.n * (size_t)f.op.classes;
    float *weights = NULL;
    if (shapes[s].weighted) {
        weights = random_floats((size_t)f.op.classes, 9);
        for (int c = 0; c < f.op.classes; c++) {
            weights[c] += 1.0f;
        }
    }
    f.shares = shapes[s].soft ? random_shares((size_t)f.op.n, (size_t)f.op.classes, 6) : NULL;
    set_up(&f, cl, random_logits(count, 1), random_labels(2 * f.op.n, f.op.classes), weights);
    const struct mien_ref_softmax ref = { f.op.n, f.op.classes, f.op.smoothing, f.op.second,
                                          f.op.scale };
    struct mien_ref_softmax_sums want;
    struct mien_softmax_stats stats;
    float *const want_d = random_floats(count, 2);
    float *const want_p = random_floats(count, 3);
    mien_ref_softmax_loss(want_d, want_p, &want, f.logits, &f.ref, &ref);

    assert_ok(mien_softmax_loss(cl, f.bdlogits, f.bstats, f.blogits, &f.target, &f.op, &err), &err);
    assert_ok(mien_softmax_stats_read(cl, &stats, f.bstats, &err), &err);
    assert_true(fabs(stats.loss - want.loss) <= 1e-6 + 1e-5 * fabs(want.loss));
    assert_true(fabs(stats.weight - want.weight) <= 1e-5 * want.weight);
    assert_int_equal(stats.hits, want.hits);
    assert_int_equal(stats.images, f.op.n);
    assert_true(fabs((double)stats.last_mean - want.loss / want.weight) <=
                1e-6 + 1e-5 * want.loss / want.weight);

    assert_ok(mien_softmax_eval(cl, f.bprobabilities, f.bstats, f.blogits, &f.target, &f.op, &err),
              &err);
    struct mien_softmax_stats twice;
    assert_ok(mien_softmax_stats_read(cl, &twice, f.bstats, &err), &err);
    assert_true(fabs(twice.loss - 2.0 * stats.loss) <= 1e-12 * stats.loss + 1e-30);
    assert_int_equal(twice.hits, 2 * want.hits);

    assert_guard_intact(cl, f.bstats, mien_softmax_stats_bytes(f.op.n));

    float *const d = download_act(cl, f.bdlogits, &f.act);
    assert_close_to_scale(d, want_d, count, 1e-5f);
    assert_unused_lanes(cl, f.bdlogits, &f.act, true);
    assert_ok(mien_softmax_loss(cl, f.bdlogits, NULL, f.blogits, &f.target, &f.op, &err), &err);
    float *const unsummed = download_act(cl, f.bdlogits, &f.act);
    assert_memory_equal(unsummed, d, count * sizeof(float));
    free(unsummed);
    const size_t before = 3 * (size_t)f.op.classes;
    float *const p = guarded_read(cl, f.bprobabilities, (before + count) * sizeof(float));
    assert_all_close(p + before, want_p, count, 1e-6f, 1e-5f);
    assert_true(isnan(p[before - 1])); /* rows before first_row are not touched */
    free(d);
    free(p);
    free(want_d);
    free(want_p);
    tear_down(&f);
}

static void test_softmax__matches_reference_on_all_shapes(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++) {
        for (size_t i = 0; i < sizeof(lane_counts) / sizeof(lane_counts[0]); i++) {
            check_one(cl, s, lane_counts[i]);
        }
    }
}

/* One logit or label of a batch of 9 set to a value: is the loss NaN, or how large? */
static struct mien_softmax_stats loss_with(struct mien_cl *cl, cl_int lanes, float logit,
                                           int32_t label)
{
    struct mien_error err = { "" };
    struct fixture f = { .op = { 9, 3, lanes, 0.0f, 0.0f, 1.0f, 0 } };
    struct mien_softmax_stats stats;
    float *const logits = random_floats(27, 1);
    int32_t *const labels = random_labels(9, 3);
    logits[4 * 3 + 1] = logit;
    labels[4] = label;
    set_up(&f, cl, logits, labels, NULL);
    assert_ok(mien_softmax_loss(cl, f.bdlogits, f.bstats, f.blogits, &f.target, &f.op, &err), &err);
    assert_ok(mien_softmax_stats_read(cl, &stats, f.bstats, &err), &err);
    tear_down(&f);
    return stats;
}

static void test_softmax__what_is_not_a_number_shows_in_the_loss(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    for (cl_int lanes = 1; lanes <= 8; lanes += 7) {
        assert_true(isnan(loss_with(cl, lanes, NAN, 1).loss));
        assert_true(isnan(loss_with(cl, lanes, NAN, 0).loss));
        assert_true(isnan(loss_with(cl, lanes, INFINITY, 0).loss));
        assert_true(isnan(loss_with(cl, lanes, 0.0f, 3).loss));
        assert_true(isnan(loss_with(cl, lanes, 0.0f, -1).loss));
        assert_true(isfinite(loss_with(cl, lanes, -INFINITY, 0).loss));
        assert_true(isfinite(loss_with(cl, lanes, 3e38f, 1).loss));
        assert_true(loss_with(cl, lanes, 100.0f, 0).loss > 100.0);
    }
}

/* Of two labels the one with the larger share is the right one; either outside makes the loss NaN.
 */
static void test_softmax__a_second_label_counts_by_its_share(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    static const struct {
        float second;
        int32_t labels[2];
        int hits;
        bool lost;
    } rows[] = {
        { 0.4f, { 2, 0 }, 1, false }, { 0.6f, { 2, 0 }, 0, false }, { 0.6f, { 0, 2 }, 1, false },
        { 0.5f, { 2, 0 }, 1, false }, { 0.0f, { 2, 9 }, 1, false }, { 0.1f, { 2, 3 }, 1, true },
        { 0.9f, { -1, 2 }, 1, true },
    };
    for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
        struct mien_error err = { "" };
        const size_t k = i / 2;
        struct fixture f = { .op = { 1, 3, i % 2 == 0 ? 1 : 8, 0.0f, rows[k].second, 1.0f, 0 } };
        struct mien_softmax_stats stats;
        float *const logits = calloc(3, sizeof(*logits));
        int32_t *const labels = malloc(sizeof(rows[k].labels));
        assert_non_null(logits);
        assert_non_null(labels);
        logits[2] = 1.0f; /* what the network says */
        memcpy(labels, rows[k].labels, sizeof(rows[k].labels));
        set_up(&f, cl, logits, labels, NULL);
        assert_ok(mien_softmax_loss(cl, f.bdlogits, f.bstats, f.blogits, &f.target, &f.op, &err),
                  &err);
        assert_ok(mien_softmax_stats_read(cl, &stats, f.bstats, &err), &err);
        assert_int_equal(stats.hits, rows[k].hits);
        assert_int_equal(isnan(stats.loss), rows[k].lost);
        tear_down(&f);
    }
}

static void test_softmax__refuses_shares_that_cannot_be(void **state)
{
    (void)state;
    static const struct mien_softmax bad[] = {
        { 1, 2, 1, 0.0f, -0.1f, 1.0f, 0 }, { 1, 2, 1, 0.0f, 1.1f, 1.0f, 0 },
        { 1, 2, 1, 0.0f, NAN, 1.0f, 0 },   { 1, 2, 1, 1.1f, 0.0f, 1.0f, 0 },
        { 1, 2, 1, 0.0f, 0.0f, 1.0f, -1 },
    };
    const struct mien_softmax_target labels = { .labels = NULL };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct mien_error err = { "" };
        assert_int_equal(mien_softmax_loss(NULL, NULL, NULL, NULL, &labels, &bad[i], &err),
                         MIEN_ERR_SHAPE);
    }
}

static void test_softmax__a_reset_forgets_what_was_summed(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    struct fixture f = { .op = { 5, 4, 8, 0.0f, 0.0f, 1.0f, 0 } };
    struct mien_softmax_stats stats;
    set_up(&f, cl, random_logits(20, 1), random_labels(5, 4), NULL);
    assert_ok(mien_softmax_eval(cl, NULL, f.bstats, f.blogits, &f.target, &f.op, &err), &err);
    assert_ok(mien_softmax_stats_read(cl, &stats, f.bstats, &err), &err);
    assert_true(stats.images == 5 && stats.loss > 0.0 && stats.weight > 4.0);
    assert_ok(mien_softmax_stats_reset(cl, f.bstats, &err), &err);
    assert_ok(mien_softmax_stats_read(cl, &stats, f.bstats, &err), &err);
    assert_true(stats.images == 0 && stats.hits == 0 && stats.loss == 0.0 && stats.weight == 0.0);
    tear_down(&f);
}

static void test_softmax__probabilities_need_no_labels(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    struct fixture f = { .op = { 5, 4, 8, 0.0f, 0.0f, 1.0f, 0 } };
    set_up(&f, cl, random_logits(20, 1), random_labels(5, 4), NULL);
    assert_ok(mien_softmax_eval(cl, f.bprobabilities, NULL, f.blogits, NULL, &f.op, &err), &err);
    float *const p = guarded_read(cl, f.bprobabilities, 20 * sizeof(float));
    for (size_t i = 0; i < 5; i++) {
        const float *const row = p + 4 * i;
        assert_true(fabsf(row[0] + row[1] + row[2] + row[3] - 1.0f) < 1e-6f);
    }
    free(p);
    tear_down(&f);
}

static void test_softmax__gives_what_pytorch_gives(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    static const char *const kinds[] = { "", "soft_", "shares_" };
    for (int i = 0; i < 24; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "%scross_entropy_%02d", kinds[i / 8], i % 8 / 2);
        struct mien_safetensors *const file = oracle_open(name);
        const size_t *const shape = oracle_tensor(file, "logits")->shape;
        struct fixture f = { .op = { (cl_int)shape[0], (cl_int)shape[1], i % 2 == 0 ? 1 : 8,
                                     (float)oracle_number(file, "label_smoothing", 0.0),
                                     (float)oracle_number(file, "second", 0.0), 1.0f, 0 } };
        struct mien_softmax_stats stats;
        const bool weighted = mien_safetensors_find(file, "class_weights") != NULL;
        f.shares =
            mien_safetensors_find(file, "shares") != NULL ? oracle_floats(file, "shares") : NULL;
        set_up(&f, cl, oracle_floats(file, "logits"), oracle_ints(file, "labels"),
               weighted ? oracle_floats(file, "class_weights") : NULL);
        float *const loss = oracle_floats(file, "loss");
        float *const dlogits = oracle_floats(file, "dlogits");
        float *const probabilities = oracle_floats(file, "probabilities");
        const size_t count = shape[0] * shape[1];
        assert_ok(mien_softmax_loss(cl, f.bdlogits, f.bstats, f.blogits, &f.target, &f.op, &err),
                  &err);
        assert_ok(mien_softmax_stats_read(cl, &stats, f.bstats, &err), &err);
        assert_ok(mien_softmax_eval(cl, f.bprobabilities, NULL, f.blogits, NULL, &f.op, &err),
                  &err);
        assert_true(fabs(stats.loss / stats.weight - (double)loss[0]) <= 1e-5 * (double)loss[0]);
        float *const d = download_act(cl, f.bdlogits, &f.act);
        float *const p = guarded_read(cl, f.bprobabilities, count * sizeof(float));
        assert_close_to_scale(d, dlogits, count, 1e-5f);
        assert_close_to_scale(p, probabilities, count, 1e-5f);
        free(d);
        free(p);
        free(loss);
        free(dlogits);
        free(probabilities);
        tear_down(&f);
        mien_safetensors_close(file);
    }
}

static void check_gradient(const float *shares)
{
    const struct mien_ref_softmax op = { 6, 5, 0.15f, 0.3f, 0.5f };
    const float weights[] = { 0.5f, 1.0f, 2.0f, 1.5f, 0.25f };
    float *const logits = random_floats(30, 4);
    int32_t *const labels = random_labels(12, 5);
    const struct mien_ref_softmax_target target = { labels, shares, weights };
    float d[30];
    struct mien_ref_softmax_sums sums;
    mien_ref_softmax_loss(d, NULL, &sums, logits, &target, &op);
    for (size_t i = 0; i < 30; i++) {
        const float keep = logits[i];
        double loss[2];
        for (int side = 0; side < 2; side++) {
            logits[i] = keep + (side == 0 ? -1.0f : 1.0f) / 128.0f;
            mien_ref_softmax_loss(NULL, NULL, &sums, logits, &target, &op);
            loss[side] = sums.loss / sums.weight * (double)op.scale;
        }
        logits[i] = keep;
        assert_true(fabs((loss[1] - loss[0]) * 64.0 - (double)d[i]) < 1e-5);
    }
    free(logits);
    free(labels);
}

static void test_ref_softmax__gradient_is_the_central_difference(void **state)
{
    (void)state;
    float *const shares = random_shares(6, 5, 6);
    check_gradient(NULL);
    check_gradient(shares);
    free(shares);
}

/* Shares that say what labels say give the same bits. */
static void test_softmax__whole_shares_are_labels(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    enum { IMAGES = 21, CLASSES = 7, COUNT = IMAGES * CLASSES };
    float *d[2];
    struct mien_softmax_stats stats[2];
    for (int soft = 0; soft < 2; soft++) {
        struct mien_error err = { "" };
        struct fixture f = { .op = { IMAGES, CLASSES, 8, 0.1f, 0.0f, 1.0f, 0 } };
        int32_t *const labels = random_labels(IMAGES, CLASSES);
        if (soft) {
            f.shares = calloc(COUNT, sizeof(*f.shares));
            assert_non_null(f.shares);
            for (size_t i = 0; i < IMAGES; i++) {
                f.shares[i * CLASSES + (size_t)labels[i]] = 1.0f;
            }
        }
        set_up(&f, cl, random_logits(COUNT, 1), labels, random_floats(CLASSES, 9));
        assert_ok(mien_softmax_loss(cl, f.bdlogits, f.bstats, f.blogits, &f.target, &f.op, &err),
                  &err);
        assert_ok(mien_softmax_stats_read(cl, &stats[soft], f.bstats, &err), &err);
        d[soft] = download_act(cl, f.bdlogits, &f.act);
        tear_down(&f);
    }
    assert_memory_equal(d[0], d[1], COUNT * sizeof(float));
    assert_true(stats[0].loss == stats[1].loss && stats[0].weight == stats[1].weight);
    assert_int_equal(stats[0].hits, stats[1].hits);
    free(d[0]);
    free(d[1]);
}

/* With weights every work-item of a GPU sums those of all images: a long launch sooner. */
static void test_softmax__weights_count_as_work(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    enum { IMAGES = 512, CLASSES = 2 };
    const struct mien_cl_slicing cut = { 1e6, 0 };
    const struct mien_cl_slicing none = { 0.0, 0 };
    for (int weighted = 0; weighted < (small_only() ? 0 : 3); weighted++) { /* 2: and with shares */
        struct mien_error err = { "" };
        struct fixture f = { .op = { IMAGES, CLASSES, 1, 0.0f, 0.0f, 1.0f, 0 } };
        f.shares = weighted == 2 ? random_shares(IMAGES, CLASSES, 6) : NULL;
        set_up(&f, cl, random_floats((size_t)IMAGES * CLASSES, 1), random_labels(IMAGES, CLASSES),
               weighted ? random_floats(CLASSES, 2) : NULL);
        mien_cl_slice(cl, &cut);
        launches = (struct launches){ 0 };
        assert_ok(mien_softmax_loss(cl, f.bdlogits, f.bstats, f.blogits, &f.target, &f.op, &err),
                  &err);
        mien_cl_slice(cl, &none);
        assert_int_equal(launches.count, weighted ? IMAGES / 64 + 1 : 2); /* and the total */
        tear_down(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ref_softmax__gradient_is_the_central_difference),
        cmocka_unit_test(test_softmax__matches_reference_on_all_shapes),
        cmocka_unit_test(test_softmax__what_is_not_a_number_shows_in_the_loss),
        cmocka_unit_test(test_softmax__weights_count_as_work),
        cmocka_unit_test(test_softmax__a_second_label_counts_by_its_share),
        cmocka_unit_test(test_softmax__whole_shares_are_labels),
        cmocka_unit_test(test_softmax__refuses_shares_that_cannot_be),
        cmocka_unit_test(test_softmax__a_reset_forgets_what_was_summed),
        cmocka_unit_test(test_softmax__probabilities_need_no_labels),
        cmocka_unit_test(test_softmax__gives_what_pytorch_gives),
    };
    return cmocka_run_group_tests_name("ops/softmax", tests, device_setup, device_teardown);
}
