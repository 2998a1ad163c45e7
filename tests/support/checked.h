/** checked.h - a data set of drawn images, and what mien_check_run() says of it */
#ifndef MIEN_TESTS_SUPPORT_CHECKED_H
#define MIEN_TESTS_SUPPORT_CHECKED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <png.h>

#include "data/check.h"

/** Edge and pixels of a drawn image. */
enum { CHECKED_SIDE = 40, CHECKED_PIXELS = CHECKED_SIDE * CHECKED_SIDE };

struct checked {
    char *folder, *data, *list;        /**< a folder of its own; in it the data set, and a file */
    struct mien_check_options options; /**< of the next look */
    struct mien_check *check;          /**< what the last one found */
    struct mien_check_counts counts;
    struct mien_error err;
};

/** cmocka's fixture: *state is a struct checked without images. */
int checked_setup(void **state);
int checked_teardown(void **state);

/** Look through a data set, the second through its own and without an error. */
enum mien_status checked_path(struct checked *f, const char *path);
void checked_run(struct checked *f);

/** The path of an image of the data set, whose folders are made; free() it. */
char *checked_prepare(const struct checked *f, const char *name);

/** A smooth picture of its own for each seed: a few waves.  Shapes  pixels [CHECKED_PIXELS] */
void checked_draw(uint8_t *pixels, uint64_t seed, double contrast, double brightness);

/** Put an image into the data set: pixels (of a PNG colour type), a picture, a changed one, one of
 * a single tone. */
void checked_add_pixels(const struct checked *f, const char *name, int type, const uint8_t *pixels);
void checked_add(const struct checked *f, const char *name, uint64_t seed);
void checked_add_changed(const struct checked *f, const char *name, uint64_t seed, double contrast,
                         double brightness);
void checked_add_tone(const struct checked *f, const char *name, int side, uint8_t tone);

/** Where an image is in the last look; it must be. */
size_t checked_index(const struct checked *f, const char *name);
/** The name of the image that it was found to be nearly a copy of, or "none". */
const char *checked_near(const struct checked *f, const char *name);

#endif
