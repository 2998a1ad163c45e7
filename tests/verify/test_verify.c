/* test_verify.c - the table of operations on this device, and faults that are planted in kernels */
// wrap: mien_kernel_source_find
#include "verify/verify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cl/program.h"
#include "support/device.h"

/* A kernel's text with something of it replaced; found by what asks for the kernel's source. */
static struct {
    const char *name; /* NULL: every source as it is */
    char *text;
    struct mien_kernel_source source;
} planted;

const struct mien_kernel_source *__real_mien_kernel_source_find(const char *name);
const struct mien_kernel_source *__wrap_mien_kernel_source_find(const char *name);
const struct mien_kernel_source *__wrap_mien_kernel_source_find(const char *name)
{
    return planted.name != NULL && strcmp(name, planted.name) == 0
               ? &planted.source
               : __real_mien_kernel_source_find(name);
}

static void plant(const char *name, const char *find, const char *replace)
{
    const char *const text = __real_mien_kernel_source_find(name)->text;
    const char *const at = strstr(text, find);
    assert_non_null(at);
    const size_t bytes = strlen(text) + strlen(replace) + 1;
    planted.text = malloc(bytes);
    assert_non_null(planted.text);
    (void)snprintf(planted.text, bytes, "%.*s%s%s", (int)(at - text), text, replace,
                   at + strlen(find));
    planted.name = name;
    planted.source = (struct mien_kernel_source){ name, planted.text };
}

static void weed(void)
{
    free(planted.text);
    planted.name = NULL;
    planted.text = NULL;
}

static const struct mien_verdict *verdict_of(const struct mien_verdicts *verdicts,
                                             const char *kernel, const char *variant)
{
    for (size_t i = 0; i < verdicts->count; i++) {
        if (strcmp(verdicts->items[i].kernel, kernel) == 0 &&
            (variant == NULL || strcmp(verdicts->items[i].variant, variant) == 0)) {
            return &verdicts->items[i];
        }
    }
    fail_msg("no verdict of %s %s", kernel, variant != NULL ? variant : "");
    return NULL;
}

static void assert_all_right(const struct mien_verdicts *verdicts)
{
    for (size_t i = 0; i < verdicts->count; i++) {
        const struct mien_verdict *const v = &verdicts->items[i];
        if (v->failed > 0) {
            print_error("%s %s with %s: %s: %s\n", v->kernel, v->variant, v->where,
                        mien_fault_name(v->worst.fault), v->worst.text);
        }
        assert_true(v->checks > 0);
        assert_true(v->worst.error <= v->worst.tolerance);
    }
    assert_int_equal(mien_verdicts_failed(verdicts), 0);
}

