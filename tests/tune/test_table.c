/* test_table.c - tables of tuning: entries, text, files that are damaged or of another device */
#include "tune/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "support/device.h"
#include "support/scratch.h"
#include "tune/blas_space.h"

/* A convolution of the report's kind, for a device of 8 lanes. */
static struct mien_conv2d conv(int n)
{
    struct mien_conv2d op;
    struct mien_error err = { "" };
    const struct mien_act x = { n, 64, 22, 22, 8 };
    must(mien_conv2d_init(&op, &x, 32, 4, 4, 1, 0, &err), &err);
    return op;
}

static struct mien_device_info device(const char *driver)
{
    struct mien_device_info info = { .name = "Some \"GPU\" / 3", .kind = MIEN_DEVICE_CPU };
    (void)snprintf(info.driver, sizeof(info.driver), "%s", driver);
    return info;
}

/* A table with a tuned pass, and a dense layer for CLBlast. */
static struct mien_tuning make_table(void)
{
    struct mien_tuning tuning = { .entries = NULL };
    struct mien_error err = { "" };
    struct mien_conv2d op = conv(150);
    op.variant[MIEN_CONV2D_FWD] = MIEN_CONV2D_VECTOR;
    op.param[MIEN_CONV2D_FWD][0] = 2;
    struct mien_tuned entry = mien_tuned_conv2d(&op, MIEN_CONV2D_FWD);
    entry.ms = 1.5;
    entry.default_ms = 2.25;
    must(mien_tuning_put(&tuning, &entry, &err), &err);
    const struct mien_dense dense = { .n = 150, .in = 300, .out = 7, .lanes = 8 };
    entry = mien_tuned_dense(&dense, MIEN_TUNED_CLBLAST);
    must(mien_tuning_put(&tuning, &entry, &err), &err);
    const struct mien_blas_params set = mien_blas_first(MIEN_DEVICE_GPU);
    entry = mien_tuned_blas(&set);
    entry.ms = 0.5;
    entry.default_ms = 0.75;
    must(mien_tuning_put(&tuning, &entry, &err), &err);
    return tuning;
}

/* Defaults go by the device's local memory and the channels: entries hold numbers that no list has.
 */
static void test_table__takes_the_defaults_of_every_device(void **state)
{
    (void)state;
    static const int channels[] = { 24, 40, 96, 100, 130, 192, 300 };
    for (size_t i = 0; i < sizeof(channels) / sizeof(channels[0]); i++) {
        for (size_t kib = 0; kib <= 2048; kib += 32) {
            struct mien_error err = { "" };
            struct mien_conv2d op;
            const struct mien_act x = { 150, channels[i], 11, 5, 16 };
            must(mien_conv2d_init(&op, &x, channels[i], 3, 3, 1, 1, &err), &err);
            mien_conv2d_fit(&op, kib * 1024);
            for (int pass = 0; pass < MIEN_CONV2D_PASSES; pass++) {
                struct mien_conv2d again;
                const struct mien_tuned entry = mien_tuned_conv2d(&op, (enum mien_conv2d_pass)pass);
                must(mien_tuned_to_conv2d(&again, &entry, &err), &err);
                assert_memory_equal(again.param[pass], entry.param, sizeof(entry.param));
            }
        }
    }
}

static void test_table__refuses_parameters_out_of_range(void **state)
{
    (void)state;
    enum { OUTPUTS = 2, REGISTERS = 3 }; /* the parameters */
    struct mien_error err = { "" };
    struct mien_conv2d op;
    struct mien_conv2d again;
    const struct mien_act x = { 150, 96, 11, 11, 16 };
    must(mien_conv2d_init(&op, &x, 96, 3, 3, 1, 1, &err), &err);
    struct mien_tuned entry = mien_tuned_conv2d(&op, MIEN_CONV2D_BWD_FILTER);
    entry.param[OUTPUTS] = 129;
    assert_int_equal(mien_tuned_to_conv2d(&again, &entry, &err), MIEN_ERR_FORMAT);
    assert_string_equal(err.text, "outputs is 129, which no kernel is built for");
    entry.param[OUTPUTS] = -1;
    assert_int_equal(mien_tuned_to_conv2d(&again, &entry, &err), MIEN_ERR_FORMAT);
    entry.param[OUTPUTS] = 128;
    must(mien_tuned_to_conv2d(&again, &entry, &err), &err);
    entry.param[REGISTERS] = 5;
    assert_int_equal(mien_tuned_to_conv2d(&again, &entry, &err), MIEN_ERR_FORMAT);
}

