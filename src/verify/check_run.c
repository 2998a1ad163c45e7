/* check_run.c - the way of one check: tensors, launches, comparison */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "verify/check_internal.h"
#include "verify/noise.h"

#define UNUSED_LANE 0.25f /* what an input has there that is no gradient: it must not count */

float mien_verify_largest(const float *numbers, size_t count)
{
    float most = 0.0f;
    for (size_t i = 0; i < count; i++) {
        most = fabsf(numbers[i]) > most ? fabsf(numbers[i]) : most;
    }
    return most;
}

struct mien_act mien_verify_input(const struct check *k)
{
    const struct mien_verify_shape *const s = k->shape;
    return (struct mien_act){ s->n, s->c, s->h, s->w, k->lanes };
}

static size_t type_bytes(enum check_type type)
{
    return type == CHECK_U8 ? sizeof(uint8_t) : sizeof(cl_float);
}

static bool is_read(enum check_role role)
{
    return role == CHECK_INPUT || role == CHECK_UPDATED;
}

static bool is_compared(enum check_role role)
{
    return role == CHECK_RESULT || role == CHECK_UPDATED || role == CHECK_DERIVED;
}

/* Numbers on the device, unused lanes among them. */
static size_t device_count(const struct check_tensor *t)
{
    return t->act.lanes > 0 ? mien_act_floats(&t->act) : t->count;
}

/* Host arrays and device memory of a tensor whose other fields are set. */
static enum mien_status allocate(struct check *k, struct check_tensor *t, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    float **const arrays[] = { is_read(t->role) && t->type == CHECK_F32 ? &t->plain : NULL,
                               is_compared(t->role) ? &t->want : NULL,
                               is_compared(t->role) ? &t->got : NULL };
    for (size_t i = 0; i < sizeof(arrays) / sizeof(arrays[0]); i++) {
        if (arrays[i] != NULL) {
            *arrays[i] = mien_calloc(t->count, sizeof(float), err);
            if (*arrays[i] == NULL) {
                return MIEN_ERR_MEMORY;
            }
        }
    }
    if (t->type != CHECK_F32 && t->role != CHECK_SCRATCH) {
        t->raw = mien_calloc(t->count, type_bytes(t->type), err);
        if (t->raw == NULL) {
            return MIEN_ERR_MEMORY;
        }
    }
    if (t->role != CHECK_DERIVED) {
        TRY(mien_guarded_create(&t->device, k->cl, device_count(t) * type_bytes(t->type), err));
        TRY(mien_guarded_poison(&t->device, k->cl, err));
    }
    for (size_t i = 0; t->plain != NULL && i < t->count; i++) {
        t->plain[i] = mien_noise_at(k->noise, (int)(t - k->t), i);
    }

done:
    return st;
}

enum mien_status mien_verify_act(struct check *k, int index, enum check_role role, int pass,
                                 const char *name, const struct mien_act *act, double tolerance,
                                 struct mien_error *err)
{
    k->t[index] = (struct check_tensor){
        .role = role,
        .name = name,
        .pass = pass,
        .act = *act,
        .count = (size_t)act->n * (size_t)act->c * (size_t)act->h * (size_t)act->w,
        .tolerance = tolerance,
    };
    return allocate(k, &k->t[index], err);
}

enum mien_status mien_verify_flat(struct check *k, int index, enum check_role role, int pass,
                                  const char *name, size_t count, double tolerance,
                                  struct mien_error *err)
{
    k->t[index] = (struct check_tensor){
        .role = role, .name = name, .pass = pass, .count = count, .tolerance = tolerance
    };
    return allocate(k, &k->t[index], err);
}

enum mien_status mien_verify_whole(struct check *k, int index, enum check_role role, int pass,
                                   const char *name, enum check_type type, size_t count,
                                   struct mien_error *err)
{
    k->t[index] = (struct check_tensor){
        .role = role, .type = type, .name = name, .pass = pass, .count = count
    };
    return allocate(k, &k->t[index], err);
}

