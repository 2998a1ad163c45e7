/* test_gather.c - batches from a uint8 set on the device against the reference */
// oclgrind
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ops/gather.h"
#include "ref/gather.h"
#include "support/layout.h"

static const struct shape {
    int n, c, h, w, count, first, margin;
} shapes[] = {
    { 1, 1, 1, 1, 1, 0, 0 },      { 3, 1, 5, 7, 4, 2, 1 },    { 7, 3, 4, 9, 20, 5, 0 },
    { 150, 1, 12, 11, 33, 0, 3 }, { 17, 4, 3, 65, 18, 1, 2 }, { 8, 1, 48, 48, 9, 3, 0 },
    { 16, 3, 1, 13, 5, 0, 0 },    { 150, 1, 1, 3, 9, 0, 0 },
};
static const cl_int lane_counts[] = { 1, 4, 8, 16 };

static bool is_left_out(const struct shape *s)
{
    return small_only() && s->n * s->c * s->h * s->w > 5000;
}

static uint8_t *random_bytes(size_t count, uint32_t seed)
{
    uint8_t *const out = malloc(count);
    assert_non_null(out);
    for (size_t i = 0; i < count; i++) {
        seed = seed * 1664525u + 1013904223u;
        out[i] = (uint8_t)(seed >> 24);
    }
    return out;
}

static int32_t *random_ints(size_t count, int32_t below, uint32_t seed)
{
    int32_t *const out = malloc(count * sizeof(*out));
    assert_non_null(out);
    for (size_t i = 0; i < count; i++) {
        seed = seed * 1664525u + 1013904223u;
        out[i] = (int32_t)((seed >> 8) % (uint32_t)below);
    }
    return out;
}

/* A batch of a made-up set, here and on the device. */
struct batch {
    struct mien_cl *cl;
    struct mien_gather op;
    struct mien_ref_gather ref;
    size_t image; /* bytes */
    uint8_t *set;
    int32_t *labels, *indices;
    struct mien_cl_buffer *bset, *blabels, *bindices, *bx;
};

static void set_up(struct batch *b, struct mien_cl *cl, const struct shape *s, cl_int lanes,
                   float second, bool outside)
{
    *b = (struct batch){
        .cl = cl,
        .op = { .act = { s->n, s->c, s->h, s->w, lanes },
                .count = s->count,
                .first = s->first,
                .mean = 0.5077f,
                .std = 0.2551f,
                .margin = s->margin,
                .second = second },
        .ref = { .n = s->n,
                 .c = s->c,
                 .h = s->h,
                 .w = s->w,
                 .count = s->count,
                 .first = s->first,
                 .mean = 0.5077f,
                 .std = 0.2551f,
                 .margin = s->margin,
                 .second = second },
        .image = (size_t)s->c * (size_t)(s->h + 2 * s->margin) * (size_t)(s->w + 2 * s->margin),
    };
    const size_t listed = (size_t)s->first + (size_t)s->n;
    b->set = random_bytes((size_t)s->count * b->image, 1);
    b->labels = random_ints((size_t)s->count, 7, 2);
    b->indices = random_ints(listed, s->count, 3);
    if (outside) {
        b->indices[s->first] = -1;
        b->indices[listed - 1] = s->count;
    }
    b->bset = guarded_copy(cl, b->set, (size_t)s->count * b->image);
    b->blabels = guarded_copy(cl, b->labels, (size_t)s->count * 4);
    b->bindices = guarded_copy(cl, b->indices, listed * 4);
    b->bx = poisoned_act(cl, &b->op.act);
}

static void tear_down(struct batch *b)
{
    mien_cl_buffer_destroy(b->bset);
    mien_cl_buffer_destroy(b->blabels);
    mien_cl_buffer_destroy(b->bindices);
    mien_cl_buffer_destroy(b->bx);
    free(b->set);
    free(b->labels);
    free(b->indices);
}

static void check_labels(const struct batch *b)
{
    struct mien_error err = { "" };
    const size_t count = (size_t)b->op.act.n * (b->op.second > 0.0f ? 2 : 1);
    int32_t *const want = random_ints(count, 7, 5);
    struct mien_cl_buffer *const bout = guarded_buffer(b->cl, count * sizeof(*want));
    assert_ok(mien_gather_labels(b->cl, bout, b->blabels, b->bindices, &b->op, &err), &err);
    mien_ref_gather_labels(want, b->labels, b->indices, &b->ref);
    int32_t *const got = guarded_read(b->cl, bout, count * sizeof(*got));
    assert_memory_equal(got, want, count * sizeof(*got));
    mien_cl_buffer_destroy(bout);
    free(want);
    free(got);
}

