/** events.h - event files, which TensorBoard shows (internal) */
#ifndef MIEN_TRAIN_EVENTS_H
#define MIEN_TRAIN_EVENTS_H

#include "base/error.h"

struct mien_events; /* an open event file */

/** A number with a name. */
struct mien_scalar {
    const char *tag; /**< "loss"; at most 64 bytes */
    double value;
};

enum { MIEN_EVENTS_MOST_SCALARS = 8 };

/**
 * Start a new event file, "events.out.tfevents.TIME.HOST.PROCESS", in a folder, which is made where
 * it is missing.  Steps from `first_step` on that other event files of the folder have are void
 * from here on: readers drop them, so that a run that goes on from a checkpoint has each step once.
 *
 * wall_s     seconds since 1970
 * Ownership  *out is the caller's, release with mien_events_close(); NULL on error
 * Errors     MIEN_ERR_IO, MIEN_ERR_MEMORY
 * Source     TensorFlow: tensorflow/core/util/event.proto, tensorflow/core/lib/io/record_writer.h
 */
MIEN_CHECK_RESULT
enum mien_status mien_events_open(struct mien_events **out, const char *folder, double wall_s,
                                  int64_t first_step, struct mien_error *err);
void mien_events_close(struct mien_events *events); /* NULL is allowed */

/**
 * Add numbers of one step, at most MIEN_EVENTS_MOST_SCALARS of them; they reach the file before
 * this returns.  Numbers are kept as float32.
 *
 * Errors  MIEN_ERR_IO
 */
MIEN_CHECK_RESULT
enum mien_status mien_events_add(struct mien_events *events, double wall_s, int64_t step,
                                 const struct mien_scalar *scalars, size_t count,
                                 struct mien_error *err);

#endif
