/* finding.c - what is wrong with numbers that a device computed */
#include "verify/finding.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const uint32_t poison = 0xFFFFFFFFu; /* as a float a NaN that no kernel computes */

const char *mien_fault_name(enum mien_fault fault)
{
    static const char *const names[] = {
        [MIEN_FAULT_NONE] = "",
        [MIEN_FAULT_WRONG] = "wrong",
        [MIEN_FAULT_NOT_FINITE] = "not finite",
        [MIEN_FAULT_UNWRITTEN] = "unwritten",
        [MIEN_FAULT_OUTSIDE] = "outside",
        [MIEN_FAULT_REFUSED] = "refused",
    };
    return names[fault];
}

void mien_finding_note(struct mien_finding *finding, enum mien_fault fault, const char *fmt, ...)
{
    if (fault > finding->fault) {
        va_list args;
        va_start(args, fmt);
        (void)vsnprintf(finding->text, sizeof(finding->text), fmt, args);
        va_end(args);
        finding->fault = fault;
    }
}

/* The error in parts of what it may be; where it may not be anything, any is too much. */
static double share_of(const struct mien_finding *finding)
{
    if (finding->tolerance > 0.0) {
        return finding->error / finding->tolerance;
    }
    return finding->error > 0.0 ? HUGE_VAL : 0.0;
}

bool mien_finding_merge(struct mien_finding *finding, const struct mien_finding *other)
{
    const bool worse = finding->tolerance < 0.0 || other->fault > finding->fault ||
                       (other->fault == finding->fault && share_of(other) > share_of(finding));
    if (worse) {
        *finding = *other;
    }
    return worse;
}

static bool is_poison(float number)
{
    uint32_t bits;
    memcpy(&bits, &number, sizeof(bits));
    return bits == poison;
}

/* What keeps a number from being compared. */
static enum mien_fault fault_of(float got)
{
    return is_poison(got)  ? MIEN_FAULT_UNWRITTEN
           : isfinite(got) ? MIEN_FAULT_NONE
                           : MIEN_FAULT_NOT_FINITE;
}

static double error_of(float got, float want, float scale)
{
    const double distance = fabs((double)got - (double)want);
    return distance > 0.0 ? distance / (double)scale : 0.0;
}

static float largest(const float *numbers, size_t count)
{
    float most = 1e-30f;
    for (size_t i = 0; i < count; i++) {
        most = fabsf(numbers[i]) > most ? fabsf(numbers[i]) : most;
    }
    return most;
}

void mien_compare_written(struct mien_finding *finding, const char *name, const float *got,
                          size_t count)
{
    size_t faults[MIEN_FAULT_REFUSED + 1] = { 0 };
    size_t first[MIEN_FAULT_REFUSED + 1] = { 0 };
    for (size_t i = 0; i < count; i++) {
        const enum mien_fault fault = fault_of(got[i]);
        if (faults[fault]++ == 0) {
            first[fault] = i;
        }
    }
    if (faults[MIEN_FAULT_NOT_FINITE] > 0) {
        mien_finding_note(finding, MIEN_FAULT_NOT_FINITE,
                          "%s: %zu of %zu numbers are not finite, the first is %g at %zu", name,
                          faults[MIEN_FAULT_NOT_FINITE], count,
                          (double)got[first[MIEN_FAULT_NOT_FINITE]], first[MIEN_FAULT_NOT_FINITE]);
    }
    if (faults[MIEN_FAULT_UNWRITTEN] > 0) {
        mien_finding_note(finding, MIEN_FAULT_UNWRITTEN,
                          "%s: %zu of %zu numbers were not written, the first at %zu", name,
                          faults[MIEN_FAULT_UNWRITTEN], count, first[MIEN_FAULT_UNWRITTEN]);
    }
}

void mien_compare_one(struct mien_finding *finding, float got, float want, float scale,
                      const char *where)
{
    const enum mien_fault fault = fault_of(got);
    if (fault != MIEN_FAULT_NONE) {
        mien_finding_note(finding, fault, "%s: %s", where,
                          fault == MIEN_FAULT_UNWRITTEN ? "was not written" : "is not finite");
        return;
    }
    const double error = error_of(got, want, scale);
    if (error > finding->tolerance && error > finding->error) {
        finding->fault = finding->fault == MIEN_FAULT_WRONG ? MIEN_FAULT_NONE : finding->fault;
        mien_finding_note(finding, MIEN_FAULT_WRONG, "%s: got %.9g, want %.9g", where, (double)got,
                          (double)want);
    }
    finding->error = error > finding->error ? error : finding->error;
}

