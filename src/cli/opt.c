/* opt.c - arguments into a command's option struct, as its table says */
#include "cli/opt.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"

#define COMMON(name) offsetof(struct common_options, name)

/* The rows are in the order of the bits COMMON_DEVICE, COMMON_SEED ...; --help has none. */
static const struct opt common_table[] = {
    { "device", OPT_STRING, COMMON(device), "DEVICE",
      "OpenCL device: auto, cpu, gpu, accelerator, PLATFORM:DEVICE or part of a name",
      .role = OPT_ANY },
    /* Up to 2^53 - 1, so that a seed survives as a JSON number. */
    { "seed", OPT_INT64, COMMON(seed), "N", "seed of every random choice", .min = 0,
      .max = 9007199254740991.0 },
    { "json", OPT_FLAG, COMMON(json), NULL, "print the result as JSON", .role = OPT_ANY },
    { "quiet", OPT_FLAG, COMMON(quiet), NULL, "print results and errors only", .role = OPT_ANY },
    { "help", OPT_FLAG, COMMON(help), NULL, "print this text", .role = OPT_ANY },
};
static_assert(COMMON_DEVICE == 1 && COMMON_SEED == 2 && COMMON_JSON == 4 && COMMON_QUIET == 8,
              "the rows of common_table are counted by these bits");
enum { COMMON_ROWS = sizeof(common_table) / sizeof(common_table[0]), COMMON_ALWAYS = 16 };

const struct opt *opt_at(const struct command *command, size_t index)
{
    size_t own = 0;
    for (; command->options != NULL && command->options[own].name != NULL; own++) {
        if (own == index) {
            return &command->options[own];
        }
    }
    const unsigned taken = command->common | COMMON_ALWAYS;
    for (size_t row = 0; row < COMMON_ROWS; row++) {
        if ((taken & (1u << row)) != 0 && own++ == index) {
            return &common_table[row];
        }
    }
    return NULL;
}

static size_t smallest(size_t a, size_t b, size_t c)
{
    const size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

enum { LONGEST_WORD = 40 };

/* Levenshtein distance; words longer than LONGEST_WORD are far from everything. */
static size_t distance(const char *a, const char *b)
{
    const size_t an = strlen(a);
    const size_t bn = strlen(b);
    if (an > LONGEST_WORD || bn > LONGEST_WORD) {
        return LONGEST_WORD;
    }
    size_t row[LONGEST_WORD + 1];
    for (size_t j = 0; j <= bn; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= an; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= bn; j++) {
            const size_t replace = diagonal + (a[i - 1] != b[j - 1] ? 1 : 0);
            diagonal = row[j];
            row[j] = smallest(row[j] + 1, row[j - 1] + 1, replace);
        }
    }
    return row[bn];
}

const char *opt_nearest(const char *typed, const char *const *words)
{
    const char *best = NULL;
    const size_t length = strlen(typed);
    size_t best_distance = length > 5 ? 4 : 3; /* must be below: up to 3 slips, 2 in short words */
    for (; *words != NULL; words++) {
        /* The beginning of a word is near, however much is missing. */
        const bool begins = length >= 3 && strncmp(*words, typed, length) == 0;
        const size_t d = begins ? 1 : distance(typed, *words);
        if (d < best_distance && d < length) {
            best = *words;
            best_distance = d;
        }
    }
    return best;
}

static const struct opt *find(const struct command *command, const char *name, size_t length)
{
    const struct opt *o = NULL;
    for (size_t i = 0; (o = opt_at(command, i)) != NULL; i++) {
        if (strncmp(o->name, name, length) == 0 && o->name[length] == '\0') {
            return o;
        }
    }
    return NULL;
}

static enum mien_status unknown_option(const struct command *command, const char *typed,
                                       struct mien_error *err)
{
    enum { MOST = 64 };
    const char *names[MOST + 1] = { NULL };
    const struct opt *o = NULL;
    for (size_t i = 0; i < MOST && (o = opt_at(command, i)) != NULL; i++) {
        names[i] = o->name;
    }
    char name[LONGEST_WORD + 1] = "";
    const char *const bare = typed + strspn(typed, "-");
    const size_t length = strcspn(bare, "=");
    memcpy(name, bare, length < LONGEST_WORD ? length : LONGEST_WORD);
    const char *const near = opt_nearest(name, names);
    if (near != NULL) {
        return mien_fail(err, MIEN_ERR_USAGE, "unknown option '%s', did you mean --%s?", typed,
                         near);
    }
    return mien_fail(err, MIEN_ERR_USAGE, "unknown option '%s'", typed);
}

