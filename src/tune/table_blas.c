/* table_blas.c - CLBlast's parameters as an entry of a table that is JSON */
#include "tune/table_blas.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"

enum { MOST_VERSION = 999, VERSION_BYTES = 16 };

const char *const mien_tuned_blas_variants[2] = { "usual", "set" };

void mien_tuned_blas_describe(json_t **object, const struct mien_tuned *entry)
{
    char version[VERSION_BYTES];
    (void)snprintf(version, sizeof(version), "%d.%d.%d", entry->size[1], entry->size[2],
                   entry->size[3]);
    mien_json_set(object, "version", json_string(version));
    for (int k = 0; entry->variant == MIEN_TUNED_SET && k < MIEN_BLAS_KERNELS; k++) {
        const struct mien_blas_kernel *const kernel = &mien_blas_kernels[k];
        json_t *values = json_object();
        for (int i = kernel->first; i < kernel->first + kernel->count; i++) {
            mien_json_set(&values, mien_blas_param_name((enum mien_blas_param)i),
                          json_integer(entry->blas.value[i]));
        }
        mien_json_set(object, kernel->name, values);
    }
}

/* Three numbers, as they are written above and not otherwise. */
static enum mien_status read_version(int out[3], const json_t *object, struct mien_error *err)
{
    const char *const text = json_string_value(json_object_get(object, "version"));
    const char *at = text != NULL ? text : "";
    for (int i = 0; i < 3; i++) {
        const bool zero = *at == '0';
        int number = 0;
        int digits = 0;
        while (*at >= '0' && *at <= '9' && number <= MOST_VERSION) {
            number = number * 10 + (*at++ - '0');
            digits++;
        }
        const char end = i < 2 ? '.' : '\0';
        if (digits == 0 || number > MOST_VERSION || *at != end || (digits > 1 && zero)) {
            return mien_fail(err, MIEN_ERR_FORMAT, "'%.32s' is no version of CLBlast",
                             text != NULL ? text : "");
        }
        out[i] = number;
        at += end == '.' ? 1 : 0;
    }
    return MIEN_OK;
}

static enum mien_status read_kernel(struct mien_blas_params *out,
                                    const struct mien_blas_kernel *kernel, const json_t *object,
                                    struct mien_error *err)
{
    const json_t *const values = json_object_get(object, kernel->name);
    if (!json_is_object(values) || json_object_size(values) != (size_t)kernel->count) {
        return mien_fail(err, MIEN_ERR_FORMAT, "'%s' does not hold %d parameters", kernel->name,
                         kernel->count);
    }
    for (int i = kernel->first; i < kernel->first + kernel->count; i++) {
        const char *const name = mien_blas_param_name((enum mien_blas_param)i);
        const json_t *const value = json_object_get(values, name);
        const json_int_t number = json_integer_value(value);
        if (!json_is_integer(value) || number < 0 || number > INT_MAX) {
            return mien_fail(err, MIEN_ERR_FORMAT, "'%s' of '%s' is not a number from 0 to %d",
                             name, kernel->name, INT_MAX);
        }
        out->value[i] = (int)number;
    }
    return MIEN_OK;
}

enum mien_status mien_tuned_blas_read(struct mien_tuned *out, const json_t *object,
                                      struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    TRY(read_version(out->size + 1, object, err));
    for (int k = 0; out->variant == MIEN_TUNED_SET && k < MIEN_BLAS_KERNELS; k++) {
        TRY(read_kernel(&out->blas, &mien_blas_kernels[k], object, err));
    }
    TRY(out->variant == MIEN_TUNED_SET ? mien_blas_check(&out->blas, err) : MIEN_OK);

done:
    return st;
}
