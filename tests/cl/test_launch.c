/* test_launch.c - kernels by name, their arguments, and the record of their times */
// wrap: clGetKernelWorkGroupInfo
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/device.h"

enum { COUNT = 1000 };

static const struct mien_cl_launch probe = {
    .source = "probe",
    .kernel = "probe_axpb",
    .global = { COUNT },
    .local = { 64 },
};

static enum mien_status launch(struct mien_cl *cl, const struct mien_cl_buffer *y,
                               const struct mien_cl_buffer *x, float a, struct mien_error *err)
{
    const float b = 2.0f;
    const int count = COUNT;
    const struct mien_cl_arg args[] = {
        ARG_BUF(y), ARG_BUF(x), ARG_F32(a), ARG_F32(b), ARG_I32(count),
    };
    return mien_cl_launch(cl, &probe, args, ARG_COUNT(args), err);
}

static void test_launch__computes_and_stays_inside(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    float *const x = random_floats(COUNT, 1);
    float want[COUNT];
    struct mien_cl_buffer *const bx = guarded_copy(cl, x, COUNT * sizeof(float));
    struct mien_cl_buffer *const by = guarded_buffer(cl, COUNT * sizeof(float));
    assert_ok(launch(cl, by, bx, 3.0f, &err), &err);
    float *const got = guarded_read(cl, by, COUNT * sizeof(float));
    for (size_t i = 0; i < COUNT; i++) {
        want[i] = 3.0f * x[i] + 2.0f;
    }
    assert_all_close(got, want, COUNT, 1e-6f, 1e-6f);
    free(got);
    free(x);
    mien_cl_buffer_destroy(bx);
    mien_cl_buffer_destroy(by);
}

static void expect_refusal(struct mien_cl *cl, const struct mien_cl_launch *what,
                           const struct mien_cl_arg *args, cl_uint count, const char *part)
{
    struct mien_error err = { "" };
    assert_int_equal(mien_cl_launch(cl, what, args, count, &err), MIEN_ERR_CL);
    if (strstr(err.text, part) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", err.text, part);
    }
}

static void test_launch__wrong_argument_count_is_an_error(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    expect_refusal(cl, &probe, NULL, 0, "probe_axpb takes 5 arguments, got 0");
}

static void test_launch__argument_of_a_wrong_size_is_an_error(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_cl_buffer *const buffer = guarded_buffer(cl, 4);
    const double wide = 1.0;
    const int count = 0;
    const struct mien_cl_arg args[] = {
        ARG_BUF(buffer), ARG_BUF(buffer), { &wide, sizeof(wide) }, ARG_I32(count), ARG_I32(count),
    };
    expect_refusal(cl, &probe, args, ARG_COUNT(args),
                   "probe_axpb argument 2: clSetKernelArg: CL_INVALID_ARG_SIZE (-51)");
    mien_cl_buffer_destroy(buffer);
}

static void test_launch__unknown_source_or_kernel_is_an_error(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    const struct mien_cl_launch no_source = { .source = "prope", .kernel = "probe_axpb" };
    expect_refusal(cl, &no_source, NULL, 0, "there is no kernels/prope.cl");
    const struct mien_cl_launch no_kernel = { .source = "probe", .kernel = "probe_none" };
    expect_refusal(cl, &no_kernel, NULL, 0,
                   "kernel probe_none of kernels/probe.cl: clCreateKernel: CL_INVALID_KERNEL_NAME");
}

static void test_launch__overlong_options_are_an_error(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    char options[2000];
    memset(options, ' ', sizeof(options) - 1);
    options[sizeof(options) - 1] = '\0';
    struct mien_cl_launch what = probe;
    what.options = options;
    expect_refusal(cl, &what, NULL, 0, "build options of probe_axpb are too long");
}

/* Work-items that a kernel takes, as the device says; 0: it says so itself. */
static size_t pretend_most;
cl_int __real_clGetKernelWorkGroupInfo(cl_kernel, cl_device_id, cl_kernel_work_group_info, size_t,
                                       void *, size_t *);
cl_int __wrap_clGetKernelWorkGroupInfo(cl_kernel, cl_device_id, cl_kernel_work_group_info, size_t,
                                       void *, size_t *);
cl_int __wrap_clGetKernelWorkGroupInfo(cl_kernel kernel, cl_device_id device,
                                       cl_kernel_work_group_info what, size_t room, void *out,
                                       size_t *bytes)
{
    const cl_int code = __real_clGetKernelWorkGroupInfo(kernel, device, what, room, out, bytes);
    if (what == CL_KERNEL_WORK_GROUP_SIZE && pretend_most > 0) {
        memcpy(out, &pretend_most, sizeof(pretend_most));
    }
    return code;
}

/* Some devices take fewer of a kernel with many registers. */
static void test_launch__more_work_items_than_a_kernel_takes_are_an_error(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_cl_launch what = probe;
    what.options = "-DNEW_PROGRAM";
    what.local[0] = 64;
    pretend_most = 48;
    char text[256];
    (void)snprintf(text, sizeof(text),
                   "kernel probe_axpb wants work-groups of 64 work-items: %s takes 48",
                   mien_cl_device(cl)->name);
    expect_refusal(cl, &what, NULL, 0, text);
    pretend_most = 0;
}

static void test_launch__too_large_a_group_names_kernel_and_size(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_cl_buffer *const buffer = guarded_buffer(cl, 4);
    const float a = 1.0f;
    const int count = 1;
    const struct mien_cl_arg args[] = {
        ARG_BUF(buffer), ARG_BUF(buffer), ARG_F32(a), ARG_F32(a), ARG_I32(count),
    };
    struct mien_cl_launch what = probe;
    what.local[0] = mien_cl_device(cl)->max_work_group * 2;
    expect_refusal(cl, &what, args, ARG_COUNT(args), "kernel probe_axpb wants work-groups of ");
    mien_cl_buffer_destroy(buffer);
}

