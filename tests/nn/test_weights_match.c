/* test_weights_match.c - foreign names of weights: found by kind, shape and order, or by a map */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/weights_match.h"
#include "support/scratch.h"
#include "support/training.h"

enum { MOST = 40, VALUES = 4096 };

struct fixture {
    char *folder, *path, *map_path;
    struct mien_network *network;
    struct mien_tensor tensors[MOST];
    size_t count;
    float values[VALUES]; /* what tensors point into: each begins with its own number */
    int64_t counter;
    struct mien_safetensors *file;
    const struct mien_tensor *found[MOST];
    struct mien_weights_map map;
    bool strict;
    struct mien_error err;
};

static const char recipe[] = "input: { channels: 1, height: 6, width: 6 }\n"
                             "layers: [conv 4 3x3 bias no, batchnorm, relu, conv 4 3x3 bias no, "
                             "batchnorm, relu, flatten, dense 5, relu, dense classes]\n";

static int setup(void **state)
{
    struct fixture *const f = calloc(1, sizeof(*f));
    f->folder = scratch_make();
    f->path = scratch_path(f->folder, "w.safetensors");
    f->map_path = scratch_path(f->folder, "map.txt");
    f->network = network_from(recipe, 3);
    f->strict = true;
    for (size_t i = 0; i < VALUES; i++) {
        f->values[i] = (float)i;
    }
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *const f = *state;
    mien_safetensors_close(f->file);
    mien_weights_map_finish(&f->map);
    mien_network_destroy(f->network);
    scratch_remove(f->folder);
    free(f->path);
    free(f->map_path);
    free(f);
    return 0;
}

/* "4x1x3x3" */
static void add_typed(struct fixture *f, const char *name, const char *shape, enum mien_dtype type)
{
    struct mien_tensor *const tensor = &f->tensors[f->count];
    *tensor = (struct mien_tensor){ .name = name, .dtype = type, .bytes = mien_dtype_bytes(type) };
    for (const char *digit = shape; *digit != '\0'; digit += strcspn(digit, "x")) {
        digit += *digit == 'x' ? 1 : 0;
        tensor->shape[tensor->rank] = strtoul(digit, NULL, 10);
        tensor->bytes *= tensor->shape[tensor->rank++];
    }
    tensor->data = f->values + f->count++;
}

static void add(struct fixture *f, const char *name, const char *shape)
{
    add_typed(f, name, shape, MIEN_F32);
}

static void add_norm(struct fixture *f, const char *const names[4])
{
    for (int i = 0; i < 4; i++) {
        add(f, names[i], "4");
    }
}

/* As nn.Sequential names it, written in the order in which the safetensors package does. */
static void add_sequential(struct fixture *f)
{
    add(f, "features.0.weight", "4x1x3x3");
    add_norm(f, (const char *const[4]){ "features.1.bias", "features.1.running_mean",
                                        "features.1.running_var", "features.1.weight" });
    add_norm(f, (const char *const[4]){ "features.11.bias", "features.11.running_mean",
                                        "features.11.running_var", "features.11.weight" });
    add(f, "features.10.weight", "4x4x3x3");
    add(f, "head.2.bias", "5");
    add(f, "head.2.weight", "5x16");
    add(f, "head.10.bias", "3");
    add(f, "head.10.weight", "3x5");
}

static enum mien_status match(struct fixture *f)
{
    mien_safetensors_close(f->file);
    must(mien_safetensors_write(f->path, f->tensors, f->count, NULL, 0, &f->err), &f->err);
    must(mien_safetensors_open(&f->file, f->path, &f->err), &f->err);
    return mien_weights_match(f->found, f->network, f->file, &f->map, f->strict, &f->err);
}

static enum mien_status read_map(struct fixture *f, const char *text)
{
    mien_weights_map_finish(&f->map);
    scratch_write(f->map_path, text, strlen(text));
    return mien_weights_map_read(&f->map, f->map_path, &f->err);
}

static void expect_from(const struct fixture *f, const char *ours, const char *theirs)
{
    for (size_t i = 0; i < f->network->param_count; i++) {
        if (strcmp(f->network->params[i].name, ours) == 0) {
            assert_string_equal(f->found[i]->name, theirs);
            return;
        }
    }
    fail_msg("no parameter %s", ours);
}

