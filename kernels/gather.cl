/*
 * gather.cl - a batch of images, labels and target distributions from a uint8 set on the device,
 * normalised
 *
 * Pairs with   src/ops/gather.c (host), src/ref/gather.c (plain C)
 * Layout       set [count][h + 2 margin][w + 2 margin][c] bytes; x [blocks][c][h][w][LANES];
 *              changes [n], of which the host's struct mien_gather_change is the other side
 * Mapping      images: one work-item per `chunk` rows (block, channel, y) of x and `cols` pixels;
 *              labels, shares: one work-item per image
 * Border       lanes beyond n are zero; an index outside the set gives a zero image, label -1 and
 *              shares of 0;
 *              what a change asks for beyond an image is its nearest pixel
 * Determinism  elementwise
 */
#include "vec.h"

/* The batch's pixel (0, 0) lies at (left, top) of an image, the next in a row `step` beside it. */
__kernel void gather_images(__global float *restrict x, __global const uchar *restrict set,
                            __global const int *restrict indices, const int first_index,
                            const int count, const int n, const int rows, const int c, const int h,
                            const int w, const int margin, const int top, const int left,
                            const int step, const float scale, const float shift, const int cols,
                            const int chunk)
{
    const int first = (int)get_global_id(1) * chunk;
    const int first_x = (int)get_global_id(0) * cols;
    const int set_h = h + 2 * margin;
    const int set_w = w + 2 * margin;
    for (int row = first; row < min(first + chunk, rows); row++) {
        const int block = row / (c * h);
        const int channel = row / h % c;
        const int y = row % h + top;
        __global float *const line = x + (size_t)row * w * LANES;
        for (int lane = 0; lane < LANES; lane++) {
            const int i = block * LANES + lane;
            const int index = i < n ? indices[first_index + i] : -1;
            const int known = index >= 0 && index < count;
            __global const uchar *const image =
                set + (size_t)(known ? index : 0) * set_h * set_w * c;
            for (int at = first_x; at < min(first_x + cols, w); at++) {
                const float pixel = (float)image[(y * set_w + left + step * at) * c + channel];
                line[at * LANES + lane] = known ? fma(pixel, scale, shift) : 0.0f;
            }
        }
    }
}

struct change {
    float map[6]; /* source x = map[0] x + map[1] y + map[2]; y likewise of the other three */
    float gain, offset;
    int erase[4]; /* top, left, bottom, right; the last two are outside */
};

/* The changes of one vector of images, a lane each. */
struct lanes {
    float map[6][LANES];
    float scale[LANES], shift[LANES];
    int erase[4][LANES];
    int known[LANES];
    __global const uchar *image[LANES]; /* of a lane without an image: any that can be read */
};

/* The images from first_image on, or, `mirrored`, those that lie as far from the batch's end. */
static inline void load_lanes(struct lanes *lanes, __global const uchar *set,
                              __global const int *indices, __global const struct change *changes,
                              const int first_image, const int mirrored, const int count,
                              const int n, const size_t bytes, const float scale, const float shift)
{
    for (int lane = 0; lane < LANES; lane++) {
        const int place = min(first_image + lane, n - 1);
        const int i = mirrored ? n - 1 - place : place;
        const int index = first_image + lane < n ? indices[i] : -1;
        const int known = index >= 0 && index < count;
        __global const struct change *const change = changes + i;
        for (int k = 0; k < 6; k++) {
            lanes->map[k][lane] = change->map[k];
        }
        for (int k = 0; k < 4; k++) {
            lanes->erase[k][lane] = change->erase[k];
        }
        lanes->scale[lane] = scale * change->gain;
        lanes->shift[lane] = fma(shift, change->gain, change->offset);
        lanes->known[lane] = known ? -1 : 0;
        lanes->image[lane] = set + (known ? index : 0) * bytes;
    }
}

/* The vector at (x, y) of the images, bilinear between pixels; exact where it falls on one. */
static inline vec sample(const struct lanes *lanes, const vec source_x, const vec source_y,
                         const int set_h, const int set_w, const int c, const int channel)
{
    const vec x = clamp(source_x, (vec)(0.0f), (vec)((float)(set_w - 1)));
    const vec y = clamp(source_y, (vec)(0.0f), (vec)((float)(set_h - 1)));
    const ivec left = VINT(x);
    const ivec top = VINT(y) * set_w;
    const ivec right = min(left + 1, (ivec)(set_w - 1));
    const ivec bottom = min(top + set_w, (ivec)((set_h - 1) * set_w));
    int at[4][LANES];
    float corner[4][LANES];
    VSTORE_INTS((top + left) * c + channel, 0, at[0]);
    VSTORE_INTS((top + right) * c + channel, 0, at[1]);
    VSTORE_INTS((bottom + left) * c + channel, 0, at[2]);
    VSTORE_INTS((bottom + right) * c + channel, 0, at[3]);
#pragma unroll
    for (int lane = 0; lane < LANES; lane++) {
#pragma unroll
        for (int k = 0; k < 4; k++) {
            corner[k][lane] = (float)lanes->image[lane][at[k][lane]];
        }
    }
    const vec across = x - VFLOAT(left);
    const vec down = y - VFLOAT(VINT(y));
    const vec above = fma(across, VLOAD(0, corner[1]) - VLOAD(0, corner[0]), VLOAD(0, corner[0]));
    const vec below = fma(across, VLOAD(0, corner[3]) - VLOAD(0, corner[2]), VLOAD(0, corner[2]));
    return fma(down, below - above, above);
}

