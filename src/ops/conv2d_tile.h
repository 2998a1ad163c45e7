/** conv2d_tile.h - the tiles of kernels/tile.h, as the variants that use them have them (internal
 * to src/ops) */
#ifndef MIEN_OPS_CONV2D_TILE_H
#define MIEN_OPS_CONV2D_TILE_H

#include "ops/conv2d_variants.h"

/** A variant's first parameters: rows and columns of the product that a work-item has, and terms of
 * a tile in local memory. */
enum { MIEN_TILE_DOWN, MIEN_TILE_ACROSS, MIEN_TILE_TERMS, MIEN_TILE_PARAMS };
#define MIEN_TILE_PARAM_LIST                                                                       \
    [MIEN_TILE_DOWN] = { "down", { 2, 4, 8 }, false },                                             \
    [MIEN_TILE_ACROSS] = { "across", { 2, 4, 8 }, false },                                         \
    [MIEN_TILE_TERMS] = { "terms", { 8, 16, 32 }, false }

enum { MIEN_TILE_SIDE = 16 };           /**< of a work-group, as in kernels/tile.h */
enum { MIEN_TILE_WANTED_GROUPS = 256 }; /**< work-groups that keep a large GPU busy */

/** One of them for a pass; their defaults are those of mien_tile_default(). */
struct mien_tile {
    int down, across, terms;
};

int mien_tile_default(int index);
struct mien_tile mien_tile_of(const struct mien_conv2d *op, enum mien_conv2d_pass pass);

/** Tiles over `count` rows or columns, of which a work-item has `each`. */
size_t mien_tile_count(int each, cl_int count);

/** Local memory of a work-group; as struct mien_conv2d_family has it. */
size_t mien_tile_local_bytes(const struct mien_conv2d *op, enum mien_conv2d_pass pass);

/** The grid of a matrix of rows x columns, `depth` times, whose flop are those of whole tiles with
 * `terms` in all of the depth together: set source, kernel and options. */
struct mien_cl_launch mien_tile_grid(const struct mien_tile *tile, cl_int rows, cl_int columns,
                                     size_t depth, double terms);

#endif
