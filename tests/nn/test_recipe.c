/* test_recipe.c - recipes read, changed by settings, written, and refused */
#include <dirent.h>
#include <math.h>
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

/* All but where it came from. */
static void check_equal(const struct mien_recipe *a, const struct mien_recipe *b)
{
    size_t count = 0;
    const struct mien_recipe_field *fields = mien_recipe_fields(&count);
    for (size_t i = 0; i < count; i++) {
        char one[160];
        char two[160];
        mien_recipe_field_format(one, sizeof(one), a, &fields[i]);
        mien_recipe_field_format(two, sizeof(two), b, &fields[i]);
        assert_string_equal(one, two);
    }
    assert_memory_equal(&a->train.optimizer.rate, &b->train.optimizer.rate, sizeof(float));
    assert_memory_equal(&a->normalize, &b->normalize, sizeof(a->normalize));
    assert_int_equal(a->layer_count, b->layer_count);
    for (size_t i = 0; i < a->layer_count; i++) {
        struct mien_layer_spec one = a->layers[i];
        struct mien_layer_spec two = b->layers[i];
        assert_int_equal(one.kind, two.kind);
        assert_int_equal(one.width, two.width);
        assert_int_equal(one.kernel_h, two.kernel_h);
        assert_int_equal(one.kernel_w, two.kernel_w);
        assert_int_equal(one.stride, two.stride);
        assert_int_equal(one.pad, two.pad);
        assert_int_equal(one.bias, two.bias);
    }
}

static void check_round_trip(const struct mien_recipe *recipe)
{
    struct mien_error err = { { 0 } };
    char *text = NULL;
    must(mien_recipe_format(&text, recipe, &err), &err);
    struct mien_recipe *again = must_parse(text);
    check_equal(recipe, again);
    free(text);
    mien_recipe_destroy(again);
}

static void test_recipe__defaults_are_as_documented(void **state)
{
    (void)state;
    struct mien_recipe *recipe = must_parse(INPUT LAYERS);
    assert_string_equal(recipe->where, "r.yaml");
    assert_string_equal(recipe->name, "unnamed");
    assert_int_equal(recipe->input.channels, 1);
    assert_float_equal(recipe->normalize.mean, 0, 0);
    assert_float_equal(recipe->normalize.std, 1, 0);
    assert_int_equal(recipe->train.batch, 150);
    assert_int_equal(recipe->train.accumulate, 1);
    assert_int_equal(recipe->train.epochs, 50);
    assert_float_equal(recipe->train.stop_at_train_accuracy, 0, 0);
    assert_int_equal(recipe->train.seed, 1);
    assert_int_equal(recipe->train.optimizer.kind, MIEN_OPTIMIZER_SGD);
    assert_float_equal(recipe->train.optimizer.rate, 0.01F, 0);
    assert_float_equal(recipe->train.optimizer.momentum, 0, 0);
    assert_false(recipe->train.optimizer.nesterov);
    assert_false(recipe->train.optimizer.decay_all);
    assert_float_equal(recipe->train.clip_norm, 0, 0);
    assert_float_equal(recipe->train.sam, 0, 0);
    assert_float_equal(recipe->train.optimizer.beta1, 0.9F, 0);
    assert_float_equal(recipe->train.optimizer.beta2, 0.999F, 0);
    assert_float_equal(recipe->train.optimizer.epsilon, 1e-8F, 0);
    assert_int_equal(recipe->train.schedule.kind, MIEN_SCHEDULE_CONSTANT);
    mien_recipe_destroy(recipe);
}