static void check_shares(const struct batch *b)
{
    struct mien_error err = { "" };
    enum { CLASSES = 5 };
    const size_t known = (size_t)b->op.count * CLASSES;
    const size_t count = (size_t)b->op.act.n * CLASSES;
    float *const shares = random_floats(known, 7);
    float *const want = random_floats(count, 8);
    struct mien_cl_buffer *const bshares = guarded_copy(b->cl, shares, known * sizeof(float));
    struct mien_cl_buffer *const bout = guarded_buffer(b->cl, count * sizeof(float));
    assert_ok(mien_gather_shares(b->cl, bout, bshares, b->bindices, CLASSES, &b->op, &err), &err);
    mien_ref_gather_shares(want, shares, b->indices, CLASSES, &b->ref);
    float *const got = guarded_read(b->cl, bout, count * sizeof(float));
    assert_all_close(got, want, count, b->op.second > 0.0f ? 1e-6f : 0.0f, 0.0f);
    mien_cl_buffer_destroy(bshares);
    mien_cl_buffer_destroy(bout);
    free(shares);
    free(want);
    free(got);
}

static void check_one(struct mien_cl *cl, const struct shape *s, cl_int lanes, bool outside)
{
    struct mien_error err = { "" };
    struct batch b;
    set_up(&b, cl, s, lanes, 0.0f, outside);
    const struct mien_act *const act = &b.op.act;
    float *const want = random_floats(plain_floats(act), 4);
    assert_ok(mien_gather_images(cl, b.bx, b.bset, b.bindices, &b.op, &err), &err);
    mien_ref_gather_images(want, b.set, b.indices, &b.ref);
    float *const x = download_act(cl, b.bx, act);
    assert_all_close(x, want, plain_floats(act), 1e-6f, 0.0f);
    assert_unused_lanes(cl, b.bx, act, true);
    check_labels(&b);
    check_shares(&b);
    free(want);
    free(x);
    tear_down(&b);
}

static void test_gather__matches_reference_on_all_shapes(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++) {
        if (is_left_out(&shapes[s])) {
            continue;
        }
        for (size_t i = 0; i < sizeof(lane_counts) / sizeof(lane_counts[0]); i++) {
            check_one(cl, &shapes[s], lane_counts[i], false);
        }
    }
}

/* Every view of an image with a margin of 2, against the reference and, by hand, for its corners.
 */
static void test_gather__shows_each_view_of_an_image(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    const struct shape shape = { 19, 3, 11, 14, 8, 2, 2 };
    for (int k = 0; k < 4 * 5 * 5 * 2; k++) {
        struct batch b;
        set_up(&b, cl, &shape, lane_counts[k % 4], 0.0f, false);
        b.op.view = (struct mien_gather_view){ k / 4 % 5 - 2, k / 20 % 5 - 2, k / 100 == 1 };
        b.ref.down = b.op.view.down;
        b.ref.right = b.op.view.right;
        b.ref.mirror = b.op.view.mirror;
        float *const want = random_floats(plain_floats(&b.op.act), 4);
        assert_ok(mien_gather_images(cl, b.bx, b.bset, b.bindices, &b.op, &err), &err);
        mien_ref_gather_images(want, b.set, b.indices, &b.ref);
        float *const x = download_act(cl, b.bx, &b.op.act);
        assert_all_close(x, want, plain_floats(&b.op.act), 1e-6f, 0.0f);
        free(want);
        free(x);
        tear_down(&b);
    }
}

static void test_ref_gather__shows_views_by_hand(void **state)
{
    (void)state;
    const uint8_t set[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 }; /* 3 x 4 */
    const int32_t index = 0;
    struct mien_ref_gather op = { .n = 1,
                                  .c = 1,
                                  .h = 1,
                                  .w = 2,
                                  .count = 1,
                                  .std = 1.0f / 255.0f,
                                  .margin = 1,
                                  .down = 1,
                                  .right = -1 };
    float x[2];
    mien_ref_gather_images(x, set, &index, &op); /* the lower left */
    assert_all_close(x, (const float[]){ 9.0f, 10.0f }, 2, 1e-5f, 0.0f);
    op.mirror = true;
    mien_ref_gather_images(x, set, &index, &op);
    assert_all_close(x, (const float[]){ 10.0f, 9.0f }, 2, 1e-5f, 0.0f);
}

static void test_gather__an_index_outside_the_set_reads_nothing(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    check_one(cl, &shapes[2], 1, true);
    check_one(cl, &shapes[2], 8, true);
}

