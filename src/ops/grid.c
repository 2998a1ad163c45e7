/* grid.c - how elementwise and row-wise operations spread over work-items */
#include "ops/grid.h"

#include <limits.h>

/* Vectors a work-item of a CPU device should touch at least: a work-group costs it microseconds. */
enum { CPU_VECTORS = 4096, GPU_GROUP = 64 };
/* Groups that every GPU's second dimension takes (CUDA's limit). */
enum { MOST_GROUPS = 65535 };

const char *mien_grid_lanes(cl_int lanes)
{
    return lanes == 16  ? "-DLANES=16"
           : lanes == 8 ? "-DLANES=8"
           : lanes == 4 ? "-DLANES=4"
                        : "-DLANES=1";
}

struct mien_cl_arg mien_grid_optional(const struct mien_cl_buffer *buffer)
{
    static const cl_mem none = NULL;
    return buffer != NULL ? mien_cl_arg_buffer(buffer)
                          : (struct mien_cl_arg){ &none, sizeof(cl_mem) };
}

/* Of vectors that are read, and others that are written. */
static double flop_of(cl_int lanes, size_t count, size_t work)
{
    return 2.0 * MIEN_GRID_FLOAT_FLOP * (double)lanes * (double)count * (double)work;
}

static cl_int choose_chunk(size_t count, size_t work)
{
    size_t chunk = work >= CPU_VECTORS ? 1 : (CPU_VECTORS + work - 1) / (work == 0 ? 1 : work);
    chunk = chunk > count ? count : chunk;
    chunk = chunk > INT_MAX ? INT_MAX : chunk;
    return chunk < 1 ? 1 : (cl_int)chunk;
}

struct mien_cl_launch mien_grid_flat(cl_int *chunk, const char *source, const char *kernel,
                                     cl_int lanes, size_t count, size_t work)
{
    *chunk = lanes == 1 ? 1 : choose_chunk(count, work);
    return (struct mien_cl_launch){
        .source = source,
        .kernel = kernel,
        .options = mien_grid_lanes(lanes),
        .global = { (count + (size_t)*chunk - 1) / (size_t)*chunk },
        .local = { lanes == 1 ? GPU_GROUP : 1 },
        .flop = flop_of(lanes, count, work),
    };
}

struct mien_cl_launch mien_grid_rows(cl_int *cols, cl_int *chunk, const char *source,
                                     const char *kernel, cl_int lanes, size_t rows, size_t width,
                                     size_t work)
{
    size_t across = lanes == 1 ? GPU_GROUP : 1; /* a group is across x down */
    while (across > 1 && across / 2 >= width) {
        across /= 2;
    }
    const size_t down = lanes == 1 ? GPU_GROUP / across : 1;
    const size_t most = MOST_GROUPS * down;
    *cols = lanes == 1 ? 1 : (cl_int)width;
    *chunk = lanes == 1 ? (cl_int)((rows + most - 1) / most) : choose_chunk(rows, work);
    return (struct mien_cl_launch){
        .source = source,
        .kernel = kernel,
        .options = mien_grid_lanes(lanes),
        .global = { (width + (size_t)*cols - 1) / (size_t)*cols,
                    (rows + (size_t)*chunk - 1) / (size_t)*chunk },
        .local = { across, down },
        .flop = flop_of(lanes, rows, work),
    };
}
