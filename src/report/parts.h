/** parts.h - what the sections of the page are written with (internal to src/report) */
#ifndef MIEN_REPORT_PARTS_H
#define MIEN_REPORT_PARTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/** Files of this folder, as texts; made by cmake/EmbedReport.cmake. */
extern const char mien_report_style[];  /**< page.css */
extern const char mien_report_script[]; /**< page.js */

/** Text as content or as the value of an attribute: nothing of it is taken for markup. */
void mien_html_text(FILE *to, const char *text);

/** "12,345", and "0.674" with so many digits; a dash for what is not finite. */
enum { MIEN_HTML_COUNT_BYTES = 32 };
char *mien_html_count(char out[MIEN_HTML_COUNT_BYTES], double value);
char *mien_html_fixed(char out[MIEN_HTML_COUNT_BYTES], double value, int digits);

/** "1 h 10 min", "75.3 s". */
enum { MIEN_HTML_TIME_BYTES = 48 };
char *mien_html_time(char out[MIEN_HTML_TIME_BYTES], double seconds);

/** A member's text; "" where it is no text. */
const char *mien_part_text(const json_t *object, const char *key);
/** A member's number; NAN where it is none. */
double mien_part_number(const json_t *object, const char *key);

/**
 * A picture: a member "png" in base64; nothing where that is none.
 *
 * kind  class of the element: "pixels" for one that is to be enlarged as it is, or ""
 * alt   what it shows
 */
void mien_html_picture(FILE *to, const json_t *object, const char *key, const char *kind,
                       const char *alt);

/** Begin and end a section: its place in the page, heading, and a line about it (NULL: none). */
void mien_html_section(FILE *to, const char *id, const char *title, const char *about);
void mien_html_section_end(FILE *to);

/** Steps of 1, 2 or 5 times a power of ten between marks, for at most `most` of them over `span`.
 */
double mien_chart_step(double span, int most);

/** The sections, in the order of the page; each leaves itself out where it has nothing to show. */
void mien_report_headline(FILE *to, const json_t *report);
void mien_report_curves(FILE *to, const json_t *report);
void mien_report_samples(FILE *to, const json_t *report);
void mien_report_network(FILE *to, const json_t *report);
void mien_report_confusion(FILE *to, const json_t *report);
void mien_report_classes(FILE *to, const json_t *report);
void mien_report_calibration(FILE *to, const json_t *report);
void mien_report_mistakes(FILE *to, const json_t *report);
void mien_report_filters(FILE *to, const json_t *report);
void mien_report_maps(FILE *to, const json_t *report);
void mien_report_origin(FILE *to, const json_t *report);

/** Whether the report has what the section of that name shows. */
bool mien_report_has(const json_t *report, const char *key);

#endif
