/* fuzz_options.c - command lines: a word a line, the command first */
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "fuzz/fuzz.h"

enum { MOST = 64, OPTION_BYTES = 4096 };

static void parse(const struct command *command, int count, const char *const *words)
{
    _Alignas(max_align_t) unsigned char options[OPTION_BYTES];
    struct mien_error err = { "" };
    fuzz_expect(command->options_bytes <= sizeof(options), "there is room for a command's options");
    memcpy(options, command->defaults, command->options_bytes);
    const enum mien_status st = opt_parse(command, options, count, words, &err);
    fuzz_outcome(st, st == MIEN_OK ? options : NULL, &err);
    opt_release(command, options);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *words[MOST];
    int count = 0;
    char *const text = malloc(size + 1);
    fuzz_expect(text != NULL, "there is memory");
    memcpy(text, data, size);
    text[size] = '\0';
    for (char *word = text; word != NULL && count < MOST;) {
        char *const end = strchr(word, '\n');
        words[count++] = word;
        word = end != NULL ? end + 1 : NULL;
        if (end != NULL) {
            *end = '\0';
        }
    }
    const struct command *const command = command_find(words[0]);
    if (command != NULL) {
        parse(command, count - 1, words + 1);
    } else {
        struct mien_error err = { "" };
        fuzz_outcome(command_unknown(words[0], &err), NULL, &err);
    }
    free(text);
    return 0;
}
