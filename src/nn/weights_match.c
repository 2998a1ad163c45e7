/* weights_match.c - which tensors of a file are which parameters, also under other names */
#include "nn/weights_match.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "nn/weights.h"

enum { MODULE_TENSORS = 8 };

enum kind { KIND_CONV, KIND_DENSE, KIND_NORM, KIND_OTHER };

/* Tensors of the file with one name in front of the last dot. */
struct module {
    const char *name; /* borrowed from the first tensor */
    size_t name_bytes;
    const struct mien_tensor *tensors[MODULE_TENSORS];
    size_t count;
    enum kind kind;
    bool taken;
};

/* Parameters of the network with one name in front of the last dot. */
struct slot {
    size_t first, count; /* into network->params */
    enum kind kind;
    bool mapped; /* by the map, all of it */
};

struct matching {
    const struct mien_network *network;
    const struct mien_tensor **out;
    struct module *modules;
    size_t module_count;
    struct slot *slots;
    size_t slot_count;
};

/* Bytes in front of the last dot; 0 when there is none. */
static size_t prefix_bytes(const char *name)
{
    const char *const dot = strrchr(name, '.');
    return dot != NULL ? (size_t)(dot - name) : 0;
}

static const char *end_of(const char *name)
{
    const char *const dot = strrchr(name, '.');
    return dot != NULL ? dot + 1 : name;
}

static bool same_prefix(const char *a, const char *b)
{
    const size_t bytes = prefix_bytes(a);
    return bytes == prefix_bytes(b) && memcmp(a, b, bytes) == 0;
}

/* A piece of a name. */
struct piece {
    const char *at, *end;
};

/* Cut the digits off the front of a piece, without the zeros in front of them. */
static struct piece take_digits(struct piece *from)
{
    while (from->at < from->end && *from->at == '0') {
        from->at++;
    }
    struct piece digits = { from->at, from->at };
    while (digits.end < from->end && isdigit((unsigned char)*digits.end)) {
        digits.end++;
    }
    from->at = digits.end;
    return digits;
}

/* As people count: "layer.2" before "layer.10". */
static int compare_pieces(struct piece a, struct piece b)
{
    while (a.at < a.end && b.at < b.end) {
        if (isdigit((unsigned char)*a.at) && isdigit((unsigned char)*b.at)) {
            const struct piece x = take_digits(&a);
            const struct piece y = take_digits(&b);
            const ptrdiff_t longer = (x.end - x.at) - (y.end - y.at);
            const int order =
                longer != 0 ? (longer < 0 ? -1 : 1) : memcmp(x.at, y.at, (size_t)(x.end - x.at));
            if (order != 0) {
                return order;
            }
        } else if (*a.at != *b.at) {
            return (unsigned char)*a.at < (unsigned char)*b.at ? -1 : 1;
        } else {
            a.at++;
            b.at++;
        }
    }
    return (a.at < a.end) - (b.at < b.end);
}

static struct piece prefix_of(const char *name)
{
    return (struct piece){ name, name + prefix_bytes(name) };
}

/* By the names of their modules, so that those of one lie side by side; then by their own. */
static int compare_tensors(const void *a, const void *b)
{
    const struct mien_tensor *const *const x = a;
    const struct mien_tensor *const *const y = b;
    const int order = compare_pieces(prefix_of((*x)->name), prefix_of((*y)->name));
    return order != 0 ? order : strcmp((*x)->name, (*y)->name); /* "a.01.b" is not "a.1.b" */
}

/* What a parameter, or a tensor, says of the kind of its module. */
static enum kind kind_of(const char *name, int rank, enum kind so_far)
{
    const char *const end = end_of(name);
    if (strcmp(end, "running_mean") == 0 || strcmp(end, "running_var") == 0) {
        return KIND_NORM;
    }
    if (strcmp(end, "weight") == 0 && so_far == KIND_OTHER) {
        return rank == 4 ? KIND_CONV : rank == 2 ? KIND_DENSE : KIND_OTHER;
    }
    return so_far;
}

