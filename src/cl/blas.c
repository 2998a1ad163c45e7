/* blas.c - the one door to CLBlast: single-precision matrix products */
#include "cl/blas.h"

#include <clblast_c.h>
#include <string.h>

#include "cl/internal.h"

static const char *status_name(CLBlastStatusCode code)
{
#define NAME(symbol)                                                                               \
    case symbol: return #symbol
    switch (code) {
        NAME(CLBlastNotImplemented);
        NAME(CLBlastInvalidMatrixA);
        NAME(CLBlastInvalidMatrixB);
        NAME(CLBlastInvalidMatrixC);
        NAME(CLBlastInvalidDimension);
        NAME(CLBlastInvalidLeadDimA);
        NAME(CLBlastInvalidLeadDimB);
        NAME(CLBlastInvalidLeadDimC);
        NAME(CLBlastInsufficientMemoryA);
        NAME(CLBlastInsufficientMemoryB);
        NAME(CLBlastInsufficientMemoryC);
        NAME(CLBlastInsufficientMemoryTemp);
        NAME(CLBlastInvalidOverrideKernel);
        NAME(CLBlastMissingOverrideParameter);
        NAME(CLBlastInvalidLocalMemUsage);
        NAME(CLBlastDatabaseError);
        NAME(CLBlastUnknownError);
        NAME(CLBlastUnexpectedError);
    default: return mien_cl_error_name((cl_int)code); /* CLBlast passes OpenCL's own codes on */
    }
#undef NAME
}

/*
 * Rows of a slice are a multiple of this, which is one of the tiles (MWG, NWG) of CLBlast's
 * parameters: so a slice computes each number as the whole product does.  It must not be so small
 * that CLBlast takes its kernel for small matrices: those of a limit of time are of a billion
 * operations and up.
 */
enum { SLICE_ROWS = 128 };

static CLBlastTranspose transpose_of(const struct mien_matrix *matrix)
{
    return matrix->transposed ? CLBlastTransposeYes : CLBlastTransposeNo;
}

/* Rows r0 .. of a product: what begins there in `matrix`, whose rows are the product's. */
static size_t start_of(const struct mien_matrix *matrix, size_t r0)
{
    return matrix->offset + (matrix->transposed ? r0 : r0 * matrix->stride);
}

/* c = a b + beta c, with room for what CLBlast makes of them. */
struct product {
    const struct mien_matrix *c, *a, *b;
    struct mien_cl_buffer *work;
    const struct mien_gemm *gemm;
    size_t wanted; /* of work, by the last slice */
};

/* Rows r0 .. r0 + m - 1 of a product. */
struct slice {
    size_t r0, m;
};

/* In whole tiles of the largest that there are; m and n have the same, whichever way CLBlast turns
 * a product. */
static size_t padded(size_t size, enum mien_blas_param tile)
{
    const size_t most = (size_t)mien_blas_param_most(tile);
    return (size + most - 1) / most * most;
}

size_t mien_blas_work_bytes(const struct mien_gemm *gemm)
{
    const size_t m = padded(gemm->m, MIEN_BLAS_MWG);
    const size_t n = padded(gemm->n, MIEN_BLAS_NWG);
    const size_t k = padded(gemm->k, MIEN_BLAS_KWG);
    return (m * k + k * n + m * n) * sizeof(cl_float);
}

/*
 * CLBlast could ask for that memory itself, but where it is refused CLBlast 1.5.3 ends the program:
 * an exception of a constructor releases what was never made, in a destructor that throws.
 */
static CLBlastStatusCode multiply_slice(struct mien_cl *cl, struct product *p,
                                        const struct slice *slice, cl_event *event)
{
    const CLBlastTranspose a_form = transpose_of(p->a);
    const CLBlastTranspose b_form = transpose_of(p->b);
    const size_t a_start = start_of(p->a, slice->r0);
    const size_t c_start = start_of(p->c, slice->r0);
    const CLBlastStatusCode code = CLBlastSGemmTempBufferSize(
        CLBlastLayoutRowMajor, a_form, b_form, slice->m, p->gemm->n, p->gemm->k, a_start,
        p->a->stride, p->b->offset, p->b->stride, c_start, p->c->stride, &cl->queue, &p->wanted);
    if (code != CLBlastSuccess) {
        return code;
    }
    if (p->wanted > p->work->bytes) {
        return CLBlastInsufficientMemoryTemp;
    }
    return CLBlastSgemmWithTempBuffer(CLBlastLayoutRowMajor, a_form, b_form, slice->m, p->gemm->n,
                                      p->gemm->k, 1.0f, p->a->buffer->handle, a_start, p->a->stride,
                                      p->b->buffer->handle, p->b->offset, p->b->stride,
                                      p->gemm->beta, p->c->buffer->handle, c_start, p->c->stride,
                                      &cl->queue, event, p->work->handle);
}

