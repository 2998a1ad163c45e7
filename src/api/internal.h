/** internal.h - what is behind the handles of mien.h (internal to src/api) */
#ifndef MIEN_API_INTERNAL_H
#define MIEN_API_INTERNAL_H

#include "cl/cl.h"
#include "data/classes.h"
#include "data/dataset.h"
#include "nn/model.h"
#include "train/class_map.h"
#include "train/model_file.h"

struct mien_device {
    struct mien_cl *cl;
    struct mien_log log;
    struct mien_device_about about;
    size_t users; /**< the caller's handle and every network's; released with the last */
};

/** One more user of a device; mien_device_close() takes it back. */
struct mien_device *mien_device_share(struct mien_device *device);

struct mien_data {
    struct mien_dataset *set;
    struct mien_data_about about;
};

/**
 * Copy the names of classes from a caller's array.
 *
 * Ownership  release with mien_class_list_finish(); zeroed on error
 * Errors     MIEN_ERR_USAGE: their count, one that is empty, not UTF-8 or there twice;
 *            MIEN_ERR_MEMORY
 */
MIEN_CHECK_RESULT
enum mien_status mien_class_list_copy(struct mien_class_list *out, const char *const *classes,
                                      int class_count, struct mien_error *err);

struct mien_net {
    struct mien_device *device; /**< shared */
    struct mien_model_file file;
    struct mien_model *model; /**< for forward passes, with the weights of `file`; NULL: not yet */
    struct mien_net_about about;
    int views; /**< of an image, in predictions and evaluations */
};

/** Forget what is on the device: the weights of `file` are others now. */
void mien_net_unplace(struct mien_net *net);
/** Bring `about` up to what `file` says. */
void mien_net_refresh(struct mien_net *net);

/**
 * See a data set in the network's classes.
 *
 * Ownership  release with mien_class_map_finish(), before data and network; zeroed on error
 * Errors     MIEN_ERR_SHAPE: images of another size; MIEN_ERR_FORMAT: a class that it does not
 * know; MIEN_ERR_MEMORY
 */
MIEN_CHECK_RESULT
enum mien_status mien_net_map(struct mien_class_map *out, const struct mien_net *net,
                              const struct mien_data *data, struct mien_error *err);

#endif
