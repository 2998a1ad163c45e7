/* test_soak.c - a long run with evaluation and checkpoints: memory and descriptors stay as they are
 */
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/device.h"
#include "support/scratch.h"
#include "support/training.h"
#include "train/run.h"

/* $MIEN_SOAK_STEPS sets the steps; what may be more at the end of the run than behind its first
 * epochs. */
enum { STEPS = 300, EPOCH_STEPS = 10, BATCH = 8, FIRST_EPOCHS = 3 };
enum { MOST_HEAP_BYTES = 64 << 10, MOST_RSS_BYTES = 4 << 20, DESCRIPTORS = 1024 };

static const char recipe[] = "input: { channels: 1, height: 9, width: 9 }\n"
                             "augment: { mirror: yes, rotate: 15, mixup: 0.2 }\n"
                             "layers: [ conv 6 3x3 pad 1, batchnorm, relu, maxpool 2, flatten, "
                             "dense 12, relu, dropout 0.2,\n"
                             "          dense classes ]\n"
                             "train: { batch: 8, epochs: 100000, ema: 0.9, clip_norm: 1,\n"
                             "  optimizer: { rate: 0.01, momentum: 0.9 } }";
static const struct set_sizes sizes = { EPOCH_STEPS * BATCH, 20, 1, 9, 9, 7 };

/* What is held at one moment. */
struct held {
    size_t heap; /* bytes of the C library's heap, drivers' included */
    size_t rss;  /* bytes in memory */
    size_t device, live;
    int descriptors;
};

struct soak {
    struct mien_cl *cl;
    struct held first, last;
    int epochs;
};

/* Where AddressSanitizer is in: it keeps what was freed, so only what is not yet freed says
 * anything. */
size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

/* The second number; 0 where there is no such file: then the heap has to say it. */
static size_t read_rss(void)
{
    char line[128] = "";
    FILE *const file = fopen("/proc/self/statm", "r");
    if (file != NULL) {
        if (fgets(line, sizeof(line), file) == NULL) {
            line[0] = '\0';
        }
        (void)fclose(file);
    }
    const char *const blank = strchr(line, ' ');
    const unsigned long pages = blank != NULL ? strtoul(blank, NULL, 10) : 0;
    return (size_t)pages * (size_t)sysconf(_SC_PAGESIZE);
}

static struct held look(const struct mien_cl *cl)
{
    struct held held = {
        .heap = __sanitizer_get_current_allocated_bytes != NULL
                    ? __sanitizer_get_current_allocated_bytes()
                    : mallinfo2().uordblks,
        .rss = read_rss(),
        .device = mien_cl_bytes(cl),
        .live = mien_cl_live(cl),
    };
    for (int fd = 0; fd < DESCRIPTORS; fd++) {
        held.descriptors += fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
    }
    return held;
}

static void tell(int epoch, const struct held *held)
{
    print_message("epoch %d, step %d: heap %zu, in memory %zu, on the device %zu bytes in %zu "
                  "objects, %d descriptors\n",
                  epoch, epoch * EPOCH_STEPS, held->heap, held->rss, held->device, held->live,
                  held->descriptors);
}

static void after_epoch(void *user, const struct mien_epoch *row, bool best)
{
    struct soak *const soak = user;
    (void)best;
    soak->epochs = row->epoch;
    soak->last = look(soak->cl);
    if (row->epoch == FIRST_EPOCHS) {
        soak->first = soak->last;
    }
    if (row->epoch <= FIRST_EPOCHS || row->epoch % 50 == 0) {
        tell(row->epoch, &soak->last);
    }
}

static void test_soak__holds_no_more_after_many_steps_than_after_few(void **state)
{
    struct soak soak = { .cl = device_or_skip(state) };
    const char *const wish = getenv("MIEN_SOAK_STEPS");
    const long asked = wish != NULL ? strtol(wish, NULL, 10) : STEPS;
    const size_t steps = asked >= 10 * EPOCH_STEPS && asked <= 1000000 ? (size_t)asked : STEPS;
    struct mien_error err = { "" };
    struct mien_run_result result;
    struct mien_dataset *const set = set_make(&sizes, 3);
    struct mien_model_file file = model_for(recipe, set);
    char *const folder = scratch_make();
    const struct mien_run_options options = {
        .folder = folder,
        .data = "memory",
        .command = "test",
        .max_steps = steps,
        .trainer = { .shuffle = true },
        .epoch = after_epoch,
        .user = &soak,
    };
    assert_ok(mien_run(&result, soak.cl, &file, set, &options, &err), &err);
    tell(soak.epochs, &soak.last);
    assert_int_equal((size_t)soak.epochs, steps / EPOCH_STEPS);
    assert_int_equal(soak.last.device, soak.first.device);
    assert_int_equal(soak.last.live, soak.first.live);
    assert_int_equal(soak.last.descriptors, soak.first.descriptors);
    if (__sanitizer_get_current_allocated_bytes != NULL) {
        assert_true(soak.last.heap <= soak.first.heap + MOST_HEAP_BYTES);
    } else {
        assert_true(soak.last.rss <= soak.first.rss + MOST_RSS_BYTES);
    }
    mien_model_file_finish(&file);
    set_free(set);
    scratch_remove(folder);
    assert_int_equal(mien_cl_live(soak.cl), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_soak__holds_no_more_after_many_steps_than_after_few),
    };
    return cmocka_run_group_tests_name("train/soak", tests, device_setup, device_teardown);
}
