/* fuzz_recipe.c - YAML to a network, and back to the same YAML */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "nn/model.h"
#include "nn/summary.h"

/* Nodes and their memory, to train and to evaluate, as on a CPU device and on a GPU. */
static void plan(const struct mien_network *network)
{
    for (int i = 0; i < 4; i++) {
        const struct mien_model_options options = { .batch = 3,
                                                    .train = i % 2 == 0,
                                                    .lanes = i / 2 == 0 ? 1 : 8 };
        struct mien_model_memory memory;
        struct mien_error err = { "" };
        const enum mien_status st = mien_model_plan(&memory, network, &options, &err);
        fuzz_outcome(st, st == MIEN_OK ? &memory : NULL, &err);
    }
}

/* Shapes, parameters, the table of what was understood, and the plan. */
static void build(const struct mien_recipe *recipe)
{
    struct mien_network *network = NULL;
    struct mien_error err = { "" };
    char *table = NULL;
    enum mien_status st = mien_network_create(&network, recipe, 7, &err);
    fuzz_outcome(st, network, &err);
    if (st == MIEN_OK) {
        fuzz_expect(network->parameters <= INT32_MAX, "a network has at most 2^31 - 1 parameters");
        st = mien_summary_text(&table, network, &err);
        fuzz_outcome(st, table, &err);
        plan(network);
    }
    free(table);
    mien_network_destroy(network);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mien_recipe *recipe = NULL;
    struct mien_recipe *again = NULL;
    struct mien_error err = { "" };
    char *text = NULL;
    char *same = NULL;
    enum mien_status st =
        mien_recipe_parse(&recipe, (const char *)data, size, "fuzz", NULL, 0, &err);
    fuzz_outcome(st, recipe, &err);
    if (st == MIEN_OK) {
        build(recipe);
        st = mien_recipe_format(&text, recipe, &err);
        fuzz_outcome(st, text, &err);
        st = mien_recipe_parse(&again, text, strlen(text), "fuzz", NULL, 0, &err);
        fuzz_outcome(st, again, &err);
        fuzz_expect(st == MIEN_OK, "what is written can be read");
        st = mien_recipe_format(&same, again, &err);
        fuzz_outcome(st, same, &err);
        fuzz_expect(strcmp(text, same) == 0, "what is read back is the same");
    }
    free(text);
    free(same);
    mien_recipe_destroy(recipe);
    mien_recipe_destroy(again);
    return 0;
}
