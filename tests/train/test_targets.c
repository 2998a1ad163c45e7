/* test_targets.c - learning from target distributions: batches of them, their replay, who lacks
 * them */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/device.h"
#include "support/scratch.h"
#include "support/training.h"
#include "train/augment.h"
#include "train/class_map.h"
#include "train/replay.h"
#include "train/trainer.h"

enum { BATCH = 5, CLASSES = 4 };

static const char recipe[] = "input: { channels: 1, height: 4, width: 4 }\n"
                             "layers: [ flatten, dense classes ]\n"
                             "train: { batch: 5, soft_targets: 0.75, class_weights: balanced }\n";
static const char mixed_recipe[] = "input: { channels: 1, height: 4, width: 4 }\n"
                                   "augment: { mixup: 1 }\n"
                                   "layers: [ flatten, dense classes ]\n"
                                   "train: { batch: 5, soft_targets: 0.75 }\n";
static const struct set_sizes sizes = { 13, 6, 1, 4, 4, CLASSES };

struct fixture {
    struct mien_cl *cl;
    struct mien_dataset *set;
    struct mien_model_file file;
    struct mien_trainer trainer;
};

static void set_up(struct fixture *f, void **state, const char *text, size_t device_bytes)
{
    struct mien_error err = { "" };
    const struct mien_trainer_options options = { .shuffle = true, .device_bytes = device_bytes };
    f->cl = device_or_skip(state);
    f->set = set_make(&sizes, 3);
    set_add_targets(f->set, 7);
    f->file = model_for(text, f->set);
    assert_ok(mien_trainer_init(&f->trainer, f->cl, &f->file, f->set, &options, &err), &err);
    assert_int_equal(mien_loader_resident(f->trainer.loader), device_bytes == 0);
    assert_ok(mien_trainer_begin_epoch(&f->trainer, &err), &err);
}

static void tear_down(struct fixture *f)
{
    mien_trainer_finish(&f->trainer);
    mien_model_file_finish(&f->file);
    set_free(f->set);
    assert_int_equal(mien_cl_live(f->cl), 0);
}

/* What is right for an image of the order, class by class. */
static double wanted(const struct fixture *f, size_t place, size_t class)
{
    const size_t image = mien_loader_image(f->trainer.loader, place);
    const double label = (size_t)f->set->labels[image] == class ? 1.0 : 0.0;
    return 0.75 * (double)f->set->targets[image * CLASSES + class] + 0.25 * label;
}

/* All batches of an epoch; the shares of opposite images mixed where images are. */
static void check_epoch(struct fixture *f)
{
    struct mien_error err = { "" };
    for (size_t step = 0; step < 3; step++) {
        struct mien_batch batch;
        float shares[BATCH * CLASSES];
        assert_ok(mien_trainer_load(&batch, &f->trainer, step, 0, &err), &err);
        assert_non_null(batch.target.shares);
        const size_t n = (size_t)batch.n;
        assert_ok(
            mien_cl_read(f->cl, shares, batch.target.shares, 0, n * CLASSES * sizeof(float), &err),
            &err);
        for (size_t i = 0; i < n * CLASSES; i++) {
            const size_t first = step * BATCH;
            const double own = wanted(f, first + i / CLASSES, i % CLASSES);
            const double other = wanted(f, first + n - 1 - i / CLASSES, i % CLASSES);
            const double second = (double)batch.second;
            assert_true(fabs((1.0 - second) * own + second * other - (double)shares[i]) < 1e-6);
        }
    }
}

static void test_targets__come_with_their_images(void **state)
{
    for (int k = 0; k < 4; k++) {
        struct fixture f;
        set_up(&f, state, k % 2 == 0 ? recipe : mixed_recipe, k < 2 ? 0 : 1);
        check_epoch(&f);
        tear_down(&f);
    }
}

/* The shares count in what the set may take on the device. */
static void test_targets__take_part_in_the_limit(void **state)
{
    struct fixture f;
    const size_t images = (size_t)(sizes.train + sizes.validation) * 16;
    set_up(&f, state, recipe, 0);
    struct mien_error err = { "" };
    for (int k = 0; k < 2; k++) {
        struct mien_loader *loader = NULL;
        const struct mien_loader_options options = {
            .batch = BATCH, .recipe = f.file.recipe, .targets = k == 1, .device_bytes = images
        };
        assert_ok(mien_loader_create(&loader, f.cl, f.set, &options, &err), &err);
        assert_int_equal(mien_loader_resident(loader), k == 0);
        mien_loader_destroy(loader);
    }
    tear_down(&f);
}

/* What batches count is what the class weights of their shares sum to. */
static void test_targets__weigh_what_their_classes_weigh(void **state)
{
    struct fixture f;
    set_up(&f, state, recipe, 0);
    const float *const weights = f.trainer.class_weight_values;
    double want = 0.0;
    for (size_t i = 3; i < 9; i++) {
        for (size_t c = 0; c < CLASSES; c++) {
            want += wanted(&f, i, c) * (double)weights[c];
        }
    }
    assert_float_equal(mien_loader_weight(f.trainer.loader, weights, 3, 6), want, 1e-6);
    tear_down(&f);
}