/* What comes out of a batch with these changes, plain; free() it. */
static float *gather_changed(struct batch *b, const struct mien_gather_change *changes)
{
    struct mien_error err = { "" };
    const size_t bytes = (size_t)b->op.act.n * sizeof(*changes);
    struct mien_cl_buffer *const bchanges = guarded_copy(b->cl, changes, bytes);
    assert_ok(mien_gather_changed(b->cl, b->bx, b->bset, b->bindices, bchanges, &b->op, &err),
              &err);
    float *const x = download_act(b->cl, b->bx, &b->op.act);
    assert_unused_lanes(b->cl, b->bx, &b->op.act, true);
    mien_cl_buffer_destroy(bchanges);
    return x;
}

/* Turns, sizes and moves that reach beyond the border; every other image with a rectangle out. */
static struct mien_gather_change *random_changes(const struct mien_gather *op)
{
    const size_t n = (size_t)op->act.n;
    struct mien_gather_change *const out = calloc(n, sizeof(*out));
    float *const r = random_floats(n * 10, 6);
    assert_non_null(out);
    for (size_t i = 0; i < n; i++) {
        const float *const u = r + i * 10;
        out[i] = (struct mien_gather_change){
            .map = { u[0], u[1], u[2] * (float)op->act.w, u[3], u[4], u[5] * (float)op->act.h },
            .gain = 1.0f + 0.5f * u[6],
            .offset = u[7],
        };
        if (i % 2 == 1) {
            out[i].erase[0] = op->act.h / 3;
            out[i].erase[1] = op->act.w / 4;
            out[i].erase[2] = op->act.h - op->act.h / 4;
            out[i].erase[3] = op->act.w - op->act.w / 3;
        }
    }
    free(r);
    return out;
}

static void check_changed(struct mien_cl *cl, const struct shape *s, cl_int lanes, float second,
                          bool outside)
{
    struct batch b;
    set_up(&b, cl, s, lanes, second, outside);
    const size_t n = (size_t)s->n;
    struct mien_gather_change *const changes = random_changes(&b.op);
    struct mien_ref_gather_change *const ref = calloc(n, sizeof(*ref));
    float *const want = random_floats(plain_floats(&b.op.act), 4);
    assert_non_null(ref);
    _Static_assert(sizeof(*ref) == sizeof(*changes), "the reference's table is the operation's");
    memcpy(ref, changes, n * sizeof(*ref));
    float *const x = gather_changed(&b, changes);
    mien_ref_gather_changed(want, b.set, b.indices, ref, &b.ref);
    assert_all_close(x, want, plain_floats(&b.op.act), 2e-4f, 0.0f);
    check_labels(&b);
    check_shares(&b);
    free(changes);
    free(ref);
    free(want);
    free(x);
    tear_down(&b);
}

static void test_gather_changed__matches_reference_on_all_shapes(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++) {
        if (is_left_out(&shapes[s])) {
            continue;
        }
        for (size_t i = 0; i < sizeof(lane_counts) / sizeof(lane_counts[0]); i++) {
            check_changed(cl, &shapes[s], lane_counts[i], i % 2 == 0 ? 0.0f : 0.3f, false);
        }
    }
    check_changed(cl, &shapes[small_only() ? 2 : 3], 1, 0.75f, false);
    check_changed(cl, &shapes[2], 1, 0.0f, true);
    check_changed(cl, &shapes[small_only() ? 6 : 4], 16, 1.0f, true);
}

/* The same change for each image, along whole pixels. */
static struct mien_gather_change *equal_changes(int n, const float map[6])
{
    struct mien_gather_change *const out = calloc((size_t)n, sizeof(*out));
    assert_non_null(out);
    for (int i = 0; i < n; i++) {
        memcpy(out[i].map, map, sizeof(out[i].map));
        out[i].gain = 1.0f;
    }
    return out;
}

static void test_gather_changed__without_a_change_gives_the_plain_bits(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++) {
        if (is_left_out(&shapes[s])) {
            continue;
        }
        for (size_t i = 0; i < sizeof(lane_counts) / sizeof(lane_counts[0]); i++) {
            struct batch b;
            set_up(&b, cl, &shapes[s], lane_counts[i], 0.0f, false);
            const float margin = (float)shapes[s].margin;
            struct mien_gather_change *const none =
                equal_changes(shapes[s].n, (const float[]){ 1, 0, margin, 0, 1, margin });
            float *const changed = gather_changed(&b, none);
            assert_ok(mien_gather_images(cl, b.bx, b.bset, b.bindices, &b.op, &err), &err);
            float *const plain = download_act(cl, b.bx, &b.op.act);
            assert_memory_equal(changed, plain, plain_floats(&b.op.act) * sizeof(float));
            free(none);
            free(changed);
            free(plain);
            tear_down(&b);
        }
    }
}

