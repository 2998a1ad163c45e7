/* probed.c - a network to be explained: weights in host memory, and a probe made of them */
#include "support/probed.h"

#include <stdlib.h>

#include "nn/weights.h"
#include "support/training.h"

void probed_set_up(struct probed *f, struct mien_cl *cl, const char *recipe, int classes)
{
    *f = (struct probed){ .cl = cl, .network = network_from(recipe, classes) };
    f->flat = calloc(f->network->flat_floats, sizeof(*f->flat));
    assert_non_null(f->flat);
    mien_weights_init(f->flat, f->network, 3);
}

void probed_place(struct probed *f, int batch, const size_t *taps, size_t tap_count)
{
    struct mien_error err = { "" };
    const struct mien_probe_options options = { .batch = batch,
                                                .taps = taps,
                                                .tap_count = tap_count };
    mien_probe_destroy(f->probe);
    assert_ok(mien_probe_create(&f->probe, f->cl, f->network, f->flat, &options, &err), &err);
}

void probed_tear_down(struct probed *f)
{
    mien_probe_destroy(f->probe);
    mien_network_destroy(f->network);
    free(f->flat);
    assert_int_equal(mien_cl_live(f->cl), 0);
}

float *probed_param(struct probed *f, const char *name, size_t *count)
{
    return f->flat + param_offset(f->network, name, count);
}

void probed_fill(struct probed *f, const char *name, float value)
{
    size_t count = 0;
    float *const values = probed_param(f, name, &count);
    for (size_t i = 0; i < count; i++) {
        values[i] = value;
    }
}

size_t probed_pixels(const struct probed *f)
{
    return (size_t)f->network->input.h * (size_t)f->network->input.w;
}

size_t probed_floats(const struct probed *f)
{
    return (size_t)f->network->input.c * probed_pixels(f);
}

float *probed_zeros(size_t count)
{
    float *const out = calloc(count, sizeof(*out));
    assert_non_null(out);
    return out;
}