static void expect_sequential(const struct fixture *f)
{
    expect_from(f, "conv1.weight", "features.0.weight");
    expect_from(f, "batchnorm1.weight", "features.1.weight");
    expect_from(f, "batchnorm1.running_var", "features.1.running_var");
    expect_from(f, "conv2.weight", "features.10.weight");
    expect_from(f, "batchnorm2.bias", "features.11.bias");
    expect_from(f, "batchnorm2.running_mean", "features.11.running_mean");
    expect_from(f, "dense1.weight", "head.2.weight");
    expect_from(f, "dense2.bias", "head.10.bias");
}

static void test_match__numbers_in_names_count_as_numbers(void **state)
{
    struct fixture *const f = *state;
    add_sequential(f);
    must(match(f), &f->err);
    expect_sequential(f);
    float flat[4096];
    assert_true(f->network->flat_floats <= 4096);
    mien_weights_take(flat, f->network, f->found);
    const size_t at = param_offset(f->network, "batchnorm2.weight", NULL);
    assert_memory_equal(flat + at, f->values + 8, 4 * sizeof(float)); /* the ninth tensor */
}

static void test_match__own_names_come_first_and_others_do_not_matter(void **state)
{
    struct fixture *const f = *state;
    /* The two batch norms and their like could be taken the other way round. */
    add(f, "conv2.weight", "4x4x3x3");
    add(f, "conv1.weight", "4x1x3x3");
    add_norm(f, (const char *const[4]){ "batchnorm2.bias", "batchnorm2.running_mean",
                                        "batchnorm2.running_var", "batchnorm2.weight" });
    add_norm(f, (const char *const[4]){ "batchnorm1.bias", "batchnorm1.running_mean",
                                        "batchnorm1.running_var", "batchnorm1.weight" });
    add(f, "dense1.weight", "5x16");
    add(f, "dense1.bias", "5");
    add(f, "dense2.weight", "3x5");
    add(f, "dense2.bias", "3");
    must(match(f), &f->err);
    add(f, "state.momentum", "7");
    must_fail(match(f), MIEN_ERR_FORMAT, &f->err,
              "weights of another network: left over state.momentum 7");
    f->strict = false;
    must(match(f), &f->err);
    for (size_t i = 0; i < f->network->param_count; i++) {
        assert_string_equal(f->found[i]->name, f->network->params[i].name);
    }
}

static void test_match__modules_of_one_kind_are_told_by_their_shapes(void **state)
{
    struct fixture *const f = *state;
    add(f, "a.late.weight", "3x5"); /* before the other by its name */
    add(f, "a.late.bias", "3");
    add(f, "b.early.weight", "5x16");
    add(f, "b.early.bias", "5");
    add(f, "x.second.weight", "4x4x3x3");
    add(f, "y.first.weight", "4x1x3x3");
    add_norm(f,
             (const char *const[4]){ "n1.bias", "n1.running_mean", "n1.running_var", "n1.weight" });
    add_norm(f,
             (const char *const[4]){ "n2.bias", "n2.running_mean", "n2.running_var", "n2.weight" });
    /* A module inside another one does not tear it apart. */
    for (size_t i = 0; i < f->count; i++) {
        const char *const name = f->tensors[i].name;
        f->tensors[i].name = strcmp(name, "n2.bias") == 0           ? "n1.s.bias"
                             : strcmp(name, "n2.running_mean") == 0 ? "n1.s.running_mean"
                             : strcmp(name, "n2.running_var") == 0  ? "n1.s.running_var"
                             : strcmp(name, "n2.weight") == 0       ? "n1.s.weight"
                                                                    : name;
    }
    must(match(f), &f->err);
    expect_from(f, "dense1.weight", "b.early.weight");
    expect_from(f, "dense2.bias", "a.late.bias");
    expect_from(f, "conv1.weight", "y.first.weight");
    expect_from(f, "batchnorm1.bias", "n1.bias");
    expect_from(f, "batchnorm1.weight", "n1.weight");
    expect_from(f, "batchnorm2.running_var", "n1.s.running_var");
}

static void test_match__counters_are_passed_over(void **state)
{
    struct fixture *const f = *state;
    add_sequential(f);
    f->tensors[f->count++] = (struct mien_tensor){ .name = "features.1.num_batches_tracked",
                                                   .dtype = MIEN_I64,
                                                   .data = &f->counter,
                                                   .bytes = sizeof(f->counter) };
    must(match(f), &f->err);
    expect_sequential(f);
}

