/** term.h - everything that reaches the terminal: results, errors, notices, progress */
#ifndef MIEN_CLI_TERM_H
#define MIEN_CLI_TERM_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/log.h"

/** One command's door to the terminal.  Results go to stdout, all else to stderr. */
struct term {
    const char *command_line; /**< as it was typed, words joined by blanks; "" before it is known */
    const char *command;      /**< for error lines; "" before it is known */
    struct mien_log log;      /**< hand this to the library: notices and progress of long tasks */
    bool quiet;               /**< no notices, no progress */
    bool bars;                /**< stderr is a terminal */
    bool blocks;              /**< it shows UTF-8 */
    bool drawn;               /**< a bar is on the screen */
    bool view;                /**< stdout and stderr are a terminal on which lines can be redrawn */
    bool colours;             /**< and the person wants colours: NO_COLOR is not set */
    int block_lines;          /**< of the block that is on the screen, above the bar; 0: none */
    int write_errno;          /**< of the first write to stdout that failed; 0: none */
    char what[64];            /**< the task the bar is about */
    double start_s, drawn_s;  /**< monotonic seconds: of the task, of the last drawing */
};

void term_init(struct term *term, const char *command);

/**
 * Part of the result, on stdout, with a question mark for each byte of a control character.  Not
 * for line feeds: a text from a file goes through text_cell() first.
 */
MIEN_PRINTF(2, 3)
void term_print(struct term *term, const char *fmt, ...);

/** To be called behind what was written to stdout around term_print(): keeps why it failed. */
void term_wrote(struct term *term);

/** `value` as one line on stdout, control characters escaped; releases it.  Errors MIEN_ERR_MEMORY,
 * also when `value` is NULL
 */
MIEN_CHECK_RESULT
enum mien_status term_json(struct term *term, json_t *value, struct mien_error *err);

/** "mien COMMAND: text" on stderr, as one line whatever is in it. */
MIEN_PRINTF(2, 3)
void term_error(struct term *term, const char *fmt, ...);

/**
 * Draw how far the task `what` is, at most ten times a second, where stderr is a terminal; the bar
 * of a finished task (done == total) is taken away.  A new `what`, or a `done` of 0, starts the
 * clock anew.
 *
 * `extra` is put behind it ("loss 1.2 acc 53.1 %"); may be NULL.
 */
void term_progress(struct term *term, const char *what, size_t done, size_t total,
                   const char *extra);

/**
 * Draw lines on stderr below what was printed; the bar goes below them.  They stay until
 * term_clear(), or for good after term_keep().
 *
 * text   `lines` of them, each with its line feed; no longer than the terminal is wide
 */
void term_block(struct term *term, const char *text, int lines);

/** What was drawn as a block stays where it is. */
void term_keep(struct term *term);

/** The size of stderr's terminal; 80 and 24 where it does not say. */
void term_size(int *columns, int *lines);

/** Take the bar and the block away, before something else is printed or after the task failed. */
void term_clear(struct term *term);

/** What was printed so far reaches its reader now; a failure is told by term_finish(). */
void term_flush(struct term *term);

/** Flush the results.  Errors  MIEN_ERR_IO when not all of them could be written, with the cause of
 * the first that could not */
MIEN_CHECK_RESULT
enum mien_status term_finish(struct term *term, struct mien_error *err);

#endif
