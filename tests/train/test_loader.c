/* test_loader.c - batches of a set: each image once, from the device or from the host alike */
// wrap: mien_cl_bytes mien_cl_buffer_create clEnqueueWriteBuffer
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "support/layout.h"
#include "support/scratch.h"
#include "support/training.h"
#include "train/augment.h"
#include "train/loader.h"

static const char plain_recipe[] = "input: { channels: 3, height: 4, width: 5 }\n"
                                   "normalize: { mean: 0.3, std: 0.7 }\n"
                                   "layers: [ flatten, dense classes ]";
/* Images of 4 x 5 with margin 1 in a network of 2 x 3. */
static const char augmented_recipe[] =
    "input: { channels: 3, height: 2, width: 3, margin: 1 }\n"
    "normalize: { mean: 0.3, std: 0.7 }\n"
    "augment: { mirror: yes, rotate: 20, shift: 0.2, contrast: 0.3, erase: 0.5 }\n"
    "train: { seed: 7 }\n"
    "layers: [ flatten, dense classes ]";
static const struct set_sizes sizes = { 23, 6, 3, 4, 5, 7 };
enum { BATCH = 8, IMAGE = 3 * 4 * 5 }; /* the floats of an augmented one are fewer */

/* What the device says: that this much is taken, that it has no buffer of this size, and that there
 * is no memory behind one when it is written; 0: as it is. */
static size_t pretend_taken, refuse_bytes, refuse_write;

size_t __real_mien_cl_bytes(const struct mien_cl *cl);
size_t __wrap_mien_cl_bytes(const struct mien_cl *cl);
enum mien_status __real_mien_cl_buffer_create(struct mien_cl_buffer **out, struct mien_cl *cl,
                                              size_t bytes, struct mien_error *err);
enum mien_status __wrap_mien_cl_buffer_create(struct mien_cl_buffer **out, struct mien_cl *cl,
                                              size_t bytes, struct mien_error *err);

size_t __wrap_mien_cl_bytes(const struct mien_cl *cl)
{
    return pretend_taken > 0 ? pretend_taken : __real_mien_cl_bytes(cl);
}

/* NOLINTBEGIN(readability-function-size): OpenCL's own parameters */
cl_int __real_clEnqueueWriteBuffer(cl_command_queue queue, cl_mem buffer, cl_bool blocking,
                                   size_t offset, size_t bytes, const void *host, cl_uint waits,
                                   const cl_event *wait, cl_event *event);
cl_int __wrap_clEnqueueWriteBuffer(cl_command_queue queue, cl_mem buffer, cl_bool blocking,
                                   size_t offset, size_t bytes, const void *host, cl_uint waits,
                                   const cl_event *wait, cl_event *event);

cl_int __wrap_clEnqueueWriteBuffer(cl_command_queue queue, cl_mem buffer, cl_bool blocking,
                                   size_t offset, size_t bytes, const void *host, cl_uint waits,
                                   const cl_event *wait, cl_event *event)
{
    return bytes == refuse_write ? CL_MEM_OBJECT_ALLOCATION_FAILURE
                                 : __real_clEnqueueWriteBuffer(queue, buffer, blocking, offset,
                                                               bytes, host, waits, wait, event);
}
/* NOLINTEND(readability-function-size) */

enum mien_status __wrap_mien_cl_buffer_create(struct mien_cl_buffer **out, struct mien_cl *cl,
                                              size_t bytes, struct mien_error *err)
{
    *out = NULL;
    return bytes == refuse_bytes ? MIEN_ERR_MEMORY
                                 : __real_mien_cl_buffer_create(out, cl, bytes, err);
}

/* Everything that a loader hands out for one split. */
struct epoch {
    size_t count;
    float *images;   /* [count][IMAGE] */
    int32_t *labels; /* [count] */
};

struct fixture {
    struct mien_cl *cl;
    struct mien_dataset *set;
    struct mien_recipe *recipe;
    struct mien_network *network;
    struct mien_model *model;
    struct mien_loader *loader;
};

static void set_up(struct fixture *f, struct mien_cl *cl, const char *recipe, size_t device_bytes)
{
    struct mien_error err = { "" };
    *f = (struct fixture){ .cl = cl, .set = set_make(&sizes, 11), .recipe = recipe_from(recipe) };
    f->network = network_from(recipe, f->set->class_count);
    const struct mien_model_options model = { .batch = BATCH, .train = true };
    const struct mien_loader_options loader = { .batch = BATCH,
                                                .recipe = f->recipe,
                                                .device_bytes = device_bytes };
    const size_t taken = pretend_taken; /* by the model, which comes first and wants room too */
    pretend_taken = 0;
    assert_ok(mien_model_create(&f->model, cl, f->network, &model, &err), &err);
    pretend_taken = taken;
    assert_ok(mien_loader_create(&f->loader, cl, f->set, &loader, &err), &err);
}

