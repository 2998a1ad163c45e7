/* check_near.c - near copies: difference hashes, looked up by their parts, confirmed by pixels */
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "data/check.h"
#include "data/image.h"

/*
 * Two hashes that differ in at most MAX_BITS bits differ in at most PART_BITS of them in one of
 * four parts, for 4 * (PART_BITS + 1) > MAX_BITS.
 */
enum { PARTS = 4, PART_VALUES = 1 << 16, PART_BITS = 2, MAX_BITS = 11 };
/* Ways to change at most two of 16 bits. */
enum { FLIPS = 1 + 16 + 16 * 15 / 2 };
enum { NO_ENTRY = -1 };

/* Of the 32 x 32 pixels; a * a' + b * b' + ... of two images and these give their correlation. */
struct moments {
    double sum, spread; /* spread: root of the sum of squared differences from the mean */
};

struct near_search {
    struct mien_check *check;
    double limit;
    size_t pixels; /* of an image */
    uint64_t *hashes;
    struct moments *moments;
    uint32_t flips[FLIPS];
    /* The images to compare with: lists by the value of each part of their hashes. */
    int32_t *heads[PARTS]; /* [PART_VALUES] */
    int32_t *nexts[PARTS]; /* [image_count] */
};

static int bits_of(uint64_t x)
{
    return __builtin_popcountll(x);
}

static uint32_t part_of(uint64_t hash, int part)
{
    return (uint32_t)(hash >> (16 * part)) & (PART_VALUES - 1);
}

static void list_flips(uint32_t flips[FLIPS])
{
    size_t count = 0;
    flips[count++] = 0;
    for (int i = 0; i < 16; i++) {
        flips[count++] = 1U << i;
        for (int k = 0; k < i; k++) {
            flips[count++] = 1U << i | 1U << k;
        }
    }
}

static const uint8_t *pixels_of(const struct near_search *search, size_t index)
{
    return search->check->set->images + index * search->pixels;
}

static enum mien_status hash_image(struct near_search *search, size_t index, struct mien_error *err)
{
    enum { W = 9, H = 8 };
    const struct mien_dataset *const set = search->check->set;
    const uint8_t *const pixels = pixels_of(search, index);
    uint8_t small[H * W];
    uint64_t hash = 0;
    double sum = 0;
    double squares = 0;
    const enum mien_status st = mien_resize(small, pixels, 1, set->height, set->width, H, W, err);
    if (st != MIEN_OK) {
        return st;
    }
    for (int y = 0; y < H; y++) {
        for (int x = 0; x < W - 1; x++) {
            hash = hash << 1 | (small[y * W + x + 1] > small[y * W + x] ? 1U : 0U);
        }
    }
    for (size_t i = 0; i < search->pixels; i++) {
        sum += pixels[i];
        squares += (double)pixels[i] * pixels[i];
    }
    const double rest = squares - sum * sum / (double)search->pixels;
    search->hashes[index] = hash;
    search->moments[index] = (struct moments){ sum, rest > 0 ? sqrt(rest) : 0 };
    return MIEN_OK;
}

static double correlate(const struct near_search *search, size_t a, size_t b)
{
    const uint8_t *const x = pixels_of(search, a);
    const uint8_t *const y = pixels_of(search, b);
    const struct moments *const of_x = &search->moments[a];
    const struct moments *const of_y = &search->moments[b];
    uint32_t products = 0; /* of 32 x 32 bytes: fits */
    for (size_t i = 0; i < search->pixels; i++) {
        products += (uint32_t)x[i] * y[i];
    }
    return (products - of_x->sum * of_y->sum / (double)search->pixels) /
           (of_x->spread * of_y->spread);
}

/* Compare an image with those of one list; a pair that an earlier part brought up is passed over.
 * *best is the correlation of the nearest so far. */
