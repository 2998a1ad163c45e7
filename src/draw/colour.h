/** colour.h - colours, and scales of them that are read as evenly as they are made (internal) */
#ifndef MIEN_DRAW_COLOUR_H
#define MIEN_DRAW_COLOUR_H

#include "base/error.h"

/** sRGB. */
struct mien_colour {
    uint8_t r, g, b;
};

/**
 * The colour of a part, 0 to 1 (what is outside counts as the nearest end, NaN as 0): dark blue by
 * red to light yellow.
 *
 * Numerics  in OKLab (Ottosson 2020) a helix of constant speed: lightness and hue are linear in
 *           `part` and chroma is constant, so equal steps look equally large.  Lightness alone
 *           tells the order, and blue to yellow is what all common kinds of colour blindness see
 */
struct mien_colour mien_colour_heat(double part);

/**
 * The colour of a value from -1 to 1: blue over nearly white to orange.  As above; both halves are
 * straight lines of the same lightness and chroma.
 */
struct mien_colour mien_colour_signed(double value);

/** A colour between two, 0 to 1 of the way, mixed as light is. */
struct mien_colour mien_colour_mix(struct mien_colour from, struct mien_colour to, double part);

#endif
