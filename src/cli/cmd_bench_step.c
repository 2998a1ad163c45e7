/* cmd_bench_step.c - `mien bench step`: whole training steps, and where their time goes */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/number.h"
#include "cli/cmd_bench.h"
#include "cli/text.h"
#include "train/bench.h"

/* What is open during all recipes. */
struct devices {
    struct session plain;   /* for wall times: nothing is recorded */
    struct session profile; /* for --layers, with the peaks of the device */
    struct mien_peaks peaks;
};

static enum mien_status open_devices(struct devices *out, const struct bench_options *o,
                                     struct term *term, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    *out = (struct devices){ .plain = { .cl = NULL } };
    TRY(session_open(&out->plain, &o->common, false, term, err));
    TRY(session_tune(&out->plain, o->tuning, term, err));
    if (o->layers) {
        const struct mien_cl_options again = { .device = o->common.device, .profile = true };
        TRY(mien_cl_open(&out->profile.cl, &again, err));
        TRY(mien_peaks_measure(&out->peaks, out->profile.cl, o->warmup, o->repeat, err));
        TRY(bench_print_peaks(o, &out->profile, &out->peaks, term, err));
    }

done:
    return st;
}

/* The recipe with the settings of the command line, --batch as one of them. */
static enum mien_status load(struct mien_model_file *file, const char *path,
                             const struct bench_options *o, struct mien_error *err)
{
    char batch[32];
    struct opt_strings settings = { .count = 0 };
    settings.items = mien_calloc(o->settings.count + 1, sizeof(*settings.items), err);
    if (settings.items == NULL) {
        return MIEN_ERR_MEMORY;
    }
    while (settings.count < o->settings.count) {
        settings.items[settings.count] = o->settings.items[settings.count];
        settings.count++;
    }
    if (o->batch > 0) {
        (void)snprintf(batch, sizeof(batch), "train.batch=%d", o->batch);
        settings.items[settings.count++] = batch;
    }
    const enum mien_status st = session_model_of_recipe(file, path, &settings, o->classes, err);
    free(settings.items);
    return st;
}

static double per_second(double amount, double ms)
{
    return ms > 0.0 ? amount / ms * 1e3 : (double)NAN;
}

/* "conv2" and "backward filter" of a label that has both. */
static void split_label(char layer[72], const char **pass, const char *label)
{
    const char *at = strstr(label, " forward");
    at = at == NULL ? strstr(label, " backward") : at;
    const int length = at == NULL ? (int)strlen(label) : (int)(at - label);
    (void)snprintf(layer, 72, "%.*s", length, label);
    *pass = at == NULL ? "" : at + 1;
}

static json_t *describe_pass(const struct mien_bench_pass *pass, const char *network, int batch,
                             const struct mien_peaks *peaks)
{
    char layer[72];
    const char *pass_name;
    const struct bench_floor floor = bench_floor_of(pass->flop, pass->bytes, peaks);
    split_label(layer, &pass_name, pass->label);
    json_t *object =
        json_pack("{s:s, s:o, s:s, s:s, s:s, s:i, s:i, s:i, s:o, s:o, s:o, s:o, s:s}", "bench",
                  "layer", "name", json_sprintf("%s batch %d, %s", network, batch, pass->label),
                  "network", network, "layer", layer, "pass", pass_name, "batch", batch, "launches",
                  pass->launches, "slices", pass->slices, "gflop_s",
                  mien_json_real(per_second(pass->flop, pass->device.median_ms) / 1e9), "gb_s",
                  mien_json_real(per_second(pass->bytes, pass->device.median_ms) / 1e9), "floor_ms",
                  mien_json_real(floor.ms), "share",
                  mien_json_real(floor.ms / pass->device.median_ms), "bound", floor.bound);
    bench_describe_times(&object, &pass->device, "median_ms");
    return object;
}

static void print_passes(struct term *term, const struct mien_bench_passes *passes,
                         const struct mien_peaks *peaks)
{
    double floors_ms = 0.0;
    term_print(term, "  %-32s %8s %10s %10s %9s %8s %6s  %s\n", "layer and pass", "launches",
               "device ms", "floor ms", "GFLOP/s", "GB/s", "share", "bound by");
    for (size_t i = 0; i < passes->count; i++) {
        const struct mien_bench_pass *const pass = &passes->items[i];
        const struct bench_floor floor = bench_floor_of(pass->flop, pass->bytes, peaks);
        const double ms = pass->device.median_ms;
        char launches[32];
        floors_ms += floor.ms;
        if (pass->slices > pass->launches) {
            (void)snprintf(launches, sizeof(launches), "%d in %d", pass->launches, pass->slices);
        } else {
            (void)snprintf(launches, sizeof(launches), "%d", pass->launches);
        }
        term_print(term, "  %-32s %8s %10.3f %10.3f %9.1f %8.1f %5.0f%%  %s\n", pass->label,
                   launches, ms, floor.ms, per_second(pass->flop, ms) / 1e9,
                   per_second(pass->bytes, ms) / 1e9, floor.ms / ms * 100.0, floor.bound);
    }
    term_print(term, "  %-32s %8s %10.3f %10.3f %9s %8s %5.0f%%\n", "all launches", "",
               passes->device.median_ms, floors_ms, "", "",
               floors_ms / passes->device.median_ms * 100.0);
    term_print(term, "  %-32s %8s %10.3f\n", "gaps between launches", "", passes->idle.median_ms);
}

