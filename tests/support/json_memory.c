/* json_memory.c - a reader of JSON whose library has no memory left */
#include "support/json_memory.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "support/device.h"

static size_t allocations_left;

static void *allocate_some(size_t bytes)
{
    if (allocations_left == 0) {
        return NULL;
    }
    allocations_left--;
    return malloc(bytes);
}

void json_memory_runs_out(enum mien_status (*read)(void *user, struct mien_error *err), void *user)
{
    size_t of_memory = 0;
    size_t of_tokens = 0;
    size_t of_classes = 0;
    enum mien_status st = MIEN_ERR_MEMORY;
    json_set_alloc_funcs(allocate_some, free);
    while (st != MIEN_OK) {
        struct mien_error err = { "" };
        allocations_left = of_memory + of_tokens;
        st = read(user, &err);
        assert_true(st == MIEN_OK || st == MIEN_ERR_MEMORY || st == MIEN_ERR_FORMAT);
        of_memory += st == MIEN_ERR_MEMORY ? 1 : 0;
        of_tokens += st == MIEN_ERR_FORMAT ? 1 : 0;
        of_classes +=
            st == MIEN_ERR_MEMORY && strstr(err.text, "no memory for JSON") != NULL ? 1 : 0;
    }
    json_set_alloc_funcs(malloc, free);
    assert_true(of_memory > 20 && of_tokens < of_memory / 2);
    assert_true(of_classes >= 3);
}
