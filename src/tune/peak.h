/** peak.h - what a device reaches at best: arithmetic and memory, measured (internal) */
#ifndef MIEN_TUNE_PEAK_H
#define MIEN_TUNE_PEAK_H

#include "tune/measure.h"

struct mien_peaks {
    struct mien_measured arithmetic, memory; /**< of one launch each */
    double flop, bytes;                      /**< of that launch; a copied byte counts twice */
    double gflop_s, gb_s; /**< by the shortest device time: what shares are taken of */
};

/**
 * Measure chains of multiply-adds in registers, of the device's vector width on CPUs, and a copy of
 * a buffer that no cache holds.  The device must have been opened with `profile`.
 *
 * Errors  MIEN_ERR_CL, MIEN_ERR_MEMORY
 */
MIEN_CHECK_RESULT
enum mien_status mien_peaks_measure(struct mien_peaks *out, struct mien_cl *cl, int warmup,
                                    int repeat, struct mien_error *err);

#endif
