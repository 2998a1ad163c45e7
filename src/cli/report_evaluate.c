/* report_evaluate.c - how good a model is, for a report */
#include <inttypes.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/memory.h"
#include "cli/report_parts.h"

static json_t *describe_data(const struct report_answers *answers)
{
    const struct mien_dataset *const set = answers->set;
    char fingerprint[24];
    (void)snprintf(fingerprint, sizeof(fingerprint), "%016" PRIx64, set->fingerprint);
    json_t *data =
        json_pack("{s:o, s:s}", "path", mien_json_text(answers->data), "fingerprint", fingerprint);
    for (int i = 0; i < MIEN_SPLITS; i++) {
        mien_json_set(&data, mien_split_name((enum mien_split)i),
                      json_integer((json_int_t)set->splits[i].count));
    }
    return data;
}

enum mien_status report_add_evaluation(json_t *report, struct report_answers *answers,
                                       struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_model_file *const file = &answers->model->file;
    const size_t count = answers->set->splits[answers->split].count;
    const int batch = file->recipe->train.batch;
    struct eval_member member = { .model = answers->model_path };
    struct eval_result result = {
        .data = answers->data,
        .session = answers->session,
        .classes = file->classes,
        .split = answers->split,
        .views = answers->views,
        .members = &member,
        .member_count = 1,
    };
    const struct mien_evaluation_options options = {
        .split = answers->split,
        .views = answers->views,
        .log = answers->log,
    };
    answers->probabilities = mien_calloc(count, (size_t)file->class_count * sizeof(float), err);
    if (answers->probabilities == NULL) {
        return MIEN_ERR_MEMORY;
    }
    TRY(session_model_place(answers->model, answers->session,
                            count < (size_t)batch ? (int)count : batch, answers->blas, err));
    TRY(mien_judge(&result.judged, answers->probabilities, answers->model->model, file->recipe,
                   answers->set, &options, err));
    member.accuracy = result.judged.metrics.accuracy;
    member.loss = result.judged.loss;
    json_t *const evaluation = eval_describe(&result);
    if (json_object_set_new(evaluation, "data", describe_data(answers)) != 0 ||
        json_object_set(report, "evaluation", evaluation) != 0) {
        st = mien_fail(err, MIEN_ERR_MEMORY, "out of memory for the report");
    }
    json_decref(evaluation);

done:
    session_model_unplace(answers->model);
    mien_metrics_finish(&result.judged.metrics);
    return st;
}

enum mien_status report_add_answers(json_t *report, struct report_answers *answers,
                                    struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    TRY(report_add_evaluation(report, answers, err));
    TRY(report_add_samples(report, answers, err));
    TRY(report_add_pictures(report, answers, err));

done:
    free(answers->probabilities);
    answers->probabilities = NULL;
    return st;
}
