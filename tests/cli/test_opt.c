/* test_opt.c - option tables: what is taken, what is refused and how that is said */
#include "cli/opt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/commands.h"

struct all_options {
    struct common_options common;
    bool flag;
    int number;
    int64_t big;
    double real;
    struct opt_size size;
    const char *text;
    struct opt_strings settings;
    int choice;
    const char *first;
    struct opt_strings rest;
};

#define FIELD(name) offsetof(struct all_options, name)

static const char *const choices[] = { "red", "green", NULL };

static const struct opt table[] = {
    { "flag", OPT_FLAG, FIELD(flag), NULL, "a flag", .role = OPT_ANY },
    { "number", OPT_INT, FIELD(number), "N", "an int", .min = -5, .max = 10 },
    { "big", OPT_INT64, FIELD(big), "N", "an int64_t", .min = 0, .max = 1e15 },
    { "real", OPT_DOUBLE, FIELD(real), "X", "a double", .min = 0, .max = 1 },
    { "size", OPT_SIZE, FIELD(size), "HxW", "a size", .min = 1, .max = 99 },
    { "text", OPT_STRING, FIELD(text), "TEXT", "a string", .required = true },
    { "set", OPT_STRINGS, FIELD(settings), "K=V", "strings", .role = OPT_ANY },
    { "epochs", OPT_INT, FIELD(settings), "N", "a setting", .min = 1, .max = 9, .setting = "t.e" },
    { "choice", OPT_CHOICE, FIELD(choice), "COLOUR", "a choice", .choices = choices },
    { .name = NULL },
};

static const struct positional positionals[] = {
    { "FIRST", FIELD(first), 1, 1, "the first", OPT_ANY },
    { "REST", FIELD(rest), 1, OPT_MANY, "the rest", OPT_ANY },
    { .name = NULL },
};

static const struct all_options defaults = { .common = { .seed = -1 }, .number = 3, .real = -1 };

static const struct command command = {
    .name = "all",
    .summary = "Take everything",
    .options = table,
    .positionals = positionals,
    .common = COMMON_DEVICE | COMMON_SEED,
    .options_bytes = sizeof(struct all_options),
    .defaults = &defaults,
};

/* The arguments of one case, up to the first NULL. */
enum { MOST = 16 };
struct arguments {
    const char *words[MOST];
};

static enum mien_status parse(struct all_options *o, const struct arguments *arguments,
                              struct mien_error *err)
{
    int count = 0;
    while (count < MOST && arguments->words[count] != NULL) {
        count++;
    }
    *o = defaults;
    return opt_parse(&command, o, count, arguments->words, err);
}

static void test_opt__takes_every_kind_in_both_spellings(void **state)
{
    (void)state;
    static const struct arguments spellings[] = {
        { { "a", "b", "--flag", "--number", "-5", "--big", "1000000000000", "--real=0.25", "--size",
            "4x7", "--text", "--x", "--choice", "green" } },
        { { "--flag", "--number=-5", "a", "--big=1000000000000", "--real", "2.5e-1", "--size=4x7",
            "--text=--x", "--choice=green", "b" } },
    };
    for (size_t i = 0; i < 2; i++) {
        struct all_options o;
        struct mien_error err = { "" };
        const enum mien_status st = parse(&o, &spellings[i], &err);
        assert_string_equal(err.text, "");
        assert_int_equal(st, MIEN_OK);
        assert_true(o.flag);
        assert_int_equal(o.number, -5);
        assert_int_equal(o.big, 1000000000000);
        assert_true(o.real == 0.25);
        assert_int_equal(o.size.height, 4);
        assert_int_equal(o.size.width, 7);
        assert_string_equal(o.text, "--x");
        assert_int_equal(o.choice, 1);
        assert_string_equal(o.first, "a");
        assert_int_equal(o.rest.count, 1);
        assert_string_equal(o.rest.items[0], "b");
        opt_release(&command, &o);
    }
}

static void test_opt__leaves_defaults_and_takes_the_last_of_two(void **state)
{
    (void)state;
    static const struct arguments given = { { "--text", "x", "a", "b", "--size=7", "--text",
                                              "y" } };
    struct all_options o;
    struct mien_error err = { "" };
    assert_int_equal(parse(&o, &given, &err), MIEN_OK);
    assert_int_equal(o.number, 3);
    assert_true(o.real == -1);
    assert_int_equal(o.common.seed, -1);
    assert_null(o.common.device);
    assert_int_equal(o.size.height, 7);
    assert_int_equal(o.size.width, 7);
    assert_string_equal(o.text, "y");
    opt_release(&command, &o);
}

static void test_opt__keeps_settings_in_the_order_given(void **state)
{
    (void)state;
    static const struct arguments given = { { "--set", "a=1", "--epochs", "2", "--set=b=2",
                                              "--epochs=9", "--text=x", "a", "b" } };
    static const char *const want[] = { "a=1", "t.e=2", "b=2", "t.e=9" };
    struct all_options o;
    struct mien_error err = { "" };
    assert_int_equal(parse(&o, &given, &err), MIEN_OK);
    assert_int_equal(o.settings.count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(o.settings.items[i], want[i]);
    }
    opt_release(&command, &o);
}

