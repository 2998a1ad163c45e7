/* test_api.c - the library as another program uses it */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mien.h"
#include "support/images.h"
#include "support/net.h"
#include "support/scratch.h"

/* What the callbacks of a run saw. */
struct seen {
    int asked, stop_at; /* stop_at 0: never */
    int epochs;
    struct mien_epoch last;
};

static bool stop(void *user)
{
    struct seen *const seen = user;
    return ++seen->asked == seen->stop_at;
}

static void epoch(void *user, const struct mien_epoch *row, bool best)
{
    struct seen *const seen = user;
    (void)best;
    seen->epochs++;
    seen->last = *row;
}

static struct mien_run_result train(struct net_fixture *f, struct mien_net *net, const char *folder,
                                    bool resume, struct seen *seen)
{
    struct mien_run_result result;
    const struct mien_train_options options = {
        .folder = folder,
        .resume = resume,
        .stop = stop,
        .epoch = epoch,
        .user = seen,
    };
    must(mien_net_train(&result, net, f->data, &options, &f->err), &f->err);
    return result;
}

static void test_api__saved_and_loaded_network_predicts_the_same_bits(void **state)
{
    struct net_fixture *const f = net_with_device(state);
    struct seen seen = { 0 };
    struct mien_net *loaded = NULL;
    static float fresh[NET_COUNT][NET_CLASSES];
    static float trained[NET_COUNT][NET_CLASSES];
    static float again[NET_COUNT][NET_CLASSES];

    net_predict_all(fresh, f, f->net);
    const struct mien_run_result result = train(f, f->net, f->run, false, &seen);
    assert_int_equal(result.end, MIEN_RUN_ALL_EPOCHS);
    assert_int_equal(result.epochs, 2);
    assert_int_equal(seen.epochs, 2);
    net_predict_all(trained, f, f->net);
    assert_memory_not_equal(fresh, trained, sizeof(fresh));
    for (int i = 0; i < NET_COUNT; i++) {
        assert_true(fabsf(trained[i][0] + trained[i][1] + trained[i][2] - 1.0f) < 1e-5f);
    }
    must(mien_net_save(f->net, f->file, &f->err), &f->err);
    must(mien_net_load(&loaded, f->device, f->file, &f->err), &f->err);
    net_predict_all(again, f, loaded);
    assert_memory_equal(again, trained, sizeof(trained));

    const struct mien_net_about *const about = mien_net_describe(loaded);
    assert_string_equal(about->name, "small");
    assert_int_equal(about->class_count, NET_CLASSES);
    assert_string_equal(about->classes[2], "top");
    assert_int_equal(about->parameters, 4 * 9 + 4 + 5 * 5 * 4 * 3 + 3);
    assert_int_equal(about->batch, 16);
    mien_net_destroy(loaded);
}

static void test_api__evaluation_is_that_of_the_run(void **state)
{
    struct net_fixture *const f = net_with_device(state);
    struct seen seen = { 0 };
    struct mien_evaluation evaluation;
    size_t confusion[NET_CLASSES][NET_CLASSES];
    const char *const more[] = { "train.epochs=8" };

    must(mien_net_set(f->net, more, 1, &f->err), &f->err);
    assert_int_equal(mien_net_describe(f->net)->epochs, 8);
    (void)train(f, f->net, f->run, false, &seen);
    assert_int_equal(seen.epochs, 8);
    must(mien_net_evaluate(&evaluation, &confusion[0][0], f->net, f->data, MIEN_SPLIT_VALIDATION,
                           &f->err),
         &f->err);
    assert_int_equal(evaluation.images, NET_VALIDATION);
    assert_true(seen.last.validated);
    assert_true(evaluation.accuracy == seen.last.validation_accuracy);
    assert_true(fabs(evaluation.loss - seen.last.validation_loss) < 1e-5);
    assert_true(evaluation.accuracy > 0.9); /* the bars are easy to tell apart */
    assert_true(evaluation.macro_f1 > 0.9 && evaluation.top2 >= evaluation.accuracy);
    size_t sum = 0;
    size_t right = 0;
    for (int i = 0; i < NET_CLASSES; i++) {
        right += confusion[i][i];
        for (int k = 0; k < NET_CLASSES; k++) {
            sum += confusion[i][k];
        }
    }
    assert_int_equal(sum, NET_VALIDATION);
    assert_true(fabs((double)right / NET_VALIDATION - evaluation.accuracy) < 1e-12);
}

