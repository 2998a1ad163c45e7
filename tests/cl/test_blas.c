/* test_blas.c - matrix products through CLBlast against a plain loop */
// wrap: CLBlastOverrideParameters
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cl/blas.h"
#include "cl/internal.h"
#include "support/device.h"
#include "support/notes.h"
#include "support/wrap_clblast.h"
#include "tune/blas_space.h"

static bool refuse_parameters;
static int refuse_at;   /* the call that is refused, counted down; 0: none */
static int taken;       /* calls that CLBlast took */
static size_t mwg, kwg; /* of the last set for Xgemm that it took */
static size_t largest;  /* bytes that CLBlast wanted beside its matrices */

CLBlastStatusCode __wrap_CLBlastOverrideParameters(cl_device_id device, const char *kernel,
                                                   CLBlastPrecision precision, size_t count,
                                                   const char **names, const size_t *values)
{
    if (refuse_parameters || (refuse_at > 0 && --refuse_at == 0)) {
        return CLBlastMissingOverrideParameter;
    }
    taken++;
    for (size_t i = 0; i < count; i++) {
        mwg = strcmp(names[i], "MWG") == 0 ? values[i] : mwg;
        kwg = strcmp(names[i], "KWG") == 0 ? values[i] : kwg;
    }
    return __real_CLBlastOverrideParameters(device, kernel, precision, count, names, values);
}

/* One, odd sizes, sizes off every tile, a product whose parts are rounded in another order. */
static const struct {
    size_t m, n, k;
} shapes[] = {
    { 1, 1, 1 }, { 1, 7, 3 }, { 5, 1, 9 }, { 13, 11, 1 }, { 33, 31, 65 }, { 150, 84, 120 },
};

/* A host matrix with room between and around its rows. */
struct plain {
    float *data;
    size_t offset, stride, floats;
    bool transposed;
};

/* `rows` and `columns` are those of the product's operand, before it is stored as its transpose. */
static struct plain make(size_t rows, size_t columns, bool transposed, size_t offset, size_t gap,
                         uint32_t seed)
{
    const size_t stride = (transposed ? rows : columns) + gap;
    struct plain plain = { NULL, offset, stride, offset + (transposed ? columns : rows) * stride,
                           transposed };
    plain.data = random_floats(plain.floats, seed);
    return plain;
}

static float element(const struct plain *p, size_t row, size_t column)
{
    return p->transposed ? p->data[p->offset + column * p->stride + row]
                         : p->data[p->offset + row * p->stride + column];
}

/* c = a b + beta c in double precision; what lies between the rows stays as it is. */
static void multiply(struct plain *c, const struct plain *a, const struct plain *b,
                     const struct mien_gemm *gemm)
{
    for (size_t i = 0; i < gemm->m; i++) {
        for (size_t j = 0; j < gemm->n; j++) {
            float *const to = &c->data[c->offset + i * c->stride + j];
            double sum = gemm->beta == 0.0f ? 0.0 : (double)gemm->beta * (double)*to;
            for (size_t l = 0; l < gemm->k; l++) {
                sum += (double)element(a, i, l) * (double)element(b, l, j);
            }
            *to = (float)sum;
        }
    }
}

/* Form 0 to 3: bit 0 transposes a, bit 1 b; `room` floats around and between the rows. */
static void check(struct mien_cl *cl, struct mien_gemm gemm, int form, size_t room)
{
    struct mien_error err = { "" };
    struct plain a = make(gemm.m, gemm.k, (form & 1) != 0, room, room * 2, 1);
    struct plain b = make(gemm.k, gemm.n, (form & 2) != 0, room * 3, room, 2);
    struct plain c = make(gemm.m, gemm.n, false, room * 2, room, 3);
    for (size_t i = 0; i < gemm.m && gemm.beta == 0.0f; i++) { /* must not be read */
        memset(c.data + c.offset + i * c.stride, 0xFF, gemm.n * sizeof(float));
    }
    struct mien_cl_buffer *const da = guarded_copy(cl, a.data, a.floats * sizeof(float));
    struct mien_cl_buffer *const db = guarded_copy(cl, b.data, b.floats * sizeof(float));
    struct mien_cl_buffer *const dc = guarded_copy(cl, c.data, c.floats * sizeof(float));
    const struct mien_matrix ma = { da, a.offset, a.stride, a.transposed };
    const struct mien_matrix mb = { db, b.offset, b.stride, b.transposed };
    const struct mien_matrix mc = { dc, c.offset, c.stride, false };
    struct mien_cl_buffer *const work = guarded_buffer(cl, mien_blas_work_bytes(&gemm));
    assert_ok(mien_blas_gemm(cl, &mc, &ma, &mb, work, &gemm, &err), &err);
    free(guarded_read(cl, work, mien_blas_work_bytes(&gemm)));
    mien_cl_buffer_destroy(work);
    multiply(&c, &a, &b, &gemm);
    float *const got = guarded_read(cl, dc, c.floats * sizeof(float));
    assert_all_close(got, c.data, c.floats, 1e-6f * sqrtf((float)gemm.k), 1e-5f);
    free(got);
    mien_cl_buffer_destroy(da);
    mien_cl_buffer_destroy(db);
    mien_cl_buffer_destroy(dc);
    free(a.data);
    free(b.data);
    free(c.data);
}