static void test_opt__ends_options_at_two_dashes(void **state)
{
    (void)state;
    static const struct arguments given = { { "--text=x", "-", "--", "--flag", "--", "-h" } };
    struct all_options o;
    struct mien_error err = { "" };
    assert_int_equal(parse(&o, &given, &err), MIEN_OK);
    assert_false(o.flag);
    assert_false(o.common.help);
    assert_string_equal(o.first, "-");
    assert_int_equal(o.rest.count, 3);
    assert_string_equal(o.rest.items[0], "--flag");
    assert_string_equal(o.rest.items[1], "--");
    assert_string_equal(o.rest.items[2], "-h");
    opt_release(&command, &o);
}

static void test_opt__needs_nothing_else_with_help(void **state)
{
    (void)state;
    static const struct arguments given = { { "--help" } };
    struct all_options o;
    struct mien_error err = { "" };
    assert_int_equal(parse(&o, &given, &err), MIEN_OK);
    assert_true(o.common.help);
    opt_release(&command, &o);
}

static void test_opt__says_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        struct arguments given;
        const char *text;
    } cases[] = {
        { { { "--flga" } }, "unknown option '--flga', did you mean --flag?" },
        { { { "--devise=x" } }, "unknown option '--devise=x', did you mean --device?" },
        { { { "--json" } }, "unknown option '--json'" }, /* common, but not taken here */
        { { { "-n" } }, "unknown option '-n'" },
        { { { "--" } }, "FIRST is missing: the first" },
        { { { "a" } }, "REST is missing: the rest" },
        { { { "a", "" } }, "REST is empty: the rest" },
        { { { "a", "b" } }, "--text TEXT is missing: a string" },
        { { { "--text" } }, "--text needs a value: TEXT, a string" },
        { { { "--text=" } }, "--text: TEXT is empty" },
        { { { "--flag=1" } }, "--flag takes no value, got '1'" },
        { { { "--number", "11" } }, "--number: '11' is not a whole number from -5 to 10" },
        { { { "--number=" } }, "--number: '' is not a whole number from -5 to 10" },
        { { { "--number=0x1" } }, "--number: '0x1' is not a whole number from -5 to 10" },
        { { { "--big=9223372036854775808" } },
          "--big: '9223372036854775808' is not a whole number from 0 to 1000000000000000" },
        { { { "--real=nan" } }, "--real: 'nan' is not a number from 0 to 1" },
        { { { "--real=1e999" } }, "--real: '1e999' is not a number from 0 to 1" },
        { { { "--size=4x" } }, "--size: '4x' is not a size HxW with both from 1 to 99" },
        { { { "--size=4x100" } }, "--size: '4x100' is not a size HxW with both from 1 to 99" },
        { { { "--choice=blue" } }, "--choice: 'blue' is none of red, green" },
        { { { "--epochs=10" } }, "--epochs: '10' is not a whole number from 1 to 9" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct all_options o;
        struct mien_error err = { "" };
        const enum mien_status st = parse(&o, &cases[i].given, &err);
        assert_string_equal(err.text, cases[i].text);
        assert_int_equal(st, MIEN_ERR_USAGE);
        opt_release(&command, &o);
    }
}

struct last_options {
    struct common_options common;
    struct opt_strings many;
    const char *last;
};

/* A row that takes many leaves to the one behind it what that one must have. */
static void test_opt__leaves_the_last_rows_theirs(void **state)
{
    (void)state;
    static const struct positional rows[] = {
        { "MANY", offsetof(struct last_options, many), 1, OPT_MANY, "some", OPT_ANY },
        { "LAST", offsetof(struct last_options, last), 1, 1, "the last", OPT_ANY },
        { .name = NULL },
    };
    static const struct last_options none = { .common = { .seed = -1 } };
    static const struct command many = {
        .name = "many",
        .summary = "Take many",
        .positionals = rows,
        .common = COMMON_QUIET,
        .options_bytes = sizeof(struct last_options),
        .defaults = &none,
    };
    static const char *const words[] = { "a", "--quiet", "b", "c", "d" };
    struct mien_error err = { "" };
    struct last_options o = none;
    assert_int_equal(opt_parse(&many, &o, 5, words, &err), MIEN_OK);
    assert_int_equal(o.many.count, 3);
    assert_string_equal(o.many.items[2], "c");
    assert_string_equal(o.last, "d");
    opt_release(&many, &o);
    o = none;
    assert_int_equal(opt_parse(&many, &o, 3, words, &err), MIEN_OK);
    assert_int_equal(o.many.count, 1);
    assert_string_equal(o.last, "b");
    opt_release(&many, &o);
    o = none;
    assert_int_equal(opt_parse(&many, &o, 1, words, &err), MIEN_ERR_USAGE);
    assert_string_equal(err.text, "LAST is missing: the last");
    opt_release(&many, &o);
    o = none;
    assert_int_equal(opt_parse(&many, &o, 0, words, &err), MIEN_ERR_USAGE);
    assert_string_equal(err.text, "MANY is missing: some");
    opt_release(&many, &o);
}

