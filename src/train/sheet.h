/** sheet.h - what epochs of training see of some images, as pixels and as a picture (internal) */
#ifndef MIEN_TRAIN_SHEET_H
#define MIEN_TRAIN_SHEET_H

#include "draw/canvas.h"
#include "train/loader.h"

struct mien_sheet_options {
    size_t images; /**< of the training images, evenly spread over them; all where there are fewer
                    */
    int epochs;    /**< from the first on */
    bool shuffle;  /**< as the run would have it: it decides who is mixed with whom */
};

/** What an image was mixed with in an epoch. */
struct mien_sheet_mix {
    float share; /**< of the other one; 0: it was not mixed */
    size_t with; /**< the other one's index in the data set */
};

/** Fields are for reading. */
struct mien_sheet {
    const struct mien_recipe *recipe; /**< borrowed, as the loader does */
    const struct mien_dataset *set;   /**< borrowed */
    size_t count;                     /**< images */
    int epochs;
    size_t *images;               /**< [count], indices in the data set, rising */
    uint8_t *pixels;              /**< [count][1 + epochs][h][w][c]: as it is, then each epoch's */
    struct mien_sheet_mix *mixes; /**< [count][epochs] */
};

/**
 * Load the batches that the first epochs of a run would load, and keep what becomes of some images.
 *
 * loader, model   as of a run: the same recipe, data and batch; what they held is overwritten
 * Ownership       release with mien_sheet_finish(), before the data set; zeroed on error
 * Numerics        the network's input with its normalisation undone, rounded to the nearest of 0 to
 *                 255; what is darker or brighter is shown as black or white
 * Errors          MIEN_ERR_FORMAT: no training images; MIEN_ERR_CL, MIEN_ERR_MEMORY
 */
MIEN_CHECK_RESULT
enum mien_status mien_sheet_take(struct mien_sheet *out, struct mien_loader *loader,
                                 struct mien_model *model, const struct mien_sheet_options *options,
                                 struct mien_error *err);
void mien_sheet_finish(struct mien_sheet *sheet); /* zeroed is allowed */

/** The pixels of one image, [h][w][c]; column 0 is as it is, column e as epoch e sees it. */
const uint8_t *mien_sheet_pixels(const struct mien_sheet *sheet, size_t image, int column);

/**
 * See whether a sheet of so many images and epochs can be drawn.
 *
 * size    pixels that the longer side of an image gets at most, unless it has more
 * Errors  MIEN_ERR_USAGE: it would be larger than a canvas may be
 */
MIEN_CHECK_RESULT
enum mien_status mien_sheet_check(const struct mien_recipe *recipe, const struct mien_dataset *set,
                                  const struct mien_sheet_options *options, int size,
                                  struct mien_error *err);

/**
 * Draw a row for each image and a column for each epoch, pixels as squares, with what is on above.
 *
 * Ownership  the canvas is the caller's to finish; zeroed on error
 * Errors     as mien_sheet_check(); MIEN_ERR_MEMORY
 */
MIEN_CHECK_RESULT
enum mien_status mien_sheet_draw(struct mien_canvas *out, const struct mien_sheet *sheet, int size,
                                 struct mien_error *err);

#endif
