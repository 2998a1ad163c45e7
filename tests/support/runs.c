/* runs.c - runs of small recipes in folders */
#include "support/runs.h"

#include "support/device.h"

enum mien_status run_try(struct mien_run_result *result, struct mien_cl *cl,
                         const struct mien_dataset *set, const struct test_run *what,
                         struct mien_error *err)
{
    struct mien_model_file file = model_for(what->recipe, set);
    const struct mien_run_options options = {
        .folder = what->folder,
        .data = "memory",
        .command = "test",
        .resume = what->resume,
        .max_steps = what->max_steps,
        .trainer = { .shuffle = !what->in_order },
    };
    const enum mien_status st = mien_run(result, cl, &file, set, &options, err);
    mien_model_file_finish(&file);
    assert_int_equal(mien_cl_live(cl), 0);
    return st;
}

struct mien_run_result run_must(struct mien_cl *cl, const struct mien_dataset *set,
                                const struct test_run *what)
{
    struct mien_error err = { "" };
    struct mien_run_result result;
    assert_ok(run_try(&result, cl, set, what, &err), &err);
    return result;
}
