/* test_misuse.c - what the library refuses, and in which words; a struct mien_error may be NULL */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mien.h"
#include "support/net.h"
#include "support/scratch.h"

/* What mien_data_create() refuses: one thing wrong at a time. */
static void test_misuse__wrong_source_is_refused(void **state)
{
    struct net_fixture *const f = *state;
    const char *const twice[NET_CLASSES] = { "a", "b", "a" };
    const char *const empty[NET_CLASSES] = { "a", "", "c" };
    const char *const broken[NET_CLASSES] = { "a", "b", "\xff" };
    struct {
        struct mien_data_source source;
        const char *part;
    } cases[13];
    const size_t count = sizeof(cases) / sizeof(cases[0]);
    for (size_t i = 0; i < count; i++) {
        cases[i].source = net_source(f);
    }
    cases[0].source.channels = 2;
    cases[0].part = "2 channels";
    cases[1].source.height = 0;
    cases[1].part = "images of 0 x 12";
    cases[2].source.width = 16385;
    cases[2].part = "12 x 16385";
    cases[3].source.class_count = 0;
    cases[3].part = "0 classes";
    cases[4].source.class_count = 2;
    cases[4].part = "image 2 has the label 2; expected 0 to 1";
    cases[5].source.classes = twice;
    cases[5].part = "class 2 is \"a\"";
    cases[6].source.classes = empty;
    cases[6].part = "class 1 is \"\"";
    cases[7].source.classes = broken;
    cases[7].part = "class 2";
    cases[8].source.split = 1.0;
    cases[8].part = "1 of the training images";
    cases[9].source.split = (double)NAN;
    cases[9].part = "nan of the training images";
    cases[10].source.counts[MIEN_SPLIT_TEST] = SIZE_MAX - 5;
    cases[10].part = "test images; expected at most";
    memset(cases[11].source.counts, 0, sizeof(cases[11].source.counts));
    cases[11].part = "no images";
    float shares[NET_COUNT * NET_CLASSES] = { 0.0f };
    shares[0] = 0.5f;
    cases[12].source.targets = shares;
    cases[12].part = "the shares of image 0 sum to 0.5; expected 1";
    for (size_t i = 0; i < count; i++) {
        struct mien_data *data = NULL;
        must_fail(mien_data_create(&data, &cases[i].source, &f->err), MIEN_ERR_USAGE, &f->err,
                  cases[i].part);
        assert_null(data);
        assert_int_equal(mien_data_create(&data, &cases[i].source, NULL), MIEN_ERR_USAGE);
    }
    f->labels[4] = -1;
    struct mien_data *data = NULL;
    const struct mien_data_source source = net_source(f);
    must_fail(mien_data_create(&data, &source, &f->err), MIEN_ERR_USAGE, &f->err, "image 4");
}

static void test_misuse__missing_files_are_named(void **state)
{
    struct net_fixture *const f = net_with_device(state);
    char *const gone = scratch_path(f->folder, "gone");
    char *const missing = scratch_path(gone, "last.safetensors");
    struct mien_net *net = NULL;
    struct mien_data *data = NULL;
    struct mien_recipe *recipe = NULL;
    float probabilities[NET_CLASSES];

    must_fail(mien_net_load(&net, f->device, missing, &f->err), MIEN_ERR_IO, &f->err, missing);
    assert_null(net);
    assert_int_equal(mien_net_load(&net, f->device, missing, NULL), MIEN_ERR_IO);
    must_fail(mien_data_load(&data, missing, NULL, &f->err), MIEN_ERR_IO, &f->err, missing);
    assert_null(data);
    must_fail(mien_recipe_load(&recipe, missing, NULL, 0, &f->err), MIEN_ERR_IO, &f->err, missing);
    assert_null(recipe);
    must_fail(mien_net_predict_file(probabilities, f->net, missing, &f->err), MIEN_ERR_IO, &f->err,
              missing);
    must_fail(mien_net_save(f->net, missing, &f->err), MIEN_ERR_IO, &f->err, gone);
    must_fail(mien_net_take_weights(f->net, missing, &f->err), MIEN_ERR_IO, &f->err, missing);
    const struct mien_train_options resume = { .folder = gone, .resume = true };
    must_fail(mien_net_train(NULL, f->net, f->data, &resume, &f->err), MIEN_ERR_IO, &f->err,
              missing);
    struct mien_run_result result = { .end = MIEN_RUN_INTERRUPTED, .epochs = 77 };
    must_fail(mien_net_train(&result, f->net, f->data, &resume, &f->err), MIEN_ERR_IO, &f->err,
              missing);
    assert_true(result.end == MIEN_RUN_INTERRUPTED && result.epochs == 77); /* untouched */
    free(missing);
    free(gone);
}

static void test_misuse__weights_of_another_network_change_nothing(void **state)
{
    struct net_fixture *const f = net_with_device(state);
    struct mien_net *other = NULL;
    static float before[NET_COUNT][NET_CLASSES];
    static float after[NET_COUNT][NET_CLASSES];
    net_predict_all(before, f, f->net);
    /* One class less: the convolution fits, the dense layer does not. */
    must(mien_net_create(&other, f->device, f->recipe, net_classes, NET_CLASSES - 1, &f->err),
         &f->err);
    must(mien_net_save(other, f->file, &f->err), &f->err);
    mien_net_destroy(other);
    must_fail(mien_net_take_weights(f->net, f->file, &f->err), MIEN_ERR_FORMAT, &f->err, "dense1");
    must(mien_net_save(f->net, f->file, &f->err), &f->err);
    must(mien_net_load(&other, f->device, f->file, &f->err), &f->err);
    net_predict_all(after, f, other);
    assert_memory_equal(after, before, sizeof(before));
    mien_net_destroy(other);
}

