/** blas_params.h - the parameters that CLBlast's matrix products are compiled with (internal) */
#ifndef MIEN_CL_BLAS_PARAMS_H
#define MIEN_CL_BLAS_PARAMS_H

#include "cl/device.h"

/** In CLBlast's words; of its kernels Xgemm, XgemmDirect (small products), and of its routine. */
enum mien_blas_param {
    MIEN_BLAS_GEMMK,
    MIEN_BLAS_KREG,
    MIEN_BLAS_KWG,
    MIEN_BLAS_KWI,
    MIEN_BLAS_MDIMA,
    MIEN_BLAS_MDIMC,
    MIEN_BLAS_MWG,
    MIEN_BLAS_NDIMB,
    MIEN_BLAS_NDIMC,
    MIEN_BLAS_NWG,
    MIEN_BLAS_SA,
    MIEN_BLAS_SB,
    MIEN_BLAS_STRM,
    MIEN_BLAS_STRN,
    MIEN_BLAS_VWM,
    MIEN_BLAS_VWN,
    MIEN_BLAS_KWID,
    MIEN_BLAS_MDIMAD,
    MIEN_BLAS_MDIMCD,
    MIEN_BLAS_NDIMBD,
    MIEN_BLAS_NDIMCD,
    MIEN_BLAS_PADA,
    MIEN_BLAS_PADB,
    MIEN_BLAS_VWMD,
    MIEN_BLAS_VWND,
    MIEN_BLAS_WGD,
    MIEN_BLAS_MIN_INDIRECT,
    MIEN_BLAS_PARAMS
};

struct mien_blas_params {
    int value[MIEN_BLAS_PARAMS];
};

/** A kernel of CLBlast with its parameters, `count` from `first` on. */
struct mien_blas_kernel {
    const char *name;
    int first, count;
};
enum { MIEN_BLAS_KERNELS = 3 };
extern const struct mien_blas_kernel mien_blas_kernels[MIEN_BLAS_KERNELS];

/** "MWG", as CLBlast calls it. */
const char *mien_blas_param_name(enum mien_blas_param param);
/** The largest value that it may have. */
int mien_blas_param_most(enum mien_blas_param param);

/** CLBlast's version, that mien was built with: a set belongs to one. */
void mien_blas_version(int out[3]);

/**
 * See whether CLBlast can be built with a set: every value within its bounds, and the sums that
 * CLBlast's kernels silently rely on.  GEMMK 1 is none: before 1.6.3 it gives wrong results.
 *
 * Errors  MIEN_ERR_FORMAT: which parameter, and why not
 */
MIEN_CHECK_RESULT
enum mien_status mien_blas_check(const struct mien_blas_params *params, struct mien_error *err);

/** Whether a valid set needs no more work-items and local memory than the device has. */
bool mien_blas_fits(const struct mien_blas_params *params, const struct mien_device_info *device);

/** One line of text: "64x64x16 by 8x8 ..., from 256"; at least MIEN_BLAS_TEXT_BYTES. */
enum { MIEN_BLAS_TEXT_BYTES = 128 };
void mien_blas_text(char out[MIEN_BLAS_TEXT_BYTES], const struct mien_blas_params *params);

#endif
