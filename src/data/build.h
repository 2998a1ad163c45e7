/** build.h - what the loaders share: making a data set, its splits, its fingerprint (internal) */
#ifndef MIEN_DATA_BUILD_H
#define MIEN_DATA_BUILD_H

#include "base/safetensors.h"
#include "data/classes.h"
#include "data/dataset.h"
#include "data/exclude.h"
#include "data/image.h"

/** What struct mien_dataset's storage points to. */
struct mien_data_storage {
    uint8_t *images; /**< NULL when they lie in `file` */
    int32_t *labels;
    float *targets;                /**< NULL where there are none */
    char *text;                    /**< what names[] point into */
    struct mien_safetensors *file; /**< a packed set, mapped */
};

/**
 * A data set of `count` images with zeroed labels, all in the training split, without classes.
 *
 * Ownership  *out is the caller's, release with mien_dataset_destroy(); NULL on error
 *            images: owned and zeroed when `with_images`, else NULL for the caller to set
 * Errors     MIEN_ERR_FORMAT (no images, more than 2^31 - 1), MIEN_ERR_MEMORY
 */
MIEN_CHECK_RESULT
enum mien_status mien_dataset_create(struct mien_dataset **out, size_t count, int channels,
                                     int height, int width, bool with_images,
                                     struct mien_error *err);
struct mien_data_storage *mien_dataset_storage(const struct mien_dataset *set);

/** The split that a folder's name or a Usage of `length` characters stands for, in any case; -1:
 * none. */
int mien_split_of(const char *word, size_t length);

/** Hand the names over; the list is empty afterwards. */
void mien_dataset_take_classes(struct mien_dataset *set, struct mien_class_list *list);

/** Splits that follow one another with these many images each. */
void mien_dataset_set_splits(struct mien_dataset *set, const size_t counts[MIEN_SPLITS]);

/**
 * The last step of every loader.  Where there is no validation split, draw options->split of the
 * training images per class, or, when that is 0, let the test split stand in; then the fingerprint.
 */
MIEN_CHECK_RESULT
enum mien_status mien_dataset_settle(struct mien_dataset *set,
                                     const struct mien_data_options *options,
                                     struct mien_error *err);
/** Compute the fingerprint anew. */
void mien_dataset_identify(struct mien_dataset *set);
/** The drawing alone (split.c): reorders images, labels, targets, names and splits. */
MIEN_CHECK_RESULT
enum mien_status mien_dataset_draw_validation(struct mien_dataset *set, double part, uint64_t seed,
                                              struct mien_error *err);

/** Who looks at the images as they come; with one, what is damaged does not end the loading. */
struct mien_inspector {
    void *user;
    /** Once, before any image: the set has its names, labels and splits. */
    enum mien_status (*begin)(void *user, const struct mien_dataset *set, struct mien_error *err);
    /**
     * Once for each image, from several threads: as it was decoded, before it gets the set's size
     * and colour form; or, where it cannot be read, `bitmap` is NULL and `cause` says why.
     */
    enum mien_status (*image)(void *user, size_t index, const struct mien_bitmap *bitmap,
                              const char *cause, struct mien_error *err);
    /** Before begin(): what cannot even be given a place in the set. */
    enum mien_status (*stray)(void *user, const char *name, const char *cause,
                              struct mien_error *err);
};

/** What the loader of a form is told; the options were checked. */
struct mien_load {
    const char *path;
    const struct mien_data_options *options;
    struct mien_exclusion *exclusion;       /**< NULL: none */
    const struct mien_inspector *inspector; /**< NULL: none */
};

/** mien_dataset_load() with an inspector. */
MIEN_CHECK_RESULT
enum mien_status mien_dataset_inspect(struct mien_dataset **out, const char *path,
                                      const struct mien_data_options *options,
                                      const struct mien_inspector *inspector,
                                      struct mien_error *err);

/**
 * Hand an image that was decoded, or why it could not be, to the inspector, if there is one.
 *
 * st, cause  how the decoding ended
 * Errors     `st`, unless an inspector took note of it (of all but MIEN_ERR_MEMORY); the
 * inspector's
 */
MIEN_CHECK_RESULT
enum mien_status mien_load_inspect(const struct mien_load *load, size_t index,
                                   const struct mien_bitmap *bitmap, enum mien_status st,
                                   struct mien_error *cause);

/* The forms.  Contracts as mien_dataset_load(). */
MIEN_CHECK_RESULT
enum mien_status mien_folder_load(struct mien_dataset **out, const struct mien_load *load,
                                  struct mien_error *err);
MIEN_CHECK_RESULT
enum mien_status mien_csv_load(struct mien_dataset **out, const struct mien_load *load,
                               struct mien_error *err);
MIEN_CHECK_RESULT
enum mien_status mien_packed_load(struct mien_dataset **out, const struct mien_load *load,
                                  struct mien_error *err);

#endif
