/* cmd_augment.c - `mien augment`: a sheet of training images as each epoch sees them */
#include <string.h>

#include "base/json.h"
#include "cli/commands.h"
#include "cli/text.h"
#include "cli/training.h"
#include "train/sheet.h"

struct augment_options {
    struct common_options common;
    struct training_options training;
    const char *out;
    int images, epochs, size;
};

#define FIELD(name) offsetof(struct augment_options, name)

static const struct opt augment_table[] = {
    TRAINING_RECIPE_OPTION(FIELD(training)),
    { "out", OPT_STRING, FIELD(out), "FILE", "picture to write, NAME.png", .role = OPT_OUTPUT,
      .required = true },
    { "images", OPT_INT, FIELD(images), "N", "training images, evenly spread over all", .min = 1,
      .max = 1000 },
    { "epochs", OPT_INT, FIELD(epochs), "M", "epochs of each image, from the first on", .min = 1,
      .max = 1000 },
    { "size", OPT_INT, FIELD(size), "PX", "longer side of an image in the sheet, at most",
      .min = 16, .max = 4096 },
    TRAINING_SET_OPTION(FIELD(training)),
    TRAINING_DATA_OPTIONS(FIELD(training)),
    { .name = NULL },
};

static const struct positional augment_positionals[] = {
    TRAINING_DATA_POSITIONAL(FIELD(training)),
    { .name = NULL },
};

static const struct augment_options augment_defaults = {
    .common = { .seed = -1 },
    .images = 8,
    .epochs = 8,
    .size = 150,
};

/* A run's batches, without the run: the layers are there for their input alone. */
static enum mien_status take(struct mien_sheet *sheet, const struct training *training,
                             const struct augment_options *o, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_model *model = NULL;
    struct mien_loader *loader = NULL;
    const struct mien_recipe *const recipe = training->file.recipe;
    const size_t images = training->set->splits[MIEN_SPLIT_TRAIN].count;
    const int batch = images < (size_t)recipe->train.batch ? (int)images : recipe->train.batch;
    const struct mien_model_options plan = { .batch = batch > 0 ? batch : 1 };
    const struct mien_loader_options load = {
        .batch = plan.batch,
        .recipe = recipe,
        .device_bytes = (size_t)o->training.data_mib << 20,
    };
    const struct mien_sheet_options options = { (size_t)o->images, o->epochs,
                                                !o->training.no_shuffle };
    TRY(mien_sheet_check(recipe, training->set, &options, o->size, err));
    TRY(mien_model_create(&model, training->session.cl, training->file.network, &plan, err));
    TRY(mien_loader_create(&loader, training->session.cl, training->set, &load, err));
    TRY(mien_sheet_take(sheet, loader, model, &options, err));

done:
    mien_loader_destroy(loader);
    mien_model_destroy(model);
    return st;
}

static json_t *describe_image(const struct mien_sheet *sheet, size_t image)
{
    char number[MIEN_DATASET_NAME_BYTES];
    const struct mien_dataset *const set = sheet->set;
    const size_t index = sheet->images[image];
    json_t *mixes = json_array();
    for (int epoch = 0; epoch < sheet->epochs && sheet->recipe->augment.mixup > 0.0f; epoch++) {
        const struct mien_sheet_mix *const mix =
            &sheet->mixes[image * (size_t)sheet->epochs + (size_t)epoch];
        mien_json_append(&mixes,
                         json_pack("{s:i, s:o, s:o, s:o}", "epoch", epoch + 1, "share",
                                   mien_json_real((double)mix->share), "with",
                                   mien_json_text(mien_dataset_name(number, set, mix->with)),
                                   "class", mien_json_text(set->classes[set->labels[mix->with]])));
    }
    return json_pack("{s:o, s:o, s:o}", "image",
                     mien_json_text(mien_dataset_name(number, set, index)), "class",
                     mien_json_text(set->classes[set->labels[index]]), "mixed", mixes);
}

static enum mien_status print_result(const struct augment_options *o,
                                     const struct mien_sheet *sheet,
                                     const struct mien_canvas *canvas, struct term *term,
                                     struct mien_error *err)
{
    char changes[MIEN_AUGMENT_TEXT_BYTES];
    mien_recipe_augment_text(changes, sheet->recipe);
    if (!o->common.json) {
        term_print(term, "%s: %zu images in %d epochs, %dx%d pixels\n", o->out, sheet->count,
                   sheet->epochs, canvas->width, canvas->height);
        return MIEN_OK;
    }
    json_t *images = json_array();
    for (size_t image = 0; image < sheet->count; image++) {
        mien_json_append(&images, describe_image(sheet, image));
    }
    return term_json(term,
                     json_pack("{s:o, s:[i, i], s:i, s:s, s:o}", "sheet", mien_json_text(o->out),
                               "size", canvas->height, canvas->width, "epochs", sheet->epochs,
                               "augment", changes, "images", images),
                     err);
}

static enum mien_status augment(const void *options, struct term *term, struct mien_error *err)
{
    const struct augment_options *const o = options;
    enum mien_status st = MIEN_OK;
    struct training training = { .set = NULL };
    struct mien_sheet sheet = { .images = NULL };
    struct mien_canvas canvas = { .pixels = NULL };
    TRY(session_check_picture("--out", o->out, err));
    TRY(training_open(&training, &o->training, &o->common, term, err));
    TRY(take(&sheet, &training, o, err));
    TRY(mien_sheet_draw(&canvas, &sheet, o->size, err));
    TRY(mien_canvas_write(&canvas, o->out, err));
    TRY(print_result(o, &sheet, &canvas, term, err));

done:
    mien_canvas_finish(&canvas);
    mien_sheet_finish(&sheet);
    training_close(&training);
    return st;
}

const struct command cmd_augment = {
    .name = "augment",
    .summary = "Draw training images as each epoch sees them",
    .details =
        "Writes a picture with a row for each image: first as it is, then as the first epochs of\n"
        "a run with this recipe, data and seed would see it, pixel by pixel. What a setting does\n"
        "is seen by --set augment.rotate=30.",
    .options = augment_table,
    .positionals = augment_positionals,
    .common = COMMON_DEVICE | COMMON_SEED | COMMON_JSON | COMMON_QUIET,
    .options_bytes = sizeof(struct augment_options),
    .defaults = &augment_defaults,
    .run = augment,
};