static int nearest(int at, int size)
{
    return at < 0 ? 0 : at >= size ? size - 1 : at;
}

/* What whole-pixel maps take is a pixel of the set, to the bit. */
static void check_whole_pixels(struct mien_cl *cl, const struct shape *s, cl_int lanes,
                               const int map[6])
{
    struct batch b;
    set_up(&b, cl, s, lanes, 0.0f, false);
    const float scale = (float)(1.0 / (255.0 * (double)b.op.std));
    const float shift = (float)(-(double)b.op.mean / (double)b.op.std);
    struct mien_gather_change *const changes =
        equal_changes(s->n, (const float[]){ (float)map[0], (float)map[1], (float)map[2],
                                             (float)map[3], (float)map[4], (float)map[5] });
    float *const x = gather_changed(&b, changes);
    const int high = s->h + 2 * s->margin;
    const int wide = s->w + 2 * s->margin;
    for (int k = 0; k < s->n * s->c * s->h * s->w; k++) {
        const int column = k % s->w;
        const int row = k / s->w % s->h;
        const int channel = k / (s->w * s->h) % s->c;
        const size_t index = (size_t)b.indices[s->first + k / (s->w * s->h * s->c)];
        const int from_x = nearest(map[0] * column + map[1] * row + map[2], wide);
        const int from_y = nearest(map[3] * column + map[4] * row + map[5], high);
        const uint8_t pixel =
            b.set[index * b.image + (size_t)((from_y * wide + from_x) * s->c + channel)];
        const float want = fmaf((float)pixel, scale, shift);
        assert_memory_equal(&x[k], &want, sizeof(want));
    }
    free(changes);
    free(x);
    tear_down(&b);
}

static void test_gather_changed__is_exact_on_whole_pixels(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    const struct shape shape = { 19, 3, 11, 14, 8, 2, 2 };
    static const int maps[][6] = {
        { -1, 0, 15, 0, 1, 2 },  /* mirrored: 13 + margin - x */
        { 1, 0, 0, 0, 1, 4 },    /* the lower left crop */
        { 1, 0, 9, 0, 1, -3 },   /* moved, beyond the border on both sides */
        { 0, -1, 12, 1, 0, 1 },  /* a quarter turn */
        { 2, 0, -3, 0, 2, -40 }, /* half the size, the upper border alone */
    };
    for (size_t m = 0; m < sizeof(maps) / sizeof(maps[0]); m++) {
        for (size_t i = 0; i < sizeof(lane_counts) / sizeof(lane_counts[0]); i++) {
            check_whole_pixels(cl, &shape, lane_counts[i], maps[m]);
        }
    }
}

static void test_gather__refuses_sizes_that_cannot_be(void **state)
{
    (void)state;
    static const struct mien_gather good = { .act = { 1, 1, 1, 1, 1 }, .count = 1, .std = 1.0f };
    struct mien_gather bad[9];
    for (size_t i = 0; i < 9; i++) {
        bad[i] = good;
    }
    bad[0].std = 0.0f;
    bad[1].count = 0;
    bad[2].first = -1;
    bad[3].margin = -1;
    bad[4].margin = 40000;
    bad[5].second = 1.5f;
    bad[6].second = NAN;
    bad[7].view.down = 1; /* there is no margin */
    bad[8].view.right = -1;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct mien_error err = { "" };
        assert_int_equal(mien_gather_images(NULL, NULL, NULL, NULL, &bad[i], &err), MIEN_ERR_SHAPE);
        assert_int_equal(mien_gather_changed(NULL, NULL, NULL, NULL, NULL, &bad[i], &err),
                         MIEN_ERR_SHAPE);
    }
}

static void test_ref_gather__normalises_by_hand(void **state)
{
    (void)state;
    const uint8_t set[] = { 0, 255, 51, 102 }; /* two pixels of two channels, interleaved */
    const int32_t index = 0;
    const struct mien_ref_gather op = { .n = 1,
                                        .c = 2,
                                        .h = 1,
                                        .w = 2,
                                        .count = 1,
                                        .mean = 0.5f,
                                        .std = 0.25f,
                                        .margin = 0,
                                        .second = 0.0f };
    const float want[] = { -2.0f, -1.2f, 2.0f, -0.4f };
    float x[4];
    mien_ref_gather_images(x, set, &index, &op);
    assert_all_close(x, want, 4, 1e-6f, 0.0f);
}

