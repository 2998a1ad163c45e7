/* cmd_check_text.c - what `mien check` found, for people */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "cli/cmd_check.h"
#include "cli/text.h"

enum { NAME_BYTES = 512, LABEL_COLUMNS = 12, MOST_SIZES = 5, MOST_MEMBERS = 3 };

static const char *name_of(char out[NAME_BYTES], const struct mien_check *check, size_t index)
{
    char number[MIEN_DATASET_NAME_BYTES];
    return text_cell(out, NAME_BYTES, mien_dataset_name(number, check->set, index), 0);
}

/* The first line of a finding. */
MIEN_PRINTF(3, 4)
static void print_head(struct term *term, const char *label, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    term_print(term, "%-*s %s\n", LABEL_COLUMNS, label, text);
}

/* Room in front of an example. */
static void print_margin(struct term *term)
{
    term_print(term, "%*s ", LABEL_COLUMNS + 2, "");
}

static void print_balance(struct term *term, const struct mien_check *check, size_t *counts)
{
    enum { WIDEST = 24 };
    const struct mien_dataset *const set = check->set;
    char cell[8 * WIDEST];
    int width = 5;
    for (int c = 0; c < set->class_count; c++) {
        const int columns = text_columns(set->classes[c]);
        width = columns > width ? columns : width;
    }
    width = width < WIDEST ? width : WIDEST;
    const size_t classes = (size_t)set->class_count;
    term_print(term, "\n%s", text_cell(cell, sizeof(cell), "class", width));
    for (int s = 0; s < MIEN_SPLITS; s++) {
        check_classes(counts + (size_t)s * classes, check, (enum mien_split)s);
        if (set->splits[s].count > 0) {
            term_print(term, "  %10s", mien_split_name((enum mien_split)s));
        }
    }
    term_print(term, "\n");
    for (size_t c = 0; c <= classes; c++) {
        term_print(term, "%s",
                   text_cell(cell, sizeof(cell), c < classes ? set->classes[c] : "all", width));
        for (size_t s = 0; s < MIEN_SPLITS; s++) {
            if (set->splits[s].count > 0) {
                term_print(term, "  %10zu",
                           c < classes ? counts[s * classes + c] : set->splits[s].count);
            }
        }
        term_print(term, "\n");
    }
}

/* How many times as many images the largest class of training has as the smallest. */
static void print_ratio(struct term *term, const struct mien_check *check, const size_t *counts)
{
    const struct mien_dataset *const set = check->set;
    char least[128];
    char most[128];
    int low = 0;
    int high = 0;
    for (int c = 1; c < set->class_count; c++) {
        low = counts[c] < counts[low] ? c : low;
        high = counts[c] > counts[high] ? c : high;
    }
    text_cell(least, sizeof(least), set->classes[low], 0);
    text_cell(most, sizeof(most), set->classes[high], 0);
    if (set->splits[MIEN_SPLIT_TRAIN].count == 0 || low == high) {
        return;
    }
    if (counts[low] == 0) {
        print_head(term, "balance", "%s has no training images", least);
    } else {
        print_head(term, "balance", "%s has %.1f times as many training images as %s", most,
                   (double)counts[high] / (double)counts[low], least);
    }
}

static enum mien_status print_sizes(struct term *term, const struct check_report *report,
                                    struct mien_error *err)
{
    struct check_size *sizes = NULL;
    size_t count = 0;
    const enum mien_status st = check_sizes(&sizes, &count, report->check, err);
    if (st != MIEN_OK) {
        return st;
    }
    term_print(term, "%-*s", LABEL_COLUMNS, "sizes");
    for (size_t i = 0; i < count && i < MOST_SIZES; i++) {
        term_print(term, "%s %dx%d (%zu)", i == 0 ? "" : ",", sizes[i].height, sizes[i].width,
                   sizes[i].images);
    }
    if (count > MOST_SIZES) {
        term_print(term, " and %zu more", count - MOST_SIZES);
    }
    term_print(term, "\n");
    free(sizes);
    return MIEN_OK;
}