static void tear_down(struct fixture *f)
{
    mien_loader_destroy(f->loader);
    mien_model_destroy(f->model);
    mien_network_destroy(f->network);
    mien_recipe_destroy(f->recipe);
    set_free(f->set);
    assert_int_equal(mien_cl_live(f->cl), 0);
}

static void read_batch(struct fixture *f, struct epoch *epoch, size_t first, int n)
{
    struct mien_error err = { "" };
    const struct mien_act act = mien_model_input_act(f->model, n);
    const size_t bytes = mien_act_floats(&act) * sizeof(float);
    float *const blocked = malloc(bytes);
    assert_non_null(blocked);
    assert_ok(mien_cl_read(f->cl, blocked, mien_model_input(f->model), 0, bytes, &err), &err);
    float *const plain = plain_from_blocked(blocked, &act);
    const size_t image = (size_t)act.c * (size_t)act.h * (size_t)act.w;
    for (size_t i = 0; i < (size_t)n; i++) {
        memcpy(epoch->images + (first + i) * IMAGE, plain + i * image, image * sizeof(float));
    }
    assert_ok(mien_cl_read(f->cl, epoch->labels + first, mien_loader_labels(f->loader), 0,
                           (size_t)n * sizeof(int32_t), &err),
              &err);
    free(blocked);
    free(plain);
}

/* The split taken last, in batches of which the last is smaller; two batches are on their way. */
static struct epoch read_epoch(struct fixture *f)
{
    struct mien_error err = { "" };
    struct epoch epoch = { .count = mien_loader_count(f->loader) };
    epoch.images = calloc(epoch.count, IMAGE * sizeof(float));
    epoch.labels = calloc(epoch.count, sizeof(int32_t));
    assert_non_null(epoch.images);
    assert_non_null(epoch.labels);
    for (size_t first = 0; first < epoch.count; first += BATCH) {
        const size_t left = epoch.count - first;
        const int n = left < BATCH ? (int)left : BATCH;
        assert_ok(mien_loader_load(f->loader, f->model, first, n, &err), &err);
        read_batch(f, &epoch, first, n);
    }
    return epoch;
}

static void free_epoch(struct epoch *epoch)
{
    free(epoch->images);
    free(epoch->labels);
}

/* Image `index` of the set as the loader normalises it. */
static bool is_image(const struct fixture *f, const float *got, size_t index)
{
    for (size_t k = 0; k < IMAGE; k++) {
        const size_t c = k / 20;
        const size_t pixel = k % 20;
        const double value = (double)f->set->images[index * IMAGE + pixel * 3 + c] / 255.0;
        if (fabs((value - 0.3) / 0.7 - (double)got[k]) > 1e-5) {
            return false;
        }
    }
    return true;
}

static void test_loader__gives_the_validation_images_in_their_order(void **state)
{
    struct mien_error err = { "" };
    struct fixture f;
    set_up(&f, device_or_skip(state), plain_recipe, 0);
    assert_true(mien_loader_resident(f.loader));
    assert_ok(mien_loader_in_order(f.loader, MIEN_SPLIT_VALIDATION, &err), &err);
    struct epoch epoch = read_epoch(&f);
    assert_int_equal(epoch.count, 6);
    for (size_t i = 0; i < epoch.count; i++) {
        assert_true(is_image(&f, epoch.images + i * IMAGE, 23 + i));
        assert_int_equal(epoch.labels[i], f.set->labels[23 + i]);
    }
    free_epoch(&epoch);
    tear_down(&f);
}

static void test_loader__gives_every_training_image_once(void **state)
{
    struct mien_error err = { "" };
    struct fixture f;
    set_up(&f, device_or_skip(state), plain_recipe, 0);
    int seen[23] = { 0 };
    int moved = 0;
    assert_ok(mien_loader_shuffled(f.loader, MIEN_SPLIT_TRAIN, 7, 0, &err), &err);
    struct epoch epoch = read_epoch(&f);
    assert_int_equal(epoch.count, 23);
    for (size_t i = 0; i < epoch.count; i++) {
        size_t index = 0;
        while (index < 23 && !is_image(&f, epoch.images + i * IMAGE, index)) {
            index++;
        }
        assert_true(index < 23);
        assert_int_equal(epoch.labels[i], f.set->labels[index]);
        seen[index]++;
        moved += index != i;
    }
    for (size_t i = 0; i < 23; i++) {
        assert_int_equal(seen[i], 1);
    }
    assert_true(moved > 10);
    free_epoch(&epoch);
    tear_down(&f);
}

