/* onnx_none.c - in the place of onnx.c where the library is built without protobuf-c */
#include "base/error.h"
#include "export/onnx.h"

bool mien_onnx_available(void)
{
    return false;
}

enum mien_status mien_onnx_write(struct mien_onnx_about *out, const char *path,
                                 const struct mien_model_file *file,
                                 const struct mien_onnx_options *options, struct mien_error *err)
{
    (void)path;
    (void)file;
    (void)options;
    *out = (struct mien_onnx_about){ .nodes = 0 };
    return mien_fail(err, MIEN_ERR_USAGE,
                     "this mien was built without ONNX: install libprotobuf-c-dev and "
                     "protobuf-c-compiler, and build it again");
}