static const char *const every_key =
    "name: \"a: \\\"b\\\" \\\\ c\"\n"
    "input: { channels: 3, height: 44, width: 40, margin: 2 }\n"
    "normalize: { mean: 0.5077, std: 0.2551 }\n"
    "augment: { mirror: yes, rotate: 10, scale: 0.1, shift: 0.08, brightness: 0.2, contrast: 0.3,\n"
    "  erase: 0.25, mixup: 0.4 }\n"
    "layers:\n"
    "  - conv 8 3x5 stride 2 pad 1 bias no\n"
    "  - flatten\n"
    "  - dense classes bias no\n"
    "train:\n"
    "  batch: 32\n"
    "  accumulate: 4\n"
    "  epochs: 7\n"
    "  stop_at_train_accuracy: 0.95\n"
    "  seed: 18446744073709551615\n"
    "  label_smoothing: 0.1\n"
    "  soft_targets: 0.7\n"
    "  class_weights: balanced\n"
    "  ema: 0.999\n"
    "  clip_norm: 2.5\n"
    "  sam: 0.05\n"
    "  optimizer:\n"
    "    { kind: adamw, rate: 1e-3, momentum: 0.8, nesterov: yes, weight_decay: 5e-4,\n"
    "      decay_all: true, beta1: 0.85, beta2: 0.99, epsilon: 1e-6 }\n"
    "  schedule: { kind: cosine, step: 3, patience: 2, gamma: 0.25, min_rate: 0.0001, warmup: 1.5 "
    "}\n";

static void test_recipe__class_weights_are_kept_as_they_are_written(void **state)
{
    (void)state;
    static const char *const weights[] = { "none", "balanced", "disgust 4", "disgust 4; fear 1.5",
                                           "very  sad 1e-3;none 2 ;\xc3\xbc\\\\b 3" };
    for (size_t i = 0; i < sizeof(weights) / sizeof(weights[0]); i++) {
        char text[256];
        (void)snprintf(text, sizeof(text), INPUT LAYERS "train: { class_weights: \"%s\" }\n",
                       weights[i]);
        struct mien_recipe *const recipe = must_parse(text);
        check_round_trip(recipe);
        mien_recipe_destroy(recipe);
    }
}

static void test_recipe__every_key_is_read(void **state)
{
    (void)state;
    struct mien_recipe *recipe = must_parse(every_key);
    struct mien_recipe *plain = must_parse("input: { channels: 1, height: 1, width: 1 }\n" LAYERS);
    assert_string_equal(recipe->name, "a: \"b\" \\ c");
    assert_int_equal(recipe->input.height, 44);
    assert_int_equal(recipe->input.width, 40);
    assert_int_equal(recipe->input.margin, 2);
    assert_true(recipe->augment.mirror);
    assert_float_equal(recipe->augment.rotate, 10.0F, 0);
    assert_float_equal(recipe->augment.erase, 0.25F, 0);
    assert_true(recipe->train.seed == UINT64_MAX);
    assert_int_equal(recipe->train.optimizer.kind, MIEN_OPTIMIZER_ADAMW);
    assert_true(recipe->train.optimizer.nesterov);
    assert_float_equal(recipe->train.schedule.warmup, 1.5F, 0);
    assert_int_equal(recipe->layers[0].line, 7);
    /* No value is left at its default, so none of the table is missing in the schema. */
    size_t count = 0;
    const struct mien_recipe_field *fields = mien_recipe_fields(&count);
    for (size_t i = 0; i < count; i++) {
        char one[160];
        char two[160];
        mien_recipe_field_format(one, sizeof(one), recipe, &fields[i]);
        mien_recipe_field_format(two, sizeof(two), plain, &fields[i]);
        assert_string_not_equal(one, two);
    }
    check_round_trip(recipe);
    mien_recipe_destroy(plain);
    mien_recipe_destroy(recipe);
}

static void test_recipe__floats_survive_writing(void **state)
{
    (void)state;
    struct mien_recipe *recipe = must_parse(INPUT LAYERS);
    const float rates[] = { 0.1F, 1.0F / 3, 1e-20F, 123.456789F, 9.99999994e-9F, 0 };
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        recipe->train.optimizer.rate = rates[i];
        recipe->normalize.mean = -rates[i];
        check_round_trip(recipe);
    }
    char text[32];
    recipe->train.optimizer.rate = 0.01F;
    mien_recipe_field_format(text, sizeof(text), recipe,
                             mien_recipe_field_find("train.optimizer.rate"));
    assert_string_equal(text, "0.01");
    mien_recipe_destroy(recipe);
}

