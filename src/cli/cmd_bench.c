/* cmd_bench.c - `mien bench`: its options, and what its parts share */
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "cli/cmd_bench.h"
#include "cli/commands.h"

#define FIELD(name) offsetof(struct bench_options, name)

static const struct opt bench_table[] = {
    { "batch", OPT_INT, FIELD(batch), "N",
      "images of a step (the recipe's) or of a kernel's batch [150]", .min = 1, .max = 65536 },
    { "repeat", OPT_INT, FIELD(repeat), "N", "measured repetitions [20]", .min = 1, .max = 100000 },
    { "warmup", OPT_INT, FIELD(warmup), "N", "repetitions before those [3]", .min = 1,
      .max = 100000 },
    { "classes", OPT_INT, FIELD(classes), "N", "step: classes to tell apart [7]", .min = 2,
      .max = 10000 },
    { "set", OPT_STRINGS, FIELD(settings), "KEY=VALUE",
      "step: put a value over the recipe's; may come again", .role = OPT_ANY },
    { "blas", OPT_CHOICE, FIELD(blas), "KIND", "step: " SESSION_BLAS_HELP,
      .choices = session_blas_choices },
    { "tuning", OPT_STRING, FIELD(tuning), "FILE", "step: " SESSION_TUNING_HELP, .role = OPT_ANY },
    { "layers", OPT_FLAG, FIELD(layers), NULL,
      "step: also the device's time by layer and pass, and the gaps between launches",
      .role = OPT_ANY },
    { "filter", OPT_STRING, FIELD(filter), "TEXT", "kernels: only those with this in their name",
      .role = OPT_ANY },
    { .name = NULL },
};

static const struct positional bench_positionals[] = {
    { "WHAT", FIELD(what), 1, 1, "step, kernels or compare", OPT_ANY },
    { "FILE", FIELD(files), 0, OPT_MANY,
      "step: recipes; compare: two files that --json printed, the old one first", OPT_INPUT },
    { .name = NULL },
};

static const struct bench_options bench_defaults = { .common = { .seed = -1 } };

void bench_describe_times(json_t **object, const struct mien_times *times, const char *median)
{
    mien_json_set(object, median, mien_json_real(times->median_ms));
    mien_json_set(object, "min_ms", mien_json_real(times->min_ms));
    mien_json_set(object, "q1_ms", mien_json_real(times->q1_ms));
    mien_json_set(object, "q3_ms", mien_json_real(times->q3_ms));
}

struct bench_floor bench_floor_of(double flop, double bytes, const struct mien_peaks *peaks)
{
    const double arithmetic_ms = peaks->gflop_s > 0.0 ? flop / peaks->gflop_s / 1e6 : 0.0;
    const double memory_ms = peaks->gb_s > 0.0 ? bytes / peaks->gb_s / 1e6 : 0.0;
    return arithmetic_ms > memory_ms ? (struct bench_floor){ arithmetic_ms, "arithmetic" }
                                     : (struct bench_floor){ memory_ms, "memory" };
}

static json_t *describe_peak(const struct session *session, const char *name,
                             const struct mien_measured *measured, const char *unit, double rate)
{
    json_t *object =
        json_pack("{s:s, s:s, s:o}", "bench", "peak", "name", name, unit, mien_json_real(rate));
    bench_describe_times(&object, &measured->device, "median_ms");
    mien_json_set(&object, "wall_median_ms", mien_json_real(measured->wall.median_ms));
    mien_json_set(&object, "wall_min_ms", mien_json_real(measured->wall.min_ms));
    session_describe(session, &object);
    return object;
}

