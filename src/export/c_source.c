/* c_source.c - writing the files of a network in C */
#include "export/c_source.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/print.h"
#include "export/c_parts.h"
#include "export/weights.h"

/* Letters, digits and underscores alone, no digit and no underscore first. */
static void make_identifier(char *out, size_t bytes, const char *text)
{
    (void)snprintf(out, bytes, "%s%s", isalpha((unsigned char)*text) ? "" : "net_", text);
    for (char *c = out; *c != '\0'; c++) {
        if (!isalnum((unsigned char)*c)) {
            *c = '_';
        }
    }
}

const char *mien_c_param_name(char out[2 * MIEN_C_NAME_BYTES], const struct mien_c_source *source,
                              const struct mien_param *param)
{
    (void)snprintf(out, 2 * MIEN_C_NAME_BYTES, "%s_%s", source->name, param->name);
    for (char *c = out; *c != '\0'; c++) {
        *c = (char)(*c == '.' ? '_' : *c);
    }
    return out;
}

size_t mien_c_format_float(char out[MIEN_C_FLOAT_BYTES], float value)
{
    const size_t length = (size_t)snprintf(out, MIEN_C_FLOAT_BYTES, "%.9g", (double)value);
    const char *const end = strpbrk(out, ".e") == NULL ? ".0f" : "f";
    return length + (size_t)snprintf(out + length, MIEN_C_FLOAT_BYTES - length, "%s", end);
}

static enum mien_status write_array(struct mien_atomic_file *file, const char *name,
                                    const float *values, size_t count, struct mien_error *err)
{
    enum { ROW = 6 };
    enum mien_status st = MIEN_OK;
    char row[ROW * (MIEN_C_FLOAT_BYTES + 2) + 256];
    size_t used = (size_t)snprintf(row, sizeof(row), "\nconst float %s[%zu] = {\n", name, count);
    for (size_t i = 0; i < count; i++) {
        if (i % ROW == 0) {
            TRY(mien_atomic_write(file, row, used, err));
            used = (size_t)snprintf(row, sizeof(row), "   ");
        }
        row[used++] = ' ';
        used += mien_c_format_float(row + used, values[i]);
        row[used++] = ',';
        if (i % ROW == ROW - 1 || i + 1 == count) {
            row[used++] = '\n';
        }
    }
    TRY(mien_atomic_write(file, row, used, err));
    TRY(mien_atomic_write(file, "};\n", 3, err));

done:
    return st;
}

enum mien_status mien_c_write_weights(const char *path, const struct mien_c_source *source,
                                      struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_network *const network = source->file->network;
    struct mien_atomic_file *file = NULL;
    char name[2 * MIEN_C_NAME_BYTES];
    char top[4 * MIEN_C_NAME_BYTES];
    TRY(mien_atomic_open(&file, path, err));
    const int bytes =
        snprintf(top, sizeof(top), "/* %s_weights.c - what the network of %s.c has learned */\n",
                 source->name, source->name);
    TRY(mien_atomic_write(file, top, (size_t)bytes, err));
    for (size_t i = 0; i < network->param_count; i++) {
        const struct mien_param *const param = &network->params[i];
        /* Declared once more, so that a compiler that wants declarations in front is content. */
        (void)mien_c_param_name(name, source, param);
        const int length =
            snprintf(top, sizeof(top), "\nextern const float %s[%zu];", name, param->count);
        TRY(mien_atomic_write(file, top, (size_t)length, err));
        TRY(write_array(file, name, source->file->weights + param->offset, param->count, err));
    }
    struct mien_atomic_file *const whole = file;
    file = NULL;
    TRY(mien_atomic_commit(whole, err));

done:
    mien_atomic_abort(file);
    return st;
}

/* A text and who prints it. */
struct text {
    const struct mien_c_source *source;
    void (*print)(FILE *to, const struct mien_c_source *source);
};

static void print_text(FILE *to, const void *user)
{
    const struct text *const text = user;
    text->print(to, text->source);
}

static enum mien_status write_text(const char *path, const struct mien_c_source *source,
                                   void (*print)(FILE *to, const struct mien_c_source *source),
                                   struct mien_error *err)
{
    const struct text text = { source, print };
    return mien_print_file(path, print_text, &text, err);
}

enum { FILES = 4 };

static enum mien_status write_files(char *const paths[FILES], const struct mien_c_source *source,
                                    struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_plain_numbers plain;
    TRY(mien_plain_numbers_begin(&plain, err));
    st = write_text(paths[0], source, mien_c_print_header, err);
    st = st == MIEN_OK ? write_text(paths[1], source, mien_c_print_network, err) : st;
    st = st == MIEN_OK ? mien_c_write_weights(paths[2], source, err) : st;
    st = st == MIEN_OK ? write_text(paths[3], source, mien_c_print_example, err) : st;
    mien_plain_numbers_end(&plain);

done:
    return st;
}

static enum mien_status make_paths(char *paths[FILES], const char *folder,
                                   const struct mien_c_source *source, struct mien_error *err)
{
    static const char *const ends[FILES] = { ".h", ".c", "_weights.c", "_example.c" };
    for (int i = 0; i < FILES; i++) {
        char name[MIEN_C_NAME_BYTES + 16];
        (void)snprintf(name, sizeof(name), "%s%s", source->name, ends[i]);
        paths[i] = mien_path_join(folder, name, err);
        if (paths[i] == NULL) {
            return MIEN_ERR_MEMORY;
        }
        if (access(paths[i], F_OK) == 0) {
            const enum mien_status st =
                mien_fail(err, MIEN_ERR_IO, "%s is there already: it is left alone", paths[i]);
            free(paths[i]); /* not to be removed as if it were written here */
            paths[i] = NULL;
            return st;
        }
    }
    return MIEN_OK;
}

enum mien_status mien_c_write(struct mien_c_about *out, const char *folder,
                              const struct mien_model_file *file, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_c_source source = { .file = file };
    char *paths[FILES] = { NULL };
    const bool made = !mien_path_is_folder(folder);
    *out = (struct mien_c_about){ .buffer_bytes = 0 };
    TRY(mien_export_check(file, err));
    make_identifier(source.name, sizeof(source.name), file->recipe->name);
    for (size_t i = 0; i < sizeof(source.name); i++) {
        source.upper[i] = (char)toupper((unsigned char)source.name[i]);
    }
    TRY(mien_c_plan_make(&source.plan, file->network, err));
    TRY(mien_folder_make(folder, err));
    TRY(make_paths(paths, folder, &source, err));
    TRY(write_files(paths, &source, err));
    memcpy(out->name, source.name, sizeof(out->name));
    for (int i = 0; i < source.plan.buffer_count; i++) {
        out->buffer_bytes += source.plan.buffers[i] * sizeof(float);
    }
    for (size_t i = 0; i < file->network->param_count; i++) {
        out->weight_bytes += file->network->params[i].count * sizeof(float);
    }

done:
    for (int i = 0; i < FILES; i++) {
        if (st != MIEN_OK && paths[i] != NULL) {
            (void)unlink(paths[i]);
        }
        free(paths[i]);
    }
    if (st != MIEN_OK && made) {
        (void)rmdir(folder); /* which it is not while anything else is in it */
    }
    mien_c_plan_finish(&source.plan);
    return st;
}