static void test_verify__finds_every_kernel_of_this_device_right(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    /* Of every row of the table. */
    static const char *const kernels[] = { "conv2d forward",
                                           "conv2d backward data",
                                           "conv2d backward filter",
                                           "conv2d maxpool forward",
                                           "conv2d maxpool backward filter",
                                           "dense forward",
                                           "dense backward data",
                                           "dense backward filter",
                                           "maxpool forward",
                                           "maxpool backward",
                                           "maxpool evaluation",
                                           "avgpool forward",
                                           "avgpool backward",
                                           "batchnorm forward",
                                           "batchnorm backward",
                                           "batchnorm evaluation",
                                           "batchnorm evaluation backward",
                                           "batchnorm fold",
                                           "batchnorm maxpool forward",
                                           "batchnorm maxpool backward",
                                           "batchnorm maxpool evaluation",
                                           "relu forward",
                                           "relu backward",
                                           "leakyrelu forward",
                                           "leakyrelu backward",
                                           "sigmoid forward",
                                           "sigmoid backward",
                                           "silu forward",
                                           "silu backward",
                                           "gelu forward",
                                           "gelu backward",
                                           "add forward",
                                           "add backward",
                                           "multiply forward",
                                           "multiply backward",
                                           "dropout",
                                           "softmax loss",
                                           "softmax evaluation",
                                           "softmax soft loss",
                                           "sgd",
                                           "adam",
                                           "clip",
                                           "guard finite",
                                           "guard infinite",
                                           "accumulate begin",
                                           "accumulate add",
                                           "average",
                                           "average swap",
                                           "sam",
                                           "gather images",
                                           "gather changed",
                                           "gather labels",
                                           "gather shares",
                                           "relayout to rows",
                                           "relayout from rows",
                                           "rows bias",
                                           "rows sum" };
    struct mien_error err = { "" };
    struct mien_verdicts verdicts = { NULL, 0 };
    const struct mien_verify_wish quick = { .quick = true };
    assert_ok(mien_verify_table(&verdicts, cl, &quick, &err), &err);
    for (size_t i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++) {
        (void)verdict_of(&verdicts, kernels[i], NULL);
    }
    for (size_t i = 0; i < verdicts.count; i++) { /* a new row belongs in the list */
        bool listed = false;
        for (size_t k = 0; k < sizeof(kernels) / sizeof(kernels[0]); k++) {
            listed = listed || strcmp(verdicts.items[i].kernel, kernels[k]) == 0;
        }
        if (!listed) {
            fail_msg("%s is not in the list", verdicts.items[i].kernel);
        }
    }
    assert_all_right(&verdicts);
    const bool cpu = mien_device_lanes(mien_cl_device(cl)) > 1;
    for (int v = 0; v < MIEN_CONV2D_VARIANTS; v++) {
        const enum mien_conv2d_variant variant = (enum mien_conv2d_variant)v;
        const bool for_gpus = variant == MIEN_CONV2D_TILE || variant == MIEN_CONV2D_BATCHED;
        if (variant == MIEN_CONV2D_GROUPED || cpu != for_gpus) {
            (void)verdict_of(&verdicts, "conv2d backward filter",
                             mien_conv2d_variant_name(variant));
        }
    }
    mien_verdicts_finish(&verdicts);
    assert_int_equal(mien_cl_live(cl), 0);
}

static void test_verify__checks_parameters_with_the_first_shape_a_variant_takes(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    const struct mien_verify_shape shape = { 5, 3, 6, 7, 5, 3, 3, 2, 1, true, true, true, 1, 0 };
    const bool cpu = mien_device_lanes(mien_cl_device(cl)) > 1;
    const enum mien_conv2d_variant variant = cpu ? MIEN_CONV2D_VECTOR : MIEN_CONV2D_TILE;
    unsigned tried[MIEN_CONV2D_PASSES] = { 0 };
    const struct mien_verify_care care = { .tried = tried };
    for (int round = 0; round < 2; round++) {
        struct mien_error err = { "" };
        struct mien_verdicts verdicts = { NULL, 0 };
        assert_ok(
            mien_verify_one(&verdicts, cl, "conv2d", &shape, MIEN_CONV2D_FWD, NULL, &care, &err),
            &err);
        assert_all_right(&verdicts);
        const char *const name = mien_conv2d_variant_name(variant);
        char tuned[32];
        (void)snprintf(tuned, sizeof(tuned), "%s" MIEN_VERIFY_TUNED, name);
        assert_int_equal(verdict_of(&verdicts, "conv2d forward", name)->checks, 1);
        size_t others = 0;
        for (size_t i = 0; i < verdicts.count; i++) {
            const struct mien_verdict *const v = &verdicts.items[i];
            others += strcmp(v->variant, tuned) == 0 ? v->checks : 0;
        }
        assert_true(round == 0 ? others > 2 : others == 0);
        assert_true((tried[MIEN_CONV2D_FWD] >> variant & 1u) == 1);
        assert_true((tried[MIEN_CONV2D_FWD] >> MIEN_CONV2D_PRODUCT & 1u) == 0); /* not its turn */
        mien_verdicts_finish(&verdicts);
    }
}