/* Counters that PyTorch keeps beside the numbers. */
static bool is_counter(const struct mien_tensor *tensor)
{
    return strcmp(end_of(tensor->name), "num_batches_tracked") == 0;
}

static enum mien_status find_modules(struct matching *m, const struct mien_safetensors *file,
                                     struct mien_error *err)
{
    const size_t count = mien_safetensors_count(file);
    const struct mien_tensor **const sorted = mien_calloc(count, sizeof(*sorted), err);
    m->modules = mien_calloc(count, sizeof(*m->modules), err);
    if (sorted == NULL || m->modules == NULL) {
        free(sorted);
        return MIEN_ERR_MEMORY;
    }
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        sorted[kept] = mien_safetensors_at(file, i);
        kept += is_counter(sorted[kept]) ? 0 : 1;
    }
    qsort(sorted, kept, sizeof(*sorted), compare_tensors);
    for (size_t i = 0; i < kept; i++) {
        struct module *module = m->module_count > 0 ? &m->modules[m->module_count - 1] : NULL;
        if (module == NULL || module->count == MODULE_TENSORS ||
            !same_prefix(module->name, sorted[i]->name)) {
            module = &m->modules[m->module_count++];
            module->name = sorted[i]->name;
            module->name_bytes = prefix_bytes(sorted[i]->name);
            module->kind = KIND_OTHER;
        }
        module->tensors[module->count++] = sorted[i];
        module->kind = kind_of(sorted[i]->name, sorted[i]->rank, module->kind);
    }
    free(sorted);
    return MIEN_OK;
}

static enum mien_status find_slots(struct matching *m, struct mien_error *err)
{
    const struct mien_network *const network = m->network;
    m->slots = mien_calloc(network->param_count, sizeof(*m->slots), err);
    if (m->slots == NULL) {
        return MIEN_ERR_MEMORY;
    }
    for (size_t i = 0; i < network->param_count; i++) {
        const struct mien_param *const param = &network->params[i];
        if (i == 0 || !same_prefix(param->name, network->params[i - 1].name)) {
            m->slots[m->slot_count++] = (struct slot){ .first = i, .kind = KIND_OTHER };
        }
        struct slot *const slot = &m->slots[m->slot_count - 1];
        slot->count++;
        slot->kind = kind_of(param->name, param->rank, slot->kind);
    }
    return MIEN_OK;
}

static bool fits(const struct mien_tensor *tensor, const struct mien_param *param)
{
    return mien_dtype_is_weight(tensor->dtype) && tensor->rank == param->rank &&
           memcmp(tensor->shape, param->shape, (size_t)param->rank * sizeof(size_t)) == 0;
}

static const struct mien_tensor *tensor_of(const struct module *module, const char *end)
{
    for (size_t i = 0; i < module->count; i++) {
        if (strcmp(end_of(module->tensors[i]->name), end) == 0) {
            return module->tensors[i];
        }
    }
    return NULL;
}

/* Whether a module has all that a slot wants, and nothing else. */
static bool module_fits(const struct module *module, const struct slot *slot,
                        const struct mien_network *network)
{
    if (module->taken || module->kind != slot->kind || module->count != slot->count) {
        return false;
    }
    for (size_t i = 0; i < slot->count; i++) {
        const struct mien_param *const param = &network->params[slot->first + i];
        const struct mien_tensor *const tensor = tensor_of(module, end_of(param->name));
        if (tensor == NULL || !fits(tensor, param)) {
            return false;
        }
    }
    return true;
}

static bool match_exactly(struct matching *m, const struct mien_safetensors *file)
{
    for (size_t i = 0; i < m->network->param_count; i++) {
        const struct mien_param *const param = &m->network->params[i];
        const struct mien_tensor *const tensor = mien_safetensors_find(file, param->name);
        if (m->out[i] == NULL && (tensor == NULL || !fits(tensor, param))) {
            return false;
        }
    }
    for (size_t i = 0; i < m->network->param_count; i++) {
        if (m->out[i] == NULL) {
            m->out[i] = mien_safetensors_find(file, m->network->params[i].name);
        }
    }
    return true;
}

