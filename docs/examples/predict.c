/* predict.c - tells the classes of image files: predict MODEL IMAGE... */
#include <stdio.h>
#include <stdlib.h>

#include <mien.h>

static void print_best(const char *file, const float *probabilities,
                       const struct mien_net_about *about)
{
    int best = 0;
    for (int k = 1; k < about->class_count; k++) {
        best = probabilities[k] > probabilities[best] ? k : best;
    }
    printf("%s  %s  %.1f %%\n", file, about->classes[best], 100.0 * (double)probabilities[best]);
}

int main(int argc, char **argv)
{
    struct mien_device *device = NULL;
    struct mien_net *net = NULL;
    struct mien_error err = { "" };
    float *probabilities = NULL;
    int failures = 0;

    if (argc < 3) {
        (void)fprintf(stderr, "usage: %s MODEL IMAGE...\n", argv[0]);
        return 2;
    }
    if (mien_device_open(&device, NULL, &err) != MIEN_OK ||
        mien_net_load(&net, device, argv[1], &err) != MIEN_OK) {
        (void)fprintf(stderr, "%s\n", err.text);
        failures = 1;
        goto done;
    }
    const struct mien_net_about *const about = mien_net_describe(net);
    probabilities = malloc((size_t)about->class_count * sizeof(*probabilities));
    if (probabilities == NULL) {
        failures = 1;
        goto done;
    }
    for (int i = 2; i < argc; i++) {
        if (mien_net_predict_file(probabilities, net, argv[i], &err) == MIEN_OK) {
            print_best(argv[i], probabilities, about);
        } else {
            (void)fprintf(stderr, "%s\n", err.text); /* which names the file */
            failures++;
        }
    }

done:
    free(probabilities);
    mien_net_destroy(net);
    mien_device_close(device);
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