static void print_forms(struct term *term, const struct mien_check_counts *counts)
{
    static const char *const names[MIEN_FORMS] = { "gray", "colour", "gray stored as colour" };
    const char *comma = "";
    term_print(term, "%-*s", LABEL_COLUMNS, "colour");
    for (int f = 0; f < MIEN_FORMS; f++) {
        if (counts->forms[f] > 0) {
            term_print(term, "%s %s (%zu)", comma, names[f], counts->forms[f]);
            comma = ",";
        }
    }
    if (counts->converted > 0) {
        term_print(term, "; with a palette, alpha, 16 bits or CMYK (%zu)", counts->converted);
    }
    term_print(term, "\n");
}

static void print_unreadable(struct term *term, const struct check_report *report)
{
    const struct mien_check *const check = report->check;
    char text[1024];
    int shown = 0;
    if (report->counts.unreadable == 0) {
        print_head(term, "unreadable", "none");
        return;
    }
    print_head(term, "unreadable", "%zu", report->counts.unreadable);
    for (size_t i = 0; i < check->stray_count && shown < report->examples; i++, shown++) {
        print_margin(term);
        term_print(term, "%s\n", text_cell(text, sizeof(text), check->strays[i].error, 0));
    }
    for (size_t i = 0; i < check->image_count && shown < report->examples; i++) {
        if (check->images[i].error != NULL) {
            print_margin(term);
            term_print(term, "%s\n", text_cell(text, sizeof(text), check->images[i].error, 0));
            shown++;
        }
    }
}

static void print_blank(struct term *term, const struct check_report *report)
{
    const struct mien_check *const check = report->check;
    char name[NAME_BYTES];
    int shown = 0;
    if (report->counts.blank == 0) {
        print_head(term, "blank", "none");
        return;
    }
    print_head(term, "blank", "%zu of a single tone, %zu of them black", report->counts.blank,
               report->counts.black);
    for (size_t i = 0; i < check->image_count && shown < report->examples; i++) {
        if (check->images[i].error == NULL && check->images[i].blank) {
            print_margin(term);
            term_print(term, "%s\n", name_of(name, check, i));
            shown++;
        }
    }
}

static void print_group(struct term *term, const struct mien_check *check,
                        const struct mien_check_group *group)
{
    char name[NAME_BYTES];
    print_margin(term);
    for (uint32_t i = 0; i < group->count && i < MOST_MEMBERS; i++) {
        const uint32_t index = check->members[group->first + i];
        term_print(term, "%s%s", i > 0 ? " = " : "", name_of(name, check, index));
        if (group->conflict && check->set->names == NULL) { /* else the path says it */
            const char *const label = check->set->classes[check->set->labels[index]];
            term_print(term, " (%s)", text_cell(name, sizeof(name), label, 0));
        }
    }
    if (group->count > MOST_MEMBERS) {
        term_print(term, " and %u more", (unsigned)(group->count - MOST_MEMBERS));
    }
    term_print(term, "\n");
}

/* Examples of the groups that `fits`; blank ones last, as one is the other there. */
static void print_groups(struct term *term, const struct check_report *report, bool conflicts,
                         bool twins)
{
    const struct mien_check *const check = report->check;
    int shown = 0;
    for (size_t g = 0; g < check->group_count && shown < report->examples; g++) {
        const struct mien_check_group *const group = &check->groups[g];
        const bool one_split = (group->splits & (group->splits - 1)) == 0;
        if ((!conflicts || group->conflict) && (!twins || !one_split) &&
            !check->images[group->lead].blank) {
            print_group(term, check, group);
            shown++;
        }
    }
}

