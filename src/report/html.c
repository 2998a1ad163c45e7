/* html.c - texts, numbers and pictures in the page */
#include <math.h>
#include <string.h>

#include "report/parts.h"

void mien_html_text(FILE *to, const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        switch (*c) {
        case '&': (void)fputs("&amp;", to); break;
        case '<': (void)fputs("&lt;", to); break;
        case '>': (void)fputs("&gt;", to); break;
        case '"': (void)fputs("&quot;", to); break;
        case '\'': (void)fputs("&#39;", to); break;
        default:
            /* Control characters have no place in HTML. */
            (void)fputc(((unsigned char)*c < 0x20 && *c != '\n') || *c == 0x7f ? ' ' : *c, to);
            break;
        }
    }
}

char *mien_html_fixed(char out[MIEN_HTML_COUNT_BYTES], double value, int digits)
{
    if (!isfinite(value)) {
        (void)snprintf(out, MIEN_HTML_COUNT_BYTES, "\xE2\x80\x93"); /* en dash */
    } else if (fabs(value) < 1e15) {
        (void)snprintf(out, MIEN_HTML_COUNT_BYTES, "%.*f", digits, value);
    } else {
        (void)snprintf(out, MIEN_HTML_COUNT_BYTES, "%.3g", value);
    }
    return out;
}

char *mien_html_count(char out[MIEN_HTML_COUNT_BYTES], double value)
{
    char digits[24];
    if (!(fabs(value) < 1e15)) {
        return mien_html_fixed(out, value, 0);
    }
    const int length = snprintf(digits, sizeof(digits), "%.0f", fabs(value));
    int used = 0;
    if (value <= -0.5) {
        out[used++] = '-';
    }
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0) {
            out[used++] = ',';
        }
        out[used++] = digits[i];
    }
    out[used] = '\0';
    return out;
}

char *mien_html_time(char out[MIEN_HTML_TIME_BYTES], double seconds)
{
    const double minutes = floor(seconds / 60.0 + 0.5);
    if (!(seconds >= 0.0 && seconds < 1e9)) {
        (void)snprintf(out, MIEN_HTML_TIME_BYTES, "?");
    } else if (seconds < 10.0) {
        (void)snprintf(out, MIEN_HTML_TIME_BYTES, "%.2f s", seconds);
    } else if (seconds < 120.0) {
        (void)snprintf(out, MIEN_HTML_TIME_BYTES, "%.1f s", seconds);
    } else if (minutes < 60.0) {
        (void)snprintf(out, MIEN_HTML_TIME_BYTES, "%.0f min", minutes);
    } else {
        (void)snprintf(out, MIEN_HTML_TIME_BYTES, "%.0f h %.0f min", floor(minutes / 60.0),
                       fmod(minutes, 60.0));
    }
    return out;
}

const char *mien_part_text(const json_t *object, const char *key)
{
    const char *const text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

double mien_part_number(const json_t *object, const char *key)
{
    const json_t *const value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

void mien_html_picture(FILE *to, const json_t *object, const char *key, const char *kind,
                       const char *alt)
{
    static const char base64[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
    const char *const data = mien_part_text(object, key);
    if (*data == '\0' || data[strspn(data, base64)] != '\0') {
        return;
    }
    (void)fprintf(to, "<img class=\"%s\" alt=\"", kind);
    mien_html_text(to, alt);
    (void)fprintf(to, "\" src=\"data:image/png;base64,%s\">", data);
}

void mien_html_section(FILE *to, const char *id, const char *title, const char *about)
{
    (void)fprintf(to, "<section id=\"%s\">\n<h2>%s</h2>\n", id, title);
    if (about != NULL) {
        (void)fprintf(to, "<p class=\"about\">%s</p>\n", about);
    }
}

void mien_html_section_end(FILE *to)
{
    (void)fputs("</section>\n", to);
}

double mien_chart_step(double span, int most)
{
    double step = pow(10.0, floor(log10(span / most)));
    static const double factors[] = { 2.0, 2.5, 2.0 }; /* 1, 2, 5, 10 */
    for (int i = 0; i < 3 && span / step > most; i++) {
        step *= factors[i];
    }
    return step;
}

bool mien_report_has(const json_t *report, const char *key)
{
    const json_t *const part = json_object_get(report, key);
    return json_array_size(part) > 0 || json_object_size(part) > 0;
}
