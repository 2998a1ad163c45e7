/* rate_test.c - a learning-rate range test: the loss of steps while the rate rises */
#include "train/rate_test.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"

/* Weights of a step's neighbours in the curve, and of past steps in what ends the test. */
static const double around = 0.9, past = 0.95;
static const double diverged = 4.0;     /* times the lowest mean of past losses */
static const double most = 2.0;         /* times the mean of the first losses that one may count */
enum { FIRST = 10, LEAST_POINTS = 20 }; /* steps: the first, and those that say anything */

const char *mien_rate_end_text(enum mien_rate_end end)
{
    switch (end) {
    case MIEN_RATE_ALL_STEPS: return "all steps done";
    case MIEN_RATE_DIVERGED: return "the loss diverged";
    case MIEN_RATE_INTERRUPTED: return "interrupted";
    }
    return "unknown";
}

/* Sum of `weight` to the powers 0 to n - 1. */
static double sum_of_weights(double weight, size_t n)
{
    return (1.0 - pow(weight, (double)n)) / (1.0 - weight);
}

/*
 * The same number of steps on both sides wherever there are any, so the curve does not lag; losses
 * that diverge count as twice the first ones, else those behind a step would bury it.
 */
static void smooth(struct mien_rate_point *points, size_t count)
{
    double limit = 0.0;
    const size_t first = count < FIRST ? count : FIRST;
    for (size_t i = 0; i < first; i++) {
        limit += most * points[i].loss / (double)first;
    }
    double sum = 0.0;
    for (size_t i = 0; i < count; i++) {
        sum = around * sum + fmin(points[i].loss, limit);
        points[i].smooth = sum;
    }
    sum = 0.0;
    for (size_t i = count; i-- > 0;) {
        points[i].smooth += around * sum; /* those behind it */
        sum = around * sum + fmin(points[i].loss, limit);
        points[i].smooth /= sum_of_weights(around, i + 1) + sum_of_weights(around, count - i) - 1.0;
    }
}

/* The slope of the line that fits smoothed points first to last best, over log(rate). */
static double slope_of(const struct mien_rate_point *points, size_t first, size_t last)
{
    const double n = (double)(last - first + 1);
    double mean_x = 0.0;
    double mean_y = 0.0;
    double xx = 0.0;
    double xy = 0.0;
    for (size_t i = first; i <= last; i++) {
        mean_x += log(points[i].rate) / n;
        mean_y += points[i].smooth / n;
    }
    for (size_t i = first; i <= last; i++) {
        const double x = log(points[i].rate) - mean_x;
        xx += x * x;
        xy += x * (points[i].smooth - mean_y);
    }
    return xx > 0.0 ? xy / xx : 0.0;
}

/* What a smoothed loss may be off by, from how far losses lie off the smoothed curve. */
static double noise_until(const struct mien_rate_point *points, size_t last)
{
    const double part = (1.0 - around) / (1.0 + around); /* of the step itself */
    const double rest = around * around / (1.0 - around * around);
    double squares = 0.0;
    for (size_t i = 0; i <= last; i++) {
        const double off = points[i].loss - points[i].smooth;
        squares += off * off;
    }
    return sqrt(squares / (double)(last + 1) * part * part * (1.0 + 2.0 * rest));
}

/*
 * The rate where smoothed points up to the lowest fall most steeply: the middle of a window of
 * `reach` points on both sides.  Where none has room before the lowest point, windows end at the
 * highest and at the lowest.
 */
static double find_steepest(const struct mien_rate_curve *curve, size_t highest, size_t lowest,
                            size_t reach)
{
    const struct mien_rate_point *const points = curve->points;
    double steepest = 0.0;
    double rate = 0.0;
    for (size_t i = reach; i <= lowest && i + reach < curve->count; i++) {
        const double slope = slope_of(points, i - reach, i + reach);
        if (slope < steepest) {
            steepest = slope;
            rate = points[i].rate;
        }
    }
    const bool found = rate > 0.0;
    for (size_t i = highest; !found && i <= lowest; i++) {
        const size_t first = i > highest + reach ? i - reach : highest;
        const size_t last = i + reach < lowest ? i + reach : lowest;
        const double slope = slope_of(points, first, last);
        if (slope < steepest) {
            steepest = slope;
            rate = points[(first + last) / 2].rate;
        }
    }
    return rate;
}

