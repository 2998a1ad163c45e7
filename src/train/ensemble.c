/* ensemble.c - the mean of what several models say of the same images */
#include "train/ensemble.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "data/classes.h"

enum mien_status mien_ensemble_init(struct mien_ensemble *ensemble, char *const *classes,
                                    int class_count, size_t count, struct mien_error *err)
{
    *ensemble =
        (struct mien_ensemble){ .classes = classes, .class_count = class_count, .count = count };
    ensemble->sums = mien_calloc(count, (size_t)class_count * sizeof(*ensemble->sums), err);
    ensemble->order = mien_calloc((size_t)class_count, sizeof(*ensemble->order), err);
    if (ensemble->sums == NULL || ensemble->order == NULL) {
        mien_ensemble_finish(ensemble);
        return MIEN_ERR_MEMORY;
    }
    return MIEN_OK;
}

void mien_ensemble_finish(struct mien_ensemble *ensemble)
{
    free(ensemble->sums);
    free(ensemble->order);
    *ensemble = (struct mien_ensemble){ .sums = NULL };
}

void mien_ensemble_clear(struct mien_ensemble *ensemble, size_t count)
{
    ensemble->count = count;
    ensemble->members = 0;
    memset(ensemble->sums, 0, count * (size_t)ensemble->class_count * sizeof(*ensemble->sums));
}

enum mien_status mien_ensemble_match(struct mien_ensemble *ensemble, char *const *classes,
                                     int class_count, struct mien_error *err)
{
    for (int i = 0; i < ensemble->class_count; i++) {
        ensemble->order[i] = mien_class_index(classes, class_count, ensemble->classes[i]);
        if (ensemble->order[i] < 0) {
            return mien_fail(err, MIEN_ERR_FORMAT,
                             "does not know the class '%.200s' of the first model",
                             ensemble->classes[i]);
        }
    }
    for (int i = 0; i < class_count; i++) {
        if (mien_class_index(ensemble->classes, ensemble->class_count, classes[i]) < 0) {
            return mien_fail(err, MIEN_ERR_FORMAT,
                             "has the class '%.200s', which the first model does not know",
                             classes[i]);
        }
    }
    return MIEN_OK;
}

enum mien_status mien_ensemble_add(struct mien_ensemble *ensemble, const float *probabilities,
                                   char *const *classes, int class_count, struct mien_error *err)
{
    const enum mien_status st = mien_ensemble_match(ensemble, classes, class_count, err);
    if (st != MIEN_OK) {
        return st;
    }
    const size_t columns = (size_t)ensemble->class_count;
    for (size_t i = 0; i < ensemble->count; i++) {
        for (size_t c = 0; c < columns; c++) {
            ensemble->sums[i * columns + c] +=
                (double)probabilities[i * columns + (size_t)ensemble->order[c]];
        }
    }
    ensemble->members++;
    return MIEN_OK;
}

void mien_ensemble_mean(float *probabilities, const struct mien_ensemble *ensemble)
{
    for (size_t i = 0; i < ensemble->count * (size_t)ensemble->class_count; i++) {
        probabilities[i] = (float)(ensemble->sums[i] / (double)ensemble->members);
    }
}

double mien_ensemble_loss(const struct mien_ensemble *ensemble, const int32_t *labels)
{
    double loss = 0.0;
    for (size_t i = 0; i < ensemble->count; i++) {
        const size_t at = i * (size_t)ensemble->class_count + (size_t)labels[i];
        loss -= log(ensemble->sums[at] / (double)ensemble->members);
    }
    return loss / (double)ensemble->count;
}
