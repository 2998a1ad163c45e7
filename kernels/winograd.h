/*
 * winograd.h - transforms of Winograd tiles of 6x6, 7x7 and 8x8 points, for conv2d_winograd.cl,
 * conv2d_winograd_filter.cl and conv2d_batched.cl
 *
 * Method   Lavin & Gray, "Fast algorithms for convolutional neural networks", 2016: F(P + 1 - R, R)
 *          for outputs, F(R, P + 1 - R) for the filter's gradient.  P 6: 36 products stand for 144
 *          with R 3 and 4, for 100 with R 5.  P 7: 49 products stand for 225 with R 3 and 5, for
 *          256 with R 4.  P 8: 64 products stand for 324 with R 3, for 400 with R 4 and 5
 * Points   pairs +-p, whose sums of even and of odd terms serve both, with an even P then zero, and
 *          infinity; chosen for small errors (docs/numerics.md), and so that the constants of B^T
 *          are exact
 * Order    points of a tile go column by column: point (r, k) is number k P + r
 * Needs    vec.h before it, -DP=6, 7 or 8, and -DR=3, 4 or 5, the edge of the kernel
 */
#define M     (P + 1 - R)   /* outputs of a tile, along one side */
#define PAIRS ((P - 1) / 2) /* of points */
#define ZERO  (P % 2 == 0)  /* whether zero is a point: number 2 PAIRS */

/* POINT(i) is the i-th pair's p, SQUARE(i) p^2, and SCALE(i) 1 / product of (p - q) over the other
 * finite points q, but for the sign of -p; SCALE_ZERO the same for zero. */
#if P == 6
#define POINT(i)   ((i) == 0 ? 0.75f : 1.5f)
#define SQUARE(i)  ((i) == 0 ? 0.5625f : 2.25f)
#define SCALE(i)   ((i) == 0 ? -0.526748971f : 0.131687243f)
#define SCALE_ZERO 0.790123457f
#elif P == 7
#define POINT(i)   ((i) == 0 ? 0.375f : (i) == 1 ? 0.875f : 1.75f)
#define SQUARE(i)  ((i) == 0 ? 0.140625f : (i) == 1 ? 0.765625f : 3.0625f)
#define SCALE(i)   ((i) == 0 ? 0.730124778f : (i) == 1 ? -0.398056365f : 0.0425728733f)
#define SCALE_ZERO 0.0f
#else
#define POINT(i)   ((i) == 0 ? 0.5f : (i) == 1 ? 1.0f : 2.0f)
#define SQUARE(i)  ((i) == 0 ? 0.25f : (i) == 1 ? 1.0f : 4.0f)
#define SCALE(i)   ((i) == 0 ? 0.711111111f : (i) == 1 ? -0.222222222f : 0.0111111111f)
#define SCALE_ZERO -1.0f
#endif

/* in[0] to in[2 PAIRS], every second one, times the coefficients of the product of (x^2 - p^2) over
 * all pairs. */
INLINED vec at_all_pairs(const vec *in)
{
#if PAIRS == 2
    const float sum = SQUARE(0) + SQUARE(1);
    const float product = SQUARE(0) * SQUARE(1);
    return fma((vec)(product), in[0], fma((vec)(-sum), in[2], in[4]));
#else
    const float sum = SQUARE(0) + SQUARE(1) + SQUARE(2);
    const float pairs = SQUARE(0) * SQUARE(1) + SQUARE(0) * SQUARE(2) + SQUARE(1) * SQUARE(2);
    const float product = SQUARE(0) * SQUARE(1) * SQUARE(2);
    return fma((vec)(-product), in[0], fma((vec)(pairs), in[2], fma((vec)(-sum), in[4], in[6])));
#endif
}

/* The same over all pairs but the i-th. */
INLINED vec at_other_pairs(const vec *in, const int i)
{
#if PAIRS == 2
    return fma((vec)(-SQUARE(1 - i)), in[0], in[2]);
#else
    const vec s = (vec)(-SQUARE((i + 1) % 3) - SQUARE((i + 2) % 3));
    const vec p = (vec)(SQUARE((i + 1) % 3) * SQUARE((i + 2) % 3));
    return fma(p, in[0], fma(s, in[2], in[4]));
#endif
}

/* B^T: P pixels to P points. */
INLINED void to_points(vec out[P], const vec in[P])
{
    if (ZERO) {
        out[2 * PAIRS] = at_all_pairs(in);
    }
    out[P - 1] = at_all_pairs(in + ZERO);
#pragma unroll
    for (int i = 0; i < PAIRS; i++) {
        const vec low = at_other_pairs(in + ZERO, i);
        const vec high = at_other_pairs(in + ZERO + 1, i);
        out[2 * i] = fma((vec)(POINT(i)), low, high);
        out[2 * i + 1] = fma((vec)(-POINT(i)), low, high);
    }
}