static enum mien_status append(struct opt_strings *list, const char *prefix, const char *text,
                               struct mien_error *err)
{
    const size_t bytes = (prefix != NULL ? strlen(prefix) + 1 : 0) + strlen(text) + 1;
    char *const copy = mien_calloc(bytes, 1, err);
    if (copy == NULL) {
        return MIEN_ERR_MEMORY;
    }
    (void)snprintf(copy, bytes, "%s%s%s", prefix != NULL ? prefix : "", prefix != NULL ? "=" : "",
                   text);
    char **const grown = mien_realloc(list->items, list->count + 1, sizeof(*list->items), err);
    if (grown == NULL) {
        free(copy);
        return MIEN_ERR_MEMORY;
    }
    grown[list->count] = copy;
    list->items = grown;
    list->count++;
    return MIEN_OK;
}

static bool parse_integer(int64_t *out, const char *text, const struct opt *o)
{
    char *end = NULL;
    errno = 0;
    const long long value = strtoll(text, &end, 10);
    *out = value;
    return end != text && *end == '\0' && errno == 0 && !isspace((unsigned char)*text) &&
           (double)value >= o->min && (double)value <= o->max;
}

static bool parse_double(double *out, const char *text, const struct opt *o)
{
    char *end = NULL;
    *out = strtod(text, &end);
    return end != text && *end == '\0' && !isspace((unsigned char)*text) && *out >= o->min &&
           *out <= o->max; /* false for NaN */
}

static bool parse_size(struct opt_size *out, const char *text, const struct opt *o)
{
    char first[16] = "";
    const size_t length = strcspn(text, "x");
    if (length >= sizeof(first)) {
        return false;
    }
    memcpy(first, text, length);
    int64_t height = 0;
    int64_t width = 0;
    if (!parse_integer(&height, first, o) ||
        !parse_integer(&width, text[length] == 'x' ? text + length + 1 : first, o)) {
        return false;
    }
    *out = (struct opt_size){ .height = (int)height, .width = (int)width };
    return true;
}

static bool parse_choice(int *out, const char *text, const struct opt *o)
{
    for (int i = 0; o->choices[i] != NULL; i++) {
        if (strcmp(o->choices[i], text) == 0) {
            *out = i;
            return true;
        }
    }
    return false;
}

static enum mien_status bad_value(const struct opt *o, const char *text, struct mien_error *err)
{
    switch (o->kind) {
    case OPT_INT:
    case OPT_INT64:
        return mien_fail(err, MIEN_ERR_USAGE, "--%s: '%s' is not a whole number from %.0f to %.0f",
                         o->name, text, o->min, o->max);
    case OPT_DOUBLE:
        return mien_fail(err, MIEN_ERR_USAGE, "--%s: '%s' is not a number from %g to %g", o->name,
                         text, o->min, o->max);
    case OPT_SIZE:
        return mien_fail(err, MIEN_ERR_USAGE,
                         "--%s: '%s' is not a size HxW with both from %.0f to %.0f", o->name, text,
                         o->min, o->max);
    case OPT_CHOICE: {
        char list[256] = "";
        size_t used = 0;
        for (size_t i = 0; o->choices[i] != NULL && used < sizeof(list); i++) {
            const int n = snprintf(list + used, sizeof(list) - used, "%s%s", i > 0 ? ", " : "",
                                   o->choices[i]);
            used += n > 0 ? (size_t)n : 0;
        }
        return mien_fail(err, MIEN_ERR_USAGE, "--%s: '%s' is none of %s", o->name, text, list);
    }
    default: return mien_fail(err, MIEN_ERR_USAGE, "--%s: %s is empty", o->name, o->value);
    }
}

static enum mien_status store(const struct opt *o, void *into, const char *text,
                              struct mien_error *err)
{
    int64_t integer = 0;
    double number = 0;
    struct opt_size size = { 0 };
    int choice = 0;
    bool good = *text != '\0';
    switch (o->kind) {
    case OPT_INT:
    case OPT_INT64: good = parse_integer(&integer, text, o); break;
    case OPT_DOUBLE: good = parse_double(&number, text, o); break;
    case OPT_SIZE: good = parse_size(&size, text, o); break;
    case OPT_CHOICE: good = parse_choice(&choice, text, o); break;
    default: break;
    }
    if (!good) {
        return bad_value(o, text, err);
    }
    void *const field = (char *)into + o->offset;
    if (o->setting != NULL) {
        return append(field, o->setting, text, err);
    }
    switch (o->kind) {
    case OPT_FLAG: *(bool *)field = true; break;
    case OPT_INT: *(int *)field = (int)integer; break;
    case OPT_INT64: *(int64_t *)field = integer; break;
    case OPT_DOUBLE: *(double *)field = number; break;
    case OPT_SIZE: *(struct opt_size *)field = size; break;
    case OPT_STRING: *(const char **)field = text; break;
    case OPT_STRINGS: return append(field, NULL, text, err);
    case OPT_CHOICE: *(int *)field = choice; break;
    }
    return MIEN_OK;
}