static void match_in_order(struct matching *m)
{
    for (size_t s = 0; s < m->slot_count; s++) {
        const struct slot *const slot = &m->slots[s];
        struct module *found = NULL;
        for (size_t k = 0; k < m->module_count && found == NULL && !slot->mapped; k++) {
            found = module_fits(&m->modules[k], slot, m->network) ? &m->modules[k] : NULL;
        }
        for (size_t i = slot->first; found != NULL && i < slot->first + slot->count; i++) {
            m->out[i] = tensor_of(found, end_of(m->network->params[i].name));
            found->taken = true;
        }
    }
}

/* A list of names for an error, cut where it gets long. */
struct list {
    char text[420];
    size_t used, count, more;
};

MIEN_PRINTF(2, 3)
static void add_to(struct list *list, const char *format, ...)
{
    char item[160];
    va_list args;
    va_start(args, format);
    const int bytes = vsnprintf(item, sizeof(item), format, args);
    va_end(args);
    if (bytes < 0 || list->used + (size_t)bytes + 32 > sizeof(list->text)) {
        list->more++;
        return;
    }
    list->used += (size_t)snprintf(list->text + list->used, sizeof(list->text) - list->used, "%s%s",
                                   list->count > 0 ? ", " : "", item);
    list->count++;
}

static const char *end_list(struct list *list)
{
    if (list->more > 0) {
        (void)snprintf(list->text + list->used, sizeof(list->text) - list->used, " and %zu more",
                       list->more);
    }
    return list->text;
}

static bool is_used(const struct matching *m, const struct mien_tensor *tensor)
{
    for (size_t i = 0; i < m->network->param_count; i++) {
        if (m->out[i] == tensor) {
            return true;
        }
    }
    return false;
}

/* Nothing may be missing and nothing left over. */
static enum mien_status judge(const struct matching *m, struct mien_error *err)
{
    struct list missing = { .text = "" };
    struct list over = { .text = "" };
    char shape[MIEN_SHAPE_BYTES];
    for (size_t i = 0; i < m->network->param_count; i++) {
        const struct mien_param *const param = &m->network->params[i];
        if (m->out[i] == NULL) {
            add_to(&missing, "%s %s", param->name,
                   mien_weights_shape(shape, param->shape, param->rank));
        }
    }
    for (size_t k = 0; k < m->module_count; k++) {
        for (size_t i = 0; i < m->modules[k].count; i++) {
            const struct mien_tensor *const tensor = m->modules[k].tensors[i];
            if (!is_used(m, tensor)) {
                add_to(&over, "%.80s %s%s%s", tensor->name,
                       mien_weights_shape(shape, tensor->shape, tensor->rank),
                       mien_dtype_is_weight(tensor->dtype) ? "" : " of ",
                       mien_dtype_is_weight(tensor->dtype) ? "" : mien_dtype_name(tensor->dtype));
            }
        }
    }
    if (missing.count == 0 && over.count == 0) {
        return MIEN_OK;
    }
    return mien_fail(err, MIEN_ERR_FORMAT, "weights of another network: %s%s%s%s%s",
                     missing.count > 0 ? "missing " : "", end_list(&missing),
                     missing.count > 0 && over.count > 0 ? "; " : "",
                     over.count > 0 ? "left over " : "", end_list(&over));
}

static enum mien_status refuse_line(const struct mien_weights_map *map,
                                    const struct mien_weights_name *name, const char *what,
                                    const char *which, struct mien_error *err)
{
    return mien_fail(err, MIEN_ERR_FORMAT, "%.400s:%d: %s %.200s", map->path, name->line, what,
                     which);
}

