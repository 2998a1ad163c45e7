/* proof.c - what a device computes wrong, as the last self-test found it */
#include "train/proof.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "cl/device_file.h"
#include "train/known.h"
#include "train/selftest.h"

#define FORMAT "mien-selftest 3"
#define FOLDER "selftest"
enum { LARGEST_FILE = 1 << 20, VERSION_BYTES = 48 };

void mien_proof_finish(struct mien_proof *proof)
{
    mien_verdicts_finish(&proof->wrong);
    *proof = (struct mien_proof){ .known = false };
}

/* Whether a value of the file is what it must be here. */
static bool says(const json_t *root, const char *key, const char *want)
{
    const char *const got = json_string_value(json_object_get(root, key));
    return got != NULL && strcmp(got, want) == 0;
}

/* "1.5.3": CLBlast's products are another version's, and wrong or right in another way. */
static void write_version(char out[VERSION_BYTES])
{
    int version[3];
    mien_blas_version(version);
    (void)snprintf(out, VERSION_BYTES, "%d.%d.%d", version[0], version[1], version[2]);
}

static bool is_current(const json_t *root, const struct mien_device_info *device)
{
    char text[MIEN_DEVICE_TEXT_BYTES];
    char hash[33];
    char version[VERSION_BYTES];
    mien_device_text(text, device);
    mien_kernels_hash(hash);
    write_version(version);
    return says(root, "format", FORMAT) && says(root, "mien", MIEN_VERSION) &&
           says(root, "device", text) && says(root, "kernels", hash) &&
           says(root, "clblast", version) && json_is_boolean(json_object_get(root, "whole")) &&
           json_is_boolean(json_object_get(root, "network")) &&
           json_is_array(json_object_get(root, "wrong"));
}

static enum mien_status take_wrong(struct mien_proof *out, const json_t *root,
                                   struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const json_t *const list = json_object_get(root, "wrong");
    for (size_t i = 0; st == MIEN_OK && i < json_array_size(list); i++) {
        const json_t *const item = json_array_get(list, i);
        const char *const kernel = json_string_value(json_object_get(item, "kernel"));
        const char *const variant = json_string_value(json_object_get(item, "variant"));
        const char *const text = json_string_value(json_object_get(item, "text"));
        struct mien_finding finding = { .tolerance = 0.0 };
        mien_finding_note(&finding, MIEN_FAULT_WRONG, "%.250s", text != NULL ? text : "");
        st = kernel == NULL || variant == NULL
                 ? MIEN_OK
                 : mien_verdicts_add(&out->wrong, kernel, variant, &finding, "", 0.0, err);
    }
    return st;
}

/* As an entry of a table of tuning; where none can be read, a verdict counts for every set. */
static enum mien_status take_set(struct mien_proof *out, const json_t *root, struct mien_error *err)
{
    struct mien_tuning tuning = { .entries = NULL };
    const char *const text = json_string_value(json_object_get(root, "set"));
    if (text == NULL) {
        return MIEN_OK;
    }
    const enum mien_status st = mien_tuning_parse(&tuning, text, err);
    const struct mien_blas_params *const set = mien_tuning_blas(&tuning);
    if (set != NULL) {
        out->set = *set;
    }
    mien_tuning_finish(&tuning);
    return st == MIEN_ERR_MEMORY ? st : MIEN_OK;
}

enum mien_status mien_proof_load(struct mien_proof *out, const char *path,
                                 const struct mien_device_info *device, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    json_t *root = NULL;
    *out = (struct mien_proof){ .known = false };
    if (mien_json_read(&root, path, LARGEST_FILE, NULL) == MIEN_OK) {
        out->known = is_current(root, device);
        out->scope.whole = json_is_true(json_object_get(root, "whole"));
        out->scope.network = json_is_true(json_object_get(root, "network"));
        out->scope.clblast = json_is_true(json_object_get(root, "products"));
        st = out->known ? take_wrong(out, root, err) : MIEN_OK;
        st = out->known && st == MIEN_OK ? take_set(out, root, err) : st;
        json_decref(root);
    }
    return st;
}

enum mien_status mien_proof_read(struct mien_proof *out, const struct mien_device_info *device,
                                 struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_error ignored = { "" };
    *out = (struct mien_proof){ .known = false };
    char *const path = mien_device_file_path(FOLDER, device, &ignored);
    if (path != NULL && mien_path_is_file(path)) {
        st = mien_proof_load(out, path, device, err);
    }
    free(path);
    return st;
}

