/** notes.h - a log that remembers its lines */
#ifndef MIEN_TESTS_SUPPORT_NOTES_H
#define MIEN_TESTS_SUPPORT_NOTES_H

#include "base/log.h"

struct notes {
    char text[4096]; /**< each line with a newline behind it; what does not fit is dropped */
    char what[64];   /**< the task that last reported progress */
    size_t done, total;
};

/** A log that writes into `notes`, which is emptied. */
struct mien_log notes_log(struct notes *notes);

#endif
