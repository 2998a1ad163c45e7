/* test_model_blas.c - the parameters that CLBlast has while a model computes: those it was made
 * with
 *
 * CLBlast is told nothing of them, so that nothing is compiled anew.
 */
// unoptimised
// wrap: CLBlastOverrideParameters
#include <stdlib.h>
#include <string.h>

#include "nn/tuned.h"
#include "support/device.h"
#include "support/notes.h"
#include "support/training.h"
#include "support/wrap_clblast.h"
#include "tune/blas_space.h"

static const char recipe[] = "input: { channels: 1, height: 4, width: 4 }\n"
                             "layers: [ flatten, dense 5, relu, dense classes ]";
static size_t mwg; /* as CLBlast was told */
static bool refuse;

CLBlastStatusCode __wrap_CLBlastOverrideParameters(cl_device_id device, const char *kernel,
                                                   CLBlastPrecision precision, size_t count,
                                                   const char **names, const size_t *values)
{
    (void)device;
    (void)kernel;
    (void)precision;
    for (size_t i = 0; i < count && !refuse; i++) {
        mwg = strcmp(names[i], "MWG") == 0 ? values[i] : mwg;
    }
    return refuse ? CLBlastMissingOverrideParameter : CLBlastSuccess;
}

static struct mien_blas_params set_of(int size)
{
    struct mien_blas_params set = mien_blas_first(MIEN_DEVICE_CPU);
    set.value[MIEN_BLAS_MWG] = size;
    return set;
}

static struct mien_tuning tuning_of(const struct mien_blas_params *set)
{
    struct mien_tuning tuning = { .entries = NULL };
    struct mien_error err = { "" };
    const struct mien_tuned entry = mien_tuned_blas(set);
    assert_ok(mien_tuning_put(&tuning, &entry, &err), &err);
    return tuning;
}

static struct mien_model *make(struct mien_cl *cl, const struct mien_network *network,
                               enum mien_blas blas, const struct mien_tuning *tuning)
{
    struct mien_error err = { "" };
    struct mien_model *model = NULL;
    const struct mien_model_options options = {
        .batch = 3, .train = true, .blas = blas, .tuning = tuning
    };
    assert_ok(mien_model_create(&model, cl, network, &options, &err), &err);
    return model;
}

static void step(struct mien_model *model)
{
    const struct mien_draw draw = { 1, 0 };
    struct mien_error err = { "" };
    assert_ok(mien_model_forward(model, 3, &draw, &err), &err);
    assert_ok(mien_model_backward(model, 3, &err), &err);
}

/* What a checkpoint would keep of it. */
static void assert_kept(const struct mien_model *model, const struct mien_blas_params *set)
{
    struct mien_tuning used;
    struct mien_error err = { "" };
    assert_ok(mien_model_tuning(&used, model, &err), &err);
    const struct mien_blas_params *const kept = mien_tuning_blas(&used);
    assert_int_equal(kept != NULL, set != NULL);
    if (set != NULL) {
        assert_memory_equal(kept, set, sizeof(*set));
    }
    mien_tuning_finish(&used);
}

static void test_model_blas__each_has_its_own(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    const bool cpu = mien_cl_device(cl)->kind == MIEN_DEVICE_CPU;
    struct mien_network *const network = network_from(recipe, 3);
    const struct mien_blas_params sets[2] = { set_of(64), set_of(128) };
    struct mien_tuning tunings[2] = { tuning_of(&sets[0]), tuning_of(&sets[1]) };
    struct mien_model *models[2];
    for (int i = 0; i < 2; i++) {
        models[i] = make(cl, network, MIEN_BLAS_CLBLAST, &tunings[i]);
        mien_tuning_finish(&tunings[i]);
    }
    for (int i = 0; i < 4; i++) {
        step(models[i % 2]);
        assert_int_equal(mwg, i % 2 == 0 ? 64 : 128);
        assert_kept(models[i % 2], &sets[i % 2]);
    }
    if (cpu) { /* a run that began without goes on without */
        struct mien_model *const usual = make(cl, network, MIEN_BLAS_CLBLAST, NULL);
        step(models[0]);
        step(usual);
        assert_int_equal(mwg, 32);
        assert_kept(usual, NULL);
        mien_model_destroy(usual);
        mwg = 0;
        const struct mien_tuning again = tuning_of(&sets[0]);
        struct mien_model *const own = make(cl, network, MIEN_BLAS_OWN, &again);
        step(own);
        assert_int_equal(mwg, 0); /* it has no product of CLBlast */
        assert_kept(own, NULL);
        mien_model_destroy(own);
        free(again.entries);
    }
    mien_model_destroy(models[0]);
    mien_model_destroy(models[1]);
    mien_network_destroy(network);
}

/* A set that CLBlast refuses costs a notice, not the model. */
static void test_model_blas__does_without_what_is_refused(void **state)
{
    struct mien_cl *const here = device_or_skip(state);
    if (mien_cl_device(here)->kind != MIEN_DEVICE_CPU) {
        skip(); /* others may have had a set before */
    }
    struct mien_network *const network = network_from(recipe, 3);
    struct mien_error err = { "" };
    struct mien_cl *cl = NULL;
    struct notes notes;
    const struct mien_log log = notes_log(&notes);
    const struct mien_cl_options options = { .log = &log };
    const struct mien_blas_params set = set_of(64);
    struct mien_tuning tuning = tuning_of(&set);
    assert_ok(mien_cl_open(&cl, &options, &err), &err);
    refuse = true;
    struct mien_model *const model = make(cl, network, MIEN_BLAS_CLBLAST, &tuning);
    refuse = false;
    assert_non_null(strstr(notes.text, "CLBlast keeps the parameters that it has: "));
    step(model);
    assert_kept(model, NULL);
    mien_model_destroy(model);
    mien_cl_close(cl);
    mien_tuning_finish(&tuning);
    mien_network_destroy(network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model_blas__each_has_its_own),
        cmocka_unit_test(test_model_blas__does_without_what_is_refused),
    };
    return cmocka_run_group_tests_name("nn/model_blas", tests, device_setup, device_teardown);
}
