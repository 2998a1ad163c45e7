/** cl.h - the one door to OpenCL: an open device, buffers, launches (internal) */
#ifndef MIEN_CL_CL_H
#define MIEN_CL_CL_H

#include "base/log.h"
#include "cl/device.h"

struct mien_cl;        /* one device, one context, one in-order queue, the kernels built so far */
struct mien_cl_buffer; /* bytes on that device */

struct mien_cl_options {
    const char *device; /**< as mien_device_choose(); NULL: $MIEN_DEVICE, else "auto" */
    const char *cache;  /**< folder for program binaries; NULL: the user's; "": no cache */
    bool profile;       /**< record every launch, see mien_cl_profile() */
    const struct mien_log
        *log; /**< notices, such as that kernels are being compiled; may be NULL */
};

/**
 * Open a device.  Kernels are built when they are first asked for.
 *
 * Ownership  *out is the caller's, release with mien_cl_close(); NULL on error
 * Errors     MIEN_ERR_NO_DEVICE, MIEN_ERR_USAGE (see mien_device_choose()), MIEN_ERR_CL,
 * MIEN_ERR_MEMORY
 */
MIEN_CHECK_RESULT
enum mien_status mien_cl_open(struct mien_cl **out, const struct mien_cl_options *options,
                              struct mien_error *err);
void mien_cl_close(struct mien_cl *cl); /* NULL is allowed; asserts that no buffer is left */

const struct mien_device_info *mien_cl_device(const struct mien_cl *cl);

/** "CL_OUT_OF_RESOURCES" and so on; never NULL, also for unknown codes. */
const char *mien_cl_error_name(cl_int code);

/**
 * What a refusal is: MIEN_ERR_MEMORY where memory of the device or of the host ran out, which many
 * drivers find when a buffer is first used; else MIEN_ERR_CL.
 */
enum mien_status mien_cl_status(cl_int code);

/** Fail with "call: CL_NAME (code)" and mien_cl_status(). */
MIEN_CHECK_RESULT
enum mien_status mien_cl_fail(struct mien_error *err, const char *call, cl_int code);

/* Buffers */

/**
 * Contents are undefined.
 *
 * Errors  MIEN_ERR_MEMORY: bytes, and what the device has; MIEN_ERR_CL: refused for another reason.
 *         *out is NULL
 */
MIEN_CHECK_RESULT
enum mien_status mien_cl_buffer_create(struct mien_cl_buffer **out, struct mien_cl *cl,
                                       size_t bytes, struct mien_error *err);
/**
 * A window of another buffer, which must outlive it; `offset` is a multiple of MIEN_CL_ALIGN_BYTES.
 */
MIEN_CHECK_RESULT
enum mien_status mien_cl_buffer_window(struct mien_cl_buffer **out, struct mien_cl_buffer *whole,
                                       size_t offset, size_t bytes, struct mien_error *err);
void mien_cl_buffer_destroy(struct mien_cl_buffer *buffer); /* NULL is allowed */
size_t mien_cl_buffer_bytes(const struct mien_cl_buffer *buffer);
/** Device bytes allocated now, and the most since the device was opened or the peak was reset. */
size_t mien_cl_bytes(const struct mien_cl *cl);
size_t mien_cl_peak_bytes(const struct mien_cl *cl);
/** Let the peak begin anew, at what is allocated now. */
void mien_cl_reset_peak(struct mien_cl *cl);
/** OpenCL objects of ours that are alive: buffers, windows. */
size_t mien_cl_live(const struct mien_cl *cl);

/** Blocking copies between host and device at byte `offset` of the buffer. */
MIEN_CHECK_RESULT
enum mien_status mien_cl_write(struct mien_cl *cl, struct mien_cl_buffer *dst, size_t offset,
                               const void *src, size_t bytes, struct mien_error *err);
MIEN_CHECK_RESULT
enum mien_status mien_cl_read(struct mien_cl *cl, void *dst, const struct mien_cl_buffer *src,
                              size_t offset, size_t bytes, struct mien_error *err);
/** Not blocking: `src` must stay as it is until mien_cl_finish() or a blocking copy. */
MIEN_CHECK_RESULT
enum mien_status mien_cl_write_later(struct mien_cl *cl, struct mien_cl_buffer *dst, size_t offset,
                                     const void *src, size_t bytes, struct mien_error *err);
/** Not blocking: `dst` gets its bytes by the end of a mark behind this, mien_cl_finish() or a
 * blocking copy, and must be there until then. */
MIEN_CHECK_RESULT
enum mien_status mien_cl_read_later(struct mien_cl *cl, void *dst, const struct mien_cl_buffer *src,
                                    size_t offset, size_t bytes, struct mien_error *err);
/** Enqueue: fill the whole buffer with a pattern of 4 bytes. */
MIEN_CHECK_RESULT
enum mien_status mien_cl_fill(struct mien_cl *cl, struct mien_cl_buffer *dst, uint32_t pattern,
                              struct mien_error *err);
/** Wait for all queued work. */
MIEN_CHECK_RESULT
enum mien_status mien_cl_finish(struct mien_cl *cl, struct mien_error *err);

/** The same on the way out of a failure: waits, and has nothing to say. */
void mien_cl_drain(struct mien_cl *cl);

/** A place in the queue that the host can wait for. */
struct mien_cl_mark;
/** Ownership  *out is the caller's until it is waited for or dropped; it must be NULL before. */
MIEN_CHECK_RESULT
enum mien_status mien_cl_mark(struct mien_cl_mark **out, struct mien_cl *cl,
                              struct mien_error *err);