/* The pixel (x, y) of the batch's images. */
static inline vec changed(const struct lanes *lanes, const int x, const int y, const int set_h,
                          const int set_w, const int c, const int channel)
{
    const vec column = (vec)((float)x);
    const vec row = (vec)((float)y);
    const vec source_x = fma(VLOAD(0, lanes->map[0]), column,
                             fma(VLOAD(0, lanes->map[1]), row, VLOAD(0, lanes->map[2])));
    const vec source_y = fma(VLOAD(0, lanes->map[3]), column,
                             fma(VLOAD(0, lanes->map[4]), row, VLOAD(0, lanes->map[5])));
    const vec pixel = sample(lanes, source_x, source_y, set_h, set_w, c, channel);
    const ivec erased = (VLOAD_INTS(0, lanes->erase[0]) <= y) &
                        (VLOAD_INTS(0, lanes->erase[1]) <= x) &
                        (VLOAD_INTS(0, lanes->erase[2]) > y) & (VLOAD_INTS(0, lanes->erase[3]) > x);
    return select(fma(pixel, VLOAD(0, lanes->scale), VLOAD(0, lanes->shift)), (vec)(0.0f),
                  erased | (VLOAD_INTS(0, lanes->known) == 0));
}

/* `second`: the share of image n - 1 - i in image i. */
__kernel void gather_changed(__global float *restrict x, __global const uchar *restrict set,
                             __global const int *restrict indices,
                             __global const struct change *restrict changes, const int first_index,
                             const int count, const int n, const int rows, const int c, const int h,
                             const int w, const int margin, const float scale, const float shift,
                             const float second, const int cols, const int chunk)
{
    const int first = (int)get_global_id(1) * chunk;
    const int left = (int)get_global_id(0) * cols;
    const int set_h = h + 2 * margin;
    const int set_w = w + 2 * margin;
    const size_t bytes = (size_t)set_h * set_w * c;
    for (int row = first; row < min(first + chunk, rows); row++) {
        const int image = row / (c * h) * LANES;
        const int channel = row / h % c;
        const int y = row % h;
        struct lanes lanes;
        load_lanes(&lanes, set, indices + first_index, changes, image, 0, count, n, bytes, scale,
                   shift);
        for (int at = left; at < min(left + cols, w); at++) {
            VSTORE(changed(&lanes, at, y, set_h, set_w, c, channel), (size_t)row * w + at, x);
        }
        if (second > 0.0f) {
            load_lanes(&lanes, set, indices + first_index, changes, image, 1, count, n, bytes,
                       scale, shift);
            for (int at = left; at < min(left + cols, w); at++) {
                const vec other = changed(&lanes, at, y, set_h, set_w, c, channel);
                const vec own = VLOAD((size_t)row * w + at, x);
                VSTORE(fma((vec)(second), other - own, own), (size_t)row * w + at, x);
            }
        }
    }
}

/* With a share of the second image, its label stands n behind the first one's. */
__kernel void gather_labels(__global int *restrict out, __global const int *restrict labels,
                            __global const int *restrict indices, const int first_index,
                            const int count, const int n, const float second)
{
    const int i = (int)get_global_id(0);
    if (i < n) {
        const int index = indices[first_index + i];
        const int label = index >= 0 && index < count ? labels[index] : -1;
        out[i] = label;
        if (second > 0.0f) {
            out[n + n - 1 - i] = label;
        }
    }
}

/* The shares [classes] of an image and of the one that lies as far from the batch's end, mixed. */
__kernel void gather_shares(__global float *restrict out, __global const float *restrict shares,
                            __global const int *restrict indices, const int first_index,
                            const int count, const int n, const int classes, const float second)
{
    const int i = (int)get_global_id(0);
    if (i < n) {
        const int own = indices[first_index + i];
        const int other = indices[first_index + n - 1 - i];
        const int own_known = own >= 0 && own < count;
        const int other_known = other >= 0 && other < count;
        for (int c = 0; c < classes; c++) {
            const float a = own_known ? shares[(size_t)own * classes + c] : 0.0f;
            const float b = other_known ? shares[(size_t)other * classes + c] : 0.0f;
            out[(size_t)i * classes + c] = fma(second, b - a, a);
        }
    }
}
