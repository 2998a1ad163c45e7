/* test_guard.c - a run that is not finite any more: where it says so, what it leaves, its replay */
// wrap: mien_trainer_step
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "nn/weights.h"
#include "support/device.h"
#include "support/scratch.h"
#include "support/training.h"
#include "train/replay.h"
#include "train/run.h"

static const char plain[] =
    "input: { channels: 1, height: 9, width: 9 }\n"
    "layers: [ conv 4 3x3, relu, maxpool 2, conv 5 3x3, flatten, dense 6, relu, dense classes ]\n"
    "train: { batch: 4, epochs: 3, optimizer: { rate: 0.01, momentum: 0.9 } }";
static const char adam[] =
    "input: { channels: 1, height: 9, width: 9 }\n"
    "layers: [ conv 4 3x3 bias no, batchnorm, relu, conv 5 3x3 stride 2, flatten, dense 6,\n"
    "          dense classes ]\n"
    "train: { batch: 4, epochs: 3, ema: 0.9, clip_norm: 1, sam: 0.05,\n"
    "  optimizer: { kind: adam, rate: 0.01 } }";
/* All that a batch is made of: what is drawn, mixed, weighted and added up. */
#define DRAWN(method)                                                                              \
    "input: { channels: 1, height: 7, width: 7, margin: 1 }\n"                                     \
    "augment: { mirror: yes, rotate: 15, scale: 0.2, brightness: 0.2, erase: 0.3, mixup: 0.4 }\n"  \
    "layers: [ conv 4 3x3 pad 1, relu, dropout 0.3, flatten, dense 6, dropout 0.2, dense classes " \
    "]\n"                                                                                          \
    "train: { batch: 3, accumulate: 2, epochs: 3, class_weights: balanced, label_smoothing: "      \
    "0.1,\n"                                                                                       \
    "  " method "optimizer: { rate: 0.01 } }"
static const char drawn[] = DRAWN("");
static const char drawn_sharp[] = DRAWN("sam: 0.1, ");
static const char drawn_soft[] = DRAWN("soft_targets: 0.6, ");
/* A product of what a mark kept. */
static const char gated[] =
    "input: { channels: 1, height: 9, width: 9 }\n"
    "layers: [ conv 4 1x1, mark a, globalavgpool, conv 4 1x1, multiply a, globalavgpool,\n"
    "          dense 4, dense classes ]\n"
    "train: { batch: 6, optimizer: { kind: sgd, rate: 0.01 } }";
/* One image: its gradient is the whole step's. */
static const char linear[] = "input: { channels: 1, height: 9, width: 9 }\n"
                             "layers: [ flatten, dense 6, dense classes ]\n"
                             "train: { batch: 1, epochs: 1, optimizer: { rate: 0.01 } }";
/* With all weights 1, as of level(), each convolution's goes up by 100 / sqrt(40): 16.8^32 is too
 * much. */
#define CONVS "conv 1 1x1 bias no, conv 1 1x1 bias no, conv 1 1x1 bias no, conv 1 1x1 bias no, "
static const char sharp[] = "input: { channels: 1, height: 9, width: 9 }\n"
                            "layers: [ " CONVS CONVS CONVS CONVS CONVS CONVS CONVS CONVS CONVS CONVS
                            "flatten, dense 6, dense classes ]\n"
                            "train: { batch: 5, epochs: 3, sam: 100, optimizer: { rate: 0.01 } }";

static const struct set_sizes sizes = { 23, 7, 1, 9, 9, 7 };

/*
 * Let every number of a parameter be `value` on the device; of dense2.weight the first class's
 * -value.  What comes in front of conv2 is above 1, so that a huge weight there is too much.
 */
static void poke(struct mien_trainer *trainer, const char *name, float value)
{
    struct mien_error err = { "" };
    size_t count = 0;
    const struct mien_network *const network = trainer->file->network;
    const size_t offset = param_offset(network, name, &count);
    float *const numbers = malloc(count * sizeof(*numbers));
    assert_non_null(numbers);
    const bool signs = strcmp(name, "dense2.weight") == 0;
    for (size_t i = 0; i < count; i++) {
        numbers[i] = signs && i < count / 7 ? -value : value;
    }
    assert_ok(mien_cl_write(trainer->cl, mien_model_values(trainer->model), offset * sizeof(float),
                            numbers, count * sizeof(float), &err),
              &err);
    free(numbers);
    if (strcmp(name, "conv2.weight") == 0) {
        poke(trainer, "conv1.weight", 1.0f);
    }
}