static void test_opt__guesses_only_what_is_near(void **state)
{
    (void)state;
    static const char *const words[] = { "train", "eval", "predict", "completion", NULL };
    assert_string_equal(opt_nearest("trian", words), "train");
    assert_string_equal(opt_nearest("pred", words), "predict");
    assert_string_equal(opt_nearest("comp", words), "completion");
    assert_string_equal(opt_nearest("evaluate", (const char *const[]){ "evaluated", NULL }),
                        "evaluated");
    assert_null(opt_nearest("", words));
    assert_null(opt_nearest("x", words));
    assert_null(opt_nearest("banana", words));
    char endless[3000];
    memset(endless, 'a', sizeof(endless) - 1);
    endless[sizeof(endless) - 1] = '\0';
    assert_null(opt_nearest(endless, words));
}

/* What a generator wrote, as text; release with free(). */
static char *written_help(const struct command *about)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *const to = open_memstream(&text, &bytes);
    assert_non_null(to);
    opt_print_help(to, about);
    assert_int_equal(fclose(to), 0);
    return text;
}

static void test_opt__prints_help_with_defaults_from_the_struct(void **state)
{
    (void)state;
    char *const text = written_help(&command);
    assert_non_null(strstr(text, "Usage: mien all FIRST REST... --text TEXT [options]\n"));
    assert_non_null(strstr(text, "an int [3]\n"));
    assert_non_null(strstr(text, "a double\n")); /* its default is out of range: not given */
    assert_non_null(strstr(text, "a choice [red]\n"));
    assert_non_null(strstr(text, "--seed N "));
    assert_null(strstr(text, "--json"));
    free(text);
}

static void look_through(const struct command *it)
{
    assert_ptr_equal(command_find(it->name), it);
    assert_true(it->options_bytes >= sizeof(struct common_options));
    assert_non_null(it->run);
    const struct opt *o = NULL;
    for (size_t i = 0; (o = opt_at(it, i)) != NULL; i++) {
        assert_true(o->offset < it->options_bytes);
        assert_true((o->kind == OPT_FLAG) == (o->value == NULL));
        assert_true(o->kind != OPT_CHOICE || o->choices != NULL);
        assert_true((o->kind != OPT_INT && o->kind != OPT_INT64 && o->kind != OPT_DOUBLE &&
                     o->kind != OPT_SIZE) ||
                    o->min < o->max);
        assert_true(o->help[strlen(o->help) - 1] != '.');
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(opt_at(it, j)->name, o->name);
        }
    }
}

/* Tables are data, and data can be wrong: every command of the program is looked through. */
static void test_opt__tables_of_all_commands_are_sound(void **state)
{
    (void)state;
    size_t count = 0;
    for (const struct command_group *group = command_groups; group->title != NULL; group++) {
        for (size_t c = 0; group->commands[c] != NULL; c++, count++) {
            look_through(group->commands[c]);
        }
    }
    assert_true(count > 10);
    look_through(&cmd_man);
}

static void test_exit_code__is_what_the_manual_says(void **state)
{
    (void)state;
    assert_int_equal(exit_code(MIEN_OK), 0);
    assert_int_equal(exit_code(MIEN_ERR_USAGE), 2);
    assert_int_equal(exit_code(MIEN_ERR_NO_DEVICE), 3);
    assert_int_equal(exit_code(MIEN_ERR_FORMAT), 4);
    assert_int_equal(exit_code(MIEN_ERR_SHAPE), 4);
    assert_int_equal(exit_code(MIEN_ERR_INTERRUPTED), 130);
    assert_int_equal(exit_code(MIEN_ERR_MEMORY), 1);
    assert_int_equal(exit_code(MIEN_ERR_CL), 1);
    assert_int_equal(exit_code(MIEN_ERR_IO), 1);
    assert_int_equal(exit_code(MIEN_ERR_NOT_FINITE), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_opt__takes_every_kind_in_both_spellings),
        cmocka_unit_test(test_opt__leaves_defaults_and_takes_the_last_of_two),
        cmocka_unit_test(test_opt__keeps_settings_in_the_order_given),
        cmocka_unit_test(test_opt__ends_options_at_two_dashes),
        cmocka_unit_test(test_opt__needs_nothing_else_with_help),
        cmocka_unit_test(test_opt__says_what_is_wrong),
        cmocka_unit_test(test_opt__leaves_the_last_rows_theirs),
        cmocka_unit_test(test_opt__guesses_only_what_is_near),
        cmocka_unit_test(test_opt__prints_help_with_defaults_from_the_struct),
        cmocka_unit_test(test_opt__tables_of_all_commands_are_sound),
        cmocka_unit_test(test_exit_code__is_what_the_manual_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