static void test_ref_gather__cuts_the_margin_off(void **state)
{
    (void)state;
    const uint8_t set[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 }; /* 3 x 4 */
    const int32_t index = 0;
    const struct mien_ref_gather op = { .n = 1,
                                        .c = 1,
                                        .h = 1,
                                        .w = 2,
                                        .count = 1,
                                        .mean = 0.0f,
                                        .std = 1.0f / 255.0f,
                                        .margin = 1,
                                        .second = 0.0f };
    float x[2];
    mien_ref_gather_images(x, set, &index, &op);
    assert_all_close(x, (const float[]){ 6.0f, 7.0f }, 2, 1e-5f, 0.0f);
}

static void test_ref_gather__changes_by_hand(void **state)
{
    (void)state;
    const uint8_t set[] = { 0, 100, 200, 40 }; /* 2 x 2 */
    const int32_t index = 0;
    const struct mien_ref_gather op = { .n = 1,
                                        .c = 1,
                                        .h = 2,
                                        .w = 2,
                                        .count = 1,
                                        .mean = 0.0f,
                                        .std = 1.0f / 255.0f,
                                        .margin = 0,
                                        .second = 0.0f };
    /* A quarter of a pixel to the right and a half down, doubled, one added; a corner erased. */
    const struct mien_ref_gather_change change = {
        { 1.0f, 0.0f, 0.25f, 0.0f, 1.0f, 0.5f }, 2.0f, 1.0f, { 1, 1, 2, 2 }
    };
    const float want[] = { 2 * 92.5f + 1, 2 * 70.0f + 1, 2 * 160.0f + 1, 0.0f };
    float x[4];
    mien_ref_gather_changed(x, set, &index, &change, &op);
    assert_all_close(x, want, 4, 1e-3f, 0.0f);
}

static void test_ref_gather__mixes_by_hand(void **state)
{
    (void)state;
    const uint8_t set[] = { 10, 20, 30 };
    const int32_t labels[] = { 4, 5, 6 };
    const int32_t indices[] = { 0, 1, 2 };
    const struct mien_ref_gather op = { .n = 3,
                                        .c = 1,
                                        .h = 1,
                                        .w = 1,
                                        .count = 3,
                                        .mean = 0.0f,
                                        .std = 1.0f / 255.0f,
                                        .margin = 0,
                                        .second = 0.25f };
    const struct mien_ref_gather_change none = { { 1, 0, 0, 0, 1, 0 }, 1, 0, { 0 } };
    const struct mien_ref_gather_change changes[] = { none, none, none };
    const int32_t want_labels[] = { 4, 5, 6, 6, 5, 4 };
    float x[3];
    int32_t got_labels[6];
    mien_ref_gather_changed(x, set, indices, changes, &op);
    mien_ref_gather_labels(got_labels, labels, indices, &op);
    assert_all_close(x, (const float[]){ 15.0f, 20.0f, 25.0f }, 3, 1e-5f, 0.0f);
    assert_memory_equal(got_labels, want_labels, sizeof(got_labels));
    const float shares[] = { 1.0f, 0.0f, 0.5f, 0.5f, 0.2f, 0.8f };
    const float want_shares[] = { 0.8f, 0.2f, 0.5f, 0.5f, 0.4f, 0.6f };
    float got_shares[6];
    mien_ref_gather_shares(got_shares, shares, indices, 2, &op);
    assert_all_close(got_shares, want_shares, 6, 1e-6f, 0.0f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ref_gather__normalises_by_hand),
        cmocka_unit_test(test_ref_gather__cuts_the_margin_off),
        cmocka_unit_test(test_ref_gather__changes_by_hand),
        cmocka_unit_test(test_ref_gather__mixes_by_hand),
        cmocka_unit_test(test_gather__refuses_sizes_that_cannot_be),
        cmocka_unit_test(test_gather__matches_reference_on_all_shapes),
        cmocka_unit_test(test_ref_gather__shows_views_by_hand),
        cmocka_unit_test(test_gather__shows_each_view_of_an_image),
        cmocka_unit_test(test_gather__an_index_outside_the_set_reads_nothing),
        cmocka_unit_test(test_gather_changed__matches_reference_on_all_shapes),
        cmocka_unit_test(test_gather_changed__without_a_change_gives_the_plain_bits),
        cmocka_unit_test(test_gather_changed__is_exact_on_whole_pixels),
    };
    return cmocka_run_group_tests_name("ops/gather", tests, device_setup, device_teardown);
}