static void test_table__gives_a_pass_what_was_put_for_it(void **state)
{
    (void)state;
    struct mien_tuning tuning = make_table();
    struct mien_conv2d op = conv(150);
    const struct mien_conv2d usual = op;
    mien_tuning_apply(&tuning, &op);
    assert_int_equal(op.variant[MIEN_CONV2D_FWD], MIEN_CONV2D_VECTOR);
    assert_int_equal(mien_conv2d_value(&op, MIEN_CONV2D_FWD, 0), 2);
    assert_int_equal(op.variant[MIEN_CONV2D_BWD_DATA], usual.variant[MIEN_CONV2D_BWD_DATA]);
    assert_int_equal(op.param[MIEN_CONV2D_BWD_DATA][0], 0);
    const struct mien_act x = { 150, 300, 1, 1, 8 };
    assert_true(mien_tuning_wants_clblast(&tuning, &x, 7));
    assert_false(mien_tuning_wants_clblast(&tuning, &x, 8));
    assert_false(mien_tuning_wants_clblast(NULL, &x, 7));
    assert_true(mien_tuning_has_clblast(&tuning));
    op = conv(150);
    mien_tuning_apply(NULL, &op);
    assert_memory_equal(&op, &usual, sizeof(op));
    mien_tuning_finish(&tuning);
}

static void test_table__takes_the_nearest_batch_within_four_times(void **state)
{
    (void)state;
    struct mien_tuning tuning = make_table();
    struct mien_error err = { "" };
    struct mien_conv2d op = conv(64);
    op.variant[MIEN_CONV2D_FWD] = MIEN_CONV2D_VECTOR;
    op.param[MIEN_CONV2D_FWD][0] = 8;
    const struct mien_tuned small = mien_tuned_conv2d(&op, MIEN_CONV2D_FWD);
    must(mien_tuning_put(&tuning, &small, &err), &err);
    assert_int_equal(tuning.count, 4);
    must(mien_tuning_put(&tuning, &small, &err), &err); /* in its own place */
    assert_int_equal(tuning.count, 4);
    static const struct {
        int n, found;
    } batches[] = { { 150, 150 }, { 64, 64 },   { 70, 64 },  { 140, 150 },
                    { 16, 64 },   { 600, 150 }, { 601, -1 }, { 15, -1 } };
    for (size_t i = 0; i < sizeof(batches) / sizeof(batches[0]); i++) {
        op = conv(batches[i].n);
        const struct mien_tuned key = mien_tuned_conv2d(&op, MIEN_CONV2D_FWD);
        const struct mien_tuned *const found = mien_tuning_find(&tuning, &key);
        assert_int_equal(found == NULL ? -1 : found->size[0], batches[i].found);
    }
    mien_tuning_finish(&tuning);
}

static void check_same(const struct mien_tuning *got, const struct mien_tuning *want)
{
    assert_int_equal(got->count, want->count);
    for (size_t i = 0; i < want->count; i++) {
        const struct mien_tuned *const a = &got->entries[i];
        const struct mien_tuned *const b = &want->entries[i];
        assert_int_equal(a->op, b->op);
        assert_int_equal(a->pass, b->pass);
        assert_int_equal(a->variant, b->variant);
        assert_memory_equal(a->size, b->size, sizeof(a->size));
        assert_memory_equal(a->param, b->param, sizeof(a->param));
        assert_memory_equal(&a->blas, &b->blas, sizeof(a->blas));
        assert_true(a->ms == b->ms && a->default_ms == b->default_ms);
    }
}

