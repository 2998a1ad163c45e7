/* recipe_input.c - the images that a recipe asks for, and what becomes of them in training */
#include <stdio.h>
#include <string.h>

#include "nn/recipe_parts.h"

struct mien_data_options mien_recipe_data_options(const struct mien_recipe *recipe)
{
    return (struct mien_data_options){
        .channels = recipe->input.channels,
        .height = recipe->input.height + 2 * recipe->input.margin,
        .width = recipe->input.width + 2 * recipe->input.margin,
        .seed = recipe->train.seed,
    };
}

size_t mien_recipe_image_bytes(const struct mien_recipe *recipe)
{
    const struct mien_data_options image = mien_recipe_data_options(recipe);
    return (size_t)image.channels * (size_t)image.height * (size_t)image.width;
}

void mien_recipe_augment_text(char out[MIEN_AUGMENT_TEXT_BYTES], const struct mien_recipe *recipe)
{
    static const char group[] = "augment.";
    const size_t length = sizeof(group) - 1;
    const struct mien_recipe none = { .name = "" };
    size_t count = 0;
    const struct mien_recipe_field *const fields = mien_recipe_fields(&count);
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        char value[32];
        char off[32];
        if (strncmp(fields[i].path, group, length) != 0) {
            continue;
        }
        mien_recipe_field_format(value, sizeof(value), recipe, &fields[i]);
        mien_recipe_field_format(off, sizeof(off), &none, &fields[i]);
        if (strcmp(value, off) != 0 && used < MIEN_AUGMENT_TEXT_BYTES) {
            used += (size_t)snprintf(out + used, MIEN_AUGMENT_TEXT_BYTES - used, "%s%s %s",
                                     used > 0 ? ", " : "", fields[i].path + length, value);
        }
    }
}
