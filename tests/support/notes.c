/* notes.c - a log that remembers its lines */
#include "support/notes.h"

#include <stdio.h>
#include <string.h>

static void keep_line(void *user, const char *text)
{
    struct notes *const notes = user;
    const size_t used = strlen(notes->text);
    (void)snprintf(notes->text + used, sizeof(notes->text) - used, "%s\n", text);
}

static void keep_progress(void *user, const char *what, size_t done, size_t total)
{
    struct notes *const notes = user;
    (void)snprintf(notes->what, sizeof(notes->what), "%s", what);
    notes->done = done;
    notes->total = total;
}

struct mien_log notes_log(struct notes *notes)
{
    *notes = (struct notes){ .text = "" };
    return (struct mien_log){ .line = keep_line, .progress = keep_progress, .user = notes };
}