/* To two views an image and its mirror image are the same. */
static void test_api__views_are_averaged(void **state)
{
    struct net_fixture *const f = net_with_device(state);
    static uint8_t mirrored[NET_COUNT][NET_SIDE][NET_SIDE];
    static float one[NET_COUNT][NET_CLASSES];
    static float two[NET_COUNT][NET_CLASSES];
    static float other[NET_COUNT][NET_CLASSES];
    struct mien_evaluation evaluation[2];
    for (int i = 0; i < NET_COUNT; i++) {
        for (int y = 0; y < NET_SIDE; y++) {
            for (int x = 0; x < NET_SIDE; x++) {
                mirrored[i][y][x] = f->images[i][y][NET_SIDE - 1 - x];
            }
        }
    }
    net_predict_all(one, f, f->net);
    for (int k = 0; k < 2; k++) {
        must(mien_net_set_views(f->net, k + 1, &f->err), &f->err);
        must(mien_net_evaluate(&evaluation[k], NULL, f->net, f->data, MIEN_SPLIT_VALIDATION,
                               &f->err),
             &f->err);
    }
    net_predict_all(two, f, f->net);
    must(mien_net_predict(other[0], f->net, mirrored[0][0], NET_COUNT, &f->err), &f->err);
    assert_true(evaluation[0].loss != evaluation[1].loss);
    float change = 0;
    for (int i = 0; i < NET_COUNT; i++) {
        for (int c = 0; c < NET_CLASSES; c++) {
            assert_true(fabsf(two[i][c] - other[i][c]) < 1e-5f);
            change = fmaxf(change, fabsf(two[i][c] - one[i][c]));
        }
    }
    assert_true(change > 1e-3f);
    must_fail(mien_net_set_views(f->net, 10, &f->err), MIEN_ERR_USAGE, &f->err, "without a margin");
    must_fail(mien_net_set_views(f->net, 0, &f->err), MIEN_ERR_USAGE, &f->err,
              "0 views; expected 1, 2 or 10");
    net_predict_all(other, f, f->net);
    assert_memory_equal(other, two, sizeof(two)); /* as they were */
}

static void test_api__stopped_and_resumed_is_uninterrupted(void **state)
{
    struct net_fixture *const f = net_with_device(state);
    struct seen seen = { 0 };
    struct seen stopped = { .stop_at = 7 }; /* five steps are an epoch: in the second */
    struct mien_net *other = NULL;
    static float whole[NET_COUNT][NET_CLASSES];
    static float parts[NET_COUNT][NET_CLASSES];
    char *const folder = scratch_path(f->folder, "parts");

    (void)train(f, f->net, f->run, false, &seen);
    net_predict_all(whole, f, f->net);
    must(mien_net_create(&other, f->device, f->recipe, net_classes, NET_CLASSES, &f->err), &f->err);
    struct mien_run_result result = train(f, other, folder, false, &stopped);
    assert_int_equal(result.end, MIEN_RUN_INTERRUPTED);
    assert_int_equal(result.epochs, 1);
    mien_net_destroy(other);

    /* Weights come from the run's folder, whatever the network came with. */
    must(mien_net_create(&other, f->device, f->recipe, net_classes, NET_CLASSES, &f->err), &f->err);
    seen = (struct seen){ 0 };
    result = train(f, other, folder, true, &seen);
    assert_int_equal(result.end, MIEN_RUN_ALL_EPOCHS);
    assert_int_equal(seen.epochs, 1); /* the rest of the second, not both */
    net_predict_all(parts, f, other);
    assert_memory_equal(parts, whole, sizeof(whole));
    mien_net_destroy(other);
    free(folder);
}

static void test_api__image_file_is_what_its_pixels_are(void **state)
{
    struct net_fixture *const f = net_with_device(state);
    float from_file[NET_CLASSES];
    float from_pixels[NET_CLASSES];
    uint8_t pixels[NET_SIDE * NET_SIDE];
    char *const path = scratch_path(f->folder, "tone.png");

    memset(pixels, 77, sizeof(pixels));
    image_write_tone(path, 31, 20, 77);
    must(mien_net_predict_file(from_file, f->net, path, &f->err), &f->err);
    must(mien_net_predict(from_pixels, f->net, pixels, 1, &f->err), &f->err);
    assert_memory_equal(from_file, from_pixels, sizeof(from_file));
    must(mien_net_predict(from_pixels, f->net, pixels, 0, &f->err), &f->err);
    free(path);
}

