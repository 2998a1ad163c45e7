/** cmd_bench.h - what the files of `mien bench` share (internal to cmd_bench*.c) */
#ifndef MIEN_CLI_CMD_BENCH_H
#define MIEN_CLI_CMD_BENCH_H

#include "cli/opt.h"
#include "cli/session.h"
#include "cli/term.h"
#include "tune/peak.h"

struct bench_options {
    struct common_options common;
    const char *what;
    struct opt_strings files, settings;
    const char *filter, *tuning;
    int batch, repeat, warmup, classes, blas; /**< out of range: not given */
    bool layers;
};

/** What stands for an option that was not given. */
enum { BENCH_REPEAT = 20, BENCH_WARMUP = 3, BENCH_BATCH = 150, BENCH_CLASSES = 7 };

/** One word behind `mien bench`: options are checked already, counts are resolved. */
MIEN_CHECK_RESULT
enum mien_status bench_step(const struct bench_options *o, struct term *term,
                            struct mien_error *err);
MIEN_CHECK_RESULT
enum mien_status bench_kernels(const struct bench_options *o, struct term *term,
                               struct mien_error *err);
MIEN_CHECK_RESULT
enum mien_status bench_compare(const struct bench_options *o, struct term *term,
                               struct mien_error *err);

/** Put "min_ms", "q1_ms", "q3_ms", and the median under `median`, into a JSON object. */
void bench_describe_times(json_t **object, const struct mien_times *times, const char *median);

/** What work of this size takes at least on a device with these peaks, and which of them says so.
 */
struct bench_floor {
    double ms;
    const char *bound; /**< "arithmetic" or "memory" */
};
struct bench_floor bench_floor_of(double flop, double bytes, const struct mien_peaks *peaks);

/** The peaks as JSON lines or as text. */
MIEN_CHECK_RESULT
enum mien_status bench_print_peaks(const struct bench_options *o, const struct session *session,
                                   const struct mien_peaks *peaks, struct term *term,
                                   struct mien_error *err);

/**
 * Read what `mien bench --json` printed: a line for each measurement, which has a name and times.
 *
 * Ownership  *out, an array of the lines, is the caller's, release with json_decref(), also after
 *            an error
 * Errors     MIEN_ERR_FORMAT: a line that is none, no line at all; MIEN_ERR_IO, MIEN_ERR_MEMORY
 */
MIEN_CHECK_RESULT
enum mien_status bench_read(json_t **out, const char *path, struct mien_error *err);

/** What two measurements of the same thing say about each other. */
enum bench_verdict { BENCH_SAME, BENCH_FASTER, BENCH_SLOWER };

/**
 * Noise unless median and minimum moved the same way, the medians by more than a thirtieth, and the
 * middle halves of the times (q1 to q3) do not overlap.
 */
enum bench_verdict bench_judge(const struct mien_times *before, const struct mien_times *after);

#endif