static void test_verify__checks_the_one_way_that_is_asked_for(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    const struct mien_verify_shape shape = { 3, 4, 9, 9, 5, 3, 3, 1, 1, false, false, false, 1, 0 };
    const struct mien_act x = { 3, 4, 9, 9, mien_device_lanes(mien_cl_device(cl)) };
    const struct mien_verify_care care = { .work = 1e5 };
    struct mien_conv2d way;
    struct mien_error err = { "" };
    struct mien_verdicts verdicts = { NULL, 0 };
    assert_ok(mien_conv2d_init(&way, &x, 5, 3, 3, 1, 1, &err), &err);
    assert_ok(
        mien_verify_one(&verdicts, cl, "conv2d", &shape, MIEN_CONV2D_BWD_DATA, &way, &care, &err),
        &err);
    assert_int_equal(verdicts.count, 1);
    assert_string_equal(verdicts.items[0].kernel, "conv2d backward data");
    assert_string_equal(verdicts.items[0].variant,
                        mien_conv2d_variant_name(way.variant[MIEN_CONV2D_BWD_DATA]));
    assert_all_right(&verdicts);
    mien_verdicts_finish(&verdicts);
}

/* One operation with one shape on a device of its own, which builds kernels anew. */
static void check_one(struct mien_verdicts *out, const char *name,
                      const struct mien_verify_shape *shape, const struct mien_verify_care *care)
{
    struct mien_cl *cl = NULL;
    struct mien_error err = { "" };
    assert_ok(mien_cl_open(&cl, NULL, &err), &err);
    assert_ok(mien_verify_one(out, cl, name, shape, MIEN_CONV2D_FWD, NULL, care, &err), &err);
    assert_int_equal(mien_cl_live(cl), 0);
    mien_cl_close(cl);
}

static const struct mien_verify_care defaults = { .tried = NULL };
static const struct mien_verify_shape conv_shape = { 19, 5, 7,    6,     6,     3, 3,
                                                     1,  1, true, false, false, 1, 0 };
static const struct mien_verify_shape pool_shape = { 19, 5, 7,    6,     6,     3, 3,
                                                     1,  1, true, false, false, 1, 2 };
static const struct mien_verify_shape tiled_shape = {
    .n = 19, .c = 2, .h = 8, .w = 6, .kh = 2, .kw = 2, .stride = 2
};
static const struct mien_verify_shape act_shape = { .n = 19, .c = 7, .h = 5, .w = 3 };
static const struct mien_verify_shape flat_shape = { .c = 3 };

/* What is planted, and what must be found. */
struct fault {
    const char *source, *find, *replace;
    const char *name; /* of the operation, with */
    const struct mien_verify_shape *shape;
    const char *kernel, *variant;
    enum mien_fault fault;
    const char *text; /* in the finding */
    size_t failed;    /* checks: a pooling is made with its winners and without */
};

/*
 * In an elementwise kernel, in a convolution, and in an update: a wrong index, the last element not
 * written, a result off by a thousandth, a NaN, a write behind the buffer.
 */
