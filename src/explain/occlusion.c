/* occlusion.c - how much a logit falls where a window covers the image */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "explain/explain.h"

struct work {
    const struct mien_targets *targets;
    struct mien_shape shape; /* of an image */
    int classes;
    int window, stride;
    int rows, columns; /* of windows */
    float *maps;       /* [targets][h][w]: sums over windows, then their mean */
    float *plain;      /* [targets] logit of the image as it is */
};

/* Windows along a side, the last one at its end. */
static int count_windows(int side, int window, int stride)
{
    return (side - window + stride - 1) / stride + 1;
}

static int place_of(int index, int side, const struct work *work)
{
    const int last = side - work->window;
    return index * work->stride < last ? index * work->stride : last;
}

static size_t copies_of(const struct work *work)
{
    return 1 + (size_t)work->rows * (size_t)work->columns; /* the first is the image as it is */
}

/* Where window `number` stands. */
static void find_window(int *y, int *x, const struct work *work, size_t number)
{
    *y = place_of((int)(number / (size_t)work->columns), work->shape.h, work);
    *x = place_of((int)(number % (size_t)work->columns), work->shape.w, work);
}

static void make(void *user, const struct mien_probe_batch *batch)
{
    const struct work *const work = user;
    const struct mien_shape *const s = &work->shape;
    const size_t floats = (size_t)s->c * (size_t)s->h * (size_t)s->w;
    for (int i = 0; i < batch->n; i++) {
        const size_t at = batch->first + (size_t)i;
        const size_t copy = at % copies_of(work);
        float *const image = batch->images + (size_t)i * floats;
        int top = 0;
        int left = 0;
        memcpy(image, work->targets->images + at / copies_of(work) * floats,
               floats * sizeof(*image));
        if (copy == 0) {
            continue;
        }
        find_window(&top, &left, work, copy - 1);
        for (int row = 0; row < s->c * work->window; row++) {
            const int c = row / work->window;
            const int y = top + row % work->window;
            memset(image + ((size_t)c * (size_t)s->h + (size_t)y) * (size_t)s->w + left, 0,
                   (size_t)work->window * sizeof(*image));
        }
    }
}

static void cover(const struct work *work, float *map, size_t number, float fall)
{
    int top = 0;
    int left = 0;
    find_window(&top, &left, work, number);
    for (int y = top; y < top + work->window; y++) {
        for (int x = left; x < left + work->window; x++) {
            map[(size_t)y * (size_t)work->shape.w + (size_t)x] += fall;
        }
    }
}

/* The image as it is comes before its covered copies, maybe in an earlier batch. */
static void take(void *user, const struct mien_probe_batch *batch)
{
    const struct work *const work = user;
    const size_t pixels = (size_t)work->shape.h * (size_t)work->shape.w;
    for (int i = 0; i < batch->n; i++) {
        const size_t at = batch->first + (size_t)i;
        const size_t copy = at % copies_of(work);
        const size_t first = at / copies_of(work) * work->targets->per_image;
        for (size_t t = first; t < first + work->targets->per_image; t++) {
            const float logit =
                batch
                    ->logits[(size_t)i * (size_t)work->classes + (size_t)work->targets->classes[t]];
            if (copy == 0) {
                work->plain[t] = logit;
            } else {
                cover(work, work->maps + t * pixels, copy - 1, work->plain[t] - logit);
            }
        }
    }
}

/* How many windows cover each pixel, of one image. */
static void count_covers(float *counts, const struct work *work)
{
    for (size_t k = 0; k + 1 < copies_of(work); k++) {
        cover(work, counts, k, 1.0f);
    }
}

enum mien_status mien_explain_occlusion(float *maps, struct mien_probe *probe,
                                        const struct mien_targets *targets,
                                        const struct mien_occlusion *op, struct mien_error *err)
{
    enum mien_status st = MIEN_ERR_MEMORY;
    const struct mien_network *const network = mien_probe_network(probe);
    const struct mien_shape *const s = &network->input;
    const size_t count = targets->image_count * targets->per_image;
    const size_t pixels = (size_t)s->h * (size_t)s->w;
    struct work work = {
        .targets = targets,
        .shape = *s,
        .classes = network->classes,
        .window = op->window,
        .stride = op->stride,
        .rows = count_windows(s->h, op->window, op->stride),
        .columns = count_windows(s->w, op->window, op->stride),
        .maps = maps,
        .plain = mien_calloc(count, sizeof(*work.plain), err),
    };
    float *const covers = mien_calloc(pixels, sizeof(*covers), err);
    const struct mien_probe_job job = {
        .count = targets->image_count * copies_of(&work), .make = make, .take = take, .user = &work
    };
    if (work.plain == NULL || covers == NULL) {
        goto done;
    }
    memset(maps, 0, count * pixels * sizeof(*maps));
    TRY(mien_probe_run(probe, &job, err));
    count_covers(covers, &work);
    for (size_t k = 0; k < count * pixels; k++) {
        maps[k] /= covers[k % pixels];
    }

done:
    free(work.plain);
    free(covers);
    return st;
}