void mien_rate_judge(struct mien_rate_curve *curve)
{
    const struct mien_rate_point *const points = curve->points;
    const size_t count = curve->count;
    const size_t reach = count / 20 > 2 ? count / 20 : 2;
    size_t lowest = 0;
    size_t highest = 0; /* before the lowest */
    smooth(curve->points, count);
    curve->steepest = 0.0;
    curve->lowest = 0.0;
    curve->open = false;
    if (count < LEAST_POINTS) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        lowest = points[i].smooth < points[lowest].smooth ? i : lowest;
    }
    for (size_t i = 0; i < lowest; i++) {
        highest = points[i].smooth > points[highest].smooth ? i : highest;
    }
    if (points[highest].smooth - points[lowest].smooth < 4.0 * noise_until(points, lowest)) {
        return;
    }
    curve->steepest = find_steepest(curve, highest, lowest, reach);
    curve->lowest = points[lowest].rate;
    curve->open = lowest + reach >= count && curve->end != MIEN_RATE_DIVERGED;
}

/* A test under way. */
struct test {
    const struct mien_rate_test_options *options;
    struct mien_rate_curve *curve;
    struct mien_trainer trainer;
    struct mien_softmax_stats summed; /* of the epoch, up to the step before */
    double past_losses; /* sum over the steps so far, each weighted `past` of the one behind it */
    double lowest;      /* mean of them so far */
};

static enum mien_status begin_epoch(struct test *test, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_trainer *const trainer = &test->trainer;
    if (trainer->position.step == mien_trainer_steps(trainer)) {
        trainer->position.epoch++;
        trainer->position.step = 0;
    }
    if (trainer->position.step == 0) {
        TRY(mien_trainer_begin_epoch(trainer, err));
        TRY(mien_trainer_stats(&test->summed, trainer, err));
    }

done:
    return st;
}

/* Make one step, and add it to the curve unless its loss is not finite. */
static enum mien_status make_step(struct test *test, bool *over, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_rate_test_options *const options = test->options;
    struct mien_rate_curve *const curve = test->curve;
    struct mien_softmax_stats stats;
    struct mien_guard guard;
    const double part = (double)curve->count / (double)(options->steps - 1);
    struct mien_rate_point *const point = &curve->points[curve->count];
    point->rate = options->from * pow(options->to / options->from, part);
    TRY(begin_epoch(test, err));
    TRY(mien_trainer_step_at(&test->trainer, (float)point->rate, err));
    TRY(mien_trainer_stats(&stats, &test->trainer, err));
    TRY(mien_trainer_guard(&guard, &test->trainer, err));
    point->loss = mien_softmax_mean_loss(&stats, &test->summed);
    test->summed = stats;
    if (!isfinite(point->loss) || guard.faults != 0) { /* no step is made from here on */
        curve->end = MIEN_RATE_DIVERGED;
        *over = true;
        goto done;
    }
    curve->count++;
    test->past_losses = past * test->past_losses + point->loss;
    point->smooth = test->past_losses / sum_of_weights(past, curve->count);
    test->lowest = curve->count == 1 ? point->smooth : fmin(test->lowest, point->smooth);
    if (options->progress != NULL) {
        options->progress(options->user, curve->count, point);
    }
    if (point->smooth > diverged * test->lowest) {
        curve->end = MIEN_RATE_DIVERGED;
        *over = true;
    } else if (curve->count >= 2 && curve->count < options->steps && options->stop != NULL &&
               options->stop(options->user)) {
        curve->end = MIEN_RATE_INTERRUPTED;
        *over = true;
    }

done:
    return st;
}

enum mien_status mien_rate_test(struct mien_rate_curve *out, struct mien_cl *cl,
                                struct mien_model_file *file, const struct mien_dataset *set,
                                const struct mien_rate_test_options *options,
                                struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct test test = { .options = options, .curve = out };
    bool over = false;
    *out = (struct mien_rate_curve){ .end = MIEN_RATE_ALL_STEPS };
    out->points = mien_calloc(options->steps, sizeof(*out->points), err);
    if (out->points == NULL) {
        return MIEN_ERR_MEMORY;
    }
    TRY(mien_trainer_init(&test.trainer, cl, file, set, &options->trainer, err));
    while (!over && out->count < options->steps) {
        TRY(make_step(&test, &over, err));
    }
    mien_rate_judge(out);

done:
    mien_trainer_finish(&test.trainer);
    if (st != MIEN_OK) {
        mien_rate_curve_finish(out);
    }
    return st;
}

void mien_rate_curve_finish(struct mien_rate_curve *curve)
{
    free(curve->points);
    *curve = (struct mien_rate_curve){ .points = NULL };
}
