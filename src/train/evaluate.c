/* evaluate.c - a model over a whole split */
#include "train/evaluate.h"

#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "train/views.h"

static int at_most(size_t value, int limit)
{
    return value < (size_t)limit ? (int)value : limit;
}

/* The logits of images [first, first + n), in all views, as probabilities and sums. */
static enum mien_status run_batch(struct mien_cl_buffer *probabilities,
                                  struct mien_cl_buffer *stats, struct mien_views *views,
                                  struct mien_loader *loader, size_t first, int n,
                                  struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_model *const model = views->model;
    struct mien_cl *const cl = mien_model_cl(model);
    const struct mien_act out = mien_model_output_act(model, n);
    const struct mien_softmax op = {
        .n = n,
        .classes = out.c,
        .lanes = out.lanes,
        .scale = 1.0f,
        .first_row = (cl_int)first,
    };
    TRY(mien_loader_load(loader, model, first, n, err)); /* the first view */
    TRY(mien_views_forward(views, 0, n, err));
    for (int view = 1; view < views->count; view++) {
        TRY(mien_loader_show(loader, model, &views->items[view], err));
        TRY(mien_views_forward(views, view, n, err));
    }
    const struct mien_softmax_target target = { .labels = mien_loader_labels(loader) };
    mien_cl_label(cl, "loss");
    TRY(mien_softmax_eval(cl, probabilities, stats, mien_views_logits(views), &target, &op, err));

done:
    return st;
}

static enum mien_status run_batches(struct mien_cl_buffer *probabilities,
                                    struct mien_cl_buffer *stats, struct mien_views *views,
                                    struct mien_loader *loader, const struct mien_log *log,
                                    struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_cl *const cl = mien_model_cl(views->model);
    const int batch = mien_model_batch(views->model);
    const size_t count = mien_loader_count(loader);
    struct mien_cl_mark *before = NULL; /* the device is never more than two batches behind */
    struct mien_cl_mark *now = NULL;
    for (size_t first = 0; first < count; first += (size_t)batch) {
        const int n = at_most(count - first, batch);
        TRY(run_batch(probabilities, stats, views, loader, first, n, err));
        TRY(mien_cl_mark(&now, cl, err));
        TRY(mien_cl_mark_wait(&before, err));
        before = now;
        now = NULL;
        mien_log_progress(log, "evaluating", first + (size_t)n, count);
    }

done:
    mien_cl_mark_drop(&before);
    mien_cl_mark_drop(&now);
    return st;
}

enum mien_status mien_evaluate(struct mien_softmax_stats *out, float *probabilities,
                               struct mien_model *model, struct mien_loader *loader,
                               const struct mien_evaluation_options *options,
                               struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_cl *const cl = mien_model_cl(model);
    struct mien_cl_buffer *stats = NULL;
    struct mien_cl_buffer *rows = NULL;
    struct mien_views views = { .count = 0 };
    const size_t count = mien_loader_set(loader)->splits[options->split].count;
    const size_t bytes = count * (size_t)mien_model_output_act(model, 1).c * sizeof(*probabilities);
    if (count == 0) {
        return mien_fail(err, MIEN_ERR_FORMAT, "the data has no %s images",
                         mien_split_name(options->split));
    }
    mien_model_weights_changed(model); /* by training, or to averages and back */
    TRY(mien_views_init(&views, options->views, model, mien_loader_recipe(loader), err));
    TRY(mien_cl_buffer_create(&stats, cl, mien_softmax_stats_bytes(mien_model_batch(model)), err));
    TRY(mien_softmax_stats_reset(cl, stats, err));
    if (probabilities != NULL) {
        TRY(mien_cl_buffer_create(&rows, cl, bytes, err));
    }
    TRY(mien_loader_in_order(loader, options->split, err));
    TRY(run_batches(rows, stats, &views, loader, options->log, err));
    TRY(mien_softmax_stats_read(cl, out, stats, err));
    if (probabilities != NULL) {
        TRY(mien_cl_read(cl, probabilities, rows, 0, bytes, err));
    }

done:
    if (st != MIEN_OK) {
        mien_cl_drain(cl); /* nothing may run on what is released now */
    }
    mien_views_finish(&views);
    mien_cl_buffer_destroy(stats);
    mien_cl_buffer_destroy(rows);
    return st;
}

enum mien_status mien_judge(struct mien_judgement *out, float *probabilities,
                            struct mien_model *model, const struct mien_recipe *recipe,
                            const struct mien_dataset *set,
                            const struct mien_evaluation_options *options, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_softmax_stats stats;
    struct mien_loader *loader = NULL;
    const struct mien_loader_options loading = {
        .batch = mien_model_batch(model),
        .recipe = recipe,
    };
    /* The device need not have what is not asked for. */
    const struct mien_dataset part = mien_dataset_split(set, options->split);
    *out = (struct mien_judgement){ .seconds = 0 };
    float *const own = mien_calloc(probabilities == NULL ? part.count : 1,
                                   (size_t)set->class_count * sizeof(*own), err);
    float *const rows = probabilities == NULL ? own : probabilities;
    if (own == NULL) {
        return MIEN_ERR_MEMORY;
    }
    TRY(mien_loader_create(&loader, mien_model_cl(model), &part, &loading, err));
    const double start = mien_now_s();
    TRY(mien_evaluate(&stats, rows, model, loader, options, err));
    const double seconds = mien_now_s() - start;
    if (!isfinite(stats.loss)) { /* an accuracy beside that would look like one */
        st = mien_fail(err, MIEN_ERR_NOT_FINITE,
                       "what the model gives on the %s images is not finite",
                       mien_split_name(options->split));
        goto done;
    }
    TRY(mien_metrics_compute(&out->metrics, rows, part.labels, part.count, set->class_count, err));
    out->loss = stats.loss / stats.weight;
    out->seconds = seconds;

done:
    mien_loader_destroy(loader);
    free(own);
    return st;
}
