/** device.h - every OpenCL device of the machine, and the choice of one (internal) */
#ifndef MIEN_CL_DEVICE_H
#define MIEN_CL_DEVICE_H

#include <CL/cl.h>
#include <stdbool.h>

#include "base/error.h"

/**
 * What the origin of every window is a multiple of.  OpenCL sets no limit to what a device may
 * want; NVIDIA's want just this, others less.
 */
enum { MIEN_CL_ALIGN_BYTES = 512 };

/** What a device says of itself.  Plain data. */
struct mien_device_info {
    int platform_index, device_index; /**< P:D, as the ICD loader and the platform list them */
    cl_platform_id platform;
    cl_device_id device;
    enum mien_device_kind kind;
    char name[128], vendor[128], platform_name[128];
    char version[128]; /**< "OpenCL 3.0 ..." */
    char driver[128];
    char platform_version[128];     /**< PoCL tells its compiler's version here */
    int opencl_major, opencl_minor; /**< of the device */
    cl_uint compute_units;
    cl_uint clock_mhz; /**< highest; 0: not told */
    cl_ulong global_bytes, max_alloc_bytes, local_bytes;
    size_t max_work_group; /**< work-items */
    cl_uint align_bytes; /**< of a sub-buffer's origin, at most MIEN_CL_ALIGN_BYTES where usable */
    cl_uint
        float_width; /**< native vector width for float: 1 on GPUs that hide it, 4, 8, 16 on CPUs */
    bool available, has_compiler;
    bool shares_memory; /**< with the host, as integrated GPUs do; false where it is not told */
};

struct mien_device_list {
    struct mien_device_info *devices;
    size_t count;
};

/**
 * List every device of every platform; a platform that fails is left out, and its failure noted in
 * `err` only when no device is left at all.
 *
 * Ownership  *out is the caller's, release with mien_device_list_finish()
 * Errors     MIEN_ERR_NO_DEVICE when there is none
 */
MIEN_CHECK_RESULT
enum mien_status mien_device_list(struct mien_device_list *out, struct mien_error *err);
void mien_device_list_finish(struct mien_device_list *list);

/** What keeps a device from being taken, as "it has no compiler"; NULL: nothing does. */
const char *mien_device_why_unusable(const struct mien_device_info *info);

/**
 * Choose by `wanted`: NULL or "auto" (GPU before accelerator before CPU, of GPUs those with memory
 * of their own, then memory, then compute units; only devices with a compiler, OpenCL 1.2 and up),
 * "gpu", "cpu", "P:D", or a part of the name in any case.
 *
 * Result   *out is an index into the list; `reason` (at least 128 bytes, may be NULL) says why that
 *          one
 * Errors   MIEN_ERR_NO_DEVICE: nothing fits; the text lists what there is
 *          MIEN_ERR_USAGE: a name that fits several devices of different names
 */
MIEN_CHECK_RESULT
enum mien_status mien_device_choose(size_t *out, char *reason, size_t reason_bytes,
                                    const struct mien_device_list *list, const char *wanted,
                                    struct mien_error *err);

#endif
