/** class_weights.h - what classes count in the loss, as a recipe says it (internal)
 *
 * "none": all the same.  "balanced": the inverse of their shares of the training images.  Or
 * classes by name, each with its weight, "disgust 4; fear 1.5": the others count 1.  In the C
 * locale alone, as all that reads numbers.
 */
#ifndef MIEN_NN_CLASS_WEIGHTS_H
#define MIEN_NN_CLASS_WEIGHTS_H

#include <stdbool.h>

#include "base/error.h"

bool mien_class_weights_none(const char *text);
bool mien_class_weights_balanced(const char *text);

/** A class of a list and its weight. */
struct mien_class_weight {
    const char *name; /**< of `length` characters, in the list */
    size_t length;
    float weight; /**< 1e-6 to 1e6 */
};

/**
 * Read the next class of a list, whose text `*at` is, and move on.
 *
 * Returns  false at the end, and for what is none, where *at then stays
 */
bool mien_class_weights_next(struct mien_class_weight *out, const char **at);

/** Whether a text is one of the three.  Names are valid UTF-8 without control characters, and each
 * comes once. */
bool mien_class_weights_valid(const char *text);

#endif
