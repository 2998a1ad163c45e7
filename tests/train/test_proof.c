/* test_proof.c - what failed a self-test, and what commands do without for it */
#include "train/proof.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cl/device_file.h"
#include "support/device.h"
#include "support/scratch.h"
#include "support/training.h"
#include "tune/blas_space.h"

/* CLBlast with parameters that were found for it gives way to its usual ones, and to nothing else.
 */
static void test_proof__bars_a_set_of_clblast_alone(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    struct mien_tuning tuning = { .entries = NULL };
    const struct mien_blas_params set = mien_blas_first(MIEN_DEVICE_CPU);
    const struct mien_tuned blas = mien_tuned_blas(&set);
    const struct mien_dense op = { .n = 8, .in = 30, .out = 7, .lanes = 8 };
    const struct mien_act x = { 8, 30, 1, 1, 8 };
    const struct mien_tuned dense = mien_tuned_dense(&op, MIEN_TUNED_CLBLAST);
    struct mien_verdict verdict = { .kernel = "dense backward data",
                                    .variant = MIEN_VERIFY_TUNED_BLAS };
    const struct mien_verdicts verdicts = { &verdict, 1 };
    assert_ok(mien_tuning_put(&tuning, &blas, &err), &err);
    assert_ok(mien_tuning_put(&tuning, &dense, &err), &err);
    assert_false(mien_proof_avoids(&verdict)); /* it passed */
    mien_proof_bar(&verdicts, &set, &tuning);
    assert_non_null(mien_tuning_blas(&tuning));
    verdict.failed = 1;
    assert_true(mien_proof_avoids(&verdict));
    mien_proof_bar(&verdicts, &set, &tuning);
    assert_null(mien_tuning_blas(&tuning));
    assert_true(mien_tuning_wants_clblast(&tuning, &x, 7));
    (void)snprintf(verdict.variant, sizeof(verdict.variant), "clblast");
    mien_proof_bar(&verdicts, &set, &tuning);
    assert_false(mien_tuning_wants_clblast(&tuning, &x, 7));
    mien_tuning_finish(&tuning);
}

/* One set that failed says nothing of another; two that did say it of all. */
static void test_proof__bars_the_set_that_failed(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    struct mien_tuning tuning = { .entries = NULL };
    struct mien_tuning other = { .entries = NULL }; /* as that of a run that goes on */
    const struct mien_blas_params set = mien_blas_first(MIEN_DEVICE_CPU);
    const struct mien_blas_params failed = mien_blas_first(MIEN_DEVICE_GPU);
    const struct mien_blas_params several = { { 0 } };
    const struct mien_tuned entries[] = { mien_tuned_blas(&set), mien_tuned_blas(&failed) };
    const struct mien_verdicts verdicts = {
        &(struct mien_verdict){
            .kernel = "dense forward", .variant = MIEN_VERIFY_TUNED_BLAS, .failed = 1 },
        1
    };
    assert_memory_not_equal(&set, &failed, sizeof(set));
    assert_ok(mien_tuning_put(&tuning, &entries[0], &err), &err);
    assert_ok(mien_tuning_put(&other, &entries[1], &err), &err);
    mien_proof_bar(&verdicts, &failed, &tuning);
    assert_non_null(mien_tuning_blas(&tuning));
    mien_tuning_bar_all(&other, &tuning);
    assert_null(mien_tuning_blas(&other));
    mien_proof_bar(&verdicts, &failed, &tuning); /* again: the same set */
    assert_non_null(mien_tuning_blas(&tuning));
    mien_proof_bar(&verdicts, &several, &tuning);
    assert_null(mien_tuning_blas(&tuning));
    mien_tuning_finish(&tuning);
    mien_tuning_finish(&other);
}

