/*
 * fuzz_json.c - files of JSON that mien reads again: those of a run, a sweep, a report, a
 * measurement, a self-test
 *
 * A letter, which of them it is, then the file.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "cl/device_file.h"
#include "cli/cmd_bench.h"
#include "cli/report_parts.h"
#include "cli/train_origin.h"
#include "fuzz/fuzz.h"
#include "report/report.h"
#include "train/proof.h"
#include "train/run_files.h"
#include "train/sweep.h"

enum { TRIALS = 4, RUNGS = 3 };

static char key[] = "train.batch";
static char texts[TRIALS][16] = { "train.batch=4", "train.batch=8", "train.batch=16",
                                  "train.batch=32" };

/* A sweep of four trials, asked for as in the corpus. */
static void read_sweep(const char *path)
{
    struct mien_sweep_axis axis = { .key = key, .count = TRIALS };
    struct mien_sweep_trial trials[TRIALS];
    char *settings[TRIALS];
    memset(trials, 0, sizeof(trials));
    for (int t = 0; t < TRIALS; t++) {
        settings[t] = texts[t];
        trials[t].settings = &settings[t];
    }
    struct mien_sweep sweep = { .axes = &axis,
                                .axis_count = 1,
                                .trials = trials,
                                .trial_count = TRIALS,
                                .rung_epochs = { 1, 2, 4 },
                                .rung_trials = { 4, 2, 1 },
                                .rung_count = RUNGS };
    struct mien_error err = { "" };
    json_t *const asked = json_pack("{s:i}", "epochs", 1);
    const enum mien_status st = mien_sweep_load(&sweep, path, asked, &err);
    fuzz_outcome(st, st == MIEN_OK ? &sweep : NULL, &err);
    for (int t = 0; t < TRIALS; t++) {
        fuzz_expect(trials[t].rungs >= 0 && trials[t].rungs <= RUNGS, "no trial made more rungs");
    }
    if (st == MIEN_OK) {
        json_t *const text = mien_sweep_describe(&sweep);
        fuzz_expect(text != NULL, "what was read can be told");
        json_decref(text);
    }
    json_decref(asked);
}

/* run.json, for each of its readers. */
static void read_run(const char *path)
{
    static const struct train_options options = { .split = -1.0, .keep_every = -1, .blas = -1 };
    struct train_origin origin = { .data = NULL };
    struct mien_error err = { "" };
    enum mien_status st = train_origin_of(&origin, path, &options, &err);
    fuzz_outcome(st, st == MIEN_OK ? origin.data : NULL, &err);
    fuzz_expect(origin.split >= 0.0 && origin.split <= 0.9 && origin.keep_every >= 0,
                "what a run was begun with is in its limits");
    train_origin_finish(&origin);

    json_t *info = json_object();
    mien_run_add_commands(&info, path, "mien train", true);
    fuzz_expect(json_is_string(json_object_get(info, "command")) &&
                    json_is_array(json_object_get(info, "resumed_by")),
                "there is a command, and a list of others");
    json_decref(info);

    json_t *const report = json_object();
    st = report_add_info(report, path, &err);
    fuzz_outcome(st, json_object_get(report, "run"), &err);
    json_decref(report);
}

static void read_report(const char *path)
{
    struct mien_error err = { "" };
    json_t *report = NULL;
    char *page = NULL;
    size_t bytes = 0;
    enum mien_status st = mien_json_read(&report, path, REPORT_LARGEST_BYTES, &err);
    fuzz_outcome(st, report, &err);
    if (st == MIEN_OK) {
        st = mien_report_page(&page, &bytes, report, &err);
        fuzz_outcome(st, page, &err);
        fuzz_touch(page, bytes);
    }
    free(page);
    json_decref(report);
}

static void read_lines(const char *path)
{
    struct mien_error err = { "" };
    json_t *lines = NULL;
    const enum mien_status st = bench_read(&lines, path, &err);
    fuzz_outcome(st, st == MIEN_OK ? lines : NULL, &err);
    json_decref(lines);
}

/* As it is, and with the head of this device and these kernels, which changes with each of them. */
static void read_proof(const char *path)
{
    static const struct mien_device_info device;
    char text[MIEN_DEVICE_TEXT_BYTES];
    char hash[33];
    int version[3];
    struct mien_error err = { "" };
    struct mien_proof proof;
    json_t *root = NULL;
    fuzz_expect(mien_proof_load(&proof, path, &device, &err) == MIEN_OK, "no file is an error");
    mien_proof_finish(&proof);
    if (mien_json_read(&root, path, 1 << 20, &err) == MIEN_OK && json_is_object(root)) {
        mien_device_text(text, &device);
        mien_kernels_hash(hash);
        (void)json_object_set_new(root, "format", json_string("mien-selftest 3"));
        (void)json_object_set_new(root, "mien", json_string(MIEN_VERSION));
        (void)json_object_set_new(root, "device", json_string(text));
        (void)json_object_set_new(root, "kernels", json_string(hash));
        mien_blas_version(version);
        (void)json_object_set_new(root, "clblast",
                                  json_sprintf("%d.%d.%d", version[0], version[1], version[2]));
        char *const dressed = json_dumps(root, JSON_COMPACT);
        fuzz_expect(dressed != NULL, "what was read can be written");
        const char *const again = fuzz_file((const uint8_t *)dressed, strlen(dressed));
        fuzz_expect(mien_proof_load(&proof, again, &device, &err) == MIEN_OK,
                    "no file is an error");
        fuzz_expect(proof.known == (json_is_array(json_object_get(root, "wrong")) &&
                                    json_is_boolean(json_object_get(root, "whole")) &&
                                    json_is_boolean(json_object_get(root, "network"))),
                    "a list of what is wrong is known, with what was looked at");
        for (size_t i = 0; i < proof.wrong.count; i++) {
            fuzz_touch(&proof.wrong.items[i], sizeof(proof.wrong.items[i]));
        }
        mien_proof_finish(&proof);
        free(dressed);
    }
    json_decref(root);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    const char *const path = fuzz_file(data + 1, size - 1);
    switch (data[0]) {
    case 's': read_sweep(path); break;
    case 'r': read_run(path); break;
    case 'p': read_report(path); break;
    case 'b': read_lines(path); break;
    case 't': read_proof(path); break;
    default: break;
    }
    return 0;
}
