/* cmd_export.c - `mien export`: a trained network as ONNX, C or weights alone, for others to use */
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/letters.h"
#include "base/number.h"
#include "cli/commands.h"
#include "cli/session.h"
#include "export/c_source.h"
#include "export/onnx.h"
#include "export/weights.h"

struct export_options {
    struct common_options common;
    const char *model, *out, *folder;
    bool softmax, normalize, half;
};

#define FIELD(name) offsetof(struct export_options, name)

static const struct opt export_table[] = {
    { "c", OPT_STRING, FIELD(folder), "DIR", "write C99 source into this new or empty folder",
      .role = OPT_FOLDER },
    { "softmax", OPT_FLAG, FIELD(softmax), NULL, "ONNX: give probabilities, not logits",
      .role = OPT_ANY },
    { "normalize", OPT_FLAG, FIELD(normalize), NULL,
      "ONNX: take pixels from 0 to 255, and normalise inside", .role = OPT_ANY },
    { "half", OPT_FLAG, FIELD(half), NULL,
      "OUT.safetensors: weights as 16-bit floating-point numbers", .role = OPT_ANY },
    { .name = NULL },
};

static const struct positional export_positionals[] = {
    { "MODEL", FIELD(model), 1, 1, "trained network, for example run/best.safetensors", OPT_INPUT },
    { "OUT", FIELD(out), 0, 1, "file to write, .onnx or .safetensors; or else --c", OPT_OUTPUT },
    { .name = NULL },
};

static const struct export_options export_defaults = { .common = { .seed = -1 } };

static enum mien_status check_options(const struct export_options *o, struct mien_error *err)
{
    if ((o->out == NULL) == (o->folder == NULL)) {
        return mien_fail(err, MIEN_ERR_USAGE, "give either OUT.onnx, OUT.safetensors or --c DIR");
    }
    const bool onnx = o->out != NULL && mien_has_ending(o->out, ".onnx");
    const bool weights = o->out != NULL && mien_has_ending(o->out, ".safetensors");
    if (o->out != NULL && !onnx && !weights) {
        return mien_fail(err, MIEN_ERR_USAGE, "OUT: '%s' does not end in .onnx or .safetensors",
                         o->out);
    }
    if (!onnx && (o->softmax || o->normalize)) {
        return mien_fail(err, MIEN_ERR_USAGE,
                         "--softmax and --normalize are of ONNX: the C source has both ways out, "
                         "and takes pixels");
    }
    if (!weights && o->half) {
        return mien_fail(err, MIEN_ERR_USAGE, "--half is of OUT.safetensors");
    }
    return MIEN_OK;
}

static enum mien_status export_onnx(const struct export_options *o,
                                    const struct mien_model_file *file, struct term *term,
                                    struct mien_error *err)
{
    const struct mien_onnx_options options = { .normalize = o->normalize, .softmax = o->softmax };
    struct mien_onnx_about about;
    char size[MIEN_MIB_BYTES];
    const enum mien_status st = mien_onnx_write(&about, o->out, file, &options, err);
    if (st != MIEN_OK) {
        return st;
    }
    if (o->common.json) {
        return term_json(term,
                         json_pack("{s:o, s:i, s:i, s:{s:s, s:[iii]}, s:{s:s, s:i}, s:I, s:I}",
                                   "file", mien_json_text(o->out), "opset", MIEN_ONNX_OPSET,
                                   "ir_version", MIEN_ONNX_IR, "input", "name", about.input,
                                   "shape", about.channels, about.height, about.width, "output",
                                   "name", about.output, "classes", file->class_count, "nodes",
                                   (json_int_t)about.nodes, "bytes", (json_int_t)about.bytes),
                         err);
    }
    term_print(term,
               "%s: ONNX opset %d, %zu nodes, %s\n  takes  %s [batch][%d][%d][%d] float32, %s\n"
               "  gives  %s [batch][%d]\n",
               o->out, MIEN_ONNX_OPSET, about.nodes, mien_mib(size, about.bytes), about.input,
               about.channels, about.height, about.width,
               o->normalize ? "pixels from 0 to 255" : "(pixel / 255 - mean) / std", about.output,
               file->class_count);
    return MIEN_OK;
}

