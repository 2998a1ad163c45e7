/* cmd_bench_kernels.c - `mien bench kernels`: the device's peaks, then every operation */
#include <math.h>

#include "base/error.h"
#include "base/json.h"
#include "cli/cmd_bench.h"
#include "tune/kernels.h"

/* Where results go. */
struct printer {
    const struct bench_options *options;
    const struct session *session;
    const struct mien_peaks *peaks;
    struct term *term;
};

/* Thousand millions a second; NaN where the device has no clock. */
static double rate(double amount, double ms)
{
    return ms > 0.0 ? amount / ms / 1e6 : (double)NAN;
}

static enum mien_status print(void *user, const struct mien_kernel_result *result,
                              struct mien_error *err)
{
    const struct printer *const printer = user;
    const struct mien_times *const device = &result->times.device;
    const struct mien_times *const wall = &result->times.wall;
    const struct bench_floor floor = bench_floor_of(result->flop, result->bytes, printer->peaks);
    const double gflop_s = rate(result->flop, device->median_ms);
    const double gb_s = rate(result->bytes, device->median_ms);
    const double share = device->median_ms > 0.0 ? floor.ms / device->median_ms : (double)NAN;
    if (!printer->options->common.json) {
        term_print(printer->term, "%-78s %9.3f %9.3f %9.3f %9.3f %8.1f %7.1f %5.0f%%  %s\n",
                   result->name, device->median_ms, device->min_ms, wall->median_ms, wall->min_ms,
                   gflop_s, gb_s, share * 100.0, floor.bound);
        term_flush(printer->term);
        return MIEN_OK;
    }
    json_t *object = json_pack(
        "{s:s, s:s, s:s, s:i, s:o, s:o, s:o, s:o, s:s, s:o, s:o}", "bench", "kernel", "name",
        result->name, "kind", result->kind, "batch", printer->options->batch, "gflop_s",
        mien_json_real(gflop_s), "gb_s", mien_json_real(gb_s), "floor_ms", mien_json_real(floor.ms),
        "share", mien_json_real(share), "bound", floor.bound, "wall_median_ms",
        mien_json_real(wall->median_ms), "wall_min_ms", mien_json_real(wall->min_ms));
    bench_describe_times(&object, device, "median_ms");
    session_describe(printer->session, &object);
    return term_json(printer->term, object, err);
}

enum mien_status bench_kernels(const struct bench_options *o, struct term *term,
                               struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct session session = { .cl = NULL };
    struct mien_peaks peaks;
    struct bench_options resolved = *o;
    resolved.batch = o->batch > 0 ? o->batch : BENCH_BATCH;
    TRY(session_open(&session, &o->common, true, term, err));
    TRY(mien_peaks_measure(&peaks, session.cl, o->warmup, o->repeat, err));
    TRY(bench_print_peaks(o, &session, &peaks, term, err));
    if (!o->common.json) {
        term_print(term, "%-78s %9s %9s %9s %9s %8s %7s %6s\n", "milliseconds: median, minimum",
                   "device", "", "wall", "", "GFLOP/s", "GB/s", "share");
    }
    struct printer printer = { &resolved, &session, &peaks, term };
    const struct mien_kernels_options options = {
        .batch = resolved.batch,
        .warmup = o->warmup,
        .repeat = o->repeat,
        .filter = o->filter,
        .log = &term->log,
        .result = print,
        .user = &printer,
    };
    TRY(mien_kernels_measure(session.cl, &options, err));

done:
    session_close(&session);
    return st;
}
