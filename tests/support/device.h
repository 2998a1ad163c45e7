/** device.h - shared cmocka fixture: one open device per test program, guarded buffers, compares */
#ifndef MIEN_TESTS_SUPPORT_DEVICE_H
#define MIEN_TESTS_SUPPORT_DEVICE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cl/cl.h"

/**
 * Group setup: *state becomes a struct mien_cl *, or NULL where there is no device.  Kernels come
 * from the user's cache ($MIEN_CACHE, else the usual place).
 */
int device_setup(void **state);
int device_teardown(void **state);

/** Skips the test where no OpenCL device was found. */
struct mien_cl *device_or_skip(void **state);

/** Fails with the error text when `status` is not MIEN_OK. */
void assert_ok(enum mien_status status, const struct mien_error *err);

/** Bytes behind each guarded buffer. */
#define GUARD_BYTES 256

/**
 * A device buffer of `bytes` plus GUARD_BYTES behind it, all bytes 0xFF: unwritten floats read back
 * as NaN, and a kernel that runs past its end is caught on any driver by assert_guard_intact().
 */
struct mien_cl_buffer *guarded_buffer(struct mien_cl *cl, size_t bytes);
void assert_guard_intact(struct mien_cl *cl, const struct mien_cl_buffer *buffer, size_t bytes);

/** guarded_buffer() that starts with `bytes` of `data`. */
struct mien_cl_buffer *guarded_copy(struct mien_cl *cl, const void *data, size_t bytes);

/** Checks the guard and returns the first `bytes`; free() them. */
void *guarded_read(struct mien_cl *cl, const struct mien_cl_buffer *buffer, size_t bytes);

/** `count` floats in [-0.5, 0.5), the same for the same seed; free() them. */
float *random_floats(size_t count, uint32_t seed);
/** n rows of shares of the classes that sum to 1, some of them 0; free() them. */
float *random_shares(size_t n, size_t classes, uint32_t seed);

/** |a-b| <= atol + rtol*|b| for every element (NaN never is); names the first miss and its index.
 */
void assert_all_close(const float *got, const float *want, size_t count, float atol, float rtol);

#endif
