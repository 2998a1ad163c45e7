/* train.c - a training run for users of the library (declared in mien.h) */
#include "api/internal.h"
#include "train/run.h"

enum mien_status mien_net_train(struct mien_run_result *out, struct mien_net *net,
                                const struct mien_data *data,
                                const struct mien_train_options *options, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct mien_class_map map = { .labels = NULL };
    struct mien_run_result result;
    if (options->folder == NULL || options->folder[0] == '\0') {
        return mien_fail(err, MIEN_ERR_USAGE, "a run needs a folder for its files");
    }
    if (options->keep_every < 0) {
        return mien_fail(err, MIEN_ERR_USAGE, "keep_every is %d; expected 0 or more",
                         options->keep_every);
    }
    const struct mien_run_options run = {
        .folder = options->folder,
        .data = options->source,
        .command = options->note,
        .resume = options->resume,
        .max_steps = options->max_steps,
        .keep_every = options->keep_every,
        .log_steps = options->log_steps,
        .trainer = { .shuffle = !options->in_order, .device_bytes = options->device_bytes },
        .stop = options->stop,
        .progress = options->progress,
        .epoch = options->epoch,
        .user = options->user,
        .log = &net->device->log,
    };
    TRY(mien_net_map(&map, net, data, err));
    mien_net_unplace(net); /* its memory is needed, and its weights are about to be others */
    TRY(mien_run(&result, net->device->cl, &net->file, &map.set, &run, err));
    if (out != NULL) {
        *out = result;
    }

done:
    mien_class_map_finish(&map);
    return st;
}
