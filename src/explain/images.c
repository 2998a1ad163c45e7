/* images.c - images to what a network takes, and maps to the size of images */
#include "explain/explain.h"

#include <math.h>
#include <string.h>

void mien_explain_normalize(float *images, const uint8_t *pixels, size_t count,
                            const struct mien_recipe *recipe)
{
    const int margin = recipe->input.margin;
    const size_t c = (size_t)recipe->input.channels;
    const size_t h = (size_t)recipe->input.height;
    const size_t w = (size_t)recipe->input.width;
    const size_t wide = w + 2 * (size_t)margin;
    const size_t high = h + 2 * (size_t)margin;
    const double mean = (double)recipe->normalize.mean;
    const double std = (double)recipe->normalize.std;
    for (size_t k = 0; k < count * c * h * w; k++) {
        const size_t image = k / (c * h * w);
        const size_t channel = k / (h * w) % c;
        const size_t y = k / w % h + (size_t)margin;
        const size_t x = k % w + (size_t)margin;
        const uint8_t pixel = pixels[((image * high + y) * wide + x) * c + channel];
        images[k] = (float)((pixel / 255.0 - mean) / std);
    }
}

void mien_explain_middle(uint8_t *out, const uint8_t *pixels, const struct mien_recipe *recipe)
{
    const size_t margin = (size_t)recipe->input.margin;
    const size_t c = (size_t)recipe->input.channels;
    const size_t row = (size_t)recipe->input.width * c;
    const size_t wide = row + 2 * margin * c;
    for (size_t y = 0; y < (size_t)recipe->input.height; y++) {
        memcpy(out + y * row, pixels + (y + margin) * wide + margin * c, row);
    }
}

/* The two pixels of a side that output `o` lies between, and how far it is from the first. */
static void place(int *first, int *second, double *part, int o, int in, int out)
{
    const double at = fmin(fmax((o + 0.5) * in / out - 0.5, 0.0), in - 1.0);
    *first = (int)at;
    *second = *first + 1 < in ? *first + 1 : *first;
    *part = at - *first;
}

void mien_explain_resize(float *out, int out_h, int out_w, const float *map, int h, int w)
{
    for (int y = 0; y < out_h; y++) {
        int y0 = 0;
        int y1 = 0;
        double down = 0.0;
        place(&y0, &y1, &down, y, h, out_h);
        for (int x = 0; x < out_w; x++) {
            int x0 = 0;
            int x1 = 0;
            double right = 0.0;
            place(&x0, &x1, &right, x, w, out_w);
            const double top =
                (1.0 - right) * (double)map[y0 * w + x0] + right * (double)map[y0 * w + x1];
            const double bottom =
                (1.0 - right) * (double)map[y1 * w + x0] + right * (double)map[y1 * w + x1];
            out[(size_t)y * (size_t)out_w + (size_t)x] =
                (float)((1.0 - down) * top + down * bottom);
        }
    }
}
