/* net.c - a small network and data for it, through mien.h alone */
#include "support/net.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "support/scratch.h"

static const char recipe_text[] = "name: small\n"
                                  "input: { channels: 1, height: 12, width: 12 }\n"
                                  "normalize: { mean: 0.3, std: 0.3 }\n"
                                  "layers:\n"
                                  "  - conv 4 3x3\n"
                                  "  - relu\n"
                                  "  - maxpool 2\n"
                                  "  - flatten\n"
                                  "  - dense classes\n"
                                  "train:\n"
                                  "  batch: 16\n"
                                  "  epochs: 2\n"
                                  "  seed: 5\n"
                                  "  optimizer: { kind: sgd, rate: 0.05, momentum: 0.9 }\n";

const char *const net_classes[NET_CLASSES] = { "left", "right", "top" };

/* A bright bar at the left, at the right or at the top, in noise that is the same every time. */
static void draw(struct net_fixture *f)
{
    uint32_t seed = 1;
    for (int i = 0; i < NET_COUNT; i++) {
        f->labels[i] = i % NET_CLASSES;
        for (int y = 0; y < NET_SIDE; y++) {
            for (int x = 0; x < NET_SIDE; x++) {
                const bool bar = f->labels[i] == 0   ? x < 4
                                 : f->labels[i] == 1 ? x >= NET_SIDE - 4
                                                     : y < 4;
                seed = seed * 1664525u + 1013904223u;
                f->images[i][y][x] = (uint8_t)((seed >> 24) / 2 + (bar ? 100 : 0));
            }
        }
    }
}

struct mien_data_source net_source(const struct net_fixture *f)
{
    return (struct mien_data_source){
        .images = &f->images[0][0][0],
        .labels = f->labels,
        .counts = { NET_TRAIN, NET_VALIDATION, 0 },
        .channels = 1,
        .height = NET_SIDE,
        .width = NET_SIDE,
        .classes = net_classes,
        .class_count = NET_CLASSES,
    };
}

int net_setup(void **state)
{
    struct net_fixture *const f = calloc(1, sizeof(*f));
    *state = f;
    draw(f);
    f->folder = scratch_make();
    f->run = scratch_path(f->folder, "run");
    f->file = scratch_path(f->folder, "file.safetensors");
    const struct mien_data_source source = net_source(f);
    must(mien_data_create(&f->data, &source, &f->err), &f->err);
    must(mien_recipe_parse(&f->recipe, recipe_text, strlen(recipe_text), "small.yaml", NULL, 0,
                           &f->err),
         &f->err);
    const enum mien_status st = mien_device_open(&f->device, NULL, &f->err);
    if (st == MIEN_ERR_NO_DEVICE && getenv("MIEN_REQUIRE_DEVICE") == NULL) {
        return 0;
    }
    must(st, &f->err);
    must(mien_net_create(&f->net, f->device, f->recipe, net_classes, NET_CLASSES, &f->err),
         &f->err);
    return 0;
}

int net_teardown(void **state)
{
    struct net_fixture *const f = *state;
    mien_net_destroy(f->net);
    mien_device_close(f->device);
    mien_data_destroy(f->data);
    mien_recipe_destroy(f->recipe);
    scratch_remove(f->folder);
    free(f->run);
    free(f->file);
    free(f);
    return 0;
}

struct net_fixture *net_with_device(void **state)
{
    struct net_fixture *const f = *state;
    if (f->device == NULL) {
        skip();
    }
    return f;
}

void net_predict_all(float out[NET_COUNT][NET_CLASSES], struct net_fixture *f, struct mien_net *net)
{
    memset(out, 0xFF, sizeof(float[NET_COUNT][NET_CLASSES]));
    must(mien_net_predict(&out[0][0], net, &f->images[0][0][0], NET_COUNT, &f->err), &f->err);
}