/* Where number `i` of the plain order stands on the device. */
static size_t place(const struct check_tensor *t, size_t i)
{
    if (t->act.lanes == 0) {
        return i;
    }
    const size_t lanes = (size_t)t->act.lanes;
    const size_t image = (size_t)t->act.c * (size_t)t->act.h * (size_t)t->act.w;
    return (i / image / lanes * image + i % image) * lanes + i / image % lanes;
}

/* `plain` as the device has it. */
static enum mien_status upload_floats(struct check *k, struct check_tensor *t,
                                      struct mien_error *err)
{
    const size_t count = device_count(t);
    float *const data = mien_calloc(count, sizeof(*data), err);
    if (data == NULL) {
        return MIEN_ERR_MEMORY;
    }
    for (size_t i = 0; count > t->count && i < count; i++) {
        data[i] = t->zero ? 0.0f : UNUSED_LANE;
    }
    for (size_t i = 0; i < t->count; i++) {
        data[place(t, i)] = t->plain[i];
    }
    const enum mien_status st =
        mien_cl_write(k->cl, t->device.buffer, 0, data, t->device.bytes, err);
    free(data);
    return st;
}

static enum mien_status upload(struct check *k, struct check_tensor *t, struct mien_error *err)
{
    return t->type == CHECK_F32
               ? upload_floats(k, t, err)
               : mien_cl_write(k->cl, t->device.buffer, 0, t->raw, t->device.bytes, err);
}

/* What the device has to `got`; notes unused lanes that are not as they must be. */
static enum mien_status download(struct mien_finding *finding, struct check *k,
                                 struct check_tensor *t, struct mien_error *err)
{
    const size_t count = device_count(t);
    void *const data = mien_calloc(count, type_bytes(t->type), err);
    if (data == NULL) {
        return MIEN_ERR_MEMORY;
    }
    const enum mien_status st =
        mien_cl_read(k->cl, data, t->device.buffer, 0, t->device.bytes, err);
    const float *const floats = data;
    const int32_t *const ints = data;
    const uint8_t *const bytes = data;
    for (size_t i = 0; st == MIEN_OK && i < t->count; i++) {
        t->got[i] = t->type == CHECK_F32   ? floats[place(t, i)]
                    : t->type == CHECK_I32 ? (float)ints[i]
                                           : (float)bytes[i];
    }
    const size_t lanes = t->act.lanes > 0 ? (size_t)t->act.lanes : 1;
    const size_t block = t->act.lanes > 0 ? count / (size_t)mien_act_blocks(&t->act) : count;
    for (size_t i = 0; st == MIEN_OK && lanes > 1 && i < count; i++) {
        const size_t image = i / block * lanes + i % lanes;
        if (image >= (size_t)t->act.n &&
            !(isfinite(floats[i]) && (!t->zero || floats[i] == 0.0f))) {
            mien_finding_note(finding, MIEN_FAULT_WRONG, "%s: an unused lane holds %g, wanted %s",
                              t->name, (double)floats[i], t->zero ? "zero" : "a finite number");
        }
    }
    free(data);
    return st;
}

static bool writes(const struct check_tensor *t, int pass)
{
    return t->role != CHECK_UNUSED && t->role != CHECK_INPUT && t->role != CHECK_DERIVED &&
           (t->pass < 0 || t->pass == pass);
}

/* As before a pass: nothing written, updates back at their start, faults of others forgotten. */
static enum mien_status reset(struct check *k, int pass, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    for (int i = 0; i < CHECK_TENSORS; i++) {
        struct check_tensor *const t = &k->t[i];
        if (writes(t, pass)) {
            TRY(mien_guarded_poison(&t->device, k->cl, err));
            TRY(t->role == CHECK_UPDATED ? upload(k, t, err) : MIEN_OK);
        } else if (t->device.whole != NULL) {
            TRY(mien_guarded_heal(&t->device, k->cl, err));
        }
    }

done:
    return st;
}

