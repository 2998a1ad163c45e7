/** predict.h - a model on images in host memory (internal) */
#ifndef MIEN_TRAIN_PREDICT_H
#define MIEN_TRAIN_PREDICT_H

#include "nn/model.h"

/**
 * Run images through a model, in batches of its own, and wait for the result.
 *
 * Shapes   probabilities [count][classes] float32 in host memory, overwritten, each row a softmax;
 *          pixels [count][h][w][c] uint8 of the size that the recipe loads images with
 * recipe   the model's: how images are normalised, and their margin, which is cut off
 * views    of each image, whose logits are averaged; see mien_views_check()
 * Errors   MIEN_ERR_USAGE: views; MIEN_ERR_SHAPE (std not above 0), MIEN_ERR_CL, MIEN_ERR_MEMORY;
 *          MIEN_ERR_NOT_FINITE: a probability is not, by the image's index
 * Numerics  an image's row does not depend on what else is predicted with it, within 1e-5
 */
MIEN_CHECK_RESULT
enum mien_status mien_predict_pixels(float *probabilities, struct mien_model *model,
                                     const struct mien_recipe *recipe, const uint8_t *pixels,
                                     size_t count, int views, struct mien_error *err);

#endif
