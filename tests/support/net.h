/** net.h - a small network and data for it, through mien.h alone */
#ifndef MIEN_TESTS_SUPPORT_NET_H
#define MIEN_TESTS_SUPPORT_NET_H

#include "mien.h"

enum {
    NET_SIDE = 12, /**< pixels */
    NET_CLASSES = 3,
    NET_TRAIN = 70, /**< images */
    NET_VALIDATION = 20,
    NET_COUNT = NET_TRAIN + NET_VALIDATION
};

/** "left", "right", "top": where the bright bar of an image is. */
extern const char *const net_classes[NET_CLASSES];

struct net_fixture {
    struct mien_device *device; /**< NULL, with `net`, where there is none */
    struct mien_data *data;
    struct mien_recipe *recipe; /**< a convolution and a dense layer, batch 16, two epochs */
    struct mien_net *net;
    char *folder;     /**< empty, for this test */
    char *run, *file; /**< paths in it, where nothing is yet */
    uint8_t images[NET_COUNT][NET_SIDE][NET_SIDE];
    int32_t labels[NET_COUNT];
    struct mien_error err;
};

/** Set up and tear down a test: *state is a struct net_fixture. */
int net_setup(void **state);
int net_teardown(void **state);

/** Skips the test where no OpenCL device was found. */
struct net_fixture *net_with_device(void **state);

/** The fixture's images, borrowed: NET_TRAIN to train on, NET_VALIDATION to validate. */
struct mien_data_source net_source(const struct net_fixture *f);

/** What `net` says of all of the fixture's images. */
void net_predict_all(float out[NET_COUNT][NET_CLASSES], struct net_fixture *f,
                     struct mien_net *net);

#endif