static void test_table__comes_back_from_text_and_file(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    struct mien_tuning tuning = make_table();
    struct mien_tuning back = { .entries = NULL };
    const struct mien_device_info here = device("driver 1");
    char *const folder = scratch_make();
    char *const path = scratch_path(folder, "new/folder/table.json");
    char *const text = mien_tuning_format(&tuning, &err);
    assert_non_null(text);
    assert_null(strchr(text, '\n'));
    must(mien_tuning_parse(&back, text, &err), &err);
    check_same(&back, &tuning);
    mien_tuning_finish(&back);

    must(mien_tuning_save(path, &tuning, &here, &err), &err);
    must(mien_tuning_load(&back, path, &here, &err), &err);
    check_same(&back, &tuning);
    mien_tuning_finish(&back);
    must(mien_tuning_save(path, &back, &here, &err), &err); /* an empty one */
    must(mien_tuning_load(&back, path, &here, &err), &err);
    assert_int_equal(back.count, 0);
    mien_tuning_finish(&tuning);
    free(text);
    free(path);
    scratch_remove(folder);
}

static void test_table__keeps_candidates_to_skip_apart(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    struct mien_tuning tuning = make_table();
    struct mien_tuning back = { .entries = NULL };
    const size_t before = tuning.count;
    struct mien_tuned skip = tuning.entries[0];
    const struct mien_tuned key = skip;
    skip.param[0] = 8;
    skip.skip = MIEN_TUNED_HUNG;
    for (int i = 0; i < 2; i++) { /* the second in the place of the first */
        must(mien_tuning_put(&tuning, &skip, &err), &err);
        skip.skip = MIEN_TUNED_DIED;
    }
    skip.param[0] = 4;
    must(mien_tuning_put(&tuning, &skip, &err), &err);
    assert_int_equal(tuning.count, before + 2);
    char *const text = mien_tuning_format(&tuning, &err);
    assert_non_null(text);
    must(mien_tuning_parse(&back, text, &err), &err);
    assert_int_equal(back.count, tuning.count);
    assert_int_equal(back.entries[before].skip, MIEN_TUNED_DIED);
    for (int channels = 2; channels <= 8; channels *= 2) {
        struct mien_tuned candidate = key;
        candidate.param[0] = channels;
        assert_int_equal(mien_tuning_skips(&back, &candidate), channels > 2);
        candidate.size[0]++; /* another batch is another kernel */
        assert_false(mien_tuning_skips(&back, &candidate));
    }
    assert_ptr_equal(mien_tuning_find(&back, &key), &back.entries[0]);
    back.entries[0].skip = MIEN_TUNED_HUNG;
    assert_null(mien_tuning_find(&back, &key)); /* none of these is to be used */
    free(text);
    mien_tuning_finish(&back);
    mien_tuning_finish(&tuning);
}

static void test_table__refuses_another_device_and_names_it_otherwise(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    struct mien_tuning tuning = make_table();
    struct mien_tuning back = { .entries = NULL };
    const struct mien_device_info here = device("driver 1");
    const struct mien_device_info there = device("driver 2");
    char *const folder = scratch_make();
    char *const path = scratch_path(folder, "table.json");
    must(mien_tuning_save(path, &tuning, &here, &err), &err);
    must_fail(mien_tuning_load(&back, path, &there, &err), MIEN_ERR_FORMAT, &err, "its device is");
    assert_int_equal(back.count, 0);
    char *const one = mien_tuning_path(&here, &err);
    char *const two = mien_tuning_path(&there, &err);
    if (one != NULL && two != NULL) { /* there may be no cache folder */
        assert_string_not_equal(one, two);
        assert_null(strchr(strstr(one, "tuning/") + strlen("tuning/"), '/'));
    }
    free(one);
    free(two);
    free(path);
    mien_tuning_finish(&tuning);
    scratch_remove(folder);
}