/* argv[*i] starts with "--" and is not "--"; *i moves on when the value is the next argument. */
static enum mien_status take_option(const struct command *command, void *into, int argc,
                                    const char *const *argv, int *i, struct mien_error *err)
{
    const char *const arg = argv[*i];
    const size_t length = strcspn(arg + 2, "=");
    const struct opt *const o = find(command, arg + 2, length);
    const char *value = arg[2 + length] == '=' ? arg + 2 + length + 1 : NULL;
    if (o == NULL) {
        return unknown_option(command, arg, err);
    }
    if (o->kind == OPT_FLAG) {
        if (value != NULL) {
            return mien_fail(err, MIEN_ERR_USAGE, "--%s takes no value, got '%s'", o->name, value);
        }
        *(bool *)(void *)((char *)into + o->offset) = true;
        return MIEN_OK;
    }
    if (value == NULL) {
        if (*i + 1 >= argc) {
            return mien_fail(err, MIEN_ERR_USAGE, "--%s needs a value: %s, %s", o->name, o->value,
                             o->help);
        }
        value = argv[++*i];
    }
    return store(o, into, value, err);
}

/* How many values a row of positionals has. */
static size_t held(const struct positional *p, const void *options)
{
    const void *const field = (const char *)options + p->offset;
    if (p->max > 1) {
        return ((const struct opt_strings *)field)->count;
    }
    return *(const char *const *)field != NULL ? 1 : 0;
}

static enum mien_status take_positional(const struct positional *p, void *into, const char *text,
                                        struct mien_error *err)
{
    if (*text == '\0') {
        return mien_fail(err, MIEN_ERR_USAGE, "%s is empty: %s", p->name, p->help);
    }
    void *const field = (char *)into + p->offset;
    if (p->max > 1) {
        return append(field, NULL, text, err);
    }
    *(const char **)field = text;
    return MIEN_OK;
}

/* Arguments fill the rows in order; a row with room for several leaves what those behind it need.
 */
static enum mien_status take_positionals(const struct command *command, void *into,
                                         const char *const *texts, size_t count,
                                         struct mien_error *err)
{
    size_t taken = 0;
    for (const struct positional *p = command->positionals; p != NULL && p->name != NULL; p++) {
        size_t behind = 0;
        for (const struct positional *next = p + 1; next->name != NULL; next++) {
            behind += (size_t)next->min;
        }
        const size_t end = count > behind ? count - behind : 0;
        for (int i = 0; taken < count && i < p->max && (i < p->min || taken < end); i++) {
            const enum mien_status st = take_positional(p, into, texts[taken++], err);
            if (st != MIEN_OK) {
                return st;
            }
        }
    }
    return taken == count
               ? MIEN_OK
               : mien_fail(err, MIEN_ERR_USAGE, "unexpected argument '%s'", texts[taken]);
}

static enum mien_status check_complete(const struct command *command, const void *options,
                                       struct mien_error *err)
{
    for (const struct positional *p = command->positionals; p != NULL && p->name != NULL; p++) {
        if (held(p, options) < (size_t)p->min) {
            return mien_fail(err, MIEN_ERR_USAGE, "%s is missing: %s", p->name, p->help);
        }
    }
    for (const struct opt *o = command->options; o != NULL && o->name != NULL; o++) {
        assert(!o->required || o->kind == OPT_STRING);
        if (o->required &&
            *(const char *const *)(const void *)((const char *)options + o->offset) == NULL) {
            return mien_fail(err, MIEN_ERR_USAGE, "--%s %s is missing: %s", o->name, o->value,
                             o->help);
        }
    }
    return MIEN_OK;
}

enum mien_status opt_parse(const struct command *command, void *into, int argc,
                           const char *const *argv, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    bool only_positionals = false;
    size_t count = 0;
    const char **const texts = mien_calloc((size_t)argc + 1, sizeof(*texts), err);
    if (texts == NULL) {
        return MIEN_ERR_MEMORY;
    }
    for (int i = 0; i < argc; i++) {
        const char *const arg = argv[i];
        if (only_positionals || arg[0] != '-' || arg[1] == '\0') {
            texts[count++] = arg;
        } else if (strcmp(arg, "--") == 0) {
            only_positionals = true;
        } else if (strcmp(arg, "-h") == 0) {
            ((struct common_options *)into)->help = true;
        } else if (arg[1] == '-') {
            TRY(take_option(command, into, argc, argv, &i, err));
        } else {
            TRY(unknown_option(command, arg, err));
        }
    }
    TRY(take_positionals(command, into, texts, count, err));
    if (!((struct common_options *)into)->help) {
        TRY(check_complete(command, into, err));
    }

done:
    free((void *)texts);
    return st;
}

static void release(struct opt_strings *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i]);
    }
    free(list->items);
    *list = (struct opt_strings){ 0 };
}

void opt_release(const struct command *command, void *into)
{
    for (const struct opt *o = command->options; o != NULL && o->name != NULL; o++) {
        if (o->kind == OPT_STRINGS || o->setting != NULL) {
            release((void *)((char *)into + o->offset));
        }
    }
    for (const struct positional *p = command->positionals; p != NULL && p->name != NULL; p++) {
        if (p->max > 1) {
            release((void *)((char *)into + p->offset));
        }
    }
}
