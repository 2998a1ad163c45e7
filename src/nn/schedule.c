/* schedule.c - the learning rate of each step */
#include "nn/schedule.h"

#include <math.h>

static const double pi = 3.14159265358979323846;

/* From `start` to `end` along half a cosine, for a part of 0 to 1. */
static double anneal(double start, double end, double part)
{
    return end + (start - end) / 2 * (1 + cos(pi * part));
}

static double one_cycle(const struct mien_schedule_curve *curve, double t)
{
    const double start = curve->rate / 25;
    const double end = start / 1e4;
    const double rise = curve->rise > 0 ? curve->rise : 0.3 * (double)curve->total;
    const double top = rise - 1; /* the step, not always whole, of the peak */
    const double last = (double)curve->total - 1;
    if (t <= top) {
        return top > 0 ? anneal(start, curve->rate, t / top) : curve->rate;
    }
    if (t >= last) {
        return end;
    }
    const double from = top > 0 ? top : 0;
    return anneal(curve->rate, end, (t - from) / (last - from));
}

double mien_schedule_curve_at(const struct mien_schedule_curve *curve, uint64_t t)
{
    const double step = (double)t;
    const uint64_t drops = curve->kind == MIEN_SCHEDULE_STEP ? t / curve->drop : 0;
    switch (curve->kind) {
    case MIEN_SCHEDULE_CONSTANT: break;
    case MIEN_SCHEDULE_STEP: return curve->rate * pow(curve->gamma, (double)drops);
    case MIEN_SCHEDULE_COSINE:
        return t >= curve->total
                   ? curve->min_rate
                   : anneal(curve->rate, curve->min_rate, step / (double)curve->total);
    case MIEN_SCHEDULE_ONECYCLE: return one_cycle(curve, step);
    case MIEN_SCHEDULE_PLATEAU:
        return fmax(curve->rate * pow(curve->gamma, (double)curve->drops), curve->min_rate);
    }
    return curve->rate;
}

static uint64_t warmup_steps(const struct mien_train_spec *train, uint64_t per_epoch)
{
    return (uint64_t)llround((double)train->schedule.warmup * (double)per_epoch);
}

bool mien_plateau_judge(struct mien_plateau *plateau, const struct mien_train_spec *train,
                        int epoch, size_t steps_per_epoch, double accuracy)
{
    static const double threshold = 1e-4;
    const uint64_t end = ((uint64_t)epoch + 1) * steps_per_epoch;
    if (plateau->epochs++ == 0 || accuracy > plateau->best * (1.0 + threshold)) {
        plateau->best = accuracy;
        plateau->bad = 0;
    } else if (end > warmup_steps(train, steps_per_epoch)) {
        plateau->bad++;
    }
    if (plateau->bad <= train->schedule.patience) {
        return false;
    }
    plateau->bad = 0;
    plateau->drops++;
    return true;
}

float mien_schedule_rate(const struct mien_train_spec *train, int epoch, size_t step_in_epoch,
                         size_t steps_per_epoch, int drops)
{
    const uint64_t per_epoch = steps_per_epoch > 0 ? steps_per_epoch : 1;
    const uint64_t t = (uint64_t)epoch * per_epoch + step_in_epoch;
    const uint64_t total = (uint64_t)train->epochs * per_epoch;
    const bool own = train->schedule.kind == MIEN_SCHEDULE_ONECYCLE; /* its rise is the warm-up */
    const uint64_t warmup = own ? 0 : warmup_steps(train, per_epoch);
    const double rate = (double)train->optimizer.rate;
    if (t < warmup) {
        return (float)(rate * (double)(t + 1) / (double)warmup);
    }
    const struct mien_schedule_curve curve = {
        .kind = train->schedule.kind,
        .rate = rate,
        .min_rate = (double)train->schedule.min_rate,
        .gamma = (double)train->schedule.gamma,
        .drops = drops,
        .drop = (uint64_t)train->schedule.step * per_epoch,
        .total = total > warmup ? total - warmup : 1,
        .rise = own ? (double)train->schedule.warmup * (double)per_epoch : 0.0,
    };
    return (float)mien_schedule_curve_at(&curve, t - warmup);
}