/* A convolution whose pooling is wrong leaves it to the pooling's own kernel, and is used. */
static void test_proof__bars_a_pooling_alone(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    struct mien_tuning tuning = { .entries = NULL };
    const struct mien_act x = { 8, 3, 12, 12, 8 };
    struct mien_conv2d op;
    struct mien_verdict verdict = { .kernel = "conv2d maxpool forward", .failed = 1 };
    const struct mien_verdicts verdicts = { &verdict, 1 };
    assert_ok(mien_conv2d_init(&op, &x, 5, 3, 3, 1, 1, &err), &err);
    const enum mien_conv2d_variant usual = op.variant[MIEN_CONV2D_FWD];
    assert_true(mien_conv2d_pools(&op, MIEN_CONV2D_FWD, 2));
    (void)snprintf(verdict.variant, sizeof(verdict.variant), "%s", mien_conv2d_variant_name(usual));
    assert_true(mien_proof_avoids(&verdict));
    mien_proof_bar(&verdicts, NULL, &tuning);
    assert_false(mien_tuning_barred(&tuning, MIEN_TUNED_CONV2D, MIEN_CONV2D_FWD, (int)usual));
    mien_tuning_apply(&tuning, &op);
    assert_int_equal(op.variant[MIEN_CONV2D_FWD], usual);
    assert_false(mien_conv2d_pools(&op, MIEN_CONV2D_FWD, 2));

    struct mien_tuning other = { .entries = NULL }; /* as that of a run that goes on */
    mien_tuning_bar_all(&other, &tuning);
    mien_tuning_apply(&other, &op);
    assert_false(mien_conv2d_pools(&op, MIEN_CONV2D_FWD, 2));
    mien_tuning_apply(&(struct mien_tuning){ .entries = NULL }, &op);
    assert_true(mien_conv2d_pools(&op, MIEN_CONV2D_FWD, 2));

    struct mien_tuning filter = { .entries = NULL }; /* so does one that takes its gradient wrong */
    (void)snprintf(verdict.variant, sizeof(verdict.variant), "vector");
    (void)snprintf(verdict.kernel, sizeof(verdict.kernel), "conv2d maxpool backward filter");
    assert_true(mien_conv2d_pools(&op, MIEN_CONV2D_BWD_FILTER, 2));
    assert_true(mien_proof_avoids(&verdict));
    mien_proof_bar(&verdicts, NULL, &filter);
    mien_tuning_apply(&filter, &op);
    assert_int_equal(op.variant[MIEN_CONV2D_BWD_FILTER], MIEN_CONV2D_VECTOR);
    assert_false(mien_conv2d_pools(&op, MIEN_CONV2D_BWD_FILTER, 2));
}

/* Wrong with other parameters than its own, a variant keeps to these. */
static void test_proof__bars_parameters_alone(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    const struct mien_act x = { 8, 3, 12, 12, 1 };
    struct mien_verdict verdict = { .kernel = "conv2d forward", .variant = "tile tuned" };
    const struct mien_verdicts verdicts = { &verdict, 1 };
    struct mien_conv2d op;
    assert_ok(mien_conv2d_init(&op, &x, 5, 3, 3, 1, 1, &err), &err);
    const struct mien_tuned usual = mien_tuned_conv2d(&op, MIEN_CONV2D_FWD);
    op.param[MIEN_CONV2D_FWD][0] = 8;
    const struct mien_tuned found = mien_tuned_conv2d(&op, MIEN_CONV2D_FWD);
    op.param[MIEN_CONV2D_FWD][0] = 0;
    for (int failed = 0; failed < 2; failed++) {
        struct mien_tuning tuning = { .entries = NULL };
        struct mien_tuning other = { .entries = NULL }; /* as that of a run that goes on */
        struct mien_conv2d tuned = op;
        verdict.failed = (size_t)failed;
        assert_int_equal(mien_proof_avoids(&verdict), failed == 1);
        assert_ok(mien_tuning_put(&tuning, &found, &err), &err);
        mien_proof_bar(&verdicts, NULL, &tuning);
        assert_false(mien_tuning_bars(&tuning, &usual));
        assert_int_equal(mien_tuning_bars(&tuning, &found), failed);
        mien_tuning_apply(&tuning, &tuned);
        assert_int_equal(tuned.variant[MIEN_CONV2D_FWD], MIEN_CONV2D_TILE);
        assert_int_equal(mien_conv2d_value(&tuned, MIEN_CONV2D_FWD, 0), failed == 1 ? 4 : 8);
        mien_tuning_bar_all(&other, &tuning);
        assert_int_equal(mien_tuning_bars(&other, &found), failed);
        mien_tuning_finish(&tuning);
    }
}

