/** report.h - the results of a run or a model as one page that opens anywhere (internal) */
#ifndef MIEN_REPORT_REPORT_H
#define MIEN_REPORT_REPORT_H

#include <jansson.h>

#include "base/error.h"

/** What "format" says in a report. */
#define MIEN_REPORT_FORMAT "mien-report 1"

/**
 * Write a report as an HTML page: one file, with pictures, style and script inside, that asks for
 * nothing else.  docs/json.md has the keys of a report; parts that are not there, or are not what
 * they should be, are left out.
 *
 * Ownership  *out is the caller's, release with free(); NULL on error
 * Errors     MIEN_ERR_FORMAT: no report, by its "format"; MIEN_ERR_MEMORY
 * Numerics   equal reports give equal bytes
 */
MIEN_CHECK_RESULT
enum mien_status mien_report_page(char **out, size_t *bytes, const json_t *report,
                                  struct mien_error *err);

#endif
