/* devices.c - lists every OpenCL device, and says which one would be taken: devices [NAME] */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <mien.h>

int main(int argc, char **argv)
{
    struct mien_devices *devices = NULL;
    struct mien_error err = { "" };
    char reason[MIEN_REASON_BYTES];
    size_t chosen = 0;
    enum mien_status st = mien_devices_create(&devices, &err);
    if (st == MIEN_OK) {
        for (size_t i = 0; i < mien_devices_count(devices); i++) {
            const struct mien_device_about *const device = mien_devices_at(devices, i);
            printf("%s  %s  %s  (%s)  %" PRIu64 " MiB%s\n", device->id,
                   mien_device_kind_name(device->kind), device->name, device->platform,
                   device->memory_bytes >> 20, device->usable ? "" : "  cannot be used");
        }
        st = mien_devices_choose(&chosen, reason, devices, argc > 1 ? argv[1] : "auto", &err);
    }
    if (st == MIEN_OK) {
        printf("taken: %s, %s\n", mien_devices_at(devices, chosen)->id, reason);
    } else {
        (void)fprintf(stderr, "%s: %s\n", mien_status_name(st), err.text);
    }
    mien_devices_destroy(devices);
    return st == MIEN_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
