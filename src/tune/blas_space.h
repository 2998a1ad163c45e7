/** blas_space.h - the sets of CLBlast's parameters that are worth trying (internal to src/tune) */
#ifndef MIEN_TUNE_BLAS_SPACE_H
#define MIEN_TUNE_BLAS_SPACE_H

#include "cl/blas_params.h"

/** What is changed apart from the rest, in this order: the tiles of large products, those of small
 * ones, and which product is a small one. */
enum mien_blas_axis { MIEN_BLAS_LARGE, MIEN_BLAS_SMALL, MIEN_BLAS_BORDER, MIEN_BLAS_AXES };

/** How many choices a kind of device has on an axis; the most promising come first. */
size_t mien_blas_choices(enum mien_blas_axis axis, enum mien_device_kind kind);

/** The set that has the first choice everywhere. */
struct mien_blas_params mien_blas_first(enum mien_device_kind kind);

/** Take the choice `index` of an axis.  False: the device has not enough for it. */
bool mien_blas_choose(struct mien_blas_params *set, enum mien_blas_axis axis, size_t index,
                      const struct mien_device_info *device);

#endif
