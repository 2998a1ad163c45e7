/** training.h - recipes from text and small data sets in memory, for tests of networks and runs */
#ifndef MIEN_TESTS_SUPPORT_TRAINING_H
#define MIEN_TESTS_SUPPORT_TRAINING_H

#include "data/dataset.h"
#include "nn/network.h"
#include "train/model_file.h"

/** A recipe from YAML text; release with mien_recipe_destroy(). */
struct mien_recipe *recipe_from(const char *text);

/** Its network; the recipe is released. */
struct mien_network *network_from(const char *text, int classes);

/** The offset of a named parameter in the flat array, and its count where `count` is not NULL. */
size_t param_offset(const struct mien_network *network, const char *name, size_t *count);

/** Sizes of a set to make up. */
struct set_sizes {
    int train, validation; /**< images */
    int channels, height, width;
    int classes;
};

/**
 * Images of noise whose classes differ in where a bright square stands, so that small networks can
 * learn them; labels go round.  Release with set_free().
 */
struct mien_dataset *set_make(const struct set_sizes *sizes, uint32_t seed);
void set_free(struct mien_dataset *set);
/** Give a set that has none target distributions, drawn at random. */
void set_add_targets(struct mien_dataset *set, uint32_t seed);

/** A new model of a recipe for a set's classes; release with mien_model_file_finish(). */
struct mien_model_file model_for(const char *recipe, const struct mien_dataset *set);

#endif