enum mien_status bench_print_peaks(const struct bench_options *o, const struct session *session,
                                   const struct mien_peaks *peaks, struct term *term,
                                   struct mien_error *err)
{
    if (!o->common.json) {
        term_print(term, "peaks  %.1f GFLOP/s (multiply-add), %.1f GB/s (copy), %s\n",
                   peaks->gflop_s, peaks->gb_s, mien_cl_device(session->cl)->name);
        return MIEN_OK;
    }
    enum mien_status st = term_json(
        term,
        describe_peak(session, "peak arithmetic", &peaks->arithmetic, "gflop_s", peaks->gflop_s),
        err);
    if (st == MIEN_OK) {
        st = term_json(
            term, describe_peak(session, "peak memory", &peaks->memory, "gb_s", peaks->gb_s), err);
    }
    return st;
}

/* An option of another word than the one given is a mistake, not to be passed over. */
static enum mien_status check(const struct bench_options *o, bool step, bool kernels,
                              struct mien_error *err)
{
    const struct {
        const char *name;
        bool given, taken;
    } rules[] = {
        { "--batch", o->batch > 0, step || kernels },
        { "--repeat", o->repeat > 0, step || kernels },
        { "--warmup", o->warmup > 0, step || kernels },
        { "--device", o->common.device != NULL, step || kernels },
        { "--classes", o->classes > 0, step },
        { "--set", o->settings.count > 0, step },
        { "--blas", o->blas != MIEN_BLAS_AUTO, step },
        { "--layers", o->layers, step },
        { "--tuning", o->tuning != NULL, step },
        { "--filter", o->filter != NULL, kernels },
    };
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        if (rules[i].given && !rules[i].taken) {
            return mien_fail(err, MIEN_ERR_USAGE, "bench %s does not take %s", o->what,
                             rules[i].name);
        }
    }
    if (step && o->files.count == 0) {
        return mien_fail(err, MIEN_ERR_USAGE, "bench step needs a recipe or several");
    }
    if (kernels && o->files.count > 0) {
        return mien_fail(err, MIEN_ERR_USAGE, "bench kernels takes no file, got '%s'",
                         o->files.items[0]);
    }
    if (!step && !kernels && o->files.count != 2) {
        return mien_fail(err, MIEN_ERR_USAGE, "bench compare needs two files, got %zu",
                         o->files.count);
    }
    return MIEN_OK;
}

static enum mien_status bench(const void *options, struct term *term, struct mien_error *err)
{
    static const char *const words[] = { "step", "kernels", "compare", NULL };
    struct bench_options o = *(const struct bench_options *)options;
    const bool step = strcmp(o.what, "step") == 0;
    const bool kernels = strcmp(o.what, "kernels") == 0;
    if (!step && !kernels && strcmp(o.what, "compare") != 0) {
        const char *const near = opt_nearest(o.what, words);
        return mien_fail(err, MIEN_ERR_USAGE, "'%s' is not step, kernels or compare%s%s", o.what,
                         near != NULL ? ", did you mean " : "", near != NULL ? near : "");
    }
    const enum mien_status st = check(&o, step, kernels, err);
    if (st != MIEN_OK) {
        return st;
    }
    o.repeat = o.repeat > 0 ? o.repeat : BENCH_REPEAT;
    o.warmup = o.warmup > 0 ? o.warmup : BENCH_WARMUP;
    o.classes = o.classes > 0 ? o.classes : BENCH_CLASSES;
    return step      ? bench_step(&o, term, err)
           : kernels ? bench_kernels(&o, term, err)
                     : bench_compare(&o, term, err);
}

const struct command cmd_bench = {
    .name = "bench",
    .summary = "Measure training steps and kernels, or compare two measurements",
    .details =
        "mien bench step RECIPE... measures whole training steps on made-up images.\n"
        "mien bench kernels measures the device's peaks, then every operation.\n"
        "mien bench compare OLD NEW takes two files that --json printed and says what changed;\n"
        "noise is not called a difference.",
    .options = bench_table,
    .positionals = bench_positionals,
    .common = COMMON_DEVICE | COMMON_JSON | COMMON_QUIET,
    .options_bytes = sizeof(struct bench_options),
    .defaults = &bench_defaults,
    .run = bench,
};