void mien_compare(struct mien_finding *finding, const struct mien_compared *what)
{
    const float scale = what->scale > 0.0f ? what->scale : largest(what->want, what->count);
    size_t worst = 0;
    double error = -1.0;
    mien_compare_written(finding, what->name, what->got, what->count);
    for (size_t i = 0; i < what->count; i++) {
        const double here = fault_of(what->got[i]) == MIEN_FAULT_NONE
                                ? error_of(what->got[i], what->want[i], scale)
                                : -1.0;
        worst = here > error ? i : worst;
        error = here > error ? here : error;
    }
    if (error >= 0.0) {
        char where[64];
        (void)snprintf(where, sizeof(where), "%.24s: number %zu of %zu", what->name, worst,
                       what->count);
        mien_compare_one(finding, what->got[worst], what->want[worst], scale, where);
    }
}

enum mien_status mien_guarded_create(struct mien_guarded *out, struct mien_cl *cl, size_t bytes,
                                     struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const size_t words = (bytes + sizeof(poison) - 1) / sizeof(poison); /* mien_cl_fill() fills */
    *out = (struct mien_guarded){ .bytes = bytes };
    TRY(mien_cl_buffer_create(&out->whole, cl, words * sizeof(poison) + 2 * MIEN_GUARD_BYTES, err));
    TRY(mien_cl_buffer_window(&out->buffer, out->whole, MIEN_GUARD_BYTES, bytes, err));

done:
    if (st != MIEN_OK) {
        mien_guarded_finish(out);
    }
    return st;
}

void mien_guarded_finish(struct mien_guarded *guarded)
{
    mien_cl_buffer_destroy(guarded->buffer);
    mien_cl_buffer_destroy(guarded->whole);
    *guarded = (struct mien_guarded){ NULL, NULL, 0 };
}

enum mien_status mien_guarded_resize(struct mien_guarded *guarded, struct mien_cl *cl, size_t bytes,
                                     struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const size_t had = guarded->whole != NULL ? mien_cl_buffer_bytes(guarded->whole) : 0;
    if (guarded->bytes == bytes) {
        return MIEN_OK;
    }
    mien_cl_drain(cl); /* an earlier window may be in use */
    if (had < bytes + 2 * MIEN_GUARD_BYTES) {
        mien_guarded_finish(guarded);
        TRY(mien_guarded_create(guarded, cl, bytes, err));
        TRY(mien_guarded_poison(guarded, cl, err));
        goto done;
    }
    mien_cl_buffer_destroy(guarded->buffer);
    guarded->buffer = NULL;
    guarded->bytes = bytes;
    if (bytes > 0) {
        TRY(mien_cl_buffer_window(&guarded->buffer, guarded->whole, MIEN_GUARD_BYTES, bytes, err));
    }

done:
    if (st != MIEN_OK) {
        mien_guarded_finish(guarded);
    }
    return st;
}

enum mien_status mien_guarded_poison(struct mien_guarded *guarded, struct mien_cl *cl,
                                     struct mien_error *err)
{
    return mien_cl_fill(cl, guarded->whole, poison, err);
}

enum mien_status mien_guarded_heal(struct mien_guarded *guarded, struct mien_cl *cl,
                                   struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    unsigned char guard[MIEN_GUARD_BYTES];
    memset(guard, 0xFF, sizeof(guard));
    TRY(mien_cl_write(cl, guarded->whole, 0, guard, sizeof(guard), err));
    TRY(mien_cl_write(cl, guarded->whole, MIEN_GUARD_BYTES + guarded->bytes, guard, sizeof(guard),
                      err));

done:
    return st;
}

/* How many of the bytes before and behind are whole, counted from the buffer. */
static size_t whole_before(const unsigned char before[MIEN_GUARD_BYTES])
{
    size_t whole = 0;
    while (whole < MIEN_GUARD_BYTES && before[MIEN_GUARD_BYTES - 1 - whole] == 0xFF) {
        whole++;
    }
    return whole;
}

static size_t whole_behind(const unsigned char behind[MIEN_GUARD_BYTES])
{
    size_t whole = 0;
    while (whole < MIEN_GUARD_BYTES && behind[whole] == 0xFF) {
        whole++;
    }
    return whole;
}

enum mien_status mien_guarded_check(struct mien_finding *finding, const char *name,
                                    const struct mien_guarded *guarded, struct mien_cl *cl,
                                    struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    unsigned char before[MIEN_GUARD_BYTES];
    unsigned char behind[MIEN_GUARD_BYTES];
    const size_t end = MIEN_GUARD_BYTES + guarded->bytes;
    TRY(mien_cl_read(cl, before, guarded->whole, 0, sizeof(before), err));
    TRY(mien_cl_read(cl, behind, guarded->whole, end, sizeof(behind), err));
    const size_t low = whole_before(before);
    const size_t high = whole_behind(behind);
    if (high < MIEN_GUARD_BYTES) {
        mien_finding_note(finding, MIEN_FAULT_OUTSIDE,
                          "%s: byte %zu behind its %zu bytes was written", name, high,
                          guarded->bytes);
    }
    if (low < MIEN_GUARD_BYTES) {
        mien_finding_note(finding, MIEN_FAULT_OUTSIDE,
                          "%s: byte %zu before its %zu bytes was written", name, low + 1,
                          guarded->bytes);
    }

done:
    return st;
}
