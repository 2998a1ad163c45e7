/* sheet.c - what epochs of training see of some images: their pixels, read back from the device */
#include "train/sheet.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "ops/relayout.h"

/* A sheet that is being filled. */
struct work {
    struct mien_sheet *sheet;
    struct mien_loader *loader;
    struct mien_model *model;
    struct mien_cl *cl;
    struct mien_cl_buffer *rows; /* [batch][c][h][w] float32 */
    float *image;                /* [c][h][w] */
};

static size_t image_floats(const struct mien_recipe *recipe)
{
    return (size_t)recipe->input.channels * (size_t)recipe->input.height *
           (size_t)recipe->input.width;
}

static uint8_t *pixels_of(const struct mien_sheet *sheet, size_t image, int column)
{
    const size_t columns = 1 + (size_t)sheet->epochs;
    return sheet->pixels + (image * columns + (size_t)column) * image_floats(sheet->recipe);
}

const uint8_t *mien_sheet_pixels(const struct mien_sheet *sheet, size_t image, int column)
{
    return pixels_of(sheet, image, column);
}

/* Image `image` of the sheet is number `at` of the batch's rows. */
static enum mien_status keep_image(const struct work *work, size_t image, int column, size_t at,
                                   struct mien_error *err)
{
    const struct mien_recipe *const recipe = work->sheet->recipe;
    const size_t floats = image_floats(recipe);
    const size_t plane = (size_t)recipe->input.height * (size_t)recipe->input.width;
    const size_t channels = (size_t)recipe->input.channels;
    uint8_t *const out = pixels_of(work->sheet, image, column);
    const enum mien_status st =
        mien_cl_read(work->cl, work->image, work->rows, at * floats * sizeof(*work->image),
                     floats * sizeof(*work->image), err);
    for (size_t i = 0; st == MIEN_OK && i < floats; i++) {
        const double value = (double)work->image[i] * (double)recipe->normalize.std;
        const double pixel = floor((value + (double)recipe->normalize.mean) * 255.0 + 0.5);
        out[i % plane * channels + i / plane] = (uint8_t)fmin(fmax(pixel, 0.0), 255.0);
    }
    return st;
}

/* The image of the sheet that is number `index` of the data set; its count where none is. */
static size_t find_image(const struct mien_sheet *sheet, size_t index)
{
    size_t image = 0;
    while (image < sheet->count && sheet->images[image] != index) {
        image++;
    }
    return image;
}

static bool has_any(const struct work *work, size_t first, size_t n)
{
    const struct mien_sheet *const sheet = work->sheet;
    for (size_t at = first; at < first + n; at++) {
        if (find_image(sheet, mien_loader_image(work->loader, at)) < sheet->count) {
            return true;
        }
    }
    return false;
}

/* Load images [first, first + n) of the order, and keep those of the sheet that are among them. */
static enum mien_status look_at_batch(const struct work *work, int column, size_t first, size_t n,
                                      struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_sheet *const sheet = work->sheet;
    const struct mien_act act = mien_model_input_act(work->model, (int)n);
    if (!has_any(work, first, n)) {
        return MIEN_OK;
    }
    TRY(mien_loader_load(work->loader, work->model, first, (int)n, err));
    TRY(mien_relayout_to_rows(work->cl, work->rows, mien_model_input(work->model), &act, err));
    for (size_t at = 0; at < n; at++) {
        const size_t image = find_image(sheet, mien_loader_image(work->loader, first + at));
        if (image == sheet->count) {
            continue;
        }
        TRY(keep_image(work, image, column, at, err));
        if (column > 0) {
            sheet->mixes[image * (size_t)sheet->epochs + (size_t)column - 1] =
                (struct mien_sheet_mix){
                    .share = mien_loader_second(work->loader),
                    .with = mien_loader_image(work->loader, first + n - 1 - at),
                };
        }
    }

done:
    return st;
}

/* Column 0 is what evaluation would see, column e what epoch e of training does. */
static enum mien_status take_column(const struct work *work, int column, bool shuffle,
                                    struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const size_t batch = (size_t)mien_model_batch(work->model);
    if (column > 0 && shuffle) {
        TRY(mien_loader_shuffled(work->loader, MIEN_SPLIT_TRAIN, work->sheet->recipe->train.seed,
                                 column - 1, err));
    } else {
        TRY(mien_loader_in_order(work->loader, MIEN_SPLIT_TRAIN, err));
    }
    if (column > 0) {
        mien_loader_augment(work->loader, column - 1);
    }
    const size_t count = mien_loader_count(work->loader);
    for (size_t first = 0; first < count; first += batch) {
        TRY(look_at_batch(work, column, first, count - first < batch ? count - first : batch, err));
    }

done:
    return st;
}

static enum mien_status allocate(struct mien_sheet *sheet, struct mien_error *err)
{
    const size_t columns = 1 + (size_t)sheet->epochs;
    size_t bytes = 0;
    if (!mien_size_mul(&bytes, columns, image_floats(sheet->recipe))) {
        return mien_fail(err, MIEN_ERR_MEMORY, "more pixels than can be counted");
    }
    sheet->images = mien_calloc(sheet->count, sizeof(*sheet->images), err);
    sheet->pixels = mien_calloc(sheet->count, bytes, err);
    sheet->mixes = mien_calloc(sheet->count, columns * sizeof(*sheet->mixes), err);
    return sheet->images != NULL && sheet->pixels != NULL && sheet->mixes != NULL ? MIEN_OK
                                                                                  : MIEN_ERR_MEMORY;
}

enum mien_status mien_sheet_take(struct mien_sheet *out, struct mien_loader *loader,
                                 struct mien_model *model, const struct mien_sheet_options *options,
                                 struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_dataset *const set = mien_loader_set(loader);
    const size_t first = set->splits[MIEN_SPLIT_TRAIN].first;
    const size_t train = set->splits[MIEN_SPLIT_TRAIN].count;
    *out = (struct mien_sheet){
        .recipe = mien_loader_recipe(loader),
        .set = set,
        .count = options->images < train ? options->images : train,
        .epochs = options->epochs,
    };
    struct work work = { out, loader, model, mien_model_cl(model), NULL, NULL };
    if (train == 0) {
        return mien_fail(err, MIEN_ERR_FORMAT, "the data has no training images");
    }
    const size_t bytes = image_floats(out->recipe) * sizeof(*work.image);
    TRY(allocate(out, err));
    for (size_t i = 0; i < out->count; i++) { /* the middle of each of `count` equal parts */
        out->images[i] = first + (2 * i + 1) * train / (2 * out->count);
    }
    work.image = mien_calloc(1, bytes, err);
    if (work.image == NULL) {
        st = MIEN_ERR_MEMORY;
        goto done;
    }
    TRY(mien_cl_buffer_create(&work.rows, work.cl, (size_t)mien_model_batch(model) * bytes, err));
    for (int column = 0; column <= out->epochs; column++) {
        TRY(take_column(&work, column, options->shuffle, err));
    }

done:
    mien_cl_drain(work.cl);
    mien_cl_buffer_destroy(work.rows);
    free(work.image);
    if (st != MIEN_OK) {
        mien_sheet_finish(out);
    }
    return st;
}

void mien_sheet_finish(struct mien_sheet *sheet)
{
    free(sheet->images);
    free(sheet->pixels);
    free(sheet->mixes);
    *sheet = (struct mien_sheet){ .images = NULL };
}
