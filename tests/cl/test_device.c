/* test_device.c - the listing of devices, and which one a wish means */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/device.h"

#define GIB ((cl_ulong)1 << 30)

static struct mien_device_info made_up(int platform, int device, enum mien_device_kind kind,
                                       const char *name, cl_ulong bytes, cl_uint units)
{
    struct mien_device_info info = {
        .platform_index = platform,
        .device_index = device,
        .kind = kind,
        .opencl_major = 1,
        .opencl_minor = 2,
        .compute_units = units,
        .global_bytes = bytes,
        .available = true,
        .has_compiler = true,
    };
    (void)snprintf(info.name, sizeof(info.name), "%s", name);
    return info;
}

/* A CPU on the first platform, three GPUs and an accelerator on the second. */
enum { POCL, ARC, RADEON_SMALL, RADEON_BIG, BOARD, MIXED };
static void make_mixed(struct mien_device_info out[MIXED])
{
    out[POCL] = made_up(0, 0, MIEN_DEVICE_CPU, "pthread-EPYC", 64 * GIB, 64);
    out[ARC] = made_up(1, 0, MIEN_DEVICE_GPU, "Intel Arc A380", 6 * GIB, 128);
    out[RADEON_SMALL] = made_up(1, 1, MIEN_DEVICE_GPU, "AMD Radeon RX 6600", 8 * GIB, 28);
    out[RADEON_BIG] = made_up(1, 2, MIEN_DEVICE_GPU, "AMD Radeon RX 6600 XT", 8 * GIB, 32);
    out[BOARD] = made_up(1, 3, MIEN_DEVICE_ACCELERATOR, "FPGA board", 128 * GIB, 1);
}

static void expect(const struct mien_device_list *list, const char *wanted, size_t want,
                   const char *why)
{
    struct mien_error err = { "" };
    char reason[128] = "";
    size_t got = SIZE_MAX;
    assert_ok(mien_device_choose(&got, reason, sizeof(reason), list, wanted, &err), &err);
    assert_int_equal(got, want);
    assert_string_equal(reason, why);
    assert_ok(mien_device_choose(&got, NULL, 0, list, wanted, NULL), &err);
    assert_int_equal(got, want);
}

static void refuse(const struct mien_device_list *list, const char *wanted, enum mien_status status,
                   const char *text)
{
    struct mien_error err = { "" };
    size_t got = SIZE_MAX;
    assert_int_equal(mien_device_choose(&got, NULL, 0, list, wanted, &err), status);
    assert_string_equal(err.text, text);
    assert_int_equal(got, SIZE_MAX);
}

static void test_device_choose__takes_the_gpu_with_most_memory_then_units(void **state)
{
    (void)state;
    struct mien_device_info devices[MIXED];
    make_mixed(devices);
    const struct mien_device_list all = { devices, MIXED };
    static const char why[] = "most compute units of 2 GPUs with equal memory";
    expect(&all, NULL, RADEON_BIG, why);
    expect(&all, "auto", RADEON_BIG, why);
    expect(&all, "AUTO", RADEON_BIG, why);
    expect(&all, "", RADEON_BIG, why);
    expect(&all, "gpu", RADEON_BIG, why);
    expect(&all, "cpu", POCL, "the only CPU");
    expect(&all, "accelerator", BOARD, "the only accelerator");
}

static void test_device_choose__says_why(void **state)
{
    (void)state;
    struct mien_device_info devices[MIXED];
    make_mixed(devices);
    const struct mien_device_list one = { devices, 1 };
    const struct mien_device_list two = { devices, 2 };
    const struct mien_device_list three = { devices, 3 };
    expect(&one, NULL, POCL, "the only device");
    expect(&two, NULL, ARC, "a GPU goes before a CPU");
    expect(&three, NULL, RADEON_SMALL, "most memory of 2 GPUs");

    struct mien_device_info twins[] = { devices[ARC], devices[ARC] };
    twins[1].device_index = 1;
    expect(&(struct mien_device_list){ twins, 2 }, NULL, 0, "the first of 2 equal GPUs");

    /* An integrated GPU tells all of the machine's memory. */
    struct mien_device_info shared[] = { devices[POCL], devices[ARC], devices[RADEON_SMALL] };
    shared[1].global_bytes = 25 * GIB;
    shared[1].shares_memory = true;
    expect(&(struct mien_device_list){ shared, 3 }, NULL, 2,
           "the only one of 2 GPUs with memory of its own");
    expect(&(struct mien_device_list){ shared, 2 }, NULL, 1, "a GPU goes before a CPU");
    shared[2].shares_memory = true;
    expect(&(struct mien_device_list){ shared, 3 }, NULL, 1, "most memory of 2 GPUs");

    struct mien_device_info others[] = { devices[POCL], devices[BOARD] };
    expect(&(struct mien_device_list){ others, 2 }, NULL, 1, "an accelerator goes before a CPU");
    struct mien_device_info apart[] = { devices[BOARD], devices[ARC] };
    expect(&(struct mien_device_list){ apart, 2 }, NULL, 1, "a GPU goes before an accelerator");
}