/* Whatever a pass left, tensor by tensor; what is worst stays. */
static enum mien_status compare(struct mien_finding *out, struct check *k, int pass,
                                struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    for (int i = 0; i < CHECK_TENSORS; i++) {
        struct check_tensor *const t = &k->t[i];
        struct mien_finding finding = { .tolerance = t->tolerance };
        if (t->device.buffer != NULL) {
            TRY(mien_guarded_check(&finding, t->name, &t->device, k->cl, err));
        }
        const bool derived = t->role == CHECK_DERIVED && (t->pass < 0 || t->pass == pass);
        if (derived || (is_compared(t->role) && writes(t, pass))) {
            TRY(derived ? MIEN_OK : download(&finding, k, t, err));
            const struct mien_compared what = { t->name, t->got, t->want, t->count, t->scale };
            mien_compare(&finding, &what);
        } else if (finding.fault == MIEN_FAULT_NONE) {
            continue;
        }
        mien_finding_merge(out, &finding);
    }

done:
    return st;
}

static enum mien_status check_pass(struct mien_finding *out, double *ms, struct check *k,
                                   const struct check_op *op, int pass, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_error refused = { "" };
    *out = (struct mien_finding){ .tolerance = -1.0 };
    *ms = 0.0;
    TRY(reset(k, pass, err));
    st = op->enqueue(k, pass, &refused);
    st = st == MIEN_OK ? mien_cl_finish(k->cl, &refused) : st;
    if (st != MIEN_OK) {
        mien_cl_drain(k->cl);
        mien_finding_note(out, MIEN_FAULT_REFUSED, "%.250s", refused.text);
        out->tolerance = 0.0;
        st = MIEN_OK;
        goto done;
    }
    op->expect(k, pass);
    TRY(op->collect != NULL ? op->collect(k, pass, err) : MIEN_OK);
    TRY(compare(out, k, pass, err));
    const double start_ms = mien_now_ms();
    TRY(op->enqueue(k, pass, err));
    TRY(mien_cl_finish(k->cl, err));
    *ms = mien_now_ms() - start_ms;

done:
    return st;
}

static void finish(struct check *k)
{
    mien_cl_drain(k->cl);
    for (int i = 0; i < CHECK_TENSORS; i++) {
        mien_guarded_finish(&k->t[i].device);
        free(k->t[i].plain);
        free(k->t[i].want);
        free(k->t[i].got);
        free(k->t[i].raw);
    }
}

enum mien_status mien_verify_op(struct mien_verdicts *out, struct mien_cl *cl, const char *name,
                                const struct check_op *op, const struct mien_verify_shape *shape,
                                int lanes, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct check k = { .cl = cl, .shape = shape, .lanes = lanes };
    char where[CHECK_SHAPE_BYTES];
    float *noise = NULL;
    mien_verify_describe(where, shape);
    TRY(mien_noise_create(&noise, err));
    k.noise = noise;
    TRY(op->prepare(&k, err));
    for (int i = 0; i < CHECK_TENSORS; i++) {
        TRY(k.t[i].role == CHECK_INPUT ? upload(&k, &k.t[i], err) : MIEN_OK);
    }
    for (int pass = 0; op->passes[pass] != NULL; pass++) {
        struct mien_finding finding;
        char kernel[48];
        double ms = 0.0;
        TRY(check_pass(&finding, &ms, &k, op, pass, err));
        (void)snprintf(kernel, sizeof(kernel), "%s%s%s", name,
                       op->passes[pass][0] != '\0' ? " " : "", op->passes[pass]);
        TRY(mien_verdicts_add(out, kernel, "", &finding, where, ms, err));
    }

done:
    finish(&k);
    free(noise);
    return st;
}
