/* test_tensor.c - which shapes the kernels can index */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "ops/tensor.h"
#include "support/scratch.h"

static void test_tensor__refuses_what_an_int_cannot_count(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    static const struct {
        struct mien_act act;
        const char *text; /* NULL: it fits */
    } rows[] = {
        { { 1, 1, 1, 1, 1 }, NULL },
        { { 150, 3, 44, 44, 16 }, NULL },
        { { 0, 1, 1, 1, 1 }, "every size must be at least 1" },
        { { 1, 1, 1, 1, 2 }, "2 lanes: must be 1, 4, 8 or 16" },
        /* Work-items come in groups of 64, so the last one's index is beyond the last number. */
        { { 1, MIEN_MOST_FLOATS, 1, 1, 1 }, NULL },
        { { 1, MIEN_MOST_FLOATS + 1, 1, 1, 1 }, "at most 2147483520 fit one tensor" },
        { { 1, 1 << 27, 1, 1, 8 }, NULL },
        { { 1, 1 << 27, 1, 1, 16 }, "at most 2147483520 fit one tensor" },
        { { INT_MAX, 1, 1, 1, 16 }, "at most 2147483520 fit one tensor" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].text == NULL) {
            must(mien_act_check(&rows[i].act, "x", &err), &err);
        } else {
            must_fail(mien_act_check(&rows[i].act, "x", &err), MIEN_ERR_SHAPE, &err, rows[i].text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tensor__refuses_what_an_int_cannot_count),
    };
    return cmocka_run_group_tests_name("ops/tensor", tests, NULL, NULL);
}
