/** picture.h - maps as pictures that people can read (internal) */
#ifndef MIEN_EXPLAIN_PICTURE_H
#define MIEN_EXPLAIN_PICTURE_H

#include "draw/canvas.h"

/** A map over the image that it is about. */
struct mien_map_view {
    const uint8_t *pixels; /**< [h][w][channels] */
    int channels, h, w;
    const float *map; /**< [map_h][map_w], over the whole of the image */
    int map_h, map_w;
    bool has_sign; /**< blue for below zero, orange for above; else from zero up */
    double limit;  /**< value of the strongest colour, from mien_map_limit(); 0: all are zero */
};

/**
 * The value that a map's strongest colour stands for: of its absolute values the one that a part
 * `clipped` of them exceeds; 0 takes the largest.
 *
 * Errors  MIEN_ERR_MEMORY
 */
MIEN_CHECK_RESULT
enum mien_status mien_map_limit(double *limit, const float *map, size_t count, double clipped,
                                struct mien_error *err);

/** What a picture shows; the canvas is the caller's to finish. */
enum mien_map_panel { MIEN_PANEL_IMAGE, MIEN_PANEL_MAP, MIEN_PANEL_OVERLAY };

/** One panel of width x height.  Errors  MIEN_ERR_MEMORY, MIEN_ERR_USAGE: sizes */
MIEN_CHECK_RESULT
enum mien_status mien_map_panel(struct mien_canvas *out, const struct mien_map_view *view,
                                enum mien_map_panel panel, int width, int height,
                                struct mien_error *err);

/**
 * The image, the map and the two over each other, with what the colours stand for.
 *
 * size         pixels of the longer side of a panel
 * title, note  lines above; ASCII
 * clipped      whether values beyond the limit have its colour
 * Errors       as above
 */
MIEN_CHECK_RESULT
enum mien_status mien_map_picture(struct mien_canvas *out, const struct mien_map_view *view,
                                  const char *title, const char *note, bool clipped, int size,
                                  struct mien_error *err);

/**
 * Write an array of float32 as NumPy's .npy file, version 1.0.
 *
 * Shapes  values [shape[0]]...[shape[rank - 1]]
 * Errors  MIEN_ERR_IO, MIEN_ERR_MEMORY
 */
MIEN_CHECK_RESULT
enum mien_status mien_npy_write(const char *path, const float *values, const size_t *shape,
                                int rank, struct mien_error *err);

#endif
