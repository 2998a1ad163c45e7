/* test_page.c - the page of a report: what is in it, and what no file can put there */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/parts.h"
#include "report/report.h"
#include "support/comma.h"
#include "support/scratch.h"

/* Every part of a report, short; %s is any text that a file may bring in. */
static const char whole[] =
    "{'format': 'mien-report 1', 'version': '%s', 'name': '%s', 'command': '%s',"
    " 'gradcam_layer': '%s',"
    " 'model': {'file': '%s', 'classes': ['%s', 'b'], 'recipe': '%s', 'network': {'input': [1, 8, "
    "8],"
    "  'classes': 2, 'parameters': 1234567, 'flop': 2e6, 'layers': ["
    "  {'name': '%s', 'spec': 'conv 4 3x3', 'output': [4, 6, 6], 'parameters': 40, 'flop': 2592},"
    "  {'name': 'relu1', 'spec': 'relu', 'output': [4, 6, 6], 'parameters': 0, 'flop': 144},"
    "  {'name': 'dense1', 'spec': '%s', 'output': [2, 1, 1], 'parameters': 290, 'flop': 576}]}},"
    " 'run': {'state': '%s', 'error': '%s', 'command': '%s', 'resumed_by': ['%s'],"
    "  'device': {'name': '%s', 'kind': '%s', 'driver': '%s', 'platform': '%s', 'opencl': '%s'},"
    "  'data': {'path': '%s', 'fingerprint': '%s', 'train': 28709}},"
    " 'history': ["
    "  {'epoch': 1, 'train_loss': 2, 'train_accuracy': 0.25, 'validation_loss': 1.5,"
    "   'validation_accuracy': 0.5, 'rate': 0.1, 'images_per_s': 100, 'seconds': 61},"
    "  {'epoch': 2, 'train_loss': 1, 'train_accuracy': 0.5, 'validation_loss': null,"
    "   'validation_accuracy': null, 'rate': 0.1, 'images_per_s': 100, 'seconds': 61},"
    "  {'epoch': 3, 'train_loss': 0.5, 'train_accuracy': 0.75, 'validation_loss': 1.25,"
    "   'validation_accuracy': 0.625, 'rate': 0.1, 'images_per_s': 100, 'seconds': 61}],"
    " 'evaluation': {'accuracy': 0.625, 'loss': 0.5, 'macro_f1': 0.5, 'top2': 1, 'ece': 0.03125,"
    "  'classes': ['%s', 'b'], 'images': 8, 'split': '%s', 'device': '%s', 'driver': '%s',"
    "  'data': {'path': '%s', 'fingerprint': '%s', 'test': 3},"
    "  'per_class': [{'class': '%s', 'precision': 0.5, 'recall': null, 'f1': 0.25, 'support': 4}],"
    "  'confusion': [[3, 1], [2, 2]],"
    "  'calibration': [{'from': 0, 'to': 0.5, 'images': 0, 'confidence': null, 'accuracy': null},"
    "   {'from': 0.5, 'to': 1, 'images': 8, 'confidence': 0.75, 'accuracy': 0.625}]},"
    " 'samples': [{'class': '%s', 'count': 1, 'images': [{'name': '%s', 'png': 'iVBORw0KGgo='}]}],"
    " 'mistakes': [{'name': '%s', 'truth': '%s', 'predicted': '%s', 'probability': 0.9,"
    "  'truth_probability': 0.1, 'png': 'iVBORw0KGgo=', 'overlay': 'iVBORw0KGgo='}],"
    " 'filters': {'layer': '%s', 'count': 4, 'height': 3, 'width': 3, 'colour': false,"
    "  'pictures': [{'channel': 0, 'png': 'iVBORw0KGgo='}]},"
    " 'maps': {'name': '%s', 'predicted': '%s', 'probability': 0.5, 'png': 'iVBORw0KGgo=',"
    "  'layers': [{'layer': '%s', 'channels': 4, 'height': 6, 'width': 6,"
    "   'pictures': [{'channel': 2, 'png': 'iVBORw0KGgo='}]}]}}";

/* `whole` with a text, which is JSON's already, at every place for one. */
static json_t *report_with(const char *text)
{
    char *const json = calloc(sizeof(whole) + 64 * strlen(text), 1);
    assert_non_null(json);
    char *to = json;
    for (const char *c = whole; *c != '\0'; c++) {
        if (c[0] == '%' && c[1] == 's') {
            memcpy(to, text, strlen(text));
            to += strlen(text);
            c++;
        } else {
            *to++ = *c == '\'' ? '"' : *c;
        }
    }
    json_error_t error;
    json_t *const report = json_loads(json, JSON_REJECT_DUPLICATES, &error);
    if (report == NULL) {
        fail_msg("%s at %d", error.text, error.position);
    }
    free(json);
    return report;
}

