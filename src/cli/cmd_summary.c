/* cmd_summary.c - `mien summary`: a recipe's layers, shapes, parameters and arithmetic */
#include <stdlib.h>

#include "base/error.h"
#include "base/json.h"
#include "base/number.h"
#include "cli/commands.h"
#include "cli/session.h"
#include "cli/term.h"
#include "nn/summary.h"
#include "train/trainer.h"

struct summary_options {
    struct common_options common;
    const char *recipe, *tuning;
    struct opt_strings settings;
    int classes, blas;
};

/* What a training step of the recipe's batch takes on a device. */
struct memory {
    char device[128]; /* "" when there is none: planned as for a GPU */
    int batch, lanes;
    struct mien_model_memory model;
    struct mien_trainer_memory trainer;
    size_t image; /* of the data set, each */
};

#define FIELD(name) offsetof(struct summary_options, name)

static const struct opt summary_table[] = {
    { "set", OPT_STRINGS, FIELD(settings), "KEY=VALUE",
      "put a value over the recipe's; may come again", .role = OPT_ANY },
    { "classes", OPT_INT, FIELD(classes), "N", "classes to tell apart", .min = 2, .max = 10000 },
    { "blas", OPT_CHOICE, FIELD(blas), "KIND", SESSION_BLAS_HELP, .choices = session_blas_choices },
    { "tuning", OPT_STRING, FIELD(tuning), "FILE", SESSION_TUNING_HELP, .role = OPT_ANY },
    { .name = NULL },
};

static const struct positional summary_positionals[] = {
    { "RECIPE", FIELD(recipe), 1, 1, "recipe file, for example recipes/report.yaml", OPT_INPUT },
    { .name = NULL },
};

static const struct summary_options summary_defaults = { .common = { .seed = -1 }, .classes = 7 };

/* The device decides the layout of activations, and what was tuned on it which kernels a training
 * takes, so it is asked for; nothing is opened. */
static enum mien_status plan_memory(struct memory *out, const struct summary_options *o,
                                    const struct mien_recipe *recipe,
                                    const struct mien_network *network, struct term *term,
                                    struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_device_list list = { NULL, 0 };
    struct mien_tuning tuning = { .entries = NULL };
    struct mien_proof proof = { .known = false };
    size_t chosen = 0;
    size_t local_bytes = 0;
    const char *const wanted = o->common.device != NULL ? o->common.device : getenv("MIEN_DEVICE");
    *out = (struct memory){ .batch = recipe->train.batch, .lanes = 1 };
    st = mien_device_list(&list, err);
    if (st == MIEN_OK) {
        st = mien_device_choose(&chosen, NULL, 0, &list, wanted, err);
    }
    if (st == MIEN_OK) {
        (void)snprintf(out->device, sizeof(out->device), "%s", list.devices[chosen].name);
        out->lanes = mien_device_lanes(&list.devices[chosen]);
        local_bytes = (size_t)list.devices[chosen].local_bytes;
        TRY(session_read_tuning(&tuning, &proof, &list.devices[chosen], o->tuning, term, err));
    } else if (o->common.device != NULL || o->tuning != NULL) {
        goto done; /* without these none is needed, whatever MIEN_DEVICE asks for */
    }
    const struct mien_model_options options = {
        .batch = out->batch,
        .train = true,
        .again = recipe->train.sam > 0.0f,
        .blas = (enum mien_blas)o->blas,
        .lanes = out->lanes,
        .local_bytes = local_bytes,
        .tuning = &tuning,
    };
    TRY(mien_model_plan(&out->model, network, &options, err));
    out->trainer = mien_trainer_plan(network, recipe, out->batch);
    out->image = mien_loader_image_bytes(recipe, network->classes);

done:
    mien_tuning_finish(&tuning);
    mien_proof_finish(&proof);
    mien_device_list_finish(&list);
    return st;
}

static size_t total_bytes(const struct memory *memory)
{
    return mien_model_memory_bytes(&memory->model) + memory->trainer.optimizer +
           memory->trainer.batches;
}