/* A^T: P points to `count` sums (2 to 6). */
INLINED void from_points(vec *out, const vec in[P], const int count)
{
#pragma unroll
    for (int k = 0; k < count; k++) {
        out[k] = k == count - 1 ? in[P - 1] : (vec)(0.0f);
    }
    if (ZERO) {
        out[0] += in[2 * PAIRS];
    }
#pragma unroll
    for (int i = 0; i < PAIRS; i++) {
        const vec even = in[2 * i] + in[2 * i + 1];
        const vec odd = in[2 * i] - in[2 * i + 1];
        float power = 1.0f;
#pragma unroll
        for (int k = 0; k < count; k++) {
            out[k] = fma((vec)(power), k % 2 == 0 ? even : odd, out[k]);
            power *= POINT(i);
        }
    }
}

/* G: `count` (2 to 6) weights or gradients to P points. */
INLINED void kernel_to_points(vec out[P], const vec *in, const int count)
{
    if (ZERO) {
        out[2 * PAIRS] = SCALE_ZERO * in[0];
    }
#pragma unroll
    for (int i = 0; i < PAIRS; i++) {
        vec even = SCALE(i) * in[0];
        vec odd = (SCALE(i) * POINT(i)) * in[1];
        float power = SCALE(i) * SQUARE(i);
#pragma unroll
        for (int k = 2; k < count; k += 2) {
            even = fma((vec)(power), in[k], even);
            if (k + 1 < count) {
                odd = fma((vec)(power * POINT(i)), in[k + 1], odd);
            }
            power *= SQUARE(i);
        }
        out[2 * i] = even + odd;
        out[2 * i + 1] = ZERO ? even - odd : odd - even;
    }
    out[P - 1] = in[count - 1];
}

/* All bits set where `i` is outside of 0 .. count - 1, else none: without a comparison, which
 * compilers make a branch for each pixel of. */
static inline int outside(const int i, const int count)
{
    return (i | (count - 1 - i)) >> 31;
}

/* `count` pixels from column `left` on of row y of a plane of h x w, of which some are outside and
 * become zero. */
INLINED void load_cut_row(vec *line, __global const float *restrict plane, const int y,
                          const int left, const int h, const int w, const int count)
{
#pragma unroll
    for (int k = 0; k < count; k++) {
        const vec v = VLOAD(clamp(y, 0, h - 1) * w + clamp(left + k, 0, w - 1), plane);
        line[k] = VFROM_BITS(VBITS(v) & (ivec)(~(outside(y, h) | outside(left + k, w))));
    }
}

/*
 * The P x P pixels at (top, left) of a plane of h x w, zero outside, as points: columns first to
 * first + count - 1 of P.  Asks for the same pixels of the plane
 * `ahead` floats further on, unless that is 0.
 */
INLINED void tile_to_points(vec points[][P], __global const float *restrict plane, const int ahead,
                            const int top, const int left, const int h, const int w,
                            const int first, const int count)
{
    vec rows[P][P];
    if (top >= 0 && left >= 0 && top + P <= h && left + P <= w) {
#pragma unroll
        for (int r = 0; r < P; r++) {
            vec line[P];
            vec out[P];
            __global const float *const from = plane + ((top + r) * w + left) * LANES;
#pragma unroll
            for (int k = 0; k < P; k++) {
                if (ahead != 0 && k % LINE_VECTORS == 0) {
                    PREFETCH(from + ahead + k * LANES);
                }
                line[k] = VLOAD(k, from);
            }
            to_points(out, line);
#pragma unroll
            for (int k = 0; k < count; k++) {
                rows[r][k] = out[first + k];
            }
        }
    } else {
#pragma unroll 1 /* a loop, or compilers merge it with the other case and ask for each pixel */
        for (int r = 0; r < P; r++) {
            vec line[P];
            vec out[P];
            __global const float *const from =
                plane + (clamp(top + r, 0, h - 1) * w + max(left, 0)) * LANES;
#pragma unroll
            for (int k = 0; k < (ahead != 0 ? P : 0); k += LINE_VECTORS) {
                PREFETCH(from + ahead + k * LANES);
            }
            load_cut_row(line, plane, top + r, left, h, w, P);
            to_points(out, line);
#pragma unroll
            for (int k = 0; k < count; k++) {
                rows[r][k] = out[first + k];
            }
        }
    }
#pragma unroll
    for (int k = 0; k < count; k++) {
        vec column[P];
#pragma unroll
        for (int r = 0; r < P; r++) {
            column[r] = rows[r][k];
        }
        to_points(points[k], column);
    }
}