static void level(struct mien_trainer *trainer)
{
    poke(trainer, "dense1.weight", 1.0f);
    for (int i = 1; i <= 40; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "conv%d.weight", i);
        poke(trainer, name, 1.0f);
    }
}

/* What happens to a run: before this step of this epoch, both from 1, a parameter grows huge. */
static struct {
    int epoch;
    size_t step;
    const char *name;
} planned;

enum mien_status __real_mien_trainer_step(struct mien_trainer *trainer, struct mien_error *err);
enum mien_status __wrap_mien_trainer_step(struct mien_trainer *trainer, struct mien_error *err);

enum mien_status __wrap_mien_trainer_step(struct mien_trainer *trainer, struct mien_error *err)
{
    if (planned.epoch == trainer->position.epoch + 1 &&
        planned.step == trainer->position.step + 1) {
        poke(trainer, planned.name, 3e38f);
    }
    return __real_mien_trainer_step(trainer, err);
}

/* A trainer at the beginning of an epoch. */
struct fixture {
    struct mien_cl *cl;
    struct mien_dataset *set;
    struct mien_model_file file;
    struct mien_trainer trainer;
    char *folder, *path;
};

static void set_up(struct fixture *f, struct mien_cl *cl, const char *recipe)
{
    struct mien_error err = { "" };
    const struct mien_trainer_options options = { .shuffle = recipe != linear };
    f->cl = cl;
    f->set = set_make(&sizes, 3);
    set_add_targets(f->set, 8);
    f->file = model_for(recipe, f->set);
    f->folder = scratch_make();
    f->path = scratch_path(f->folder, "replay.safetensors");
    assert_ok(mien_trainer_init(&f->trainer, cl, &f->file, f->set, &options, &err), &err);
    f->trainer.position.epoch = 1;
    assert_ok(mien_trainer_begin_epoch(&f->trainer, &err), &err);
}

static void tear_down(struct fixture *f)
{
    mien_trainer_finish(&f->trainer);
    mien_model_file_finish(&f->file);
    set_free(f->set);
    scratch_remove(f->folder);
    free(f->path);
    assert_int_equal(mien_cl_live(f->cl), 0);
}

/* The trainable parameters, which a step that is not finite leaves alone; free() it. */
static float *trainable(const struct fixture *f)
{
    struct mien_error err = { "" };
    const struct mien_network *const network = f->file.network;
    float *const flat = calloc(network->flat_floats, sizeof(*flat));
    assert_non_null(flat);
    assert_ok(mien_weights_download(flat, f->trainer.model, &err), &err);
    for (size_t i = 0; i < network->param_count; i++) {
        if (!network->params[i].trainable) {
            memset(flat + network->params[i].offset, 0, network->params[i].count * sizeof(*flat));
        }
    }
    return flat;
}

static void test_guard__keeps_weights_and_state_of_before_the_step(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    static const char *const recipes[] = { plain, adam, drawn, drawn_sharp, drawn_soft, sharp };
    for (size_t k = 0; k < 6; k++) {
        struct mien_error err = { "" };
        struct fixture f;
        struct mien_guard guard;
        set_up(&f, cl, recipes[k]);
        for (int step = 1; step <= 2; step++) {
            assert_ok(mien_trainer_step(&f.trainer, &err), &err);
        }
        assert_ok(mien_trainer_guard(&guard, &f.trainer, &err), &err);
        assert_int_equal(guard.faults, 0);
        if (recipes[k] == sharp) { /* the second pass alone is not finite */
            level(&f.trainer);
            poke(&f.trainer, "dense2.weight", -10.0f);
        } else {
            poke(&f.trainer, k > 1 ? "dense1.weight" : "conv2.weight", 3e38f);
        }
        float *const before = trainable(&f);
        assert_ok(mien_trainer_step(&f.trainer, &err), &err); /* the third: it is lost */
        float *const after = trainable(&f);
        const size_t bytes = f.file.network->flat_floats * sizeof(*before);
        assert_memory_equal(after, before, bytes);
        assert_ok(mien_trainer_step(&f.trainer, &err), &err);
        float *const later = trainable(&f);
        assert_memory_equal(later, before, bytes);
        assert_int_equal(mien_trainer_guard_seen(&f.trainer)->step, 3); /* without waiting */
        assert_ok(mien_trainer_guard(&guard, &f.trainer, &err), &err);
        assert_int_equal(guard.step, 3);
        assert_int_equal((guard.faults & MIEN_GUARD_LOSS) != 0, recipes[k] != sharp);
        for (int i = 0; mien_optimizer_state_name(f.trainer.optimizer, i) != NULL; i++) {
            float *const numbers = malloc(bytes);
            assert_non_null(numbers);
            assert_ok(mien_cl_read(cl, numbers, mien_optimizer_state(f.trainer.optimizer, i), 0,
                                   bytes, &err),
                      &err);
            for (size_t n = 0; n < bytes / sizeof(float); n++) {
                assert_true(isfinite(numbers[n]));
            }
            free(numbers);
        }
        free(before);
        free(after);
        free(later);
        tear_down(&f);
    }
}