static void test_recipe__limits_are_read_and_written(void **state)
{
    (void)state;
    size_t count = 0;
    const struct mien_recipe_field *fields = mien_recipe_fields(&count);
    struct mien_recipe *recipe = must_parse(INPUT LAYERS);
    for (size_t i = 0; i < count; i++) {
        struct mien_error err = { { 0 } };
        char value[64];
        if (fields[i].kind != MIEN_FIELD_INT && fields[i].kind != MIEN_FIELD_FLOAT) {
            continue;
        }
        const double step = fields[i].kind == MIEN_FIELD_INT ? 1 : fabs(fields[i].max) * 1e-3;
        (void)snprintf(value, sizeof(value), "%.9g", fields[i].max);
        must(mien_recipe_field_set(recipe, &fields[i], value, &err), &err);
        (void)snprintf(value, sizeof(value), "%.9g", fields[i].max + step);
        must_fail(mien_recipe_field_set(recipe, &fields[i], value, &err), MIEN_ERR_FORMAT, &err,
                  fields[i].path);
        (void)snprintf(value, sizeof(value), "%.9g", fields[i].min - step);
        must_fail(mien_recipe_field_set(recipe, &fields[i], value, &err), MIEN_ERR_FORMAT, &err,
                  "expected a ");
        (void)snprintf(value, sizeof(value), "%.9g", fields[i].min);
        must(mien_recipe_field_set(recipe, &fields[i], value, &err), &err);
    }
    check_round_trip(recipe);
    mien_recipe_destroy(recipe);
}

static void test_recipe__refuses_bad_values_with_their_line(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        { "train: { batch: 0 }",
          "r.yaml:3: train.batch: got \"0\", expected a whole number from 1" },
        { "train: { batch: 65537 }", "train.batch: got \"65537\"" },
        { "train: { batch: -1 }", "train.batch: got \"-1\"" },
        { "train: { batch: 1.5 }", "train.batch: got \"1.5\"" },
        { "train: { batch: 0x10 }", "train.batch: got \"0x10\"" },
        { "train: { batch: }", "train.batch: got \"\"" },
        { "train:\n  epochs: 100001", "r.yaml:4: train.epochs: got \"100001\"" },
        { "train: { epochs: ten }", "train.epochs: got \"ten\"" },
        { "train: { stop_at_train_accuracy: 95 }", "expected a number from 0 to 1" },
        { "train: { seed: -1 }", "train.seed: got \"-1\"" },
        { "train: { seed: 18446744073709551616 }", "train.seed: got" },
        { "train: { label_smoothing: .nan }", "train.label_smoothing: got \".nan\"" },
        { "train: { optimizer: { rate: nan } }", "train.optimizer.rate: got \"nan\"" },
        { "train: { optimizer: { rate: .inf } }", "train.optimizer.rate: got \".inf\"" },
        { "train: { optimizer: { rate: 1e999 } }", "train.optimizer.rate: got \"1e999\"" },
        { "train: { optimizer: { rate: -0.1 } }", "train.optimizer.rate: got \"-0.1\"" },
        { "train: { optimizer: { rate: 0x1p3 } }", "train.optimizer.rate: got \"0x1p3\"" },
        { "train: { optimizer: { rate: 0,1 } }", "r.yaml:3: unknown key train.optimizer.1" },
        { "train: { optimizer: { rate: \"0,1\" } }", "train.optimizer.rate: got \"0,1\"" },
        { "train: { optimizer: { rate: - } }", "" },
        { "train: { optimizer: { momentum: 1 } }", "train.optimizer.momentum: got \"1\"" },
        { "train: { optimizer: { epsilon: 0 } }", "train.optimizer.epsilon: got \"0\"" },
        { "train: { optimizer: { kind: lion } }",
          "got \"lion\", expected one of sgd, adam, adamw" },
        { "train: { optimizer: { nesterov: maybe } }", "got \"maybe\", expected true or false" },
        { "train: { optimizer: { nesterov: true } }", "expected a momentum above 0" },
        { "train: { schedule: { kind: linear } }", "one of constant, step, cosine, onecycle" },
        { "train: { schedule: { kind: cosine, min_rate: 0.1 } }", "which is 0.0" },
        { "train: { schedule: { kind: plateau, min_rate: 0.1 } }", "which is 0.0" },
        { "name: \"\"", "name: got \"\", expected 1 to 63 printable" },
        { "name: caf\303\251", "name: got \"caf" },
        { "name: |\n  two\n  lines", "name: got \"two?lines?\"" },
        { "normalize: { std: 0 }", "normalize.std: got \"0\"" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[256];
        (void)snprintf(text, sizeof(text), INPUT LAYERS "%s\n", rows[i][0]);
        refuse(text, rows[i][1]);
    }
    refuse("input: { channels: 0, height: 8, width: 8 }\n" LAYERS, "r.yaml:1: input.channels");
    refuse("input: { channels: 2, height: 8, width: 8 }\n" LAYERS,
           "r.yaml:1: input.channels: got \"2\", expected 1 (gray) or 3 (RGB)");
    refuse("input: { channels: 4, height: 8, width: 8 }\n" LAYERS, "1 (gray) or 3 (RGB)");
    refuse("input: { channels: 1, height: 4097, width: 8 }\n" LAYERS, "from 1 to 4096");
    refuse("input: { channels: 1, height: 8, width: 8, margin: -1 }\n" LAYERS, "from 0 to 64");
    refuse(INPUT "augment: { scale: 1 }\n" LAYERS, "augment.scale: got \"1\", expected");
    refuse(INPUT "augment: { rotate: -10 }\n" LAYERS, "from 0 to 180");
    refuse(INPUT "augment: { erase: 1.5 }\n" LAYERS, "from 0 to 1");
    refuse(INPUT "augment: { mixup: 11 }\n" LAYERS, "from 0 to 10");
    static const char *const weights[] = { "some",       "disgust",      "disgust 0",
                                           "disgust -1", "disgust 1;",   "disgust 1 fear",
                                           "a 1; a 2",   "; a 1",        "a nan",
                                           "a 1e9",      "a 1; balanced" };
    for (size_t i = 0; i < sizeof(weights) / sizeof(weights[0]); i++) {
        char text[256];
        (void)snprintf(text, sizeof(text), INPUT LAYERS "train: { class_weights: \"%s\" }\n",
                       weights[i]);
        refuse(text, "expected none, balanced, or classes, each once, with weights from 1e-6 to "
                     "1e6: disgust 4; fear 1.5");
    }
    refuse(INPUT "augment: { mirror: 2 }\n" LAYERS, "expected true or false");
    refuse(INPUT "augment: { rotat: 5 }\n" LAYERS, "did you mean augment.rotate");
}