static const struct fault faults[] = {
    { "relu", "VSTORE(relu(VLOAD(i, x)), i, y)", "VSTORE(relu(VLOAD(i > 0 ? i - 1 : 0, x)), i, y)",
      "relu", &act_shape, "relu forward", "", MIEN_FAULT_WRONG, "y: number ", 1 },
    { "relu", "VSTORE(relu(VLOAD(i, x)), i, y)",
      "if (i + 1 < count) { VSTORE(relu(VLOAD(i, x)), i, y); }", "relu", &act_shape, "relu forward",
      "", MIEN_FAULT_UNWRITTEN, "not written", 1 },
    { "relu", "VSTORE(relu(VLOAD(i, x)), i, y)", "VSTORE(relu(VLOAD(i, x)) * 1.001f, i, y)", "relu",
      &act_shape, "relu forward", "", MIEN_FAULT_WRONG, "got ", 1 },
    { "relu", "VSTORE(relu(VLOAD(i, x)), i, y)",
      "VSTORE(i == 3 ? (vec)(NAN) : relu(VLOAD(i, x)), i, y)", "relu", &act_shape, "relu forward",
      "", MIEN_FAULT_NOT_FINITE, "not finite", 1 },
    { "relu", "VSTORE(relu(VLOAD(i, x)), i, y)",
      "VSTORE(relu(VLOAD(i, x)), i, y); if (i + 1 == count) { VSTORE((vec)(0.0f), count, y); }",
      "relu", &act_shape, "relu forward", "", MIEN_FAULT_OUTSIDE, "behind", 1 },

    { "conv2d_vector", "* COLUMNS + col0 + b;", "* COLUMNS + COLUMNS - 1 - col0 - b;", "conv2d",
      &conv_shape, "conv2d forward", "vector", MIEN_FAULT_WRONG, "y[", 1 },
    { "conv2d_vector", "if (OC % OT == 0 || o0 + a < OC)", "if (o0 + a < OC - 1)", "conv2d",
      &conv_shape, "conv2d forward", "vector", MIEN_FAULT_UNWRITTEN, "not written", 1 },
    { "conv2d_vector", "const vec v = acc[a][b];", "const vec v = acc[a][b] * 0.999f;", "conv2d",
      &conv_shape, "conv2d forward", "vector", MIEN_FAULT_WRONG, "got ", 1 },
    { "conv2d_vector", "const vec v = acc[a][b];",
      "const vec v = row + col0 + b == 0 ? (vec)(NAN) : acc[a][b];", "conv2d", &conv_shape,
      "conv2d forward", "vector", MIEN_FAULT_NOT_FINITE, "y: ", 1 },
    { "conv2d_vector", "VSTORE(at_least(v, least_of(relu_on)), at, y);",
      "VSTORE(at_least(v, least_of(relu_on)), at, y); "
      "if (block + 1 == (int)get_num_groups(2)) { VSTORE(v, (block + 1) * OC * HO * WO, y); }",
      "conv2d", &conv_shape, "conv2d forward", "vector", MIEN_FAULT_OUTSIDE, "behind", 1 },

    { "conv2d_vector", "const vec v = best[a][b];", "const vec v = best[a][b] * 0.999f;", "conv2d",
      &pool_shape, "conv2d maxpool forward", "vector", MIEN_FAULT_WRONG, "got ", 2 },
    { "conv2d_vector", "const vec v = best[a][b];",
      "const vec v = winner ? best[a][b] : best[a][b] * 0.999f;", "conv2d", &pool_shape,
      "conv2d maxpool forward", "vector", MIEN_FAULT_WRONG, "got ", 1 },
    { "conv2d_vector", "VSTORE_BYTES(which[a][b], at, winner);",
      "VSTORE_BYTES(3 - which[a][b], at, winner);", "conv2d", &pool_shape, "conv2d maxpool forward",
      "vector", MIEN_FAULT_WRONG, "of its window is not the largest", 1 },
    { "conv2d_vector", "VSTORE_BYTES(which[a][b], at, winner);",
      "if (row > 0) { VSTORE_BYTES(which[a][b], at, winner); }", "conv2d", &pool_shape,
      "conv2d maxpool forward", "vector", MIEN_FAULT_UNWRITTEN, "winner[", 1 },
    { "conv2d_vector", "VSTORE_BYTES(which[a][b], at, winner);",
      "VSTORE_BYTES(which[a][b], at, winner); winner[-1] = 0;", "conv2d", &pool_shape,
      "conv2d maxpool forward", "vector", MIEN_FAULT_OUTSIDE, "winner", 1 },

    { "optimizer", "VSTORE(p - rate * step, i, params)",
      "VSTORE(p - rate * step, i > 0 ? i - 1 : 0, params)", "sgd", &flat_shape, "sgd", "",
      MIEN_FAULT_WRONG, "params: number ", 1 },
    { "optimizer", "i < min(first + chunk, count); i++", "i < min(first + chunk, count - 1); i++",
      "sgd", &flat_shape, "sgd", "", MIEN_FAULT_WRONG, "momentum: number ", 1 },
    { "optimizer", "VSTORE(b, i, momentum_state)", "VSTORE(b * 1.001f, i, momentum_state)", "sgd",
      &flat_shape, "sgd", "", MIEN_FAULT_WRONG, "momentum", 1 },
    { "optimizer", "VSTORE(b, i, momentum_state)",
      "VSTORE(i == 1 ? (vec)(NAN) : b, i, momentum_state)", "sgd", &flat_shape, "sgd", "",
      MIEN_FAULT_NOT_FINITE, "momentum", 1 },
    { "optimizer", "VSTORE(p - rate * step, i, params)",
      "VSTORE(p - rate * step, i, params); if (i == 0) { params[-1] = 0.0f; }", "sgd", &flat_shape,
      "sgd", "", MIEN_FAULT_OUTSIDE, "before", 1 },

    { "conv2d_winograd", "VSTORE(out[r], at + (k * P + r) * plane, points);",
      "VSTORE(out[r], at + (k * P + r) * plane, points); "
      "if (!flip && r + k == 2 * P - 2 && i + 1 == inputs) { VSTORE(out[r], at + (P * P) * plane, "
      "points); }",
      "conv2d", &conv_shape, "conv2d forward", "winograd", MIEN_FAULT_OUTSIDE, "work", 1 },
    { "pool", "VSTREAM(which == own ? passed : (vec)(0.0f), (plane * h + r) * w + c, dx);",
      "VSTREAM(which == own ? passed * 0.5f : (vec)(0.0f), (plane * h + r) * w + c, dx);",
      "maxpool", &tiled_shape, "maxpool backward", "", MIEN_FAULT_WRONG, "dx: number ", 1 },
    { "pool", "VSTORE(relu_on ? relu(best) : best, row * wo + xo, y);",
      "VSTORE(winner ? best : best * 0.5f, row * wo + xo, y);", "maxpool", &tiled_shape,
      "maxpool evaluation", "", MIEN_FAULT_WRONG, "y: number ", 1 },
};

