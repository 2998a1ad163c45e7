/** metrics.h - how good a classifier's probabilities are (internal) */
#ifndef MIEN_TRAIN_METRICS_H
#define MIEN_TRAIN_METRICS_H

#include "base/error.h"

/** Bins of the confidence 0..1 for the calibration error. */
enum { MIEN_ECE_BINS = 15 };

/** One class against all others.  0 stands where a value has nothing to divide by. */
struct mien_class_metrics {
    double precision; /**< hits / images predicted as this class; 0 when none were */
    double recall;    /**< hits / support; 0 when the class has no images */
    double f1;        /**< 2 hits / (predicted + support): the harmonic mean of the two */
    size_t support;   /**< images of this class */
    size_t predicted; /**< images taken for this class */
};

/** The images whose largest probability is in one bin. */
struct mien_calibration_bin {
    size_t images, hits;
    double confidence; /**< sum of their largest probabilities */
};

/** Parts of all images are 0..1. */
struct mien_metrics {
    size_t images;
    int classes;
    double accuracy;
    /** Means over classes, each with the same say however many images it has; over those that occur
     * as a label or as a prediction (a class that the data lacks says nothing). */
    double macro_precision, macro_recall, macro_f1;
    double top2; /**< label among the two most probable classes */
    /** Expected calibration error: the mean over images of |accuracy - mean confidence| of the bin,
     * ((b - 1) / 15, b / 15], that the image's largest probability falls into. */
    double ece;
    struct mien_calibration_bin bins[MIEN_ECE_BINS]; /**< what it is made of */
    struct mien_class_metrics *per_class;            /**< [classes] */
    size_t *confusion;                               /**< [true][predicted], classes x classes */
};

/** The most probable class of `probabilities` [classes]; of equal ones the lowest. */
int mien_metrics_top(const float *probabilities, int classes);

/**
 * Judge probabilities by the true labels.
 *
 * Shapes     probabilities [count][classes] float32; labels [count] int32
 * Ownership  release with mien_metrics_finish(); zeroed on error
 * Errors     MIEN_ERR_FORMAT: no images, or a label outside the classes; MIEN_ERR_MEMORY
 * Numerics   sums in double; of equal probabilities the lowest class goes first; an image whose
 *            probabilities are NaN is taken for no class, is no hit, and makes `ece` NaN
 * Source     Guo et al., On Calibration of Modern Neural Networks, 2017 (ece)
 */
MIEN_CHECK_RESULT
enum mien_status mien_metrics_compute(struct mien_metrics *out, const float *probabilities,
                                      const int32_t *labels, size_t count, int classes,
                                      struct mien_error *err);
void mien_metrics_finish(struct mien_metrics *metrics); /* zeroed is allowed */

#endif
