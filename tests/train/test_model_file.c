/* test_model_file.c - weights in 16 bits: which, how near, aligned, and what has no such number;
 * loading without memory */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "nn/recipe.h"
#include "support/json_memory.h"
#include "support/scratch.h"
#include "train/model_file.h"

/* Odd counts, so that 16-bit tensors end off the alignment of float32. */
static const char recipe_text[] =
    "input: { channels: 1, height: 9, width: 9 }\n"
    "layers: [ conv 3 3x3 bias no, batchnorm, relu, conv 5 1x1, relu, globalavgpool, flatten, "
    "dense classes ]";

struct fixture {
    char *folder, *path;
    struct mien_model_file file;
    float *weights; /* those that file began with */
};

static struct fixture setup(void)
{
    char names[][2] = { "a", "b", "c" };
    char *const classes[] = { names[0], names[1], names[2] };
    struct mien_error err = { "" };
    struct mien_recipe *recipe = NULL;
    struct fixture f = { .folder = scratch_make() };
    f.path = scratch_path(f.folder, "half.safetensors");
    must(mien_recipe_parse(&recipe, recipe_text, strlen(recipe_text), "test", NULL, 0, &err), &err);
    must(mien_model_file_create(&f.file, recipe, classes, 3, &err), &err);
    f.weights = calloc(f.file.network->flat_floats, sizeof(float));
    assert_non_null(f.weights);
    memcpy(f.weights, f.file.weights, f.file.network->flat_floats * sizeof(float));
    return f;
}

static void teardown(struct fixture *f)
{
    free(f->weights);
    mien_model_file_finish(&f->file);
    free(f->path);
    scratch_remove(f->folder);
}

static const struct mien_param *param_of(const struct fixture *f, const char *name)
{
    for (size_t i = 0; i < f->file.network->param_count; i++) {
        if (strcmp(f->file.network->params[i].name, name) == 0) {
            return &f->file.network->params[i];
        }
    }
    fail_msg("no parameter %s", name);
    return NULL;
}

static void test_half__matrices_are_within_half_a_unit_and_vectors_the_same(void **state)
{
    (void)state;
    struct fixture f = setup();
    struct mien_error err = { "" };
    struct mien_model_file back;
    size_t rounded = 0;
    f.file.weights[param_of(&f, "batchnorm1.running_var")->offset] = 1e9f; /* beyond binary16 */
    f.weights[param_of(&f, "batchnorm1.running_var")->offset] = 1e9f;
    must(mien_model_file_save_half(f.path, &f.file, &err), &err);
    must(mien_model_file_load(&back, f.path, &err), &err);
    for (size_t i = 0; i < f.file.network->param_count; i++) {
        const struct mien_param *const param = &f.file.network->params[i];
        for (size_t k = param->offset; k < param->offset + param->count; k++) {
            const double error = fabs((double)back.weights[k] - (double)f.weights[k]);
            assert_true(error <= (param->rank >= 2 ? fabs((double)f.weights[k]) / 2048.0 : 0.0));
            rounded += error > 0.0 ? 1 : 0;
        }
    }
    assert_true(rounded > 30);
    assert_int_equal(back.class_count, 3);
    mien_model_file_finish(&back);
    teardown(&f);
}

static void test_half__every_tensor_is_aligned_to_its_elements(void **state)
{
    (void)state;
    struct fixture f = setup();
    struct mien_error err = { "" };
    struct mien_safetensors *file = NULL;
    size_t halves = 0;
    must(mien_model_file_save_half(f.path, &f.file, &err), &err);
    must(mien_safetensors_open(&file, f.path, &err), &err);
    for (size_t i = 0; i < mien_safetensors_count(file); i++) {
        const struct mien_tensor *const tensor = mien_safetensors_at(file, i);
        assert_int_equal((uintptr_t)tensor->data % mien_dtype_bytes(tensor->dtype), 0);
        assert_int_equal(tensor->dtype, tensor->rank >= 2 ? MIEN_F16 : MIEN_F32);
        halves += tensor->dtype == MIEN_F16 ? 1 : 0;
    }
    assert_int_equal(halves, 3);
    mien_safetensors_close(file);
    teardown(&f);
}

static void test_half__a_weight_beyond_its_range_is_named_and_nothing_written(void **state)
{
    (void)state;
    struct fixture f = setup();
    struct mien_error err = { "" };
    struct stat st;
    f.file.weights[param_of(&f, "conv2.weight")->offset + 2] = -70000.0f;
    must_fail(mien_model_file_save_half(f.path, &f.file, &err), MIEN_ERR_NOT_FINITE, &err,
              "conv2.weight has -70000, which is no finite number of 16 bits");
    assert_int_equal(stat(f.path, &st), -1);
    teardown(&f);
}

/* What is loaded stays to the last time, which succeeds. */
struct loading {
    const char *path;
    struct mien_model_file back;
};

static enum mien_status load(void *user, struct mien_error *err)
{
    struct loading *const loading = user;
    return mien_model_file_load(&loading->back, loading->path, err);
}

static void test_model_file__want_of_memory_is_no_fault_of_the_file(void **state)
{
    (void)state;
    struct fixture f = setup();
    struct mien_error err = { "" };
    struct loading loading = { .path = f.path };
    must(mien_model_file_save_half(f.path, &f.file, &err), &err);
    json_memory_runs_out(load, &loading);
    mien_model_file_finish(&loading.back);
    teardown(&f);
}

/* A network that cannot tell two of its classes apart by name. */
static void test_model_file__names_of_classes_are_there_and_differ(void **state)
{
    (void)state;
    static const struct {
        const char *second, *says;
    } faults[] = { { "a", "class 1 is \"a\"; expected names in UTF-8, each once" },
                   { "", "class 1 is \"\"" } };
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        struct fixture f = setup();
        struct mien_error err = { "" };
        struct mien_model_file back = { .recipe = NULL };
        (void)snprintf(f.file.classes[1], 2, "%s", faults[i].second);
        must(mien_model_file_save_half(f.path, &f.file, &err), &err);
        must_fail(mien_model_file_load(&back, f.path, &err), MIEN_ERR_FORMAT, &err, faults[i].says);
        teardown(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_half__matrices_are_within_half_a_unit_and_vectors_the_same),
        cmocka_unit_test(test_half__every_tensor_is_aligned_to_its_elements),
        cmocka_unit_test(test_model_file__want_of_memory_is_no_fault_of_the_file),
        cmocka_unit_test(test_model_file__names_of_classes_are_there_and_differ),
        cmocka_unit_test(test_half__a_weight_beyond_its_range_is_named_and_nothing_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
