/* layout.c - plain NCHW arrays to and from the blocked layout of activations, for tests */
#include "support/layout.h"

#include <math.h>
#include <stdlib.h>

bool small_only(void)
{
    return getenv("MIEN_SMALL_SHAPES") != NULL;
}

size_t plain_floats(const struct mien_act *act)
{
    return (size_t)act->n * (size_t)act->c * (size_t)act->h * (size_t)act->w;
}

/* Where pixel `k` (of all channels) of image `i` lies. */
static size_t blocked_index(const struct mien_act *act, size_t i, size_t k)
{
    const size_t lanes = (size_t)act->lanes;
    const size_t image = (size_t)act->c * (size_t)act->h * (size_t)act->w;
    return (i / lanes * image + k) * lanes + i % lanes;
}

float *blocked_from_plain(const float *plain, const struct mien_act *act, float unused)
{
    const size_t image = (size_t)act->c * (size_t)act->h * (size_t)act->w;
    const size_t floats = mien_act_floats(act);
    float *const out = malloc(floats * sizeof(*out));
    assert_non_null(out);
    for (size_t i = 0; i < floats / image; i++) {
        for (size_t k = 0; k < image; k++) {
            out[blocked_index(act, i, k)] = i < (size_t)act->n ? plain[i * image + k] : unused;
        }
    }
    return out;
}

float *plain_from_blocked(const float *blocked, const struct mien_act *act)
{
    const size_t image = (size_t)act->c * (size_t)act->h * (size_t)act->w;
    float *const out = malloc(plain_floats(act) * sizeof(*out));
    assert_non_null(out);
    for (size_t i = 0; i < (size_t)act->n; i++) {
        for (size_t k = 0; k < image; k++) {
            out[i * image + k] = blocked[blocked_index(act, i, k)];
        }
    }
    return out;
}

struct mien_cl_buffer *upload_act(struct mien_cl *cl, const float *plain,
                                  const struct mien_act *act, float unused)
{
    float *const blocked = blocked_from_plain(plain, act, unused);
    struct mien_cl_buffer *const buffer =
        guarded_copy(cl, blocked, mien_act_floats(act) * sizeof(float));
    free(blocked);
    return buffer;
}

struct mien_cl_buffer *poisoned_act(struct mien_cl *cl, const struct mien_act *act)
{
    return guarded_buffer(cl, mien_act_floats(act) * sizeof(float));
}

float *download_act(struct mien_cl *cl, const struct mien_cl_buffer *buffer,
                    const struct mien_act *act)
{
    float *const blocked = guarded_read(cl, buffer, mien_act_floats(act) * sizeof(float));
    float *const plain = plain_from_blocked(blocked, act);
    free(blocked);
    return plain;
}

void assert_unused_lanes(struct mien_cl *cl, const struct mien_cl_buffer *buffer,
                         const struct mien_act *act, bool zero)
{
    const size_t floats = mien_act_floats(act);
    const size_t lanes = (size_t)act->lanes;
    const size_t block = (size_t)act->c * (size_t)act->h * (size_t)act->w * lanes;
    float *const blocked = guarded_read(cl, buffer, floats * sizeof(float));
    for (size_t k = 0; k < floats; k++) {
        const size_t image = k / block * lanes + k % lanes;
        const bool good = isfinite(blocked[k]) && (blocked[k] == 0.0f || !zero);
        if (image >= (size_t)act->n && !good) {
            fail_msg("unused lane of image %zu: %.9g", image, (double)blocked[k]);
        }
    }
    free(blocked);
}

void assert_close_to_scale(const float *got, const float *want, size_t count, float rtol)
{
    float scale = 1e-30f;
    for (size_t i = 0; i < count; i++) {
        scale = fmaxf(scale, fabsf(want[i]));
    }
    assert_all_close(got, want, count, rtol * scale, 0.0f);
}
