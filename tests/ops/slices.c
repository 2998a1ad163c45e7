/*
 * slices.c - every launch and product twice, whole and in slices: the bytes must be the same
 *
 * Linked into programs that wrap mien_cl_launch and mien_blas_gemm (tests/CMakeLists.txt).
 */
#include <stdlib.h>
#include <string.h>

#include "cl/blas.h"
#include "cl/internal.h"
#include "support/device.h"

/* Of a launch, about: enqueueing more takes PoCL too long. */
enum { MOST_SLICES = 48, MOST_ARGS = 24 };

enum mien_status __real_mien_cl_launch(struct mien_cl *cl, const struct mien_cl_launch *what,
                                       const struct mien_cl_arg *args, cl_uint arg_count,
                                       struct mien_error *err);
enum mien_status __wrap_mien_cl_launch(struct mien_cl *cl, const struct mien_cl_launch *what,
                                       const struct mien_cl_arg *args, cl_uint arg_count,
                                       struct mien_error *err);
enum mien_status __real_mien_blas_gemm(struct mien_cl *cl, const struct mien_matrix *c,
                                       const struct mien_matrix *a, const struct mien_matrix *b,
                                       struct mien_cl_buffer *work, const struct mien_gemm *gemm,
                                       struct mien_error *err);
enum mien_status __wrap_mien_blas_gemm(struct mien_cl *cl, const struct mien_matrix *c,
                                       const struct mien_matrix *a, const struct mien_matrix *b,
                                       struct mien_cl_buffer *work, const struct mien_gemm *gemm,
                                       struct mien_error *err);

/* What a buffer holds. */
struct copy {
    cl_mem handle; /* NULL: none */
    size_t bytes;
    void *data;
};

static void take(struct copy *out, struct mien_cl *cl, cl_mem handle)
{
    *out = (struct copy){ .handle = handle };
    if (handle != NULL) {
        assert_int_equal(
            clGetMemObjectInfo(handle, CL_MEM_SIZE, sizeof(out->bytes), &out->bytes, NULL),
            CL_SUCCESS);
        out->data = malloc(out->bytes);
        assert_non_null(out->data);
        assert_int_equal(clEnqueueReadBuffer(cl->queue, handle, CL_TRUE, 0, out->bytes, out->data,
                                             0, NULL, NULL),
                         CL_SUCCESS);
    }
}

static void put_back(struct mien_cl *cl, const struct copy *copy)
{
    if (copy->handle != NULL) {
        assert_int_equal(clEnqueueWriteBuffer(cl->queue, copy->handle, CL_TRUE, 0, copy->bytes,
                                              copy->data, 0, NULL, NULL),
                         CL_SUCCESS);
    }
}

/* All arguments of the size of a handle are handles: numbers have four bytes. */
static void take_all(struct copy out[MOST_ARGS], struct mien_cl *cl, const struct mien_cl_arg *args,
                     cl_uint count)
{
    assert_true(count <= MOST_ARGS);
    for (cl_uint i = 0; i < count; i++) {
        cl_mem handle = NULL;
        if (args[i].bytes == sizeof(handle)) {
            memcpy(&handle, args[i].value, sizeof(handle));
        }
        take(&out[i], cl, handle);
    }
}

static void compare(struct mien_cl *cl, const struct copy *whole, const char *what, cl_uint arg)
{
    struct copy sliced;
    take(&sliced, cl, whole->handle);
    if (whole->handle != NULL && memcmp(whole->data, sliced.data, whole->bytes) != 0) {
        size_t at = 0;
        while (((char *)whole->data)[at] == ((char *)sliced.data)[at]) {
            at++;
        }
        fail_msg("%s: argument %u of %zu bytes differs at byte %zu in slices", what, arg,
                 whole->bytes, at);
    }
    free(sliced.data);
}

static size_t groups_of(const struct mien_cl_launch *what)
{
    size_t groups = 1;
    for (int d = 0; d < 3; d++) {
        const size_t local = what->local[d] == 0 ? 1 : what->local[d];
        groups *= what->global[d] == 0 ? 1 : (what->global[d] + local - 1) / local;
    }
    return groups;
}

enum mien_status __wrap_mien_cl_launch(struct mien_cl *cl, const struct mien_cl_launch *what,
                                       const struct mien_cl_arg *args, cl_uint arg_count,
                                       struct mien_error *err)
{
    struct copy before[MOST_ARGS];
    struct copy whole[MOST_ARGS];
    const struct mien_cl_slicing none = { 0.0, 0 };
    const struct mien_cl_slicing forced = { 0.0, (groups_of(what) - 1) / MOST_SLICES + 1 };
    take_all(before, cl, args, arg_count);
    mien_cl_slice(cl, &none);
    enum mien_status st = __real_mien_cl_launch(cl, what, args, arg_count, err);
    take_all(whole, cl, args, arg_count);
    if (st == MIEN_OK) {
        for (cl_uint i = 0; i < arg_count; i++) {
            put_back(cl, &before[i]);
        }
        mien_cl_slice(cl, &forced);
        st = __real_mien_cl_launch(cl, what, args, arg_count, err);
        mien_cl_slice(cl, &none);
        assert_ok(st, err);
    }
    for (cl_uint i = 0; i < arg_count; i++) {
        compare(cl, &whole[i], what->kernel, i);
        free(before[i].data);
        free(whole[i].data);
    }
    return st;
}

enum mien_status __wrap_mien_blas_gemm(struct mien_cl *cl, const struct mien_matrix *c,
                                       const struct mien_matrix *a, const struct mien_matrix *b,
                                       struct mien_cl_buffer *work, const struct mien_gemm *gemm,
                                       struct mien_error *err)
{
    struct copy before;
    struct copy whole;
    const struct mien_cl_slicing none = { 0.0, 0 };
    const struct mien_cl_slicing forced = { 0.0, 1 };
    take(&before, cl, c->buffer->handle);
    mien_cl_slice(cl, &none);
    enum mien_status st = __real_mien_blas_gemm(cl, c, a, b, work, gemm, err);
    take(&whole, cl, c->buffer->handle);
    if (st == MIEN_OK) {
        put_back(cl, &before);
        mien_cl_slice(cl, &forced);
        st = __real_mien_blas_gemm(cl, c, a, b, work, gemm, err);
        mien_cl_slice(cl, &none);
        assert_ok(st, err);
    }
    compare(cl, &whole, "clblast_sgemm", 0);
    free(before.data);
    free(whole.data);
    return st;
}
