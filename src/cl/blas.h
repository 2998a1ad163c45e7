/** blas.h - the one door to CLBlast: single-precision matrix products (internal) */
#ifndef MIEN_CL_BLAS_H
#define MIEN_CL_BLAS_H

#include "cl/blas_params.h"
#include "cl/cl.h"

/** One row-major matrix inside a buffer. */
struct mien_matrix {
    const struct mien_cl_buffer *buffer;
    size_t offset;   /**< in floats */
    size_t stride;   /**< floats from one row to the next */
    bool transposed; /**< take it as its transpose */
};

/** A product's sizes, and what becomes of what stood in the result. */
struct mien_gemm {
    size_t m, n, k;
    float beta; /**< 0: c is overwritten, never read; 1: added to */
};

/** Bytes that CLBlast may want beside the matrices for copies of them, whatever its parameters. */
size_t mien_blas_work_bytes(const struct mien_gemm *gemm);

/**
 * c = a b + beta c, all row-major; enqueued, not waited for.
 *
 * Shapes  a [m][k], b [k][n] (after `transposed`), c [m][n] float32, overwritten or accumulated
 *         work at least mien_blas_work_bytes(), overwritten
 * Errors  MIEN_ERR_CL: CLBlast's status by name, with m, n, k (none of which may be 0);
 *         MIEN_ERR_MEMORY
 */
MIEN_CHECK_RESULT
enum mien_status mien_blas_gemm(struct mien_cl *cl, const struct mien_matrix *c,
                                const struct mien_matrix *a, const struct mien_matrix *b,
                                struct mien_cl_buffer *work, const struct mien_gemm *gemm,
                                struct mien_error *err);

/**
 * Give CLBlast parameters that suit this device where its own defaults are poor: CPU devices.
 * mien_cl_open() does; CLBlast keeps them for the process.  Measured: docs/devices.md.
 *
 * Errors  MIEN_ERR_CL: CLBlast's status by name
 */
MIEN_CHECK_RESULT
enum mien_status mien_blas_tune_defaults(const struct mien_device_info *device,
                                         struct mien_error *err);

/**
 * Have the products from now on computed with these parameters.  What is enqueued keeps its own;
 * CLBlast compiles anew for a set that it had not before, and keeps what it compiled.
 *
 * CLBlast has one set for a device and process: two open devices of ours that are the same one
 * share it, and neither sees what the other sets.
 *
 * params  NULL: those that the device was opened with, which only CPU devices can go back to
 * Errors  MIEN_ERR_FORMAT, MIEN_ERR_CL: an invalid set, one that is too large for the device or
 *         that CLBlast refuses; those before stay
 */
MIEN_CHECK_RESULT
enum mien_status mien_blas_use(struct mien_cl *cl, const struct mien_blas_params *params,
                               struct mien_error *err);
/** The same, where an error is only a notice; false: there was one. */
bool mien_blas_take(struct mien_cl *cl, const struct mien_blas_params *params);

#endif