/* A device with less local memory, as of a run that goes on, takes what it has room for. */
static void test_tuning__takes_what_the_device_has_room_for(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    const struct mien_act x = { 8, 3, 12, 12, 1 };
    struct mien_tuning tuning = { .entries = NULL };
    struct mien_conv2d op;
    assert_ok(mien_conv2d_init(&op, &x, 5, 3, 3, 1, 1, &err), &err);
    for (int i = 0; i < 3; i++) {
        op.param[MIEN_CONV2D_FWD][i] = i == 2 ? 32 : 8; /* 33,024 bytes */
    }
    const struct mien_tuned found = mien_tuned_conv2d(&op, MIEN_CONV2D_FWD);
    assert_ok(mien_tuning_put(&tuning, &found, &err), &err);
    for (size_t kib = 32; kib <= 64; kib += 32) {
        struct mien_conv2d tuned;
        assert_ok(mien_conv2d_init(&tuned, &x, 5, 3, 3, 1, 1, &err), &err);
        mien_conv2d_fit(&tuned, kib * 1024);
        mien_tuning_apply(&tuning, &tuned);
        assert_int_equal(mien_conv2d_value(&tuned, MIEN_CONV2D_FWD, 0), kib == 32 ? 4 : 8);
    }
    mien_tuning_finish(&tuning);
}

/* A self-test that found these kernels wrong, each with "own" as its variant. */
static void remember(const struct mien_device_info *device, bool whole, bool network,
                     const char *const kernels[2])
{
    struct mien_error err = { "" };
    struct mien_verdicts verdicts = { NULL, 0 };
    const struct mien_proof_scope scope = { .whole = whole, .network = network };
    const struct mien_finding right = { .tolerance = 0.0 };
    assert_ok(mien_verdicts_add(&verdicts, "relu forward", "", &right, "", 0.0, &err), &err);
    for (int i = 0; i < 2 && kernels[i] != NULL; i++) {
        struct mien_finding wrong = { .tolerance = 0.0 };
        mien_finding_note(&wrong, MIEN_FAULT_OUTSIDE, "y: byte 7");
        assert_ok(mien_verdicts_add(&verdicts, kernels[i], "own", &wrong, "", 0.0, &err), &err);
    }
    assert_ok(mien_proof_write(&verdicts, NULL, &scope, device, &err), &err);
    mien_verdicts_finish(&verdicts);
}

/* What is remembered: "a b" for kernels a and b, in any case with what was wrong. */
static void assert_remembered(const struct mien_device_info *device, const char *want)
{
    char got[128] = "";
    struct mien_error err = { "" };
    struct mien_proof proof;
    assert_ok(mien_proof_read(&proof, device, &err), &err);
    assert_true(proof.known);
    for (size_t i = 0; i < proof.wrong.count; i++) {
        const struct mien_verdict *const v = &proof.wrong.items[i];
        const size_t length = strlen(got);
        (void)snprintf(got + length, sizeof(got) - length, "%s%s", i > 0 ? " " : "", v->kernel);
        assert_string_equal(v->variant, "own");
        assert_string_equal(v->worst.text, "outside");
        assert_int_equal(v->failed, 1);
    }
    assert_string_equal(got, want);
    mien_proof_finish(&proof);
}

/* A self-test that looks at less takes nothing from what one found that looked at more. */
static void test_proof__keeps_what_a_larger_self_test_found(void **state)
{
    (void)state;
    char *const folder = scratch_make();
    const struct mien_device_info device = { .name = "here", .driver = "1" };
    const struct mien_device_info other = { .name = "here", .driver = "2" };
    assert_int_equal(setenv("MIEN_CACHE", folder, 1), 0);
    const struct {
        bool whole, network;
        const char *wrong[2];
        const char *remembered;
    } runs[] = {
        { false, false, { "a", "b" }, "a b" }, /* quick */
        { false, false, { "b" }, "b" },        /* again: all that it found before */
        { true, false, { "c" }, "c" },         /* a whole one is in its place */
        { false, false, { NULL }, "c" },       /* quick: takes nothing away, */
        { false, false, { "a" }, "c a" },      /* adds, */
        { false, false, { "a", "c" }, "c a" }, /* no kernel twice, */
        { false, false, { NULL }, "c a" },     /* and takes nothing away of that either */
        { false, true, { "d" }, "c a d" },     /* neither does one of a network */
        { true, false, { "e" }, "c a d e" },   /* the network's shapes are not this one's */
        { true, true, { "f" }, "f" },          /* all that there is */
        { true, false, { NULL }, "f" },        { false, true, { NULL }, "f" },
        { true, true, { NULL }, "" },          { false, false, { "a" }, "a" },
    };
    for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
        print_message("  %zu: %s\n", i, runs[i].remembered);
        remember(&device, runs[i].whole, runs[i].network, runs[i].wrong);
        assert_remembered(&device, runs[i].remembered);
    }
    remember(&other, false, false, runs[1].wrong); /* another driver has nothing of that */
    assert_remembered(&other, "b");
    assert_remembered(&device, "a");
    assert_int_equal(unsetenv("MIEN_CACHE"), 0);
    scratch_remove(folder);
}