static void test_match__says_what_is_missing_and_what_is_left_over(void **state)
{
    struct fixture *const f = *state;
    add_sequential(f);
    f->tensors[0].name = "features.0.kernel";
    must_fail(match(f), MIEN_ERR_FORMAT, &f->err,
              "weights of another network: missing conv1.weight 4x1x3x3; "
              "left over features.0.kernel 4x1x3x3");
    f->tensors[0].name = "features.0.weight";
    add(f, "features.0.bias", "4");
    must_fail(match(f), MIEN_ERR_FORMAT, &f->err,
              "missing conv1.weight 4x1x3x3; left over features.0.bias 4, features.0.weight "
              "4x1x3x3");
    f->count--;
    f->count--;
    must_fail(match(f), MIEN_ERR_FORMAT, &f->err,
              "missing dense2.weight 3x5, dense2.bias 3; left over head.10.bias 3");
    f->count++;
    f->tensors[f->count - 1].dtype = MIEN_I32;
    must_fail(match(f), MIEN_ERR_FORMAT, &f->err,
              "left over head.10.bias 3, head.10.weight 3x5 of "
              "I32");
    f->count = 0;
    for (int i = 0; i < MOST; i++) {
        static char names[MOST][48];
        (void)snprintf(names[i], sizeof(names[i]), "a.rather.long.module.%d.weight", i);
        add(f, names[i], "2x2");
    }
    must_fail(match(f), MIEN_ERR_FORMAT, &f->err, "missing conv1.weight 4x1x3x3, ");
    assert_non_null(strstr(f->err.text, "; left over a.rather.long.module.0.weight 2x2, "));
    assert_string_equal(f->err.text + strlen(f->err.text) - 5, " more");
}

static void test_match__a_map_comes_before_the_order(void **state)
{
    struct fixture *const f = *state;
    add_sequential(f);
    f->tensors[0].name = "stem.w"; /* neither kind nor order would find it */
    must(read_map(f, "# theirs, ours\n"
                     "stem.w\tconv1.weight # a tensor\r\n"
                     "\n"
                     "  features.11   batchnorm1#a module\n"
                     "features.1 batchnorm2"),
         &f->err);
    assert_int_equal(f->map.count, 3);
    must(match(f), &f->err);
    expect_from(f, "conv1.weight", "stem.w");
    expect_from(f, "batchnorm1.weight", "features.11.weight");
    expect_from(f, "batchnorm1.running_mean", "features.11.running_mean");
    expect_from(f, "batchnorm2.bias", "features.1.bias");
    expect_from(f, "conv2.weight", "features.10.weight");
    expect_from(f, "dense2.weight", "head.10.weight");
}

static void test_match__a_map_that_is_wrong_is_told_by_its_line(void **state)
{
    struct fixture *const f = *state;
    static const struct {
        const char *text, *why;
    } faults[] = {
        { "a conv1\nfeatures.0 conv1\n", "map.txt:1: no such name in the weights: a" },
        { "\nfeatures.0 conv9\n", "map.txt:2: no such name in the network: conv9" },
        { "features.0.bias conv1.weight\n",
          "map.txt:1: the weights have nothing for conv1.weight" },
        { "features.0 conv1\nfeatures.0.weight conv1.weight",
          "map.txt:2: a second line for conv1" },
        { "features.10 conv1\n", "map.txt:1: features.10.weight is F32 of 4x4x3x3, conv1.weight "
                                 "wants F32, F16 or BF16 of 4x1x3x3" },
        { "features.0 dense1\n", "map.txt:1: features.0.weight is F32 of 4x1x3x3" },
    };
    add_sequential(f);
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        must(read_map(f, faults[i].text), &f->err);
        must_fail(match(f), MIEN_ERR_FORMAT, &f->err, faults[i].why);
    }
    must_fail(read_map(f, "one\n"), MIEN_ERR_FORMAT, &f->err, "map.txt:1: expected two names");
    must_fail(read_map(f, "a b\n\na b c\n"), MIEN_ERR_FORMAT, &f->err, "map.txt:3: expected two");
    must_fail(read_map(f, "a # b\n"), MIEN_ERR_FORMAT, &f->err, "map.txt:1: expected two names");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(test_match__numbers_in_names_count_as_numbers),
        TEST(test_match__own_names_come_first_and_others_do_not_matter),
        TEST(test_match__modules_of_one_kind_are_told_by_their_shapes),
        TEST(test_match__counters_are_passed_over),
        TEST(test_match__says_what_is_missing_and_what_is_left_over),
        TEST(test_match__a_map_comes_before_the_order),
        TEST(test_match__a_map_that_is_wrong_is_told_by_its_line),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
