/** internal.h - what the files of src/cl share and nobody else may see */
#ifndef MIEN_CL_INTERNAL_H
#define MIEN_CL_INTERNAL_H

#include "cl/cl.h"

/** A kernel that was asked for, found again by (source, options, name). */
struct mien_cl_kernel {
    char *key;        /**< "source\noptions\nname", owned */
    const char *name; /**< borrowed from key */
    cl_kernel handle;
    cl_uint arg_count;
    size_t program; /**< index into programs */
};

struct mien_cl_built {
    char *key; /**< "source\noptions", owned */
    cl_program handle;
};

struct mien_cl {
    struct mien_device_info info;
    cl_context context;
    cl_command_queue queue;
    char *cache_folder; /**< owned; NULL: no cache */
    const struct mien_log *log;
    bool told; /**< that kernels are being compiled */

    struct mien_cl_built *programs;
    size_t program_count, program_room;
    struct mien_cl_kernel *kernels; /**< open addressing by hash of the key; key NULL: free */
    size_t kernel_count, kernel_room;

    size_t live, bytes, peak_bytes;

    bool profile;
    const char *label;
    struct mien_cl_sample *samples;
    cl_event *events;
    size_t sample_count, sample_room;
};

struct mien_cl_buffer {
    struct mien_cl *cl; /**< borrowed */
    cl_mem handle;
    size_t bytes;
    bool window; /**< its bytes are another buffer's */
};

/** Find or build a kernel; *out is borrowed until the device is closed. */
MIEN_CHECK_RESULT
enum mien_status mien_cl_kernel_get(struct mien_cl_kernel **out, struct mien_cl *cl,
                                    const struct mien_cl_launch *what, struct mien_error *err);
void mien_cl_kernels_finish(struct mien_cl *cl);

/** Where a launch puts its event: NULL when nothing is recorded. */
MIEN_CHECK_RESULT
enum mien_status mien_cl_profile_slot(cl_event **out, struct mien_cl *cl, const char *kernel,
                                      struct mien_error *err);
void mien_cl_profile_finish(struct mien_cl *cl);

#endif
