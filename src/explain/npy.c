/* npy.c - arrays as NumPy's files */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "explain/picture.h"

/* Magic, version and length of the header take ten bytes; the numbers start at a multiple of 64. */
enum { PREFIX = 10, HEADER = 256, ALIGN = 64 };

static size_t fill_header(char header[HEADER], const size_t *shape, int rank)
{
    size_t used = PREFIX;
    used += (size_t)snprintf(header + used, HEADER - used,
                             "{'descr': '<f4', 'fortran_order': False, 'shape': (");
    for (int i = 0; i < rank; i++) {
        used += (size_t)snprintf(header + used, HEADER - used, "%zu,%s", shape[i],
                                 i + 1 < rank ? " " : "");
    }
    used += (size_t)snprintf(header + used, HEADER - used, "), }");
    while ((used + 1) % ALIGN != 0) {
        header[used++] = ' ';
    }
    header[used++] = '\n';
    const size_t length = used - PREFIX;
    memcpy(header, "\x93NUMPY\x01\x00", 8);
    header[8] = (char)(length & 0xff);
    header[9] = (char)(length >> 8);
    return used;
}

enum mien_status mien_npy_write(const char *path, const float *values, const size_t *shape,
                                int rank, struct mien_error *err)
{
    char header[HEADER];
    struct mien_atomic_file *file = NULL;
    size_t bytes = sizeof(*values);
    for (int i = 0; i < rank; i++) {
        if (!mien_size_mul(&bytes, bytes, shape[i])) {
            return mien_fail(err, MIEN_ERR_MEMORY, "%s: more values than memory has", path);
        }
    }
    const size_t length = fill_header(header, shape, rank);
    enum mien_status st = mien_atomic_open(&file, path, err);
    if (st != MIEN_OK) {
        return st;
    }
    TRY(mien_atomic_write(file, header, length, err));
    TRY(mien_atomic_write(file, values, bytes, err)); /* little-endian, as all that mien runs on */
    struct mien_atomic_file *const whole = file;
    file = NULL;
    TRY(mien_atomic_commit(whole, err));

done:
    mien_atomic_abort(file);
    return st;
}
