/* checked.c - a data set of drawn images, and what mien_check_run() says of it */
#include "support/checked.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/random.h"
#include "support/images.h"
#include "support/scratch.h"

int checked_setup(void **state)
{
    struct checked *const f = calloc(1, sizeof(*f));
    f->folder = scratch_make();
    f->data = scratch_path(f->folder, "data");
    f->list = scratch_path(f->folder, "list.txt");
    f->options.near = MIEN_CHECK_NEAR_DEFAULT;
    *state = f;
    return 0;
}

int checked_teardown(void **state)
{
    struct checked *const f = *state;
    mien_check_destroy(f->check);
    scratch_remove(f->folder);
    free(f->data);
    free(f->list);
    free(f);
    return 0;
}

enum mien_status checked_path(struct checked *f, const char *path)
{
    mien_check_destroy(f->check);
    const enum mien_status st = mien_check_run(&f->check, path, &f->options, &f->err);
    if (st == MIEN_OK) {
        mien_check_count(&f->counts, f->check);
    }
    return st;
}

void checked_run(struct checked *f)
{
    must(checked_path(f, f->data), &f->err);
}

char *checked_prepare(const struct checked *f, const char *name)
{
    struct mien_error err = { "" };
    char *const path = scratch_path(f->data, name);
    char *const slash = strrchr(path, '/');
    *slash = '\0';
    must(mien_folder_make(path, &err), &err);
    *slash = '/';
    return path;
}

void checked_draw(uint8_t *pixels, uint64_t seed, double contrast, double brightness)
{
    enum { WAVES = 6 };
    double wave[WAVES][4];
    for (int k = 0; k < WAVES; k++) {
        uint32_t bits[4];
        mien_random_block(bits, seed, MIEN_STREAM_SYNTH, 77, (uint64_t)k);
        for (int i = 0; i < 4; i++) {
            wave[k][i] = (double)mien_random_unit(bits[i]);
        }
    }
    for (int i = 0; i < CHECKED_PIXELS; i++) {
        const int x = i % CHECKED_SIDE;
        const int y = i / CHECKED_SIDE;
        double sum = 0;
        for (int k = 0; k < WAVES; k++) {
            sum += (0.5 + wave[k][0]) *
                   sin(6.3 * wave[k][1] + (wave[k][2] - 0.5) * x + wave[k][3] * y / 2);
        }
        const double tone = 128 + brightness + contrast * 22 * sum;
        pixels[i] = (uint8_t)fmin(fmax(tone, 0), 255);
    }
}

void checked_add_pixels(const struct checked *f, const char *name, int type, const uint8_t *pixels)
{
    char *const path = checked_prepare(f, name);
    const struct image_png png = {
        .width = CHECKED_SIDE, .height = CHECKED_SIDE, .depth = 8, .type = type, .samples = pixels
    };
    image_write_png(path, &png);
    free(path);
}

void checked_add(const struct checked *f, const char *name, uint64_t seed)
{
    uint8_t pixels[CHECKED_PIXELS];
    checked_draw(pixels, seed, 1, 0);
    checked_add_pixels(f, name, PNG_COLOR_TYPE_GRAY, pixels);
}

void checked_add_changed(const struct checked *f, const char *name, uint64_t seed, double contrast,
                         double brightness)
{
    uint8_t pixels[CHECKED_PIXELS];
    checked_draw(pixels, seed, contrast, brightness);
    checked_add_pixels(f, name, PNG_COLOR_TYPE_GRAY, pixels);
}

void checked_add_tone(const struct checked *f, const char *name, int side, uint8_t tone)
{
    char *const path = checked_prepare(f, name);
    image_write_tone(path, side, side, tone);
    free(path);
}

size_t checked_index(const struct checked *f, const char *name)
{
    for (size_t i = 0; i < f->check->image_count; i++) {
        if (strcmp(f->check->set->names[i], name) == 0) {
            return i;
        }
    }
    fail_msg("no image %s", name);
    return 0;
}

const char *checked_near(const struct checked *f, const char *name)
{
    const uint32_t near = f->check->images[checked_index(f, name)].near;
    return near == MIEN_NO_IMAGE ? "none" : f->check->set->names[near];
}
