/** device_file.h - what is kept about a device from run to run, a file each (internal) */
#ifndef MIEN_CL_DEVICE_FILE_H
#define MIEN_CL_DEVICE_FILE_H

#include "cl/device.h"

/** What makes a device and its compiler another one, as text. */
enum { MIEN_DEVICE_TEXT_BYTES = 800 };
void mien_device_text(char out[MIEN_DEVICE_TEXT_BYTES], const struct mien_device_info *device);

/** A hash of the version and of all kernels' sources: what was found with others may not hold. */
void mien_kernels_hash(char out[33]);

/**
 * KIND/NAME-HASH.json in mien_cache_folder(): another driver has another one.
 *
 * Ownership  free() it; NULL without a text where the user has no cache folder, else
 *            MIEN_ERR_MEMORY's text
 */
MIEN_CHECK_RESULT
char *mien_device_file_path(const char *kind, const struct mien_device_info *device,
                            struct mien_error *err);

/** Replace a file by a text; its folder is made.  Errors  MIEN_ERR_IO, MIEN_ERR_MEMORY */
MIEN_CHECK_RESULT
enum mien_status mien_device_file_write(const char *path, const char *text, struct mien_error *err);

#endif