static void test_recipe__refuses_wrong_structure(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        { "", "r.yaml: empty" },
        { "# only a comment\n", "r.yaml: empty" },
        { "a text", "r.yaml:1: expected keys and values" },
        { "[a, b]", "r.yaml:1: expected keys and values" },
        { "name: [", "r.yaml:2: not YAML" },
        { INPUT "layers: dense\n", "r.yaml:2: layers: got one value, expected a list" },
        { INPUT, "r.yaml: layers is missing" },
        { LAYERS, "r.yaml: input is missing" },
        { "input: 3\n" LAYERS, "r.yaml:1: input: got one value, expected keys with values" },
        { "input: { channels: 1, height: 8 }\n" LAYERS, "r.yaml: input.width is missing" },
        { INPUT "layers: []\n", "r.yaml:2: layers: got none, expected 1 to 256" },
        { INPUT "layers:\n  - flatten\n  - [a]\n", "layer 2: got a list, expected one value" },
        { INPUT "layers:\n  - conv: 3\n", "got keys with values, expected one value" },
        { INPUT LAYERS "train: { batch: [3] }\n", "r.yaml:3: batch: got a list" },
        { INPUT LAYERS "train: { optimizer: sgd }\n", "optimizer: got one value" },
        { INPUT LAYERS "name: a\nname: b\n", "r.yaml:4: name is already given on line 3" },
        { INPUT LAYERS "trian: { batch: 3 }\n", "r.yaml:3: unknown key trian (" },
        { INPUT LAYERS "train: { bacth: 3 }\n",
          "r.yaml:3: unknown key train.bacth (did you mean train.batch)" },
        { INPUT LAYERS "batch: 3\n", "unknown key batch (did you mean train.batch" },
        { INPUT LAYERS "train.batch: 3\n", "Unexpected key: train.batch" },
        { INPUT LAYERS "? { a: b }\n: c\n", "expected a key of plain text" },
        { INPUT LAYERS "? [ a ]\n: c\n", "expected a key of plain text" },
        { INPUT LAYERS "\"a\\0b\": c\n", "expected a key of plain text" },
        { INPUT LAYERS "name: \"a\\0b\"\n", "r.yaml:3: name: got a NUL" },
        { INPUT LAYERS "name: !!str a\n", "r.yaml:3: got the YAML tag" },
        { INPUT LAYERS "name: &a b\n", "r.yaml:3: got the YAML anchor" },
        { INPUT LAYERS "train: *a\n", "r.yaml:3: got the YAML anchor or alias \"a\"" },
        { INPUT LAYERS "--- \na: b\n", "a second YAML document" },
        { INPUT "\tlayers: x\n", "r.yaml:2: not YAML" },
        { INPUT "\377\376\n", "r.yaml:2: not YAML" },
        { INPUT "a: { b: { c: { d: { e: 1 } } } }\n", "r.yaml:2: nested deeper than 4" },
        { "a_key_that_is_longer_than_any_path_may_be_in_a_recipe_of_this_program: 1\n",
          "unknown key \"a_key_that" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        refuse(rows[i][0], rows[i][1]);
    }
}