static void test_device_choose__finds_by_index(void **state)
{
    (void)state;
    struct mien_device_info devices[MIXED];
    make_mixed(devices);
    const struct mien_device_list all = { devices, MIXED };
    expect(&all, "0:0", POCL, "asked for as 0:0");
    expect(&all, "1:0", ARC, "asked for as 1:0");
    expect(&all, "1:3", BOARD, "asked for as 1:3");

    const struct mien_device_list two = { devices, 2 };
    static const char there[] = "there is 0:0 cpu pthread-EPYC, 1:0 gpu Intel Arc A380";
    static const char *const wrong[] = {
        "0:1", "2:0", "1:", ":0", "1:0x", "1", "-1:0", "99999999999999999999:0", "1:0:0",
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char text[256];
        (void)snprintf(text, sizeof(text), "no device fits \"%s\"; %s", wrong[i], there);
        refuse(&two, wrong[i], MIEN_ERR_NO_DEVICE, text);
    }
}

static void test_device_choose__finds_by_part_of_a_name(void **state)
{
    (void)state;
    struct mien_device_info devices[MIXED];
    make_mixed(devices);
    const struct mien_device_list all = { devices, MIXED };
    expect(&all, "arc", ARC, "asked for by name");
    expect(&all, "epyc", POCL, "asked for by name");
    expect(&all, "6600 xt", RADEON_BIG, "asked for by name");
    /* A whole name means that device, though it is part of another's. */
    expect(&all, "amd radeon rx 6600", RADEON_SMALL, "asked for by name");
    refuse(&all, "radeon", MIEN_ERR_USAGE,
           "device \"radeon\" could be any of 1:1 gpu AMD Radeon RX 6600, "
           "1:2 gpu AMD Radeon RX 6600 XT");

    struct mien_device_info twins[] = { devices[ARC], devices[POCL], devices[ARC] };
    twins[2].compute_units = 256;
    expect(&(struct mien_device_list){ twins, 3 }, "arc", 2,
           "asked for by name, most compute units of 2 GPUs with equal memory");
}

static void test_device_choose__leaves_out_what_can_not_be_used(void **state)
{
    (void)state;
    struct mien_device_info devices[MIXED];
    make_mixed(devices);
    devices[ARC].available = false;
    devices[RADEON_SMALL].has_compiler = false;
    devices[RADEON_BIG].opencl_minor = 1;
    devices[BOARD].opencl_major = 0;
    const struct mien_device_list all = { devices, MIXED };
    expect(&all, NULL, POCL, "the only one of 5 devices that can be used");

    const struct mien_device_list two = { devices, 2 };
    refuse(&two, "gpu", MIEN_ERR_NO_DEVICE,
           "1:0 Intel Arc A380 can not be used: it is not available; "
           "there is 0:0 cpu pthread-EPYC, 1:0 gpu Intel Arc A380");
    const struct mien_device_list small = { &devices[RADEON_SMALL], 1 };
    refuse(&small, "1:1", MIEN_ERR_NO_DEVICE,
           "1:1 AMD Radeon RX 6600 can not be used: it has no compiler; "
           "there is 1:1 gpu AMD Radeon RX 6600");
    const struct mien_device_list big = { &devices[RADEON_BIG], 1 };
    refuse(&big, NULL, MIEN_ERR_NO_DEVICE,
           "1:2 AMD Radeon RX 6600 XT can not be used: it is older than OpenCL 1.2; "
           "there is 1:2 gpu AMD Radeon RX 6600 XT");
    devices[RADEON_BIG].opencl_major = 3;
    devices[RADEON_BIG].opencl_minor = 0;
    devices[RADEON_BIG].align_bytes = 1024;
    refuse(&big, NULL, MIEN_ERR_NO_DEVICE,
           "1:2 AMD Radeon RX 6600 XT can not be used: its buffers want an alignment of more than "
           "512 bytes; there is 1:2 gpu AMD Radeon RX 6600 XT");
    devices[RADEON_BIG].align_bytes = 512;
    expect(&big, NULL, 0, "the only device");
    refuse(&(struct mien_device_list){ NULL, 0 }, NULL, MIEN_ERR_NO_DEVICE,
           "no device fits \"auto\"; there is none");
}

