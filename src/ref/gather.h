/** gather.h - a batch of images and labels in plain C: the oracle of the kernel (internal) */
#ifndef MIEN_REF_GATHER_H
#define MIEN_REF_GATHER_H

#include <stdbool.h>
#include <stdint.h>

struct mien_ref_gather {
    int n, c, h, w;  /**< the batch */
    int count;       /**< images in the set */
    int first;       /**< the batch is indices[first .. first + n - 1] */
    float mean, std; /**< of pixel/255 */
    int margin;      /**< pixels that the set's images are larger by on each side */
    float second;    /**< share of image n - 1 - i in image i, but in mien_ref_gather_images() */
    int down, right; /**< view of mien_ref_gather_images(): pixels from the middle, */
    bool mirror;     /**< and whether left and right change sides */
};

/** As struct mien_gather_change of the operation. */
struct mien_ref_gather_change {
    float map[6];
    float gain, offset;
    int32_t erase[4];
};

/**
 * x [n][c][h][w] from a view of set [count][h + 2 margin][w + 2 margin][c]; an index outside
 * the set gives zeros.
 */
void mien_ref_gather_images(float *x, const uint8_t *set, const int32_t *indices,
                            const struct mien_ref_gather *op);

/** The same through changes [n]. */
void mien_ref_gather_changed(float *x, const uint8_t *set, const int32_t *indices,
                             const struct mien_ref_gather_change *changes,
                             const struct mien_ref_gather *op);

/** out [n], or [2][n] where images are mixed, from labels [count]; -1 for an index outside the set.
 */
void mien_ref_gather_labels(int32_t *out, const int32_t *labels, const int32_t *indices,
                            const struct mien_ref_gather *op);

/**
 * out [n][classes] from shares [count][classes], mixed as images are; zeros for an index outside
 * the set.
 */
void mien_ref_gather_shares(float *out, const float *shares, const int32_t *indices, int classes,
                            const struct mien_ref_gather *op);

#endif
