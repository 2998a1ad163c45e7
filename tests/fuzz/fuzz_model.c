/* fuzz_model.c - weights files and checkpoints, as far as the host reads them */
#include "fuzz/fuzz.h"
#include "train/model_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mien_safetensors *file = NULL;
    struct mien_error err = { "" };
    if (mien_safetensors_parse(&file, data, size, &err) == MIEN_OK) {
        struct mien_model_file model;
        const enum mien_status st = mien_model_file_read(&model, file, &err);
        fuzz_outcome(st, model.weights, &err);
        if (st == MIEN_OK) {
            fuzz_touch(model.weights, model.network->flat_floats * sizeof(*model.weights));
        }
        mien_model_file_finish(&model);
    }
    mien_safetensors_close(file);
    return 0;
}
