/** arith.h - small integer arithmetic of sizes (internal to src/ops) */
#ifndef MIEN_OPS_ARITH_H
#define MIEN_OPS_ARITH_H

/** a / b rounded up; both positive. */
static inline int mien_divide_up(int a, int b)
{
    return (a + b - 1) / b;
}

static inline int mien_at_most(int value, int limit)
{
    return value < limit ? value : limit;
}

/** a rounded up to a multiple of b. */
static inline int mien_round_up(int a, int b)
{
    return mien_divide_up(a, b) * b;
}

#endif