static void assert_equal(const struct epoch *a, const struct epoch *b, bool equal)
{
    assert_int_equal(a->count, b->count);
    const bool images = memcmp(a->images, b->images, a->count * IMAGE * sizeof(float)) == 0;
    const bool labels = memcmp(a->labels, b->labels, a->count * sizeof(int32_t)) == 0;
    assert_true(equal ? images && labels : !images);
}

static void test_loader__draws_an_order_for_each_seed_and_epoch(void **state)
{
    struct mien_error err = { "" };
    struct fixture f;
    set_up(&f, device_or_skip(state), plain_recipe, 0);
    static const struct {
        uint64_t seed;
        int epoch;
        bool equal;
    } others[] = { { 7, 2, true }, { 7, 3, false }, { 8, 2, false } };
    assert_ok(mien_loader_shuffled(f.loader, MIEN_SPLIT_TRAIN, 7, 2, &err), &err);
    struct epoch first = read_epoch(&f);
    for (size_t i = 0; i < 3; i++) {
        assert_ok(mien_loader_in_order(f.loader, MIEN_SPLIT_VALIDATION, &err), &err);
        assert_ok(
            mien_loader_shuffled(f.loader, MIEN_SPLIT_TRAIN, others[i].seed, others[i].epoch, &err),
            &err);
        struct epoch epoch = read_epoch(&f);
        assert_equal(&first, &epoch, others[i].equal);
        free_epoch(&epoch);
    }
    free_epoch(&first);
    tear_down(&f);
}

static void test_loader__sends_from_the_host_what_the_device_would_hold(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    struct epoch epochs[2][2];
    for (int staged = 0; staged < 2; staged++) {
        struct fixture f;
        set_up(&f, cl, plain_recipe, staged ? 100 : 0);
        assert_int_equal(mien_loader_resident(f.loader), !staged);
        assert_ok(mien_loader_shuffled(f.loader, MIEN_SPLIT_TRAIN, 7, 2, &err), &err);
        epochs[staged][0] = read_epoch(&f);
        assert_ok(mien_loader_in_order(f.loader, MIEN_SPLIT_VALIDATION, &err), &err);
        epochs[staged][1] = read_epoch(&f);
        tear_down(&f);
    }
    for (int i = 0; i < 2; i++) {
        assert_equal(&epochs[0][i], &epochs[1][i], true);
        free_epoch(&epochs[0][i]);
        free_epoch(&epochs[1][i]);
    }
}

static void test_loader__keeps_images_on_the_host_where_the_device_is_full(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    const size_t half = (size_t)(mien_cl_device(cl)->global_bytes / 2);
    const size_t images = (size_t)29 * IMAGE;
    const struct {
        size_t taken, refused, unwritten;
        bool resident;
    } cases[] = {
        { half - images, 0, 0, true },
        { half - images + 1, 0, 0, false },
        { 2 * half, 0, 0, false },
        { 0, images, 0, false },
        { 0, 29 * sizeof(int32_t), 0, false }, /* the labels */
        { 0, 0, images, false },
        { 0, 0, 29 * sizeof(int32_t), false },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct mien_error err = { "" };
        struct fixture f;
        pretend_taken = cases[i].taken;
        refuse_bytes = cases[i].refused;
        refuse_write = cases[i].unwritten;
        set_up(&f, cl, plain_recipe, 0);
        pretend_taken = 0;
        refuse_bytes = 0;
        refuse_write = 0;
        assert_int_equal(mien_loader_resident(f.loader), cases[i].resident);
        assert_ok(mien_loader_in_order(f.loader, MIEN_SPLIT_VALIDATION, &err), &err);
        struct epoch epoch = read_epoch(&f);
        for (size_t k = 0; k < epoch.count; k++) {
            assert_true(is_image(&f, epoch.images + k * IMAGE, 23 + k));
        }
        free_epoch(&epoch);
        tear_down(&f);
    }
}