/* Where a recipe's step first is not finite once a parameter is of this value. */
struct place {
    const char *recipe, *param;
    float value;
    int faults;
    const char *label, *what;
};
static const struct place places[] = {
    { plain, "conv1.weight", 3e38f, MIEN_GUARD_LOSS, "conv1+maxpool1 forward", "output" },
    { plain, "conv2.weight", 3e38f, MIEN_GUARD_LOSS, "conv2 forward", "output" },
    { adam, "dense1.weight", 3e38f, MIEN_GUARD_LOSS, "dense1 forward", "output" },
    { plain, "dense2.bias", INFINITY, MIEN_GUARD_LOSS, "optimizer of the step before",
      "dense2.bias" },
    { adam, "batchnorm1.weight", 3e38f, MIEN_GUARD_LOSS, "batchnorm1 forward", "output" },
    { adam, "conv1.weight", NAN, MIEN_GUARD_LOSS, "optimizer of the step before", "conv1.weight" },
    { drawn, "conv1.weight", 3e38f, MIEN_GUARD_LOSS, "conv1 forward", "output" },
    { drawn, "dense1.weight", 3e38f, MIEN_GUARD_LOSS, "loss", "sum over the images" },
    { linear, "dense2.weight", 3e38f, MIEN_GUARD_GRADIENT, "dense2 backward data",
      "gradient of the input" },
    { gated, "conv2.bias", 3e38f, MIEN_GUARD_GRADIENT, "multiply1 backward data",
      "gradient of what the mark kept" },
    { sharp, "dense2.weight", -10.0f, MIEN_GUARD_GRADIENT, "conv32 forward",
      "output with sam's weights" },
    { drawn_soft, "dense1.weight", 3e38f, MIEN_GUARD_LOSS, "loss", "sum over the images" },
    { drawn_sharp, "dense1.weight", 3e38f, MIEN_GUARD_LOSS, "loss", "sum over the images" },
};
enum { PLACES = sizeof(places) / sizeof(places[0]) };

/* The step again, on this device, out of its file. */
static void replay(struct mien_nonfinite *found, struct mien_cl *cl, const char *path,
                   const char *said)
{
    struct mien_error err = { "" };
    struct mien_replay read;
    assert_ok(mien_replay_read(&read, path, &err), &err);
    assert_string_equal(read.found, said);
    assert_int_equal(read.place.epoch, 2);
    assert_string_equal(read.device, mien_cl_device(cl)->name);
    assert_ok(mien_replay_run(found, &read, cl, read.blas, &read.tuning, &err), &err);
    mien_replay_finish(&read);
}

