/** table.h - what was found to be fastest on one device: variants and their parameters (internal)
 */
#ifndef MIEN_TUNE_TABLE_H
#define MIEN_TUNE_TABLE_H

#include "cl/blas_params.h"
#include "ops/conv2d.h"
#include "ops/dense.h"

enum mien_tuned_op { MIEN_TUNED_CONV2D, MIEN_TUNED_DENSE, MIEN_TUNED_BLAS };
enum { MIEN_TUNED_OPS = 3, MIEN_TUNED_SIZES = 10 };

/** Who computes a dense layer: variants of MIEN_TUNED_DENSE. */
enum { MIEN_TUNED_OWN, MIEN_TUNED_CLBLAST };

/** Which parameters CLBlast computes all its products with: variants of MIEN_TUNED_BLAS. */
enum { MIEN_TUNED_USUAL, MIEN_TUNED_SET };

/** Why a candidate is not to be tried again: nothing that mien could stop. */
enum mien_tuned_skip { MIEN_TUNED_USABLE, MIEN_TUNED_HUNG, MIEN_TUNED_DIED };

/** A pass of a convolution, or all three products of a dense layer, for one shape; or CLBlast's
 * parameters, for all shapes. */
struct mien_tuned {
    enum mien_tuned_op op;
    enum mien_conv2d_pass pass; /**< of a convolution; a dense layer's is MIEN_CONV2D_FWD */
    /** Convolution: n, c, h, w, oc, kh, kw, stride, pad, lanes; dense: n, in, out, lanes; CLBlast's
     * parameters: 0, and the three numbers of its version. */
    int size[MIEN_TUNED_SIZES];
    int variant;                   /**< enum mien_conv2d_variant, or MIEN_TUNED_OWN ... */
    int param[MIEN_CONV2D_PARAMS]; /**< as in struct mien_conv2d; 0: the default */
    struct mien_blas_params blas;  /**< of MIEN_TUNED_SET; else zeros */
    double ms, default_ms;         /**< measured; 0: it was not */
    /** Not what to use for the shape, but one candidate that must not be tried. */
    enum mien_tuned_skip skip;
};

/** Whether both are the same way to compute the same. */
bool mien_tuned_same(const struct mien_tuned *a, const struct mien_tuned *b);

/** An entry for a shape, with the variant and the parameters that `op` has in force. */
struct mien_tuned mien_tuned_conv2d(const struct mien_conv2d *op, enum mien_conv2d_pass pass);
struct mien_tuned mien_tuned_dense(const struct mien_dense *op, int variant);
/** An entry for CLBlast's parameters, of the version that mien was built with; NULL: the usual. */
struct mien_tuned mien_tuned_blas(const struct mien_blas_params *params);

/**
 * The convolution of an entry, with the default variants and parameters in the other passes.
 *
 * Errors  MIEN_ERR_SHAPE: sizes that are none; MIEN_ERR_FORMAT: a variant that does not take them,
 *         or a parameter's value that is not among those worth trying
 */
MIEN_CHECK_RESULT
enum mien_status mien_tuned_to_conv2d(struct mien_conv2d *out, const struct mien_tuned *entry,
                                      struct mien_error *err);

/** The table of one device and driver; zeroed is empty. */
struct mien_tuning {
    struct mien_tuned *entries;
    size_t count;
    /** A bit for each variant that must not be used here, see mien_tuning_bar(). */
    unsigned barred[MIEN_TUNED_OPS][MIEN_CONV2D_PASSES];
    unsigned barred_pools; /**< the same of convolutions' poolings, see mien_tuning_bar_pool() */
    /** And of their parameters other than the default ones, see mien_tuning_bar_params(). */
    unsigned barred_params[MIEN_CONV2D_PASSES];
    /** The set that MIEN_TUNED_SET is barred with, see mien_tuning_bar_blas(); zeros: every one. */
    struct mien_blas_params barred_blas;
};
void mien_tuning_finish(struct mien_tuning *tuning); /* zeroed is allowed */

/**
 * Let nobody use a variant: it computes wrong numbers on this device.  No entry puts it back; where
 * no other variant takes a shape it stays all the same.
 */
void mien_tuning_bar(struct mien_tuning *tuning, enum mien_tuned_op op, enum mien_conv2d_pass pass,
                     int variant);
bool mien_tuning_barred(const struct mien_tuning *tuning, enum mien_tuned_op op,
                        enum mien_conv2d_pass pass, int variant); /* NULL is allowed */

/** Let a convolution's variant have its default parameters alone: others compute wrong numbers on
 * this device. */
