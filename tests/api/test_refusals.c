// wrap: mien_calloc mien_realloc
/* test_refusals.c - the library while the n-th allocation is refused */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "support/net.h"
#include "support/scratch.h"

static size_t allocations;        /* so far */
static size_t refused = SIZE_MAX; /* this one */

void *__real_mien_calloc(size_t count, size_t size, struct mien_error *err);
void *__wrap_mien_calloc(size_t count, size_t size, struct mien_error *err);
void *__real_mien_realloc(void *old, size_t count, size_t size, struct mien_error *err);
void *__wrap_mien_realloc(void *old, size_t count, size_t size, struct mien_error *err);

static bool refuse(struct mien_error *err)
{
    if (allocations++ != refused) {
        return false;
    }
    (void)mien_fail(err, MIEN_ERR_MEMORY, "refused by the test");
    return true;
}

void *__wrap_mien_calloc(size_t count, size_t size, struct mien_error *err)
{
    return refuse(err) ? NULL : __real_mien_calloc(count, size, err);
}

void *__wrap_mien_realloc(void *old, size_t count, size_t size, struct mien_error *err)
{
    return refuse(err) ? NULL : __real_mien_realloc(old, count, size, err);
}

/* Repeat `work` with every allocation refused in turn, until one run has none to refuse. */
static void check(enum mien_status (*work)(struct net_fixture *f, struct mien_error *err),
                  struct net_fixture *f)
{
    size_t failures = 0;
    bool whole = false;
    for (size_t n = 0; !whole; n++) {
        struct mien_error err = { "" };
        allocations = 0;
        refused = n;
        const enum mien_status st = work(f, &err);
        whole = allocations <= n;
        refused = SIZE_MAX;
        if (whole) {
            must(st, &err);
        } else if (st != MIEN_OK) { /* a cache, say, is done without */
            must_fail(st, MIEN_ERR_MEMORY, &err, "refused by the test");
            failures++;
        }
        assert_true(n < 1000);
    }
    assert_true(failures > 1);
}

static enum mien_status open_device(struct net_fixture *f, struct mien_error *err)
{
    struct mien_devices *devices = NULL;
    struct mien_device *device = NULL;
    (void)f;
    enum mien_status st = mien_devices_create(&devices, err);
    assert_true((st == MIEN_OK) == (devices != NULL));
    if (st == MIEN_OK) {
        st = mien_device_open(&device, NULL, err);
        assert_true((st == MIEN_OK) == (device != NULL));
    }
    mien_devices_destroy(devices);
    mien_device_close(device);
    return st;
}

static enum mien_status make_data(struct net_fixture *f, struct mien_error *err)
{
    struct mien_data *data = NULL;
    struct mien_data_source source = net_source(f);
    source.counts[MIEN_SPLIT_TRAIN] = NET_COUNT;
    source.counts[MIEN_SPLIT_VALIDATION] = 0;
    source.split = 0.3;
    enum mien_status st = mien_data_create(&data, &source, err);
    assert_true((st == MIEN_OK) == (data != NULL));
    if (st == MIEN_OK) {
        st = mien_data_pack(data, f->file, err);
        mien_data_destroy(data);
        data = NULL;
    }
    if (st == MIEN_OK) {
        st = mien_data_load(&data, f->file, NULL, err);
        assert_true((st == MIEN_OK) == (data != NULL));
    }
    mien_data_destroy(data);
    return st;
}

static enum mien_status use_net(struct net_fixture *f, struct mien_error *err)
{
    struct mien_net *net = NULL;
    struct mien_evaluation evaluation;
    float probabilities[3][NET_CLASSES];
    const char *const settings[] = { "train.batch=4" };
    enum mien_status st =
        mien_net_create(&net, f->device, f->recipe, net_classes, NET_CLASSES, err);
    assert_true((st == MIEN_OK) == (net != NULL));
    if (st == MIEN_OK) {
        st = mien_net_set(net, settings, 1, err);
    }
    if (st == MIEN_OK) {
        st = mien_net_save(net, f->file, err);
    }
    if (st == MIEN_OK) {
        st = mien_net_take_weights(net, f->file, err);
    }
    mien_net_destroy(net);
    net = NULL;
    if (st == MIEN_OK) {
        st = mien_net_load(&net, f->device, f->file, err);
        assert_true((st == MIEN_OK) == (net != NULL));
    }
    if (st == MIEN_OK) {
        st = mien_net_predict(&probabilities[0][0], net, &f->images[0][0][0], 3, err);
    }
    if (st == MIEN_OK) {
        st = mien_net_evaluate(&evaluation, NULL, net, f->data, MIEN_SPLIT_VALIDATION, err);
    }
    mien_net_destroy(net);
    return st;
}

static void test_refusals__devices_give_memory_errors_and_leak_nothing(void **state)
{
    check(open_device, net_with_device(state));
}

static void test_refusals__data_gives_memory_errors_and_leaks_nothing(void **state)
{
    check(make_data, *state);
}

static void test_refusals__networks_give_memory_errors_and_leak_nothing(void **state)
{
    struct net_fixture *const f = net_with_device(state);
    must(use_net(f, &f->err), &f->err); /* so that the kernels are there */
    check(use_net, f);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, net_setup, net_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_refusals__devices_give_memory_errors_and_leak_nothing),
        TEST(test_refusals__data_gives_memory_errors_and_leaks_nothing),
        TEST(test_refusals__networks_give_memory_errors_and_leak_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
