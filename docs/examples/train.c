/* train.c - trains a recipe on a data set: train RECIPE DATA RUN [KEY=VALUE...] */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <mien.h>

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
}

static bool stop(void *user)
{
    (void)user;
    return interrupted != 0;
}

static void print_line(void *user, const char *text)
{
    (void)user;
    (void)fprintf(stderr, "%s\n", text);
}

static void print_epoch(void *user, const struct mien_epoch *epoch, bool best)
{
    (void)user;
    printf("epoch %d  loss %.4f  accuracy %.2f %%", epoch->epoch, epoch->train_loss,
           100.0 * epoch->train_accuracy);
    if (epoch->validated) {
        printf("  validation %.2f %%", 100.0 * epoch->validation_accuracy);
    }
    printf("%s\n", best ? "  best" : "");
}

static enum mien_status train(const char *recipe_path, const char *data_path, const char *folder,
                              const char *const *settings, size_t setting_count,
                              struct mien_error *err)
{
    const struct mien_log log = { .line = print_line };
    const struct mien_device_options open = { .log = &log };
    const struct mien_train_options options = {
        .folder = folder,
        .source = data_path,
        .stop = stop,
        .epoch = print_epoch,
    };
    struct mien_device *device = NULL;
    struct mien_recipe *recipe = NULL;
    struct mien_data *data = NULL;
    struct mien_net *net = NULL;
    struct mien_run_result result;

    enum mien_status st = mien_recipe_load(&recipe, recipe_path, settings, setting_count, err);
    if (st == MIEN_OK) {
        struct mien_data_options load = mien_recipe_data_options(recipe);
        load.split = 0.1; /* where the data has no validation images of its own */
        load.log = &log;
        st = mien_data_load(&data, data_path, &load, err);
    }
    if (st == MIEN_OK) {
        st = mien_device_open(&device, &open, err);
    }
    if (st == MIEN_OK) {
        const struct mien_data_about *const about = mien_data_describe(data);
        st = mien_net_create(&net, device, recipe, about->classes, about->class_count, err);
    }
    if (st == MIEN_OK) {
        st = mien_net_train(&result, net, data, &options, err);
    }
    if (st == MIEN_OK) {
        printf("%s after %d epochs; %s/best.safetensors is that of epoch %d\n",
               mien_run_end_text(result.end), result.epochs, folder, result.best_epoch);
    }
    mien_net_destroy(net);
    mien_data_destroy(data);
    mien_recipe_destroy(recipe);
    mien_device_close(device);
    return st;
}

int main(int argc, char **argv)
{
    struct mien_error err = { "" };
    if (argc < 4) {
        (void)fprintf(stderr, "usage: %s RECIPE DATA RUN [KEY=VALUE...]\n", argv[0]);
        return 2;
    }
    (void)signal(SIGINT, on_signal);
    const enum mien_status st =
        train(argv[1], argv[2], argv[3], (const char *const *)(argv + 4), (size_t)(argc - 4), &err);
    if (st != MIEN_OK) {
        (void)fprintf(stderr, "%s: %s\n", mien_status_name(st), err.text);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
