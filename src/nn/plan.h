/** plan.h - places for tensors that live for a part of a step, so that they share memory (internal)
 */
#ifndef MIEN_NN_PLAN_H
#define MIEN_NN_PLAN_H

#include <stddef.h>

#include "base/error.h"

/** A tensor: how many bytes, and the first and last moment at which they are needed. */
struct mien_plan_item {
    size_t bytes;
    int first, last; /**< moments, inclusive */
    size_t slot;     /**< after mien_plan_solve(): which piece of memory */
};

/**
 * Items are added and used at moments; solving gives every item a slot such that no two items of
 * one slot live at the same moment.  A slot is one device buffer: separate buffers instead of one
 * arena, since drivers limit a single allocation.
 */
struct mien_plan {
    struct mien_plan_item *items;
    size_t count, room;
    size_t *slot_bytes; /**< after mien_plan_solve(); [slot_count] */
    size_t slot_count;
};

/** Add an item that no moment needs yet; `*index` names it.  Errors  MIEN_ERR_MEMORY */
MIEN_CHECK_RESULT
enum mien_status mien_plan_add(size_t *index, struct mien_plan *plan, size_t bytes,
                               struct mien_error *err);
/** The item is needed at this moment too. */
void mien_plan_use(struct mien_plan *plan, size_t index, int moment);
/** Largest items first, each into the first slot that is free for its whole life. */
MIEN_CHECK_RESULT
enum mien_status mien_plan_solve(struct mien_plan *plan, struct mien_error *err);
/** Bytes of all slots. */
size_t mien_plan_bytes(const struct mien_plan *plan);
void mien_plan_finish(struct mien_plan *plan);

#endif
