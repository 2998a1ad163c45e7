/* measure.c - times of work on a device: repeated, warm, told apart from noise */
#include "tune/measure.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"

static int compare(const void *a, const void *b)
{
    const double *const x = a;
    const double *const y = b;
    return (*x > *y) - (*x < *y);
}

/* Between neighbours where the place is no whole number. */
static double quantile(const double *sorted, size_t count, double part)
{
    const double place = part * (double)(count - 1);
    const size_t below = (size_t)place;
    const size_t above = below + 1 < count ? below + 1 : below;
    return sorted[below] + (place - (double)below) * (sorted[above] - sorted[below]);
}

void mien_times_of(struct mien_times *out, double *ms, size_t count)
{
    qsort(ms, count, sizeof(*ms), compare);
    *out = (struct mien_times){
        .min_ms = ms[0],
        .q1_ms = quantile(ms, count, 0.25),
        .median_ms = quantile(ms, count, 0.5),
        .q3_ms = quantile(ms, count, 0.75),
    };
}

double mien_idle_ms(const struct mien_cl_sample *samples, size_t count)
{
    double idle_ns = 0.0;
    cl_ulong end_ns = count > 0 ? samples[0].end_ns : 0;
    for (size_t i = 1; i < count; i++) {
        if (samples[i].start_ns > end_ns) {
            idle_ns += (double)(samples[i].start_ns - end_ns);
        }
        end_ns = samples[i].end_ns > end_ns ? samples[i].end_ns : end_ns;
    }
    return idle_ns / 1e6;
}

double mien_device_ms(const struct mien_cl_sample *samples, size_t count)
{
    double ns = 0.0;
    for (size_t i = 0; i < count; i++) {
        if (samples[i].end_ns > samples[i].start_ns) {
            ns += (double)(samples[i].end_ns - samples[i].start_ns);
        }
    }
    return ns / 1e6;
}

enum mien_status mien_measure(struct mien_measured *out, struct mien_cl *cl,
                              const struct mien_work *work, int warmup, int repeat,
                              struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_cl_sample *samples = NULL;
    size_t count = 0;
    double *const wall = mien_calloc((size_t)repeat * 2, sizeof(*wall), err);
    if (wall == NULL) {
        return MIEN_ERR_MEMORY;
    }
    double *const device = wall + repeat;
    for (int i = 0; i < warmup; i++) {
        TRY(work->enqueue(work->user, err));
    }
    TRY(mien_cl_profile(cl, &samples, &count, err));
    for (int i = 0; i < repeat; i++) {
        const double start_ms = mien_now_ms();
        TRY(work->enqueue(work->user, err));
        TRY(mien_cl_finish(cl, err));
        wall[i] = mien_now_ms() - start_ms;
        TRY(mien_cl_profile(cl, &samples, &count, err));
        device[i] = mien_device_ms(samples, count);
    }
    mien_times_of(&out->wall, wall, (size_t)repeat);
    mien_times_of(&out->device, device, (size_t)repeat);

done:
    free(wall);
    return st;
}
