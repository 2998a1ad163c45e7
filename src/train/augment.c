/* augment.c - how each training image is changed in each epoch */
#include "train/augment.h"

#include <math.h>

#include "base/random.h"

#define PI 3.14159265358979323846

/* Blocks of four random numbers that an image has: two for all else, one for each try to erase. */
enum { BLOCKS = 16, ERASE_BLOCK = 2, ERASE_TRIES = 10 };
_Static_assert(ERASE_BLOCK + ERASE_TRIES <= BLOCKS,
               "an image must not use the numbers of the next");

/* Shares of the image's area, and the largest ratio of the sides, of what is erased. */
static const double erase_least = 0.02, erase_most = 0.2, erase_aspect = 3.3;

/* The numbers of one image, or batch, in one epoch. */
struct source {
    uint64_t seed, first;
    uint32_t epoch;
    enum mien_stream stream;
};

/* Four numbers in [0, 1). */
static void draw(double out[4], const struct source *from, int block)
{
    uint32_t bits[4];
    mien_random_block(bits, from->seed, from->stream, from->epoch, from->first + (uint64_t)block);
    for (int i = 0; i < 4; i++) {
        out[i] = (double)mien_random_unit(bits[i]);
    }
}

/* A number in [0, 1) as one in [-most, most). */
static double spread(double unit, float most)
{
    return (2.0 * unit - 1.0) * (double)most;
}

bool mien_augment_any(const struct mien_augment_spec *spec)
{
    return spec->mirror || spec->rotate > 0.0f || spec->scale > 0.0f || spec->shift > 0.0f ||
           spec->brightness > 0.0f || spec->contrast > 0.0f || spec->erase > 0.0f ||
           spec->mixup > 0.0f;
}

void mien_augment_map(cl_float map[6], const struct mien_augment_place *place,
                      const struct mien_recipe *recipe)
{
    const double mirror = place->mirror ? -1.0 : 1.0;
    const double across = cos(place->turn) / place->factor;
    const double along = sin(place->turn) / place->factor;
    const double middle_x = (recipe->input.width - 1) / 2.0; /* of the batch's image */
    const double middle_y = (recipe->input.height - 1) / 2.0;
    const double linear[2][2] = { { mirror * across, -along }, { mirror * along, across } };
    const double moved_x = middle_x + recipe->input.margin + place->right;
    const double moved_y = middle_y + recipe->input.margin + place->down;
    map[0] = (cl_float)linear[0][0];
    map[1] = (cl_float)linear[0][1];
    map[2] = (cl_float)(moved_x - linear[0][0] * middle_x - linear[0][1] * middle_y);
    map[3] = (cl_float)linear[1][0];
    map[4] = (cl_float)linear[1][1];
    map[5] = (cl_float)(moved_y - linear[1][0] * middle_x - linear[1][1] * middle_y);
}

/* A side of what is erased, in whole pixels. */
static int erase_side(double px)
{
    return px < 1.0 ? 1 : (int)lround(px);
}

/* Where none of the tries fits, as where the image has one row only, nothing is erased. */
static void draw_erase(cl_int erase[4], const struct mien_recipe *recipe, const struct source *from)
{
    const int h = recipe->input.height;
    const int w = recipe->input.width;
    for (int i = 0; i < ERASE_TRIES; i++) {
        double u[4];
        draw(u, from, ERASE_BLOCK + i);
        const double area = (erase_least + (erase_most - erase_least) * u[0]) * h * w;
        const double aspect = exp((2.0 * u[1] - 1.0) * log(erase_aspect));
        const int high = erase_side(sqrt(area * aspect));
        const int wide = erase_side(sqrt(area / aspect));
        if (high < h && wide < w) {
            erase[0] = (cl_int)(u[2] * (h - high + 1));
            erase[1] = (cl_int)(u[3] * (w - wide + 1));
            erase[2] = erase[0] + high;
            erase[3] = erase[1] + wide;
            return;
        }
    }
}

void mien_augment_draw(struct mien_gather_change *out, const struct mien_recipe *recipe, int epoch,
                       size_t index)
{
    const struct mien_augment_spec *const spec = &recipe->augment;
    const struct source from = { recipe->train.seed, (uint64_t)index * BLOCKS, (uint32_t)epoch,
                                 MIEN_STREAM_AUGMENT };
    double first[4];
    double second[4];
    draw(first, &from, 0);
    draw(second, &from, 1);
    const struct mien_augment_place place = {
        .mirror = spec->mirror && first[0] < 0.5,
        .turn = spread(first[1], spec->rotate) * PI / 180.0,
        .factor = 1.0 + spread(first[2], spec->scale),
        .right = spread(second[0], spec->shift) * (recipe->input.width + 2 * recipe->input.margin),
        .down = spread(second[1], spec->shift) * (recipe->input.height + 2 * recipe->input.margin),
    };
    *out = (struct mien_gather_change){
        .gain = (cl_float)(1.0 + spread(first[3], spec->contrast)),
        .offset = (cl_float)spread(second[2], spec->brightness),
    };
    mien_augment_map(out->map, &place, recipe);
    if (second[3] < (double)spec->erase) {
        draw_erase(out->erase, recipe, &from);
    }
}

/* Two numbers in (0, 1) as one of Beta(alpha, alpha); false where they are to be drawn again. */
static bool beta_of(double *out, double alpha, double u, double v)
{
    if (alpha > 0.5) { /* Ulrich: a point on a circle, seen from its edge */
        *out = 0.5 + 0.5 * sqrt(1.0 - pow(u, 2.0 / (2.0 * alpha - 1.0))) * cos(2.0 * PI * v);
        return true;
    }
    /* Johnk: x / (x + y) of x = u^(1/alpha) and the same y, in logarithms, as they become tiny. */
    const double log_x = log(u) / alpha;
    const double log_y = log(v) / alpha;
    *out = 1.0 / (1.0 + exp(log_y - log_x));
    return exp(log_x) + exp(log_y) <= 1.0;
}

float mien_augment_mix(const struct mien_recipe *recipe, int epoch, size_t first)
{
    const double alpha = (double)recipe->augment.mixup;
    const struct source from = { recipe->train.seed, (uint64_t)first * BLOCKS, (uint32_t)epoch,
                                 MIEN_STREAM_MIXUP };
    double share = 0.5;
    if (!(alpha > 0.0)) {
        return 0.0f;
    }
    for (int block = 0; block < BLOCKS; block++) { /* more than three of four tries are taken */
        double u[4];
        draw(u, &from, block);
        for (int i = 0; i < 4; i++) {
            u[i] += 0x1p-25; /* the middle of its step: never 0 */
        }
        if (beta_of(&share, alpha, u[0], u[1]) || beta_of(&share, alpha, u[2], u[3])) {
            break;
        }
    }
    return (float)share;
}
