/* cmd_synth.c - `mien synth`: a data set of drawn faces, so that everything runs without a download
 */
#include "base/error.h"
#include "base/json.h"
#include "cli/commands.h"
#include "cli/term.h"
#include "data/dataset.h"

struct synth_options {
    struct common_options common;
    const char *folder;
    int count;
};

#define FIELD(name) offsetof(struct synth_options, name)

static const struct opt synth_table[] = {
    { "count", OPT_INT, FIELD(count), "N", "training images over all seven classes", .min = 7,
      .max = 1000000 },
    { .name = NULL },
};

static const struct positional synth_positionals[] = {
    { "DIR", FIELD(folder), 1, 1, "new or empty folder for the images", OPT_FOLDER },
    { .name = NULL },
};

static const struct synth_options synth_defaults = { .common = { .seed = 0 }, .count = 7000 };

static enum mien_status synth(const void *options, struct term *term, struct mien_error *err)
{
    const struct synth_options *const o = options;
    const struct mien_synth_options draw = {
        .count = (size_t)o->count,
        .seed = (uint64_t)o->common.seed,
        .log = &term->log,
    };
    const enum mien_status st = mien_synth_write(o->folder, &draw, err);
    if (st != MIEN_OK) {
        return st;
    }
    const size_t validation = mien_synth_validation(draw.count);
    if (o->common.json) {
        return term_json(term,
                         json_pack("{s:o, s:{s:i, s:I}}", "folder", mien_json_text(o->folder),
                                   "splits", "train", o->count, "validation",
                                   (json_int_t)validation),
                         err);
    }
    if (!term->quiet) {
        term_print(term, "%s: %d training images and %zu validation images\n", o->folder, o->count,
                   validation);
    }
    return MIEN_OK;
}

const struct command cmd_synth = {
    .name = "synth",
    .summary = "Draw a data set of synthetic faces with seven expressions",
    .details = "The faces are 48x48 gray PNG files in DIR/train/CLASS and DIR/validation/CLASS,\n"
               "the latter a fifth as many, at least one of each. The same seed draws the same "
               "images everywhere.",
    .options = synth_table,
    .positionals = synth_positionals,
    .common = COMMON_SEED | COMMON_JSON | COMMON_QUIET,
    .options_bytes = sizeof(struct synth_options),
    .defaults = &synth_defaults,
    .run = synth,
};