static void test_verify__finds_and_names_planted_faults(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    const bool cpu = mien_device_lanes(mien_cl_device(cl)) > 1;
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        const struct fault *const f = &faults[i];
        struct mien_verdicts verdicts = { NULL, 0 };
        if (!cpu && strncmp(f->source, "conv2d_", strlen("conv2d_")) == 0) {
            continue;
        }
        plant(f->source, f->find, f->replace);
        check_one(&verdicts, f->name, f->shape, &defaults);
        weed();
        const struct mien_verdict *const v = verdict_of(&verdicts, f->kernel, f->variant);
        if (v->failed != f->failed || v->worst.fault != f->fault ||
            strstr(v->worst.text, f->text) == NULL) {
            fail_msg("fault %zu in %s: found '%s': %s", i, f->kernel,
                     mien_fault_name(v->worst.fault), v->worst.text);
        }
        for (size_t k = 0; k < verdicts.count; k++) { /* and nothing else */
            const struct mien_verdict *const other = &verdicts.items[k];
            if (other != v && other->failed > 0) {
                fail_msg("fault %zu in %s: also found in %s %s: %s", i, f->kernel, other->kernel,
                         other->variant, other->worst.text);
            }
        }
        mien_verdicts_finish(&verdicts);
    }
}

/* A variant's parameters change how much it needs: what is behind the little that one needs is not
 * another's. */
