/* test_open.c - opening a device when OpenCL refuses, and when a wish can not be met */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

// clang-format off
// wrap: clGetPlatformIDs clGetDeviceIDs clGetDeviceInfo clCreateContext clCreateCommandQueue clCreateProgramWithSource clBuildProgram clCreateKernel clCreateBuffer clCreateSubBuffer clEnqueueNDRangeKernel calloc realloc
// clang-format on

#include "cl/internal.h"
#include "support/device.h"
#include "support/scratch.h"

/*
 * The linker sends these calls here.  Call number `fail_at` from zero is refused while `counting`;
 * every other call reaches the driver.
 */
static bool counting;
static int calls;
static int fail_at = -1;

static bool refuse(void)
{
    return counting && calls++ == fail_at;
}

/* What OpenCL's own calls look like with a prefix, declared and defined by the list below. */
#define WRAP(type, name, parameters, arguments, refusal)                                           \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters                                                                  \
    {                                                                                              \
        if (refuse()) {                                                                            \
            refusal;                                                                               \
        }                                                                                          \
        return __real_##name arguments;                                                            \
    }

/* Handles come with a code, codes come alone. */
#define REFUSE_HANDLE                                                                              \
    *code = CL_OUT_OF_HOST_MEMORY;                                                                 \
    return NULL
#define REFUSE_CODE return CL_OUT_OF_RESOURCES

typedef void(CL_CALLBACK *context_notify)(const char *, const void *, size_t, void *);
typedef void(CL_CALLBACK *program_notify)(cl_program, void *);

WRAP(cl_int, clGetPlatformIDs, (cl_uint room, cl_platform_id *out, cl_uint *count),
     (room, out, count), REFUSE_CODE)
WRAP(cl_int, clGetDeviceIDs,
     (cl_platform_id platform, cl_device_type type, cl_uint room, cl_device_id *out,
      cl_uint *count),
     (platform, type, room, out, count), REFUSE_CODE)
WRAP(cl_context, clCreateContext,
     (const cl_context_properties *properties, cl_uint count, const cl_device_id *devices,
      context_notify notify, void *user, cl_int *code),
     (properties, count, devices, notify, user, code), REFUSE_HANDLE)
WRAP(cl_command_queue, clCreateCommandQueue,
     (cl_context context, cl_device_id device, cl_command_queue_properties properties,
      cl_int *code),
     (context, device, properties, code), REFUSE_HANDLE)
WRAP(cl_program, clCreateProgramWithSource,
     (cl_context context, cl_uint count, const char **texts, const size_t *lengths, cl_int *code),
     (context, count, texts, lengths, code), REFUSE_HANDLE)
WRAP(cl_int, clBuildProgram,
     (cl_program program, cl_uint count, const cl_device_id *devices, const char *options,
      program_notify notify, void *user),
     (program, count, devices, options, notify, user), REFUSE_CODE)
WRAP(cl_kernel, clCreateKernel, (cl_program program, const char *name, cl_int *code),
     (program, name, code), REFUSE_HANDLE)
WRAP(cl_mem, clCreateBuffer,
     (cl_context context, cl_mem_flags flags, size_t bytes, void *host, cl_int *code),
     (context, flags, bytes, host, code), REFUSE_HANDLE)
WRAP(cl_mem, clCreateSubBuffer,
     (cl_mem whole, cl_mem_flags flags, cl_buffer_create_type type, const void *region,
      cl_int *code),
     (whole, flags, type, region, code), REFUSE_HANDLE)
/* NOLINTNEXTLINE(readability-function-size): OpenCL's own parameters */
WRAP(cl_int, clEnqueueNDRangeKernel,
     (cl_command_queue queue, cl_kernel kernel, cl_uint dimensions, const size_t *origin,
      const size_t *global, const size_t *local, cl_uint waits, const cl_event *wait,
      cl_event *event),
     (queue, kernel, dimensions, origin, global, local, waits, wait, event), REFUSE_CODE)
WRAP(void *, calloc, (size_t count, size_t size), (count, size), return NULL)
WRAP(void *, realloc, (void *old, size_t size), (old, size), return NULL)

/* Not counted: what one device will not tell is `device_info_refused`. */
static cl_device_info device_info_refused;
cl_int __real_clGetDeviceInfo(cl_device_id, cl_device_info, size_t, void *, size_t *);
cl_int __wrap_clGetDeviceInfo(cl_device_id, cl_device_info, size_t, void *, size_t *);
cl_int __wrap_clGetDeviceInfo(cl_device_id device, cl_device_info what, size_t room, void *out,
                              size_t *bytes)
{
    return what == device_info_refused ? CL_INVALID_DEVICE
                                       : __real_clGetDeviceInfo(device, what, room, out, bytes);
}