static void test_api__image_in_memory_is_what_its_file_is(void **state)
{
    struct net_fixture *const f = *state;
    uint8_t loaded[5 * 7 * 3];
    uint8_t decoded[5 * 7 * 3 + 1];
    static const uint8_t samples[2 * 3 * 3] = { 250, 3, 99, 7, 180, 20, 66, 0, 255,
                                                10,  1, 1,  5, 240, 90, 31, 8, 77 };
    char *const path = scratch_path(f->folder, "small.jpg");
    size_t bytes = 0;
    image_write_jpeg(path, IMAGE_JPEG_COLOUR, false, 3, 2, samples);
    unsigned char *const file = scratch_read(path, &bytes);
    for (int channels = 1; channels <= 3; channels += 2) {
        const size_t count = (size_t)5 * 7 * (size_t)channels;
        memset(decoded, 171, sizeof(decoded));
        must(mien_image_load(loaded, path, channels, 5, 7, &f->err), &f->err);
        must(mien_image_decode(decoded, file, bytes, channels, 5, 7, &f->err), &f->err);
        assert_memory_equal(decoded, loaded, count);
        assert_int_equal(decoded[count], 171);
    }
    must_fail(mien_image_decode(decoded, file, bytes / 2, 1, 5, 7, &f->err), MIEN_ERR_FORMAT,
              &f->err, "");
    must_fail(mien_image_decode(decoded, (const uint8_t *)"ok", 2, 1, 5, 7, &f->err),
              MIEN_ERR_FORMAT, &f->err, "neither PNG nor JPEG (2 bytes: 6f 6b)");
    must_fail(mien_image_decode(decoded, NULL, 0, 1, 5, 7, &f->err), MIEN_ERR_FORMAT, &f->err,
              "empty file");
    must_fail(mien_image_decode(decoded, file, bytes, 2, 5, 7, &f->err), MIEN_ERR_USAGE, &f->err,
              "2 x 5 x 7");
    free(file);
    free(path);
}

static void test_api__network_outlives_the_handle_of_its_device(void **state)
{
    struct net_fixture *const f = net_with_device(state);
    static float before[NET_COUNT][NET_CLASSES];
    static float after[NET_COUNT][NET_CLASSES];
    net_predict_all(before, f, f->net);
    mien_device_close(f->device);
    f->device = NULL;
    net_predict_all(after, f, f->net);
    assert_memory_equal(after, before, sizeof(before));
}

static void test_api__opened_device_is_the_one_that_is_chosen(void **state)
{
    struct net_fixture *const f = net_with_device(state);
    struct mien_devices *devices = NULL;
    struct mien_device *none = NULL;
    char reason[MIEN_REASON_BYTES] = "";
    size_t chosen = 0;

    must(mien_devices_create(&devices, &f->err), &f->err);
    assert_true(mien_devices_count(devices) > 0);
    must(mien_devices_choose(&chosen, reason, devices, getenv("MIEN_DEVICE"), &f->err), &f->err);
    assert_true(reason[0] != '\0');
    const struct mien_device_about *const about = mien_devices_at(devices, chosen);
    assert_true(about->usable && about->memory_bytes > 0 && about->compute_units > 0);
    assert_string_equal(about->id, mien_device_describe(f->device)->id);
    assert_string_equal(about->name, mien_device_describe(f->device)->name);
    must(mien_devices_choose(&chosen, NULL, devices, about->id, &f->err), &f->err);
    assert_ptr_equal(mien_devices_at(devices, chosen), about);

    const char *const name = "no such device";
    const struct mien_device_options options = { .name = name };
    must_fail(mien_devices_choose(&chosen, NULL, devices, name, &f->err), MIEN_ERR_NO_DEVICE,
              &f->err, name);
    must_fail(mien_device_open(&none, &options, &f->err), MIEN_ERR_NO_DEVICE, &f->err, name);
    assert_null(none);
    assert_int_equal(mien_device_open(&none, &options, NULL), MIEN_ERR_NO_DEVICE);
    mien_devices_destroy(devices);
}