/* Add what failed to what did before. */
static enum mien_status add_wrong(struct mien_proof *proof, const struct mien_verdicts *verdicts,
                                  struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    for (size_t i = 0; st == MIEN_OK && i < verdicts->count; i++) {
        const struct mien_verdict *const v = &verdicts->items[i];
        if (v->failed > 0) {
            struct mien_finding finding = { .tolerance = 0.0 };
            mien_finding_note(&finding, v->worst.fault, "%s", mien_fault_name(v->worst.fault));
            st = mien_verdicts_add(&proof->wrong, v->kernel, v->variant, &finding, "", 0.0, err);
        }
    }
    return st;
}

enum mien_status mien_proof_take(struct mien_proof *proof, const struct mien_verdicts *verdicts,
                                 const struct mien_proof_scope *scope, struct mien_error *err)
{
    mien_proof_finish(proof);
    proof->known = true;
    proof->scope = *scope;
    return add_wrong(proof, verdicts, err);
}

static bool is_tuned(const struct mien_verdict *verdict)
{
    return strcmp(verdict->variant, MIEN_VERIFY_TUNED_BLAS) == 0;
}

/* Whether CLBlast failed with parameters that were searched for. */
static bool has_tuned(const struct mien_verdicts *verdicts)
{
    for (size_t i = 0; i < verdicts->count; i++) {
        if (verdicts->items[i].failed > 0 && is_tuned(&verdicts->items[i])) {
            return true;
        }
    }
    return false;
}

static const struct mien_blas_params several; /* sets failed: it is none of them */

/* The set of verdicts to be added; of one that failed before, and another, it is neither. */
static void add_set(struct mien_proof *proof, const struct mien_verdicts *verdicts,
                    const struct mien_blas_params *set)
{
    const bool other =
        set == NULL || (has_tuned(&proof->wrong) && memcmp(&proof->set, set, sizeof(*set)) != 0);
    if (has_tuned(verdicts)) {
        proof->set = other ? several : *set;
    }
}

/* NULL: no memory. */
static json_t *describe_set(const struct mien_blas_params *set)
{
    struct mien_tuning tuning = { .entries = NULL };
    const struct mien_tuned entry = mien_tuned_blas(set);
    char *text = NULL;
    if (memcmp(set, &several, sizeof(several)) == 0) {
        return json_null();
    }
    if (mien_tuning_put(&tuning, &entry, NULL) == MIEN_OK) {
        text = mien_tuning_format(&tuning, NULL);
    }
    json_t *const value = text != NULL ? json_string(text) : NULL;
    free(text);
    mien_tuning_finish(&tuning);
    return value;
}

static json_t *describe(const struct mien_proof *proof, const struct mien_device_info *device)
{
    char text[MIEN_DEVICE_TEXT_BYTES];
    char hash[33];
    char version[VERSION_BYTES];
    json_t *list = json_array();
    mien_device_text(text, device);
    mien_kernels_hash(hash);
    write_version(version);
    for (size_t i = 0; i < proof->wrong.count; i++) {
        const struct mien_verdict *const v = &proof->wrong.items[i];
        mien_json_append(&list, json_pack("{s:s, s:s, s:o}", "kernel", v->kernel, "variant",
                                          v->variant, "text", mien_json_text(v->worst.text)));
    }
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:b, s:o, s:o}", "format", FORMAT, "mien",
                     MIEN_VERSION, "device", text, "kernels", hash, "clblast", version, "whole",
                     proof->scope.whole, "network", proof->scope.network, "products",
                     proof->scope.clblast, "set", describe_set(&proof->set), "wrong", list);
}

static enum mien_status write_file(const struct mien_proof *proof,
                                   const struct mien_device_info *device, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    json_t *const root = describe(proof, device);
    char *const text = root == NULL ? NULL : json_dumps(root, JSON_INDENT(1));
    struct mien_error cause = { "" };
    char *const path = text == NULL ? NULL : mien_device_file_path(FOLDER, device, &cause);
    if (text == NULL) {
        st = mien_fail(err, MIEN_ERR_MEMORY, "no memory for what the self-test found");
    } else if (path == NULL) {
        st = cause.text[0] == '\0' ? mien_fail(err, MIEN_ERR_IO, "there is no cache folder")
                                   : mien_fail(err, MIEN_ERR_MEMORY, "%s", cause.text);
    } else {
        st = mien_device_file_write(path, text, err);
    }
    free(path);
    free(text);
    json_decref(root);
    return st;
}

