/** cxx_heap.c - the memory of C++ code, taken from the C library itself, past AddressSanitizer
 *
 * PoCL's compiler and CLBlast are not ours to watch, and under the sanitizer's allocator a third of
 * the time in which kernels are compiled went into their millions of small objects.  What C code
 * takes with malloc() stays the sanitizer's, in drivers too.
 *
 * The names are those of operator new and delete in the Itanium C++ ABI:
 * https://itanium-cxx-abi.github.io/cxx-abi
 */
#include <malloc.h>
#include <sanitizer/lsan_interface.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *libc_malloc(size_t size) __asm__("__libc_malloc");
void *libc_memalign(size_t alignment, size_t size) __asm__("__libc_memalign");
void libc_free(void *memory) __asm__("__libc_free");
int libc_mallopt(int option, int value) __asm__("__libc_mallopt");

void *take(size_t size) __asm__("_Znwm");
void *take_aligned(size_t size, size_t alignment) __asm__("_ZnwmSt11align_val_t");
void give(void *memory) __asm__("_ZdlPv");

/* C code cannot throw: where memory runs out, the program ends. */
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

/*
 * What LLVM has from malloc() is often held by its objects here alone.  LeakSanitizer has to be
 * told to look there: else it takes that for lost, and finding out by whom took longer than many a
 * start.  What is lost is missed where its address stands there too, which mien's does only if a
 * driver was given it.
 */
static void show_heap(void)
{
    char line[512];
    FILE *const maps = fopen("/proc/self/maps", "r");
    while (maps != NULL && fgets(line, sizeof(line), maps) != NULL) {
        if (strstr(line, "[heap]") != NULL) {
            char *behind = line;
            const size_t start = strtoull(line, &behind, 16);
            const size_t end = strtoull(behind + 1, NULL, 16);
            __lsan_register_root_region((const void *)start, end - start);
        }
    }
    if (maps != NULL) {
        (void)fclose(maps);
    }
}

/* One heap for all threads, which is shown before LeakSanitizer looks: it asked first to be called
 * at the end. */
__attribute__((constructor)) static void keep_together(void)
{
    (void)libc_mallopt(M_ARENA_MAX, 1);
    (void)libc_mallopt(M_MMAP_MAX, 0);
    (void)atexit(show_heap);
}

/* Arrays are taken as single objects are; sizes, alignments and tags behind the arguments go
 * unread. */
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
