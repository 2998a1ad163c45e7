/** internal.h - what the files of src/cl share and nobody else may see */
#ifndef MIEN_CL_INTERNAL_H
#define MIEN_CL_INTERNAL_H

#include "cl/blas_params.h"
#include "cl/cl.h"
#include "cl/program.h"

/** A kernel that was asked for, found again by (source, options, name). */
struct mien_cl_kernel {
    char *key;        /**< "source\noptions\nname", owned */
    const char *name; /**< borrowed from key */
    cl_kernel handle;
    cl_uint arg_count;
    size_t program; /**< index into programs */
};

struct mien_cl_built {
    char *key;           /**< "source\noptions", owned */
    const char *options; /**< borrowed from key */
    const struct mien_kernel_source *source;
    struct mien_program program;
};

/** The events of one sample. */
struct mien_cl_span {
    cl_event before; /**< ends where the work may begin; NULL: the event's own start counts */
    cl_event event;
};

struct mien_cl {
    struct mien_device_info info;
    cl_context context;
    cl_command_queue queue;
    char *cache_folder; /**< owned; NULL: no cache */
    const struct mien_log *log;
    size_t compiled;  /**< programs so far */
    double compile_s; /**< that these took */
    double told_s;    /**< of that, when the number was last told */
    bool undeclared;  /**< kernels/builtins.h is not enough for this compiler */
    double opened_s;  /**< by mien_now_s() */
    double keeping_s; /**< spent in mien_cl_keep_program() */

    struct mien_cl_built *programs;
    size_t program_count, program_room;
    struct mien_cl_kernel *kernels; /**< open addressing by hash of the key; key NULL: free */
    size_t kernel_count, kernel_room;

    size_t live, bytes, peak_bytes;

    void (*launched)(void *user, const char *kernel, const char *label); /**< may be NULL */
    void *launched_user;

    struct mien_cl_slicing slicing;
    bool blas_used;
    bool blas_set; /**< CLBlast has `blas`, not what it was opened with */
    struct mien_blas_params blas;
    bool profile;
    const char *label;
    struct mien_cl_sample *samples;
    struct mien_cl_span *spans; /**< one per sample */
    size_t sample_count, sample_room;
};

struct mien_cl_buffer {
    struct mien_cl *cl; /**< borrowed */
    cl_mem handle;
    size_t bytes;
    bool window; /**< its bytes are another buffer's */
};

/** Find or build a kernel; *out is borrowed until the next look-up. */
MIEN_CHECK_RESULT
enum mien_status mien_cl_kernel_get(struct mien_cl_kernel **out, struct mien_cl *cl,
                                    const struct mien_cl_launch *what, struct mien_error *err);
void mien_cl_kernels_finish(struct mien_cl *cl);

/**
 * Where a launch puts the event of its last command: NULL when nothing is recorded.  Once the
 * launch was accepted its caller counts it (sample_count); else it drops the span.
 *
 * slices  of the launch; 0: one, of several commands
 */
MIEN_CHECK_RESULT
enum mien_status mien_cl_profile_slot(struct mien_cl_span **out, struct mien_cl *cl,
                                      const char *kernel, size_t slices, struct mien_error *err);
void mien_cl_profile_drop(struct mien_cl_span *span); /* NULL is allowed */
void mien_cl_profile_finish(struct mien_cl *cl);

/** Ranges of work-groups, of about the same size, that a grid is cut into along each dimension. */
struct mien_cl_cut {
    size_t groups[3], parts[3];
};
/** Cut a grid of `groups` along its slowest dimensions, as cl->slicing wants it. */
struct mien_cl_cut mien_cl_cut(const struct mien_cl *cl, const size_t groups[3], double flop);
size_t mien_cl_cut_count(const struct mien_cl_cut *cut);
/** First work-group and number of them, along each dimension, of slice `index`. */
void mien_cl_cut_slice(size_t first[3], size_t count[3], const struct mien_cl_cut *cut,
                       size_t index);

/** Tell who watches of a launch that was enqueued. */
void mien_cl_tell_launched(const struct mien_cl *cl, const char *kernel);

/** Let go of what CLBlast keeps for this process; other open devices only compile again. */
void mien_blas_finish(const struct mien_cl *cl);

#endif