static void test_blas_gemm__matches_a_plain_loop_in_every_form(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        for (int form = 0; form < 4; form++) {
            struct mien_gemm gemm = { shapes[i].m, shapes[i].n, shapes[i].k, 0.0f };
            check(cl, gemm, form, 0);
            gemm.beta = 1.0f;
            check(cl, gemm, form, 0);
        }
    }
}

static void test_blas_gemm__keeps_to_offset_and_stride(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    for (int form = 0; form < 4; form++) {
        check(cl, (struct mien_gemm){ 33, 31, 65, 0.0f }, form, 5);
        check(cl, (struct mien_gemm){ 64, 32, 32, 1.0f }, form, 16);
        check(cl, (struct mien_gemm){ 1, 7, 3, 0.5f }, form, 1);
    }
}

static void test_blas_gemm__refusal_names_status_and_sizes(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    struct mien_cl_buffer *const buffer = guarded_buffer(cl, 16 * sizeof(float));
    const struct mien_matrix matrix = { buffer, 0, 4, false };
    const struct mien_gemm square = { 4, 4, 4, 0.0f };
    const struct mien_gemm empty = { 0, 4, 4, 0.0f };
    const struct mien_matrix narrow = { buffer, 0, 3, false };
    struct mien_cl_buffer *const work = guarded_buffer(cl, mien_blas_work_bytes(&square));
    assert_int_equal(mien_blas_gemm(cl, &matrix, &narrow, &matrix, work, &square, &err),
                     MIEN_ERR_CL);
    assert_string_equal(err.text, "matrix product m 4 n 4 k 4: CLBlastSgemmWithTempBuffer: "
                                  "CLBlastInvalidLeadDimA (-1016)");
    assert_int_equal(mien_blas_gemm(cl, &matrix, &matrix, &matrix, work, &empty, NULL),
                     MIEN_ERR_CL);
    mien_cl_buffer_destroy(work);
    mien_cl_buffer_destroy(buffer);
}

static void test_blas_gemm__is_profiled(void **state)
{
    (void)device_or_skip(state);
    struct mien_error err = { "" };
    struct mien_cl *cl = NULL;
    const struct mien_cl_options options = { .profile = true };
    const struct mien_cl_sample *samples = NULL;
    size_t count = 0;
    assert_ok(mien_cl_open(&cl, &options, &err), &err);
    struct mien_cl_buffer *const buffer = guarded_buffer(cl, 3 * 100 * 100 * sizeof(float));
    const struct mien_matrix a = { buffer, 0, 100, false };
    const struct mien_matrix b = { buffer, 10000, 100, true };
    const struct mien_matrix c = { buffer, 20000, 100, false };
    const struct mien_matrix wrong = { buffer, 0, 1, false };
    const struct mien_gemm gemm = { 100, 100, 100, 0.0f };
    struct mien_cl_buffer *const work = guarded_buffer(cl, mien_blas_work_bytes(&gemm));
    mien_cl_label(cl, "dense1.fwd");
    assert_ok(mien_blas_gemm(cl, &c, &a, &b, work, &gemm, &err), &err);
    assert_int_equal(mien_blas_gemm(cl, &c, &wrong, &b, work, &gemm, &err), MIEN_ERR_CL);
    assert_ok(mien_blas_gemm(cl, &c, &a, &b, work, &gemm, &err), &err);
    assert_ok(mien_cl_profile(cl, &samples, &count, &err), &err);
    assert_int_equal(count, 2);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(samples[i].kernel, "clblast_sgemm");
        assert_string_equal(samples[i].label, "dense1.fwd");
        assert_true(samples[i].queued_ns > 0);
        assert_true(samples[i].end_ns > samples[i].start_ns);
    }
    assert_true(samples[1].start_ns >= samples[0].end_ns);
    mien_cl_buffer_destroy(work);
    mien_cl_buffer_destroy(buffer);
    mien_cl_close(cl);
}