static void print_memory(struct term *term, const struct memory *memory)
{
    const struct {
        const char *what;
        size_t bytes;
    } rows[] = {
        { "parameters", memory->model.parameters },
        { "their gradients", memory->model.gradients },
        { "optimiser state", memory->trainer.optimizer },
        { "activations and their gradients", memory->model.activations },
        { "scratch of the kernels", memory->model.scratch },
        { "batches and statistics", memory->trainer.batches },
        { "total", total_bytes(memory) },
    };
    char text[MIEN_MIB_BYTES];
    term_print(term, "\nmemory of a training step of %d images on %s (%d lanes)\n", memory->batch,
               memory->device[0] != '\0' ? memory->device : "a GPU", memory->lanes);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        term_print(term, "  %-34s %14s\n", rows[i].what, mien_mib(text, rows[i].bytes));
    }
    term_print(term, "  without sharing by lifetime the activations would take %s\n",
               mien_mib(text, memory->model.unshared));
    term_print(term, "  the data set takes %zu bytes an image more\n", memory->image);
}

/* What becomes of an image before the first layer, where anything does. */
static void print_images(struct term *term, const struct mien_recipe *recipe)
{
    const struct mien_data_options image = mien_recipe_data_options(recipe);
    char augment[MIEN_AUGMENT_TEXT_BYTES];
    mien_recipe_augment_text(augment, recipe);
    if (recipe->input.margin > 0) {
        term_print(term, "images are loaded at %d x %d; evaluation takes their middle\n",
                   image.height, image.width);
    }
    if (augment[0] != '\0') {
        term_print(term, "training changes them: %s\n", augment);
    }
}

static json_t *describe_images(const struct mien_recipe *recipe)
{
    const struct mien_data_options image = mien_recipe_data_options(recipe);
    char augment[MIEN_AUGMENT_TEXT_BYTES];
    mien_recipe_augment_text(augment, recipe);
    return json_pack("{s:i, s:[iii], s:s}", "margin", recipe->input.margin, "loaded",
                     image.channels, image.height, image.width, "augment", augment);
}

static json_t *describe_memory(const struct memory *memory)
{
    return json_pack(
        "{s:i, s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "batch", memory->batch, "lanes",
        memory->lanes, "parameters_bytes", (json_int_t)memory->model.parameters, "gradients_bytes",
        (json_int_t)memory->model.gradients, "optimizer_bytes",
        (json_int_t)memory->trainer.optimizer, "activations_bytes",
        (json_int_t)memory->model.activations, "scratch_bytes", (json_int_t)memory->model.scratch,
        "batches_bytes", (json_int_t)memory->trainer.batches, "total_bytes",
        (json_int_t)total_bytes(memory), "data_image_bytes", (json_int_t)memory->image);
}

static enum mien_status summary(const void *options, struct term *term, struct mien_error *err)
{
    const struct summary_options *const o = options;
    struct mien_recipe *recipe = NULL;
    struct mien_network *network = NULL;
    char *text = NULL;
    json_t *json = NULL;
    struct memory memory;
    enum mien_status st = MIEN_OK;
    TRY(mien_recipe_load(&recipe, o->recipe, (const char *const *)o->settings.items,
                         o->settings.count, err));
    TRY(mien_network_create(&network, recipe, o->classes, err));
    TRY(plan_memory(&memory, o, recipe, network, term, err));
    if (o->common.json) {
        TRY(mien_summary_json(&json, network, err));
        mien_json_set(&json, "network", json_string(recipe->name));
        mien_json_set(&json, "images", describe_images(recipe));
        mien_json_set(&json, "memory", describe_memory(&memory));
        json_t *const result = json;
        json = NULL;
        TRY(term_json(term, result, err));
    } else {
        TRY(mien_summary_text(&text, network, err));
        term_print(term, "%s, %d classes\n%s", recipe->name, o->classes, text);
        print_images(term, recipe);
        print_memory(term, &memory);
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
    .summary = "Print a recipe's layers, shapes, parameters, arithmetic and memory",
    .details = "No OpenCL device is needed; without one memory is planned as for a GPU.\n"
               "Example of a value put over the recipe's:\n"
               "--set train.optimizer.rate=0.05",
    .options = summary_table,
    .positionals = summary_positionals,
    .common = COMMON_DEVICE | COMMON_JSON | COMMON_QUIET,
    .options_bytes = sizeof(struct summary_options),
    .defaults = &summary_defaults,
    .run = summary,
};