/* A tensor for a parameter, as a line of the map says. */
static enum mien_status map_one(struct matching *m, size_t param_index,
                                const struct mien_tensor *tensor,
                                const struct mien_weights_map *map,
                                const struct mien_weights_name *name, struct mien_error *err)
{
    const struct mien_param *const param = &m->network->params[param_index];
    char got[MIEN_SHAPE_BYTES];
    char wanted[MIEN_SHAPE_BYTES];
    if (tensor == NULL) {
        return refuse_line(map, name, "the weights have nothing for", param->name, err);
    }
    if (m->out[param_index] != NULL) {
        return refuse_line(map, name, "a second line for", param->name, err);
    }
    if (!fits(tensor, param)) {
        return mien_fail(err, MIEN_ERR_FORMAT,
                         "%.400s:%d: %.100s is %s of %s, %s wants F32, F16 or BF16 of %s",
                         map->path, name->line, tensor->name, mien_dtype_name(tensor->dtype),
                         mien_weights_shape(got, tensor->shape, tensor->rank), param->name,
                         mien_weights_shape(wanted, param->shape, param->rank));
    }
    m->out[param_index] = tensor;
    return MIEN_OK;
}

static struct module *find_module(struct matching *m, const char *name)
{
    for (size_t k = 0; k < m->module_count; k++) {
        struct module *const module = &m->modules[k];
        if (strlen(name) == module->name_bytes &&
            memcmp(module->name, name, module->name_bytes) == 0) {
            return module;
        }
    }
    return NULL;
}

static enum mien_status map_line(struct matching *m, const struct mien_safetensors *file,
                                 const struct mien_weights_map *map,
                                 const struct mien_weights_name *name, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct module *const module = find_module(m, name->theirs);
    bool known = false;
    for (size_t s = 0; s < m->slot_count; s++) {
        struct slot *const slot = &m->slots[s];
        const char *const first = m->network->params[slot->first].name;
        const size_t bytes = prefix_bytes(first);
        const bool whole = strlen(name->ours) == bytes && memcmp(name->ours, first, bytes) == 0;
        for (size_t i = slot->first; i < slot->first + slot->count; i++) {
            const char *const param = m->network->params[i].name;
            if (whole && module == NULL) {
                return refuse_line(map, name, "no such name in the weights:", name->theirs, err);
            }
            if (whole) {
                TRY(map_one(m, i, tensor_of(module, end_of(param)), map, name, err));
                module->taken = true;
                slot->mapped = true;
                known = true;
            } else if (strcmp(name->ours, param) == 0) {
                TRY(map_one(m, i, mien_safetensors_find(file, name->theirs), map, name, err));
                slot->mapped = true;
                known = true;
            }
        }
    }
    if (!known) {
        st = refuse_line(map, name, "no such name in the network:", name->ours, err);
    }

done:
    return st;
}

enum mien_status mien_weights_match(const struct mien_tensor **out,
                                    const struct mien_network *network,
                                    const struct mien_safetensors *file,
                                    const struct mien_weights_map *map, bool strict,
                                    struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct matching m = { .network = network, .out = out };
    memset(out, 0, network->param_count * sizeof(*out));
    TRY(find_modules(&m, file, err));
    TRY(find_slots(&m, err));
    for (size_t i = 0; map != NULL && i < map->count; i++) {
        TRY(map_line(&m, file, map, &map->names[i], err));
    }
    const bool own = match_exactly(&m, file);
    if (!own) {
        match_in_order(&m);
    }
    if (!own || strict) {
        TRY(judge(&m, err));
    }

done:
    free(m.modules);
    free(m.slots);
    return st;
}

void mien_weights_take(float *flat, const struct mien_network *network,
                       const struct mien_tensor *const *tensors)
{
    for (size_t i = 0; i < network->param_count; i++) {
        mien_tensor_floats(flat + network->params[i].offset, tensors[i]);
    }
}
