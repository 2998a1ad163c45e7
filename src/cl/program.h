/** program.h - kernels from embedded sources: build, disk cache, look-up (internal to src/cl) */
#ifndef MIEN_CL_PROGRAM_H
#define MIEN_CL_PROGRAM_H

#include <CL/cl.h>

#include "base/log.h"
#include "cl/device.h"

/** A kernel source embedded at build time; see cmake/EmbedKernels.cmake. */
struct mien_kernel_source {
    const char *name; /**< of the file in kernels/, without .cl */
    const char *text;
};
extern const struct mien_kernel_source mien_kernel_sources[];
extern const size_t mien_kernel_source_count;

/**
 * Build one embedded source with `options` after `-cl-std=CL1.2`, from the disk cache where it has
 * the binary.
 *
 * The cache is a file per program in `cache_folder` (NULL: no cache), named by a hash of source,
 * options, device, driver and format version; written atomically; a damaged or refused file is
 * built anew.  NVIDIA's driver caches for itself, so nothing is cached for it.
 *
 * Ownership  *out is the caller's (clReleaseProgram); NULL on error
 * Errors     MIEN_ERR_CL with the source's name, the options and the compiler's log;
 * MIEN_ERR_MEMORY
 */
MIEN_CHECK_RESULT
enum mien_status mien_program_build(cl_program *out, cl_context context,
                                    const struct mien_device_info *device, const char *source,
                                    const char *options, const char *cache_folder,
                                    struct mien_error *err);

#endif