static char *page_of(const json_t *report)
{
    struct mien_error err = { "" };
    char *page = NULL;
    size_t bytes = 0;
    if (mien_report_page(&page, &bytes, report, &err) != MIEN_OK) {
        fail_msg("%s", err.text);
    }
    assert_int_equal(bytes, strlen(page));
    return page;
}

static void assert_has(const char *page, const char *text)
{
    if (strstr(page, text) == NULL) {
        fail_msg("the page has no %s", text);
    }
}

static size_t count_of(const char *page, const char *text)
{
    size_t count = 0;
    for (const char *at = strstr(page, text); at != NULL; at = strstr(at + 1, text)) {
        count++;
    }
    return count;
}

static void test_page__has_every_part(void **state)
{
    (void)state;
    static const char *const parts[] = {
        "id=\"curves\"",
        "id=\"samples\"",
        "id=\"network\"",
        "id=\"confusion\"",
        "id=\"classes\"",
        "id=\"filters\"",
        "id=\"maps\"",
        "id=\"calibration\"",
        "id=\"mistakes\"",
        "id=\"origin\"",
        "62.50 %",
        "5 of 8",
        "1,234,567",
        "61.0 s an epoch",
        "3 min",
        "4 &times; 6 &times; 6",
        "<b>3</b><i>75 %</i>",
        "taken for b: 1 of 4",
        "28,709 train",
        "8 images, confidence 75.0 %, accuracy 62.5 %",
        "0.0312: the mean gap",
        "Grad-CAM at x",
    };
    json_t *const report = report_with("x");
    char *const page = page_of(report);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        assert_has(page, parts[i]);
    }
    assert_null(strstr(page, "http-equiv=\"refresh\""));
    assert_null(strstr(page, "nan"));
    assert_null(strstr(page, "://")); /* asks for nothing */
    free(page);
    json_decref(report);
}

static void test_page__draws_the_curves_where_the_numbers_say(void **state)
{
    (void)state;
    json_t *const report = report_with("x");
    char *const page = page_of(report);
    /* Loss from 0 to 2 in a square from (50, 234) to (408, 12), epochs 1 to 3. */
    assert_has(page, "<path class=\"line s0\" d=\"M50.0 12.0L229.0 123.0L408.0 178.5\"/>");
    assert_has(page, "<path class=\"line s1\" d=\"M50.0 67.5M408.0 95.2\"/>"); /* with a gap */
    assert_has(page, "data-x=\"229.0\" data-epoch=\"2\" data-y0=\"123.0\" data-v0=\"1\"/>");
    assert_has(page, "data-v0=\"25.00 %\"");
    free(page);
    json_decref(report);
}

static void test_page__takes_no_markup_from_a_file(void **state)
{
    (void)state;
    json_t *const report =
        report_with("</style><script>alert('&amp;')</script>\\\" onload=\\u0007x");
    char *const page = page_of(report);
    assert_int_equal(count_of(page, "<script"), 1); /* its own */
    assert_int_equal(count_of(page, "</script"), 1);
    assert_int_equal(count_of(page, "</style"), 1);
    assert_null(strstr(page, "\" onload="));
    assert_null(strchr(page, '\a'));
    assert_true(
        count_of(page, "&lt;script&gt;alert(&#39;&amp;amp;&#39;)&lt;/script&gt;&quot; onload= x") >
        30);
    free(page);
    json_decref(report);
}

static void test_page__leaves_out_what_is_no_picture(void **state)
{
    (void)state;
    json_t *const report = report_with("x");
    json_t *const sample = json_array_get(
        json_object_get(json_array_get(json_object_get(report, "samples"), 0), "images"), 0);
    char *page = page_of(report);
    assert_int_equal(count_of(page, "<img "), 6);
    free(page);
    (void)json_object_set_new(sample, "png", json_string("\" onerror=\"x"));
    page = page_of(report);
    assert_int_equal(count_of(page, "<img "), 5);
    assert_null(strstr(page, "onerror"));
    free(page);
    json_decref(report);
}