/* What is evaluated is judged by its labels. */
static void test_targets__are_for_training_alone(void **state)
{
    struct mien_error err = { "" };
    struct fixture f;
    set_up(&f, state, recipe, 0);
    struct mien_loader *const loader = f.trainer.loader;
    assert_ok(mien_loader_in_order(loader, MIEN_SPLIT_VALIDATION, &err), &err);
    assert_null(mien_loader_shares(loader));
    const float weights[CLASSES] = { 1.0f, 2.0f, 4.0f, 8.0f };
    const size_t first = f.set->splits[MIEN_SPLIT_VALIDATION].first;
    assert_float_equal(mien_loader_weight(loader, weights, 0, 1),
                       (double)weights[f.set->labels[first]], 1e-9);
    tear_down(&f);
}

static void test_targets__that_are_missing_end_the_training(void **state)
{
    struct mien_error err = { "" };
    struct fixture f = { .cl = device_or_skip(state), .set = set_make(&sizes, 3) };
    const struct mien_trainer_options options = { .shuffle = true };
    f.file = model_for(recipe, f.set);
    must_fail(mien_trainer_init(&f.trainer, f.cl, &f.file, f.set, &options, &err), MIEN_ERR_FORMAT,
              &err, "the data has none; mien pack --targets adds them");
    tear_down(&f);
}

/* A replay has the shares of its images, which replaying asks for. */
static void test_targets__are_kept_for_a_replay(void **state)
{
    struct mien_error err = { "" };
    char *const folder = scratch_make();
    char *const path = scratch_path(folder, "replay.safetensors");
    const struct mien_replay_place place = { 1, 2, 3, 0.01 };
    struct mien_nonfinite found;
    struct mien_replay replay;
    struct fixture f;
    set_up(&f, state, recipe, 0);
    assert_ok(mien_replay_write(&found, path, &f.trainer, &place, &err), &err);
    assert_ok(mien_replay_read(&replay, path, &err), &err);
    assert_int_equal(replay.images, BATCH);
    assert_non_null(replay.class_shares);
    for (size_t i = 0; i < BATCH * CLASSES; i++) {
        const double want = wanted(&f, BATCH + i / CLASSES, i % CLASSES);
        assert_true(fabs(want - (double)replay.class_shares[i]) < 1e-6);
    }
    replay.class_shares[3] = NAN; /* the loss sees it */
    assert_ok(mien_replay_run(&found, &replay, f.cl, replay.blas, NULL, &err), &err);
    assert_string_equal(found.label, "loss");
    mien_replay_finish(&replay);
    tear_down(&f);
    scratch_remove(folder);
    free(path);
}

/* Without its shares such a step would be another one. */
static void test_targets__that_a_replay_lacks_are_missed(void **state)
{
    struct mien_error err = { "" };
    char *const folder = scratch_make();
    char *const path = scratch_path(folder, "replay.safetensors");
    const struct mien_replay_place place = { 1, 1, 3, 0.01 };
    struct mien_nonfinite found;
    struct mien_replay replay;
    struct fixture f;
    size_t bytes = 0;
    set_up(&f, state, recipe, 0);
    assert_ok(mien_replay_write(&found, path, &f.trainer, &place, &err), &err);
    unsigned char *const file = scratch_read(path, &bytes);
    static const char name[] = MIEN_REPLAY_CLASS_SHARES;
    for (size_t i = 0; i + sizeof(name) < bytes; i++) { /* by another name it is none */
        if (memcmp(file + i, name, sizeof(name) - 1) == 0) {
            file[i] = 'x';
        }
    }
    scratch_write(path, file, bytes);
    must_fail(mien_replay_read(&replay, path, &err), MIEN_ERR_FORMAT, &err,
              "'replay.class_shares' is missing");
    free(file);
    tear_down(&f);
    scratch_remove(folder);
    free(path);
}

/* With the classes of a model in another order, of which one has no images. */
static void test_class_map__puts_shares_where_their_classes_are(void **state)
{
    (void)state;
    static char names[][4] = { "c3", "x", "c1", "c0", "c2" };
    char *classes[] = { names[0], names[1], names[2], names[3], names[4] };
    static const size_t of_class[CLASSES] = { 3, 2, 4, 0 };
    struct mien_error err = { "" };
    struct mien_class_map map;
    struct mien_dataset *const set = set_make(&sizes, 3);
    set_add_targets(set, 7);
    assert_ok(mien_class_map_create(&map, set, classes, 5, &err), &err);
    for (size_t i = 0; i < set->count; i++) {
        assert_true(map.set.targets[i * 5 + 1] == 0.0f);
        for (size_t c = 0; c < CLASSES; c++) {
            assert_true(map.set.targets[i * 5 + of_class[c]] == set->targets[i * CLASSES + c]);
        }
    }
    mien_class_map_finish(&map);
    set_free(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_class_map__puts_shares_where_their_classes_are),
        cmocka_unit_test(test_targets__come_with_their_images),
        cmocka_unit_test(test_targets__take_part_in_the_limit),
        cmocka_unit_test(test_targets__weigh_what_their_classes_weigh),
        cmocka_unit_test(test_targets__are_for_training_alone),
        cmocka_unit_test(test_targets__that_are_missing_end_the_training),
        cmocka_unit_test(test_targets__are_kept_for_a_replay),
        cmocka_unit_test(test_targets__that_a_replay_lacks_are_missed),
    };
    return cmocka_run_group_tests_name("train/targets", tests, device_setup, device_teardown);
}
