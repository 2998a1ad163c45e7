/* oracle.c - what PyTorch computed for small cases */
#include "support/oracle.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct mien_safetensors *oracle_open(const char *name)
{
    struct mien_error err = { "" };
    struct mien_safetensors *file = NULL;
    char path[1024];
    (void)snprintf(path, sizeof(path), "%s/tests/data/oracle/%s.safetensors", MIEN_SOURCE_DIR,
                   name);
    assert_ok(mien_safetensors_open(&file, path, &err), &err);
    return file;
}

const struct mien_tensor *oracle_tensor(const struct mien_safetensors *file, const char *name)
{
    const struct mien_tensor *const tensor = mien_safetensors_find(file, name);
    if (tensor == NULL) {
        fail_msg("the fixture has no tensor %s", name);
    }
    return tensor;
}

static void *copy_tensor(const struct mien_safetensors *file, const char *name,
                         enum mien_dtype dtype)
{
    const struct mien_tensor *const tensor = oracle_tensor(file, name);
    assert_int_equal(tensor->dtype, dtype);
    void *const out = malloc(tensor->bytes);
    assert_non_null(out);
    memcpy(out, tensor->data, tensor->bytes);
    return out;
}

float *oracle_floats(const struct mien_safetensors *file, const char *name)
{
    return copy_tensor(file, name, MIEN_F32);
}

int32_t *oracle_ints(const struct mien_safetensors *file, const char *name)
{
    return copy_tensor(file, name, MIEN_I32);
}

static json_t *load_case(const struct mien_safetensors *file)
{
    const char *const text = mien_safetensors_metadata(file, "case");
    assert_non_null(text);
    json_t *const root = json_loads(text, 0, NULL);
    assert_non_null(root);
    return root;
}

double oracle_number(const struct mien_safetensors *file, const char *key, double otherwise)
{
    json_t *const root = load_case(file);
    const json_t *const value = json_object_get(root, key);
    const double number = json_is_boolean(value)  ? (double)json_is_true(value)
                          : json_is_number(value) ? json_number_value(value)
                                                  : otherwise;
    json_decref(root);
    return number;
}

bool oracle_says(const struct mien_safetensors *file, const char *key, const char *value)
{
    json_t *const root = load_case(file);
    const char *const text = json_string_value(json_object_get(root, key));
    const bool same = text != NULL && strcmp(text, value) == 0;
    json_decref(root);
    return same;
}
