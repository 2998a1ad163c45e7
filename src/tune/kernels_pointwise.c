/* kernels_pointwise.c - measuring operations whose numbers have nothing to do with their neighbours
 */
#include "ops/activation.h"
#include "ops/add.h"
#include "ops/dropout.h"
#include "ops/multiply.h"
#include "ops/relu.h"
#include "tune/kernels_internal.h"

enum { FORWARD, BACKWARD, PASSES };
enum { X, Y, DX, DY, OTHER }; /* the last: what is added, and its gradient */

static enum mien_status enqueue_relu(void *user, struct mien_error *err)
{
    const struct kernel_shape *const s = user;
    struct mien_cl_buffer *const *const b = s->buffers;
    return s->pass == FORWARD ? mien_relu_fwd(s->cl, b[Y], b[X], &s->op.act, err)
                              : mien_relu_bwd(s->cl, b[DX], b[DY], b[Y], &s->op.act, err);
}

static enum mien_status activate(const struct kernel_shape *s, enum mien_activation_kind kind,
                                 struct mien_error *err)
{
    struct mien_cl_buffer *const *const b = s->buffers;
    const struct mien_activation op = { .kind = kind, .act = s->op.act, .slope = 0.01f };
    return s->pass == FORWARD ? mien_activation_fwd(s->cl, b[Y], b[X], &op, err)
                              : mien_activation_bwd(s->cl, b[DX], b[DY], b[X], &op, err);
}

static enum mien_status enqueue_leakyrelu(void *user, struct mien_error *err)
{
    return activate(user, MIEN_ACTIVATION_LEAKYRELU, err);
}

static enum mien_status enqueue_sigmoid(void *user, struct mien_error *err)
{
    return activate(user, MIEN_ACTIVATION_SIGMOID, err);
}

static enum mien_status enqueue_silu(void *user, struct mien_error *err)
{
    return activate(user, MIEN_ACTIVATION_SILU, err);
}

static enum mien_status enqueue_gelu(void *user, struct mien_error *err)
{
    return activate(user, MIEN_ACTIVATION_GELU, err);
}

static enum mien_status enqueue_add(void *user, struct mien_error *err)
{
    const struct kernel_shape *const s = user;
    struct mien_cl_buffer *const *const b = s->buffers;
    return s->pass == FORWARD ? mien_add_fwd(s->cl, b[Y], b[X], b[OTHER], &s->op.act, false, err)
                              : mien_add_bwd(s->cl, b[DX], b[DY], b[OTHER], NULL, &s->op.act, err);
}

/* The gates are the first floats of a tensor as large as x. */
static enum mien_status enqueue_multiply(void *user, struct mien_error *err)
{
    const struct kernel_shape *const s = user;
    struct mien_cl_buffer *const *const b = s->buffers;
    return s->pass == FORWARD
               ? mien_multiply(s->cl, b[Y], b[X], b[OTHER], &s->op.act, err)
               : mien_multiply_gates_bwd(s->cl, b[OTHER], b[DY], b[X], NULL, &s->op.act, err);
}

static enum mien_status enqueue_dropout(void *user, struct mien_error *err)
{
    const struct kernel_shape *const s = user;
    const bool forward = s->pass == FORWARD;
    const struct mien_dropout op = { .act = s->op.act, .rate = 0.3f, .seed = 1 };
    return mien_dropout(s->cl, s->buffers[forward ? Y : DX], s->buffers[forward ? X : DY], &op,
                        err);
}

static const struct pointwise {
    const char *kind;
    int c, side; /* channels, rows and columns of an image */
    enum mien_status (*enqueue)(void *shape, struct mien_error *err);
    unsigned used;          /* a bit for each tensor */
    double tensors[PASSES]; /* that are read or written */
} operations[] = {
    /* Of the report's first layer, of resnet-9, of medium. */
    { "relu", 64, 44, enqueue_relu, 1u << X | 1u << Y | 1u << DX | 1u << DY, { 2, 3 } },
    { "leakyrelu", 64, 44, enqueue_leakyrelu, 1u << X | 1u << Y | 1u << DX | 1u << DY, { 2, 3 } },
    { "sigmoid", 64, 44, enqueue_sigmoid, 1u << X | 1u << Y | 1u << DX | 1u << DY, { 2, 3 } },
    { "silu", 64, 44, enqueue_silu, 1u << X | 1u << Y | 1u << DX | 1u << DY, { 2, 3 } },
    { "gelu", 64, 44, enqueue_gelu, 1u << X | 1u << Y | 1u << DX | 1u << DY, { 2, 3 } },
    { "add", 48, 22, enqueue_add, 1u << X | 1u << Y | 1u << DX | 1u << DY | 1u << OTHER, { 3, 3 } },
    { "add", 192, 5, enqueue_add, 1u << X | 1u << Y | 1u << DX | 1u << DY | 1u << OTHER, { 3, 3 } },
    { "multiply", 64, 22, enqueue_multiply, 1u << X | 1u << Y | 1u << DY | 1u << OTHER, { 2, 2 } },
    { "dropout", 256, 1, enqueue_dropout, 1u << X | 1u << Y | 1u << DX | 1u << DY, { 2, 2 } },
};

static enum mien_status measure(const struct kernel_shape *blank, const struct pointwise *operation,
                                struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct kernel_shape shape = *blank;
    const struct mien_act act = { blank->options->batch, operation->c, operation->side,
                                  operation->side, mien_device_lanes(mien_cl_device(blank->cl)) };
    shape.kind = operation->kind;
    shape.op.act = act;
    TRY(mien_act_check(&act, operation->kind, err));
    for (int i = 0; i < KERNEL_BUFFERS; i++) {
        shape.bytes[i] = (operation->used >> i & 1u) != 0 ? kernel_act_bytes(&act) : 0;
    }
    for (shape.pass = 0; shape.pass < PASSES; shape.pass++) {
        const struct kernel_pass pass = {
            .enqueue = operation->enqueue,
            .flop = (double)mien_act_floats(&act),
            .bytes = (double)kernel_act_bytes(&act) * operation->tensors[shape.pass],
        };
        TRY(mien_kernel_measure(&shape, &pass, err, "%dx%dx%d, %s", act.c, act.h, act.w,
                                shape.pass == FORWARD ? "forward" : "backward"));
    }

done:
    mien_kernel_shape_finish(&shape);
    return st;
}

enum mien_status mien_kernels_measure_pointwise(struct mien_cl *cl,
                                                const struct mien_kernels_options *options,
                                                struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct kernel_shape blank = { .cl = cl, .options = options };
    for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
        TRY(measure(&blank, &operations[i], err));
    }

done:
    return st;
}
