/* peak.c - what a device reaches at best: arithmetic and memory, measured */
#include "tune/peak.h"

#include "ops/grid.h"
#include "ops/tensor.h"

enum {
    ROWS = 12,          /* of peak.cl */
    GPU_GROUP = 64,     /* work-items */
    GPU_GROUPS = 64,    /* of a compute unit */
    CPU_GROUPS = 16,    /* of a core, so that one that is held up does not hold up all */
    FIRST_ROUNDS = 256, /* to find out how many fill TARGET_MS */
    MAX_ROUNDS = 1 << 22,
};
static const double target_ms = 20.0;
static const size_t copy_bytes = (size_t)256 << 20;

struct fma_work {
    struct mien_cl *cl;
    struct mien_cl_buffer *out;
    cl_int lanes, rounds;
    size_t items;
};

static enum mien_status enqueue_fma(void *user, struct mien_error *err)
{
    const struct fma_work *const work = user;
    const cl_float a = 0.5f;
    const cl_float b = 1.0f;
    const struct mien_cl_launch launch = {
        .source = "peak",
        .kernel = "peak_fma",
        .options = mien_grid_lanes(work->lanes),
        .global = { work->items },
        .local = { work->lanes == 1 ? GPU_GROUP : 1 },
    };
    const struct mien_cl_arg args[] = { ARG_BUF(work->out), ARG_F32(a), ARG_F32(b),
                                        ARG_I32(work->rounds) };
    return mien_cl_launch(work->cl, &launch, args, ARG_COUNT(args), err);
}

static enum mien_status measure_arithmetic(struct mien_peaks *out, struct mien_cl *cl, int warmup,
                                           int repeat, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_device_info *const device = mien_cl_device(cl);
    struct fma_work fma = { .cl = cl, .lanes = mien_device_lanes(device), .rounds = FIRST_ROUNDS };
    const size_t units = device->compute_units > 0 ? device->compute_units : 1;
    fma.items = units * (fma.lanes == 1 ? (size_t)GPU_GROUP * GPU_GROUPS : CPU_GROUPS);
    const struct mien_work work = { enqueue_fma, &fma };
    TRY(mien_cl_buffer_create(&fma.out, cl, fma.items * (size_t)fma.lanes * sizeof(cl_float), err));
    do { /* longer launches until one takes long enough for its clock */
        TRY(mien_measure(&out->arithmetic, cl, &work, 1, 3, err));
        if (out->arithmetic.device.min_ms * 2.0 < target_ms) {
            const double grow = target_ms / (out->arithmetic.device.min_ms + 1e-3);
            fma.rounds = (cl_int)(fma.rounds * (grow > 16.0 ? 16.0 : grow));
        }
    } while (out->arithmetic.device.min_ms * 2.0 < target_ms && fma.rounds < MAX_ROUNDS);
    TRY(mien_measure(&out->arithmetic, cl, &work, warmup, repeat, err));
    out->flop = 2.0 * ROWS * (double)fma.lanes * fma.rounds * (double)fma.items;

done:
    mien_cl_buffer_destroy(fma.out);
    return st;
}

struct copy_work {
    struct mien_cl *cl;
    struct mien_cl_buffer *y, *x;
    cl_int lanes, count; /* vectors */
};

static enum mien_status enqueue_copy(void *user, struct mien_error *err)
{
    const struct copy_work *const work = user;
    cl_int chunk;
    const struct mien_cl_launch launch =
        mien_grid_flat(&chunk, "peak", "peak_copy", work->lanes, (size_t)work->count, 1);
    const struct mien_cl_arg args[] = { ARG_BUF(work->y), ARG_BUF(work->x), ARG_I32(work->count),
                                        ARG_I32(chunk) };
    return mien_cl_launch(work->cl, &launch, args, ARG_COUNT(args), err);
}

static enum mien_status measure_memory(struct mien_peaks *out, struct mien_cl *cl, int warmup,
                                       int repeat, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    const struct mien_device_info *const device = mien_cl_device(cl);
    struct copy_work copy = { .cl = cl, .lanes = mien_device_lanes(device) };
    const size_t vector = (size_t)copy.lanes * sizeof(cl_float);
    size_t bytes = copy_bytes;
    bytes = bytes > device->max_alloc_bytes / 2 ? (size_t)device->max_alloc_bytes / 2 : bytes;
    bytes = bytes > device->global_bytes / 8 ? (size_t)device->global_bytes / 8 : bytes;
    copy.count = (cl_int)(bytes / vector);
    bytes = (size_t)copy.count * vector;
    const struct mien_work work = { enqueue_copy, &copy };
    TRY(mien_cl_buffer_create(&copy.y, cl, bytes, err));
    TRY(mien_cl_buffer_create(&copy.x, cl, bytes, err));
    TRY(mien_cl_fill(cl, copy.x, 0, err)); /* so that every page is there */
    TRY(mien_measure(&out->memory, cl, &work, warmup, repeat, err));
    out->bytes = 2.0 * (double)bytes;

done:
    mien_cl_buffer_destroy(copy.x);
    mien_cl_buffer_destroy(copy.y);
    return st;
}

/* Work of one launch per second in thousand millions; 0 where the device has no clock. */
static double rate(double amount, const struct mien_measured *measured)
{
    return measured->device.min_ms > 0.0 ? amount / measured->device.min_ms / 1e6 : 0.0;
}

enum mien_status mien_peaks_measure(struct mien_peaks *out, struct mien_cl *cl, int warmup,
                                    int repeat, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    *out = (struct mien_peaks){ .flop = 0.0 };
    mien_cl_label(cl, "peak");
    TRY(measure_arithmetic(out, cl, warmup, repeat, err));
    TRY(measure_memory(out, cl, warmup, repeat, err));
    out->gflop_s = rate(out->flop, &out->arithmetic);
    out->gb_s = rate(out->bytes, &out->memory);

done:
    return st;
}
