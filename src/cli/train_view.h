/** train_view.h - what is shown of a run while it goes on (internal to mien train) */
#ifndef MIEN_CLI_TRAIN_VIEW_H
#define MIEN_CLI_TRAIN_VIEW_H

#include "cli/session.h"
#include "data/dataset.h"
#include "train/events.h"
#include "train/run.h"

/** For the callbacks of struct mien_run_options. */
struct train_view {
    struct term *term;
    bool silent;       /**< no line an epoch: the result is JSON */
    bool watch;        /**< the page, and curves on the terminal */
    const char *board; /**< folder of event files for TensorBoard; NULL: none */
    const char *folder;
    const char *data;                   /**< where the images come from */
    const struct mien_dataset *set;     /**< with the model's classes */
    const struct mien_model_file *file; /**< in training */

    char *page, *json;             /**< private from here on: paths */
    json_t *samples;               /**< as they are in a report */
    struct mien_events *events[2]; /**< of training and validation; NULL: not begun */
    bool lost;                     /**< no more events */
    bool begun;                    /**< the page is this run's */
    bool told;                     /**< that the page cannot be written */
};

/**
 * See, without making it, whether a board can be a folder; NULL is allowed.
 *
 * Errors  MIEN_ERR_IO: it, or what it would lie in, is no folder or cannot be written;
 *         MIEN_ERR_MEMORY
 */
MIEN_CHECK_RESULT
enum mien_status train_view_check_board(const char *board, struct mien_error *err);

/**
 * Fill in the rest.
 *
 * Ownership  release with train_view_finish()
 * Errors     MIEN_ERR_MEMORY
 */
MIEN_CHECK_RESULT
enum mien_status train_view_init(struct train_view *view, struct mien_error *err);
void train_view_finish(struct train_view *view); /* zeroed is allowed */

/** The callbacks; `user` is the view. */
void train_view_progress(void *user, const struct mien_run_progress *progress);
void train_view_epoch(void *user, const struct mien_epoch *row, bool best);

/**
 * The run is over: the page stops reloading itself.  What cannot be written is told in a notice.
 *
 * session  for a page that is whole, as that of mien report; NULL: what there is without
 */
void train_view_end(struct train_view *view, const struct session *session, enum mien_blas blas);

#endif
