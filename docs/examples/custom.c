/* custom.c - trains on images that the program makes itself, and asks the network: custom RUN */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mien.h>

enum { SIDE = 16, CLASSES = 2, TRAIN = 400, VALIDATION = 100, COUNT = TRAIN + VALIDATION };

static const char recipe_text[] = "name: stripes\n"
                                  "input: { channels: 1, height: 16, width: 16 }\n"
                                  "normalize: { mean: 0.5, std: 0.25 }\n"
                                  "layers:\n"
                                  "  - conv 4 3x3\n"
                                  "  - relu\n"
                                  "  - maxpool 2\n"
                                  "  - flatten\n"
                                  "  - dense classes\n"
                                  "train:\n"
                                  "  batch: 20\n"
                                  "  epochs: 5\n"
                                  "  optimizer: { kind: sgd, rate: 0.05, momentum: 0.9 }\n";

static const char *const classes[CLASSES] = { "lying", "standing" };

struct images {
    uint8_t pixels[COUNT][SIDE][SIDE];
    int32_t labels[COUNT];
};

/* The same numbers every time, from 0 up to below `limit`. */
static int draw_below(uint32_t *state, int limit)
{
    *state = *state * 1664525u + 1013904223u;
    return (int)((*state >> 16) % (uint32_t)limit);
}

/* Stripes that lie or stand, at any place, in noise. */
static void draw(struct images *images)
{
    uint32_t state = 1;
    for (int i = 0; i < COUNT; i++) {
        const int shift = draw_below(&state, 4);
        images->labels[i] = draw_below(&state, CLASSES);
        for (int y = 0; y < SIDE; y++) {
            for (int x = 0; x < SIDE; x++) {
                const int along = images->labels[i] == 0 ? y : x;
                images->pixels[i][y][x] =
                    (uint8_t)(draw_below(&state, 128) + ((along + shift) % 4 < 2 ? 127 : 0));
            }
        }
    }
}

static enum mien_status ask(struct mien_net *net, const struct mien_data *data,
                            const struct images *images, struct mien_error *err)
{
    struct mien_evaluation evaluation;
    size_t confusion[CLASSES][CLASSES];
    float probabilities[CLASSES];
    enum mien_status st =
        mien_net_evaluate(&evaluation, &confusion[0][0], net, data, MIEN_SPLIT_VALIDATION, err);
    if (st != MIEN_OK) {
        return st;
    }
    printf("accuracy %.1f %% of %zu images\n", 100.0 * evaluation.accuracy, evaluation.images);
    for (int i = 0; i < CLASSES; i++) {
        printf("%-10s taken for %s %zu times, for %s %zu times\n", classes[i], classes[0],
               confusion[i][0], classes[1], confusion[i][1]);
    }
    st = mien_net_predict(probabilities, net, &images->pixels[COUNT - 1][0][0], 1, err);
    if (st == MIEN_OK) {
        printf("the last image is %s: %s %.3f, %s %.3f\n", classes[images->labels[COUNT - 1]],
               classes[0], (double)probabilities[0], classes[1], (double)probabilities[1]);
    }
    return st;
}

static enum mien_status run(const char *folder, const struct images *images, struct mien_error *err)
{
    const struct mien_data_source source = {
        .images = &images->pixels[0][0][0],
        .labels = images->labels,
        .counts = { TRAIN, VALIDATION, 0 },
        .channels = 1,
        .height = SIDE,
        .width = SIDE,
        .classes = classes,
        .class_count = CLASSES,
    };
    const struct mien_train_options options = { .folder = folder };
    struct mien_device *device = NULL;
    struct mien_recipe *recipe = NULL;
    struct mien_data *data = NULL;
    struct mien_net *net = NULL;

    enum mien_status st = mien_device_open(&device, NULL, err);
    if (st == MIEN_OK) {
        st = mien_recipe_parse(&recipe, recipe_text, strlen(recipe_text), "stripes", NULL, 0, err);
    }
    if (st == MIEN_OK) {
        st = mien_data_create(&data, &source, err);
    }
    if (st == MIEN_OK) {
        st = mien_net_create(&net, device, recipe, classes, CLASSES, err);
    }
    if (st == MIEN_OK) {
        st = mien_net_train(NULL, net, data, &options, err);
    }
    if (st == MIEN_OK) {
        st = ask(net, data, images, err);
    }
    mien_net_destroy(net);
    mien_data_destroy(data);
    mien_recipe_destroy(recipe);
    mien_device_close(device);
    return st;
}

int main(int argc, char **argv)
{
    static struct images images;
    struct mien_error err = { "" };
    if (argc != 2) {
        (void)fprintf(stderr, "usage: %s RUN\n", argv[0]);
        return 2;
    }
    draw(&images);
    const enum mien_status st = run(argv[1], &images, &err);
    if (st != MIEN_OK) {
        (void)fprintf(stderr, "%s: %s\n", mien_status_name(st), err.text);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
