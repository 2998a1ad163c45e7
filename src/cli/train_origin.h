/** train_origin.h - what `mien train` is asked for, and what a run was begun with */
#ifndef MIEN_CLI_TRAIN_ORIGIN_H
#define MIEN_CLI_TRAIN_ORIGIN_H

#include "cli/commands.h"
#include "cli/session.h"
#include "data/dataset.h"

struct train_options {
    struct common_options common;
    const char *data, *recipe, *out, *resume, *init, *replay;
    const char *tuning, *exclude, *board;
    struct opt_strings settings;
    double split;                              /* below 0: not given; so is blas, keep_every */
    int max_steps, keep_every, blas, data_mib; /* blas: enum mien_blas */
    bool no_shuffle, no_selftest, watch;
};

/** What a run was begun with; kept in its run.json, so that going on with it needs no options. */
struct train_origin {
    char *data;
    char *exclude;         /* NULL: none */
    char *device, *driver; /* names; NULL: not known */
    double split;
    bool shuffle;
    int blas, keep_every;
};
void train_origin_finish(struct train_origin *origin); /* zeroed is allowed */

/**
 * The origin of a run that goes on.  What this command line says goes first; the order of the
 * images is the word of the checkpoint `last`, as run.json may be lost.
 *
 * Ownership  release with train_origin_finish(), also after an error; so of train_origin_take()
 * Errors     MIEN_ERR_IO, MIEN_ERR_FORMAT, MIEN_ERR_MEMORY
 */
MIEN_CHECK_RESULT
enum mien_status train_origin_read(struct train_origin *out, const char *last,
                                   const struct train_options *o, struct mien_error *err);
/** All of it but the order of the images, from a run.json; one that is lost or damaged says
 * nothing.
 */
MIEN_CHECK_RESULT
enum mien_status train_origin_of(struct train_origin *out, const char *path,
                                 const struct train_options *o, struct mien_error *err);

/** The same of a new run.  Errors  MIEN_ERR_MEMORY */
MIEN_CHECK_RESULT
enum mien_status train_origin_take(struct train_origin *out, const struct train_options *o,
                                   struct mien_error *err);

/** How its data is to be read for a recipe. */
struct mien_data_options train_origin_data(const struct train_origin *origin,
                                           const struct mien_recipe *recipe, struct term *term);

#endif
