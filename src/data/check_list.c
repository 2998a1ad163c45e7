/* check_list.c - from what is wrong with a data set to a list of images to leave out */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "data/check.h"
#include "data/exclude.h"

const char *mien_check_reason_name(enum mien_check_reason reason)
{
    static const char *const names[MIEN_REASONS] = {
        [MIEN_REASON_NONE] = NULL,     [MIEN_REASON_UNREADABLE] = "unreadable",
        [MIEN_REASON_BLANK] = "blank", [MIEN_REASON_CONFLICT] = "conflicts",
        [MIEN_REASON_TWIN] = "twins",  [MIEN_REASON_DUPLICATE] = "duplicates",
        [MIEN_REASON_NEAR] = "near",
    };
    return (size_t)reason < MIEN_REASONS ? names[reason] : NULL;
}

struct choice {
    const struct mien_check *check;
    unsigned reasons;
    bool all;
    unsigned char *verdicts; /* [image_count] enum mien_check_reason */
};

enum { WHY_BYTES = 512 };

static bool wants(const struct choice *choice, enum mien_check_reason reason)
{
    return (choice->reasons >> reason & 1U) != 0;
}

/* The first member of an image's group that `fits`; MIEN_NO_IMAGE when none does. */
static uint32_t find_member(const struct mien_check *check, uint32_t index,
                            bool (*fits)(const struct mien_check *check, uint32_t index,
                                         uint32_t other))
{
    const struct mien_check_group *const group = &check->groups[check->images[index].group];
    for (uint32_t i = 0; i < group->count; i++) {
        const uint32_t other = check->members[group->first + i];
        if (other != index && fits(check, index, other)) {
            return other;
        }
    }
    return MIEN_NO_IMAGE;
}

static bool has_other_label(const struct mien_check *check, uint32_t index, uint32_t other)
{
    return check->set->labels[other] != check->set->labels[index];
}

static bool measures(const struct mien_check *check, uint32_t index, uint32_t other)
{
    return mien_check_split(check, other) > mien_check_split(check, index);
}

static bool comes_before(const struct mien_check *check, uint32_t index, uint32_t other)
{
    return mien_check_split(check, other) == mien_check_split(check, index) && other < index;
}

static enum mien_check_reason judge_copies(uint32_t *other, const struct choice *choice,
                                           uint32_t index)
{
    const struct {
        enum mien_check_reason reason;
        bool (*fits)(const struct mien_check *check, uint32_t index, uint32_t other);
    } rules[] = {
        { MIEN_REASON_CONFLICT, has_other_label },
        { MIEN_REASON_TWIN, measures },
        { MIEN_REASON_DUPLICATE, comes_before },
    };
    if (choice->check->images[index].group == MIEN_NO_IMAGE) {
        return MIEN_REASON_NONE;
    }
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        if (wants(choice, rules[i].reason)) {
            *other = find_member(choice->check, index, rules[i].fits);
            if (*other != MIEN_NO_IMAGE) {
                return rules[i].reason;
            }
        }
    }
    return MIEN_REASON_NONE;
}

/*
 * Why an image is listed, and the other image that is to blame.  A near copy is, where the image
 * that it is like stays, which is known by then: it comes before it in the order of judge_all().
 */
static enum mien_check_reason judge(uint32_t *other, const struct choice *choice, uint32_t index)
{
    const struct mien_check *const check = choice->check;
    const struct mien_check_image *const image = &check->images[index];
    *other = MIEN_NO_IMAGE;
    if (image->error != NULL) {
        return wants(choice, MIEN_REASON_UNREADABLE) ? MIEN_REASON_UNREADABLE : MIEN_REASON_NONE;
    }
    if (!choice->all && mien_check_split(check, index) != MIEN_SPLIT_TRAIN) {
        return MIEN_REASON_NONE;
    }
    if (image->blank && wants(choice, MIEN_REASON_BLANK)) {
        return MIEN_REASON_BLANK;
    }
    const enum mien_check_reason reason = judge_copies(other, choice, index);
    if (reason != MIEN_REASON_NONE || !wants(choice, MIEN_REASON_NEAR)) {
        return reason;
    }
    const uint32_t lead = image->group != MIEN_NO_IMAGE ? check->groups[image->group].lead : index;
    *other = check->images[lead].near;
    return *other != MIEN_NO_IMAGE && choice->verdicts[*other] == MIEN_REASON_NONE
               ? MIEN_REASON_NEAR
               : MIEN_REASON_NONE;
}

