/** measure.h - times of work on a device: repeated, warm, told apart from noise (internal) */
#ifndef MIEN_TUNE_MEASURE_H
#define MIEN_TUNE_MEASURE_H

#include "cl/cl.h"

/** Times of the same work done again and again, in milliseconds. */
struct mien_times {
    double min_ms, q1_ms, median_ms, q3_ms; /**< q1, q3: a quarter of the times is below, above */
};

/** Sums times up; sorts `ms`.  count >= 1. */
void mien_times_of(struct mien_times *out, double *ms, size_t count);

/** Time between `count` samples, as mien_cl_profile() gives them, in which no launch ran. */
double mien_idle_ms(const struct mien_cl_sample *samples, size_t count);

/** Time in which the samples ran, added up. */
double mien_device_ms(const struct mien_cl_sample *samples, size_t count);

/** Something to be measured: enqueues its launches, waits for nothing. */
struct mien_work {
    enum mien_status (*enqueue)(void *user, struct mien_error *err);
    void *user;
};

struct mien_measured {
    struct mien_times wall;   /**< from before the first launch until the host knows of the end */
    struct mien_times device; /**< of the launches alone; zeros where the device was not opened
                                   with `profile` */
};

/**
 * Do the work `warmup` times, then `repeat` times (>= 1) measured, waiting for each.
 *
 * Errors  MIEN_ERR_CL, MIEN_ERR_MEMORY, and those of the work
 */
MIEN_CHECK_RESULT
enum mien_status mien_measure(struct mien_measured *out, struct mien_cl *cl,
                              const struct mien_work *work, int warmup, int repeat,
                              struct mien_error *err);

#endif