static void test_device_choose__cuts_a_long_list_of_names(void **state)
{
    (void)state;
    enum { MANY = 200 };
    struct mien_device_info *const devices = calloc(MANY, sizeof(*devices));
    assert_non_null(devices);
    for (int i = 0; i < MANY; i++) {
        devices[i] = made_up(0, i, MIEN_DEVICE_GPU, "a card with quite a long name", GIB, 1);
    }
    char wanted[2000];
    memset(wanted, 'x', sizeof(wanted) - 1);
    wanted[sizeof(wanted) - 1] = '\0';
    struct mien_error err = { "" };
    size_t got = 0;
    const struct mien_device_list list = { devices, MANY };
    assert_int_equal(mien_device_choose(&got, NULL, 0, &list, wanted, &err), MIEN_ERR_NO_DEVICE);
    assert_true(strlen(err.text) < sizeof(err.text));
    free(devices);
}

static void test_device_list__describes_every_device(void **state)
{
    (void)device_or_skip(state);
    struct mien_error err = { "" };
    struct mien_device_list list = { NULL, 0 };
    assert_ok(mien_device_list(&list, &err), &err);
    assert_true(list.count > 0);
    for (size_t i = 0; i < list.count; i++) {
        const struct mien_device_info *const info = &list.devices[i];
        assert_string_not_equal(info->name, "");
        assert_string_not_equal(info->platform_name, "");
        assert_string_not_equal(info->driver, "");
        assert_true(strncmp(info->version, "OpenCL ", 7) == 0);
        assert_true(info->opencl_major >= 1);
        assert_true(info->compute_units > 0);
        assert_true(info->global_bytes > 0);
        assert_true(info->max_alloc_bytes > 0);
        assert_true(info->max_work_group > 0);
        assert_true(info->align_bytes > 0 && MIEN_CL_ALIGN_BYTES % info->align_bytes == 0);
        assert_true(info->float_width > 0);
        char index[32];
        size_t got = SIZE_MAX;
        (void)snprintf(index, sizeof(index), "%d:%d", info->platform_index, info->device_index);
        if (info->available && info->has_compiler) {
            assert_ok(mien_device_choose(&got, NULL, 0, &list, index, &err), &err);
            assert_int_equal(got, i);
        }
    }
    mien_device_list_finish(&list);
    assert_null(list.devices);
    mien_device_list_finish(&list);
}

static void test_device_kind_name__has_one_for_each(void **state)
{
    (void)state;
    assert_string_equal(mien_device_kind_name(MIEN_DEVICE_GPU), "gpu");
    assert_string_equal(mien_device_kind_name(MIEN_DEVICE_CPU), "cpu");
    assert_string_equal(mien_device_kind_name(MIEN_DEVICE_ACCELERATOR), "accelerator");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_device_choose__takes_the_gpu_with_most_memory_then_units),
        cmocka_unit_test(test_device_choose__says_why),
        cmocka_unit_test(test_device_choose__finds_by_index),
        cmocka_unit_test(test_device_choose__finds_by_part_of_a_name),
        cmocka_unit_test(test_device_choose__leaves_out_what_can_not_be_used),
        cmocka_unit_test(test_device_choose__cuts_a_long_list_of_names),
        cmocka_unit_test(test_device_list__describes_every_device),
        cmocka_unit_test(test_device_kind_name__has_one_for_each),
    };
    return cmocka_run_group_tests_name("cl/device", tests, device_setup, device_teardown);
}
