/* tensor.c - the shape and layout of activations */
#include "ops/tensor.h"

int mien_act_blocks(const struct mien_act *act)
{
    return (act->n + act->lanes - 1) / act->lanes;
}

size_t mien_act_floats(const struct mien_act *act)
{
    return (size_t)mien_act_blocks(act) * (size_t)act->lanes * (size_t)act->c * (size_t)act->h *
           (size_t)act->w;
}

enum mien_status mien_act_check(const struct mien_act *act, const char *what,
                                struct mien_error *err)
{
    if (act->n < 1 || act->c < 1 || act->h < 1 || act->w < 1) {
        return mien_fail(err, MIEN_ERR_SHAPE,
                         "%s: %d x %d x %d x %d: every size must be at least 1", what, act->n,
                         act->c, act->h, act->w);
    }
    if (act->lanes != 1 && act->lanes != 4 && act->lanes != 8 && act->lanes != 16) {
        return mien_fail(err, MIEN_ERR_SHAPE, "%s: %d lanes: must be 1, 4, 8 or 16", what,
                         act->lanes);
    }
    const double blocks = ((double)act->n + act->lanes - 1) / act->lanes;
    const double floats = (double)(long)blocks * act->lanes * act->c * (double)act->h * act->w;
    if (act->n > INT_MAX - act->lanes || floats > (double)MIEN_MOST_FLOATS) {
        return mien_fail(
            err, MIEN_ERR_SHAPE,
            "%s: %d x %d x %d x %d with %d lanes is %.0f numbers: at most %d fit one tensor", what,
            act->n, act->c, act->h, act->w, act->lanes, floats, MIEN_MOST_FLOATS);
    }
    return MIEN_OK;
}

int mien_device_lanes(const struct mien_device_info *device)
{
    if (device->kind != MIEN_DEVICE_CPU) {
        return 1;
    }
    return device->float_width >= 16 ? 16 : device->float_width >= 8 ? 8 : 4;
}
