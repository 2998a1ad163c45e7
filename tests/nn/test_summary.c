/* test_summary.c - a network as a table and as JSON */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nn/summary.h"
#include "support/scratch.h"

static struct mien_network *load(const char *name, int classes)
{
    struct mien_error err = { { 0 } };
    struct mien_recipe *recipe = NULL;
    struct mien_network *network = NULL;
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/recipes/%s", MIEN_SOURCE_DIR, name);
    must(mien_recipe_load(&recipe, path, NULL, 0, &err), &err);
    must(mien_network_create(&network, recipe, classes, &err), &err);
    mien_recipe_destroy(recipe);
    return network;
}

static void test_summary__text_has_layers_and_totals(void **state)
{
    (void)state;
    struct mien_error err = { { 0 } };
    struct mien_network *network = load("report.yaml", 7);
    char *text = NULL;
    must(mien_summary_text(&text, network, &err), &err);
    assert_non_null(strstr(text, "conv 32 4x4"));
    assert_non_null(strstr(text, "32 x 41 x 41"));
    assert_non_null(strstr(text, "6,455,160"));
    assert_non_null(strstr(text, "110.166"));
    assert_non_null(strstr(strstr(text, "total"), "6,500,383"));
    assert_int_equal(text[strlen(text) - 1], '\n');
    free(text);
    mien_network_destroy(network);
}

static void test_summary__json_has_the_same_numbers(void **state)
{
    (void)state;
    struct mien_error err = { { 0 } };
    struct mien_network *network = load("report.yaml", 7);
    json_t *json = NULL;
    must(mien_summary_json(&json, network, &err), &err);
    assert_int_equal(json_integer_value(json_object_get(json, "parameters")), 6500383);
    assert_int_equal(json_integer_value(json_object_get(json, "classes")), 7);
    const json_t *layers = json_object_get(json, "layers");
    assert_int_equal(json_array_size(layers), 10);
    const json_t *conv = json_array_get(layers, 2);
    assert_string_equal(json_string_value(json_object_get(conv, "name")), "conv2");
    assert_string_equal(json_string_value(json_object_get(conv, "spec")), "conv 32 4x4");
    assert_int_equal(json_integer_value(json_array_get(json_object_get(conv, "output"), 2)), 41);
    double sum = 0;
    for (size_t i = 0; i < json_array_size(layers); i++) {
        sum += json_number_value(json_object_get(json_array_get(layers, i), "flop"));
    }
    assert_true(sum > 0 && sum == json_number_value(json_object_get(json, "flop")));
    json_decref(json);
    mien_network_destroy(network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_summary__text_has_layers_and_totals),
        cmocka_unit_test(test_summary__json_has_the_same_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