static CLBlastStatusCode multiply(struct mien_cl *cl, struct product *p,
                                  const struct mien_cl_cut *cut, cl_event *event)
{
    const size_t m = p->gemm->m;
    CLBlastStatusCode code = CLBlastSuccess;
    const size_t slices = mien_cl_cut_count(cut);
    for (size_t i = 0; i < slices && code == CLBlastSuccess; i++) {
        size_t first[3];
        size_t count[3];
        mien_cl_cut_slice(first, count, cut, i);
        const size_t r0 = first[2] * SLICE_ROWS;
        const size_t rows = count[2] * SLICE_ROWS;
        const struct slice slice = { r0, m - r0 < rows ? m - r0 : rows };
        const bool last = i + 1 == slices;
        code = multiply_slice(cl, p, &slice, last ? event : NULL);
        if (code == CLBlastSuccess && !last) {
            code = (CLBlastStatusCode)clFlush(cl->queue);
        }
    }
    return code;
}

enum mien_status mien_blas_gemm(struct mien_cl *cl, const struct mien_matrix *c,
                                const struct mien_matrix *a, const struct mien_matrix *b,
                                struct mien_cl_buffer *work, const struct mien_gemm *gemm,
                                struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct product product = { c, a, b, work, gemm, 0 };
    struct mien_cl_span *span = NULL;
    const size_t groups[3] = { 1, 1, (gemm->m + SLICE_ROWS - 1) / SLICE_ROWS };
    const double flop = 2.0 * (double)gemm->m * (double)gemm->n * (double)gemm->k;
    const struct mien_cl_cut cut = mien_cl_cut(cl, groups, flop);
    const size_t slices = mien_cl_cut_count(&cut);

    cl->blas_used = true;
    /* A product is several commands of CLBlast's, even one in a single slice. */
    TRY(mien_cl_profile_slot(&span, cl, "clblast_sgemm", slices > 1 ? slices : 0, err));
    const CLBlastStatusCode code = multiply(cl, &product, &cut, span != NULL ? &span->event : NULL);
    if (code != CLBlastSuccess) {
        mien_cl_profile_drop(span);
        if (product.wanted > work->bytes) {
            st = mien_fail(err, MIEN_ERR_CL,
                           "matrix product m %zu n %zu k %zu: CLBlast wants %zu bytes beside the "
                           "matrices, %zu are planned",
                           gemm->m, gemm->n, gemm->k, product.wanted, work->bytes);
            goto done;
        }
        st = mien_fail(err, mien_cl_status((cl_int)code),
                       "matrix product m %zu n %zu k %zu: CLBlastSgemmWithTempBuffer: %s (%d)",
                       gemm->m, gemm->n, gemm->k, status_name(code), (int)code);
        goto done;
    }
    cl->sample_count += span != NULL ? 1 : 0;
    mien_cl_tell_launched(cl, "clblast_sgemm");

done:
    return st;
}

/*
 * CLBlast 1.5.3 knows no AMD CPU and gives it small tiles in local memory, which a CPU device only
 * copies around.  Here a work-item computes a register tile of whole vectors, the machine's width
 * both ways.  GEMMK 1 with MWG != NWG gives wrong results before 1.6.3 and stays out.
 */
