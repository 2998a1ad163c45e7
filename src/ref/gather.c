/* gather.c - a batch of images and labels in plain C */
#include "ref/gather.h"

#include <math.h>
#include <stddef.h>

static size_t set_height(const struct mien_ref_gather *op)
{
    return (size_t)op->h + 2 * (size_t)op->margin;
}

static size_t set_width(const struct mien_ref_gather *op)
{
    return (size_t)op->w + 2 * (size_t)op->margin;
}

/* Image i of the batch in the set, NULL where there is none. */
static const uint8_t *find_image(const uint8_t *set, const int32_t *indices, size_t i,
                                 const struct mien_ref_gather *op)
{
    const int32_t index = indices[(size_t)op->first + i];
    const size_t bytes = (size_t)op->c * set_height(op) * set_width(op);
    return index >= 0 && index < op->count ? set + (size_t)index * bytes : NULL;
}

static double normalise(double pixel, const struct mien_ref_gather *op)
{
    return (pixel / 255.0 - (double)op->mean) / (double)op->std;
}

void mien_ref_gather_images(float *x, const uint8_t *set, const int32_t *indices,
                            const struct mien_ref_gather *op)
{
    const size_t channels = (size_t)op->c;
    const size_t width = (size_t)op->w;
    const size_t pixels = (size_t)op->h * width;
    for (size_t i = 0; i < (size_t)op->n; i++) {
        const uint8_t *const image = find_image(set, indices, i, op);
        for (size_t k = 0; k < channels * pixels; k++) {
            const size_t x_px = op->mirror ? width - 1 - k % width : k % width;
            const size_t row = k % pixels / width + (size_t)(op->margin + op->down);
            const size_t column = x_px + (size_t)(op->margin + op->right);
            const size_t at = (row * set_width(op) + column) * channels + k / pixels;
            x[i * channels * pixels + k] = image == NULL ? 0.0f : (float)normalise(image[at], op);
        }
    }
}

static double clamp(double value, double most)
{
    return value < 0.0 ? 0.0 : value > most ? most : value;
}

/* The image at (x, y), bilinear, with the border repeated beyond it. */
static double sample(const uint8_t *image, double x, double y, size_t channel,
                     const struct mien_ref_gather *op)
{
    const size_t width = set_width(op);
    const size_t height = set_height(op);
    const double column = clamp(x, (double)(width - 1));
    const double row = clamp(y, (double)(height - 1));
    const size_t left = (size_t)column;
    const size_t top = (size_t)row;
    double sum = 0.0;
    for (size_t corner = 0; corner < 4; corner++) {
        const size_t dx = corner % 2;
        const size_t dy = corner / 2;
        const double weight =
            (1.0 - fabs(column - (double)(left + dx))) * (1.0 - fabs(row - (double)(top + dy)));
        if (left + dx < width && top + dy < height) {
            const size_t at = ((top + dy) * width + left + dx) * (size_t)op->c + channel;
            sum += weight * (double)image[at];
        }
    }
    return sum;
}

static double change_pixel(const uint8_t *image, int x, int y, size_t channel,
                           const struct mien_ref_gather_change *change,
                           const struct mien_ref_gather *op)
{
    const float *const map = change->map;
    const double from_x = (double)map[0] * x + (double)map[1] * y + (double)map[2];
    const double from_y = (double)map[3] * x + (double)map[4] * y + (double)map[5];
    if (y >= change->erase[0] && x >= change->erase[1] && y < change->erase[2] &&
        x < change->erase[3]) {
        return 0.0;
    }
    return normalise(sample(image, from_x, from_y, channel, op), op) * (double)change->gain +
           (double)change->offset;
}

void mien_ref_gather_changed(float *x, const uint8_t *set, const int32_t *indices,
                             const struct mien_ref_gather_change *changes,
                             const struct mien_ref_gather *op)
{
    const size_t width = (size_t)op->w;
    const size_t pixels = (size_t)op->h * width;
    const size_t floats = (size_t)op->c * pixels;
    for (size_t k = 0; k < (size_t)op->n * floats; k++) {
        const size_t place[2] = { k / floats, (size_t)op->n - 1 - k / floats };
        const int column = (int)(k % width);
        const int row = (int)(k % pixels / width);
        double value[2] = { 0.0, 0.0 };
        for (int p = 0; p < 2; p++) {
            const uint8_t *const image = find_image(set, indices, place[p], op);
            if (image != NULL) {
                value[p] =
                    change_pixel(image, column, row, k % floats / pixels, &changes[place[p]], op);
            }
        }
        const double second = (double)op->second;
        x[k] = (float)((1.0 - second) * value[0] + second * value[1]);
    }
}

void mien_ref_gather_labels(int32_t *out, const int32_t *labels, const int32_t *indices,
                            const struct mien_ref_gather *op)
{
    for (int i = 0; i < op->n; i++) {
        const int32_t index = indices[op->first + i];
        out[i] = index >= 0 && index < op->count ? labels[index] : -1;
        if (op->second > 0.0f) {
            out[2 * op->n - 1 - i] = out[i];
        }
    }
}

void mien_ref_gather_shares(float *out, const float *shares, const int32_t *indices, int classes,
                            const struct mien_ref_gather *op)
{
    const double part[2] = { 1.0 - (double)op->second, (double)op->second };
    for (int i = 0; i < op->n; i++) {
        const int32_t index[2] = { indices[op->first + i], indices[op->first + op->n - 1 - i] };
        for (int c = 0; c < classes; c++) {
            double sum = 0.0;
            for (int p = 0; p < 2; p++) {
                const bool known = index[p] >= 0 && index[p] < op->count;
                sum += known ? part[p] * (double)shares[index[p] * classes + c] : 0.0;
            }
            out[i * classes + c] = (float)sum;
        }
    }
}
