/* class_weights.c - what classes count in the loss, as a recipe says it */
#include "nn/class_weights.h"

#include <string.h>

#include "base/utf8.h"
#include "nn/recipe_parts.h"

enum { NUMBER_BYTES = 32 };

bool mien_class_weights_none(const char *text)
{
    return strcmp(text, "none") == 0;
}

bool mien_class_weights_balanced(const char *text)
{
    return strcmp(text, "balanced") == 0;
}

/* Characters of `text`, `length` at most, without blanks at its end. */
static size_t trimmed(const char *text, size_t length)
{
    while (length > 0 && text[length - 1] == ' ') {
        length--;
    }
    return length;
}

bool mien_class_weights_next(struct mien_class_weight *out, const char **at)
{
    const char *const name = *at + strspn(*at, " ");
    const size_t item = strcspn(name, ";");
    const size_t length = trimmed(name, item);
    size_t number = length; /* where the last word begins */
    while (number > 0 && name[number - 1] != ' ') {
        number--;
    }
    char text[NUMBER_BYTES] = "";
    if (length - number >= sizeof(text)) {
        return false;
    }
    memcpy(text, name + number, length - number);
    out->name = name;
    out->length = trimmed(name, number);
    if (out->length == 0 || !mien_recipe_real(&out->weight, text, 1e-6, 1e6)) {
        return false;
    }
    *at = name + item + (name[item] == ';' ? 1 : 0);
    return true;
}

static bool is_again(const struct mien_class_weight *item, const char *from)
{
    struct mien_class_weight other;
    while (from < item->name && mien_class_weights_next(&other, &from)) {
        if (other.name != item->name && other.length == item->length &&
            memcmp(other.name, item->name, item->length) == 0) {
            return true;
        }
    }
    return false;
}

bool mien_class_weights_valid(const char *text)
{
    struct mien_class_weight item;
    const char *at = text;
    if (mien_class_weights_none(text) || mien_class_weights_balanced(text)) {
        return true;
    }
    for (const char *c = text; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f) {
            return false;
        }
    }
    while (mien_class_weights_next(&item, &at)) {
        if (is_again(&item, text)) {
            return false;
        }
        if (*at == '\0') { /* a semicolon at the end has nothing behind it */
            return text[strlen(text) - 1] != ';' && mien_is_utf8(text);
        }
    }
    return false;
}