static void test_recipe__takes_windows_text(void **state)
{
    (void)state;
    struct mien_recipe *recipe = must_parse("\357\273\277" INPUT "layers:\r\n  - flatten\r\n"
                                            "  - dense classes\r\nname: x\r\n");
    assert_int_equal(recipe->layer_count, 2);
    assert_int_equal(recipe->layers[1].line, 4);
    assert_string_equal(recipe->name, "x");
    mien_recipe_destroy(recipe);
}

static enum mien_status set(struct mien_recipe **out, const char *one, const char *two,
                            struct mien_error *err)
{
    const char *settings[] = { one, two };
    return mien_recipe_parse(out, every_key, strlen(every_key), "r.yaml", settings,
                             two == NULL ? 1 : 2, err);
}

static void test_recipe__settings_go_over_the_file_in_order(void **state)
{
    (void)state;
    struct mien_error err = { { 0 } };
    struct mien_recipe *recipe = NULL;
    must(set(&recipe, "train.optimizer.rate=0.5", "train.optimizer.rate=0.25", &err), &err);
    assert_float_equal(recipe->train.optimizer.rate, 0.25F, 0);
    mien_recipe_destroy(recipe);
    must(set(&recipe, "name=a=b", "input.height=12", &err), &err);
    assert_string_equal(recipe->name, "a=b");
    assert_int_equal(recipe->input.height, 12);
    mien_recipe_destroy(recipe);
}

static void test_recipe__every_value_can_be_set(void **state)
{
    (void)state;
    struct mien_recipe *full = must_parse(every_key);
    struct mien_recipe *plain = NULL;
    struct mien_error err = { { 0 } };
    size_t count = 0;
    const struct mien_recipe_field *fields = mien_recipe_fields(&count);
    for (size_t i = 0; i < count; i++) {
        char value[160];
        char setting[256];
        char got[160];
        mien_recipe_field_format(value, sizeof(value), full, &fields[i]);
        const bool name = strcmp(fields[i].path, "name") == 0;
        (void)snprintf(setting, sizeof(setting), "%s=%s", fields[i].path,
                       name ? full->name : value);
        /* nesterov needs a momentum, which the text gives */
        const char *const settings[] = { setting };
        static const char text[] = INPUT LAYERS "train: { optimizer: { momentum: 0.5 } }\n";
        must(mien_recipe_parse(&plain, text, sizeof(text) - 1, "r", settings, 1, &err), &err);
        mien_recipe_field_format(got, sizeof(got), plain, &fields[i]);
        assert_string_equal(got, value);
        mien_recipe_destroy(plain);
    }
    mien_recipe_destroy(full);
}

