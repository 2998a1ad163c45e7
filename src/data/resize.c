/* resize.c - separable area average and linear interpolation in exact integers */
#include <stdlib.h>

#include "base/memory.h"
#include "data/image.h"

/*
 * One axis.  Output place o takes inputs first[o] .. first[o] + taps - 1 (never beyond the end: the
 * weight there is 0 and the index is held back) with integer weights that sum to `total`.
 */
struct axis {
    int taps;
    uint32_t total;
    int *first;
    uint32_t *weights; /* [out][taps] */
};

static void finish_axis(struct axis *axis)
{
    free(axis->first);
    free(axis->weights);
}

/* Lengths in units of 1/out of an input pixel: output o covers [o * in, (o + 1) * in). */
static void weigh_area(const struct axis *axis, int o, int in, int out)
{
    const int64_t begin = (int64_t)o * in;
    const int64_t end = begin + in;
    const int last_first = in - axis->taps;
    int first = (int)(begin / out);
    first = first > last_first ? last_first : first;
    axis->first[o] = first;
    for (int t = 0; t < axis->taps; t++) {
        int64_t from = (int64_t)(first + t) * out;
        int64_t to = from + out;
        from = from < begin ? begin : from;
        to = to > end ? end : to;
        axis->weights[(size_t)o * (size_t)axis->taps + (size_t)t] =
            (uint32_t)(to > from ? to - from : 0);
    }
}

/* The centre of output o lies at ((2 o + 1) in - out) / (2 out) in input pixels. */
static void weigh_linear(const struct axis *axis, int o, int in, int out)
{
    const int64_t unit = 2 * (int64_t)out;
    int64_t place = (2 * (int64_t)o + 1) * in - out;
    const int64_t most = (int64_t)(in - 1) * unit;
    place = place < 0 ? 0 : place;
    place = place > most ? most : place;
    int first = (int)(place / unit);
    first = first > in - axis->taps ? in - axis->taps : first;
    axis->first[o] = first;
    uint32_t *const w = axis->weights + (size_t)o * (size_t)axis->taps;
    if (axis->taps == 1) {
        w[0] = (uint32_t)unit;
        return;
    }
    w[1] = (uint32_t)(place - (int64_t)first * unit);
    w[0] = (uint32_t)unit - w[1];
}

static enum mien_status init_axis(struct axis *axis, int in, int out, struct mien_error *err)
{
    const bool area = out <= in;
    int taps = area ? in / out + 2 : 2;
    taps = taps > in ? in : taps;
    taps = in == out ? 1 : taps;
    axis->taps = taps;
    axis->total = area ? (uint32_t)in : 2 * (uint32_t)out;
    axis->first = mien_calloc((size_t)out, sizeof(*axis->first), err);
    axis->weights = mien_calloc((size_t)out * (size_t)taps, sizeof(*axis->weights), err);
    if (axis->first == NULL || axis->weights == NULL) {
        return MIEN_ERR_MEMORY;
    }
    for (int o = 0; o < out; o++) {
        if (area) {
            weigh_area(axis, o, in, out);
        } else {
            weigh_linear(axis, o, in, out);
        }
    }
    return MIEN_OK;
}

/* Weighted sums along one row: at most 255 * total, which fits. */
static void sum_row(uint32_t *out, const uint8_t *in, const struct axis *axis, int out_w,
                    int channels)
{
    for (int o = 0; o < out_w; o++) {
        const uint32_t *const w = axis->weights + (size_t)o * (size_t)axis->taps;
        const uint8_t *const p = in + (size_t)axis->first[o] * (size_t)channels;
        for (int c = 0; c < channels; c++) {
            uint32_t sum = 0;
            for (int t = 0; t < axis->taps; t++) {
                sum += w[t] * p[t * channels + c];
            }
            out[o * channels + c] = sum;
        }
    }
}

/* The two rows last summed; neighbouring output rows share input rows. */
struct rows {
    uint32_t *sums[2];
    int held[2];
};

enum mien_status mien_resize(uint8_t *out, const uint8_t *in, int channels, int in_h, int in_w,
                             int out_h, int out_w, struct mien_error *err)
{
    struct axis ax = { 0 };
    struct axis ay = { 0 };
    struct rows rows = { .held = { -1, -1 } };
    uint64_t *column = NULL;
    enum mien_status st = MIEN_ERR_MEMORY;
    const size_t width = (size_t)out_w * (size_t)channels;

    TRY(init_axis(&ax, in_w, out_w, err));
    TRY(init_axis(&ay, in_h, out_h, err));
    st = MIEN_ERR_MEMORY;
    rows.sums[0] = mien_calloc(width, sizeof(uint32_t), err);
    rows.sums[1] = mien_calloc(width, sizeof(uint32_t), err);
    column = mien_calloc(width, sizeof(*column), err);
    if (rows.sums[0] == NULL || rows.sums[1] == NULL || column == NULL) {
        goto done;
    }
    const uint64_t total = (uint64_t)ax.total * ay.total;
    for (int o = 0; o < out_h; o++) {
        for (size_t i = 0; i < width; i++) {
            column[i] = total / 2;
        }
        for (int t = 0; t < ay.taps; t++) {
            const uint64_t w = ay.weights[(size_t)o * (size_t)ay.taps + (size_t)t];
            const int y = ay.first[o] + t;
            if (w == 0) {
                continue;
            }
            if (rows.held[y & 1] != y) {
                const size_t row = (size_t)y * (size_t)in_w * (size_t)channels;
                sum_row(rows.sums[y & 1], in + row, &ax, out_w, channels);
                rows.held[y & 1] = y;
            }
            for (size_t i = 0; i < width; i++) {
                column[i] += w * rows.sums[y & 1][i];
            }
        }
        for (size_t i = 0; i < width; i++) {
            out[(size_t)o * width + i] = (uint8_t)(column[i] / total);
        }
    }
    st = MIEN_OK;
done:
    finish_axis(&ax);
    finish_axis(&ay);
    free(rows.sums[0]);
    free(rows.sums[1]);
    free(column);
    return st;
}