/* CLBlast keeps programs for the process: they must not be those of a device that was closed. */
static void test_blas_gemm__works_on_the_second_device_opened(void **state)
{
    struct mien_cl *const first = device_or_skip(state);
    struct mien_error err = { "" };
    struct mien_cl *second = NULL;
    const struct mien_gemm gemm = { 33, 31, 65, 0.0f };
    check(first, gemm, 2, 0);
    for (int i = 0; i < 2; i++) {
        assert_ok(mien_cl_open(&second, NULL, &err), &err);
        check(second, gemm, 2, 0);
        check(first, gemm, 1, 0);
        mien_cl_close(second);
    }
    check(first, gemm, 3, 0);
}

static void test_blas_tune_defaults__leaves_gpus_alone(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    /* There is no such device: asking CLBlast about it would fail. */
    const struct mien_device_info gpu = { .kind = MIEN_DEVICE_GPU };
    assert_ok(mien_blas_tune_defaults(&gpu, &err), &err);
}

static void test_blas_tune_defaults__refused_leaves_a_device_that_works(void **state)
{
    struct mien_cl *const here = device_or_skip(state);
    struct mien_error err = { "" };
    struct mien_cl *cl = NULL;
    struct notes notes;
    const struct mien_log log = notes_log(&notes);
    const struct mien_cl_options options = { .log = &log };
    refuse_parameters = true;
    assert_ok(mien_cl_open(&cl, &options, &err), &err);
    refuse_parameters = false;
    const char *const want = mien_cl_device(here)->kind == MIEN_DEVICE_CPU
                                 ? "CLBlast keeps its defaults: CLBlastOverrideParameters: "
                                 : "";
    assert_int_equal(strncmp(notes.text, want, strlen(want)), 0);
    mien_cl_close(cl);
}

static void check_forms(struct mien_cl *cl)
{
    for (int form = 0; form < 4; form++) {
        check(cl, (struct mien_gemm){ 33, 31, 65, 0.0f }, form, 5);
        check(cl, (struct mien_gemm){ 150, 84, 120, 1.0f }, form, 0);
    }
}

static void test_blas_use__computes_the_same_with_other_parameters(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    const struct mien_blas_params set = mien_blas_first(MIEN_DEVICE_CPU);
    taken = 0;
    assert_ok(mien_blas_use(cl, NULL, &err), &err); /* there were no others */
    assert_int_equal(taken, 0);
    assert_ok(mien_blas_use(cl, &set, &err), &err);
    assert_int_equal(taken, MIEN_BLAS_KERNELS);
    assert_int_equal(mwg, set.value[MIEN_BLAS_MWG]);
    check_forms(cl);
    assert_ok(mien_blas_use(cl, &set, &err), &err); /* they are in force */
    assert_int_equal(taken, MIEN_BLAS_KERNELS);
    if (mien_cl_device(cl)->kind == MIEN_DEVICE_CPU) {
        assert_ok(mien_blas_use(cl, NULL, &err), &err);
        assert_int_not_equal(mwg, set.value[MIEN_BLAS_MWG]);
        check(cl, (struct mien_gemm){ 33, 31, 65, 0.0f }, 1, 0);
    }
}

/* Invalid, too large, or refused half-way: those before stay. */
static void test_blas_use__keeps_what_it_had_where_a_set_is_refused(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    const struct mien_blas_params set = mien_blas_first(MIEN_DEVICE_CPU);
    struct mien_blas_params other = set;
    assert_ok(mien_blas_use(cl, &set, &err), &err);
    taken = 0;
    other.value[MIEN_BLAS_GEMMK] = 1;
    assert_int_equal(mien_blas_use(cl, &other, &err), MIEN_ERR_FORMAT);
    assert_non_null(strstr(err.text, "GEMMK"));
    other = set;
    other.value[MIEN_BLAS_KWG] = 32;
    const size_t local_bytes = cl->info.local_bytes;
    cl->info.local_bytes = 16;
    assert_int_equal(mien_blas_use(cl, &other, &err), MIEN_ERR_CL);
    cl->info.local_bytes = local_bytes;
    assert_int_equal(taken, 0);
    for (int at = 1; at <= MIEN_BLAS_KERNELS; at++) {
        refuse_at = at;
        assert_int_equal(mien_blas_use(cl, &other, &err), MIEN_ERR_CL);
        assert_non_null(strstr(err.text, "CLBlastMissingOverrideParameter"));
        assert_int_equal(kwg, set.value[MIEN_BLAS_KWG]);
    }
    check(cl, (struct mien_gemm){ 33, 31, 65, 0.0f }, 2, 0);
    assert_true(mien_blas_take(cl, &set));
    other.value[MIEN_BLAS_VWM] = 3;
    assert_false(mien_blas_take(cl, &other));
}

