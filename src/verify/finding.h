/** finding.h - what is wrong with numbers that a device computed (internal) */
#ifndef MIEN_VERIFY_FINDING_H
#define MIEN_VERIFY_FINDING_H

#include <stdbool.h>
#include <stdint.h>

#include "cl/cl.h"

/** Kinds of faults, the worst last: of several the worst is told. */
enum mien_fault {
    MIEN_FAULT_NONE,
    MIEN_FAULT_WRONG,      /**< a number is further from the reference's than the tolerance */
    MIEN_FAULT_NOT_FINITE, /**< a NaN or an infinity */
    MIEN_FAULT_UNWRITTEN,  /**< an element was left as it was before */
    MIEN_FAULT_OUTSIDE,    /**< bytes before or behind the buffer were written */
    MIEN_FAULT_REFUSED,    /**< the device did not build or run the kernel */
};

/** "wrong", "not finite", "unwritten", "outside", "refused"; "" for none. */
const char *mien_fault_name(enum mien_fault fault);

/** Plain data; zeroed with a tolerance is nothing found. */
struct mien_finding {
    enum mien_fault fault;
    double error;     /**< largest distance from the reference, of the scale of the output */
    double tolerance; /**< what it may be */
    char text[256];   /**< the worst fault: which element of what, got, want; else "" */
};

/** Keep the worse of the fault so far and this one. */
MIEN_PRINTF(3, 4)
void mien_finding_note(struct mien_finding *finding, enum mien_fault fault, const char *fmt, ...);

/**
 * Let `finding` be the worse of two: the worse fault, else the larger error in parts of its
 * tolerance.  A tolerance below 0 is a finding of nothing yet.
 *
 * Result  whether it is `other` now
 */
bool mien_finding_merge(struct mien_finding *finding, const struct mien_finding *other);

/** An output to be compared, as it stands on the device. */
struct mien_compared {
    const char *name;  /**< "y" */
    const float *got;  /**< [count] */
    const float *want; /**< [count] */
    size_t count;
    float scale; /**< what errors are relative to; 0: the largest of `want`; with a tolerance of 0
                      numbers must be equal */
};

/** Compare every number, and see that each was written and is finite. */
void mien_compare(struct mien_finding *finding, const struct mien_compared *what);

/** Compare one number; `where` says which. */
void mien_compare_one(struct mien_finding *finding, float got, float want, float scale,
                      const char *where);

/** See that each of `count` numbers was written and is finite. */
void mien_compare_written(struct mien_finding *finding, const char *name, const float *got,
                          size_t count);

/** A buffer between bytes that nobody may write. */
struct mien_guarded {
    struct mien_cl_buffer *whole, *buffer; /**< `buffer` is what a kernel gets */
    size_t bytes;                          /**< of `buffer` */
};

/** Bytes before and behind; an offset that every device allows for a window. */
enum { MIEN_GUARD_BYTES = 1024 };

/**
 * Contents are undefined.
 *
 * Ownership  release with mien_guarded_finish(); zeroed on error
 */
MIEN_CHECK_RESULT
enum mien_status mien_guarded_create(struct mien_guarded *out, struct mien_cl *cl, size_t bytes,
                                     struct mien_error *err);
void mien_guarded_finish(struct mien_guarded *guarded); /* zeroed is allowed */

/**
 * Let `buffer` have another size: what is behind it is guarded, whatever was there before.  Memory
 * stays where it is enough; then it is poison() that makes the guards right, else they are.
 *
 * bytes   0: `buffer` is NULL
 * Errors  MIEN_ERR_MEMORY: it is as after mien_guarded_finish()
 */
MIEN_CHECK_RESULT
enum mien_status mien_guarded_resize(struct mien_guarded *guarded, struct mien_cl *cl, size_t bytes,
                                     struct mien_error *err);

/** Fill buffer and guards with bytes of 0xFF: floats that were not written are told by that. */
MIEN_CHECK_RESULT
enum mien_status mien_guarded_poison(struct mien_guarded *guarded, struct mien_cl *cl,
                                     struct mien_error *err);

/** Make the guards whole again, and leave the buffer as it is. */
MIEN_CHECK_RESULT
enum mien_status mien_guarded_heal(struct mien_guarded *guarded, struct mien_cl *cl,
                                   struct mien_error *err);

/** Wait for the device, and note bytes outside of the buffer that are not as poison() left them. */
MIEN_CHECK_RESULT
enum mien_status mien_guarded_check(struct mien_finding *finding, const char *name,
                                    const struct mien_guarded *guarded, struct mien_cl *cl,
                                    struct mien_error *err);

#endif
