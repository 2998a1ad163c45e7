/* weights.c - what the exports share: finding a layer's weights, and refusing broken ones */
#include "export/weights.h"

#include <math.h>
#include <string.h>

enum mien_status mien_export_check(const struct mien_model_file *file, struct mien_error *err)
{
    for (size_t i = 0; i < file->network->param_count; i++) {
        const struct mien_param *const param = &file->network->params[i];
        for (size_t k = 0; k < param->count; k++) {
            if (!isfinite(file->weights[param->offset + k])) {
                return mien_fail(err, MIEN_ERR_NOT_FINITE, "%s: value %zu is not finite",
                                 param->name, k);
            }
        }
    }
    return MIEN_OK;
}

const struct mien_param *mien_export_param(const struct mien_network *network,
                                           const struct mien_layer *layer, const char *end)
{
    for (int i = 0; i < layer->param_count; i++) {
        const struct mien_param *const param = &network->params[layer->first_param + i];
        const size_t length = strlen(param->name);
        if (length > strlen(end) && param->name[length - strlen(end) - 1] == '.' &&
            strcmp(param->name + length - strlen(end), end) == 0) {
            return param;
        }
    }
    return NULL;
}