/* What CLBlast wants with the set that is in force, for a product in one form. */
static void check_bound(struct mien_cl *cl, const struct mien_gemm *gemm, int form)
{
    const bool a_turned = (form & 1) != 0;
    const bool b_turned = (form & 2) != 0;
    size_t bytes = 0;
    assert_int_equal(CLBlastSGemmTempBufferSize(
                         CLBlastLayoutRowMajor, a_turned ? CLBlastTransposeYes : CLBlastTransposeNo,
                         b_turned ? CLBlastTransposeYes : CLBlastTransposeNo, gemm->m, gemm->n,
                         gemm->k, 5, (a_turned ? gemm->m : gemm->k) + 1, 3,
                         (b_turned ? gemm->k : gemm->n) + 2, 7, gemm->n + 3, &cl->queue, &bytes),
                     CLBlastSuccess);
    assert_true(bytes <= mien_blas_work_bytes(gemm));
    largest = bytes > largest ? bytes : largest;
}

/* Every set that is searched, and the largest that a file may have: nothing is compiled for it. */
static void test_blas_work_bytes__are_enough_for_every_set(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    static const struct mien_gemm products[] = {
        { 1, 1, 1, 0.0f },
        { 150, 84, 120, 0.0f },
        { 129, 65, 33, 0.0f },
        { 64, 300, 17, 0.0f },
    };
    const struct mien_device_info large = { .kind = MIEN_DEVICE_GPU,
                                            .max_work_group = 4096,
                                            .local_bytes = 1 << 20 };
    const size_t count = mien_blas_choices(MIEN_BLAS_LARGE, MIEN_DEVICE_GPU);
    for (size_t s = 0; s <= count; s++) {
        struct mien_blas_params set = mien_blas_first(MIEN_DEVICE_GPU);
        if (s < count) {
            assert_true(mien_blas_choose(&set, MIEN_BLAS_LARGE, s, &large));
        } else {
            set.value[MIEN_BLAS_MWG] = mien_blas_param_most(MIEN_BLAS_MWG);
            set.value[MIEN_BLAS_NWG] = mien_blas_param_most(MIEN_BLAS_NWG);
            set.value[MIEN_BLAS_KWG] = mien_blas_param_most(MIEN_BLAS_KWG);
            set.value[MIEN_BLAS_SA] = 0;
            set.value[MIEN_BLAS_SB] = 0;
            largest = 0;
        }
        set.value[MIEN_BLAS_MIN_INDIRECT] = 1; /* none is small */
        assert_ok(mien_blas_use(cl, &set, &err), &err);
        for (size_t i = 0; i < sizeof(products) / sizeof(products[0]); i++) {
            for (int form = 0; form < 4; form++) {
                check_bound(cl, &products[i], form);
            }
        }
    }
    assert_true(largest >= (size_t)3 * 128 * 128 * sizeof(float)); /* of whole tiles */
    (void)mien_blas_take(cl, NULL);
}

/* Where CLBlast's database decides there is no way back, and that is said. */
static void test_blas_use__has_no_way_back_on_a_gpu(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    const struct mien_blas_params set = mien_blas_first(MIEN_DEVICE_CPU);
    const enum mien_device_kind kind = cl->info.kind;
    assert_ok(mien_blas_use(cl, &set, &err), &err);
    cl->info.kind = MIEN_DEVICE_GPU;
    taken = 0;
    assert_int_equal(mien_blas_use(cl, NULL, &err), MIEN_ERR_CL);
    assert_non_null(strstr(err.text, "cannot be given back its own parameters"));
    assert_int_equal(taken, 0);
    assert_ok(mien_blas_use(cl, &set, &err), &err);
    cl->info.kind = kind;
    if (kind == MIEN_DEVICE_CPU) {
        assert_ok(mien_blas_use(cl, NULL, &err), &err);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blas_gemm__matches_a_plain_loop_in_every_form),
        cmocka_unit_test(test_blas_gemm__keeps_to_offset_and_stride),
        cmocka_unit_test(test_blas_gemm__refusal_names_status_and_sizes),
        cmocka_unit_test(test_blas_gemm__is_profiled),
        cmocka_unit_test(test_blas_gemm__works_on_the_second_device_opened),
        cmocka_unit_test(test_blas_use__computes_the_same_with_other_parameters),
        cmocka_unit_test(test_blas_use__keeps_what_it_had_where_a_set_is_refused),
        cmocka_unit_test(test_blas_work_bytes__are_enough_for_every_set),
        cmocka_unit_test(test_blas_use__has_no_way_back_on_a_gpu),
        cmocka_unit_test(test_blas_tune_defaults__leaves_gpus_alone),
        cmocka_unit_test(test_blas_tune_defaults__refused_leaves_a_device_that_works),
    };
    return cmocka_run_group_tests_name("cl/blas", tests, device_setup, device_teardown);
}