static void print_copies(struct term *term, const struct check_report *report)
{
    const struct mien_check_counts *const c = &report->counts;
    if (c->groups == 0) {
        print_head(term, "duplicates", "none");
        return;
    }
    print_head(term, "duplicates", "%zu redundant copies in %zu groups of equal images",
               c->redundant, c->groups);
    print_groups(term, report, false, false);
    if (c->conflicts == 0) {
        print_head(term, "conflicts", "none: equal images have equal labels");
    } else {
        print_head(term, "conflicts", "%zu of these groups have different labels (%zu images)",
                   c->conflicts, c->conflict_images);
        print_groups(term, report, true, false);
    }
    bool any = false;
    for (int of = MIEN_SPLITS - 1; of > 0; of--) {
        for (int in = 0; in < of; in++) {
            if (c->twins[of][in] > 0) {
                print_head(term, any ? "" : "twins", "%zu %s images are also in %s",
                           c->twins[of][in], mien_split_name((enum mien_split)of),
                           mien_split_name((enum mien_split)in));
                any = true;
            }
        }
    }
    if (any) {
        print_groups(term, report, false, true);
    } else {
        print_head(term, "twins", "none: no image is in two splits");
    }
}

static void print_near(struct term *term, const struct check_report *report)
{
    const struct mien_check *const check = report->check;
    char name[NAME_BYTES];
    char like[NAME_BYTES];
    int shown = 0;
    if (report->counts.near == 0) {
        print_head(term, "near", "none with a correlation of %g or more", report->near);
        return;
    }
    print_head(term, "near",
               "%zu more are nearly another one (a correlation of %g or more), "
               "%zu of them one of another split",
               report->counts.near, report->near, report->counts.near_across);
    for (size_t i = 0; i < check->image_count && shown < report->examples; i++) {
        const struct mien_check_image *const image = &check->images[i];
        if (image->near != MIEN_NO_IMAGE) {
            print_margin(term);
            term_print(term, "%s ~ %s  %.4f\n", name_of(name, check, i),
                       name_of(like, check, image->near), (double)image->correlation);
            shown++;
        }
    }
}

static void print_list(struct term *term, const struct check_report *report)
{
    size_t sum = 0;
    const char *comma = " (";
    for (int r = 1; r < MIEN_REASONS; r++) {
        sum += report->listed[r];
    }
    char path[TEXT_LINE_BYTES];
    term_print(term, "\n%s: %zu images to leave out%s",
               text_cell(path, sizeof(path), report->list, 0), sum,
               report->list_all ? ", of all splits" : ", of training alone");
    for (int r = 1; r < MIEN_REASONS; r++) {
        if (report->listed[r] > 0) {
            term_print(term, "%s%zu %s", comma, report->listed[r],
                       mien_check_reason_name((enum mien_check_reason)r));
            comma = ", ";
        }
    }
    term_print(term, "%s\n", sum > 0 ? ")" : "");
}

enum mien_status check_print(struct term *term, const struct check_report *report,
                             struct mien_error *err)
{
    const struct mien_check *const check = report->check;
    const struct mien_dataset *const set = check->set;
    enum mien_status st = MIEN_OK;
    size_t *const counts =
        mien_calloc(MIEN_SPLITS * (size_t)set->class_count, sizeof(*counts), err);
    if (counts == NULL) {
        return MIEN_ERR_MEMORY;
    }
    char path[TEXT_LINE_BYTES];
    term_print(term, "%s: %zu images, %d classes\n", text_cell(path, sizeof(path), report->data, 0),
               check->image_count + check->stray_count, set->class_count);
    print_balance(term, check, counts);
    term_print(term, "\n");
    print_ratio(term, check, counts);
    TRY(print_sizes(term, report, err));
    print_forms(term, &report->counts);
    if (set->skipped > 0) {
        print_head(term, "skipped", "%zu files that are no images, by their names", set->skipped);
    }
    print_unreadable(term, report);
    print_blank(term, report);
    print_copies(term, report);
    print_near(term, report);
    if (report->list != NULL) {
        print_list(term, report);
    }

done:
    free(counts);
    return st;
}