enum mien_status mien_proof_write(const struct mien_verdicts *verdicts,
                                  const struct mien_blas_params *set,
                                  const struct mien_proof_scope *scope,
                                  const struct mien_device_info *device, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_proof proof;
    TRY(mien_proof_read(&proof, device, err));
    const bool less = (proof.scope.whole && !scope->whole) ||
                      (proof.scope.network && !scope->network) ||
                      (proof.scope.clblast && !scope->clblast);
    if (!proof.known || !less) {
        mien_proof_finish(&proof);
    }
    proof.scope.whole = proof.scope.whole || scope->whole;
    proof.scope.network = proof.scope.network || scope->network;
    proof.scope.clblast = proof.scope.clblast || scope->clblast;
    add_set(&proof, verdicts, set);
    TRY(add_wrong(&proof, verdicts, err));
    TRY(write_file(&proof, device, err));

done:
    mien_proof_finish(&proof);
    return st;
}

/* What a verdict is of, where another way computes the same. */
struct way {
    enum mien_tuned_op op;
    enum mien_conv2d_pass pass;
    int variant;
    bool pools; /* of a convolution: with a pooling behind it, which can be a kernel of its own */
    bool tuned; /* of a convolution: with other parameters than its default ones */
};

/* The text behind `prefix`; NULL where `text` does not begin with it. */
static const char *behind(const char *text, const char *prefix)
{
    const size_t length = strlen(prefix);
    return strncmp(text, prefix, length) == 0 ? text + length : NULL;
}

static bool find_pass(enum mien_conv2d_pass *pass, const char *name)
{
    for (int i = 0; i < MIEN_CONV2D_PASSES; i++) {
        if (strcmp(name, mien_conv2d_pass_name((enum mien_conv2d_pass)i)) == 0) {
            *pass = (enum mien_conv2d_pass)i;
            return true;
        }
    }
    return false;
}

static bool find_conv2d_way(struct way *out, const struct mien_verdict *v)
{
    const char *const pooled = behind(v->kernel, MIEN_VERIFY_CONV2D_POOL);
    const char *const pass = pooled != NULL ? pooled : behind(v->kernel, MIEN_VERIFY_CONV2D);
    *out = (struct way){ .op = MIEN_TUNED_CONV2D, .pools = pooled != NULL };
    if (pass == NULL || !find_pass(&out->pass, pass)) {
        return false;
    }
    for (int i = 0; i < MIEN_CONV2D_VARIANTS; i++) {
        const char *const rest =
            behind(v->variant, mien_conv2d_variant_name((enum mien_conv2d_variant)i));
        if (rest != NULL && (rest[0] == '\0' || strcmp(rest, MIEN_VERIFY_TUNED) == 0)) {
            out->variant = i;
            out->tuned = rest[0] != '\0';
            return true;
        }
    }
    return false;
}

static bool find_dense_way(struct way *out, const struct mien_verdict *v)
{
    const char *const pass = behind(v->kernel, MIEN_VERIFY_DENSE);
    *out = (struct way){ .op = MIEN_TUNED_DENSE };
    if (pass == NULL || !find_pass(&out->pass, pass)) {
        return false;
    }
    if (is_tuned(v)) { /* for all products or none */
        *out = (struct way){ .op = MIEN_TUNED_BLAS, .variant = MIEN_TUNED_SET };
    } else {
        out->variant = strcmp(v->variant, "clblast") == 0 ? MIEN_TUNED_CLBLAST : MIEN_TUNED_OWN;
    }
    return true;
}

/* What CLBlast leaves to do of a dense layer: the layout, where it is another one; bias and sums.
 */
static bool is_for_clblast(const char *kernel, bool relayouts)
{
    return behind(kernel, "rows ") != NULL || (relayouts && behind(kernel, "relayout ") != NULL);
}

/* Without it CLBlast computes no dense layer. */
static bool find_helper_way(struct way *out, const struct mien_verdict *v)
{
    *out = (struct way){ .op = MIEN_TUNED_DENSE,
                         .pass = MIEN_CONV2D_FWD,
                         .variant = MIEN_TUNED_CLBLAST };
    return is_for_clblast(v->kernel, true);
}

/* false: what the verdict is of has no other way */
static bool find_way(struct way *out, const struct mien_verdict *v)
{
    return find_conv2d_way(out, v) || find_dense_way(out, v) || find_helper_way(out, v);
}