/* Entries that a file may hold and no kernel may get to see. */
static void test_table__refuses_foreign_values(void **state)
{
    (void)state;
#define SIZES                                                                                      \
    "\"n\":150,\"c\":64,\"h\":22,\"w\":22,\"oc\":32,\"kh\":4,\"kw\":4,\"stride\":1,\"pad\":0"
#define CONV "{\"op\":\"conv2d\"," SIZES ",\"lanes\":8,\"pass\":\"forward\","
    static const char *const bad[] = {
        "",
        "{}",
        "[1]",
        "[{}]",
        "[{\"op\":\"conv3d\"}]",
        "[" CONV "\"variant\":\"vector\"}",
        "[" CONV "\"variant\":\"cubic\"}]",
        "[" CONV "\"variant\":\"tile\"}]", /* for one lane */
        "[" CONV "\"variant\":\"vector\",\"channels\":3}]",
        "[" CONV "\"variant\":\"vector\",\"channels\":-4}]",
        "[" CONV "\"variant\":\"vector\",\"channels\":1000000}]",
        "[" CONV "\"variant\":\"vector\",\"channels\":99999999999999}]",
        "[" CONV "\"variant\":\"vector\",\"channels\":\"4 -DX\"}]",
        "[" CONV "\"variant\":\"vector\",\"skip\":\"\"}]",
        "[" CONV "\"variant\":\"vector\",\"skip\":true}]",
        "[" CONV "\"variant\":\"vector\",\"ms\":-1}]",
        "[" CONV "\"variant\":\"vector\",\"ms\":\"fast\"}]",
        "[{\"op\":\"conv2d\"," SIZES ",\"lanes\":7,\"pass\":\"forward\",\"variant\":\"vector\"}]",
        "[{\"op\":\"conv2d\"," SIZES ",\"lanes\":8,\"pass\":\"sideways\",\"variant\":\"vector\"}]",
        "[{\"op\":\"conv2d\",\"n\":2147483647,\"c\":2147483647,\"h\":2147483647,\"w\":2147483647,"
        "\"oc\":2147483647,\"kh\":3,\"kw\":3,\"stride\":1,\"pad\":2147483647,\"lanes\":8,"
        "\"pass\":\"forward\",\"variant\":\"vector\"}]",
        "[{\"op\":\"dense\",\"n\":0,\"in\":3,\"out\":3,\"lanes\":8,\"variant\":\"own\"}]",
        "[{\"op\":\"dense\",\"n\":3,\"in\":3,\"out\":3,\"lanes\":8,\"variant\":\"mkl\"}]",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct mien_error err = { "" };
        struct mien_tuning tuning = { .entries = NULL };
        must_fail(mien_tuning_parse(&tuning, bad[i], &err), MIEN_ERR_FORMAT, &err, "tuned shape");
        assert_null(tuning.entries);
    }
    struct mien_error err = { "" };
    struct mien_tuning tuning = { .entries = NULL };
    must(mien_tuning_parse(&tuning, "[" CONV "\"variant\":\"vector\",\"channels\":8}]", &err),
         &err);
    assert_int_equal(tuning.count, 1);
    mien_tuning_finish(&tuning);
}

#define XGEMM                                                                                      \
    "\"Xgemm\":{\"GEMMK\":0,\"KREG\":1,\"KWG\":16,\"KWI\":2,\"MDIMA\":8,\"MDIMC\":8,\"MWG\":64,"   \
    "\"NDIMB\":8,\"NDIMC\":8,\"NWG\":64,\"SA\":1,\"SB\":1,\"STRM\":0,\"STRN\":0,\"VWM\":4,"        \
    "\"VWN\":4"
#define DIRECT                                                                                     \
    "\"XgemmDirect\":{\"KWID\":2,\"MDIMAD\":8,\"MDIMCD\":8,\"NDIMBD\":8,\"NDIMCD\":8,\"PADA\":1,"  \
    "\"PADB\":1,\"VWMD\":2,\"VWND\":2,\"WGD\":32"
