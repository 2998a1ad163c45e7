/** clock.h - seconds and milliseconds of a clock that is never set, for differences (internal) */
#ifndef MIEN_BASE_CLOCK_H
#define MIEN_BASE_CLOCK_H

#include <time.h>

static inline double mien_now_s(void)
{
    struct timespec now = { 0 };
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static inline double mien_now_ms(void)
{
    return mien_now_s() * 1e3;
}

#endif