static void test_guard__names_layer_and_kernel_and_so_does_the_replay(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    for (size_t k = 0; k < PLACES; k++) {
        struct mien_error err = { "" };
        struct fixture f;
        struct mien_guard guard;
        struct mien_nonfinite found;
        struct mien_nonfinite again;
        char text[MIEN_NONFINITE_BYTES];
        char text_again[MIEN_NONFINITE_BYTES];
        set_up(&f, cl, places[k].recipe);
        if (places[k].recipe == sharp) {
            level(&f.trainer);
        }
        if (places[k].recipe == linear) { /* logits 0, whatever dense2's weights */
            poke(&f.trainer, "dense1.weight", 0.0f);
            poke(&f.trainer, "dense1.bias", 0.0f);
        }
        if (places[k].recipe == gated) { /* the product is 0, its gradient large */
            poke(&f.trainer, "conv1.weight", 0.0f);
            poke(&f.trainer, "conv1.bias", 0.0f);
            poke(&f.trainer, "dense1.weight", 1.0f);
            poke(&f.trainer, "dense1.bias", 0.0f);
            poke(&f.trainer, "dense2.weight", 1e10f);
        }
        poke(&f.trainer, places[k].param, places[k].value);
        assert_ok(mien_trainer_step(&f.trainer, &err), &err);
        assert_ok(mien_trainer_guard(&guard, &f.trainer, &err), &err);
        assert_int_equal(guard.step, 1);
        assert_true((guard.faults & places[k].faults) != 0);
        const struct mien_replay_place place = { 2, 1, 6, 0.01 };
        assert_ok(mien_replay_write(&found, f.path, &f.trainer, &place, &err), &err);
        mien_nonfinite_text(text, &found);
        print_message("%s = %g: %s\n", places[k].param, (double)places[k].value, text);
        assert_true(found.count > 0);
        assert_string_equal(found.label, places[k].label);
        assert_string_equal(found.what, places[k].what);
        assert_true(found.kernel[0] != '\0');
        assert_true(places[k].recipe != gated || strcmp(found.kernel, "multiply") == 0);
        if (places[k].faults == MIEN_GUARD_GRADIENT) {
            assert_int_equal(guard.faults, MIEN_GUARD_GRADIENT);
        }
        replay(&again, cl, f.path, text);
        mien_nonfinite_text(text_again, &again);
        assert_string_equal(text_again, text);
        tear_down(&f);
    }
}

/* The numbers of a step that is finite are: none is found, and that is what its file says too. */
static void test_guard__finds_nothing_where_there_is_nothing(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    static const char *const recipes[] = { plain, adam, drawn, drawn_sharp, drawn_soft, linear };
    for (size_t k = 0; k < 6; k++) {
        struct mien_error err = { "" };
        struct mien_nonfinite found;
        struct fixture f;
        const struct mien_replay_place place = { 2, 1, 6, 0.01 };
        set_up(&f, cl, recipes[k]);
        assert_ok(mien_replay_write(&found, f.path, &f.trainer, &place, &err), &err);
        assert_int_equal(found.count, 0);
        replay(&found, cl, f.path, "");
        assert_int_equal(found.count, 0);
        tear_down(&f);
    }
}

/* A run with momentum in a folder, its error and its checkpoint. */
static enum mien_status run(struct mien_cl *cl, const struct mien_dataset *set, const char *folder,
                            bool resume, struct mien_error *err)
{
    struct mien_run_result result;
    char *const last = scratch_path(folder, "last.safetensors");
    struct mien_model_file file;
    if (resume) {
        assert_ok(mien_model_file_load(&file, last, err), err);
    } else {
        file = model_for(plain, set);
    }
    const struct mien_run_options options = { .folder = folder,
                                              .data = "memory",
                                              .command = "test",
                                              .resume = resume,
                                              .trainer = { .shuffle = true } };
    const enum mien_status st = mien_run(&result, cl, &file, set, &options, err);
    mien_model_file_finish(&file);
    free(last);
    assert_int_equal(mien_cl_live(cl), 0);
    return st;
}

static unsigned char *read_file(const char *folder, const char *name, size_t *bytes)
{
    char *const path = scratch_path(folder, name);
    unsigned char *const data = scratch_read(path, bytes);
    free(path);
    return data;
}

static void test_guard__a_lost_run_goes_on_from_its_checkpoint_to_the_same_bits(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_dataset *const set = set_make(&sizes, 3);
    char *const whole = scratch_make();
    struct mien_error err = { "" };
    size_t bytes[2];
    assert_ok(run(cl, set, whole, false, &err), &err);
    /* In the middle, and behind the last step that is looked at while the epoch runs. */
    for (size_t step = 3; step <= 6; step += 3) {
        char *const folder = scratch_make();
        planned.epoch = 2;
        planned.step = step;
        planned.name = "conv2.weight";
        char want[64];
        (void)snprintf(want, sizeof(want), "the loss is not finite in epoch 2, step %zu of 6, ",
                       step);
        must_fail(run(cl, set, folder, false, &err), MIEN_ERR_NOT_FINITE, &err, want);
        assert_non_null(
            strstr(err.text, "at a learning rate of 0.01: first conv2 forward (kernel "));
        assert_non_null(strstr(err.text, "replay.safetensors repeats the step; last.safetensors"));
        planned.epoch = 0;
        unsigned char *const info = read_file(folder, "run.json", &bytes[0]);
        assert_non_null(strstr((char *)info, "\"pass\": \"conv2 forward\""));
        assert_non_null(strstr((char *)info, "\"replay\": true"));
        free(info);
        assert_ok(run(cl, set, folder, true, &err), &err);
        unsigned char *const a = read_file(whole, "last.safetensors", &bytes[0]);
        unsigned char *const b = read_file(folder, "last.safetensors", &bytes[1]);
        assert_int_equal(bytes[0], bytes[1]);
        assert_memory_equal(a, b, bytes[0]);
        free(a);
        free(b);
        scratch_remove(folder);
    }
    scratch_remove(whole);
    set_free(set);
}

