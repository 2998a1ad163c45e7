/* plan.c - places for tensors that live for a part of a step */
#include "nn/plan.h"

#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/memory.h"

enum mien_status mien_plan_add(size_t *index, struct mien_plan *plan, size_t bytes,
                               struct mien_error *err)
{
    if (plan->count == plan->room) {
        const size_t room = plan->room == 0 ? 32 : plan->room * 2;
        void *const items = mien_realloc(plan->items, room, sizeof(*plan->items), err);
        if (items == NULL) {
            return MIEN_ERR_MEMORY;
        }
        plan->items = items;
        plan->room = room;
    }
    *index = plan->count;
    plan->items[plan->count++] =
        (struct mien_plan_item){ .bytes = bytes, .first = INT_MAX, .last = INT_MIN };
    return MIEN_OK;
}

void mien_plan_use(struct mien_plan *plan, size_t index, int moment)
{
    struct mien_plan_item *const item = &plan->items[index];
    item->first = moment < item->first ? moment : item->first;
    item->last = moment > item->last ? moment : item->last;
}

/* Larger first; equal sizes in the order they were added, so that the plan is always the same. */
static int larger_first(const void *a, const void *b)
{
    const struct mien_plan_item *const x = *(struct mien_plan_item *const *)a;
    const struct mien_plan_item *const y = *(struct mien_plan_item *const *)b;
    if (x->bytes != y->bytes) {
        return x->bytes > y->bytes ? -1 : 1;
    }
    return x < y ? -1 : x > y;
}

static bool slot_is_free(struct mien_plan_item *const *placed, size_t count, size_t slot,
                         const struct mien_plan_item *item)
{
    for (size_t i = 0; i < count; i++) {
        if (placed[i]->slot == slot && placed[i]->first <= item->last &&
            item->first <= placed[i]->last) {
            return false;
        }
    }
    return true;
}

enum mien_status mien_plan_solve(struct mien_plan *plan, struct mien_error *err)
{
    struct mien_plan_item **const order =
        mien_calloc(plan->count, sizeof(struct mien_plan_item *), err);
    free(plan->slot_bytes);
    plan->slot_bytes = mien_calloc(plan->count, sizeof(*plan->slot_bytes), err);
    plan->slot_count = 0;
    if (order == NULL || plan->slot_bytes == NULL) {
        free(order);
        return MIEN_ERR_MEMORY;
    }
    for (size_t i = 0; i < plan->count; i++) {
        order[i] = &plan->items[i];
    }
    qsort(order, plan->count, sizeof(struct mien_plan_item *), larger_first);
    for (size_t i = 0; i < plan->count; i++) {
        size_t slot = 0;
        while (slot < plan->slot_count && !slot_is_free(order, i, slot, order[i])) {
            slot++;
        }
        if (slot == plan->slot_count) {
            plan->slot_bytes[plan->slot_count++] = order[i]->bytes; /* the largest it will hold */
        }
        order[i]->slot = slot;
    }
    free(order);
    return MIEN_OK;
}

size_t mien_plan_bytes(const struct mien_plan *plan)
{
    size_t bytes = 0;
    for (size_t i = 0; i < plan->slot_count; i++) {
        bytes += plan->slot_bytes[i];
    }
    return bytes;
}

void mien_plan_finish(struct mien_plan *plan)
{
    free(plan->items);
    free(plan->slot_bytes);
    *plan = (struct mien_plan){ 0 };
}