/* Batches are enqueued ahead of the device: what is staged must not be overwritten under it. */
static void test_loader__does_not_overwrite_what_is_on_its_way(void **state)
{
    struct mien_error err = { "" };
    struct fixture f;
    set_up(&f, device_or_skip(state), plain_recipe, 100);
    assert_ok(mien_loader_in_order(f.loader, MIEN_SPLIT_TRAIN, &err), &err);
    for (size_t round = 0; round < 50; round++) {
        const size_t first = round * 5 % 15;
        for (size_t ahead = 0; ahead < 4; ahead++) {
            assert_ok(mien_loader_load(f.loader, f.model, ahead, BATCH, &err), &err);
        }
        assert_ok(mien_loader_load(f.loader, f.model, first, BATCH, &err), &err);
        struct epoch epoch = { BATCH, calloc(BATCH, IMAGE * sizeof(float)),
                               calloc(BATCH, sizeof(int32_t)) };
        assert_non_null(epoch.images);
        assert_non_null(epoch.labels);
        read_batch(&f, &epoch, 0, BATCH);
        for (size_t i = 0; i < BATCH; i++) {
            assert_true(is_image(&f, epoch.images + i * IMAGE, first + i));
            assert_int_equal(epoch.labels[i], f.set->labels[first + i]);
        }
        free_epoch(&epoch);
    }
    tear_down(&f);
}

/* What `augment` gives, in the order of (7, epoch) or in the images' own. */
static struct epoch augmented_epoch(struct fixture *f, bool shuffled, int epoch)
{
    struct mien_error err = { "" };
    if (shuffled) {
        assert_ok(mien_loader_shuffled(f->loader, MIEN_SPLIT_TRAIN, 7, epoch, &err), &err);
    } else {
        assert_ok(mien_loader_in_order(f->loader, MIEN_SPLIT_TRAIN, &err), &err);
    }
    mien_loader_augment(f->loader, epoch);
    return read_epoch(f);
}

static void test_loader__changes_an_image_by_epoch_and_place_in_the_set_alone(void **state)
{
    struct fixture f;
    set_up(&f, device_or_skip(state), augmented_recipe, 0);
    struct epoch first = augmented_epoch(&f, false, 2);
    struct epoch again = augmented_epoch(&f, false, 2);
    struct epoch other = augmented_epoch(&f, false, 3);
    struct epoch shuffled = augmented_epoch(&f, true, 2);
    assert_equal(&first, &again, true);
    assert_equal(&first, &other, false);
    uint32_t order[23];
    mien_random_permutation(order, 23, 7, MIEN_STREAM_SHUFFLE, 2);
    for (size_t i = 0; i < 23; i++) {
        assert_memory_equal(shuffled.images + i * IMAGE, first.images + order[i] * IMAGE,
                            (size_t)2 * 3 * 3 * sizeof(float));
    }
    free_epoch(&first);
    free_epoch(&again);
    free_epoch(&other);
    free_epoch(&shuffled);
    tear_down(&f);
}

static void test_loader__changes_the_same_from_the_host_and_where_an_epoch_goes_on(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    struct epoch whole[2];
    for (int staged = 0; staged < 2; staged++) {
        struct fixture f;
        set_up(&f, cl, augmented_recipe, staged ? 100 : 0);
        assert_int_equal(mien_loader_resident(f.loader), !staged);
        whole[staged] = augmented_epoch(&f, true, 5);
        tear_down(&f);

        set_up(&f, cl, augmented_recipe, staged ? 100 : 0); /* from the second batch on */
        struct epoch part = { 2 * BATCH, calloc((size_t)2 * BATCH, IMAGE * sizeof(float)),
                              calloc((size_t)2 * BATCH, sizeof(int32_t)) };
        assert_non_null(part.images);
        assert_non_null(part.labels);
        assert_ok(mien_loader_shuffled(f.loader, MIEN_SPLIT_TRAIN, 7, 5, &err), &err);
        mien_loader_augment(f.loader, 5);
        assert_ok(mien_loader_load(f.loader, f.model, BATCH, BATCH, &err), &err);
        read_batch(&f, &part, BATCH, BATCH);
        assert_memory_equal(part.images + BATCH * IMAGE, whole[staged].images + BATCH * IMAGE,
                            BATCH * IMAGE * sizeof(float));
        free_epoch(&part);
        tear_down(&f);
    }
    assert_equal(&whole[0], &whole[1], true);
    free_epoch(&whole[0]);
    free_epoch(&whole[1]);
}