enum mien_status mien_blas_tune_defaults(const struct mien_device_info *device,
                                         struct mien_error *err)
{
    if (device->kind != MIEN_DEVICE_CPU) {
        return MIEN_OK;
    }
    const bool wide = device->float_width >= 16;
    const size_t vector = wide ? 16 : 8;
    const size_t items = wide ? 2 : 4; /* of a work-group, along either side of its 32 x 32 tile */
    const struct {
        const char *name;
        size_t value;
    } gemm[] = {
        { "GEMMK", 0 },     { "KREG", 1 },      { "KWG", 16 },     { "KWI", 4 },
        { "MDIMA", items }, { "MDIMC", items }, { "MWG", 32 },     { "NDIMB", items },
        { "NDIMC", items }, { "NWG", 32 },      { "SA", 0 },       { "SB", 0 },
        { "STRM", 0 },      { "STRN", 0 },      { "VWM", vector }, { "VWN", vector },
    };
    enum { COUNT = sizeof(gemm) / sizeof(gemm[0]) };
    const char *names[COUNT];
    size_t values[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        names[i] = gemm[i].name;
        values[i] = gemm[i].value;
    }
    static const char *routine_names[] = { "XGEMM_MIN_INDIRECT_SIZE" };
    static const size_t routine_values[] = { 1 };
    CLBlastStatusCode code = CLBlastOverrideParameters(
        device->device, "Xgemm", CLBlastPrecisionSingle, COUNT, names, values);
    if (code == CLBlastSuccess) {
        code = CLBlastOverrideParameters(device->device, "GemmRoutine", CLBlastPrecisionSingle, 1,
                                         routine_names, routine_values);
    }
    if (code != CLBlastSuccess) {
        return mien_fail(err, mien_cl_status((cl_int)code), "CLBlastOverrideParameters: %s (%d)",
                         status_name(code), (int)code);
    }
    return MIEN_OK;
}

/* One kernel's part of a set. */
static enum mien_status override(const struct mien_device_info *device,
                                 const struct mien_blas_kernel *kernel,
                                 const struct mien_blas_params *params, struct mien_error *err)
{
    const char *names[MIEN_BLAS_PARAMS];
    size_t values[MIEN_BLAS_PARAMS];
    for (int i = 0; i < kernel->count; i++) {
        names[i] = mien_blas_param_name((enum mien_blas_param)(kernel->first + i));
        values[i] = (size_t)params->value[kernel->first + i];
    }
    const CLBlastStatusCode code = CLBlastOverrideParameters(
        device->device, kernel->name, CLBlastPrecisionSingle, (size_t)kernel->count, names, values);
    return code == CLBlastSuccess ? MIEN_OK
                                  : mien_fail(err, mien_cl_status((cl_int)code),
                                              "CLBlastOverrideParameters of %s: %s (%d)",
                                              kernel->name, status_name(code), (int)code);
}

/* Parameters as mien_cl_open() leaves them, whatever they are now; those of XgemmDirect stay, which
 * then no product is small enough for. */
static enum mien_status take_standard(const struct mien_cl *cl, struct mien_error *err)
{
    if (cl->info.kind != MIEN_DEVICE_CPU) { /* its interface can set parameters, not ask for them */
        return mien_fail(err, MIEN_ERR_CL,
                         "CLBlast cannot be given back its own parameters in this process");
    }
    return mien_blas_tune_defaults(&cl->info, err);
}

enum mien_status mien_blas_use(struct mien_cl *cl, const struct mien_blas_params *params,
                               struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    if (params == NULL) {
        st = cl->blas_set ? take_standard(cl, err) : MIEN_OK;
        cl->blas_set = cl->blas_set && st != MIEN_OK;
        return st;
    }
    if (cl->blas_set && memcmp(&cl->blas, params, sizeof(*params)) == 0) {
        return MIEN_OK;
    }
    TRY(mien_blas_check(params, err));
    if (!mien_blas_fits(params, &cl->info)) {
        st = mien_fail(err, MIEN_ERR_CL,
                       "CLBlast's parameters ask for more work-items or local memory than %s has",
                       cl->info.name);
        goto done;
    }
    for (int i = 0; i < MIEN_BLAS_KERNELS; i++) {
        st = override(&cl->info, &mien_blas_kernels[i], params, err);
        for (int k = 0; st != MIEN_OK && k < i && cl->blas_set; k++) { /* back, as far as it goes */
            (void) override(&cl->info, &mien_blas_kernels[k], &cl->blas, NULL);
        }
        if (st != MIEN_OK && i > 0 && !cl->blas_set) {
            (void)take_standard(cl, NULL);
        }
        TRY(st);
    }
    cl->blas = *params;
    cl->blas_set = true;

done:
    return st;
}

bool mien_blas_take(struct mien_cl *cl, const struct mien_blas_params *params)
{
    struct mien_error problem = { "" };
    if (mien_blas_use(cl, params, &problem) == MIEN_OK) {
        return true;
    }
    mien_log_line(cl->log, "CLBlast keeps the parameters that it has: %s", problem.text);
    return false;
}

void mien_blas_finish(const struct mien_cl *cl)
{
    if (cl->blas_used) {
        (void)CLBlastClearCache();
    }
}
