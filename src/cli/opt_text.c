/* opt_text.c - what people read of the option tables: help and manual page */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "cli/opt.h"

/* The default as the table's kind prints it; empty where there is none or it means "not given". */
static void default_text(char *out, size_t bytes, const struct command *command,
                         const struct opt *o)
{
    const void *const field = (const char *)command->defaults + o->offset;
    out[0] = '\0';
    if (o->setting != NULL) {
        return;
    }
    double number = 0;
    const char *text = NULL;
    switch (o->kind) {
    case OPT_INT: number = *(const int *)field; break;
    case OPT_INT64: number = (double)*(const int64_t *)field; break;
    case OPT_DOUBLE: number = *(const double *)field; break;
    case OPT_STRING: text = *(const char *const *)field; break;
    case OPT_CHOICE: {
        const int choice = *(const int *)field;
        text = choice >= 0 ? o->choices[choice] : NULL;
        break;
    }
    default: return;
    }
    if (text != NULL) {
        (void)snprintf(out, bytes, "%s", text);
    } else if (o->kind != OPT_STRING && o->kind != OPT_CHOICE && number >= o->min &&
               number <= o->max) {
        (void)snprintf(out, bytes, "%.15g", number);
    }
}

/* "--epochs N", with [default] apart. */
static void option_head(char *out, size_t bytes, const struct opt *o)
{
    (void)snprintf(out, bytes, "--%s%s%s", o->name, o->value != NULL ? " " : "",
                   o->value != NULL ? o->value : "");
}

static void print_row(FILE *to, const char *head, const char *help, const char *standard)
{
    enum { COLUMN = 22 };
    if (strlen(head) > COLUMN) {
        (void)fprintf(to, "  %s\n  %*s", head, COLUMN, "");
    } else {
        (void)fprintf(to, "  %-*s", COLUMN, head);
    }
    (void)fprintf(to, "  %s", help);
    if (standard[0] != '\0') {
        (void)fprintf(to, " [%s]", standard);
    }
    (void)fputc('\n', to);
}

/* " DATA [IMAGE...] --recipe FILE [options]" */
static void print_synopsis(FILE *to, const struct command *command)
{
    for (const struct positional *p = command->positionals; p != NULL && p->name != NULL; p++) {
        (void)fprintf(to, p->min > 0 ? " %s%s" : " [%s%s]", p->name, p->max > 1 ? "..." : "");
    }
    const struct opt *o = NULL;
    for (size_t i = 0; (o = opt_at(command, i)) != NULL; i++) {
        if (o->required) {
            (void)fprintf(to, " --%s %s", o->name, o->value);
        }
    }
    (void)fputs(" [options]", to);
}

void opt_print_help(FILE *to, const struct command *command)
{
    (void)fprintf(to, "Usage: mien %s", command->name);
    print_synopsis(to, command);
    (void)fprintf(to, "\n\n%s.\n", command->summary);
    if (command->positionals != NULL) {
        (void)fputc('\n', to);
    }
    for (const struct positional *p = command->positionals; p != NULL && p->name != NULL; p++) {
        print_row(to, p->name, p->help, "");
    }
    (void)fputs("\nOptions:\n", to);
    const struct opt *o = NULL;
    for (size_t i = 0; (o = opt_at(command, i)) != NULL; i++) {
        char head[64];
        char standard[64];
        option_head(head, sizeof(head), o);
        default_text(standard, sizeof(standard), command, o);
        print_row(to, head, o->help, standard);
    }
    if (command->details != NULL) {
        (void)fprintf(to, "\n%s\n", command->details);
    }
}

void opt_print_commands(FILE *to, const struct command_group *groups)
{
    for (; groups->title != NULL; groups++) {
        (void)fprintf(to, "\n%s:\n", groups->title);
        for (size_t i = 0; groups->commands[i] != NULL; i++) {
            (void)fprintf(to, "  %-11s %s\n", groups->commands[i]->name,
                          groups->commands[i]->summary);
        }
    }
}

