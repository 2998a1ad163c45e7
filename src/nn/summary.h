/** summary.h - a network as a table for people and as JSON for programs (internal) */
#ifndef MIEN_NN_SUMMARY_H
#define MIEN_NN_SUMMARY_H

#include <jansson.h>

#include "nn/network.h"

/**
 * A table: layer, output shape, parameters, MFLOP (one image, forward), and totals; ends with a
 * newline.
 *
 * Ownership  *out is the caller's, release with free(); NULL on error
 * Errors     MIEN_ERR_MEMORY
 */
MIEN_CHECK_RESULT
enum mien_status mien_summary_text(char **out, const struct mien_network *network,
                                   struct mien_error *err);

/**
 * The same as an object, to which a caller may add: input, classes, parameters, flop, layers (name,
 * spec, output, parameters, flop); shapes are [channels, height, width].
 *
 * Ownership  *out is the caller's, release with json_decref(); NULL on error
 * Errors     MIEN_ERR_MEMORY
 */
MIEN_CHECK_RESULT
enum mien_status mien_summary_json(json_t **out, const struct mien_network *network,
                                   struct mien_error *err);

#endif