static void test_verify__finds_a_write_behind_the_scratch_of_each_way(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    const struct mien_verify_shape shape = {
        5, 16, 12, 4, 16, 3, 3, 1, 1, true, false, false, 1, 0
    };
    unsigned tried[MIEN_CONV2D_PASSES] = { ~0u, ~0u, ~(1u << MIEN_CONV2D_VECTOR) };
    const struct mien_verify_care care = { .tried = tried };
    struct mien_verdicts verdicts = { NULL, 0 };
    if (mien_device_lanes(mien_cl_device(cl)) == 1) {
        skip(); /* the variant is for CPUs */
    }
    plant("conv2d_vector", "out[OC * C * KH * KW + o0 + a] = VSUM(bias[a]);",
          "out[OC * C * KH * KW + o0 + a] = VSUM(bias[a]); "
          "if (OT == 1 && split + 1 == SPLIT) { part[SPLIT * (OC * C * KH * KW + OC)] = 0.0f; }");
    check_one(&verdicts, "conv2d", &shape, &care);
    weed();
    const struct mien_verdict *const v =
        verdict_of(&verdicts, "conv2d backward filter", "vector" MIEN_VERIFY_TUNED);
    assert_true(v->checks > 2);
    assert_int_equal(v->failed, 1);
    assert_int_equal(v->worst.fault, MIEN_FAULT_OUTSIDE);
    assert_non_null(strstr(v->worst.text, "work: byte 0 behind"));
    assert_non_null(strstr(v->where, "channels 1"));
    assert_int_equal(mien_verdicts_failed(&verdicts), 1);
    mien_verdicts_finish(&verdicts);
}

/* Parameters that a device refuses are no fault of it. */
static void test_verify__lets_a_device_refuse_parameters(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    const struct mien_verify_shape shape = { 5, 3, 6, 7, 5, 3, 3, 2, 1, true, true, true, 1, 0 };
    unsigned tried[MIEN_CONV2D_PASSES] = { ~(1u << MIEN_CONV2D_VECTOR), ~0u, ~0u };
    const struct mien_verify_care care = { .tried = tried };
    struct mien_verdicts verdicts = { NULL, 0 };
    if (mien_device_lanes(mien_cl_device(cl)) == 1) {
        skip(); /* the variant is for CPUs */
    }
    plant("conv2d_vector", "__kernel void conv2d_vector_fwd",
          "\n#if OT != 4\nthis is no OpenCL;\n#endif\n__kernel void conv2d_vector_fwd");
    check_one(&verdicts, "conv2d", &shape, &care);
    weed();
    assert_all_right(&verdicts);
    mien_verdicts_finish(&verdicts);
}

static void test_verify__a_kernel_that_does_not_build_is_a_verdict(void **state)
{
    (void)device_or_skip(state);
    struct mien_verdicts verdicts = { NULL, 0 };
    plant("relu", "__kernel void relu_fwd", "this is no OpenCL; __kernel void relu_fwd");
    check_one(&verdicts, "relu", &act_shape, &defaults);
    weed();
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(verdicts.items[i].worst.fault, MIEN_FAULT_REFUSED);
        assert_non_null(strstr(verdicts.items[i].worst.text, "kernels/relu.cl does not build"));
    }
    mien_verdicts_finish(&verdicts);
}

static void test_verify__refuses_what_is_no_operation_or_no_shape(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    const struct mien_verify_shape flat = {
        .n = 3, .c = 4, .h = 1, .w = 1, .kh = 3, .kw = 3, .stride = 1
    };
    const struct mien_verify_care care = { .tried = NULL };
    struct mien_error err = { "" };
    struct mien_verdicts verdicts = { NULL, 0 };
    assert_int_equal(
        mien_verify_one(&verdicts, cl, "magic", &flat, MIEN_CONV2D_FWD, NULL, &care, &err),
        MIEN_ERR_SHAPE);
    assert_non_null(strstr(err.text, "magic"));
    assert_int_equal(
        mien_verify_one(&verdicts, cl, "maxpool", &flat, MIEN_CONV2D_FWD, NULL, &care, &err),
        MIEN_ERR_SHAPE);
    assert_int_equal(verdicts.count, 0);
    assert_int_equal(mien_cl_live(cl), 0);
    mien_verdicts_finish(&verdicts);
}

static bool stop_at_once(void *user)
{
    (void)user;
    return true;
}