/* A mixed batch is what its share makes of the images and labels of an unmixed one. */
static void test_loader__mixes_each_image_with_the_one_opposite(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    struct epoch plain;
    struct epoch mixed;
    struct fixture f;
    int32_t labels[2 * BATCH];
    enum { FLOATS = 2 * 3 * 3 };
    set_up(&f, cl, augmented_recipe, 0);
    plain = augmented_epoch(&f, true, 1);
    assert_true(mien_loader_second(f.loader) == 0.0f);
    tear_down(&f);
    set_up(&f, cl, augmented_recipe, 0);
    f.recipe->augment.mixup = 1.0f;
    mixed = augmented_epoch(&f, true, 1);
    assert_ok(mien_loader_load(f.loader, f.model, BATCH, BATCH, &err), &err);
    const float second = mien_loader_second(f.loader);
    assert_true(second == mien_augment_mix(f.recipe, 1, BATCH) && second > 0.0f);
    assert_ok(mien_cl_read(cl, labels, mien_loader_labels(f.loader), 0, sizeof(labels), &err),
              &err);
    for (size_t i = 0; i < BATCH; i++) {
        const float *const own = plain.images + (BATCH + i) * IMAGE;
        const float *const other = plain.images + (2 * BATCH - 1 - i) * IMAGE;
        for (size_t k = 0; k < FLOATS; k++) {
            const float want = (1.0f - second) * own[k] + second * other[k];
            assert_true(fabsf(mixed.images[(BATCH + i) * IMAGE + k] - want) < 1e-5f);
        }
        assert_int_equal(labels[i], plain.labels[BATCH + i]);
        assert_int_equal(labels[BATCH + i], plain.labels[2 * BATCH - 1 - i]);
    }
    assert_ok(mien_loader_in_order(f.loader, MIEN_SPLIT_VALIDATION, &err), &err);
    assert_ok(mien_loader_load(f.loader, f.model, 0, 4, &err), &err);
    assert_true(mien_loader_second(f.loader) == 0.0f);
    free_epoch(&plain);
    free_epoch(&mixed);
    tear_down(&f);
}

static void test_loader__never_changes_what_is_evaluated(void **state)
{
    struct mien_error err = { "" };
    struct fixture f;
    set_up(&f, device_or_skip(state), augmented_recipe, 0);
    struct epoch training = augmented_epoch(&f, true, 0);
    assert_ok(mien_loader_in_order(f.loader, MIEN_SPLIT_VALIDATION, &err), &err);
    struct epoch plain = read_epoch(&f);
    for (size_t i = 0; i < plain.count; i++) {
        for (size_t k = 0; k < (size_t)2 * 3 * 3; k++) { /* the middle: row 1, column 1 onwards */
            const size_t at = (k % 6 / 3 + 1) * 5 + k % 3 + 1;
            const size_t channel = k / 6;
            const uint8_t pixel = f.set->images[(23 + i) * IMAGE + at * 3 + channel];
            const double want = ((double)pixel / 255.0 - 0.3) / 0.7;
            assert_true(fabs((double)plain.images[i * IMAGE + k] - want) < 1e-5);
        }
    }
    free_epoch(&training);
    free_epoch(&plain);
    tear_down(&f);
}

static void test_loader__refuses_images_of_another_size(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    struct mien_dataset *const set = set_make(&sizes, 11);
    struct mien_recipe *const recipe = recipe_from("input: { channels: 3, height: 4, width: 5, "
                                                   "margin: 1 }\nlayers: [ flatten, dense 7 ]");
    const struct mien_loader_options options = { .batch = BATCH, .recipe = recipe };
    struct mien_loader *loader = NULL;
    must_fail(mien_loader_create(&loader, cl, set, &options, &err), MIEN_ERR_SHAPE, &err,
              "images of 3 x 4 x 5, the recipe takes 3 x 6 x 7");
    assert_null(loader);
    mien_recipe_destroy(recipe);
    set_free(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loader__gives_the_validation_images_in_their_order),
        cmocka_unit_test(test_loader__gives_every_training_image_once),
        cmocka_unit_test(test_loader__draws_an_order_for_each_seed_and_epoch),
        cmocka_unit_test(test_loader__sends_from_the_host_what_the_device_would_hold),
        cmocka_unit_test(test_loader__keeps_images_on_the_host_where_the_device_is_full),
        cmocka_unit_test(test_loader__does_not_overwrite_what_is_on_its_way),
        cmocka_unit_test(test_loader__changes_an_image_by_epoch_and_place_in_the_set_alone),
        cmocka_unit_test(test_loader__changes_the_same_from_the_host_and_where_an_epoch_goes_on),
        cmocka_unit_test(test_loader__mixes_each_image_with_the_one_opposite),
        cmocka_unit_test(test_loader__never_changes_what_is_evaluated),
        cmocka_unit_test(test_loader__refuses_images_of_another_size),
    };
    return cmocka_run_group_tests_name("train/loader", tests, device_setup, device_teardown);
}