/* Whether CLBlast was looked at stays, as what was found does, where the next one looks at less. */
static void test_proof__remembers_that_clblast_was_looked_at(void **state)
{
    (void)state;
    char *const folder = scratch_make();
    struct mien_error err = { "" };
    struct mien_verdicts verdicts = { NULL, 0 };
    struct mien_proof proof;
    const struct mien_device_info device = { .name = "here", .driver = "1" };
    const struct mien_finding right = { .tolerance = 0.0 };
    static const struct {
        bool looked, remembered;
    } runs[] = { { false, false }, { true, true }, { false, true } };
    assert_int_equal(setenv("MIEN_CACHE", folder, 1), 0);
    assert_ok(mien_verdicts_add(&verdicts, "relu forward", "", &right, "", 0.0, &err), &err);
    for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
        const struct mien_proof_scope scope = { .clblast = runs[i].looked };
        assert_ok(mien_proof_write(&verdicts, NULL, &scope, &device, &err), &err);
        assert_ok(mien_proof_read(&proof, &device, &err), &err);
        assert_true(proof.known);
        assert_int_equal(proof.scope.clblast, runs[i].remembered);
        assert_ok(mien_proof_take(&proof, &verdicts, &scope, &err), &err);
        assert_int_equal(proof.scope.clblast, runs[i].looked);
        mien_proof_finish(&proof);
    }
    mien_verdicts_finish(&verdicts);
    assert_int_equal(unsetenv("MIEN_CACHE"), 0);
    scratch_remove(folder);
}

/* A self-test that found CLBlast wrong with this set. */
static void remember_set(const struct mien_device_info *device, const struct mien_blas_params *set)
{
    struct mien_error err = { "" };
    struct mien_verdicts verdicts = { NULL, 0 };
    const struct mien_proof_scope scope = { .whole = set != NULL };
    struct mien_finding wrong = { .tolerance = 0.0 };
    mien_finding_note(&wrong, MIEN_FAULT_OUTSIDE, "y: byte 7");
    assert_ok(mien_verdicts_add(&verdicts, "dense forward", MIEN_VERIFY_TUNED_BLAS, &wrong, "", 0.0,
                                &err),
              &err);
    assert_ok(mien_proof_write(&verdicts, set, &scope, device, &err), &err);
    mien_verdicts_finish(&verdicts);
}

static void assert_set(const struct mien_device_info *device, const struct mien_blas_params *want)
{
    struct mien_error err = { "" };
    struct mien_proof proof;
    assert_ok(mien_proof_read(&proof, device, &err), &err);
    assert_true(proof.known);
    assert_memory_equal(&proof.set, want, sizeof(*want));
    mien_proof_finish(&proof);
}

static void test_proof__keeps_the_set_that_failed(void **state)
{
    (void)state;
    char *const folder = scratch_make();
    const struct mien_device_info device = { .name = "here", .driver = "1" };
    const struct mien_blas_params several = { { 0 } };
    const struct mien_blas_params set = mien_blas_first(MIEN_DEVICE_CPU);
    assert_int_equal(setenv("MIEN_CACHE", folder, 1), 0);
    remember_set(&device, &set);
    assert_set(&device, &set);
    remember(&device, false, false, (const char *const[2]){ "a" }); /* quick: only adds */
    assert_set(&device, &set);
    remember_set(&device, NULL); /* one more, of which it is not known what it is */
    assert_set(&device, &several);
    remember_set(&device, &set); /* looks at as much as all before */
    assert_set(&device, &set);
    assert_int_equal(unsetenv("MIEN_CACHE"), 0);
    scratch_remove(folder);
}