static enum mien_status export_c(const struct export_options *o, const struct mien_model_file *file,
                                 struct term *term, struct mien_error *err)
{
    struct mien_c_about about;
    char buffers[MIEN_MIB_BYTES];
    char weights[MIEN_MIB_BYTES];
    const enum mien_status st = mien_c_write(&about, o->folder, file, err);
    if (st != MIEN_OK) {
        return st;
    }
    if (o->common.json) {
        return term_json(term,
                         json_pack("{s:o, s:s, s:I, s:I}", "folder", mien_json_text(o->folder),
                                   "name", about.name, "buffer_bytes",
                                   (json_int_t)about.buffer_bytes, "weight_bytes",
                                   (json_int_t)about.weight_bytes),
                         err);
    }
    term_print(term,
               "%s: %s.h, %s.c, %s_weights.c, %s_example.c\n"
               "  %s of weights, %s of buffers\n"
               "  cc -O3 -o %s_example %s_example.c %s.c %s_weights.c -lm\n",
               o->folder, about.name, about.name, about.name, about.name,
               mien_mib(weights, about.weight_bytes), mien_mib(buffers, about.buffer_bytes),
               about.name, about.name, about.name, about.name);
    return MIEN_OK;
}

static enum mien_status export_weights(const struct export_options *o,
                                       const struct mien_model_file *file, struct term *term,
                                       struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_file_map written = { 0 };
    char size[MIEN_MIB_BYTES];
    const size_t count = file->network->parameters;
    TRY(mien_export_check(file, err));
    TRY(o->half ? mien_model_file_save_half(o->out, file, err)
                : mien_model_file_save(o->out, file, NULL, 0, NULL, 0, err));
    TRY(mien_file_map(&written, o->out, err));
    if (o->common.json) {
        st = term_json(term,
                       json_pack("{s:o, s:s, s:I, s:I}", "file", mien_json_text(o->out), "dtype",
                                 o->half ? "F16" : "F32", "parameters", (json_int_t)count, "bytes",
                                 (json_int_t)written.bytes),
                       err);
        goto done;
    }
    term_print(term, "%s: weights of %s, %zu parameters as %s, %s\n", o->out, file->recipe->name,
               count, o->half ? "float16" : "float32", mien_mib(size, written.bytes));

done:
    mien_file_unmap(&written);
    return st;
}

static enum mien_status run_export(const void *options, struct term *term, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct export_options *const o = options;
    struct session_model model = { .model = NULL };
    TRY(check_options(o, err));
    TRY(session_model_read(&model, o->model, err));
    if (o->folder != NULL) {
        st = export_c(o, &model.file, term, err);
    } else if (mien_has_ending(o->out, ".onnx")) {
        st = export_onnx(o, &model.file, term, err);
    } else {
        st = export_weights(o, &model.file, term, err);
    }
    if (st == MIEN_ERR_NOT_FINITE) {
        st = mien_wrap(err, st, "%s", o->model);
    }

done:
    session_model_finish(&model);
    return st;
}

const struct command cmd_export = {
    .name = "export",
    .summary = "Write a trained network as ONNX, as C source or as weights, for other programs",
    .details =
        "OUT.onnx takes float32 [batch][channels][height][width], a batch of any size, and gives\n"
        "logits. Its metadata has the classes and the recipe. --c writes C99 that needs nothing\n"
        "but the C library: NAME.h, NAME.c, NAME_weights.c and an example, NAME_example.c.\n"
        "OUT.safetensors has the weights with recipe and classes, and is a MODEL again; with "
        "--half\n"
        "in half the bytes.",
    .options = export_table,
    .positionals = export_positionals,
    .common = COMMON_JSON | COMMON_QUIET,
    .options_bytes = sizeof(struct export_options),
    .defaults = &export_defaults,
    .run = run_export,
};
