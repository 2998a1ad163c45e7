/** program.h - kernels from embedded sources: look-up, build, disk cache (internal to src/cl) */
#ifndef MIEN_CL_PROGRAM_H
#define MIEN_CL_PROGRAM_H

#include "cl/cl.h"

/** A kernel source embedded at build time; see cmake/EmbedKernels.cmake. */
struct mien_kernel_source {
    const char *name; /**< of the file in kernels/, without .cl */
    const char *text;
};
extern const struct mien_kernel_source mien_kernel_sources[];
extern const size_t mien_kernel_source_count;
extern const char mien_kernel_builtins[]; /**< kernels/builtins.h */

/** The embedded source of that name, NULL when there is none. */
const struct mien_kernel_source *mien_kernel_source_find(const char *name);

struct mien_program {
    cl_program handle;
    bool unkept; /**< was compiled, and the cache is still to get its binary */
};

/**
 * Build one source with `options` after `-cl-std=CL1.2`, from the disk cache where it has the
 * binary; a notice goes to the device's log before the first source of a device is compiled, and
 * as often as compilation took two seconds more.
 *
 * The cache is a file per program in the open device's cache folder (none: no cache), named by a
 * hash of source, options, device, driver and format version, which it holds in full too; written
 * atomically; a damaged, foreign or refused file is built anew, and a folder that can not be
 * written goes without.  NVIDIA's driver caches for itself, so nothing is cached for it.  PoCL
 * compiles every kernel once more for a binary, which takes longer than all before: its programs
 * stay unkept until mien_program_keep().
 *
 * Ownership  out->handle is the caller's (clReleaseProgram); NULL on error
 * Errors     MIEN_ERR_CL with the source's name, the options and the compiler's log;
 *            MIEN_ERR_MEMORY
 */
MIEN_CHECK_RESULT
enum mien_status mien_program_build(struct mien_program *out, struct mien_cl *cl,
                                    const struct mien_kernel_source *source, const char *options,
                                    struct mien_error *err);
/**
 * The binary inside a cache file; NULL unless the file is, byte for byte, what mien writes of a
 * binary of this key.
 */
const unsigned char *mien_program_binary(size_t *bytes, const unsigned char *file,
                                         size_t file_bytes, const char *key);

/** Give the cache a program's binary if it is unkept, as best it can; source and options are those
 * that it was built with. */
void mien_program_keep(struct mien_program *program, const struct mien_cl *cl,
                       const struct mien_kernel_source *source, const char *options);

#endif
