/* test_survive.c - a process that is killed while it saves: the file is the old one or the new one,
 * whole */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "support/device.h"
#include "support/scratch.h"
#include "support/training.h"
#include "train/model_file.h"

/* Some 250 kB: large enough that a kill often falls between the first byte and the rename. */
static const char recipe[] = "input: { channels: 1, height: 16, width: 16 }\n"
                             "layers: [ flatten, dense 128, relu, dense 128, dense classes ]\n"
                             "train: { batch: 4, epochs: 1, optimizer: { rate: 0.1 } }";
static const struct set_sizes sizes = { 8, 0, 1, 16, 16, 7 };

enum { KILLS = 200, MOST_KILLS = 20000, MOST_WAIT_US = 15000 };

/* Every weight and the state beside them are the number of the save, and so is its metadata. */
static enum mien_status save(struct mien_model_file *file, const char *path, int number,
                             struct mien_error *err)
{
    char text[16];
    (void)snprintf(text, sizeof(text), "%d", number);
    for (size_t i = 0; i < file->network->flat_floats; i++) {
        file->weights[i] = (float)number;
    }
    const struct mien_metadata step = { "step", text };
    const struct mien_tensor state = { "state.momentum",
                                       MIEN_F32,
                                       1,
                                       { file->network->flat_floats },
                                       file->weights,
                                       file->network->flat_floats * sizeof(float) };
    return mien_model_file_save(path, file, &state, 1, &step, 1, err);
}

/* The number of the save that is there, having seen that all of it is. */
static int check(const char *path)
{
    struct mien_error err = { "" };
    struct mien_model_file file;
    struct mien_safetensors *raw = NULL;
    assert_ok(mien_model_file_load(&file, path, &err), &err);
    assert_ok(mien_safetensors_open(&raw, path, &err), &err);
    const char *const text = mien_safetensors_metadata(raw, "step");
    const struct mien_tensor *const state = mien_safetensors_find(raw, "state.momentum");
    assert_non_null(text);
    assert_non_null(state);
    const int number = (int)strtol(text, NULL, 10);
    for (size_t i = 0; i < file.network->param_count; i++) {
        const struct mien_param *const param = &file.network->params[i];
        for (size_t k = 0; k < param->count; k++) {
            assert_true(file.weights[param->offset + k] == (float)number);
        }
    }
    for (size_t i = 0; i < state->bytes / sizeof(float); i++) {
        float value = 0.0f;
        memcpy(&value, (const unsigned char *)state->data + i * sizeof(value), sizeof(value));
        assert_true(value == (float)number);
    }
    mien_safetensors_close(raw);
    mien_model_file_finish(&file);
    return number;
}

/* What a killed save leaves beside the file; taken away, and counted. */
static size_t sweep(const char *folder)
{
    size_t count = 0;
    DIR *const dir = opendir(folder);
    assert_non_null(dir);
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        if (strncmp(entry->d_name, "last.safetensors.tmp-", 21) == 0) {
            char *const path = scratch_path(folder, entry->d_name);
            assert_int_equal(remove(path), 0);
            free(path);
            count++;
        }
    }
    (void)closedir(dir);
    return count;
}

static void test_survive__a_kill_at_any_moment_of_saving_leaves_a_whole_file(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    struct mien_dataset *const set = set_make(&sizes, 1);
    struct mien_model_file file = model_for(recipe, set);
    char *const folder = scratch_make();
    char *const path = scratch_path(folder, "last.safetensors");
    const char *const wish = getenv("MIEN_KILLS");
    const long asked = wish != NULL ? strtol(wish, NULL, 10) : KILLS;
    const int kills = asked > 0 && asked < MOST_KILLS ? (int)asked : KILLS;
    int number = 0;
    int torn = 0;     /* kills that left a file half written beside the whole one */
    int advanced = 0; /* kills behind at least one whole save */
    unsigned draw = 12345;
    assert_ok(save(&file, path, number, &err), &err);
    for (int kill_at = 0; kill_at < kills; kill_at++) {
        (void)fflush(NULL);
        const pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            for (int next = number + 1;; next++) {
                if (save(&file, path, next, NULL) != MIEN_OK) {
                    _exit(1);
                }
            }
        }
        draw = draw * 1103515245u + 12345u;
        const struct timespec wait = { 0, (long)(draw / 65536u % MOST_WAIT_US) * 1000L };
        (void)nanosleep(&wait, NULL);
        int how = 0;
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, &how, 0), child);
        assert_true(WIFSIGNALED(how)); /* no save of it failed */
        const int found = check(path);
        assert_true(found >= number);
        advanced += found > number ? 1 : 0;
        number = found;
        torn += sweep(folder) > 0 ? 1 : 0;
    }
    print_message("%d kills: %d fell into a save, %d behind one\n", kills, torn, advanced);
    assert_true(torn >= kills / 20); /* else the kills proved nothing */
    assert_true(advanced >= kills / 40);
    mien_model_file_finish(&file);
    set_free(set);
    free(path);
    scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_survive__a_kill_at_any_moment_of_saving_leaves_a_whole_file),
    };
    return cmocka_run_group_tests_name("train/survive", tests, NULL, NULL);
}