#define ROUTINE       "\"GemmRoutine\":{\"XGEMM_MIN_INDIRECT_SIZE\":256"
#define BLAS(version) "[{\"op\":\"clblast\",\"version\":\"" version "\",\"variant\":"

/* The same for CLBlast's parameters. */
static void test_table__refuses_parameters_that_clblast_must_not_get(void **state)
{
    (void)state;
    static const char *const bad[] = {
        BLAS("1.5.3") "\"set\"}]",
        BLAS("1.5.3") "\"fast\"}]",
        BLAS("1.5") "\"usual\"}]",
        BLAS("1.5.3.1") "\"usual\"}]",
        BLAS("1.5.03") "\"usual\"}]",
        BLAS("1.5.-3") "\"usual\"}]",
        BLAS("1.5.1000") "\"usual\"}]",
        BLAS("") "\"usual\"}]",
        "[{\"op\":\"clblast\",\"variant\":\"usual\"}]",
        BLAS("1.5.3") "\"set\"," XGEMM "}," DIRECT "}}]",                       /* no border */
        BLAS("1.5.3") "\"set\"," XGEMM "}," DIRECT "}," ROUTINE ",\"X\":1}}]",  /* one more */
        BLAS("1.5.3") "\"set\"," XGEMM ",\"-D\":1}," DIRECT "}," ROUTINE "}}]", /* one more */
        BLAS("1.5.3") "\"set\",\"Xgemm\":[]," DIRECT "}," ROUTINE "}}]",
        BLAS("1.5.3") "\"set\",\"Xgemm\":{}," DIRECT "}," ROUTINE "}}]",
    };
    /* A whole set, in which one value becomes another. */
    static const struct {
        const char *was, *is;
    } changes[] = {
        { "\"GEMMK\":0", "\"GEMMK\":1" },       { "\"MWG\":64", "\"MWG\":48" },
        { "\"MWG\":64", "\"MWG\":1e9" },        { "\"MWG\":64", "\"MWG\":-64" },
        { "\"MWG\":64", "\"MWG\":4294967360" }, { "\"MWG\":64", "\"MWG\":\"64\"" },
        { "\"MWG\":64", "\"mwg\":64" },         { "\"VWM\":4", "\"VWM\":16" },
        { "\"WGD\":32", "\"WGD\":64.0" },       { "SIZE\":256", "SIZE\":-1" },
        { "SIZE\":256", "SIZE\":9999999" },     { "\"KWG\":16", "\"KWG\":4" },
    };
    const char *const good = BLAS("1.5.3") "\"set\"," XGEMM "}," DIRECT "}," ROUTINE "}}]";
    struct mien_error err = { "" };
    struct mien_tuning tuning = { .entries = NULL };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        must_fail(mien_tuning_parse(&tuning, bad[i], &err), MIEN_ERR_FORMAT, &err, "tuned shape");
        assert_null(tuning.entries);
    }
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        char text[1024];
        const char *const at = strstr(good, changes[i].was);
        assert_non_null(at);
        (void)snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - good), good, changes[i].is,
                       at + strlen(changes[i].was));
        must_fail(mien_tuning_parse(&tuning, text, &err), MIEN_ERR_FORMAT, &err, "tuned shape");
        assert_null(tuning.entries);
    }
    must(mien_tuning_parse(&tuning, good, &err), &err);
    assert_int_equal(tuning.count, 1);
    assert_int_equal(tuning.entries[0].blas.value[MIEN_BLAS_MIN_INDIRECT], 256);
    mien_tuning_finish(&tuning);
}

