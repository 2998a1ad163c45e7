// wrap: mien_cl_close
/*
 * keep_programs.c - runs `mien ARGUMENT...` as the program itself does, and puts the binary of
 * every kernel program into the cache before it ends
 *
 * On PoCL a run asks for binaries when they are worth their time, which is never in a test.  All
 * tests of the program together start several hundred times, and each start is a second shorter
 * with them where the sanitizers watch.
 */
#include "cl/cl.h"

/* The program, with another name for its entry. */
int mien_main(int argc, char **argv);
#define main mien_main
#include "cli/main.c" /* NOLINT(bugprone-suspicious-include): so that --wrap sees its calls */
#undef main

void __real_mien_cl_close(struct mien_cl *cl);
void __wrap_mien_cl_close(struct mien_cl *cl);

void __wrap_mien_cl_close(struct mien_cl *cl)
{
    while (cl != NULL && mien_cl_keep_program(cl, 1e9)) {
    }
    __real_mien_cl_close(cl);
}

int main(int argc, char **argv)
{
    return mien_main(argc, argv);
}
