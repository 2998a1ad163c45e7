/* buffer.c - device memory and the copies to, from and inside it */
#include <assert.h>
#include <stdlib.h>

#include "base/memory.h"
#include "cl/internal.h"

static void CL_CALLBACK free_pages(cl_mem memory, void *pages)
{
    (void)memory;
    free(pages);
}

/*
 * A large buffer of a CPU device in memory of our own, which can have huge pages; the device frees
 * it when it is done with it.  NULL: try another way.
 */
static cl_mem create_in_pages(const struct mien_cl *cl, size_t bytes)
{
    void *const pages = cl->info.kind == MIEN_DEVICE_CPU && bytes >= MIEN_LARGE_BYTES
                            ? mien_alloc_large(bytes)
                            : NULL;
    if (pages == NULL) {
        return NULL;
    }
    const cl_mem_flags flags = CL_MEM_READ_WRITE | CL_MEM_USE_HOST_PTR;
    const cl_mem handle = clCreateBuffer(cl->context, flags, bytes, pages, NULL);
    if (handle == NULL ||
        clSetMemObjectDestructorCallback(handle, free_pages, pages) != CL_SUCCESS) {
        if (handle != NULL) {
            (void)clReleaseMemObject(handle); /* nothing was enqueued with it */
        }
        free(pages);
        return NULL;
    }
    return handle;
}

enum mien_status mien_cl_buffer_create(struct mien_cl_buffer **out, struct mien_cl *cl,
                                       size_t bytes, struct mien_error *err)
{
    *out = NULL;
    if (bytes > cl->info.max_alloc_bytes) {
        return mien_fail(err, MIEN_ERR_MEMORY,
                         "device buffer of %zu bytes: %s allows at most %llu in one piece", bytes,
                         cl->info.name, (unsigned long long)cl->info.max_alloc_bytes);
    }
    struct mien_cl_buffer *const buffer = mien_calloc(1, sizeof(*buffer), err);
    if (buffer == NULL) {
        return MIEN_ERR_MEMORY;
    }
    cl_int code = CL_SUCCESS;
    buffer->cl = cl;
    buffer->bytes = bytes;
    buffer->handle = create_in_pages(cl, bytes);
    if (buffer->handle == NULL) {
        buffer->handle =
            clCreateBuffer(cl->context, CL_MEM_READ_WRITE, bytes == 0 ? 1 : bytes, NULL, &code);
    }
    if (buffer->handle == NULL) {
        free(buffer);
        /* Also where the driver's limit is below the one that it tells. */
        const enum mien_status st =
            code == CL_INVALID_BUFFER_SIZE ? MIEN_ERR_MEMORY : mien_cl_status(code);
        return mien_fail(
            err, st, "device buffer of %zu bytes, with %zu in use of %llu: clCreateBuffer: %s",
            bytes, cl->bytes, (unsigned long long)cl->info.global_bytes, mien_cl_error_name(code));
    }
    cl->live++;
    cl->bytes += bytes;
    cl->peak_bytes = cl->bytes > cl->peak_bytes ? cl->bytes : cl->peak_bytes;
    *out = buffer;
    return MIEN_OK;
}

enum mien_status mien_cl_buffer_window(struct mien_cl_buffer **out, struct mien_cl_buffer *whole,
                                       size_t offset, size_t bytes, struct mien_error *err)
{
    *out = NULL;
    assert(!whole->window && offset <= whole->bytes && bytes <= whole->bytes - offset);
    assert(offset % MIEN_CL_ALIGN_BYTES == 0);
    struct mien_cl_buffer *const buffer = mien_calloc(1, sizeof(*buffer), err);
    if (buffer == NULL) {
        return MIEN_ERR_MEMORY;
    }
    cl_int code = CL_SUCCESS;
    /* OpenCL has no empty window: one that nobody reads may lie anywhere. */
    const cl_buffer_region region = { bytes == 0 ? 0 : offset, bytes == 0 ? 1 : bytes };
    buffer->cl = whole->cl;
    buffer->bytes = bytes;
    buffer->window = true;
    buffer->handle = clCreateSubBuffer(whole->handle, CL_MEM_READ_WRITE,
                                       CL_BUFFER_CREATE_TYPE_REGION, &region, &code);
    if (buffer->handle == NULL) {
        free(buffer);
        return mien_cl_fail(err, "clCreateSubBuffer", code);
    }
    buffer->cl->live++;
    *out = buffer;
    return MIEN_OK;
}

