/* train_view.c - what is shown of a run while it goes on */
#include "cli/train_view.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "cli/plot.h"
#include "cli/report_parts.h"
#include "cli/text.h"
#include "train/history.h"

enum { GAP = 3, NARROWEST = 34, CURVE_LINES = 7 }; /* columns and lines of the curves */

enum mien_status train_view_check_board(const char *board, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    char text[128];
    struct stat info;
    if (board == NULL) {
        return MIEN_OK;
    }
    char *at = mien_strdup(board, err);
    bool there = at != NULL && stat(at, &info) == 0;
    while (at != NULL && !there && errno == ENOENT && *board != '\0') {
        char *const up = mien_path_folder(at, err);
        free(at);
        at = up;
        there = at != NULL && stat(at, &info) == 0;
    }
    if (at == NULL) {
        st = MIEN_ERR_MEMORY;
    } else if (there && !S_ISDIR(info.st_mode)) {
        st = mien_fail(err, MIEN_ERR_IO, "%s: is no folder", at);
    } else if (!there || access(at, W_OK | X_OK) != 0) {
        st = mien_fail(err, MIEN_ERR_IO, "%s: %s", at, strerror_r(errno, text, sizeof(text)));
    }
    free(at);
    return st;
}

enum mien_status train_view_init(struct train_view *view, struct mien_error *err)
{
    if (!view->watch) {
        return MIEN_OK;
    }
    view->page = mien_path_join(view->folder, "report.html", err);
    view->json = mien_path_join(view->folder, "report.json", err);
    return view->page != NULL && view->json != NULL ? MIEN_OK : MIEN_ERR_MEMORY;
}

void train_view_finish(struct train_view *view)
{
    free(view->page);
    free(view->json);
    json_decref(view->samples);
    mien_events_close(view->events[0]);
    mien_events_close(view->events[1]);
    *view = (struct train_view){ .term = NULL };
}

void train_view_progress(void *user, const struct mien_run_progress *p)
{
    const struct train_view *const view = user;
    char what[48];
    char extra[96];
    (void)snprintf(what, sizeof(what), "epoch %d/%d", p->epoch, p->epochs);
    (void)snprintf(extra, sizeof(extra), "loss %.4f acc %.2f %%", p->loss, p->accuracy * 100.0);
    term_progress(view->term, what, p->images, p->image_count, extra);
}

static void print_epoch(struct term *term, const struct mien_epoch *row, bool best)
{
    char validation[64] = "";
    char rate[TEXT_RATE_BYTES];
    if (row->validated) {
        (void)snprintf(validation, sizeof(validation), "  validation loss %.4f acc %5.2f %%",
                       row->validation_loss, row->validation_accuracy * 100.0);
    }
    term_print(term, "epoch %3d  train loss %.4f acc %5.2f %%%s  %6.1f s  %7s images/s%s\n",
               row->epoch, row->train_loss, row->train_accuracy * 100.0, validation, row->seconds,
               text_rate(rate, row->images_per_s), best ? "  best" : "");
    term_flush(term);
}

/* Numbers of an epoch for one of the two curves; its file begins with them, and makes the board's
 * folder, which may lie in the run's: there is a checkpoint by then. */
