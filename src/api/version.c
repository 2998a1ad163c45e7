/* version.c - which mien this is */
#include "mien.h"

const char *mien_version(void)
{
    return MIEN_VERSION;
}
