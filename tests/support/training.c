/* training.c - recipes from text and small data sets in memory */
#include "support/training.h"

#include <stdlib.h>
#include <string.h>

#include "support/device.h"

struct mien_recipe *recipe_from(const char *text)
{
    struct mien_error err = { "" };
    struct mien_recipe *recipe = NULL;
    assert_ok(mien_recipe_parse(&recipe, text, strlen(text), "test.yaml", NULL, 0, &err), &err);
    return recipe;
}

struct mien_network *network_from(const char *text, int classes)
{
    struct mien_error err = { "" };
    struct mien_network *network = NULL;
    struct mien_recipe *const recipe = recipe_from(text);
    assert_ok(mien_network_create(&network, recipe, classes, &err), &err);
    mien_recipe_destroy(recipe);
    return network;
}

size_t param_offset(const struct mien_network *network, const char *name, size_t *count)
{
    for (size_t i = 0; i < network->param_count; i++) {
        if (strcmp(network->params[i].name, name) == 0) {
            if (count != NULL) {
                *count = network->params[i].count;
            }
            return network->params[i].offset;
        }
    }
    fail_msg("no parameter %s", name);
    return 0;
}

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* Noise with a square of a third of the image whose place, of 3 x 3, is the class. */
static void draw_image(uint8_t *image, int label, const struct set_sizes *sizes, uint32_t *state)
{
    const int third_h = sizes->height / 3 > 0 ? sizes->height / 3 : 1;
    const int third_w = sizes->width / 3 > 0 ? sizes->width / 3 : 1;
    for (int y = 0; y < sizes->height; y++) {
        for (int x = 0; x < sizes->width; x++) {
            const bool bright = y / third_h == label / 3 && x / third_w == label % 3;
            for (int c = 0; c < sizes->channels; c++) {
                *image++ = (uint8_t)(next_random(state) % 128 + (bright ? 100 : 0));
            }
        }
    }
}

struct mien_dataset *set_make(const struct set_sizes *sizes, uint32_t seed)
{
    struct mien_dataset *const set = calloc(1, sizeof(*set));
    const size_t count = (size_t)sizes->train + (size_t)sizes->validation;
    const size_t bytes = (size_t)sizes->channels * (size_t)sizes->height * (size_t)sizes->width;
    assert_non_null(set);
    uint8_t *const images = malloc(count * bytes + 1);
    int32_t *const labels = malloc((count + 1) * sizeof(*labels));
    char **const classes = calloc((size_t)sizes->classes, sizeof(*classes));
    assert_non_null(images);
    assert_non_null(labels);
    assert_non_null(classes);
    uint32_t state = seed;
    for (size_t i = 0; i < count; i++) {
        labels[i] = (int32_t)(i % (size_t)sizes->classes);
        draw_image(images + i * bytes, labels[i], sizes, &state);
    }
    for (int i = 0; i < sizes->classes; i++) {
        const char name[] = { 'c', (char)('0' + i), '\0' };
        classes[i] = strdup(name);
        assert_non_null(classes[i]);
    }
    *set = (struct mien_dataset){
        .count = count,
        .channels = sizes->channels,
        .height = sizes->height,
        .width = sizes->width,
        .images = images,
        .labels = labels,
        .class_count = sizes->classes,
        .classes = classes,
        .splits = { { 0, (size_t)sizes->train },
                    { (size_t)sizes->train, (size_t)sizes->validation },
                    { count, 0 } },
        .fingerprint = 0x1234500000000000u + seed,
    };
    return set;
}

void set_free(struct mien_dataset *set)
{
    for (int i = 0; i < set->class_count; i++) {
        free(set->classes[i]);
    }
    free(set->classes);
    free((void *)(uintptr_t)set->images); /* allocated by set_make() */
    free((void *)(uintptr_t)set->labels);
    free((void *)(uintptr_t)set->targets);
    free(set);
}

void set_add_targets(struct mien_dataset *set, uint32_t seed)
{
    set->targets = random_shares(set->count, (size_t)set->class_count, seed);
}

struct mien_model_file model_for(const char *recipe, const struct mien_dataset *set)
{
    struct mien_error err = { "" };
    struct mien_model_file file;
    assert_ok(
        mien_model_file_create(&file, recipe_from(recipe), set->classes, set->class_count, &err),
        &err);
    return file;
}