void mien_tuning_bar_params(struct mien_tuning *tuning, enum mien_conv2d_pass pass,
                            enum mien_conv2d_variant variant);

/** Whether a candidate may not be used: its variant is barred, a dense layer's in any pass, or its
 * parameters are, or the set of CLBlast's.  `tuning` may be NULL. */
bool mien_tuning_bars(const struct mien_tuning *tuning, const struct mien_tuned *candidate);

/** Let a convolution's variant end in no pooling, which it computes wrong on this device: a kernel
 * of its own does. */
void mien_tuning_bar_pool(struct mien_tuning *tuning, enum mien_conv2d_variant variant);

/** Let CLBlast not compute with this set, others stay; where another one is barred, or NULL is
 * given, with none but its usual one. */
void mien_tuning_bar_blas(struct mien_tuning *tuning, const struct mien_blas_params *params);

/** Bar what is barred in another table too. */
void mien_tuning_bar_all(struct mien_tuning *tuning, const struct mien_tuning *other);

/** Put an entry in the place of the one for the same operation, pass and sizes, or a candidate to
 * skip in its own. */
MIEN_CHECK_RESULT
enum mien_status mien_tuning_put(struct mien_tuning *tuning, const struct mien_tuned *entry,
                                 struct mien_error *err);

/**
 * The entry for an operation, pass and shape: that of the same batch, else of the nearest one that
 * is at most four times as large or small, since the batch changes what is fastest less than any
 * other size.  NULL when there is none; `tuning` may be NULL.
 */
const struct mien_tuned *mien_tuning_find(const struct mien_tuning *tuning,
                                          const struct mien_tuned *key);

/** Whether the candidate once hung or ended the driver. */
bool mien_tuning_skips(const struct mien_tuning *tuning, const struct mien_tuned *candidate);

/** Give each pass of `op` the variant and the parameters of its entry; without one it stays, unless
 * its variant is barred.  No variant pools whose poolings are. */
void mien_tuning_apply(const struct mien_tuning *tuning, struct mien_conv2d *op);

/** Whether CLBlast is to compute this dense layer although own kernels could: it was found to be
 * faster, or these are barred. */
bool mien_tuning_wants_clblast(const struct mien_tuning *tuning, const struct mien_act *x, int out);

/** Whether it does so for any dense layer of a device that has own kernels for them. */
bool mien_tuning_has_clblast(const struct mien_tuning *tuning);

/** CLBlast's parameters, borrowed from the table; NULL: the usual ones, because no others are known
 * for this version of it, they were not faster, or they are barred. */
const struct mien_blas_params *mien_tuning_blas(const struct mien_tuning *tuning);

/* As text and as a file */

/** A JSON list on one line, for a checkpoint's metadata.  free() it; NULL: MIEN_ERR_MEMORY */
MIEN_CHECK_RESULT
char *mien_tuning_format(const struct mien_tuning *tuning, struct mien_error *err);
/**
 * The way back.  Every number is checked: sizes, variants that take them, known parameters.
 *
 * Ownership  release with mien_tuning_finish(); empty on error
 * Errors     MIEN_ERR_FORMAT: which entry, and what is wrong with it; MIEN_ERR_MEMORY
 */
MIEN_CHECK_RESULT
enum mien_status mien_tuning_parse(struct mien_tuning *out, const char *text,
                                   struct mien_error *err);

/**
 * The device's file, tuning/NAME-HASH.json in mien_cache_folder(): another driver has another one.
 *
 * Ownership  free() it; NULL without a text where the user has no cache folder, else
 *            MIEN_ERR_MEMORY's text
 */
MIEN_CHECK_RESULT
char *mien_tuning_path(const struct mien_device_info *device, struct mien_error *err);

/**
 * Read a table that mien_tuning_save() wrote for this device and driver.
 *
 * Ownership  release with mien_tuning_finish(); empty on error
 * Errors     MIEN_ERR_IO; MIEN_ERR_FORMAT: damaged, of another device, driver or version of mien;
 *            MIEN_ERR_MEMORY.  The path is in the text
 */
MIEN_CHECK_RESULT
enum mien_status mien_tuning_load(struct mien_tuning *out, const char *path,
                                  const struct mien_device_info *device, struct mien_error *err);

/** Write it, an entry a line; the folder is made.  Errors  MIEN_ERR_IO, MIEN_ERR_MEMORY */
MIEN_CHECK_RESULT
enum mien_status mien_tuning_save(const char *path, const struct mien_tuning *tuning,
                                  const struct mien_device_info *device, struct mien_error *err);

#endif
