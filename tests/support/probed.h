/** probed.h - a network to be explained: weights in host memory, and a probe made of them */
#ifndef MIEN_TESTS_SUPPORT_PROBED_H
#define MIEN_TESTS_SUPPORT_PROBED_H

#include "explain/explain.h"
#include "support/device.h"

struct probed {
    struct mien_cl *cl;
    struct mien_network *network;
    float *flat; /**< the weights, for a test to change before probed_place() */
    struct mien_probe *probe;
};

/** A recipe's network with weights drawn by the seed 3, and no probe yet. */
void probed_set_up(struct probed *f, struct mien_cl *cl, const char *recipe, int classes);
/** A probe of the weights as they are, in place of the one before. */
void probed_place(struct probed *f, int batch, const size_t *taps, size_t tap_count);
/** Ends both, and sees that nothing is left on the device. */
void probed_tear_down(struct probed *f);

/** A parameter's values among the weights, and how many; `count` may be NULL. */
float *probed_param(struct probed *f, const char *name, size_t *count);
void probed_fill(struct probed *f, const char *name, float value);

/** Pixels, and floats, of an image. */
size_t probed_pixels(const struct probed *f);
size_t probed_floats(const struct probed *f);

/** That many zeros; free() them. */
float *probed_zeros(size_t count);

#endif