/* Open, make a buffer and a window, launch: all that OpenCL may refuse. */
static enum mien_status open_and_launch(const char *cache, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_cl_buffer *whole = NULL;
    struct mien_cl_buffer *part = NULL;
    const float a = 1.0f;
    const int count = 4;
    const struct mien_cl_options options = { .cache = cache, .profile = true };
    const struct mien_cl_launch what = { .source = "probe", .kernel = "probe_axpb" };
    struct mien_cl *cl = (struct mien_cl *)&calls; /* anything but NULL */

    st = mien_cl_open(&cl, &options, err);
    if (st != MIEN_OK) {
        assert_null(cl);
        return st;
    }
    st = mien_cl_buffer_create(&whole, cl, 1024, err);
    if (st == MIEN_OK) {
        st = mien_cl_buffer_window(&part, whole, 512, 512, err);
    }
    if (st == MIEN_OK) {
        const struct mien_cl_arg args[] = {
            ARG_BUF(part), ARG_BUF(whole), ARG_F32(a), ARG_F32(a), ARG_I32(count),
        };
        st = mien_cl_launch(cl, &what, args, ARG_COUNT(args), err);
    } else {
        assert_null(part);
    }
    mien_cl_buffer_destroy(part);
    mien_cl_buffer_destroy(whole);
    assert_int_equal(mien_cl_live(cl), 0);
    assert_int_equal(mien_cl_bytes(cl), 0);
    mien_cl_close(cl); /* asserts that nothing is left; the sanitizer counts the rest */
    return st;
}

/* Refuse the first call, then the second, ... until all goes well. */
static void test_open__cleans_up_after_every_refused_call(void **state)
{
    (void)device_or_skip(state);
    char *const folder = scratch_make();
    struct mien_error err = { "" };
    int refused = 0;
    int last = 0;
    for (fail_at = 0;; fail_at++) {
        err.text[0] = '\0';
        calls = 0;
        counting = true;
        const enum mien_status st = open_and_launch(fail_at % 2 == 0 ? "" : folder, &err);
        counting = false;
        if (st != MIEN_OK) {
            assert_string_not_equal(err.text, "");
            refused++;
        }
        last = calls;
        if (calls <= fail_at) {
            assert_ok(st, &err);
            break;
        }
    }
    fail_at = -1;
    assert_true(refused >= 12); /* an allocation for the cache may be refused without harm */
    assert_true(last > refused);
    scratch_remove(folder);
}

static void test_open__device_that_will_not_describe_itself_is_left_out(void **state)
{
    (void)device_or_skip(state);
    struct mien_error err = { "" };
    struct mien_cl *cl = NULL;
    device_info_refused = CL_DEVICE_GLOBAL_MEM_SIZE;
    const enum mien_status st = mien_cl_open(&cl, NULL, &err);
    device_info_refused = 0;
    assert_int_equal(st, MIEN_ERR_NO_DEVICE);
    assert_null(cl);
    assert_string_equal(err.text,
                        "no OpenCL device: clGetDeviceInfo: CL_INVALID_DEVICE (-33); install your "
                        "GPU's OpenCL driver, or pocl-opencl-icd for the CPU");
}

static void test_open__missing_text_of_a_device_is_empty(void **state)
{
    (void)device_or_skip(state);
    struct mien_error err = { "" };
    struct mien_device_list list = { NULL, 0 };
    device_info_refused = CL_DEVICE_VENDOR;
    assert_ok(mien_device_list(&list, &err), &err);
    device_info_refused = 0;
    assert_string_equal(list.devices[0].vendor, "");
    mien_device_list_finish(&list);
}

static void test_open__takes_the_device_of_the_environment(void **state)
{
    struct mien_cl *const here = device_or_skip(state);
    struct mien_error err = { "" };
    struct mien_cl *cl = NULL;
    const char *const before = getenv("MIEN_DEVICE");
    char *const kept = before != NULL ? strdup(before) : NULL;
    const struct mien_cl_options by_name = { .device = mien_cl_device(here)->name };
    assert_int_equal(setenv("MIEN_DEVICE", "no such thing", 1), 0);
    assert_int_equal(mien_cl_open(&cl, NULL, &err), MIEN_ERR_NO_DEVICE);
    assert_null(cl);
    assert_non_null(strstr(err.text, "MIEN_DEVICE: no device fits \"no such thing\"; there is "));
    /* What the caller asks for goes before it. */
    assert_ok(mien_cl_open(&cl, &by_name, &err), &err);
    assert_string_equal(mien_cl_device(cl)->name, mien_cl_device(here)->name);
    mien_cl_close(cl);
    assert_int_equal(setenv("MIEN_DEVICE", mien_cl_device(here)->name, 1), 0);
    assert_ok(mien_cl_open(&cl, NULL, &err), &err);
    mien_cl_close(cl);
    assert_int_equal(kept != NULL ? setenv("MIEN_DEVICE", kept, 1) : unsetenv("MIEN_DEVICE"), 0);
    free(kept);
}

static void test_error_name__knows_codes_and_is_never_null(void **state)
{
    (void)state;
    assert_string_equal(mien_cl_error_name(-5), "CL_OUT_OF_RESOURCES");
    assert_string_equal(mien_cl_error_name(-1001), "CL_PLATFORM_NOT_FOUND_KHR");
    assert_string_equal(mien_cl_error_name(-9999), "unknown OpenCL error");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open__cleans_up_after_every_refused_call),
        cmocka_unit_test(test_open__device_that_will_not_describe_itself_is_left_out),
        cmocka_unit_test(test_open__missing_text_of_a_device_is_empty),
        cmocka_unit_test(test_open__takes_the_device_of_the_environment),
        cmocka_unit_test(test_error_name__knows_codes_and_is_never_null),
    };
    return cmocka_run_group_tests_name("cl/open", tests, device_setup, device_teardown);
}
