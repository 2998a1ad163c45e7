/* test_metrics.c - metrics against values worked out by hand */
#include <math.h>
#include <string.h>

#include "support/device.h"
#include "train/metrics.h"

#define NEAR(got, want) assert_true(fabs((got) - (want)) < 1e-7)

/*
 * Six images, three classes.  Predictions 0 0 1 1 2 0, so that
 *   true 0: predicted 0, 0, 1     true 1: predicted 1, 0     true 2: predicted 2
 */
static const float six[6][3] = {
    { 0.5f, 0.25f, 0.25f },    { 0.75f, 0.125f, 0.125f }, { 0.25f, 0.5f, 0.25f },
    { 0.25f, 0.625f, 0.125f }, { 0.0f, 0.0f, 1.0f },      { 0.5f, 0.125f, 0.375f },
};
static const int32_t six_labels[6] = { 0, 0, 0, 1, 2, 1 };

static void test_metrics__are_those_worked_out_by_hand(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    struct mien_metrics m;
    assert_ok(mien_metrics_compute(&m, six[0], six_labels, 6, 3, &err), &err);
    static const size_t confusion[9] = { 2, 1, 0, 1, 1, 0, 0, 0, 1 };
    assert_memory_equal(m.confusion, confusion, sizeof(confusion));
    assert_int_equal(m.images, 6);
    NEAR(m.accuracy, 4.0 / 6);
    static const struct mien_class_metrics want[3] = {
        { 2.0 / 3, 2.0 / 3, 2.0 / 3, 3, 3 },
        { 1.0 / 2, 1.0 / 2, 1.0 / 2, 2, 2 },
        { 1, 1, 1, 1, 1 },
    };
    for (int k = 0; k < 3; k++) {
        NEAR(m.per_class[k].precision, want[k].precision);
        NEAR(m.per_class[k].recall, want[k].recall);
        NEAR(m.per_class[k].f1, want[k].f1);
        assert_int_equal(m.per_class[k].support, want[k].support);
        assert_int_equal(m.per_class[k].predicted, want[k].predicted);
    }
    /* The mean over classes, which differs from the accuracy: 0.7222 and 0.6667. */
    NEAR(m.macro_precision, (2.0 / 3 + 1.0 / 2 + 1) / 3);
    NEAR(m.macro_recall, (2.0 / 3 + 1.0 / 2 + 1) / 3);
    NEAR(m.macro_f1, (2.0 / 3 + 1.0 / 2 + 1) / 3);
    /* Not the last one, whose label is third; image 2's label ties for second and is the lower. */
    NEAR(m.top2, 5.0 / 6);
    /* Confidence 0.5 three times, with one hit; 0.75, 0.625 and 1 alone in their bins, hits. */
    NEAR(m.ece, (fabs(1 - 1.5) + fabs(1 - 0.75) + fabs(1 - 0.625) + 0) / 6);
    assert_int_equal(m.bins[7].images, 3); /* above 7/15, up to 8/15 */
    assert_int_equal(m.bins[7].hits, 1);
    NEAR(m.bins[7].confidence, 1.5);
    assert_int_equal(m.bins[14].images, 1);
    assert_int_equal(m.bins[0].images, 0);
    mien_metrics_finish(&m);
    assert_null(m.confusion);
}

static void test_metrics__precision_and_recall_differ_when_classes_are_uneven(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    struct mien_metrics m;
    static const float p[4][2] = { { 1, 0 }, { 1, 0 }, { 1, 0 }, { 0, 1 } };
    static const int32_t labels[4] = { 0, 1, 1, 1 };
    assert_ok(mien_metrics_compute(&m, p[0], labels, 4, 2, &err), &err);
    NEAR(m.per_class[0].precision, 1.0 / 3);
    NEAR(m.per_class[0].recall, 1);
    NEAR(m.per_class[0].f1, 0.5);
    NEAR(m.per_class[1].precision, 1);
    NEAR(m.per_class[1].recall, 1.0 / 3);
    NEAR(m.macro_f1, 0.5);
    /* Rows are true classes, columns predicted ones. */
    assert_int_equal(m.confusion[0 * 2 + 1], 0);
    assert_int_equal(m.confusion[1 * 2 + 0], 2);
    /* Always sure, half right. */
    NEAR(m.ece, 0.5);
    NEAR(m.top2, 1);
    mien_metrics_finish(&m);
}

static void test_metrics__a_class_without_images_or_predictions_is_zero_and_counts_if_predicted(
    void **state)
{
    (void)state;
    struct mien_error err = { "" };
    struct mien_metrics m;
    /* Class 1 is predicted but has no images, 2 has images but is never predicted, 3 has neither.
     */
    static const float p[3][4] = { { 1, 0, 0, 0 }, { 0, 1, 0, 0 }, { 1, 0, 0, 0 } };
    static const int32_t labels[3] = { 0, 0, 2 };
    assert_ok(mien_metrics_compute(&m, p[0], labels, 3, 4, &err), &err);
    for (int k = 1; k < 4; k++) {
        NEAR(m.per_class[k].precision, 0);
        NEAR(m.per_class[k].recall, 0);
        NEAR(m.per_class[k].f1, 0);
    }
    assert_int_equal(m.per_class[1].predicted, 1);
    assert_int_equal(m.per_class[1].support, 0);
    assert_int_equal(m.per_class[2].support, 1);
    NEAR(m.per_class[0].f1, 0.5);
    NEAR(m.macro_f1, 0.5 / 3); /* classes 0, 1 and 2 */
    NEAR(m.macro_precision, 0.5 / 3);
    NEAR(m.macro_recall, 0.5 / 3);
    mien_metrics_finish(&m);
}

