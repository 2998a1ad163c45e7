/* rows.c - what CLBlast leaves to do on plain rows on the device */
#include "ops/rows.h"

#include "ops/grid.h"

enum { GROUP = 64 };

/* Each of `count` numbers takes `work` others. */
static struct mien_cl_launch flat(const char *kernel, cl_int count, cl_int work)
{
    return (struct mien_cl_launch){
        .source = "rows",
        .kernel = kernel,
        .global = { (size_t)count },
        .local = { GROUP },
        .flop = 2.0 * MIEN_GRID_FLOAT_FLOP * (double)count * work,
    };
}

enum mien_status mien_rows_bias(struct mien_cl *cl, struct mien_cl_buffer *y,
                                const struct mien_cl_buffer *bias, cl_int n, cl_int f, bool relu,
                                struct mien_error *err)
{
    const cl_int count = n * f;
    const cl_int relu_on = relu;
    const struct mien_cl_launch launch = flat("rows_bias", count, 1);
    const struct mien_cl_arg args[] = { ARG_BUF(y), mien_grid_optional(bias), ARG_I32(count),
                                        ARG_I32(f), ARG_I32(relu_on) };
    return mien_cl_launch(cl, &launch, args, ARG_COUNT(args), err);
}

enum mien_status mien_rows_sum(struct mien_cl *cl, struct mien_cl_buffer *sum,
                               const struct mien_cl_buffer *rows, cl_int n, cl_int f,
                               struct mien_error *err)
{
    const struct mien_cl_launch launch = flat("rows_sum", f, n);
    const struct mien_cl_arg args[] = { ARG_BUF(sum), ARG_BUF(rows), ARG_I32(n), ARG_I32(f) };
    return mien_cl_launch(cl, &launch, args, ARG_COUNT(args), err);
}
