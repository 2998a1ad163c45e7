/**
 * mien.h - the public interface: open a device, load or train a network, predict
 *
 * Every function that can fail returns an enum mien_status and takes a struct mien_error that may
 * be NULL.  Nothing here prints, exits or keeps global state.  One handle, one thread at a time.
 */
#ifndef MIEN_H
#define MIEN_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define MIEN_CHECK_RESULT      __attribute__((warn_unused_result))
#define MIEN_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define MIEN_CHECK_RESULT
#define MIEN_PRINTF(fmt, args)
#endif

/** What went wrong, for programs.  Zero is success; the text is in mien_error. */
enum mien_status {
    MIEN_OK = 0,
    MIEN_ERR_MEMORY = -1,      /**< host or device allocation refused */
    MIEN_ERR_SHAPE = -2,       /**< tensor shapes do not fit together */
    MIEN_ERR_FORMAT = -3,      /**< a file or a text is damaged or not of the stated kind */
    MIEN_ERR_NO_DEVICE = -4,   /**< there is no OpenCL device to use, or none of that name */
    MIEN_ERR_CL = -5,          /**< an OpenCL call failed; text names the call */
    MIEN_ERR_IO = -6,          /**< the operating system refused to read or write a file */
    MIEN_ERR_USAGE = -7,       /**< an argument is outside of what the function takes */
    MIEN_ERR_NOT_FINITE = -8,  /**< the loss or a gradient is NaN or infinite */
    MIEN_ERR_INTERRUPTED = -9, /**< stopped on request, after saving */
};

/**
 * What went wrong, for people.  Plain data: no allocation, no ownership, safe
 * to keep on the stack, one per thread.  Empty text means no failure.
 */
struct mien_error {
    char text[1024];
};

/** Short constant name of a status, for example "MIEN_ERR_SHAPE". */
const char *mien_status_name(enum mien_status status);

#endif