/* In the order in which near copies were looked for. */
static void judge_all(const struct choice *choice)
{
    for (int split = MIEN_SPLITS - 1; split >= 0; split--) {
        const size_t first = choice->check->set->splits[split].first;
        for (size_t i = 0; i < choice->check->set->splits[split].count; i++) {
            uint32_t other = MIEN_NO_IMAGE;
            choice->verdicts[first + i] =
                (unsigned char)judge(&other, choice, (uint32_t)(first + i));
        }
    }
}

static void explain(char why[WHY_BYTES], const struct mien_check *check, uint32_t index,
                    enum mien_check_reason reason, uint32_t other)
{
    const struct mien_dataset *const set = check->set;
    const struct mien_check_image *const image = &check->images[index];
    char number[MIEN_DATASET_NAME_BYTES];
    const char *const name = other != MIEN_NO_IMAGE ? mien_dataset_name(number, set, other) : "";
    switch (reason) {
    case MIEN_REASON_NONE: why[0] = '\0'; break;
    case MIEN_REASON_UNREADABLE:
        (void)snprintf(why, WHY_BYTES, "unreadable: %s", image->error);
        break;
    case MIEN_REASON_BLANK:
        (void)snprintf(why, WHY_BYTES, "blank: every pixel is %u", (unsigned)image->level);
        break;
    case MIEN_REASON_CONFLICT:
        (void)snprintf(why, WHY_BYTES, "conflict: the same as %s, which is %s", name,
                       set->classes[set->labels[other]]);
        break;
    case MIEN_REASON_TWIN:
        (void)snprintf(why, WHY_BYTES, "twin: the same as %s of %s", name,
                       mien_split_name(mien_check_split(check, other)));
        break;
    case MIEN_REASON_DUPLICATE:
        (void)snprintf(why, WHY_BYTES, "duplicate: the same as %s", name);
        break;
    case MIEN_REASON_NEAR: {
        const uint32_t lead =
            image->group != MIEN_NO_IMAGE ? check->groups[image->group].lead : index;
        (void)snprintf(why, WHY_BYTES, "near: correlation %.4f with %s",
                       (double)check->images[lead].correlation, name);
        break;
    }
    }
}

static enum mien_status write_title(struct mien_atomic_file *file, const char *title,
                                    struct mien_error *err)
{
    enum mien_status st = MIEN_ERR_MEMORY;
    const size_t most = strlen(title) + sizeof("# \n");
    char *const line = mien_calloc(most, 1, err);
    if (line == NULL) {
        return st;
    }
    const int bytes = snprintf(line, most, "# %s\n", title);
    for (int i = 0; i < bytes - 1; i++) {
        line[i] = (char)(line[i] == '\n' || line[i] == '\r' ? ' ' : line[i]);
    }
    st = mien_atomic_write(file, line, (size_t)bytes, err);
    free(line);
    return st;
}

static enum mien_status write_lines(size_t listed[MIEN_REASONS], struct mien_atomic_file *file,
                                    const struct choice *choice, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_check *const check = choice->check;
    char number[MIEN_DATASET_NAME_BYTES];
    char why[WHY_BYTES];
    for (size_t i = 0; i < check->stray_count && wants(choice, MIEN_REASON_UNREADABLE); i++) {
        (void)snprintf(why, WHY_BYTES, "unreadable: %s", check->strays[i].error);
        TRY(mien_exclusion_write(file, check->strays[i].name, why, err));
        listed[MIEN_REASON_UNREADABLE]++;
    }
    for (size_t i = 0; i < check->image_count; i++) {
        uint32_t other = MIEN_NO_IMAGE;
        const enum mien_check_reason reason = judge(&other, choice, (uint32_t)i);
        listed[reason]++;
        if (reason != MIEN_REASON_NONE) {
            explain(why, check, (uint32_t)i, reason, other);
            TRY(mien_exclusion_write(file, mien_dataset_name(number, check->set, i), why, err));
        }
    }

done:
    return st;
}

enum mien_status mien_check_write_list(size_t listed[MIEN_REASONS], const char *path,
                                       const struct mien_check *check, unsigned reasons, bool all,
                                       const char *title, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_atomic_file *file = NULL;
    const struct choice choice = { check, reasons, all,
                                   mien_calloc(check->image_count, sizeof(unsigned char), err) };
    memset(listed, 0, MIEN_REASONS * sizeof(*listed));
    if (choice.verdicts == NULL) {
        return MIEN_ERR_MEMORY;
    }
    judge_all(&choice);
    TRY(mien_atomic_open(&file, path, err));
    TRY(write_title(file, title, err));
    TRY(write_lines(listed, file, &choice, err));
    struct mien_atomic_file *const whole = file;
    file = NULL;
    TRY(mien_atomic_commit(whole, err));

done:
    mien_atomic_abort(file);
    free(choice.verdicts);
    return st;
}
