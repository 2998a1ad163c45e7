/** The memory of C++ code, PoCL's compiler and CLBlast, taken from the C library itself, past
 * AddressSanitizer.
 *
 *  Neither is ours to watch, and under the sanitizer's allocator a third of the time in which
 * kernels are compiled went into their millions of small objects.  What C code takes with malloc()
 * stays the sanitizer's, in drivers too. The names are those of operator new and delete in the
 * Itanium C++ ABI: https://itanium-cxx-abi.github.io/cxx-abi */
#include <stddef.h>
#include <stdlib.h>

void *libc_malloc(size_t size) __asm__("__libc_malloc");
void *libc_memalign(size_t alignment, size_t size) __asm__("__libc_memalign");
void libc_free(void *memory) __asm__("__libc_free");

void *take(size_t size) __asm__("_Znwm");
void *take_aligned(size_t size, size_t alignment) __asm__("_ZnwmSt11align_val_t");
void give(void *memory) __asm__("_ZdlPv");

// C code cannot throw: where memory runs out, the program ends.
static void *taken(void *memory)
{
    if (memory == NULL) {
        abort();
    }
    return memory;
}

void *take(size_t size)
{
    return taken(libc_malloc(size));
}

void *take_aligned(size_t size, size_t alignment)
{
    return taken(libc_memalign(alignment, size));
}

void give(void *memory)
{
    libc_free(memory);
}

// Arrays are taken as single objects are; sizes, alignments and tags behind the arguments needed go
// unread.
#define SAME_AS(known, name)                                                                       \
    __asm__(".globl " name "\n.type " name ", %function\n.set " name ", " known)
SAME_AS("_Znwm", "_Znam");
SAME_AS("_Znwm", "_ZnwmRKSt9nothrow_t");
SAME_AS("_Znwm", "_ZnamRKSt9nothrow_t");
SAME_AS("_ZnwmSt11align_val_t", "_ZnamSt11align_val_t");
SAME_AS("_ZnwmSt11align_val_t", "_ZnwmSt11align_val_tRKSt9nothrow_t");
SAME_AS("_ZnwmSt11align_val_t", "_ZnamSt11align_val_tRKSt9nothrow_t");
SAME_AS("_ZdlPv", "_ZdaPv");
SAME_AS("_ZdlPv", "_ZdlPvm");
SAME_AS("_ZdlPv", "_ZdaPvm");
SAME_AS("_ZdlPv", "_ZdlPvRKSt9nothrow_t");
SAME_AS("_ZdlPv", "_ZdaPvRKSt9nothrow_t");
SAME_AS("_ZdlPv", "_ZdlPvSt11align_val_t");
SAME_AS("_ZdlPv", "_ZdaPvSt11align_val_t");
SAME_AS("_ZdlPv", "_ZdlPvmSt11align_val_t");
SAME_AS("_ZdlPv", "_ZdaPvmSt11align_val_t");
SAME_AS("_ZdlPv", "_ZdlPvSt11align_val_tRKSt9nothrow_t");
SAME_AS("_ZdlPv", "_ZdaPvSt11align_val_tRKSt9nothrow_t");