static void test_page__reloads_only_where_it_is_told_to(void **state)
{
    (void)state;
    static const double seconds[] = { 5.0, 0.0, -1.0, 1e9 };
    for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
        json_t *const report = report_with("x");
        (void)json_object_set_new(report, "reload_seconds", json_real(seconds[i]));
        char *const page = page_of(report);
        assert_int_equal(count_of(page, "<meta http-equiv=\"refresh\" content=\"5\">"), i == 0);
        assert_int_equal(count_of(page, "http-equiv=\"refresh\""), i == 0);
        free(page);
        json_decref(report);
    }
}

/* Every value of a report, one after another, becomes something else. */
static size_t spoil(json_t *part, size_t wanted, size_t seen, const json_t *by)
{
    const char *key = NULL;
    json_t *value = NULL;
    void *next = NULL;
    size_t i = 0;
    if (json_is_object(part)) {
        json_object_foreach_safe(part, next, key, value)
        {
            if (seen++ == wanted && strcmp(key, "format") != 0) {
                (void)json_object_set_new(part, key, json_deep_copy(by));
                return seen;
            }
            seen = spoil(value, wanted, seen, by);
            if (seen > wanted) {
                return seen;
            }
        }
    }
    json_array_foreach(part, i, value)
    {
        if (seen++ == wanted) {
            (void)json_array_set_new(part, i, json_deep_copy(by));
            return seen;
        }
        seen = spoil(value, wanted, seen, by);
        if (seen > wanted) {
            return seen;
        }
    }
    return seen;
}

static void test_page__bears_anything_in_any_place(void **state)
{
    (void)state;
    static const char *const values[] = { "null", "\"text\"", "-1e300", "1e300",
                                          "[]",   "{}",       "[[[]]]", "true" };
    for (size_t v = 0; v < sizeof(values) / sizeof(values[0]); v++) {
        json_t *const by = json_loads(values[v], JSON_DECODE_ANY, NULL);
        assert_non_null(by);
        size_t places = 0;
        for (bool more = true; more; places++) {
            json_t *const report = report_with("x");
            more = spoil(report, places, 0, by) > places;
            free(page_of(report));
            json_decref(report);
        }
        assert_true(places > 150);
        json_decref(by);
    }
}

static void test_page__of_an_empty_report_is_a_page(void **state)
{
    (void)state;
    json_t *const report = json_pack("{s:s}", "format", MIEN_REPORT_FORMAT);
    char *const page = page_of(report);
    assert_has(page, "</html>");
    assert_int_equal(count_of(page, "<section"), 1); /* where it comes from */
    free(page);
    json_decref(report);
}

static void test_page__refuses_what_is_no_report(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    static const char *const others[] = { "{}", "[]", "1", "{\"format\": \"mien-report 2\"}" };
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        json_t *const report = json_loads(others[i], JSON_DECODE_ANY, NULL);
        char *page = NULL;
        size_t bytes = 0;
        assert_int_equal(mien_report_page(&page, &bytes, report, &err), MIEN_ERR_FORMAT);
        assert_null(page);
        assert_non_null(strstr(err.text, "expected 'mien-report 1'"));
        json_decref(report);
    }
}

static void test_page__is_the_same_whatever_the_locale(void **state)
{
    (void)state;
    json_t *const report = report_with("x");
    char *const plain = page_of(report);
    char *const folder = scratch_make();
    comma_enter(folder);
    char *const comma = page_of(report);
    comma_leave();
    scratch_remove(folder);
    assert_string_equal(comma, plain);
    free(plain);
    free(comma);
    json_decref(report);
}

static void test_step__is_1_2_or_5(void **state)
{
    (void)state;
    static const double rows[][2] = { { 1.0, 0.2 }, { 2.0, 0.5 },   { 60.0, 10.0 },
                                      { 5.0, 1.0 }, { 0.12, 0.02 }, { 1e-9, 2e-10 } };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_true(fabs(mien_chart_step(rows[i][0], 6) / rows[i][1] - 1.0) < 1e-9);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_page__has_every_part),
        cmocka_unit_test(test_page__draws_the_curves_where_the_numbers_say),
        cmocka_unit_test(test_page__takes_no_markup_from_a_file),
        cmocka_unit_test(test_page__leaves_out_what_is_no_picture),
        cmocka_unit_test(test_page__reloads_only_where_it_is_told_to),
        cmocka_unit_test(test_page__bears_anything_in_any_place),
        cmocka_unit_test(test_page__of_an_empty_report_is_a_page),
        cmocka_unit_test(test_page__refuses_what_is_no_report),
        cmocka_unit_test(test_page__is_the_same_whatever_the_locale),
        cmocka_unit_test(test_step__is_1_2_or_5),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