static enum mien_status add_events(struct train_view *view, int curve, int epoch,
                                   const struct mien_scalar *scalars, size_t count,
                                   struct mien_error *err)
{
    static const char *const names[2] = { "train", "validation" };
    enum mien_status st = MIEN_OK;
    struct timespec now = { 0 };
    (void)clock_gettime(CLOCK_REALTIME, &now);
    const double wall_s = (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
    char *path = NULL;
    if (view->events[curve] == NULL) {
        path = mien_path_join(view->board, names[curve], err);
        if (path == NULL) {
            return MIEN_ERR_MEMORY;
        }
        TRY(mien_events_open(&view->events[curve], path, wall_s, epoch, err));
    }
    TRY(mien_events_add(view->events[curve], wall_s, epoch, scalars, count, err));

done:
    free(path);
    return st;
}

/* Curves of one name in two folders: TensorBoard shows them over each other. */
static void log_epoch(struct train_view *view, const struct mien_epoch *row)
{
    struct mien_error problem = { "" };
    const struct mien_scalar training[] = { { "loss", row->train_loss },
                                            { "accuracy", row->train_accuracy },
                                            { "rate", row->rate },
                                            { "images_per_s", row->images_per_s } };
    const struct mien_scalar validation[] = { { "loss", row->validation_loss },
                                              { "accuracy", row->validation_accuracy } };
    enum mien_status st = add_events(view, 0, row->epoch, training, 4, &problem);
    if (st == MIEN_OK && row->validated) {
        st = add_events(view, 1, row->epoch, validation, 2, &problem);
    }
    if (st != MIEN_OK) { /* what comes behind half an event could not be read */
        mien_log_line(&view->term->log, "no more events for TensorBoard: %s", problem.text);
        view->lost = true;
    }
}

/* Two plots beside each other, as a block below what was printed. */
static enum mien_status draw_plots(struct term *term, const struct plot plots[2],
                                   struct mien_error *err)
{
    enum { LINES = CURVE_LINES + 1, BYTES = LINES * (2 * PLOT_LINE_BYTES + GAP + 1) + 1 };
    char line[PLOT_LINE_BYTES];
    struct plot_drawing *const drawings = mien_calloc(2, sizeof(*drawings), err);
    char *const text = mien_calloc(BYTES, 1, err);
    if (drawings != NULL && text != NULL) {
        size_t used = 0;
        plot_draw(&drawings[0], &plots[0]);
        plot_draw(&drawings[1], &plots[1]);
        for (int i = 0; i < LINES; i++) {
            char other[PLOT_LINE_BYTES];
            const int wrote = snprintf(text + used, BYTES - used, "%s%*s%s\n",
                                       plot_line(line, &plots[0], &drawings[0], i), GAP, "",
                                       plot_line(other, &plots[1], &drawings[1], i));
            used += (size_t)wrote; /* BYTES has room for all */
        }
        term_block(term, text, LINES);
    }
    const bool good = drawings != NULL && text != NULL;
    free(drawings);
    free(text);
    return good ? MIEN_OK : MIEN_ERR_MEMORY;
}

/* Loss and accuracy of all epochs, where the terminal has room for them. */
static enum mien_status draw_curves(const struct train_view *view, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_epoch *rows = NULL;
    size_t count = 0;
    int columns = 0;
    int lines = 0;
    char *path = NULL;
    double *values = NULL;
    term_size(&columns, &lines);
    int each = (columns - 1 - GAP) / 2;
    each = each < PLOT_COLUMNS ? each : PLOT_COLUMNS;
    if (each < NARROWEST || lines < CURVE_LINES + 5) {
        return MIEN_OK;
    }
    path = mien_path_join(view->folder, "history.csv", err);
    if (path == NULL) {
        return MIEN_ERR_MEMORY;
    }
    TRY(mien_history_load(&rows, &count, path, err));
    values = mien_calloc(count, 4 * sizeof(*values), err);
    if (values == NULL) {
        st = MIEN_ERR_MEMORY;
        goto done;
    }
    for (size_t i = 0; i < count; i++) {
        const double none = (double)NAN;
        values[i] = rows[i].train_loss;
        values[count + i] = rows[i].validated ? rows[i].validation_loss : none;
        values[2 * count + i] = rows[i].train_accuracy;
        values[3 * count + i] = rows[i].validated ? rows[i].validation_accuracy : none;
    }
    const size_t epochs = (size_t)view->file->recipe->train.epochs;
    struct plot plots[2] = { { .title = "loss" }, { .title = "accuracy", .percent = true } };
    for (int k = 0; k < 2; k++) {
        plots[k].values[0] = values + (size_t)k * 2 * count;
        plots[k].values[1] = values + ((size_t)k * 2 + 1) * count;
        plots[k].names[0] = "training";
        plots[k].names[1] = "validation";
        plots[k].count = count;
        plots[k].total = count > epochs ? count : epochs;
        plots[k].columns = each;
        plots[k].lines = CURVE_LINES;
        plots[k].coloured = view->term->colours;
    }
    TRY(draw_plots(view->term, plots, err));

done:
    free(rows);
    free(values);
    free(path);
    return st;
}

/* The images of each class, once. */
static enum mien_status add_samples(struct train_view *view, json_t *report, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct session_model model = { .file = *view->file };
    const struct report_answers answers = {
        .model = &model,
        .set = view->set,
        .split = MIEN_SPLIT_TRAIN,
        .samples = REPORT_SAMPLES,
    };
    if (view->samples == NULL) {
        TRY(report_add_samples(report, &answers, err));
        view->samples = json_incref(json_object_get(report, "samples"));
    } else if (json_object_set(report, "samples", view->samples) != 0) {
        st = mien_fail(err, MIEN_ERR_MEMORY, "out of memory for the report");
    }

done:
    return st;
}

/* What a run's page shows without asking the model anything. */
static enum mien_status collect(json_t **out, struct train_view *view, const char *model_path,
                                const struct mien_model_file *file, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    json_t *const report = report_begin(file->recipe->name, NULL);
    *out = report;
    if (report == NULL) {
        return mien_fail(err, MIEN_ERR_MEMORY, "out of memory for the report");
    }
    TRY(report_add_run(report, view->folder, err));
    TRY(report_add_model(report, model_path, file, err));
    TRY(report_add_filters(report, file, err));
    TRY(add_samples(view, report, err));

done:
    return st;
}

/* The page of a run that goes on: it looks for a newer one about as often as there is one. */
static enum mien_status write_page(struct train_view *view, double seconds, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    json_t *report = NULL;
    char *const path = mien_path_join(view->folder, "last.safetensors", err);
    if (path == NULL) {
        return MIEN_ERR_MEMORY;
    }
    TRY(collect(&report, view, path, view->file, err));
    if (seconds > 0.0) {
        mien_json_set(&report, "reload_seconds", json_real(fmin(fmax(ceil(seconds), 2.0), 60.0)));
    }
    TRY(report_write(view->page, view->json, report, err));

done:
    json_decref(report);
    free(path);
    return st;
}

/* A run is worth more than its page. */
static void tell(struct train_view *view, enum mien_status st, const struct mien_error *problem)
{
    if (st != MIEN_OK && !view->told) {
        mien_log_line(&view->term->log, "the page is not current: %s", problem->text);
        view->told = true;
    }
}

void train_view_epoch(void *user, const struct mien_epoch *row, bool best)
{
    struct train_view *const view = user;
    struct mien_error problem = { "" };
    term_clear(view->term);
    if (!view->silent) {
        print_epoch(view->term, row, best);
    }
    if (view->board != NULL && !view->lost) {
        log_epoch(view, row);
    }
    if (view->watch) {
        view->begun = true;
        tell(view, write_page(view, row->seconds, &problem), &problem);
        if (view->term->view && view->term->blocks && !view->term->quiet && !view->silent) {
            tell(view, draw_curves(view, &problem), &problem);
        }
    }
}

/* The same page as that of mien report: the best weights, asked about the images. */
static enum mien_status write_whole_page(struct train_view *view, const struct session *session,
                                         enum mien_blas blas, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct session_model model = { .model = NULL };
    json_t *report = NULL;
    struct report_answers answers = {
        .model = &model,
        .session = session,
        .blas = blas,
        .data = view->data,
        .set = view->set,
        .views = 1,
        .samples = REPORT_SAMPLES,
        .mistakes = REPORT_MISTAKES,
        .log = &view->term->log,
    };
    char *const path = mien_path_join(view->folder, "best.safetensors", err);
    if (path == NULL) {
        return MIEN_ERR_MEMORY;
    }
    answers.model_path = path;
    TRY(session_model_read(&model, path, err));
    TRY(collect(&report, view, path, &model.file, err));
    TRY(eval_choose_split(&answers.split, view->set, -1, view->term, err));
    TRY(report_add_answers(report, &answers, err));
    TRY(report_write(view->page, view->json, report, err));

done:
    json_decref(report);
    session_model_finish(&model);
    free(path);
    return st;
}

void train_view_end(struct train_view *view, const struct session *session, enum mien_blas blas)
{
    struct mien_error problem = { "" };
    if (!view->begun) { /* the folder may be another's */
        return;
    }
    term_keep(view->term);
    view->told = false;
    /* First of all it stops reloading itself, whatever the rest comes to. */
    tell(view, write_page(view, 0.0, &problem), &problem);
    if (session != NULL) {
        tell(view, write_whole_page(view, session, blas, &problem), &problem);
    }
    if (!view->told && !view->silent) {
        mien_log_line(&view->term->log, "page: %s", view->page);
    }
}
