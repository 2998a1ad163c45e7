/** views.h - several views of an image, of whose logits a network gives the mean (internal) */
#ifndef MIEN_TRAIN_VIEWS_H
#define MIEN_TRAIN_VIEWS_H

#include "nn/model.h"
#include "ops/gather.h"

enum { MIEN_MOST_VIEWS = 10 };

/** Views of one batch after another, and the mean of their logits.  Fields are for reading. */
struct mien_views {
    int count;
    struct mien_gather_view items[MIEN_MOST_VIEWS];
    struct mien_model *model;    /**< borrowed */
    struct mien_cl_buffer *mean; /**< [blocks][classes][lanes] float32; NULL for one view */
};

/**
 * See that images of a recipe can be seen so: 1 the middle; 2 also mirrored; 10 the middle and the
 * four corners of the image with its margin, and all of them mirrored.
 *
 * Errors  MIEN_ERR_USAGE: another number, or corners where there is no margin to cut them from
 */
MIEN_CHECK_RESULT
enum mien_status mien_views_check(int count, const struct mien_recipe *recipe,
                                  struct mien_error *err);

/**
 * Ownership  release with mien_views_finish(), before the model; zeroed on error
 * Errors     MIEN_ERR_USAGE as mien_views_check(); MIEN_ERR_MEMORY, MIEN_ERR_CL
 */
MIEN_CHECK_RESULT
enum mien_status mien_views_init(struct mien_views *views, int count, struct mien_model *model,
                                 const struct mien_recipe *recipe, struct mien_error *err);
void mien_views_finish(struct mien_views *views); /* zeroed is allowed */

/**
 * Enqueue: view `index` of n images is in the model's input; run it through the model and take its
 * logits into the mean, which the first view begins anew.
 */
MIEN_CHECK_RESULT
enum mien_status mien_views_forward(struct mien_views *views, int index, int n,
                                    struct mien_error *err);

/** The logits to judge by, as mien_model_logits(). */
const struct mien_cl_buffer *mien_views_logits(const struct mien_views *views);

#endif