/** Wait until all that was enqueued before the mark is done, and release it; *mark NULL is allowed.
 */
MIEN_CHECK_RESULT
enum mien_status mien_cl_mark_wait(struct mien_cl_mark **mark, struct mien_error *err);
void mien_cl_mark_drop(struct mien_cl_mark **mark); /* *mark NULL is allowed */

/* Launches */

/** One kernel argument: its bytes and their count. */
struct mien_cl_arg {
    const void *value;
    size_t bytes;
};
struct mien_cl_arg mien_cl_arg_buffer(const struct mien_cl_buffer *buffer);

/* The C type picks the form, so a float can not slip in where an int belongs. */
#ifndef __cppcheck__
#define ARG_I32(var) ((struct mien_cl_arg){ _Generic((var), cl_int : &(var)), sizeof(cl_int) })
#define ARG_U32(var) ((struct mien_cl_arg){ _Generic((var), cl_uint : &(var)), sizeof(cl_uint) })
#define ARG_F32(var) ((struct mien_cl_arg){ _Generic((var), cl_float : &(var)), sizeof(cl_float) })
#else /* it does not parse that */
#define ARG_I32(var) mien_cl_arg(&(var), sizeof(cl_int))
#define ARG_U32(var) mien_cl_arg(&(var), sizeof(cl_uint))
#define ARG_F32(var) mien_cl_arg(&(var), sizeof(cl_float))
#endif
#define ARG_BUF(buf)     mien_cl_arg_buffer(buf)
#define ARG_COUNT(array) (cl_uint)(sizeof(array) / sizeof((array)[0]))

/** What to launch: a kernel of kernels/<source>.cl built with `options`, over a grid. */
struct mien_cl_launch {
    const char *source; /**< file of kernels/, without .cl */
    const char *kernel;
    const char *options; /**< "-DLANES=8 ..."; NULL: none */
    size_t global[3];    /**< work-items; 0 counts as 1; rounded up to the local size, so a kernel
                              whose local size is not 1 checks its own bound */
    size_t local[3];     /**< work-items of a work-group; 0 counts as 1 */
    double flop;         /**< of the whole launch, roughly, see mien_cl_slice(); 0: not much */
};

/**
 * Enqueue a launch; builds the kernel first when this pair of source and options is new.
 *
 * Errors  MIEN_ERR_CL when the argument count is not the kernel's own, when an argument or the
 *         launch is refused (kernel named), or when the kernel does not build; MIEN_ERR_MEMORY: of
 *         the host, or of the device, which may have promised more than it has
 */
MIEN_CHECK_RESULT
enum mien_status mien_cl_launch(struct mien_cl *cl, const struct mien_cl_launch *what,
                                const struct mien_cl_arg *args, cl_uint arg_count,
                                struct mien_error *err);

/**
 * Give the disk cache one of the binaries that it could not get at once, because the driver
 * compiles everything again for them (PoCL), if all such calls together are likely to stay below
 * `share` of the time that the device has been open.  So a long run pays for its next start, a
 * short one does not.
 *
 * Returns  false when it did nothing: too early, or all are kept
 */
bool mien_cl_keep_program(struct mien_cl *cl, double share);

/**
 * How launches are cut: a launch of more than `most_flop` operations, or of more than `most_groups`
 * work-groups, is enqueued as several slices of its grid; 0: no such limit.
 */
struct mien_cl_slicing {
    double most_flop;
    size_t most_groups;
};

/**
 * Cut launches from now on, matrix products of CLBlast among them.
 *
 * On a GPU mien_cl_open() sets a limit, so that the watchdog of a desktop never fires and its
 * screen stays alive; other devices start without any.  A kernel sees nothing of it: it asks for
 * get_global_id() alone, which goes on from slice to slice, as get_group_id() does not.
 *
 * Numerics  the same bits in slices and whole: the work-groups of a launch are independent.  A
 * launch of one work-group stays whole
 */
void mien_cl_slice(struct mien_cl *cl, const struct mien_cl_slicing *how);

/** The limits that mien_cl_open() sets for such a device. */
struct mien_cl_slicing mien_cl_default_slicing(const struct mien_device_info *info);

/**
 * Be told of every launch that was enqueued, CLBlast's among them, until `launched` is NULL.
 *
 * kernel, label  borrowed for the call; the label as mien_cl_label() set it, may be NULL
 */
void mien_cl_watch(struct mien_cl *cl,
                   void (*launched)(void *user, const char *kernel, const char *label), void *user);

/* Profiling */

/** Device time of one launch, in the order of enqueueing. */
struct mien_cl_sample {
    const char *kernel; /**< borrowed from the open device */
    const char *label;  /**< as set by mien_cl_label(), may be "" */
    size_t slices;      /**< it was enqueued as so many, 1 for most */
    cl_ulong queued_ns, start_ns, end_ns;
};
/** Name what the next launches belong to, for example "conv2.bwd_filter"; `text` must outlive the
 * profile. */
void mien_cl_label(struct mien_cl *cl, const char *text);
/**
 * Wait for the queue, and hand over what was recorded since the last call.
 *
 * Ownership  *samples is borrowed until the next call of any function on `cl`
 */
MIEN_CHECK_RESULT
enum mien_status mien_cl_profile(struct mien_cl *cl, const struct mien_cl_sample **samples,
                                 size_t *count, struct mien_error *err);

#endif
