/* cmd_summary.c - `mien summary`: a recipe's layers, shapes, parameters and arithmetic */
#include <stdlib.h>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/term.h"
#include "nn/summary.h"

struct summary_options {
    struct common_options common;
    const char *recipe;
    struct opt_strings settings;
    int classes;
};

#define FIELD(name) offsetof(struct summary_options, name)

static const struct opt summary_table[] = {
    { "set", OPT_STRINGS, FIELD(settings), "KEY=VALUE",
      "put a value over the recipe's; may come again", .role = OPT_ANY },
    { "classes", OPT_INT, FIELD(classes), "N", "classes to tell apart", .min = 2, .max = 10000 },
    { .name = NULL },
};

static const struct positional summary_positionals[] = {
    { "RECIPE", FIELD(recipe), 1, 1, "recipe file, for example recipes/report.yaml", OPT_INPUT },
    { .name = NULL },
};

static const struct summary_options summary_defaults = { .common = { .seed = -1 }, .classes = 7 };

static enum mien_status summary(const void *options, struct term *term, struct mien_error *err)
{
    const struct summary_options *const o = options;
    struct mien_recipe *recipe = NULL;
    struct mien_network *network = NULL;
    char *text = NULL;
    json_t *json = NULL;
    enum mien_status st = MIEN_OK;
    TRY(mien_recipe_load(&recipe, o->recipe, (const char *const *)o->settings.items,
                         o->settings.count, err));
    TRY(mien_network_create(&network, recipe, o->classes, err));
    if (o->common.json) {
        TRY(mien_summary_json(&json, network, err));
        (void)json_object_set_new(json, "network", json_string(recipe->name));
        json_t *const result = json;
        json = NULL;
        TRY(term_json(term, result, err));
    } else {
        TRY(mien_summary_text(&text, network, err));
        term_print(term, "%s, %d classes\n%s", recipe->name, o->classes, text);
    }

done:
    json_decref(json);
    free(text);
    mien_network_destroy(network);
    mien_recipe_destroy(recipe);
    return st;
}

const struct command cmd_summary = {
    .name = "summary",
    .summary = "Print a recipe's layers, shapes, parameters and arithmetic",
    .details = "No OpenCL device is needed. Example of a value put over the recipe's:\n"
               "--set train.optimizer.rate=0.05",
    .options = summary_table,
    .positionals = summary_positionals,
    .common = COMMON_JSON,
    .options_bytes = sizeof(struct summary_options),
    .defaults = &summary_defaults,
    .run = summary,
};
