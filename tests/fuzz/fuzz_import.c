/* fuzz_import.c - weights that others wrote, and the map of their names: two bytes with its length,
 * the map, the weights
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "nn/weights_match.h"

static const char recipe[] = "input: { channels: 1, height: 3, width: 3 }\n"
                             "layers: [ conv 2 2x2, batchnorm, relu, flatten, dense classes ]\n";

static struct mien_network *make_network(void)
{
    struct mien_recipe *parsed = NULL;
    struct mien_network *network = NULL;
    fuzz_expect(mien_recipe_parse(&parsed, recipe, strlen(recipe), "", NULL, 0, NULL) == MIEN_OK &&
                    mien_network_create(&network, parsed, 7, NULL) == MIEN_OK,
                "there is a network");
    mien_recipe_destroy(parsed);
    return network;
}

static void match(const struct mien_network *network, const struct mien_safetensors *file,
                  const struct mien_weights_map *map)
{
    struct mien_error err = { "" };
    const struct mien_tensor **const tensors =
        calloc(network->param_count, sizeof(const struct mien_tensor *));
    float *const flat = calloc(network->flat_floats, sizeof(*flat));
    fuzz_expect(tensors != NULL && flat != NULL, "there is memory");
    for (int strict = 0; strict < 2; strict++) {
        const enum mien_status st =
            mien_weights_match(tensors, network, file, map, strict == 1, &err);
        fuzz_outcome(st, st == MIEN_OK ? tensors : NULL, &err);
        if (st == MIEN_OK) {
            mien_weights_take(flat, network, tensors);
        }
    }
    free(tensors);
    free(flat);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const size_t length = size < 2 ? 0 : (size_t)data[0] + 256 * (size_t)data[1];
    if (size < 2 || length > size - 2) {
        return 0;
    }
    struct mien_weights_map map = { .path = NULL };
    struct mien_safetensors *file = NULL;
    struct mien_error err = { "" };
    const enum mien_status st = mien_weights_map_read(&map, fuzz_file(data + 2, length), &err);
    fuzz_outcome(st, st == MIEN_OK ? &map : NULL, &err);
    if (st == MIEN_OK &&
        mien_safetensors_parse(&file, data + 2 + length, size - 2 - length, &err) == MIEN_OK) {
        struct mien_network *const network = make_network();
        match(network, file, NULL);
        match(network, file, &map);
        mien_network_destroy(network);
    }
    mien_safetensors_close(file);
    mien_weights_map_finish(&map);
    return 0;
}
