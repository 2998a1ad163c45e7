/*
 * keep_programs.c - linked into the program (tests/CMakeLists.txt): the binary of every kernel
 * program is put into the cache before a device is closed
 *
 * On PoCL a run asks for binaries when they are worth their time, which is never in a test.  All
 * tests of the program together start several hundred times, and each start is a second shorter
 * with them where the sanitizers watch (bench/results/2026-11-30-vectors.md).
 */
#include "cl/cl.h"

void __real_mien_cl_close(struct mien_cl *cl);
void __wrap_mien_cl_close(struct mien_cl *cl);

void __wrap_mien_cl_close(struct mien_cl *cl)
{
    while (cl != NULL && mien_cl_keep_program(cl, 1e9)) {
    }
    __real_mien_cl_close(cl);
}
