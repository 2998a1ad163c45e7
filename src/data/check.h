/** check.h - what is wrong with a data set: damaged, blank and repeated images (internal)
 *
 * Images are compared as they came, before any conversion; a colour image whose three channels are
 * equal counts as gray.
 *
 * Exact copies are found by a 128-bit hash of size, colour form and pixels.
 *
 * Near copies: each image is brought to gray and 32 x 32, and to a 64-bit difference hash (Krawetz,
 * "Kind of like that", 2013: is a pixel of the 9 x 8 image brighter than its left neighbour?).
 * Candidates are pairs whose hashes differ in at most 11 bits, found without comparing all with all
 * (Norouzi et al., "Fast search in Hamming space with multi-index hashing", CVPR 2012); they are
 * near copies when the correlation of their 32 x 32 pixels reaches a limit.  A change of
 * brightness or contrast does not matter to either.
 */
#ifndef MIEN_DATA_CHECK_H
#define MIEN_DATA_CHECK_H

#include "data/dataset.h"

/** No image. */
#define MIEN_NO_IMAGE UINT32_MAX

/* Below the least limit the hash is no longer sure to find what the correlation would accept. */
#define MIEN_CHECK_NEAR_MIN     0.95
#define MIEN_CHECK_NEAR_DEFAULT 0.96

enum mien_check_form {
    MIEN_FORM_GRAY,
    MIEN_FORM_COLOUR,
    MIEN_FORM_GRAY_AS_COLOUR, /**< three channels that are equal everywhere */
};
enum { MIEN_FORMS = 3 };

/** What was seen of one image. */
struct mien_check_image {
    char *error;       /**< why it cannot be read, owned; NULL: it can, and the rest is set */
    int height, width; /**< pixels, as it came */
    enum mien_check_form form;
    bool converted; /**< it came with a palette, alpha, 16 bits or CMYK */
    bool blank;     /**< every pixel is the same, */
    uint8_t level;  /**< and this is its (first) channel */
    uint64_t key[2];
    uint32_t group;    /**< of its exact copies; MIEN_NO_IMAGE: it has none */
    uint32_t near;     /**< an image before it, in the order test, validation, training, that it
                            nearly is; MIEN_NO_IMAGE: none, or it is not its group's lead */
    float correlation; /**< with it */
};

/** An image that could not be given a place in the set: a row of a CSV file. */
struct mien_check_stray {
    char *name, *error; /**< owned */
};

/** Images with the same pixels, in the order of the set: members[first] and so on. */
struct mien_check_group {
    uint32_t first, count;
    uint32_t lead;   /**< the first one of the latest split: it stands for all of them */
    bool conflict;   /**< not all have the same label */
    unsigned splits; /**< bit s: some are of split s */
};

struct mien_check {
    struct mien_dataset *set;        /**< labels, names, splits, classes; its pixels are 32 x 32 */
    struct mien_check_image *images; /**< [image_count], that of the set */
    size_t image_count;
    struct mien_check_stray *strays;
    size_t stray_count;
    struct mien_check_group *groups;
    size_t group_count;
    uint32_t *members; /**< of the groups, one after another */
};

struct mien_check_options {
    const char *exclude;        /**< as in struct mien_data_options */
    double near;                /**< least correlation of near copies, MIEN_CHECK_NEAR_MIN to 1 */
    int threads;                /**< for decoding; 0: all cores */
    const struct mien_log *log; /**< may be NULL */
};

/**
 * Look at every image of a data set of any form.
 *
 * Ownership  *out is the caller's, release with mien_check_destroy(); NULL on error
 * Errors     as mien_dataset_load(), but an image that cannot be read is none
 * Numerics   exact and the same on every machine but for the last bits of the correlations
 */
MIEN_CHECK_RESULT
enum mien_status mien_check_run(struct mien_check **out, const char *path,
                                const struct mien_check_options *options, struct mien_error *err);
void mien_check_destroy(struct mien_check *check); /* NULL is allowed */

/** Which split an image is of. */
enum mien_split mien_check_split(const struct mien_check *check, size_t index);

/** Numbers of what was found. */
struct mien_check_counts {
    size_t unreadable; /**< strays included */
    size_t blank, black;
    size_t groups, redundant;          /**< of exact copies; images beyond each group's first */
    size_t conflicts, conflict_images; /**< groups with several labels, and their images */
    size_t twins[MIEN_SPLITS][MIEN_SPLITS]; /**< [of][in]: images of one split with an exact copy in
                                                 another */
    size_t near;                            /**< near copies, each group of exact ones once */
    size_t near_across;                     /**< those whose original is in another split */
    size_t forms[MIEN_FORMS], converted;
};
void mien_check_count(struct mien_check_counts *out, const struct mien_check *check);

/** Why an image is proposed to be left out; the first that holds is given. */
enum mien_check_reason {
    MIEN_REASON_NONE,
    MIEN_REASON_UNREADABLE,
    MIEN_REASON_BLANK,
    MIEN_REASON_CONFLICT,  /**< an exact copy has another label */
    MIEN_REASON_TWIN,      /**< an exact copy is in a split that measures this one's: training
                                before validation before test */
    MIEN_REASON_DUPLICATE, /**< an exact copy of the same split comes before it */
    MIEN_REASON_NEAR,      /**< it is a near copy of an image that is not listed */
};
enum { MIEN_REASONS = 7 };

/** "unreadable", "blank", "conflicts", "twins", "duplicates", "near"; NULL of none. */
const char *mien_check_reason_name(enum mien_check_reason reason);

/**
 * Write a list of images to leave out, as struct mien_data_options takes it.
 *
 * reasons   bit r: images may be listed for reason r
 * all       of every split; else of training alone, but for those that cannot be read
 * listed    [MIEN_REASONS], how many were listed for each; overwritten
 * title     the list's first line
 * Errors    MIEN_ERR_IO, MIEN_ERR_MEMORY; then what was at `path` is untouched
 */
MIEN_CHECK_RESULT
enum mien_status mien_check_write_list(size_t listed[MIEN_REASONS], const char *path,
                                       const struct mien_check *check, unsigned reasons, bool all,
                                       const char *title, struct mien_error *err);

/** The second half of mien_check_run() (check_near.c): sets `near` and `correlation`. */
MIEN_CHECK_RESULT
enum mien_status mien_check_find_near(struct mien_check *check, double limit,
                                      const struct mien_log *log, struct mien_error *err);

#endif