/* CLBlast of another version is another library. */
static void test_proof__forgets_what_another_clblast_did(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    struct mien_proof proof;
    char *const folder = scratch_make();
    const struct mien_device_info device = { .name = "here", .driver = "1" };
    assert_int_equal(setenv("MIEN_CACHE", folder, 1), 0);
    remember(&device, false, false, (const char *const[2]){ "a" });
    char *const path = mien_device_file_path("selftest", &device, &err);
    assert_non_null(path);
    json_t *const root = json_load_file(path, 0, NULL);
    assert_true(json_is_string(json_object_get(root, "clblast")));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(json_dump_file(root, path, 0), 0);
        assert_ok(mien_proof_read(&proof, &device, &err), &err);
        assert_int_equal(proof.known, i == 0);
        mien_proof_finish(&proof);
        assert_int_equal(json_object_set_new(root, "clblast", json_string("0.9.0")), 0);
    }
    json_decref(root);
    free(path);
    assert_int_equal(unsetenv("MIEN_CACHE"), 0);
    scratch_remove(folder);
}

/* The check of a recipe with dense layers, or without, where these kernels failed. */
static enum mien_status check(const char *const (*wrong)[2], const char *layers, const char *train,
                              int lanes, enum mien_blas blas)
{
    struct mien_error err = { "" };
    struct mien_proof proof = { .known = true };
    struct mien_network *network = NULL;
    char text[256];
    (void)snprintf(text, sizeof(text),
                   "input: { channels: 3, height: 1, width: 1 }\nlayers: [ %s ]\ntrain: { %s }\n",
                   layers, train);
    struct mien_recipe *const recipe = recipe_from(text);
    assert_ok(mien_network_create(&network, recipe, 3, &err), &err);
    for (int i = 0; i < 2 && wrong[i][0] != NULL; i++) {
        struct mien_finding finding = { .tolerance = 0.0 };
        mien_finding_note(&finding, MIEN_FAULT_OUTSIDE, "y: byte 7");
        assert_ok(
            mien_verdicts_add(&proof.wrong, wrong[i][0], wrong[i][1], &finding, "", 0.0, &err),
            &err);
    }
    const enum mien_status st = mien_proof_check(&proof, recipe, network, lanes, blas, &err);
    mien_proof_finish(&proof);
    mien_network_destroy(network);
    mien_recipe_destroy(recipe);
    return st;
}

/* What CLBlast leaves to do is needed where nothing else computes a dense layer. */
static void test_proof__counts_what_clblast_leaves_to_do(void **state)
{
    (void)state;
    static const char with[] = "relu, dense classes";
    static const char without[] = "conv 3 1x1, flatten";
    static const struct {
        const char *wrong[2][2], *layers;
        int lanes;
        enum mien_blas blas;
        enum mien_status want;
    } cases[] = {
        { { { "rows bias", "" } }, with, 1, MIEN_BLAS_AUTO, MIEN_ERR_CL },
        { { { "rows sum", "" } }, with, 1, MIEN_BLAS_CLBLAST, MIEN_ERR_CL },
        { { { "rows sum", "" } }, without, 1, MIEN_BLAS_AUTO, MIEN_OK },
        { { { "rows sum", "" } }, with, 8, MIEN_BLAS_AUTO, MIEN_OK }, /* own kernels */
        { { { "rows sum", "" } }, with, 8, MIEN_BLAS_OWN, MIEN_OK },
        { { { "rows sum", "" } }, with, 8, MIEN_BLAS_CLBLAST, MIEN_ERR_CL },
        { { { "rows sum", "" }, { "dense forward", "own" } },
          with,
          8,
          MIEN_BLAS_AUTO,
          MIEN_ERR_CL },
        { { { "relayout to rows", "" } }, with, 1, MIEN_BLAS_AUTO, MIEN_OK }, /* rows as they are */
        { { { "relayout to rows", "" } }, with, 8, MIEN_BLAS_AUTO, MIEN_OK },
        { { { "relayout from rows", "" } }, with, 8, MIEN_BLAS_CLBLAST, MIEN_ERR_CL },
        { { { "relayout from rows", "" }, { "dense forward", "own" } },
          with,
          8,
          MIEN_BLAS_AUTO,
          MIEN_ERR_CL },
        { { { "relayout from rows", "" } }, without, 8, MIEN_BLAS_CLBLAST, MIEN_OK },
        { { { "dense forward", "own" } }, with, 8, MIEN_BLAS_AUTO, MIEN_OK },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        print_message("  %zu: %s\n", i, cases[i].wrong[0][0]);
        assert_int_equal(
            check(cases[i].wrong, cases[i].layers, "epochs: 1", cases[i].lanes, cases[i].blas),
            cases[i].want);
    }
}

