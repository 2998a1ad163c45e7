/** classes.h - class names by alias, never by position (internal to data) */
#ifndef MIEN_DATA_CLASSES_H
#define MIEN_DATA_CLASSES_H

#include <stdbool.h>

#include "base/error.h"

enum { MIEN_EMOTIONS = 7, MIEN_MAX_CLASSES = 10000 };

/** Canonical name of a number in fer2013.csv (0 angry ... 4 sad, 5 surprise, 6 neutral), in order.
 */
extern const char *const mien_fer2013_names[MIEN_EMOTIONS];

/**
 * The canonical emotion that a folder's name stands for ("Anger", "3_happy", "surprised"), or NULL.
 * Case, and a number with separators in front, do not matter; a bare number is no emotion here.
 */
const char *mien_class_canonical(const char *name);

/** The class of exactly that name; -1: there is none. */
int mien_class_index(char *const *classes, int class_count, const char *name);

/** The class of that name, or else the one that stands for the same emotion; -1: there is none. */
int mien_class_find(char *const *classes, int class_count, const char *name);

/** The names that were found for one set, each once. */
struct mien_class_list {
    size_t count, capacity;
    char **names;
};

void mien_class_list_finish(struct mien_class_list *list); /* zeroed is allowed */

/** Append a copy of `name` unless it is there. */
MIEN_CHECK_RESULT
enum mien_status mien_class_list_add(struct mien_class_list *list, const char *name,
                                     struct mien_error *err);
/**
 * Append a copy of a name that somebody gave; NULL: what they gave is no text.
 *
 * Errors  `refusal`: it is empty, not UTF-8, there already, or one too many; MIEN_ERR_MEMORY
 */
MIEN_CHECK_RESULT
enum mien_status mien_class_list_take(struct mien_class_list *list, const char *name,
                                      enum mien_status refusal, struct mien_error *err);
/**
 * Append the names of a file's metadata, a JSON array of at least one; NULL: there are none.
 *
 * Errors  MIEN_ERR_FORMAT, MIEN_ERR_MEMORY
 */
MIEN_CHECK_RESULT
enum mien_status mien_class_list_parse(struct mien_class_list *list, const char *text,
                                       struct mien_error *err);
/** Index of `name`, or -1. */
int mien_class_list_find(const struct mien_class_list *list, const char *name);
/** Byte order. */
void mien_class_list_sort(struct mien_class_list *list);
/** Whether the list is exactly "0" ... "6": FER2013's numbering, and nothing else's we know of. */
bool mien_class_list_is_fer2013(const struct mien_class_list *list);

#endif