static void test_table__has_clblasts_parameters_for_its_version_alone(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    struct mien_tuning tuning = { .entries = NULL };
    const struct mien_blas_params set = mien_blas_first(MIEN_DEVICE_GPU);
    struct mien_tuned entry = mien_tuned_blas(&set);
    assert_null(mien_tuning_blas(NULL));
    assert_null(mien_tuning_blas(&tuning));
    entry.size[3]++; /* another version's */
    must(mien_tuning_put(&tuning, &entry, &err), &err);
    assert_null(mien_tuning_blas(&tuning));
    entry.size[3]--;
    must(mien_tuning_put(&tuning, &entry, &err), &err);
    assert_int_equal(tuning.count, 2);
    assert_non_null(mien_tuning_blas(&tuning));
    assert_memory_equal(mien_tuning_blas(&tuning), &set, sizeof(set));
    mien_tuning_bar(&tuning, MIEN_TUNED_BLAS, MIEN_CONV2D_FWD, MIEN_TUNED_SET);
    assert_null(mien_tuning_blas(&tuning));
    memset(tuning.barred, 0, sizeof(tuning.barred));
    const struct mien_blas_params other = mien_blas_first(MIEN_DEVICE_CPU);
    mien_tuning_bar_blas(&tuning, &other);
    assert_non_null(mien_tuning_blas(&tuning));
    mien_tuning_bar_blas(&tuning, &set); /* a second one: all of them */
    assert_null(mien_tuning_blas(&tuning));
    memset(tuning.barred, 0, sizeof(tuning.barred));
    mien_tuning_bar_blas(&tuning, &set);
    assert_null(mien_tuning_blas(&tuning));
    memset(tuning.barred, 0, sizeof(tuning.barred));
    entry = mien_tuned_blas(NULL); /* in the place of the set: it was not faster */
    must(mien_tuning_put(&tuning, &entry, &err), &err);
    assert_int_equal(tuning.count, 2);
    assert_null(mien_tuning_blas(&tuning));
    mien_tuning_finish(&tuning);
}

static void test_table__refuses_every_cut_of_a_file(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    struct mien_tuning tuning = make_table();
    const struct mien_device_info here = device("driver 1");
    char *const folder = scratch_make();
    char *const path = scratch_path(folder, "table.json");
    size_t bytes = 0;
    must(mien_tuning_save(path, &tuning, &here, &err), &err);
    mien_tuning_finish(&tuning);
    unsigned char *const whole = scratch_read(path, &bytes);
    for (size_t length = 0; length + 2 < bytes; length += 7) {
        scratch_write(path, whole, length);
        must_fail(mien_tuning_load(&tuning, path, &here, &err), MIEN_ERR_FORMAT, &err,
                  "table.json");
    }
    free(whole);
    free(path);
    scratch_remove(folder);
}

/* What failed is avoided, by default and where it was put; where nothing else can, it stays. */
static void test_table__bars_candidates(void **state)
{
    (void)state;
    struct mien_tuning tuning = { .entries = NULL };
    const struct mien_dense op = { .n = 19, .in = 45, .out = 12, .lanes = 16 };
    const struct mien_tuned own = mien_tuned_dense(&op, MIEN_TUNED_OWN);
    const struct mien_tuned clblast = mien_tuned_dense(&op, MIEN_TUNED_CLBLAST);
    struct mien_tuned sets[2] = { mien_tuned_blas(NULL), mien_tuned_blas(NULL) };
    for (int i = 0; i < 2; i++) {
        sets[i].variant = MIEN_TUNED_SET;
        memset(&sets[i].blas, i + 1, sizeof(sets[i].blas));
    }
    assert_false(mien_tuning_bars(NULL, &own));
    assert_false(mien_tuning_bars(&tuning, &own));
    mien_tuning_bar(&tuning, MIEN_TUNED_DENSE, MIEN_CONV2D_BWD_FILTER, MIEN_TUNED_OWN);
    assert_true(mien_tuning_bars(&tuning, &own)); /* though its own pass is the forward one */
    assert_false(mien_tuning_bars(&tuning, &clblast));
    mien_tuning_bar_blas(&tuning, &sets[0].blas);
    assert_true(mien_tuning_bars(&tuning, &sets[0]));
    assert_false(mien_tuning_bars(&tuning, &sets[1]));
    mien_tuning_bar_blas(&tuning, &sets[1].blas);
    assert_true(mien_tuning_bars(&tuning, &sets[1]));
}