static void test_metrics__ties_go_to_the_lowest_class(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    struct mien_metrics m;
    static const float p[4] = { 0.25f, 0.25f, 0.25f, 0.25f };
    assert_int_equal(mien_metrics_top(p, 4), 0);
    static const double want[4][2] = { { 1, 1 }, { 0, 1 }, { 0, 0 }, { 0, 0 } };
    for (int32_t label = 0; label < 4; label++) {
        assert_ok(mien_metrics_compute(&m, p, &label, 1, 4, &err), &err);
        NEAR(m.accuracy, want[label][0]);
        NEAR(m.top2, want[label][1]);
        mien_metrics_finish(&m);
    }
}

static void test_metrics__calibration_bins_are_fifteenths(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    struct mien_metrics m;
    /* 0.59 and 0.61 are in bins 9 and 10: one error each, though together they cancel to less. */
    static const float apart[2][2] = { { 0.59f, 0.41f }, { 0.61f, 0.39f } };
    static const int32_t one_right[2] = { 0, 1 };
    assert_ok(mien_metrics_compute(&m, apart[0], one_right, 2, 2, &err), &err);
    NEAR(m.ece, (0.41 + 0.61) / 2);
    mien_metrics_finish(&m);
    /* 0.61 and 0.66 share bin 10: |1 - 1.27|. */
    static const float together[2][2] = { { 0.61f, 0.39f }, { 0.66f, 0.34f } };
    assert_ok(mien_metrics_compute(&m, together[0], one_right, 2, 2, &err), &err);
    NEAR(m.ece, 0.27 / 2);
    mien_metrics_finish(&m);
    /* 1 belongs to the last bin, with 0.95. */
    static const float last[2][2] = { { 1.0f, 0.0f }, { 0.9375f, 0.0625f } };
    assert_ok(mien_metrics_compute(&m, last[0], one_right, 2, 2, &err), &err);
    NEAR(m.ece, 0.9375 / 2);
    mien_metrics_finish(&m);
}

/* Also of the first class, which no comparison puts another one before. */
static void test_metrics__a_nan_is_no_hit_and_shows_in_the_calibration_error(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    struct mien_metrics m;
    static const float p[2][3] = { { 1.0f, 0.0f, 0.0f }, { NAN, NAN, NAN } };
    for (int32_t label = 0; label < 3; label++) {
        const int32_t labels[2] = { 0, label };
        assert_ok(mien_metrics_compute(&m, p[0], labels, 2, 3, &err), &err);
        assert_true(isnan(m.ece));
        NEAR(m.accuracy, 0.5);
        NEAR(m.top2, 0.5);
        assert_int_equal(m.per_class[0].predicted, 1);
        assert_int_equal(m.confusion[0], 1);
        assert_int_equal(m.per_class[label].support, label == 0 ? 2 : 1);
        mien_metrics_finish(&m);
    }
}

static void test_metrics__one_class_is_always_right(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    struct mien_metrics m;
    static const float p[2] = { 1.0f, 1.0f };
    static const int32_t labels[2] = { 0, 0 };
    assert_ok(mien_metrics_compute(&m, p, labels, 2, 1, &err), &err);
    NEAR(m.accuracy, 1);
    NEAR(m.top2, 1);
    NEAR(m.macro_f1, 1);
    NEAR(m.ece, 0);
    mien_metrics_finish(&m);
}

static void test_metrics__no_images_and_foreign_labels_are_refused(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    struct mien_metrics m;
    static const int32_t labels[3] = { 0, 2, 3 };
    assert_int_equal(mien_metrics_compute(&m, six[0], labels, 0, 3, &err), MIEN_ERR_FORMAT);
    assert_string_equal(err.text, "no images to judge by");
    assert_int_equal(mien_metrics_compute(&m, six[0], labels, 3, 3, &err), MIEN_ERR_FORMAT);
    assert_string_equal(err.text, "image 2 has the label 3, expected 0 to 2");
    assert_null(m.per_class);
    static const int32_t negative = -1;
    assert_int_equal(mien_metrics_compute(&m, six[0], &negative, 1, 3, &err), MIEN_ERR_FORMAT);
    assert_non_null(strstr(err.text, "label -1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_metrics__are_those_worked_out_by_hand),
        cmocka_unit_test(test_metrics__precision_and_recall_differ_when_classes_are_uneven),
        cmocka_unit_test(
            test_metrics__a_class_without_images_or_predictions_is_zero_and_counts_if_predicted),
        cmocka_unit_test(test_metrics__ties_go_to_the_lowest_class),
        cmocka_unit_test(test_metrics__calibration_bins_are_fifteenths),
        cmocka_unit_test(test_metrics__a_nan_is_no_hit_and_shows_in_the_calibration_error),
        cmocka_unit_test(test_metrics__one_class_is_always_right),
        cmocka_unit_test(test_metrics__no_images_and_foreign_labels_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
