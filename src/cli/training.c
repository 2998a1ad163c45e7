/* training.c - recipe, data and device of a command that tries out what a run would do */
#include "cli/training.h"

enum mien_status training_open(struct training *out, const struct training_options *options,
                               const struct common_options *common, struct term *term,
                               struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_recipe *recipe = NULL;
    *out = (struct training){ .set = NULL };
    TRY(mien_recipe_load(&recipe, options->recipe, (const char *const *)options->settings.items,
                         options->settings.count, err));
    if (common->seed >= 0) {
        recipe->train.seed = (uint64_t)common->seed;
    }
    struct mien_data_options load = mien_recipe_data_options(recipe);
    load.split = options->split;
    load.exclude = options->exclude;
    load.log = &term->log;
    TRY(mien_dataset_load(&out->set, options->data, &load, err));
    struct mien_recipe *const given = recipe;
    recipe = NULL;
    TRY(mien_model_file_create(&out->file, given, out->set->classes, out->set->class_count, err));
    TRY(session_open(&out->session, common, false, term, err));
    TRY(session_tune(&out->session, options->tuning, term, err));

done:
    mien_recipe_destroy(recipe);
    return st;
}

struct mien_trainer_options training_run_options(const struct training_options *options,
                                                 const struct session *session)
{
    return (struct mien_trainer_options){
        .blas = (enum mien_blas)options->blas,
        .tuning = &session->tuning,
        .shuffle = !options->no_shuffle,
        .device_bytes = (size_t)options->data_mib << 20,
    };
}

void training_close(struct training *training)
{
    mien_model_file_finish(&training->file);
    mien_dataset_destroy(training->set);
    session_close(&training->session);
    *training = (struct training){ .set = NULL };
}
