/* test_memory.c - memory that runs out, in whichever call the driver finds it */
#include <stdlib.h>
#include <string.h>

// clang-format off
// wrap: clCreateBuffer clCreateSubBuffer clEnqueueWriteBuffer clEnqueueReadBuffer clEnqueueFillBuffer clCreateProgramWithSource clCreateKernel clSetKernelArg clEnqueueNDRangeKernel clEnqueueMarkerWithWaitList clFinish CLBlastSgemmWithTempBuffer
// clang-format on

#include <clblast_c.h>

#include "cl/blas.h"
#include "cl/internal.h"
#include "support/device.h"
#include "support/scratch.h"

/* The call of this name is refused with `refusal`; NULL: none is. */
static const char *refused;
static cl_int refusal;
static cl_mem given; /* to CLBlast's last product, for its copies */

/* What OpenCL's own calls look like with a prefix, declared and defined by the list below. */
#define WRAP(type, name, parameters, arguments, refuse)                                            \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters                                                                  \
    {                                                                                              \
        if (refused != NULL && strcmp(refused, #name) == 0) {                                      \
            refuse;                                                                                \
        }                                                                                          \
        return __real_##name arguments;                                                            \
    }

/* Handles come with a code that not everybody asks for, codes come alone. */
#define REFUSE_HANDLE                                                                              \
    if (code != NULL) {                                                                            \
        *code = refusal;                                                                           \
    }                                                                                              \
    return NULL
#define REFUSE_CODE return refusal

WRAP(cl_mem, clCreateBuffer,
     (cl_context context, cl_mem_flags flags, size_t bytes, void *host, cl_int *code),
     (context, flags, bytes, host, code), REFUSE_HANDLE)
WRAP(cl_mem, clCreateSubBuffer,
     (cl_mem whole, cl_mem_flags flags, cl_buffer_create_type type, const void *region,
      cl_int *code),
     (whole, flags, type, region, code), REFUSE_HANDLE)
/* NOLINTNEXTLINE(readability-function-size): OpenCL's own parameters */
WRAP(cl_int, clEnqueueWriteBuffer,
     (cl_command_queue queue, cl_mem buffer, cl_bool blocking, size_t offset, size_t bytes,
      const void *host, cl_uint waits, const cl_event *wait, cl_event *event),
     (queue, buffer, blocking, offset, bytes, host, waits, wait, event), REFUSE_CODE)
/* NOLINTNEXTLINE(readability-function-size): OpenCL's own parameters */
WRAP(cl_int, clEnqueueReadBuffer,
     (cl_command_queue queue, cl_mem buffer, cl_bool blocking, size_t offset, size_t bytes,
      void *host, cl_uint waits, const cl_event *wait, cl_event *event),
     (queue, buffer, blocking, offset, bytes, host, waits, wait, event), REFUSE_CODE)
/* NOLINTNEXTLINE(readability-function-size): OpenCL's own parameters */
WRAP(cl_int, clEnqueueFillBuffer,
     (cl_command_queue queue, cl_mem buffer, const void *pattern, size_t pattern_bytes,
      size_t offset, size_t bytes, cl_uint waits, const cl_event *wait, cl_event *event),
     (queue, buffer, pattern, pattern_bytes, offset, bytes, waits, wait, event), REFUSE_CODE)
WRAP(cl_program, clCreateProgramWithSource,
     (cl_context context, cl_uint count, const char **texts, const size_t *lengths, cl_int *code),
     (context, count, texts, lengths, code), REFUSE_HANDLE)
WRAP(cl_kernel, clCreateKernel, (cl_program program, const char *name, cl_int *code),
     (program, name, code), REFUSE_HANDLE)
WRAP(cl_int, clSetKernelArg, (cl_kernel kernel, cl_uint index, size_t bytes, const void *value),
     (kernel, index, bytes, value), REFUSE_CODE)
/* NOLINTNEXTLINE(readability-function-size): OpenCL's own parameters */
WRAP(cl_int, clEnqueueNDRangeKernel,
     (cl_command_queue queue, cl_kernel kernel, cl_uint dimensions, const size_t *origin,
      const size_t *global, const size_t *local, cl_uint waits, const cl_event *wait,
      cl_event *event),
     (queue, kernel, dimensions, origin, global, local, waits, wait, event), REFUSE_CODE)
WRAP(cl_int, clEnqueueMarkerWithWaitList,
     (cl_command_queue queue, cl_uint waits, const cl_event *wait, cl_event *event),
     (queue, waits, wait, event), REFUSE_CODE)
WRAP(cl_int, clFinish, (cl_command_queue queue), (queue), REFUSE_CODE)
/* NOLINTNEXTLINE(readability-function-size): CLBlast's own parameters */
WRAP(CLBlastStatusCode, CLBlastSgemmWithTempBuffer,
     (const CLBlastLayout layout, const CLBlastTranspose a_form, const CLBlastTranspose b_form,
      const size_t m, const size_t n, const size_t k, const float alpha, const cl_mem a,
      const size_t a_offset, const size_t a_stride, const cl_mem b, const size_t b_offset,
      const size_t b_stride, const float beta, cl_mem c, const size_t c_offset,
      const size_t c_stride, cl_command_queue *queue, cl_event *event, cl_mem temporary),
     (layout, a_form, b_form, m, n, k, alpha, a, a_offset, a_stride, b, b_offset, b_stride, beta, c,
      c_offset, c_stride, queue, event, (given = temporary)),
     return (CLBlastStatusCode)refusal)

static enum mien_status use(struct mien_cl *cl, struct mien_cl_buffer *buffer,
                            struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_cl_buffer *part = NULL;
    struct mien_cl_buffer *work = NULL;
    struct mien_cl_mark *mark = NULL;
    const float a = 1.0f;
    const int count = 4;
    float numbers[4] = { 0.0f };
    const struct mien_cl_launch what = { .source = "probe", .kernel = "probe_axpb" };
    const struct mien_matrix matrix = { buffer, 0, 4, false };
    const struct mien_gemm gemm = { 4, 4, 4, 0.0f };
    const struct mien_cl_arg args[] = {
        ARG_BUF(buffer), ARG_BUF(buffer), ARG_F32(a), ARG_F32(a), ARG_I32(count),
    };
    TRY(mien_cl_buffer_window(&part, buffer, 512, 512, err));
    TRY(mien_cl_write(cl, buffer, 0, numbers, sizeof(numbers), err));
    TRY(mien_cl_fill(cl, part, 0, err));
    TRY(mien_cl_launch(cl, &what, args, ARG_COUNT(args), err));
    TRY(mien_cl_buffer_create(&work, cl, mien_blas_work_bytes(&gemm), err));
    TRY(mien_blas_gemm(cl, &matrix, &matrix, &matrix, work, &gemm, err));
    TRY(mien_cl_mark(&mark, cl, err));
    TRY(mien_cl_read(cl, numbers, buffer, 0, sizeof(numbers), err));
    TRY(mien_cl_finish(cl, err));

done:
    mien_cl_mark_drop(&mark);
    mien_cl_buffer_destroy(work);
    mien_cl_buffer_destroy(part);
    return st;
}

/* A device that was opened for this, so that nothing is compiled yet. */
static void check(const char *call, cl_int code, enum mien_status want)
{
    struct mien_error err = { "" };
    struct mien_cl *cl = NULL;
    struct mien_cl_buffer *buffer = NULL;
    const struct mien_cl_options options = { .cache = "" };
    assert_ok(mien_cl_open(&cl, &options, &err), &err);
    refusal = code;
    refused = call;
    enum mien_status st = mien_cl_buffer_create(&buffer, cl, 1024, &err);
    st = st == MIEN_OK ? use(cl, buffer, &err) : st;
    refused = NULL;
    must_fail(st, want, &err, call);
    assert_non_null(strstr(err.text, mien_cl_error_name(code)));
    mien_cl_buffer_destroy(buffer);
    assert_int_equal(mien_cl_live(cl), 0);
    mien_cl_close(cl);
}

static void test_memory__that_runs_out_is_told_from_what_else_fails(void **state)
{
    (void)device_or_skip(state);
    static const char *const names[] = {
        "clCreateBuffer",
        "clCreateSubBuffer",
        "clEnqueueWriteBuffer",
        "clEnqueueReadBuffer",
        "clEnqueueFillBuffer",
        "clCreateProgramWithSource",
        "clCreateKernel",
        "clSetKernelArg",
        "clEnqueueNDRangeKernel",
        "clEnqueueMarkerWithWaitList",
        "clFinish",
        "CLBlastSgemmWithTempBuffer",
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        check(names[i], CL_MEM_OBJECT_ALLOCATION_FAILURE, MIEN_ERR_MEMORY);
        check(names[i], CL_OUT_OF_HOST_MEMORY, MIEN_ERR_MEMORY);
        check(names[i], CL_OUT_OF_RESOURCES, MIEN_ERR_CL);
    }
    check("clCreateBuffer", CL_INVALID_BUFFER_SIZE, MIEN_ERR_MEMORY);
}

/* CLBlast's copies of its matrices, which on CPU devices no product of these sizes does without:
 * they are in the memory that the caller planned.  Memory that CLBlast itself is refused ends the
 * program. */
static void test_memory__of_a_product_is_its_callers(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    const struct mien_gemm gemm = { 19, 12, 45, 0.0f };
    struct mien_cl_buffer *const buffer = guarded_buffer(cl, 3 * 45 * 45 * sizeof(float));
    struct mien_cl_buffer *const work = guarded_buffer(cl, mien_blas_work_bytes(&gemm));
    struct mien_cl_buffer *small = NULL;
    assert_ok(mien_cl_buffer_create(&small, cl, 64, &err), &err);
    const struct mien_matrix a = { buffer, 0, 45, false };
    const struct mien_matrix b = { buffer, 45 * 45, 12, false };
    const struct mien_matrix c = { buffer, 2 * 45 * 45, 12, false };
    refusal = CL_MEM_OBJECT_ALLOCATION_FAILURE;
    refused = "clCreateBuffer";
    assert_ok(mien_blas_gemm(cl, &c, &a, &b, work, &gemm, &err), &err);
    assert_ptr_equal(given, work->handle);
    const enum mien_status st = mien_blas_gemm(cl, &c, &a, &b, small, &gemm, &err);
    refused = NULL;
    if (mien_cl_device(cl)->kind == MIEN_DEVICE_CPU) {
        must_fail(st, MIEN_ERR_CL, &err, " bytes beside the matrices, 64 are planned");
    }
    free(guarded_read(cl, work, mien_blas_work_bytes(&gemm)));
    mien_cl_buffer_destroy(buffer);
    mien_cl_buffer_destroy(work);
    mien_cl_buffer_destroy(small);
    assert_int_equal(mien_cl_live(cl), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory__that_runs_out_is_told_from_what_else_fails),
        cmocka_unit_test(test_memory__of_a_product_is_its_callers),
    };
    return cmocka_run_group_tests_name("cl/memory", tests, device_setup, device_teardown);
}
