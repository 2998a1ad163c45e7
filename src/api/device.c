/* device.c - listing and opening devices for users of the library */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/internal.h"
#include "base/memory.h"

struct mien_devices {
    struct mien_device_list list;
    struct mien_device_about *about; /* [list.count], borrow their texts from the list */
};

/* Texts are borrowed from `info`. */
static struct mien_device_about describe(const struct mien_device_info *info)
{
    struct mien_device_about about = {
        .kind = info->kind,
        .name = info->name,
        .vendor = info->vendor,
        .platform = info->platform_name,
        .driver = info->driver,
        .version = info->version,
        .memory_bytes = info->global_bytes,
        .max_buffer_bytes = info->max_alloc_bytes,
        .compute_units = info->compute_units,
        .usable = mien_device_why_unusable(info) == NULL,
    };
    (void)snprintf(about.id, sizeof(about.id), "%d:%d", info->platform_index, info->device_index);
    return about;
}

enum mien_status mien_devices_create(struct mien_devices **out, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    *out = NULL;
    struct mien_devices *devices = mien_calloc(1, sizeof(*devices), err);
    if (devices == NULL) {
        return MIEN_ERR_MEMORY;
    }
    TRY(mien_device_list(&devices->list, err));
    devices->about = mien_calloc(devices->list.count, sizeof(*devices->about), err);
    if (devices->about == NULL) {
        st = MIEN_ERR_MEMORY;
        goto done;
    }
    for (size_t i = 0; i < devices->list.count; i++) {
        devices->about[i] = describe(&devices->list.devices[i]);
    }
    *out = devices;
    devices = NULL;

done:
    mien_devices_destroy(devices);
    return st;
}

void mien_devices_destroy(struct mien_devices *devices)
{
    if (devices != NULL) {
        mien_device_list_finish(&devices->list);
        free(devices->about);
        free(devices);
    }
}

size_t mien_devices_count(const struct mien_devices *devices)
{
    return devices->list.count;
}

const struct mien_device_about *mien_devices_at(const struct mien_devices *devices, size_t index)
{
    assert(index < devices->list.count);
    return &devices->about[index];
}

enum mien_status mien_devices_choose(size_t *out, char reason[MIEN_REASON_BYTES],
                                     const struct mien_devices *devices, const char *wanted,
                                     struct mien_error *err)
{
    return mien_device_choose(out, reason, reason != NULL ? MIEN_REASON_BYTES : 0, &devices->list,
                              wanted, err);
}

enum mien_status mien_device_open(struct mien_device **out,
                                  const struct mien_device_options *options, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    *out = NULL;
    struct mien_device *device = mien_calloc(1, sizeof(*device), err);
    if (device == NULL) {
        return MIEN_ERR_MEMORY;
    }
    device->users = 1;
    if (options != NULL && options->log != NULL) {
        device->log = *options->log;
    }
    const struct mien_cl_options open = {
        .device = options != NULL ? options->name : NULL,
        .cache = options != NULL ? options->cache : NULL,
        .log = &device->log,
    };
    TRY(mien_cl_open(&device->cl, &open, err));
    device->about = describe(mien_cl_device(device->cl));
    *out = device;
    device = NULL;

done:
    mien_device_close(device);
    return st;
}

struct mien_device *mien_device_share(struct mien_device *device)
{
    device->users++;
    return device;
}

void mien_device_close(struct mien_device *device)
{
    if (device != NULL && --device->users == 0) {
        mien_cl_close(device->cl);
        free(device);
    }
}

const struct mien_device_about *mien_device_describe(const struct mien_device *device)
{
    return &device->about;
}