static json_t *describe_step(const struct bench_options *o, const struct session *session,
                             const char *network, const struct mien_bench_step *step)
{
    const double ms = step->step.median_ms;
    json_t *object = json_pack(
        "{s:s, s:o, s:s, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:i, s:i, s:s}", "bench", "step",
        "name", json_sprintf("%s batch %d", network, step->batch), "network", network, "batch",
        step->batch, "images_per_s", mien_json_real(per_second(step->batch, ms)), "gflop_s",
        mien_json_real(per_second(step->flop, ms) / 1e9), "flop", mien_json_real(step->flop),
        "flow_ms", mien_json_real(step->flow_ms), "flow_images_per_s",
        mien_json_real(per_second(step->batch, step->flow_ms)), "loss", mien_json_real(step->loss),
        "device_bytes", (json_int_t)step->device_bytes, "repeat", o->repeat, "warmup", o->warmup,
        "blas", session_blas_choices[o->blas]);
    bench_describe_times(&object, &step->step, "step_ms");
    session_describe(session, &object);
    return object;
}

static void print_step(struct term *term, const struct session *session, const char *network,
                       const struct mien_bench_step *step)
{
    const struct mien_times *const times = &step->step;
    char rate[TEXT_RATE_BYTES];
    char flow[TEXT_RATE_BYTES];
    char memory[MIEN_MIB_BYTES];
    term_print(term, "%s, batch %d, on %s\n", network, step->batch,
               mien_cl_device(session->cl)->name);
    term_print(term, "  step      %.3f ms median, %.3f ms minimum, quartiles %.3f and %.3f ms\n",
               times->median_ms, times->min_ms, times->q1_ms, times->q3_ms);
    term_print(term, "  in a row  %.3f ms a step, not waiting for each\n", step->flow_ms);
    term_print(term, "  images/s  %s; in a row %s\n",
               text_rate(rate, per_second(step->batch, times->median_ms)),
               text_rate(flow, per_second(step->batch, step->flow_ms)));
    term_print(term, "  GFLOP/s   %.1f (%.3f GFLOP a step: three times the forward pass)\n",
               per_second(step->flop, times->median_ms) / 1e9, step->flop / 1e9);
    term_print(term, "  memory    %s on the device\n", mien_mib(memory, step->device_bytes));
}

static enum mien_status report_layers(json_t **summary, const struct bench_options *o,
                                      const struct devices *devices, const char *network,
                                      const struct mien_bench_passes *passes, struct term *term,
                                      struct mien_error *err)
{
    const int batch = (int)json_integer_value(json_object_get(*summary, "batch"));
    if (!o->common.json) {
        print_passes(term, passes, &devices->peaks);
        return MIEN_OK;
    }
    for (size_t i = 0; i < passes->count; i++) {
        const enum mien_status st =
            term_json(term, describe_pass(&passes->items[i], network, batch, &devices->peaks), err);
        if (st != MIEN_OK) {
            return st;
        }
    }
    mien_json_set(summary, "device_ms", mien_json_real(passes->device.median_ms));
    mien_json_set(summary, "idle_ms", mien_json_real(passes->idle.median_ms));
    mien_json_set(summary, "peak_gflop_s", mien_json_real(devices->peaks.gflop_s));
    mien_json_set(summary, "peak_gb_s", mien_json_real(devices->peaks.gb_s));
    return MIEN_OK;
}

static enum mien_status measure_one(struct mien_model_file *file, const struct bench_options *o,
                                    const struct devices *devices, struct term *term,
                                    struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_bench_step step;
    struct mien_bench_passes passes = { .items = NULL };
    json_t *summary = NULL;
    const struct mien_bench_options options = {
        .warmup = o->warmup,
        .repeat = o->repeat,
        .blas = (enum mien_blas)o->blas,
        .tuning = &devices->plain.tuning,
        .log = &term->log,
    };
    const char *const network = file->recipe->name;
    TRY(mien_bench_step(&step, devices->plain.cl, file, &options, err));
    if (!isfinite(step.loss)) {
        mien_log_line(&term->log, "%s: the loss on made-up images is not finite", network);
    }
    summary = describe_step(o, &devices->plain, network, &step);
    term_clear(term);
    if (!o->common.json) {
        print_step(term, &devices->plain, network, &step);
    }
    if (o->layers) {
        TRY(mien_bench_passes(&passes, devices->profile.cl, file, &options, err));
        term_clear(term);
        TRY(report_layers(&summary, o, devices, network, &passes, term, err));
    }
    if (o->common.json) {
        json_t *const line = summary;
        summary = NULL;
        TRY(term_json(term, line, err));
    }
    term_flush(term);

done:
    json_decref(summary);
    mien_bench_passes_finish(&passes);
    return st;
}

enum mien_status bench_step(const struct bench_options *o, struct term *term,
                            struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct devices devices = { .plain = { .cl = NULL } };
    struct mien_model_file *const files = mien_calloc(o->files.count, sizeof(*files), err);
    if (files == NULL) {
        return MIEN_ERR_MEMORY;
    }
    for (size_t i = 0; i < o->files.count; i++) { /* all, before a device works for minutes */
        TRY(load(&files[i], o->files.items[i], o, err));
    }
    TRY(open_devices(&devices, o, term, err));
    for (size_t i = 0; i < o->files.count; i++) {
        TRY(measure_one(&files[i], o, &devices, term, err));
    }

done:
    term_clear(term);
    session_close(&devices.profile);
    session_close(&devices.plain);
    for (size_t i = 0; i < o->files.count; i++) {
        mien_model_file_finish(&files[i]);
    }
    free(files);
    return st;
}