/* 19 MB: a compiler may say so itself; PoCL 3.1 ends the process when it runs. */
static void test_launch__more_local_memory_than_there_is_is_an_error(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    const struct mien_cl_launch hungry = {
        .source = "conv2d_winograd",
        .kernel = "conv2d_winograd_convolve",
        .options = "-DCONVOLVE -DLANES=16 -DP=6 -DR=3 -DIC=64 -DOC=64 -DH=9 -DW=9 -DHO=7 -DWO=7 "
                   "-DPAD=0 -DCC=64 -DOG=64 -DOW=64 -DNT=64 -DOT=8 -DPOOL=1",
    };
    expect_refusal(cl, &hungry, NULL, 0, "kernel conv2d_winograd_convolve wants ");
}

/* More (source, options) pairs than the first table holds, each asked for twice. */
static void test_launch__keeps_every_program_apart(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    float *const x = random_floats(COUNT, 1);
    struct mien_cl_buffer *const bx = guarded_copy(cl, x, COUNT * sizeof(float));
    struct mien_cl_buffer *const by = guarded_buffer(cl, COUNT * sizeof(float));
    for (int i = 0; i < 40; i++) {
        char options[32];
        (void)snprintf(options, sizeof(options), "-DUNUSED=%d", i % 20);
        struct mien_cl_launch what = probe;
        what.options = options;
        const float a = (float)i;
        const float b = 0.0f;
        const int count = 1;
        const struct mien_cl_arg args[] = {
            ARG_BUF(by), ARG_BUF(bx), ARG_F32(a), ARG_F32(b), ARG_I32(count),
        };
        assert_ok(mien_cl_launch(cl, &what, args, ARG_COUNT(args), &err), &err);
        float got = 0.0f;
        assert_ok(mien_cl_read(cl, &got, by, 0, sizeof(got), &err), &err);
        assert_true(fabsf(got - a * x[0]) <= 1e-5f * fabsf(a));
    }
    free(x);
    mien_cl_buffer_destroy(bx);
    mien_cl_buffer_destroy(by);
}

static void test_profile__has_a_sample_for_every_launch(void **state)
{
    (void)device_or_skip(state);
    struct mien_error err = { "" };
    struct mien_cl *cl = NULL;
    const struct mien_cl_options options = { .profile = true };
    const struct mien_cl_sample *samples = NULL;
    size_t count = 0;
    assert_ok(mien_cl_open(&cl, &options, &err), &err);
    struct mien_cl_buffer *const bx = guarded_buffer(cl, COUNT * sizeof(float));
    struct mien_cl_buffer *const by = guarded_buffer(cl, COUNT * sizeof(float));
    assert_ok(mien_cl_profile(cl, &samples, &count, &err), &err);
    assert_int_equal(count, 0);

    assert_ok(launch(cl, by, bx, 1.0f, &err), &err);
    mien_cl_label(cl, "conv2.fwd");
    for (int i = 0; i < 300; i++) {
        assert_ok(launch(cl, by, bx, 1.0f, &err), &err);
    }
    /* One that is refused leaves no sample. */
    assert_int_equal(mien_cl_launch(cl, &probe, NULL, 0, &err), MIEN_ERR_CL);
    assert_ok(mien_cl_profile(cl, &samples, &count, &err), &err);
    assert_int_equal(count, 301);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(samples[i].kernel, "probe_axpb");
        assert_string_equal(samples[i].label, i == 0 ? "" : "conv2.fwd");
        assert_true(samples[i].queued_ns > 0);
        assert_true(samples[i].start_ns >= samples[i].queued_ns);
        assert_true(samples[i].end_ns > samples[i].start_ns);
    }
    assert_ok(mien_cl_profile(cl, &samples, &count, &err), &err);
    assert_int_equal(count, 0);
    /* Closing lets go of what nobody asked for. */
    assert_ok(launch(cl, by, bx, 1.0f, &err), &err);
    mien_cl_buffer_destroy(bx);
    mien_cl_buffer_destroy(by);
    mien_cl_close(cl);
}

static void test_profile__is_empty_where_it_was_not_asked_for(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    const struct mien_cl_sample *samples = NULL;
    size_t count = 1;
    assert_ok(mien_cl_profile(cl, &samples, &count, &err), &err);
    assert_int_equal(count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_launch__computes_and_stays_inside),
        cmocka_unit_test(test_launch__wrong_argument_count_is_an_error),
        cmocka_unit_test(test_launch__argument_of_a_wrong_size_is_an_error),
        cmocka_unit_test(test_launch__unknown_source_or_kernel_is_an_error),
        cmocka_unit_test(test_launch__overlong_options_are_an_error),
        cmocka_unit_test(test_launch__too_large_a_group_names_kernel_and_size),
        cmocka_unit_test(test_launch__more_work_items_than_a_kernel_takes_are_an_error),
        cmocka_unit_test(test_launch__more_local_memory_than_there_is_is_an_error),
        cmocka_unit_test(test_launch__keeps_every_program_apart),
        cmocka_unit_test(test_profile__has_a_sample_for_every_launch),
        cmocka_unit_test(test_profile__is_empty_where_it_was_not_asked_for),
    };
    return cmocka_run_group_tests_name("cl/launch", tests, device_setup, device_teardown);
}
