/* device_file.c - what is kept about a device from run to run, a file each */
#include "cl/device_file.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/memory.h"
#include "cl/program.h"

enum { NAME_BYTES = 64 };

void mien_device_text(char out[MIEN_DEVICE_TEXT_BYTES], const struct mien_device_info *device)
{
    (void)snprintf(out, MIEN_DEVICE_TEXT_BYTES, "%s; %s; %s; %s; %s; %s", device->name,
                   device->vendor, device->platform_name, device->platform_version, device->version,
                   device->driver);
}

void mien_kernels_hash(char out[33])
{
    struct mien_hash hash;
    mien_hash_init(&hash);
    mien_hash_add_text(&hash, MIEN_VERSION);
    mien_hash_add_text(&hash, mien_kernel_builtins);
    for (size_t i = 0; i < mien_kernel_source_count; i++) {
        const struct mien_kernel_source *const source =
            mien_kernel_source_find(mien_kernel_sources[i].name);
        mien_hash_add_text(&hash, source->name);
        mien_hash_add_text(&hash, source->text);
    }
    mien_hash_hex(out, &hash);
}

/* Letters and digits of a device's name, and a dash for what is between them. */
static void plain_name(char out[NAME_BYTES], const char *name)
{
    size_t length = 0;
    for (const char *at = name; *at != '\0' && length + 1 < NAME_BYTES; at++) {
        const bool plain = isalnum((unsigned char)*at) != 0;
        if (plain || (length > 0 && out[length - 1] != '-')) {
            out[length++] = '-';
            if (plain) {
                out[length - 1] = *at;
            }
        }
    }
    out[length] = '\0';
}

char *mien_device_file_path(const char *kind, const struct mien_device_info *device,
                            struct mien_error *err)
{
    char text[MIEN_DEVICE_TEXT_BYTES];
    char name[NAME_BYTES];
    char file[2 * NAME_BYTES + 32];
    char hex[33];
    struct mien_hash hash;
    char *const folder = mien_cache_folder();
    if (folder == NULL) {
        return NULL;
    }
    plain_name(name, device->name);
    mien_device_text(text, device);
    mien_hash_init(&hash);
    mien_hash_add_text(&hash, text);
    mien_hash_hex(hex, &hash);
    (void)snprintf(file, sizeof(file), "%.32s/%s-%.12s.json", kind, name, hex);
    char *const path = mien_path_join(folder, file, err);
    free(folder);
    return path;
}

/* The folder of a path is made. */
static enum mien_status make_folder_of(const char *path, struct mien_error *err)
{
    const char *const slash = strrchr(path, '/');
    if (slash == NULL || slash == path) {
        return MIEN_OK;
    }
    char *const folder = mien_strdup(path, err);
    if (folder == NULL) {
        return MIEN_ERR_MEMORY;
    }
    folder[slash - path] = '\0';
    const enum mien_status st = mien_folder_make(folder, err);
    free(folder);
    return st;
}

enum mien_status mien_device_file_write(const char *path, const char *text, struct mien_error *err)
{
    const enum mien_status st = make_folder_of(path, err);
    return st == MIEN_OK ? mien_file_replace(path, text, strlen(text), err) : st;
}