/* Kernels for which there is no other way are needed by those methods that launch them. */
static void test_proof__counts_what_the_method_launches(void **state)
{
    (void)state;
    static const struct {
        const char *kernel, *train;
        enum mien_status want;
    } cases[] = {
        { "clip", "epochs: 1", MIEN_OK },
        { "clip", "clip_norm: 1", MIEN_ERR_CL },
        { "clip", "sam: 0.1", MIEN_ERR_CL },
        { "average swap", "epochs: 1", MIEN_OK },
        { "average swap", "ema: 0.9", MIEN_ERR_CL },
        { "average swap", "sam: 0.1", MIEN_ERR_CL },
        { "sam", "ema: 0.9, clip_norm: 1", MIEN_OK },
        { "sam", "sam: 0.1", MIEN_ERR_CL },
        { "accumulate add", "epochs: 1", MIEN_OK },
        { "accumulate add", "accumulate: 2", MIEN_ERR_CL },
        { "adam", "epochs: 1", MIEN_OK },
        { "sgd", "epochs: 1", MIEN_ERR_CL },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *const wrong[2][2] = { { cases[i].kernel, "" } };
        print_message("  %s with %s\n", cases[i].kernel, cases[i].train);
        assert_int_equal(check(wrong, "relu, dense classes", cases[i].train, 8, MIEN_BLAS_AUTO),
                         cases[i].want);
    }
}

/* With lanes own kernels take dense layers over, whatever was tuned. */
static void test_proof__bars_clblast_for_what_it_leaves_to_do(void **state)
{
    (void)state;
    static const char *const kernels[] = { "rows bias", "relayout from rows" };
    const struct mien_act x = { 8, 30, 1, 1, 8 };
    const struct mien_dense op = { .n = 8, .in = 30, .out = 7, .lanes = 8 };
    const struct mien_tuned dense = mien_tuned_dense(&op, MIEN_TUNED_CLBLAST);
    for (int i = 0; i < 2; i++) {
        struct mien_error err = { "" };
        struct mien_tuning tuning = { .entries = NULL };
        struct mien_verdict verdict = { .failed = 1 };
        const struct mien_verdicts verdicts = { &verdict, 1 };
        (void)snprintf(verdict.kernel, sizeof(verdict.kernel), "%s", kernels[i]);
        assert_ok(mien_tuning_put(&tuning, &dense, &err), &err);
        assert_true(mien_tuning_wants_clblast(&tuning, &x, 7));
        assert_true(mien_proof_avoids(&verdict));
        mien_proof_bar(&verdicts, NULL, &tuning);
        assert_false(mien_tuning_wants_clblast(&tuning, &x, 7));
        mien_tuning_finish(&tuning);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_proof__bars_a_set_of_clblast_alone),
        cmocka_unit_test(test_proof__bars_the_set_that_failed),
        cmocka_unit_test(test_proof__bars_a_pooling_alone),
        cmocka_unit_test(test_proof__bars_parameters_alone),
        cmocka_unit_test(test_tuning__takes_what_the_device_has_room_for),
        cmocka_unit_test(test_proof__keeps_what_a_larger_self_test_found),
        cmocka_unit_test(test_proof__remembers_that_clblast_was_looked_at),
        cmocka_unit_test(test_proof__keeps_the_set_that_failed),
        cmocka_unit_test(test_proof__forgets_what_another_clblast_did),
        cmocka_unit_test(test_proof__counts_what_clblast_leaves_to_do),
        cmocka_unit_test(test_proof__counts_what_the_method_launches),
        cmocka_unit_test(test_proof__bars_clblast_for_what_it_leaves_to_do),
    };
    return cmocka_run_group_tests_name("train/proof", tests, NULL, NULL);
}
