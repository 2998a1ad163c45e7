/** tune_guard.h - the search of `mien tune` in a process of its own, which is ended when a
 * candidate takes too long */
#ifndef MIEN_CLI_TUNE_GUARD_H
#define MIEN_CLI_TUNE_GUARD_H

#include "cli/term.h"
#include "tune/search.h"

/** What the processes before this one told. */
struct tune_past {
    struct mien_search_result *results; /**< by the task's index; those without a share are empty */
    size_t count;
    struct mien_tuning skips; /**< candidates that hung or ended their process */
    double start_ms;          /**< of the search, without what was lost over these */
    bool again;               /**< there was one */
    bool no_steps;            /**< whole steps hung or ended their process */
    bool fresh;               /**< the one before asked for another, see tune_tell_fresh() */
};

/** The searching process's end of the line to the one that watches it. */
struct tune_line {
    int fd;
    const struct tune_past *past;
};

struct tune_guard {
    double seconds; /**< the search's budget; as much at most is added for what is lost */
    double limit_s; /**< for one candidate, compiling and running */
    /** Search; no process has called OpenCL before.  Its status and error are passed on. */
    enum mien_status (*search)(void *user, const struct tune_line *line, struct term *term,
                               struct mien_error *err);
    void *user;
};

/**
 * Run guard->search() in a child process, which tells what it does.  When a candidate is not
 * finished within the limit, or ends the process, the candidate is added to the past and another
 * child goes on, without it.  The first SIGINT or SIGTERM makes tune_stop() true in the child; the
 * second ends both.
 *
 * Errors  of guard->search(); MIEN_ERR_CL: the child ended outside of a candidate; MIEN_ERR_IO:
 *         there can be no child
 */
MIEN_CHECK_RESULT
enum mien_status tune_guard_run(const struct tune_guard *guard, struct term *term,
                                struct mien_error *err);

/** In the child: whether to stop; for struct mien_search_options. */
bool tune_stop(void *user);

/**
 * In the child: the device is to get this candidate now, or, with NULL, is done with it.
 *
 * name    how the candidate is called when it has to be left alone
 * Errors  MIEN_ERR_INTERRUPTED: nobody listens any more
 */
MIEN_CHECK_RESULT
enum mien_status tune_tell_candidate(const struct tune_line *line, const char *name,
                                     const struct mien_tuned *candidate, struct mien_error *err);
/** In the child: the device is to get whole steps, which have ten times as long; done as above.
 * Errors  as tune_tell_candidate() */
MIEN_CHECK_RESULT
enum mien_status tune_tell_steps(const struct tune_line *line, struct mien_error *err);
/** In the child: it is going to end, and another is to go on with what is left in the process of
 * none before it.  Errors  as tune_tell_candidate() */
MIEN_CHECK_RESULT
enum mien_status tune_tell_fresh(const struct tune_line *line, struct mien_error *err);
/** In the child: what is known of the task `index`.  Errors  as tune_tell_candidate() */
MIEN_CHECK_RESULT
enum mien_status tune_tell_result(const struct tune_line *line, size_t index,
                                  const struct mien_search_result *result, struct mien_error *err);

#endif
