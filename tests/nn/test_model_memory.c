/* test_model_memory.c - a model that the device has no room for */
// wrap: mien_cl_bytes
#include <stdint.h>
#include <string.h>

#include "nn/model.h"
#include "support/device.h"
#include "support/scratch.h"
#include "support/training.h"

/* Bytes that others hold already; 0: as it is. */
static size_t pretend_taken;

size_t __real_mien_cl_bytes(const struct mien_cl *cl);
size_t __wrap_mien_cl_bytes(const struct mien_cl *cl);

size_t __wrap_mien_cl_bytes(const struct mien_cl *cl)
{
    return pretend_taken > 0 ? pretend_taken : __real_mien_cl_bytes(cl);
}

/* PoCL would abort the program on its way to the end of the memory. */
static void test_model_memory__says_what_is_needed_and_allocates_nothing(void **state)
{
    struct mien_cl *const cl = device_or_skip(state);
    struct mien_error err = { "" };
    struct mien_model *model = NULL;
    struct mien_network *const network =
        network_from("input: { channels: 1, height: 9, width: 9 }\n"
                     "layers: [ conv 6 3x3, relu, flatten, dense classes ]\n",
                     3);
    const struct mien_model_options options = { .batch = 5, .train = true };
    pretend_taken = (size_t)mien_cl_device(cl)->global_bytes;
    must_fail(mien_model_create(&model, cl, network, &options, &err), MIEN_ERR_MEMORY, &err,
              "MB for batches of 5, ");
    assert_non_null(strstr(err.text, mien_cl_device(cl)->name));
    assert_non_null(strstr(err.text, "try a smaller batch"));
    pretend_taken = 0;
    assert_null(model);
    assert_int_equal(mien_cl_live(cl), 0);
    assert_ok(mien_model_create(&model, cl, network, &options, &err), &err);
    mien_model_destroy(model);
    mien_network_destroy(network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model_memory__says_what_is_needed_and_allocates_nothing),
    };
    return cmocka_run_group_tests_name("nn/model_memory", tests, device_setup, device_teardown);
}
