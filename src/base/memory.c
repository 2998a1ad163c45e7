/* memory.c - checked host allocation */
#include "base/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

bool mien_size_mul(size_t *out, size_t a, size_t b)
{
    if (b != 0 && a > SIZE_MAX / b) {
        return false;
    }
    *out = a * b;
    return true;
}

static void refuse(struct mien_error *err, size_t count, size_t size)
{
    (void)mien_fail(err, MIEN_ERR_MEMORY, "no memory for %zu x %zu bytes", count, size);
}

void *mien_calloc(size_t count, size_t size, struct mien_error *err)
{
    size_t bytes = 0;
    void *const block =
        mien_size_mul(&bytes, count, size) ? calloc(bytes == 0 ? 1 : bytes, 1) : NULL;
    if (block == NULL) {
        refuse(err, count, size);
    }
    return block;
}

void *mien_realloc(void *old, size_t count, size_t size, struct mien_error *err)
{
    size_t bytes = 0;
    void *const block =
        mien_size_mul(&bytes, count, size) ? realloc(old, bytes == 0 ? 1 : bytes) : NULL;
    if (block == NULL) {
        refuse(err, count, size);
    }
    return block;
}

void *mien_alloc_large(size_t bytes)
{
    void *block = NULL;
    if (posix_memalign(&block, MIEN_LARGE_BYTES, bytes) != 0) {
        return NULL;
    }
#ifdef MADV_HUGEPAGE
    (void)madvise(block, bytes, MADV_HUGEPAGE); /* small pages do as well */
#endif
    return block;
}

char *mien_strdup(const char *text, struct mien_error *err)
{
    const size_t bytes = strlen(text) + 1;
    char *const copy = mien_calloc(bytes, 1, err);
    if (copy != NULL) {
        memcpy(copy, text, bytes);
    }
    return copy;
}
