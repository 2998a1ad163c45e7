/* cmd_check.c - `mien check`: what is wrong with a data set, and a list of what to leave out of it
 */
#include "cli/cmd_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "cli/commands.h"
#include "cli/session.h"

#define DEFAULT_WHAT "unreadable,blank,conflicts,twins,duplicates"

struct check_options {
    struct common_options common;
    const char *data, *exclude, *list, *what;
    int from; /* index into from_choices */
    int examples;
    double near;
};

#define FIELD(name) offsetof(struct check_options, name)

static const char *const from_choices[] = { "train", "all", NULL };

static const struct opt check_table[] = {
    { "exclude-out", OPT_STRING, FIELD(list), "FILE",
      "write a list of images to leave out, for --exclude of other commands", .role = OPT_OUTPUT },
    { "exclude-what", OPT_STRING, FIELD(what), "WORDS",
      "what the list holds, with commas: unreadable, blank, conflicts, twins, duplicates, near; "
      "else all but near",
      .role = OPT_ANY },
    { "exclude-from", OPT_CHOICE, FIELD(from), "SPLIT",
      "list training images only, or those of all splits", .choices = from_choices },
    { "exclude", OPT_STRING, FIELD(exclude), "FILE", SESSION_EXCLUDE_HELP, .role = OPT_INPUT },
    { "near", OPT_DOUBLE, FIELD(near), "R", "least correlation of near copies",
      .min = MIEN_CHECK_NEAR_MIN, .max = 1 },
    { "examples", OPT_INT, FIELD(examples), "N", "examples shown of each finding", .min = 0,
      .max = 1000000 },
    { .name = NULL },
};

static const struct positional check_positionals[] = {
    { "DATA", FIELD(data), 1, 1, "folder of class folders, fer2013.csv, or a packed file",
      OPT_INPUT },
    { .name = NULL },
};

static const struct check_options check_defaults = {
    .common = { .seed = -1 },
    .examples = 3,
    .near = MIEN_CHECK_NEAR_DEFAULT,
};

static int compare_pixels(const void *a, const void *b)
{
    const struct check_size *const x = a;
    const struct check_size *const y = b;
    return x->height != y->height ? x->height - y->height : x->width - y->width;
}

static int compare_frequency(const void *a, const void *b)
{
    const struct check_size *const x = a;
    const struct check_size *const y = b;
    if (x->images != y->images) {
        return x->images > y->images ? -1 : 1;
    }
    return compare_pixels(a, b);
}

enum mien_status check_sizes(struct check_size **out, size_t *count, const struct mien_check *check,
                             struct mien_error *err)
{
    size_t readable = 0;
    *count = 0;
    struct check_size *const sizes = mien_calloc(check->image_count, sizeof(*sizes), err);
    *out = sizes;
    if (sizes == NULL) {
        return MIEN_ERR_MEMORY;
    }
    for (size_t i = 0; i < check->image_count; i++) {
        const struct mien_check_image *const image = &check->images[i];
        if (image->error == NULL) {
            sizes[readable++] = (struct check_size){ image->height, image->width, 1 };
        }
    }
    qsort(sizes, readable, sizeof(*sizes), compare_pixels);
    for (size_t i = 0; i < readable; i++) {
        if (*count > 0 && compare_pixels(&sizes[i], &sizes[*count - 1]) == 0) {
            sizes[*count - 1].images++;
        } else {
            sizes[(*count)++] = sizes[i];
        }
    }
    qsort(sizes, *count, sizeof(*sizes), compare_frequency);
    return MIEN_OK;
}

void check_classes(size_t *counts, const struct mien_check *check, enum mien_split split)
{
    const struct mien_dataset *const set = check->set;
    const size_t first = set->splits[split].first;
    memset(counts, 0, (size_t)set->class_count * sizeof(*counts));
    for (size_t i = first; i < first + set->splits[split].count; i++) {
        counts[set->labels[i]]++;
    }
}