static void search_list(double *best, struct near_search *search, uint32_t index, int part,
                        int32_t head)
{
    struct mien_check_image *const image = &search->check->images[index];
    const uint64_t hash = search->hashes[index];
    for (int32_t at = head; at != NO_ENTRY; at = search->nexts[part][at]) {
        const uint64_t differ = hash ^ search->hashes[at];
        bool earlier = false;
        for (int p = 0; p < part; p++) {
            earlier = earlier || bits_of(part_of(differ, p)) <= PART_BITS;
        }
        if (earlier || bits_of(differ) > MAX_BITS) {
            continue;
        }
        const double correlation = correlate(search, index, (size_t)at);
        if (correlation < search->limit) {
            continue;
        }
        /* The nearest; of equally near ones the first of the set, whatever the lists' order. */
        if (image->near == MIEN_NO_IMAGE || correlation > *best ||
            (correlation == *best && (uint32_t)at < image->near)) {
            image->near = (uint32_t)at;
            image->correlation = (float)correlation;
            *best = correlation;
        }
    }
}

static void enter(struct near_search *search, uint32_t index)
{
    for (int part = 0; part < PARTS; part++) {
        const uint32_t value = part_of(search->hashes[index], part);
        search->nexts[part][index] = search->heads[part][value];
        search->heads[part][value] = (int32_t)index;
    }
}

/* Whether an image stands for itself or for its exact copies, and has something to compare. */
static bool takes_part(const struct near_search *search, uint32_t index)
{
    const struct mien_check *const check = search->check;
    const struct mien_check_image *const image = &check->images[index];
    if (image->error != NULL || image->blank ||
        (image->group != MIEN_NO_IMAGE && check->groups[image->group].lead != index)) {
        return false;
    }
    return search->moments[index].spread > 0;
}

/*
 * Images that are near copies are not compared with themselves later on, so that a long row of
 * images each near the next does not become one heap; but images that measure others always are.
 */
static void search_image(struct near_search *search, uint32_t index, enum mien_split split)
{
    if (!takes_part(search, index)) {
        return;
    }
    const uint64_t hash = search->hashes[index];
    double best = 0.0;
    for (int part = 0; part < PARTS; part++) {
        const uint32_t value = part_of(hash, part);
        for (size_t f = 0; f < FLIPS; f++) {
            search_list(&best, search, index, part, search->heads[part][value ^ search->flips[f]]);
        }
    }
    if (search->check->images[index].near == MIEN_NO_IMAGE || split != MIEN_SPLIT_TRAIN) {
        enter(search, index);
    }
}

static enum mien_status prepare(struct near_search *search, struct mien_error *err)
{
    struct mien_check *const check = search->check;
    search->hashes = mien_calloc(check->image_count, sizeof(*search->hashes), err);
    search->moments = mien_calloc(check->image_count, sizeof(*search->moments), err);
    if (search->hashes == NULL || search->moments == NULL) {
        return MIEN_ERR_MEMORY;
    }
    for (int part = 0; part < PARTS; part++) {
        search->heads[part] = mien_calloc(PART_VALUES, sizeof(int32_t), err);
        search->nexts[part] = mien_calloc(check->image_count, sizeof(int32_t), err);
        if (search->heads[part] == NULL || search->nexts[part] == NULL) {
            return MIEN_ERR_MEMORY;
        }
        for (size_t v = 0; v < PART_VALUES; v++) {
            search->heads[part][v] = NO_ENTRY;
        }
    }
    list_flips(search->flips);
    for (size_t i = 0; i < check->image_count; i++) {
        const enum mien_status st = hash_image(search, i, err);
        if (st != MIEN_OK) {
            return st;
        }
    }
    return MIEN_OK;
}

enum mien_status mien_check_find_near(struct mien_check *check, double limit,
                                      const struct mien_log *log, struct mien_error *err)
{
    enum { REPORT = 256 };
    struct near_search search = {
        .check = check,
        .limit = limit,
        .pixels = (size_t)check->set->height * (size_t)check->set->width,
    };
    size_t done = 0;
    const enum mien_status st = prepare(&search, err);
    for (int split = MIEN_SPLITS - 1; st == MIEN_OK && split >= 0; split--) {
        const size_t first = check->set->splits[split].first;
        for (size_t i = 0; i < check->set->splits[split].count; i++) {
            search_image(&search, (uint32_t)(first + i), (enum mien_split)split);
            if (++done % REPORT == 0 || done == check->image_count) {
                mien_log_progress(log, "comparing", done, check->image_count);
            }
        }
    }
    for (int part = 0; part < PARTS; part++) {
        free(search.heads[part]);
        free(search.nexts[part]);
    }
    free(search.hashes);
    free(search.moments);
    return st;
}
