/* cmd_import.c - `mien import`: weights that PyTorch saved, as a model of mien */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "cli/commands.h"
#include "cli/session.h"
#include "cli/text.h"
#include "data/classes.h"
#include "nn/weights_match.h"

struct import_options {
    struct common_options common;
    const char *weights, *recipe, *classes, *out, *map;
    struct opt_strings settings;
};

#define FIELD(name) offsetof(struct import_options, name)

static const struct opt import_table[] = {
    { "recipe", OPT_STRING, FIELD(recipe), "FILE", "the same network as a recipe",
      .role = OPT_INPUT, .required = true },
    { "classes", OPT_STRING, FIELD(classes), "NAMES",
      "its classes with commas between, in the order of its outputs", .role = OPT_ANY,
      .required = true },
    { "out", OPT_STRING, FIELD(out), "MODEL", "file to write, for example faces.safetensors",
      .role = OPT_OUTPUT, .required = true },
    { "map", OPT_STRING, FIELD(map), "FILE",
      "names, where the order is not enough: on each line one of WEIGHTS and one of the network",
      .role = OPT_INPUT },
    { "set", OPT_STRINGS, FIELD(settings), "KEY=VALUE",
      "put a value over the recipe's; may come again", .role = OPT_ANY },
    { .name = NULL },
};

static const struct positional import_positionals[] = {
    { "WEIGHTS", FIELD(weights), 1, 1, "safetensors file with the network's state_dict",
      OPT_INPUT },
    { .name = NULL },
};

static const struct import_options import_defaults = { .common = { .seed = -1 } };

/* The names between the commas, each once. */
static enum mien_status parse_classes(struct mien_class_list *list, const char *text,
                                      struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    char *const copy = mien_strdup(text, err);
    if (copy == NULL) {
        return MIEN_ERR_MEMORY;
    }
    for (char *name = copy; name != NULL;) {
        char *const comma = strchr(name, ',');
        if (comma != NULL) {
            *comma = '\0';
        }
        TRY(mien_class_list_take(list, name, MIEN_ERR_USAGE, err));
        name = comma != NULL ? comma + 1 : NULL;
    }

done:
    free(copy);
    return st == MIEN_ERR_USAGE ? mien_wrap(err, st, "--classes") : st;
}

static json_t *shape_of(const struct mien_param *param)
{
    json_t *shape = json_array();
    for (int i = 0; i < param->rank; i++) {
        mien_json_append(&shape, json_integer((json_int_t)param->shape[i]));
    }
    return shape;
}

static json_t *describe(const struct import_options *o, const struct mien_model_file *file,
                        const struct mien_tensor *const *tensors)
{
    json_t *list = json_array();
    for (size_t i = 0; i < file->network->param_count; i++) {
        const struct mien_param *const param = &file->network->params[i];
        mien_json_append(&list,
                         json_pack("{s:o, s:s, s:o}", "from", mien_json_text(tensors[i]->name),
                                   "to", param->name, "shape", shape_of(param)));
    }
    return json_pack("{s:o, s:s, s:I, s:o}", "file", mien_json_text(o->out), "network",
                     file->recipe->name, "parameters", (json_int_t)file->network->parameters,
                     "tensors", list);
}

static void print_summary(struct term *term, const struct import_options *o,
                          const struct mien_model_file *file,
                          const struct mien_tensor *const *tensors)
{
    char cell[512];
    int width = 0;
    for (size_t i = 0; i < file->network->param_count; i++) {
        const int columns = text_columns(tensors[i]->name);
        width = columns > width && columns <= 60 ? columns : width;
    }
    term_print(term, "%s: %s, %zu parameters, %d classes\n", o->out, file->recipe->name,
               file->network->parameters, file->class_count);
    for (size_t i = 0; i < file->network->param_count; i++) {
        const int columns = text_columns(tensors[i]->name);
        term_print(term, "  %s  ->  %s\n",
                   text_cell(cell, sizeof(cell), tensors[i]->name, columns <= width ? width : 0),
                   file->network->params[i].name);
    }
}

/* Make the model of the recipe, and put the file's tensors into it. */
static enum mien_status take(struct mien_model_file *file, const struct mien_tensor ***tensors,
                             const struct mien_safetensors *weights, const struct import_options *o,
                             struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_recipe *recipe = NULL;
    struct mien_class_list classes = { 0 };
    struct mien_weights_map map = { .path = NULL };
    TRY(parse_classes(&classes, o->classes, err));
    TRY(mien_recipe_load(&recipe, o->recipe, (const char *const *)o->settings.items,
                         o->settings.count, err));
    struct mien_recipe *const given = recipe;
    recipe = NULL;
    TRY(mien_model_file_create(file, given, classes.names, (int)classes.count, err));
    if (o->map != NULL) {
        TRY(mien_weights_map_read(&map, o->map, err));
    }
    *tensors = mien_calloc(file->network->param_count, sizeof(const struct mien_tensor *), err);
    if (*tensors == NULL) {
        st = MIEN_ERR_MEMORY;
        goto done;
    }
    st = mien_weights_match(*tensors, file->network, weights, &map, true, err);
    if (st != MIEN_OK) {
        st = mien_wrap(err, st, "%s", o->weights);
        goto done;
    }
    mien_weights_take(file->weights, file->network, *tensors);

done:
    mien_weights_map_finish(&map);
    mien_class_list_finish(&classes);
    mien_recipe_destroy(recipe);
    return st;
}

static enum mien_status import(const void *options, struct term *term, struct mien_error *err)
{
    const struct import_options *const o = options;
    struct mien_safetensors *weights = NULL;
    struct mien_model_file file = { 0 };
    const struct mien_tensor **tensors = NULL;
    enum mien_status st = MIEN_OK;
    TRY(session_check_safetensors("--out", o->out, err));
    TRY(mien_safetensors_open(&weights, o->weights, err));
    TRY(take(&file, &tensors, weights, o, err));
    TRY(mien_model_file_save(o->out, &file, NULL, 0, NULL, 0, err));
    if (o->common.json) {
        TRY(term_json(term, describe(o, &file, tensors), err));
    } else {
        print_summary(term, o, &file, tensors);
    }

done:
    free(tensors);
    mien_model_file_finish(&file);
    mien_safetensors_close(weights);
    return st;
}

const struct command cmd_import = {
    .name = "import",
    .summary = "Make a model of weights that PyTorch saved",
    .details = "WEIGHTS is a state_dict of the same network in a safetensors file, in float32,\n"
               "float16 or bfloat16. Names may be others: convolutions, dense layers and batch\n"
               "norms are taken in the order of their names, and must have the recipe's shapes.\n"
               "What is missing or left over is told.",
    .options = import_table,
    .positionals = import_positionals,
    .common = COMMON_JSON | COMMON_QUIET,
    .options_bytes = sizeof(struct import_options),
    .defaults = &import_defaults,
    .run = import,
};