static void test_table__avoids_variants_that_are_barred(void **state)
{
    (void)state;
    struct mien_tuning tuning = make_table();
    struct mien_conv2d op = conv(150);
    mien_tuning_bar(&tuning, MIEN_TUNED_CONV2D, MIEN_CONV2D_FWD, MIEN_CONV2D_VECTOR);
    assert_true(
        mien_tuning_barred(&tuning, MIEN_TUNED_CONV2D, MIEN_CONV2D_FWD, MIEN_CONV2D_VECTOR));
    assert_false(
        mien_tuning_barred(&tuning, MIEN_TUNED_CONV2D, MIEN_CONV2D_BWD_DATA, MIEN_CONV2D_VECTOR));
    assert_false(mien_tuning_barred(NULL, MIEN_TUNED_CONV2D, MIEN_CONV2D_FWD, 0));
    mien_tuning_apply(&tuning, &op);
    assert_int_not_equal(op.variant[MIEN_CONV2D_FWD], MIEN_CONV2D_VECTOR);
    assert_int_equal(op.param[MIEN_CONV2D_FWD][0], 0);
    assert_true(mien_conv2d_takes(&op, MIEN_CONV2D_FWD, op.variant[MIEN_CONV2D_FWD]));

    struct mien_tuning none = { .entries = NULL };
    op = conv(150);
    const enum mien_conv2d_variant usual = op.variant[MIEN_CONV2D_BWD_FILTER];
    mien_tuning_bar(&none, MIEN_TUNED_CONV2D, MIEN_CONV2D_BWD_FILTER, (int)usual);
    mien_tuning_apply(&none, &op);
    assert_int_not_equal(op.variant[MIEN_CONV2D_BWD_FILTER], usual);
    for (int i = 0; i < MIEN_CONV2D_VARIANTS; i++) {
        mien_tuning_bar(&none, MIEN_TUNED_CONV2D, MIEN_CONV2D_BWD_FILTER, i);
    }
    op = conv(150);
    mien_tuning_apply(&none, &op);
    assert_int_equal(op.variant[MIEN_CONV2D_BWD_FILTER], usual);

    const struct mien_act x = { 150, 300, 1, 1, 8 };
    assert_false(mien_tuning_has_clblast(&none)); /* convolutions alone */
    mien_tuning_bar(&tuning, MIEN_TUNED_DENSE, MIEN_CONV2D_BWD_DATA, MIEN_TUNED_CLBLAST);
    assert_false(mien_tuning_wants_clblast(&tuning, &x, 7));
    mien_tuning_bar(&none, MIEN_TUNED_DENSE, MIEN_CONV2D_FWD, MIEN_TUNED_OWN);
    assert_true(mien_tuning_wants_clblast(&none, &x, 7));
    assert_false(mien_tuning_has_clblast(&tuning));
    assert_true(mien_tuning_has_clblast(&none));
    mien_tuning_finish(&tuning);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table__gives_a_pass_what_was_put_for_it),
        cmocka_unit_test(test_table__takes_the_defaults_of_every_device),
        cmocka_unit_test(test_table__refuses_parameters_out_of_range),
        cmocka_unit_test(test_table__avoids_variants_that_are_barred),
        cmocka_unit_test(test_table__bars_candidates),
        cmocka_unit_test(test_table__takes_the_nearest_batch_within_four_times),
        cmocka_unit_test(test_table__comes_back_from_text_and_file),
        cmocka_unit_test(test_table__keeps_candidates_to_skip_apart),
        cmocka_unit_test(test_table__refuses_another_device_and_names_it_otherwise),
        cmocka_unit_test(test_table__refuses_foreign_values),
        cmocka_unit_test(test_table__refuses_parameters_that_clblast_must_not_get),
        cmocka_unit_test(test_table__has_clblasts_parameters_for_its_version_alone),
        cmocka_unit_test(test_table__refuses_every_cut_of_a_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