/* No number, no accuracy: without an error a third of the images would count as right. */
static void test_misuse__weights_that_are_not_finite_are_not_measured(void **state)
{
    struct net_fixture *const f = net_with_device(state);
    struct mien_evaluation evaluation = { .images = 7 };
    size_t confusion[NET_CLASSES * NET_CLASSES] = { 5 };
    float probabilities[NET_CLASSES];
    size_t bytes = 0;
    must(mien_net_save(f->net, f->file, &f->err), &f->err);
    unsigned char *const file = scratch_read(f->file, &bytes);
    const float nan = NAN;
    memcpy(file + bytes - sizeof(nan), &nan, sizeof(nan)); /* the last number of the last tensor */
    scratch_write(f->file, file, bytes);
    free(file);
    must(mien_net_take_weights(f->net, f->file, &f->err), &f->err);
    must_fail(
        mien_net_evaluate(&evaluation, confusion, f->net, f->data, MIEN_SPLIT_VALIDATION, &f->err),
        MIEN_ERR_NOT_FINITE, &f->err,
        "what the model gives on the validation images is not finite");
    assert_int_equal(evaluation.images, 7);
    assert_int_equal(confusion[0], 5);
    must_fail(mien_net_predict(probabilities, f->net, f->images[0][0], 1, &f->err),
              MIEN_ERR_NOT_FINITE, &f->err, "image 0");
}

static void test_misuse__data_that_does_not_fit_is_refused(void **state)
{
    struct net_fixture *const f = net_with_device(state);
    struct mien_evaluation evaluation;
    struct mien_data *data = NULL;
    const struct mien_train_options options = { .folder = f->run };
    const char *const strange[NET_CLASSES] = { "left", "right", "bottom" };

    must_fail(mien_net_evaluate(&evaluation, NULL, f->net, f->data, MIEN_SPLIT_TEST, &f->err),
              MIEN_ERR_FORMAT, &f->err, "no test images");
    must_fail(mien_net_evaluate(&evaluation, NULL, f->net, f->data, (enum mien_split)7, &f->err),
              MIEN_ERR_USAGE, &f->err, "split 7");

    struct mien_data_source source = net_source(f);
    source.classes = strange;
    must(mien_data_create(&data, &source, &f->err), &f->err);
    must_fail(mien_net_train(NULL, f->net, data, &options, &f->err), MIEN_ERR_FORMAT, &f->err,
              "'bottom'");
    must_fail(mien_net_evaluate(&evaluation, NULL, f->net, data, MIEN_SPLIT_TRAIN, &f->err),
              MIEN_ERR_FORMAT, &f->err, "'bottom'");
    mien_data_destroy(data);

    source = net_source(f);
    source.height = NET_SIDE / 2;
    source.width = NET_SIDE * 2;
    must(mien_data_create(&data, &source, &f->err), &f->err);
    must_fail(mien_net_train(NULL, f->net, data, &options, &f->err), MIEN_ERR_SHAPE, &f->err,
              "1 x 6 x 24, the network small takes 1 x 12 x 12");
    must_fail(mien_net_evaluate(&evaluation, NULL, f->net, data, MIEN_SPLIT_TRAIN, &f->err),
              MIEN_ERR_SHAPE, &f->err, "1 x 6 x 24");
    mien_data_destroy(data);
    assert_int_equal(scratch_count(f->folder), 0); /* no folder was begun */
}

static void test_misuse__wrong_options_are_refused(void **state)
{
    struct net_fixture *const f = net_with_device(state);
    struct mien_net *net = NULL;
    const struct mien_train_options nowhere = { .folder = NULL };
    const struct mien_train_options negative = { .folder = f->run, .keep_every = -1 };
    const char *const unknown[] = { "train.nothing=1" };
    const char *const input[] = { "input.width=13" };

    must_fail(mien_net_train(NULL, f->net, f->data, &nowhere, &f->err), MIEN_ERR_USAGE, &f->err,
              "folder");
    assert_int_equal(mien_net_train(NULL, f->net, f->data, &nowhere, NULL), MIEN_ERR_USAGE);
    must_fail(mien_net_train(NULL, f->net, f->data, &negative, &f->err), MIEN_ERR_USAGE, &f->err,
              "keep_every is -1");
    must_fail(mien_net_set(f->net, unknown, 1, &f->err), MIEN_ERR_USAGE, &f->err, "train.nothing");
    must_fail(mien_net_set(f->net, input, 1, &f->err), MIEN_ERR_USAGE, &f->err, "input");
    must_fail(mien_net_create(&net, f->device, f->recipe, net_classes, -1, &f->err), MIEN_ERR_USAGE,
              &f->err, "-1 classes");
    assert_null(net);
}

static void test_misuse__release_functions_take_null(void **state)
{
    (void)state;
    mien_devices_destroy(NULL);
    mien_device_close(NULL);
    mien_recipe_destroy(NULL);
    mien_data_destroy(NULL);
    mien_net_destroy(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, net_setup, net_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_misuse__wrong_source_is_refused),
        TEST(test_misuse__missing_files_are_named),
        TEST(test_misuse__weights_of_another_network_change_nothing),
        TEST(test_misuse__weights_that_are_not_finite_are_not_measured),
        TEST(test_misuse__data_that_does_not_fit_is_refused),
        TEST(test_misuse__wrong_options_are_refused),
        cmocka_unit_test(test_misuse__release_functions_take_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
