/* fuzz_safetensors.c - the container of weights, checkpoints and packed data */
#include "base/safetensors.h"
#include "fuzz/fuzz.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mien_safetensors *file = NULL;
    struct mien_error err = { "" };
    const enum mien_status st = mien_safetensors_parse(&file, data, size, &err);
    fuzz_outcome(st, file, &err);
    for (size_t i = 0; st == MIEN_OK && i < mien_safetensors_count(file); i++) {
        const struct mien_tensor *const tensor = mien_safetensors_at(file, i);
        size_t elements = 1;
        for (int k = 0; k < tensor->rank; k++) {
            elements *= tensor->shape[k];
        }
        fuzz_touch(tensor->data, tensor->bytes);
        fuzz_touch(tensor->name, strlen(tensor->name) + 1);
        fuzz_expect(tensor->dtype == MIEN_DTYPE_OTHER ||
                        tensor->bytes == elements * mien_dtype_bytes(tensor->dtype),
                    "a tensor's bytes fit its shape");
        fuzz_expect(mien_safetensors_find(file, tensor->name) == tensor,
                    "a tensor has its name alone");
    }
    if (st == MIEN_OK && mien_safetensors_metadata(file, "format") != NULL) {
        const char *const format = mien_safetensors_metadata(file, "format");
        fuzz_touch(format, strlen(format) + 1);
    }
    mien_safetensors_close(file);
    return 0;
}
