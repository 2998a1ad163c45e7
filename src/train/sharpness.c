/* sharpness.c - what a batch needs for sharpness-aware minimisation */
#include "train/sharpness.h"

#include <float.h>

#include "ops/average.h"
#include "ops/clip.h"
#include "ops/sam.h"

size_t mien_sharpness_bytes(float radius, size_t flat_floats)
{
    return radius > 0.0f ? flat_floats * sizeof(cl_float) + mien_clip_bytes(flat_floats) : 0;
}

enum mien_status mien_sharpness_init(struct mien_sharpness *out, const struct mien_model *model,
                                     float radius, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_cl *const cl = mien_model_cl(model);
    const size_t count = mien_model_network(model)->flat_floats;
    *out = (struct mien_sharpness){ .radius = radius };
    if (radius > 0.0f) {
        TRY(mien_cl_buffer_create(&out->home, cl, count * sizeof(cl_float), err));
        TRY(mien_cl_buffer_create(&out->clip, cl, mien_clip_bytes(count), err));
    }

done:
    return st;
}

void mien_sharpness_finish(struct mien_sharpness *sharpness)
{
    mien_cl_buffer_destroy(sharpness->home);
    mien_cl_buffer_destroy(sharpness->clip);
    *sharpness = (struct mien_sharpness){ .radius = 0.0f };
}

enum mien_status mien_sharpness_climb(const struct mien_sharpness *sharpness,
                                      struct mien_model *model, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_cl *const cl = mien_model_cl(model);
    const size_t count = mien_model_network(model)->flat_floats;
    mien_cl_label(cl, "sharpness");
    TRY(mien_clip_factor(cl, sharpness->clip, mien_model_gradients(model), count, FLT_MAX, err));
    TRY(mien_sam_climb(cl, mien_model_values(model), sharpness->home, mien_model_gradients(model),
                       sharpness->clip, count, sharpness->radius, err));

done:
    return st;
}

enum mien_status mien_sharpness_return(const struct mien_sharpness *sharpness,
                                       struct mien_model *model, struct mien_error *err)
{
    struct mien_cl *const cl = mien_model_cl(model);
    mien_cl_label(cl, "sharpness");
    return mien_average_swap(cl, sharpness->home, mien_model_values(model),
                             mien_model_network(model)->flat_floats, err);
}