/* Lost before there is a checkpoint, the folder can be taken again. */
static void test_guard__a_run_lost_in_its_first_epoch_leaves_the_folder_free(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_dataset *const set = set_make(&sizes, 3);
    char *const folder = scratch_make();
    char *const file = scratch_path(folder, "replay.safetensors");
    struct mien_error err = { "" };
    planned.epoch = 1;
    planned.step = 2;
    planned.name = "conv2.weight";
    must_fail(run(cl, set, folder, false, &err), MIEN_ERR_NOT_FINITE, &err, "epoch 1, step 2 of 6");
    assert_null(strstr(err.text, "last.safetensors"));
    assert_true(mien_path_is_file(file));
    planned.epoch = 0;
    assert_ok(run(cl, set, folder, false, &err), &err);
    assert_false(mien_path_is_file(file));
    free(file);
    scratch_remove(folder);
    set_free(set);
}

/* The file with a number of a tensor, or a piece of its header, changed. */
static void test_guard__refuses_a_damaged_replay(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    static const struct {
        const char *find, *put, *says;
    } edits[] = {
        { "\"replay\":", "\"replax\":", "not a step to replay" },
        { "\\\"batch\\\":4", "\\\"batch\\\":0", "'batch' is not from 1 to" },
        { "\\\"batch\\\":4", "\\\"batch\\\":2", "'replay.second_share' is missing, or of another" },
        { "\\\"step\\\":1", "\\\"step\\\":0", "'step' is not from 1 to" },
        { "\\\"found\\\"", "\\\"fount\\\"", "has no 'found'" },
        { "replay.labels", "replay.labelz", "'replay.labels' is missing" },
        { "replay.images", "replay.imagez", "'replay.images' is missing" },
    };
    struct mien_error err = { "" };
    struct mien_nonfinite found;
    struct mien_replay read;
    struct fixture f;
    const struct mien_replay_place place = { 2, 1, 6, 0.01 };
    size_t bytes = 0;
    set_up(&f, cl, plain);
    assert_ok(mien_replay_write(&found, f.path, &f.trainer, &place, &err), &err);
    for (size_t k = 0; k <= sizeof(edits) / sizeof(edits[0]); k++) {
        unsigned char *const data = scratch_read(f.path, &bytes);
        char *const other = scratch_path(f.folder, "other.safetensors");
        const char *says = "label 0 is 7: there are 7 classes";
        if (k < sizeof(edits) / sizeof(edits[0])) {
            char *const at = memmem(data, bytes, edits[k].find, strlen(edits[k].find));
            assert_non_null(at);
            memcpy(at, edits[k].put, strlen(edits[k].put));
            says = edits[k].says;
        } else {
            struct mien_safetensors *file = NULL;
            assert_ok(mien_safetensors_parse(&file, data, bytes, &err), &err);
            const struct mien_tensor *const labels =
                mien_safetensors_find(file, MIEN_REPLAY_LABELS);
            assert_non_null(labels);
            *(unsigned char *)(uintptr_t)labels->data = 7; /* within `data` */
            mien_safetensors_close(file);
        }
        scratch_write(other, data, bytes);
        must_fail(mien_replay_read(&read, other, &err), MIEN_ERR_FORMAT, &err, says);
        free(data);
        free(other);
    }
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_guard__keeps_weights_and_state_of_before_the_step),
        cmocka_unit_test(test_guard__names_layer_and_kernel_and_so_does_the_replay),
        cmocka_unit_test(test_guard__finds_nothing_where_there_is_nothing),
        cmocka_unit_test(test_guard__a_lost_run_goes_on_from_its_checkpoint_to_the_same_bits),
        cmocka_unit_test(test_guard__a_run_lost_in_its_first_epoch_leaves_the_folder_free),
        cmocka_unit_test(test_guard__refuses_a_damaged_replay),
    };
    return cmocka_run_group_tests_name("train/guard", tests, device_setup, device_teardown);
}
