/* test_recipe_scan.c - hostile recipes: aliases, depth, size, NUL bytes, cuts */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nn/recipe_parts.h"
#include "support/scratch.h"

#define INPUT  "input: { channels: 1, height: 8, width: 8 }\n"
#define LAYERS "layers: [ flatten, dense classes ]\n"

static enum mien_status parse(struct mien_recipe **out, const char *text, struct mien_error *err)
{
    return mien_recipe_parse(out, text, strlen(text), "r.yaml", NULL, 0, err);
}

static struct mien_recipe *must_parse(const char *text)
{
    struct mien_error err = { { 0 } };
    struct mien_recipe *recipe = NULL;
    must(parse(&recipe, text, &err), &err);
    return recipe;
}

static void refuse(const char *text, const char *part)
{
    struct mien_error err = { { 0 } };
    struct mien_recipe *recipe = NULL;
    must_fail(parse(&recipe, text, &err), MIEN_ERR_FORMAT, &err, part);
    assert_null(recipe);
}

static const char *const every_key =
    "name: \"a: \\\"b\\\" \\\\ c\"\n"
    "input: { channels: 3, height: 44, width: 40 }\n"
    "normalize: { mean: 0.5077, std: 0.2551 }\n"
    "layers:\n"
    "  - conv 8 3x5 stride 2 pad 1 bias no\n"
    "  - flatten\n"
    "  - dense classes bias no\n"
    "train:\n"
    "  batch: 32\n"
    "  epochs: 7\n"
    "  stop_at_train_accuracy: 0.95\n"
    "  seed: 18446744073709551615\n"
    "  label_smoothing: 0.1\n"
    "  optimizer:\n"
    "    { kind: adamw, rate: 1e-3, momentum: 0.8, nesterov: yes, weight_decay: 5e-4, beta1: "
    "0.85,\n"
    "      beta2: 0.99, epsilon: 1e-6 }\n"
    "  schedule: { kind: cosine, step: 3, gamma: 0.25, min_rate: 0.0001, warmup: 1.5 }\n";

/* "billion laughs": each line ten times the one before it. */
static void test_recipe_scan__aliases_do_not_multiply(void **state)
{
    (void)state;
    refuse("a: &a [ x, x, x, x, x, x, x, x, x, x ]\n"
           "b: &b [ *a, *a, *a, *a, *a, *a, *a, *a, *a, *a ]\n"
           "c: &c [ *b, *b, *b, *b, *b, *b, *b, *b, *b, *b ]\n"
           "layers: [ *c, *c, *c, *c, *c, *c, *c, *c, *c, *c ]\n",
           "r.yaml:1: got the YAML anchor");
}

static char *repeat(const char *start, const char *unit, size_t count, const char *end)
{
    const size_t length = strlen(unit);
    const size_t bytes = strlen(start) + length * count + strlen(end) + 1;
    char *text = malloc(bytes);
    assert_non_null(text);
    char *at = text + snprintf(text, bytes, "%s", start);
    for (size_t i = 0; i < count; i++) {
        memcpy(at, unit, length);
        at += length;
    }
    (void)snprintf(at, bytes - (size_t)(at - text), "%s", end);
    return text;
}

static void test_recipe_scan__large_and_deep_texts_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *start, *unit;
        size_t count;
        const char *end, *part;
    } rows[] = {
        { "a: ", "[", 500000, "", "nested deeper" },
        { "", "{a: ", 250000, "", "nested deeper" },
        { "", "- ", 500000, "", "expected keys and values" },
        { "", "? ", 500000, "", "expected a key" },
        { "layers:\n", "  - relu\n", 257, INPUT, "layers: got more, expected 1 to 256" },
        { "layers:\n", "  - relu\n", 100000, "", "more than 1024 values" },
        { "name: \"", "x", 1000000, "\"\n" INPUT LAYERS, "name: got \"xxx" },
        { "", "x", 1000000, "", "expected keys and values" },
        { "#", "x", 1 << 20, "", "expected at most 1048576" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *text = repeat(rows[i].start, rows[i].unit, rows[i].count, rows[i].end);
        refuse(text, rows[i].part);
        free(text);
    }
    char *text = repeat("layers:\n", "  - relu\n", 256, INPUT);
    mien_recipe_destroy(must_parse(text));
    free(text);
}

static void test_recipe_scan__nul_bytes_are_refused(void **state)
{
    (void)state;
    struct mien_error err = { { 0 } };
    struct mien_recipe *recipe = NULL;
    static const char text[] = INPUT LAYERS "name: a\0b\n";
    must_fail(mien_recipe_parse(&recipe, text, sizeof(text) - 1, "r.yaml", NULL, 0, &err),
              MIEN_ERR_FORMAT, &err, "r.yaml:3: a NUL byte");
    must_fail(mien_recipe_parse(&recipe, NULL, 0, "r.yaml", NULL, 0, &err), MIEN_ERR_FORMAT, &err,
              "empty");
}

/* Each cut of a good recipe is good or refused in one line; ASan watches. */
static void test_recipe_scan__cut_anywhere_it_does_not_crash(void **state)
{
    (void)state;
    for (size_t bytes = 0; bytes < strlen(every_key); bytes++) {
        struct mien_error err = { { 0 } };
        struct mien_recipe *recipe = NULL;
        const enum mien_status st =
            mien_recipe_parse(&recipe, every_key, bytes, "r.yaml", NULL, 0, &err);
        assert_true(st == MIEN_OK || (st == MIEN_ERR_FORMAT && strchr(err.text, '\n') == NULL));
        assert_true((st == MIEN_OK) == (recipe != NULL));
        mien_recipe_destroy(recipe);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recipe_scan__aliases_do_not_multiply),
        cmocka_unit_test(test_recipe_scan__large_and_deep_texts_are_refused),
        cmocka_unit_test(test_recipe_scan__nul_bytes_are_refused),
        cmocka_unit_test(test_recipe_scan__cut_anywhere_it_does_not_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
