/** training.h - recipe, data and device of a command that tries out what a run would do */
#ifndef MIEN_CLI_TRAINING_H
#define MIEN_CLI_TRAINING_H

#include "cli/prove.h"
#include "data/dataset.h"
#include "train/trainer.h"

/** What such a command is told, as `mien train` is. */
struct training_options {
    const char *data, *recipe, *exclude, *tuning;
    struct opt_strings settings;
    double split;
    int blas, data_mib;
    bool no_shuffle, no_selftest;
};

/** Rows of its option table, given the offset of a struct training_options in its options. */
#define TRAINING_AT(base, name) ((base) + offsetof(struct training_options, name))
#define TRAINING_RECIPE_OPTION(base)                                                               \
    {                                                                                              \
        "recipe", OPT_STRING, TRAINING_AT(base, recipe), "FILE",                                   \
            "network and method, for example recipes/small.yaml", .role = OPT_INPUT,               \
                                                                  .required = true                 \
    }
#define TRAINING_SET_OPTION(base)                                                                  \
    {                                                                                              \
        "set", OPT_STRINGS, TRAINING_AT(base, settings), "KEY=VALUE",                              \
            "put a value over the recipe's; may come again", .role = OPT_ANY                       \
    }
#define TRAINING_DATA_OPTIONS(base)                                                                \
    { "split",                                                                                     \
      OPT_DOUBLE,                                                                                  \
      TRAINING_AT(base, split),                                                                    \
      "PART",                                                                                      \
      "set aside this part of the training images where the data has no validation set",           \
      .min = 0,                                                                                    \
      .max = 0.9 },                                                                                \
        { "exclude", OPT_STRING,           TRAINING_AT(base, exclude),                             \
          "FILE",    SESSION_EXCLUDE_HELP, .role = OPT_INPUT },                                    \
        { "no-shuffle",                                                                            \
          OPT_FLAG,                                                                                \
          TRAINING_AT(base, no_shuffle),                                                           \
          NULL,                                                                                    \
          "take the images in their order in every epoch",                                         \
          .role = OPT_ANY },                                                                       \
    {                                                                                              \
        "data-memory", OPT_INT, TRAINING_AT(base, data_mib), "MIB",                                \
            "most device memory for the images, else they stay on the host; 0: half of the "       \
            "device's",                                                                            \
            .min = 0, .max = 1 << 20                                                               \
    }
#define TRAINING_KERNEL_OPTIONS(base)                                                              \
    { "blas", OPT_CHOICE,        TRAINING_AT(base, blas),                                          \
      "NAME", SESSION_BLAS_HELP, .choices = session_blas_choices },                                \
        { "tuning", OPT_STRING,          TRAINING_AT(base, tuning),                                \
          "FILE",   SESSION_TUNING_HELP, .role = OPT_ANY },                                        \
    {                                                                                              \
        "no-selftest", OPT_FLAG, TRAINING_AT(base, no_selftest), NULL, PROVE_LEAVE_OUT_HELP,       \
            .role = OPT_ANY                                                                        \
    }
#define TRAINING_DATA_POSITIONAL(base)                                                             \
    {                                                                                              \
        "DATA", TRAINING_AT(base, data), 1, 1,                                                     \
            "folder of class folders, fer2013.csv, or a packed file", OPT_INPUT                    \
    }

/** A new model, the data and the device, as a new run of `mien train` has them; zeroed is none. */
struct training {
    struct mien_model_file file; /**< weights as its seed draws them */
    struct mien_dataset *set;
    struct session session;
};

/**
 * Read the recipe with its settings and the data, and open the device.
 *
 * Ownership  release with training_close(), also after an error; both options and `term` must
 *            outlive it
 * Errors     as those of mien_recipe_load(), mien_dataset_load(), session_open(), session_tune()
 */
MIEN_CHECK_RESULT
enum mien_status training_open(struct training *out, const struct training_options *options,
                               const struct common_options *common, struct term *term,
                               struct mien_error *err);
/** How a run would train; borrows from `session`. */
struct mien_trainer_options training_run_options(const struct training_options *options,
                                                 const struct session *session);
void training_close(struct training *training); /* zeroed is allowed */

#endif
