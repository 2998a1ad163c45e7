/* test_blas_space.c - sets of CLBlast's parameters: which are valid, and that those tried are */
#include "tune/blas_space.h"

#include <string.h>

#include "support/device.h"

static const enum mien_device_kind kinds[] = { MIEN_DEVICE_CPU, MIEN_DEVICE_GPU };

static struct mien_device_info device_of(enum mien_device_kind kind)
{
    return (struct mien_device_info){ .kind = kind, .max_work_group = 256, .local_bytes = 49152 };
}

static void test_blas_space__holds_valid_sets_alone(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        const struct mien_device_info device = device_of(kinds[k]);
        struct mien_error err = { "" };
        struct mien_blas_params set = mien_blas_first(kinds[k]);
        assert_ok(mien_blas_check(&set, &err), &err);
        for (int axis = 0; axis < MIEN_BLAS_AXES; axis++) {
            const size_t count = mien_blas_choices((enum mien_blas_axis)axis, kinds[k]);
            assert_true(count >= 1);
            for (size_t i = 0; i < count; i++) {
                set = mien_blas_first(kinds[k]);
                if (!mien_blas_choose(&set, (enum mien_blas_axis)axis, i, &device)) {
                    assert_ok(mien_blas_check(&set, &err), &err);
                    fail_msg("choice %zu of axis %d is too large for a usual device", i, axis);
                }
            }
        }
    }
    assert_true(mien_blas_choices(MIEN_BLAS_LARGE, MIEN_DEVICE_GPU) >= 20);
}

/* No choice stands twice: each costs a compilation. */
static void test_blas_space__holds_each_set_once(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        const struct mien_device_info device = device_of(kinds[k]);
        const size_t count = mien_blas_choices(MIEN_BLAS_LARGE, kinds[k]);
        for (size_t i = 0; i < count; i++) {
            struct mien_blas_params one = mien_blas_first(kinds[k]);
            (void)mien_blas_choose(&one, MIEN_BLAS_LARGE, i, &device);
            for (size_t other = 0; other < i; other++) {
                struct mien_blas_params two = mien_blas_first(kinds[k]);
                (void)mien_blas_choose(&two, MIEN_BLAS_LARGE, other, &device);
                assert_memory_not_equal(&one, &two, sizeof(one));
            }
        }
    }
}

static void test_blas_check__refuses_what_clblast_would_take(void **state)
{
    (void)state;
    static const struct {
        enum mien_blas_param param;
        int value;
        const char *named;
    } bad[] = {
        { MIEN_BLAS_GEMMK, 1, "GEMMK" },
        { MIEN_BLAS_KREG, 2, "KREG" },
        { MIEN_BLAS_MWG, 48, "MWG" },
        { MIEN_BLAS_MWG, 256, "MWG" },
        { MIEN_BLAS_MWG, 0, "MWG" },
        { MIEN_BLAS_MWG, -64, "MWG" },
        { MIEN_BLAS_MWG, 8, "MWG" },
        { MIEN_BLAS_NWG, 8, "NWG" },
        { MIEN_BLAS_KWI, 32, "KWI" },
        { MIEN_BLAS_VWM, 3, "VWM" },
        { MIEN_BLAS_VWM, 32, "VWM" },
        { MIEN_BLAS_SA, 2, "SA" },
        { MIEN_BLAS_STRN, 2, "STRN" },
        { MIEN_BLAS_KWG, 4, "KWG" },
        { MIEN_BLAS_MDIMA, 1, "KWG" },
        { MIEN_BLAS_NDIMB, 1, "KWG" },
        { MIEN_BLAS_WGD, 8, "WGD" },
        { MIEN_BLAS_KWID, 32, "KWID" },
        { MIEN_BLAS_VWMD, 16, "VWMD" },
        { MIEN_BLAS_NDIMCD, 64, "WGD" },
        { MIEN_BLAS_MDIMAD, 1, "WGD" },
        { MIEN_BLAS_PADB, 7, "PADB" },
        { MIEN_BLAS_MIN_INDIRECT, -1, "XGEMM_MIN_INDIRECT_SIZE" },
        { MIEN_BLAS_MIN_INDIRECT, 1 << 17, "XGEMM_MIN_INDIRECT_SIZE" },
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct mien_error err = { "" };
        struct mien_blas_params set = mien_blas_first(MIEN_DEVICE_GPU);
        set.value[bad[i].param] = bad[i].value;
        assert_int_equal(mien_blas_check(&set, &err), MIEN_ERR_FORMAT);
        if (strstr(err.text, bad[i].named) == NULL) {
            fail_msg("%s is not named: %s", bad[i].named, err.text);
        }
    }
}

static void test_blas_fits__asks_for_work_items_and_local_memory(void **state)
{
    (void)state;
    struct mien_blas_params set = mien_blas_first(MIEN_DEVICE_GPU);
    struct mien_device_info device = device_of(MIEN_DEVICE_GPU);
    assert_true(mien_blas_fits(&set, &device));
    device.max_work_group = 63; /* of 8 x 8 */
    assert_false(mien_blas_fits(&set, &device));
    device.max_work_group = 64;
    device.local_bytes = 32 * 66 * sizeof(float); /* two padded tiles of small products */
    assert_true(mien_blas_fits(&set, &device));
    device.local_bytes--;
    assert_false(mien_blas_fits(&set, &device));
    char text[MIEN_BLAS_TEXT_BYTES];
    mien_blas_text(text, &set);
    assert_string_equal(text, "64x64x16 by 8x8 vectors 4 4 local a local b, direct 32 by 8x8 "
                              "vectors 2 2, from 256");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blas_space__holds_valid_sets_alone),
        cmocka_unit_test(test_blas_space__holds_each_set_once),
        cmocka_unit_test(test_blas_check__refuses_what_clblast_would_take),
        cmocka_unit_test(test_blas_fits__asks_for_work_items_and_local_memory),
    };
    return cmocka_run_group_tests_name("tune/blas_space", tests, NULL, NULL);
}
