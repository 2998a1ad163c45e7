/* views.c - several views of an image, of whose logits a network gives the mean */
#include "train/views.h"

#include "ops/average.h"

enum { CROPS = MIEN_MOST_VIEWS / 2 };

enum mien_status mien_views_check(int count, const struct mien_recipe *recipe,
                                  struct mien_error *err)
{
    if (count != 1 && count != 2 && count != MIEN_MOST_VIEWS) {
        return mien_fail(err, MIEN_ERR_USAGE, "%d views; expected 1, 2 or %d", count,
                         MIEN_MOST_VIEWS);
    }
    if (count == MIEN_MOST_VIEWS && recipe->input.margin == 0) {
        return mien_fail(err, MIEN_ERR_USAGE,
                         "%d views are crops from the corners of a larger image, and %s takes "
                         "images without a margin (input.margin is 0); expected 1 or 2 views",
                         count, recipe->name);
    }
    return MIEN_OK;
}

/* The middle first, so that one view is the first of any. */
static void list_views(struct mien_views *views, int margin)
{
    const int crops = views->count == MIEN_MOST_VIEWS ? CROPS : 1;
    for (int i = 0; i < views->count; i++) {
        const int crop = i % crops;
        views->items[i] = (struct mien_gather_view){
            .down = crop == 0  ? 0
                    : crop < 3 ? -margin
                               : margin,
            .right = crop == 0       ? 0
                     : crop % 2 == 1 ? -margin
                                     : margin,
            .mirror = i >= crops,
        };
    }
}

enum mien_status mien_views_init(struct mien_views *views, int count, struct mien_model *model,
                                 const struct mien_recipe *recipe, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_act out = mien_model_output_act(model, mien_model_batch(model));
    *views = (struct mien_views){ .count = 0 };
    TRY(mien_views_check(count, recipe, err));
    views->count = count;
    views->model = model;
    list_views(views, recipe->input.margin);
    if (count > 1) {
        TRY(mien_cl_buffer_create(&views->mean, mien_model_cl(model),
                                  mien_act_floats(&out) * sizeof(cl_float), err));
    }

done:
    if (st != MIEN_OK) {
        mien_views_finish(views);
    }
    return st;
}

void mien_views_finish(struct mien_views *views)
{
    mien_cl_buffer_destroy(views->mean);
    *views = (struct mien_views){ .count = 0 };
}

enum mien_status mien_views_forward(struct mien_views *views, int index, int n,
                                    struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_model *const model = views->model;
    struct mien_cl *const cl = mien_model_cl(model);
    const struct mien_act out = mien_model_output_act(model, n);
    TRY(mien_model_forward(model, n, NULL, err));
    if (views->mean != NULL) {
        mien_cl_label(cl, "views");
        if (index == 0) { /* not what another batch left, which may not be finite */
            TRY(mien_cl_fill(cl, views->mean, 0, err));
        }
        TRY(mien_average_update(cl, views->mean, mien_model_logits(model), mien_act_floats(&out),
                                1.0f / (float)(index + 1), err));
    }

done:
    return st;
}

const struct mien_cl_buffer *mien_views_logits(const struct mien_views *views)
{
    return views->mean != NULL ? views->mean : mien_model_logits(views->model);
}
