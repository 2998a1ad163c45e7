/*
 * winograd.h - transforms of 6x6 Winograd tiles, for conv2d_winograd.cl and
 * conv2d_winograd_filter.cl
 *
 * Method   Lavin & Gray, "Fast algorithms for convolutional neural networks", 2016, with the points
 * 0, 1, -1, 2, -2 and infinity: F(7 - R, R) for outputs, F(R, 7 - R) for the filter's gradient.  36
 * products stand for (7 - R)^2 R^2: 144 for R 3 and 4, 100 for R 5. Needs    vec.h before it, and
 * -DR=3, 4 or 5, the edge of the kernel
 */
#define P 6           /* points: a tile is P x P */
#define M (P + 1 - R) /* outputs of a tile, along one side */

/* B^T: six pixels to six points. */
static inline void to_points(vec out[P], const vec in[P])
{
    const vec even1 = fma((vec)(-4.0f), in[2], in[4]);
    const vec odd1 = fma((vec)(-4.0f), in[1], in[3]);
    const vec even2 = in[4] - in[2];
    const vec odd2 = 2.0f * (in[3] - in[1]);
    out[0] = fma((vec)(4.0f), in[0], fma((vec)(-5.0f), in[2], in[4]));
    out[1] = even1 + odd1;
    out[2] = even1 - odd1;
    out[3] = even2 + odd2;
    out[4] = even2 - odd2;
    out[5] = fma((vec)(4.0f), in[1], fma((vec)(-5.0f), in[3], in[5]));
}

/* Macros below serve both vectors of images and single numbers, so they name the type. */

/* A^T: six points to `count` sums (2 to 5). */
#define FROM_POINTS(type, out, in, count)                                                          \
    do {                                                                                           \
        const type s1 = (in)[1] + (in)[2], d1 = (in)[1] - (in)[2];                                 \
        const type s2 = (in)[3] + (in)[4], d2 = (in)[3] - (in)[4];                                 \
        (out)[0] = (in)[0] + s1 + s2;                                                              \
        (out)[1] = d1 + 2.0f * d2;                                                                 \
        if ((count) > 2) {                                                                         \
            (out)[2] = s1 + 4.0f * s2;                                                             \
        }                                                                                          \
        if ((count) > 3) {                                                                         \
            (out)[3] = d1 + 8.0f * d2;                                                             \
        }                                                                                          \
        if ((count) > 4) {                                                                         \
            (out)[4] = s1 + 16.0f * s2;                                                            \
        }                                                                                          \
        (out)[(count)-1] += (in)[5];                                                               \
    } while (0)

/* G: `count` (2 to 5) weights or gradients to six points. */
#define KERNEL_POINTS(type, out, in, count)                                                        \
    do {                                                                                           \
        type e1 = (in)[0], o1 = (in)[1], e2 = (in)[0], o2 = 2.0f * (in)[1];                        \
        if ((count) > 2) {                                                                         \
            e1 += (in)[2];                                                                         \
            e2 += 4.0f * (in)[2];                                                                  \
        }                                                                                          \
        if ((count) > 3) {                                                                         \
            o1 += (in)[3];                                                                         \
            o2 += 8.0f * (in)[3];                                                                  \
        }                                                                                          \
        if ((count) > 4) {                                                                         \
            e1 += (in)[4];                                                                         \
            e2 += 16.0f * (in)[4];                                                                 \
        }                                                                                          \
        (out)[0] = 0.25f * (in)[0];                                                                \
        (out)[1] = (-1.0f / 6.0f) * (e1 + o1);                                                     \
        (out)[2] = (-1.0f / 6.0f) * (e1 - o1);                                                     \
        (out)[3] = (1.0f / 24.0f) * (e2 + o2);                                                     \
        (out)[4] = (1.0f / 24.0f) * (e2 - o2);                                                     \
        (out)[5] = (in)[(count)-1];                                                                \
    } while (0)

/* The P x P pixels at (top, left) of a plane of h x w, zero outside, as points. */
static inline void tile_to_points(vec points[P][P], __global const float *restrict plane,
                                  const int top, const int left, const int h, const int w)
{
    vec rows[P][P];
    const bool inside = top >= 0 && left >= 0 && top + P <= h && left + P <= w;
#pragma unroll
    for (int r = 0; r < P; r++) {
        vec line[P];
        const int y = top + r;
#pragma unroll
        for (int k = 0; k < P; k++) {
            const int x = left + k;
            line[k] = (vec)(0.0f);
            if (inside || (y >= 0 && y < h && x >= 0 && x < w)) {
                line[k] = VLOAD(y * w + x, plane);
            }
        }
        to_points(rows[r], line);
    }
#pragma unroll
    for (int k = 0; k < P; k++) {
        vec column[P];
        vec out[P];
#pragma unroll
        for (int r = 0; r < P; r++) {
            column[r] = rows[r][k];
        }
        to_points(out, column);
#pragma unroll
        for (int r = 0; r < P; r++) {
            points[r][k] = out[r];
        }
    }
}
