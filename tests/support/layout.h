/** layout.h - plain NCHW arrays to and from the blocked layout of activations, for tests */
#ifndef MIEN_TESTS_SUPPORT_LAYOUT_H
#define MIEN_TESTS_SUPPORT_LAYOUT_H

#include <stdbool.h>

#include "ops/tensor.h"
#include "support/device.h"

/** Whether only small shapes are asked for ($MIEN_SMALL_SHAPES), as under oclgrind. */
bool small_only(void);

/** n * c * h * w: floats of the plain array. */
size_t plain_floats(const struct mien_act *act);

/** [n][c][h][w] as [blocks][c][h][w][lanes], unused lanes `unused`; free() it. */
float *blocked_from_plain(const float *plain, const struct mien_act *act, float unused);

/** The other way; free() it. */
float *plain_from_blocked(const float *blocked, const struct mien_act *act);

/** A guarded buffer with `plain` in it, blocked. */
struct mien_cl_buffer *upload_act(struct mien_cl *cl, const float *plain,
                                  const struct mien_act *act, float unused);

/** A guarded buffer for `act`, poisoned. */
struct mien_cl_buffer *poisoned_act(struct mien_cl *cl, const struct mien_act *act);

/** What a guarded buffer holds, plain; checks the guard.  free() it. */
float *download_act(struct mien_cl *cl, const struct mien_cl_buffer *buffer,
                    const struct mien_act *act);

/** Fails unless every unused lane is finite, and zero where `zero` is set. */
void assert_unused_lanes(struct mien_cl *cl, const struct mien_cl_buffer *buffer,
                         const struct mien_act *act, bool zero);

/** |a-b| <= rtol * (largest |b|, at least 1e-30): for sums whose terms cancel. */
void assert_close_to_scale(const float *got, const float *want, size_t count, float rtol);

#endif
