/**
 * explain.h - what in an image speaks for a class: saliency, Grad-CAM, occlusion, integrated
 * gradients (internal)
 *
 * All of them ask about a logit, before softmax, of the network as it evaluates.  Definitions, what
 * each is good for and what it is not are in docs/explain.md.
 */
#ifndef MIEN_EXPLAIN_EXPLAIN_H
#define MIEN_EXPLAIN_EXPLAIN_H

#include "explain/probe.h"

/** Images, and the classes to ask about; each pair of the two is a target and gets a map. */
struct mien_targets {
    const float *images; /**< [image_count][c][h][w], normalised */
    size_t image_count;
    const int32_t *classes; /**< [image_count][per_image] */
    size_t per_image;
};

/** Pixels (as uint8, of the network's input size) to what the network takes: (p / 255 - mean) /
 * std.
 *
 * Shapes  images [count][c][h][w]; pixels [count][h + 2 margin][w + 2 margin][c], of which the
 *         middle is taken
 */
void mien_explain_normalize(float *images, const uint8_t *pixels, size_t count,
                            const struct mien_recipe *recipe);

/**
 * What the network sees of an image: its middle, where it was loaded larger.
 *
 * Shapes  out [h][w][c], overwritten; pixels [h + 2 margin][w + 2 margin][c]
 */
void mien_explain_middle(uint8_t *out, const uint8_t *pixels, const struct mien_recipe *recipe);

struct mien_saliency {
    int samples;  /**< 1: the plain gradient; more: SmoothGrad, the mean gradient of noisy copies */
    double noise; /**< of SmoothGrad: standard deviation, as a share of the image's range */
    uint64_t seed;
};

/**
 * The largest |d logit / d x| of a pixel's channels.
 *
 * Shapes  maps [targets][h][w], overwritten
 * Errors  as mien_probe_run()
 * Source  Simonyan et al. 2013; Smilkov et al. 2017 (SmoothGrad)
 */
MIEN_CHECK_RESULT
enum mien_status mien_explain_saliency(float *maps, struct mien_probe *probe,
                                       const struct mien_targets *targets,
                                       const struct mien_saliency *op, struct mien_error *err);

/**
 * The layer that Grad-CAM looks at unless told: the last convolution, addition or product, or,
 * where it has one, the activation behind it; NULL when there is none with more than one pixel. The
 * convolution of a shortcut alone is passed over for the sum that it is part of.
 */
const struct mien_layer *mien_explain_default_layer(const struct mien_network *network);

/**
 * max(0, sum over channels k of w_k A_k), A the output of a tapped layer, w_k the mean over its
 * pixels of d logit / d A_k.
 *
 * Shapes  maps [targets][h][w] of the layer's size, overwritten
 * Source  Selvaraju et al. 2017
 */
MIEN_CHECK_RESULT
enum mien_status mien_explain_gradcam(float *maps, struct mien_probe *probe,
                                      const struct mien_targets *targets, size_t tap,
                                      struct mien_error *err);

/** w_k A_k of one image: Grad-CAM's map is their sum.  All arrays are [c][pixels]. */
void mien_gradcam_channels(float *channels, const float *output, const float *gradient, int c,
                           int pixels);

struct mien_occlusion {
    int window; /**< side of the square, at most the shorter side of the image */
    int stride; /**< 1 to window */
};

/**
 * logit(x) - logit(x with a window of zeros, which is the mean after normalising): for each pixel
 * the mean over the windows that cover it.  Windows stand at every stride, and at the far borders.
 *
 * Shapes  maps [targets][h][w], overwritten
 * Source  Zeiler and Fergus 2013
 */
MIEN_CHECK_RESULT
enum mien_status mien_explain_occlusion(float *maps, struct mien_probe *probe,
                                        const struct mien_targets *targets,
                                        const struct mien_occlusion *op, struct mien_error *err);

/**
 * (x - baseline) times the mean gradient on the straight way from the baseline, zeros (the mean
 * after normalising), to x, at the middles of `steps` equal parts; summed over channels.
 *
 * Shapes  maps [targets][h][w], overwritten; ends [targets][2]: the logit of the baseline and of
 *         the image, whose difference the sum of the map comes to as steps grow
 * Source  Sundararajan et al. 2017
 */
MIEN_CHECK_RESULT
enum mien_status mien_explain_integrated(float *maps, float *ends, struct mien_probe *probe,
                                         const struct mien_targets *targets, int steps,
                                         struct mien_error *err);

/** A map brought to another size, linear between the middles of its pixels, as Grad-CAM's are. */
void mien_explain_resize(float *out, int out_h, int out_w, const float *map, int h, int w);

#endif
