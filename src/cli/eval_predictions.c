/* eval_predictions.c - what `mien eval` found of each image, as a CSV file */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/csv.h"
#include "base/letters.h"
#include "base/print.h"
#include "cli/cmd_eval.h"

static const char *const columns[] = { "image", "label", "predicted" };
enum { COLUMNS = sizeof(columns) / sizeof(columns[0]) };

enum mien_status eval_check_predictions(const char *path, const char *data, char *const *classes,
                                        int class_count, struct mien_error *err)
{
    struct stat out;
    struct stat in;
    if (stat(path, &out) == 0 && stat(data, &in) == 0 && out.st_dev == in.st_dev &&
        out.st_ino == in.st_ino) {
        return mien_fail(err, MIEN_ERR_USAGE, "--predictions %.800s is the data itself", path);
    }
    if (!mien_has_ending(path, ".csv")) {
        return mien_fail(err, MIEN_ERR_USAGE,
                         "--predictions %.800s: expected a name that ends in "
                         ".csv",
                         path);
    }
    for (int c = 0; c < class_count; c++) {
        for (int i = 0; i < COLUMNS; i++) {
            if (strcmp(classes[c], columns[i]) == 0) {
                return mien_fail(err, MIEN_ERR_FORMAT,
                                 "--predictions: a class is called '%s', which is the name of "
                                 "another column",
                                 columns[i]);
            }
        }
    }
    return MIEN_OK;
}

static void print_rows(FILE *to, const void *user)
{
    const struct eval_predictions *const found = user;
    const size_t classes = (size_t)found->class_count;
    (void)fprintf(to, "%s,%s,%s", columns[0], columns[1], columns[2]);
    for (size_t c = 0; c < classes; c++) {
        (void)fputc(',', to);
        mien_csv_put(to, found->classes[c]);
    }
    for (size_t i = 0; i < found->count; i++) {
        char number[MIEN_DATASET_NAME_BYTES];
        const float *const row = found->probabilities + i * classes;
        (void)fputc('\n', to);
        mien_csv_put(to, mien_dataset_name(number, found->set, found->first + i));
        (void)fputc(',', to);
        mien_csv_put(to, found->classes[found->labels[i]]);
        (void)fputc(',', to);
        mien_csv_put(to, found->classes[mien_metrics_top(row, found->class_count)]);
        for (size_t c = 0; c < classes; c++) {
            (void)fprintf(to, ",%.9g", (double)row[c]);
        }
    }
    (void)fputc('\n', to);
}

enum mien_status eval_write_predictions(const char *path, const struct eval_predictions *found,
                                        struct mien_error *err)
{
    return mien_print_file(path, print_rows, found, err);
}