/* Text for roff: no escapes, no accidental requests, real minus signs, a request per paragraph. */
static void print_roff(FILE *to, const char *text)
{
    bool line_start = true;
    for (; *text != '\0'; text++) {
        if (line_start && (*text == '.' || *text == '\'')) {
            (void)fputs("\\&", to);
        }
        line_start = *text == '\n';
        if (line_start && text[1] == '\n') {
            (void)fputs("\n.PP", to);
        } else if (*text == '-') {
            (void)fputs("\\-", to);
        } else if (*text == '\\') {
            (void)fputs("\\e", to);
        } else if (*text != '\n' || text[-1] != '\n') {
            (void)fputc(*text, to);
        } else {
            (void)fputc('\n', to);
        }
    }
}

static void print_man_command(FILE *to, const struct command *command)
{
    (void)fprintf(to, ".SS mien %s", command->name);
    print_synopsis(to, command);
    (void)fputc('\n', to);
    print_roff(to, command->summary);
    (void)fputs(".\n", to);
    if (command->details != NULL) {
        (void)fputs(".PP\n", to);
        print_roff(to, command->details);
        (void)fputc('\n', to);
    }
    for (const struct positional *p = command->positionals; p != NULL && p->name != NULL; p++) {
        (void)fprintf(to, ".TP\n.I %s\n", p->name);
        print_roff(to, p->help);
        (void)fputc('\n', to);
    }
    const struct opt *o = NULL;
    for (size_t i = 0; (o = opt_at(command, i)) != NULL; i++) {
        char standard[64];
        default_text(standard, sizeof(standard), command, o);
        (void)fputs(".TP\n.BI ", to);
        print_roff(to, "--");
        print_roff(to, o->name);
        (void)fprintf(to, " \" %s\"\n", o->value != NULL ? o->value : "");
        print_roff(to, o->help);
        if (o->kind == OPT_INT || o->kind == OPT_INT64 || o->kind == OPT_DOUBLE) {
            (void)fprintf(to, "; %.16g to %.16g", o->min, o->max);
        }
        if (standard[0] != '\0') {
            (void)fprintf(to, "; %s unless given", standard);
        }
        (void)fputc('\n', to);
    }
}

void opt_print_man(FILE *to, const struct command_group *groups)
{
    (void)fputs(".TH MIEN 1 \"\" \"mien " MIEN_VERSION "\" \"User Commands\"\n.SH NAME\n"
                "mien \\- train and evaluate small convolutional networks on any OpenCL "
                "device\n"
                ".SH SYNOPSIS\n.B mien\n.I COMMAND\n[arguments] [options]\n",
                to);
    for (; groups->title != NULL; groups++) {
        (void)fputs(".SH ", to);
        for (const char *c = groups->title; *c != '\0'; c++) {
            (void)fputc(toupper((unsigned char)*c), to);
        }
        (void)fputc('\n', to);
        for (size_t i = 0; groups->commands[i] != NULL; i++) {
            print_man_command(to, groups->commands[i]);
        }
    }
    (void)fputs(
        ".SH EXIT STATUS\n"
        ".TP\n.B 0\nDone.\n"
        ".TP\n.B 1\nFailed: the line on the standard error says at what.\n"
        ".TP\n.B 2\nUsage: an unknown command or option, or a value outside its range.\n"
        ".TP\n.B 3\nThere is no usable OpenCL device.\n"
        ".TP\n.B 4\nBad input: a file that is missing, damaged or not of the kind expected.\n"
        ".TP\n.B 130\nInterrupted.\n"
        ".SH ENVIRONMENT\n"
        ".TP\n.B MIEN_DEVICE\nThe OpenCL device where \\-\\-device is not given.\n"
        ".TP\n.B MIEN_MODEL\nThe model of predict and explain where none is named.\n"
        ".TP\n.B MIEN_CACHE\nFolder for compiled kernels, and for what tuning and self-tests "
        "found; "
        "$XDG_CACHE_HOME/mien or ~/.cache/mien unless set.\n"
        ".TP\n.B NO_COLOR\nWhere set, the curves of train \\-\\-watch have no colours.\n",
        to);
}
