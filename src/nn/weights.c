/* weights.c - a model's weights: initial values, to and from safetensors files */
#include "nn/weights.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/letters.h"
#include "base/random.h"

static void init_uniform(float *values, size_t count, float bound, uint64_t seed, uint32_t param)
{
    for (size_t i = 0; i < count; i += 4) {
        uint32_t bits[4];
        mien_random_block(bits, seed, MIEN_STREAM_INIT, param, i / 4);
        for (size_t j = 0; j < 4 && i + j < count; j++) {
            values[i + j] = (mien_random_unit(bits[j]) * 2.0f - 1.0f) * bound;
        }
    }
}

void mien_weights_init(float *flat, const struct mien_network *network, uint64_t seed)
{
    memset(flat, 0, network->flat_floats * sizeof(*flat));
    for (size_t l = 0; l < network->layer_count; l++) {
        const struct mien_layer *const layer = &network->layers[l];
        for (int p = 0; p < layer->param_count; p++) {
            const size_t index = (size_t)layer->first_param + (size_t)p;
            const struct mien_param *const param = &network->params[index];
            float *const values = flat + param->offset;
            if (layer->spec.kind != MIEN_LAYER_BATCHNORM) {
                init_uniform(values, param->count, 1.0f / sqrtf((float)param->fan_in), seed,
                             (uint32_t)index);
                continue;
            }
            const float start = mien_has_ending(param->name, ".weight") ||
                                        mien_has_ending(param->name, ".running_var")
                                    ? 1.0f
                                    : 0.0f;
            for (size_t i = 0; i < param->count; i++) {
                values[i] = start;
            }
        }
    }
}

const char *mien_weights_shape(char out[MIEN_SHAPE_BYTES], const size_t *shape, int rank)
{
    size_t used = 0;
    (void)snprintf(out, MIEN_SHAPE_BYTES, "a single number");
    for (int i = 0; i < rank && used < MIEN_SHAPE_BYTES; i++) {
        const int wrote =
            snprintf(out + used, MIEN_SHAPE_BYTES - used, i == 0 ? "%zu" : "x%zu", shape[i]);
        used += wrote > 0 ? (size_t)wrote : 0;
    }
    return out;
}

/* The tensor of a parameter, with the type and shape that the network has for it. */
static enum mien_status find_tensor(const struct mien_tensor **out, const struct mien_param *param,
                                    const struct mien_safetensors *file, const char *prefix,
                                    struct mien_error *err)
{
    char name[64];
    (void)snprintf(name, sizeof(name), "%s%s", prefix, param->name);
    const struct mien_tensor *const tensor = mien_safetensors_find(file, name);
    if (tensor == NULL) {
        return mien_fail(err, MIEN_ERR_FORMAT, "no tensor named %s: weights of another network?",
                         name);
    }
    const bool same =
        tensor->rank == param->rank &&
        memcmp(tensor->shape, param->shape, (size_t)param->rank * sizeof(size_t)) == 0;
    if (!mien_dtype_is_weight(tensor->dtype) || !same) {
        char got[MIEN_SHAPE_BYTES];
        char wanted[MIEN_SHAPE_BYTES];
        return mien_fail(
            err, MIEN_ERR_FORMAT, "%s is %s of %s: the network wants F32, F16 or BF16 of %s", name,
            mien_dtype_name(tensor->dtype), mien_weights_shape(got, tensor->shape, tensor->rank),
            mien_weights_shape(wanted, param->shape, param->rank));
    }
    *out = tensor;
    return MIEN_OK;
}

enum mien_status mien_weights_check_file(const struct mien_network *network,
                                         const struct mien_safetensors *file, const char *prefix,
                                         struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_tensor *tensor = NULL;
    for (size_t i = 0; i < network->param_count; i++) {
        TRY(find_tensor(&tensor, &network->params[i], file, prefix, err));
    }

done:
    return st;
}

enum mien_status mien_weights_from_file(float *flat, const struct mien_network *network,
                                        const struct mien_safetensors *file, const char *prefix,
                                        struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_tensor *tensor = NULL;
    TRY(mien_weights_check_file(network, file, prefix, err));
    for (size_t i = 0; i < network->param_count; i++) {
        const struct mien_param *const param = &network->params[i];
        TRY(find_tensor(&tensor, param, file, prefix, err));
        mien_tensor_floats(flat + param->offset, tensor);
    }

done:
    return st;
}

void mien_weights_to_tensors(struct mien_tensor *tensors, char (*names)[64],
                             const struct mien_network *network, const float *flat,
                             const char *prefix)
{
    for (size_t i = 0; i < network->param_count; i++) {
        const struct mien_param *const param = &network->params[i];
        (void)snprintf(names[i], sizeof(names[i]), "%s%s", prefix, param->name);
        tensors[i] = (struct mien_tensor){
            .name = names[i],
            .dtype = MIEN_F32,
            .rank = param->rank,
            .data = flat + param->offset,
            .bytes = param->count * sizeof(*flat),
        };
        memcpy(tensors[i].shape, param->shape, (size_t)param->rank * sizeof(size_t));
    }
}

enum mien_status mien_weights_upload(struct mien_model *model, const float *flat,
                                     struct mien_error *err)
{
    mien_model_weights_changed(model);
    return mien_cl_write(mien_model_cl(model), mien_model_values(model), 0, flat,
                         mien_model_network(model)->flat_floats * sizeof(*flat), err);
}

enum mien_status mien_weights_download(float *flat, const struct mien_model *model,
                                       struct mien_error *err)
{
    return mien_cl_read(mien_model_cl(model), flat, mien_model_values(model), 0,
                        mien_model_network(model)->flat_floats * sizeof(*flat), err);
}
