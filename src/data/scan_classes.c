/* scan_classes.c - from folder names to classes, from file names to splits */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/utf8.h"
#include "data/build.h"
#include "data/scan.h"

/* What a class folder stands for; borrowed from the scan or static. */
static const char *class_of(const char *folder, bool numbered)
{
    if (numbered) {
        return mien_fer2013_names[folder[0] - '0'];
    }
    const char *const canonical = mien_class_canonical(folder);
    return canonical != NULL ? canonical : folder;
}

/* Bits of the splits in which each folder has images. */
static unsigned *splits_of_folders(const struct mien_scan *scan, struct mien_error *err)
{
    unsigned *const used = mien_calloc(scan->folders.count, sizeof(*used), err);
    for (size_t i = 0; used != NULL && i < scan->count; i++) {
        used[scan->found[i].folder] |= 1U << scan->found[i].split;
    }
    return used;
}

static void tell_merged(const struct mien_scan *scan, const int *label, const unsigned *used)
{
    for (size_t i = 0; i < scan->folders.count; i++) {
        for (size_t k = i + 1; k < scan->folders.count; k++) {
            if (label[i] == label[k] && (used[i] & used[k]) != 0) {
                mien_log_line(scan->log, "the folders %s and %s are one class: %s",
                              scan->folders.names[i], scan->folders.names[k],
                              scan->classes.names[label[i]]);
            }
        }
    }
}

/* A class that is only in the validation or test images cannot be learned. */
static void tell_untrained(const struct mien_scan *scan, const int *label, const unsigned *used)
{
    const unsigned train = 1U << MIEN_SPLIT_TRAIN;
    bool any = false;
    for (size_t i = 0; i < scan->folders.count; i++) {
        any = any || (used[i] & train) != 0;
    }
    for (size_t c = 0; any && c < scan->classes.count; c++) {
        unsigned in = 0;
        for (size_t i = 0; i < scan->folders.count; i++) {
            in |= label[i] == (int)c ? used[i] : 0;
        }
        if ((in & train) == 0) {
            mien_log_line(scan->log, "the class %s has no training images", scan->classes.names[c]);
        }
    }
}

/* Names go into weights and results, which are UTF-8. */
static enum mien_status check_names(const struct mien_scan *scan, struct mien_error *err)
{
    for (size_t i = 0; i < scan->folders.count; i++) {
        const char *const name = scan->folders.names[i];
        if (!mien_is_utf8(name)) {
            char shown[64];
            (void)snprintf(shown, sizeof(shown), "%s", name);
            mien_ascii_only(shown);
            return mien_fail(err, MIEN_ERR_FORMAT,
                             "%.800s: the name of the class folder %s is not UTF-8", scan->root,
                             shown);
        }
    }
    return MIEN_OK;
}

enum mien_status mien_scan_name_classes(struct mien_scan *scan, struct mien_error *err)
{
    enum mien_status st = check_names(scan, err);
    if (st != MIEN_OK) {
        return st;
    }
    st = MIEN_ERR_MEMORY;
    const bool numbered = mien_class_list_is_fer2013(&scan->folders);
    int *const label = mien_calloc(scan->folders.count, sizeof(*label), err);
    unsigned *const used = splits_of_folders(scan, err);
    if (label == NULL || used == NULL) {
        goto done;
    }
    for (size_t i = 0; i < scan->folders.count; i++) {
        TRY(mien_class_list_add(&scan->classes, class_of(scan->folders.names[i], numbered), err));
    }
    mien_class_list_sort(&scan->classes);
    for (size_t i = 0; i < scan->folders.count; i++) {
        label[i] = mien_class_list_find(&scan->classes, class_of(scan->folders.names[i], numbered));
    }
    if (numbered) {
        mien_log_line(scan->log, "class folders 0 to 6: named as fer2013.csv numbers them "
                                 "(0 angry, 1 disgust, 2 fear, 3 happy, 4 sad, 5 surprise, 6 "
                                 "neutral)");
    }
    if (scan->folders.count <= 1000) { /* quadratic, and only for people */
        tell_merged(scan, label, used);
        tell_untrained(scan, label, used);
    }
    for (size_t i = 0; i < scan->count; i++) {
        scan->found[i].folder = label[scan->found[i].folder];
    }
    st = MIEN_OK;
done:
    free(label);
    free(used);
    return st;
}

/* FER2013's splits as its files are named in one of its forms; -1 for other names. */
static int split_of_file(const char *path)
{
    const char *const slash = strrchr(path, '/');
    const char *const name = slash == NULL ? path : slash + 1;
    if (strncmp(name, "Training_", 9) == 0) {
        return MIEN_SPLIT_TRAIN;
    }
    if (strncmp(name, "PublicTest_", 11) == 0) {
        return MIEN_SPLIT_VALIDATION;
    }
    return strncmp(name, "PrivateTest_", 12) == 0 ? MIEN_SPLIT_TEST : -1;
}

void mien_scan_name_splits(struct mien_scan *scan)
{
    /* Told by name: the test folder where it is the only one beside train, or a set without any. */
    const int from = scan->has_splits ? MIEN_SPLIT_TEST : MIEN_SPLIT_TRAIN;
    size_t told[MIEN_SPLITS] = { 0 };
    for (size_t i = 0; i < scan->count; i++) {
        const int split = split_of_file(scan->text + scan->found[i].name);
        if (scan->found[i].split == MIEN_SPLIT_VALIDATION) {
            return;
        }
        if (scan->found[i].split != from) {
            continue;
        }
        if (split < 0 || (scan->has_splits && split == MIEN_SPLIT_TRAIN)) {
            return;
        }
        told[split]++;
    }
    if (told[MIEN_SPLIT_VALIDATION] == 0) {
        return;
    }
    for (size_t i = 0; i < scan->count; i++) {
        if (scan->found[i].split == from) {
            scan->found[i].split = split_of_file(scan->text + scan->found[i].name);
        }
    }
    mien_log_line(scan->log,
                  "splits told by file name: %zu PublicTest_ images are validation, %zu "
                  "PrivateTest_ images are test",
                  told[MIEN_SPLIT_VALIDATION], told[MIEN_SPLIT_TEST]);
}