static void test_api__packed_data_comes_back(void **state)
{
    struct net_fixture *const f = *state;
    struct mien_data *packed = NULL;
    must(mien_data_pack(f->data, f->file, &f->err), &f->err);
    must(mien_data_load(&packed, f->file, NULL, &f->err), &f->err);
    const struct mien_data_about *const about = mien_data_describe(packed);
    const struct mien_data_about *const first = mien_data_describe(f->data);
    assert_int_equal(about->count, NET_COUNT);
    assert_int_equal(about->splits[MIEN_SPLIT_VALIDATION].first, NET_TRAIN);
    assert_int_equal(about->splits[MIEN_SPLIT_VALIDATION].count, NET_VALIDATION);
    assert_int_equal(about->height, NET_SIDE);
    assert_true(about->fingerprint == first->fingerprint);
    assert_memory_equal(about->images, f->images, sizeof(f->images));
    assert_memory_equal(about->labels, f->labels, sizeof(f->labels));
    assert_string_equal(about->classes[1], "right");
    assert_null(about->names);
    mien_data_destroy(packed);

    /* To the size of the recipe's input, and with a part set aside. */
    struct mien_data_options options = mien_recipe_data_options(f->recipe);
    assert_int_equal(options.height, NET_SIDE);
    options.height = 6;
    options.width = 5;
    options.channels = 3;
    must(mien_data_load(&packed, f->file, &options, &f->err), &f->err);
    assert_int_equal(mien_data_describe(packed)->resized, NET_COUNT);
    assert_int_equal(mien_data_describe(packed)->channels, 3);
    mien_data_destroy(packed);
}

static void test_api__part_is_set_aside_from_memory(void **state)
{
    struct net_fixture *const f = *state;
    struct mien_data *data = NULL;
    struct mien_data_source source = net_source(f);
    source.counts[MIEN_SPLIT_TRAIN] = NET_COUNT;
    source.counts[MIEN_SPLIT_VALIDATION] = 0;
    source.split = 0.2;
    must(mien_data_create(&data, &source, &f->err), &f->err);
    assert_int_equal(mien_data_describe(data)->splits[MIEN_SPLIT_TRAIN].count, NET_COUNT * 8 / 10);
    assert_int_equal(mien_data_describe(data)->splits[MIEN_SPLIT_VALIDATION].count,
                     NET_COUNT * 2 / 10);
    mien_data_destroy(data);
}

static void test_api__target_distributions_go_with_images(void **state)
{
    struct net_fixture *const f = *state;
    char *const path = scratch_path(f->folder, "soft.safetensors");
    float shares[NET_COUNT * NET_CLASSES];
    struct mien_data *data = NULL;
    struct mien_data *packed = NULL;
    struct mien_data_source source = net_source(f);
    for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
        const size_t turn = (i / NET_CLASSES + i % NET_CLASSES) % NET_CLASSES;
        shares[i] = turn == 0 ? 0.75f : turn == 1 ? 0.25f : 0.0f;
    }
    assert_null(mien_data_describe(f->data)->targets);
    source.targets = shares;
    must(mien_data_create(&data, &source, &f->err), &f->err);
    must(mien_data_pack(data, path, &f->err), &f->err);
    must(mien_data_load(&packed, path, NULL, &f->err), &f->err);
    assert_memory_equal(mien_data_describe(data)->targets, shares, sizeof(shares));
    assert_memory_equal(mien_data_describe(packed)->targets, shares, sizeof(shares));
    assert_true(mien_data_describe(data)->fingerprint != mien_data_describe(f->data)->fingerprint);
    mien_data_destroy(data);
    mien_data_destroy(packed);
    free(path);
}

static void test_api__names_are_plain_texts(void **state)
{
    (void)state;
    assert_int_equal(strspn(mien_version(), "0123456789."), strlen(mien_version()));
    assert_non_null(strchr(mien_version(), '.'));
    assert_string_equal(mien_status_name(MIEN_ERR_SHAPE), "MIEN_ERR_SHAPE");
    assert_string_equal(mien_split_name(MIEN_SPLIT_TEST), "test");
    assert_string_equal(mien_device_kind_name(MIEN_DEVICE_ACCELERATOR), "accelerator");
    assert_string_equal(mien_run_end_text(MIEN_RUN_ACCURACY), "training accuracy reached");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, net_setup, net_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_api__saved_and_loaded_network_predicts_the_same_bits),
        TEST(test_api__evaluation_is_that_of_the_run),
        TEST(test_api__views_are_averaged),
        TEST(test_api__stopped_and_resumed_is_uninterrupted),
        TEST(test_api__image_file_is_what_its_pixels_are),
        TEST(test_api__image_in_memory_is_what_its_file_is),
        TEST(test_api__network_outlives_the_handle_of_its_device),
        TEST(test_api__opened_device_is_the_one_that_is_chosen),
        TEST(test_api__packed_data_comes_back),
        TEST(test_api__part_is_set_aside_from_memory),
        TEST(test_api__target_distributions_go_with_images),
        cmocka_unit_test(test_api__names_are_plain_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