/* Bits of the reasons in a list of words with commas between. */
static enum mien_status parse_what(unsigned *reasons, const char *text, struct mien_error *err)
{
    const char *names[MIEN_REASONS] = { NULL };
    for (int r = 1; r < MIEN_REASONS; r++) {
        names[r - 1] = mien_check_reason_name((enum mien_check_reason)r);
    }
    *reasons = 0;
    for (const char *word = text;; word++) {
        const size_t length = strcspn(word, ",");
        char copy[32];
        int found = 0;
        (void)snprintf(copy, sizeof(copy), "%.*s", length < 31 ? (int)length : 31, word);
        for (int r = 1; r < MIEN_REASONS; r++) {
            found = strcmp(copy, names[r - 1]) == 0 ? r : found;
        }
        if (found == 0) {
            const char *const near = opt_nearest(copy, names);
            return mien_fail(err, MIEN_ERR_USAGE,
                             "--exclude-what: '%s' is none of unreadable, "
                             "blank, conflicts, twins, duplicates, near%s%s%s",
                             copy, near != NULL ? "; did you mean " : "", near != NULL ? near : "",
                             near != NULL ? "?" : "");
        }
        *reasons |= 1U << found;
        word += length;
        if (*word == '\0') {
            return MIEN_OK;
        }
    }
}

static enum mien_status write_list(struct check_report *report, const struct check_options *o,
                                   unsigned reasons, struct mien_error *err)
{
    char title[1024];
    (void)snprintf(title, sizeof(title),
                   "Images to leave out of %.400s, %s; for --exclude of mien train, eval, pack and "
                   "check",
                   o->data, o->from == 0 ? "from training alone" : "from all splits");
    report->list = o->list;
    report->list_all = o->from != 0;
    return mien_check_write_list(report->listed, o->list, report->check, reasons, o->from != 0,
                                 title, err);
}

static enum mien_status check(const void *options, struct term *term, struct mien_error *err)
{
    const struct check_options *const o = options;
    const struct mien_check_options run = {
        .exclude = o->exclude,
        .near = o->near,
        .log = &term->log,
    };
    struct check_report report = { .data = o->data, .near = o->near, .examples = o->examples };
    struct mien_check *check = NULL;
    unsigned reasons = 0;
    json_t *json = NULL;
    enum mien_status st = MIEN_OK;
    TRY(parse_what(&reasons, o->what != NULL ? o->what : DEFAULT_WHAT, err));
    if (o->list == NULL && (o->what != NULL || o->from != 0)) {
        st =
            mien_fail(err, MIEN_ERR_USAGE,
                      "--exclude-what and --exclude-from say what is on the list of --exclude-out, "
                      "which is not given");
        goto done;
    }
    TRY(mien_check_run(&check, o->data, &run, err));
    report.check = check;
    mien_check_count(&report.counts, check);
    if (o->list != NULL) {
        TRY(write_list(&report, o, reasons, err));
    }
    if (o->common.json) {
        TRY(check_describe(&json, &report, err));
        TRY(term_json(term, json, err));
    } else {
        TRY(check_print(term, &report, err));
    }

done:
    mien_check_destroy(check);
    return st;
}

const struct command cmd_check = {
    .name = "check",
    .summary = "Tell what is wrong with a data set: damaged, blank and repeated images",
    .details =
        "Reports images that cannot be read, that are blank, that are there twice or nearly so,\n"
        "under two labels or in two splits; sizes, colour forms and the balance of the classes.\n"
        "One damaged image does not end it. --exclude-out writes a list of what to leave out,\n"
        "which train, eval and pack take with --exclude.",
    .options = check_table,
    .positionals = check_positionals,
    .common = COMMON_JSON | COMMON_QUIET,
    .options_bytes = sizeof(struct check_options),
    .defaults = &check_defaults,
    .run = check,
};