void mien_cl_buffer_destroy(struct mien_cl_buffer *buffer)
{
    if (buffer != NULL) {
        buffer->cl->live--;
        buffer->cl->bytes -= buffer->window ? 0 : buffer->bytes;
        (void)clReleaseMemObject(buffer->handle);
        free(buffer);
    }
}

size_t mien_cl_buffer_bytes(const struct mien_cl_buffer *buffer)
{
    return buffer->bytes;
}

size_t mien_cl_bytes(const struct mien_cl *cl)
{
    return cl->bytes;
}

size_t mien_cl_peak_bytes(const struct mien_cl *cl)
{
    return cl->peak_bytes;
}

void mien_cl_reset_peak(struct mien_cl *cl)
{
    cl->peak_bytes = cl->bytes;
}

size_t mien_cl_live(const struct mien_cl *cl)
{
    return cl->live;
}

static enum mien_status check(cl_int code, const char *call, struct mien_error *err)
{
    return code == CL_SUCCESS ? MIEN_OK : mien_cl_fail(err, call, code);
}

static enum mien_status write_buffer(struct mien_cl *cl, struct mien_cl_buffer *dst, size_t offset,
                                     const void *src, size_t bytes, cl_bool blocking,
                                     struct mien_error *err)
{
    assert(offset <= dst->bytes && bytes <= dst->bytes - offset);
    if (bytes == 0) {
        return MIEN_OK;
    }
    return check(
        clEnqueueWriteBuffer(cl->queue, dst->handle, blocking, offset, bytes, src, 0, NULL, NULL),
        "clEnqueueWriteBuffer", err);
}

enum mien_status mien_cl_write(struct mien_cl *cl, struct mien_cl_buffer *dst, size_t offset,
                               const void *src, size_t bytes, struct mien_error *err)
{
    return write_buffer(cl, dst, offset, src, bytes, CL_TRUE, err);
}

enum mien_status mien_cl_write_later(struct mien_cl *cl, struct mien_cl_buffer *dst, size_t offset,
                                     const void *src, size_t bytes, struct mien_error *err)
{
    return write_buffer(cl, dst, offset, src, bytes, CL_FALSE, err);
}

static enum mien_status read_buffer(struct mien_cl *cl, void *dst, const struct mien_cl_buffer *src,
                                    size_t offset, size_t bytes, cl_bool blocking,
                                    struct mien_error *err)
{
    assert(offset <= src->bytes && bytes <= src->bytes - offset);
    if (bytes == 0) {
        return MIEN_OK;
    }
    return check(
        clEnqueueReadBuffer(cl->queue, src->handle, blocking, offset, bytes, dst, 0, NULL, NULL),
        "clEnqueueReadBuffer", err);
}

enum mien_status mien_cl_read(struct mien_cl *cl, void *dst, const struct mien_cl_buffer *src,
                              size_t offset, size_t bytes, struct mien_error *err)
{
    return read_buffer(cl, dst, src, offset, bytes, CL_TRUE, err);
}

enum mien_status mien_cl_read_later(struct mien_cl *cl, void *dst, const struct mien_cl_buffer *src,
                                    size_t offset, size_t bytes, struct mien_error *err)
{
    return read_buffer(cl, dst, src, offset, bytes, CL_FALSE, err);
}

enum mien_status mien_cl_fill(struct mien_cl *cl, struct mien_cl_buffer *dst, uint32_t pattern,
                              struct mien_error *err)
{
    const size_t bytes = dst->bytes / sizeof(pattern) * sizeof(pattern);
    if (bytes == 0) {
        return MIEN_OK;
    }
    return check(clEnqueueFillBuffer(cl->queue, dst->handle, &pattern, sizeof(pattern), 0, bytes, 0,
                                     NULL, NULL),
                 "clEnqueueFillBuffer", err);
}

enum mien_status mien_cl_finish(struct mien_cl *cl, struct mien_error *err)
{
    return check(clFinish(cl->queue), "clFinish", err);
}

void mien_cl_drain(struct mien_cl *cl)
{
    (void)clFinish(cl->queue);
}

struct mien_cl_arg mien_cl_arg_buffer(const struct mien_cl_buffer *buffer)
{
    return (struct mien_cl_arg){ &buffer->handle, sizeof(cl_mem) };
}
