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
              "batches of 5 need ");
    assert_non_null(strstr(err.text, " of it in use: try a smaller batch"));
    assert_non_null(strstr(err.text, mien_cl_device(cl)->name));
    pretend_taken = 0;
    assert_null(model);
    assert_int_equal(mien_cl_live(cl), 0);
    assert_ok(mien_model_create(&model, cl, network, &options, &err), &err);
    mien_model_destroy(model);
    mien_network_destroy(network);
}

static void test_model_memory__counts_all_that_is_needed(void **state)
{
    (void)state;
    enum { MIB = 1 << 20 };
    struct mien_error err = { "" };
    const struct mien_device_info device = { .name = "a card", .global_bytes = 64 * MIB };
    const struct mien_model_memory memory = {
        .parameters = 4 * MIB,
        .gradients = 4 * MIB,
        .activations = 30 * MIB,
        .unshared = 900 * MIB, /* which nobody takes */
        .scratch = 2 * MIB,
    };
    assert_int_equal(mien_model_memory_bytes(&memory), 40 * MIB);
    must(mien_model_check_fit(&memory, 150, 0, 0, &device, &err), &err);
    must(mien_model_check_fit(&memory, 150, 16 * MIB, 8 * MIB, &device, &err), &err);
    must_fail(mien_model_check_fit(&memory, 150, 16 * MIB, 8 * MIB + 1, &device, &err),
              MIEN_ERR_MEMORY, &err,
              "batches of 150 need 56.0 MiB (the network 40.0 MiB, its training 16.0 MiB), a card "
              "has 64.0 MiB, 8.0 MiB of it in use: try a smaller batch");
    must_fail(mien_model_check_fit(&memory, 2, 24 * MIB + 1, 0, &device, &err), MIEN_ERR_MEMORY,
              &err, "its training 24.0 MiB), a card has 64.0 MiB: try a smaller batch");
    must_fail(mien_model_check_fit(&memory, 1, SIZE_MAX / 2, 0, &device, &err), MIEN_ERR_MEMORY,
              &err, "batches of 1 need ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model_memory__counts_all_that_is_needed),
        cmocka_unit_test(test_model_memory__says_what_is_needed_and_allocates_nothing),
    };
    return cmocka_run_group_tests_name("nn/model_memory", tests, device_setup, device_teardown);
}