static void test_verify__stops_when_it_is_told_to(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    struct mien_verdicts verdicts = { NULL, 0 };
    const struct mien_verify_wish wish = { .quick = true, .stop = stop_at_once };
    assert_int_equal(mien_verify_table(&verdicts, cl, &wish, &err), MIEN_ERR_INTERRUPTED);
    assert_int_equal(verdicts.count, 0);
}

static void test_finding__guards_what_is_behind_a_smaller_buffer(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    static const size_t sizes[] = { 4096, 100, 2048, 0, 12, 9000, 8 };
    const uint32_t written = 0;
    struct mien_guarded guarded = { .bytes = 0 };
    struct mien_error err = { "" };
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct mien_finding finding = { .tolerance = 0.0 };
        assert_ok(mien_guarded_resize(&guarded, cl, sizes[i], &err), &err);
        assert_int_equal(guarded.bytes, sizes[i]);
        if (sizes[i] == 0) {
            assert_null(guarded.buffer);
            continue;
        }
        assert_int_equal(mien_cl_buffer_bytes(guarded.buffer), sizes[i]);
        assert_ok(mien_guarded_poison(&guarded, cl, &err), &err);
        assert_ok(mien_guarded_check(&finding, "work", &guarded, cl, &err), &err);
        assert_int_equal(finding.fault, MIEN_FAULT_NONE);
        assert_ok(mien_cl_write(cl, guarded.whole, MIEN_GUARD_BYTES + sizes[i], &written,
                                sizeof(written), &err),
                  &err);
        assert_ok(mien_guarded_check(&finding, "work", &guarded, cl, &err), &err);
        assert_int_equal(finding.fault, MIEN_FAULT_OUTSIDE);
        assert_non_null(strstr(finding.text, "work: byte 0 behind its "));
    }
    mien_guarded_finish(&guarded);
    assert_int_equal(mien_cl_live(cl), 0);
}

static void test_finding__keeps_the_worse_of_two(void **state)
{
    (void)state;
    struct mien_finding worst = { .tolerance = -1.0 };
    const struct mien_finding exact = { .error = 0.0, .tolerance = 0.0 };
    const struct mien_finding good = { .error = 1e-6, .tolerance = 1e-5 };
    const struct mien_finding close = { .error = 9e-7, .tolerance = 1e-6 };
    const struct mien_finding wrong = { MIEN_FAULT_WRONG, 1.0, 0.0, "wrong" };
    const struct mien_finding outside = { MIEN_FAULT_OUTSIDE, 0.0, 1e-5, "outside" };
    assert_true(mien_finding_merge(&worst, &exact));
    assert_true(mien_finding_merge(&worst, &good));
    assert_true(mien_finding_merge(&worst, &close));
    assert_false(mien_finding_merge(&worst, &good));
    assert_true(mien_finding_merge(&worst, &wrong));
    assert_true(mien_finding_merge(&worst, &outside));
    assert_false(mien_finding_merge(&worst, &wrong));
    assert_string_equal(worst.text, "outside");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verify__finds_every_kernel_of_this_device_right),
        cmocka_unit_test(test_verify__checks_parameters_with_the_first_shape_a_variant_takes),
        cmocka_unit_test(test_verify__checks_the_one_way_that_is_asked_for),
        cmocka_unit_test(test_verify__finds_and_names_planted_faults),
        cmocka_unit_test(test_verify__finds_a_write_behind_the_scratch_of_each_way),
        cmocka_unit_test(test_verify__lets_a_device_refuse_parameters),
        cmocka_unit_test(test_verify__a_kernel_that_does_not_build_is_a_verdict),
        cmocka_unit_test(test_verify__refuses_what_is_no_operation_or_no_shape),
        cmocka_unit_test(test_verify__stops_when_it_is_told_to),
        cmocka_unit_test(test_finding__guards_what_is_behind_a_smaller_buffer),
        cmocka_unit_test(test_finding__keeps_the_worse_of_two),
    };
    return cmocka_run_group_tests(tests, device_setup, device_teardown);
}
