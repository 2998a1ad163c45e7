/* cmd_pack.c - `mien pack`: a data set of any form as one file */
#include <inttypes.h>

#include "base/error.h"
#include "base/json.h"
#include "cli/commands.h"
#include "cli/session.h"
#include "cli/term.h"
#include "data/targets.h"

struct pack_options {
    struct common_options common;
    const char *data, *out, *exclude, *targets;
    struct opt_size size;
    int channels; /* index into channel_choices */
    double split;
};

#define FIELD(name) offsetof(struct pack_options, name)

static const char *const channel_choices[] = { "1", "3", NULL };

static const struct opt pack_table[] = {
    { "size", OPT_SIZE, FIELD(size), "HxW",
      "resize every image to this many pixels; else to the size of the first", .min = 1,
      .max = 4096 },
    { "channels", OPT_CHOICE, FIELD(channels), "N", "1 for gray, 3 for red, green and blue",
      .choices = channel_choices },
    { "split", OPT_DOUBLE, FIELD(split), "PART",
      "set aside this part of the training images where the data has no validation set", .min = 0,
      .max = 0.9 },
    { "exclude", OPT_STRING, FIELD(exclude), "FILE", SESSION_EXCLUDE_HELP, .role = OPT_INPUT },
    { "targets", OPT_STRING, FIELD(targets), "FILE",
      "add target distributions: a CSV file with a column image and one for each class",
      .role = OPT_INPUT },
    { .name = NULL },
};

static const struct positional pack_positionals[] = {
    { "DATA", FIELD(data), 1, 1, "folder of class folders, fer2013.csv, or a packed file",
      OPT_INPUT },
    { "OUT", FIELD(out), 1, 1, "file to write, for example faces.safetensors", OPT_OUTPUT },
    { .name = NULL },
};

static const struct pack_options pack_defaults = { .common = { .seed = 0 } };

static json_t *describe(const struct mien_dataset *set, const char *path)
{
    json_t *splits = json_object();
    for (int i = 0; i < MIEN_SPLITS; i++) {
        mien_json_set(&splits, mien_split_name((enum mien_split)i),
                      json_integer((json_int_t)set->splits[i].count));
    }
    char fingerprint[24];
    (void)snprintf(fingerprint, sizeof(fingerprint), "%016" PRIx64, set->fingerprint);
    return json_pack("{s:o, s:I, s:i, s:i, s:i, s:o, s:o, s:b, s:I, s:I, s:I, s:s}", "file",
                     mien_json_text(path), "images", (json_int_t)set->count, "channels",
                     set->channels, "height", set->height, "width", set->width, "classes",
                     mien_json_texts(set->classes, set->class_count), "splits", splits, "targets",
                     set->targets != NULL, "resized", (json_int_t)set->resized, "converted",
                     (json_int_t)set->converted, "skipped", (json_int_t)set->skipped, "fingerprint",
                     fingerprint);
}

static void print_summary(struct term *term, const struct mien_dataset *set, const char *path)
{
    term_print(term, "%s: %zu images of %dx%d, %s, %d classes\n", path, set->count, set->height,
               set->width, set->channels == 1 ? "gray" : "RGB", set->class_count);
    for (int i = 0; i < MIEN_SPLITS; i++) {
        if (set->splits[i].count > 0) {
            term_print(term, "  %-10s %zu\n", mien_split_name((enum mien_split)i),
                       set->splits[i].count);
        }
    }
    if (set->targets != NULL) {
        term_print(term, "  with target distributions\n");
    }
    const struct {
        size_t count;
        const char *text;
    } notes[] = {
        { set->resized, "came in another size and were resized" },
        { set->converted, "came in another colour form or depth and were converted" },
        { set->skipped, "files were left out, being no images by their names" },
    };
    for (size_t i = 0; i < sizeof(notes) / sizeof(notes[0]); i++) {
        if (notes[i].count > 0) {
            term_print(term, "  %zu %s\n", notes[i].count, notes[i].text);
        }
    }
}

static enum mien_status pack(const void *options, struct term *term, struct mien_error *err)
{
    const struct pack_options *const o = options;
    const struct mien_data_options load = {
        .channels = o->channels == 0 ? 1 : 3,
        .height = o->size.height,
        .width = o->size.width,
        .split = o->split,
        .exclude = o->exclude,
        .seed = (uint64_t)o->common.seed,
        .log = &term->log,
    };
    struct mien_dataset *set = NULL;
    enum mien_status st = MIEN_OK;
    TRY(session_check_safetensors("OUT", o->out, err));
    TRY(mien_dataset_load(&set, o->data, &load, err));
    TRY(o->targets != NULL ? mien_targets_read(set, o->targets, &term->log, err) : MIEN_OK);
    TRY(mien_dataset_pack(set, o->out, err));
    if (o->common.json) {
        TRY(term_json(term, describe(set, o->out), err));
    } else {
        print_summary(term, set, o->out);
    }

done:
    mien_dataset_destroy(set);
    return st;
}

const struct command cmd_pack = {
    .name = "pack",
    .summary = "Put a data set into one file that loads in a fraction of a second",
    .details =
        "DATA is a folder with a folder per class, with or without train/ and validation/\n"
        "(val/, valid/, test/) above them; or a fer2013.csv; or a packed file. Images may be\n"
        "PNG or JPEG of any size and depth. The seed decides which images --split sets aside.",
    .options = pack_table,
    .positionals = pack_positionals,
    .common = COMMON_SEED | COMMON_JSON | COMMON_QUIET,
    .options_bytes = sizeof(struct pack_options),
    .defaults = &pack_defaults,
    .run = pack,
};