bool mien_proof_avoids(const struct mien_verdict *verdict)
{
    struct way way;
    return verdict->failed > 0 && find_way(&way, verdict);
}

void mien_proof_bar(const struct mien_verdicts *verdicts, const struct mien_blas_params *set,
                    struct mien_tuning *tuning)
{
    for (size_t i = 0; i < verdicts->count; i++) {
        struct way way;
        const struct mien_verdict *const v = &verdicts->items[i];
        if (v->failed == 0 || !find_way(&way, v)) {
            continue;
        }
        if (way.pools) {
            mien_tuning_bar_pool(tuning, (enum mien_conv2d_variant)way.variant);
        } else if (way.tuned) {
            mien_tuning_bar_params(tuning, way.pass, (enum mien_conv2d_variant)way.variant);
        } else if (way.op == MIEN_TUNED_BLAS) {
            mien_tuning_bar_blas(tuning, set);
        } else {
            mien_tuning_bar(tuning, way.op, way.pass, way.variant);
        }
    }
}

/* Whether training by a recipe runs kernels of the operation whose verdicts begin with `row`. */
static bool is_needed(const char *kernel, const struct mien_recipe *recipe,
                      const struct mien_network *network)
{
    const struct mien_train_spec *const train = &recipe->train;
    const struct {
        const char *row;
        bool used;
    } rules[] = {
        { MIEN_KNOWN_NAME, true }, { "gather shares", train->soft_targets > 0.0f },
        { "gather", true },        { "softmax soft loss", train->soft_targets > 0.0f },
        { "softmax", true },
    };
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        if (behind(kernel, rules[i].row) != NULL) {
            return rules[i].used;
        }
    }
    for (int i = 0; i < MIEN_SELFTEST_FLAT; i++) {
        if (behind(kernel, mien_selftest_flat[i]) != NULL) {
            return mien_selftest_uses(train, mien_selftest_flat[i]);
        }
    }
    for (size_t i = 0; i < network->layer_count; i++) {
        const char *const row = mien_selftest_row(network->layers[i].spec.kind);
        if (row != NULL && behind(kernel, row) != NULL) {
            return true;
        }
    }
    return false;
}

/* Whether own kernels, or CLBlast with what it leaves to do, compute dense layers without a fault.
 */
static bool is_right(const struct mien_proof *proof, bool clblast, int lanes)
{
    const char *const variant = clblast ? "clblast" : "own";
    for (size_t i = 0; i < proof->wrong.count; i++) {
        const struct mien_verdict *const v = &proof->wrong.items[i];
        const bool product =
            behind(v->kernel, MIEN_VERIFY_DENSE) != NULL && strcmp(v->variant, variant) == 0;
        if (product || (clblast && is_for_clblast(v->kernel, lanes > 1))) {
            return false;
        }
    }
    return true;
}

static bool has_dense(const struct mien_network *network)
{
    for (size_t i = 0; i < network->layer_count; i++) {
        if (network->layers[i].spec.kind == MIEN_LAYER_DENSE) {
            return true;
        }
    }
    return false;
}

enum mien_status mien_proof_check(const struct mien_proof *proof, const struct mien_recipe *recipe,
                                  const struct mien_network *network, int lanes,
                                  enum mien_blas blas, struct mien_error *err)
{
    const bool own = lanes > 1 && blas != MIEN_BLAS_CLBLAST && is_right(proof, false, lanes);
    const bool clblast = blas != MIEN_BLAS_OWN && is_right(proof, true, lanes);
    for (size_t i = 0; i < proof->wrong.count; i++) {
        const struct mien_verdict *const v = &proof->wrong.items[i];
        const bool helper = blas != MIEN_BLAS_OWN && is_for_clblast(v->kernel, lanes > 1);
        const bool dense = helper || behind(v->kernel, MIEN_VERIFY_DENSE) != NULL;
        const bool conv = behind(v->kernel, MIEN_VERIFY_CONV2D) != NULL;
        const bool needed = helper ? has_dense(network) : is_needed(v->kernel, recipe, network);
        if (conv || (dense && (own || clblast)) || !needed) {
            continue; /* convolutions: layer by layer, when the model is made */
        }
        return mien_fail(err, MIEN_ERR_CL,
                         "%s%s%s computes wrong numbers on this device, and nothing else computes "
                         "the same (%.200s); 'mien selftest' tells more",
                         v->kernel, v->variant[0] != '\0' ? ", " : "", v->variant, v->worst.text);
    }
    return MIEN_OK;
}
