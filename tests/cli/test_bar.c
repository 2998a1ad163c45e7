/* test_bar.c - the text of a progress bar, as long as the terminal is wide */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "cli/bar.h"
#include "cli/text.h"

static const struct bar epoch = {
    .what = "epoch 12/50",
    .done = 12900,
    .total = 28709,
    .elapsed_s = 10,
    .extra = "loss 1.2345 acc 53.12 %",
};

static void check(const struct bar *bar, int columns, const char *want)
{
    char text[256];
    struct bar narrow = *bar;
    narrow.columns = columns;
    assert_string_equal(bar_format(text, sizeof(text), &narrow), want);
}

static void test_bar__shows_share_count_times_and_rate(void **state)
{
    (void)state;
    const struct bar decoding = { .what = "decoding", .done = 25, .total = 100, .elapsed_s = 5 };
    check(&decoding, 200, "decoding:  25%|#####               | 25/100 [00:05<00:15, 5.00/s]");
    const struct bar begun = { .what = "epoch 2", .total = 100, .extra = "loss 1.9" };
    check(&begun, 200, "epoch 2:   0%|                    | 0/100 [00:00<--:--, ?/s, loss 1.9]");
    const struct bar long_task = { .what = "x", .done = 1, .total = 100000, .elapsed_s = 3600 };
    check(&long_task, 200, /* more than 1000 hours left */
          "x:   0%|                    | 1/100000 [1:00:00<--:--, 0.000278/s]");
    const struct bar none = { .what = "x", .done = 7, .total = 0, .elapsed_s = 1 };
    check(&none, 200, "x: 100%|####################| 7/0 [00:01<00:00, 7.00/s]");
    const struct bar fast = { .what = "x", .done = 123456789, .total = 200000000, .elapsed_s = 1 };
    check(&fast, 200,
          "x:  61%|############        | 123456789/200000000 [00:01<00:01, 123456789/s]");
}

static void test_bar__has_eighths_of_a_column_in_utf8(void **state)
{
    (void)state;
    const struct bar bar = { .what = "x", .done = 1, .total = 160, .elapsed_s = 1, .blocks = true };
    check(&bar, 200, "x:   0%|\xE2\x96\x8F                   | 1/160 [00:01<02:39, 1.00/s]");
}

static void test_bar__drops_the_least_important_where_it_is_narrow(void **state)
{
    (void)state;
    check(&epoch, 99,
          "epoch 12/50:  44%|#########           | 12900/28709 [00:10<00:12, 1290/s, "
          "loss 1.2345 acc 53.12 %]");
    check(&epoch, 79,
          "epoch 12/50:  44%|######       | [00:10<00:12, 1290/s, loss 1.2345 acc 53.12 %]");
    check(&epoch, 70, "epoch 12/50:  44%|#####       | [00:10<00:12, loss 1.2345 acc 53.12 %]");
    check(&epoch, 60, "epoch 12/50:  44% [00:10<00:12, loss 1.2345 acc 53.12 %]");
    check(&epoch, 40, "epoch 12/50:  44% [00:10<00:12]");
    check(&epoch, 20, "epoch 12/50:  44%");
    check(&epoch, 10, " 44%");
    check(&epoch, 3, "");
}

static void test_bar__fits_every_width(void **state)
{
    (void)state;
    char text[512];
    for (int columns = -1; columns < 120; columns++) {
        for (int blocks = 0; blocks < 2; blocks++) {
            struct bar bar = epoch;
            bar.columns = columns;
            bar.blocks = blocks == 1;
            bar_format(text, sizeof(text), &bar);
            assert_true(text_columns(text) <= (columns < 0 ? 0 : columns));
            assert_true(columns < 4 || strstr(text, "44%") != NULL);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bar__shows_share_count_times_and_rate),
        cmocka_unit_test(test_bar__has_eighths_of_a_column_in_utf8),
        cmocka_unit_test(test_bar__drops_the_least_important_where_it_is_narrow),
        cmocka_unit_test(test_bar__fits_every_width),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