static void test_recipe__refuses_bad_settings(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        { "train.optimizer.rat=1",
          "unknown key train.optimizer.rat (did you mean train.optimizer.rate" },
        { "rate=1", "did you mean train.optimizer.rate" },
        { "train.optimizer.foo=1", "(expected kind, rate, momentum, nesterov" },
        { "foo=1", "expected layers, name, input, normalize, augment, train)" },
        { "train=1", "cannot set the whole group train (expected batch, acc" },
        { "train.optimizer=sgd", "cannot set the whole group train.optimizer (expected kind" },
        { "layers=relu", "layers cannot be set here" },
        { "layers[0]=relu", "layers cannot be set here" },
        { "layers.0=relu", "layers cannot be set here" },
        { "train.epochs", "expected KEY=VALUE" },
        { "=3", "expected KEY=VALUE" },
        { "", "expected KEY=VALUE" },
        { "train.epochs=", "train.epochs: got \"\"" },
        { "train.epochs=0", "setting \"train.epochs=0\": train.epochs: got \"0\", expected" },
        { "train.epochs= 3", "train.epochs: got \" 3\"" },
        { "train.epochs=3\n4", "train.epochs: got \"3?4\"" },
        { "name=\001", "name: got \"?\"" },
        { "an.endless.path.an.endless.path.an.endless.path.an.endless.path.of.keys=1",
          "unknown key" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct mien_error err = { { 0 } };
        struct mien_recipe *recipe = NULL;
        must_fail(set(&recipe, rows[i][0], NULL, &err), MIEN_ERR_USAGE, &err, rows[i][1]);
        assert_null(recipe);
    }
}

static void test_recipe__those_that_ship_load_and_round_trip(void **state)
{
    (void)state;
    DIR *folder = opendir(MIEN_SOURCE_DIR "/recipes");
    assert_non_null(folder);
    int count = 0;
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        struct mien_error err = { { 0 } };
        struct mien_recipe *recipe = NULL;
        char path[512];
        char file[80];
        if (strstr(entry->d_name, ".yaml") == NULL) {
            continue;
        }
        (void)snprintf(path, sizeof(path), "%s/recipes/%s", MIEN_SOURCE_DIR, entry->d_name);
        must(mien_recipe_load(&recipe, path, NULL, 0, &err), &err);
        (void)snprintf(file, sizeof(file), "%s.yaml", recipe->name);
        assert_string_equal(file, entry->d_name);
        check_round_trip(recipe);
        mien_recipe_destroy(recipe);
        count++;
    }
    (void)closedir(folder);
    assert_true(count >= 6);
}

/* docs/recipes.md has a row "| `key` | default |" for each key. */
static void test_recipe__the_documents_have_every_key_and_default(void **state)
{
    (void)state;
    size_t bytes = 0;
    char *text = (char *)scratch_read(MIEN_SOURCE_DIR "/docs/recipes.md", &bytes);
    size_t count = 0;
    const struct mien_recipe_field *fields = mien_recipe_fields(&count);
    for (size_t i = 0; i < count; i++) {
        char row[128];
        (void)snprintf(row, sizeof(row), "| `%s` | %s |", fields[i].path,
                       fields[i].fallback == NULL ? "none" : fields[i].fallback);
        if (strstr(text, row) == NULL) {
            fail_msg("docs/recipes.md has no row %s", row);
        }
    }
    free(text);
}

static void test_recipe__a_missing_file_is_named(void **state)
{
    (void)state;
    struct mien_error err = { { 0 } };
    struct mien_recipe *recipe = NULL;
    must_fail(mien_recipe_load(&recipe, "/nowhere/r.yaml", NULL, 0, &err), MIEN_ERR_IO, &err,
              "/nowhere/r.yaml");
    assert_null(recipe);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recipe__defaults_are_as_documented),
        cmocka_unit_test(test_recipe__every_key_is_read),
        cmocka_unit_test(test_recipe__class_weights_are_kept_as_they_are_written),
        cmocka_unit_test(test_recipe__floats_survive_writing),
        cmocka_unit_test(test_recipe__limits_are_read_and_written),
        cmocka_unit_test(test_recipe__refuses_bad_values_with_their_line),
        cmocka_unit_test(test_recipe__refuses_wrong_structure),
        cmocka_unit_test(test_recipe__takes_windows_text),
        cmocka_unit_test(test_recipe__settings_go_over_the_file_in_order),
        cmocka_unit_test(test_recipe__every_value_can_be_set),
        cmocka_unit_test(test_recipe__refuses_bad_settings),
        cmocka_unit_test(test_recipe__those_that_ship_load_and_round_trip),
        cmocka_unit_test(test_recipe__the_documents_have_every_key_and_default),
        cmocka_unit_test(test_recipe__a_missing_file_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
