/** runs.h - runs of small recipes in folders */
#ifndef MIEN_TESTS_SUPPORT_RUNS_H
#define MIEN_TESTS_SUPPORT_RUNS_H

#include "support/training.h"
#include "train/run.h"

struct test_run {
    const char *recipe, *folder;
    bool resume;
    size_t max_steps; /**< 0: to its end */
    bool in_order;    /**< images are not shuffled */
};

/** Begin a run, or go on with it. */
enum mien_status run_try(struct mien_run_result *result, struct mien_cl *cl,
                         const struct mien_dataset *set, const struct test_run *what,
                         struct mien_error *err);
/** The same, where nothing fails. */
struct mien_run_result run_must(struct mien_cl *cl, const struct mien_dataset *set,
                                const struct test_run *what);

#endif
