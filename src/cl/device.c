/* device.c - every OpenCL device of the machine */
#include "cl/device.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "cl/cl.h"

const char *mien_device_kind_name(enum mien_device_kind kind)
{
    switch (kind) {
    case MIEN_DEVICE_GPU: return "gpu";
    case MIEN_DEVICE_CPU: return "cpu";
    case MIEN_DEVICE_ACCELERATOR: return "accelerator";
    }
    return "unknown";
}

/* Listing */

/* A text of the driver's into `out`, without the blanks that some put around it; "" when refused.
 */
static void trim_into(char *out, size_t room, char *text)
{
    size_t length = strlen(text);
    size_t start = 0;
    while (length > 0 && isspace((unsigned char)text[length - 1])) {
        length--;
    }
    while (start < length && isspace((unsigned char)text[start])) {
        start++;
    }
    (void)snprintf(out, room, "%.*s", (int)(length - start), text + start);
    for (char *at = out; *at != '\0'; at++) {
        if (*at < ' ' || *at > '~') {
            *at = '?'; /* JSON takes no broken UTF-8 */
        }
    }
}

/* "" when the driver refuses. */
static void device_text(char *out, size_t room, cl_device_id device, cl_device_info what)
{
    size_t bytes = 0;
    out[0] = '\0';
    /* A text that does not fit is refused as a whole, so ask for its size first. */
    if (clGetDeviceInfo(device, what, 0, NULL, &bytes) != CL_SUCCESS || bytes > INT_MAX) {
        return;
    }
    char *const text = calloc(bytes + 1, 1);
    if (text != NULL && clGetDeviceInfo(device, what, bytes, text, NULL) == CL_SUCCESS) {
        trim_into(out, room, text);
    }
    free(text);
}

static void platform_text(char *out, size_t room, cl_platform_id platform, cl_platform_info what)
{
    size_t bytes = 0;
    out[0] = '\0';
    if (clGetPlatformInfo(platform, what, 0, NULL, &bytes) != CL_SUCCESS || bytes > INT_MAX) {
        return;
    }
    char *const text = calloc(bytes + 1, 1);
    if (text != NULL && clGetPlatformInfo(platform, what, bytes, text, NULL) == CL_SUCCESS) {
        trim_into(out, room, text);
    }
    free(text);
}

/* "OpenCL 3.0 vendor's words" into 3 and 0; both 0 when it is nothing of the kind. */
static void parse_version(struct mien_device_info *info)
{
    static const char prefix[] = "OpenCL ";
    info->opencl_major = 0;
    info->opencl_minor = 0;
    if (strncmp(info->version, prefix, strlen(prefix)) != 0) {
        return;
    }
    char *end = NULL;
    const long major = strtol(info->version + strlen(prefix), &end, 10);
    if (major < 1 || major > 99 || *end != '.') {
        return;
    }
    const long minor = strtol(end + 1, &end, 10);
    if (minor >= 0 && minor <= 99) {
        info->opencl_major = (int)major;
        info->opencl_minor = (int)minor;
    }
}

static enum mien_device_kind kind_of(cl_device_type type)
{
    if ((type & CL_DEVICE_TYPE_GPU) != 0) {
        return MIEN_DEVICE_GPU;
    }
    return (type & CL_DEVICE_TYPE_CPU) != 0 ? MIEN_DEVICE_CPU : MIEN_DEVICE_ACCELERATOR;
}

/* Everything of `info` but its two indices; a text that the driver will not tell is empty, a number
 * an error. */
static cl_int describe(struct mien_device_info *info, cl_platform_id platform, cl_device_id device)
{
    cl_device_type type = 0;
    cl_bool available = CL_FALSE;
    cl_bool compiler = CL_FALSE;
    cl_bool unified = CL_FALSE;
    cl_uint align_bits = 0;
    const struct {
        cl_device_info what;
        void *into;
        size_t bytes;
    } numbers[] = {
        { CL_DEVICE_TYPE, &type, sizeof(type) },
        { CL_DEVICE_AVAILABLE, &available, sizeof(available) },
        { CL_DEVICE_COMPILER_AVAILABLE, &compiler, sizeof(compiler) },
        { CL_DEVICE_MAX_COMPUTE_UNITS, &info->compute_units, sizeof(info->compute_units) },
        { CL_DEVICE_MAX_CLOCK_FREQUENCY, &info->clock_mhz, sizeof(info->clock_mhz) },
        { CL_DEVICE_GLOBAL_MEM_SIZE, &info->global_bytes, sizeof(info->global_bytes) },
        { CL_DEVICE_MAX_MEM_ALLOC_SIZE, &info->max_alloc_bytes, sizeof(info->max_alloc_bytes) },
        { CL_DEVICE_LOCAL_MEM_SIZE, &info->local_bytes, sizeof(info->local_bytes) },
        { CL_DEVICE_MAX_WORK_GROUP_SIZE, &info->max_work_group, sizeof(info->max_work_group) },
        { CL_DEVICE_MEM_BASE_ADDR_ALIGN, &align_bits, sizeof(align_bits) },
        { CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT, &info->float_width, sizeof(info->float_width) },
    };

    info->platform = platform;
    info->device = device;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        const cl_int code =
            clGetDeviceInfo(device, numbers[i].what, numbers[i].bytes, numbers[i].into, NULL);
        if (code != CL_SUCCESS) {
            return code;
        }
    }
    /* Gone from OpenCL 2.0, and told all the same. */
    if (clGetDeviceInfo(device, CL_DEVICE_HOST_UNIFIED_MEMORY, sizeof(unified), &unified, NULL) ==
        CL_SUCCESS) {
        info->shares_memory = unified == CL_TRUE;
    }
    info->kind = kind_of(type);
    info->available = available == CL_TRUE;
    info->has_compiler = compiler == CL_TRUE;
    info->align_bytes = align_bits / CHAR_BIT;
    device_text(info->name, sizeof(info->name), device, CL_DEVICE_NAME);
    device_text(info->vendor, sizeof(info->vendor), device, CL_DEVICE_VENDOR);
    device_text(info->version, sizeof(info->version), device, CL_DEVICE_VERSION);
    device_text(info->driver, sizeof(info->driver), device, CL_DRIVER_VERSION);
    platform_text(info->platform_name, sizeof(info->platform_name), platform, CL_PLATFORM_NAME);
    platform_text(info->platform_version, sizeof(info->platform_version), platform,
                  CL_PLATFORM_VERSION);
    parse_version(info);
    return CL_SUCCESS;
}

/* The first refusal is kept in *refused: it is the text when nothing is left. */
struct refusal {
    const char *call;
    cl_int code;
};

static void note(struct refusal *refused, const char *call, cl_int code)
{
    if (refused->call == NULL) {
        *refused = (struct refusal){ call, code };
    }
}

static enum mien_status add_platform(struct mien_device_list *list, cl_platform_id platform,
                                     int platform_index, struct refusal *refused,
                                     struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    cl_device_id *ids = NULL;
    cl_uint count = 0;

    cl_int code = clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 0, NULL, &count);
    if (code != CL_SUCCESS || count == 0) {
        note(refused, "clGetDeviceIDs", code == CL_SUCCESS ? CL_DEVICE_NOT_FOUND : code);
        return MIEN_OK;
    }
    ids = mien_calloc(count, sizeof(cl_device_id), err);
    if (ids == NULL) {
        return MIEN_ERR_MEMORY;
    }
    code = clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, count, ids, NULL);
    if (code != CL_SUCCESS) {
        note(refused, "clGetDeviceIDs", code);
        goto done;
    }
    struct mien_device_info *const grown =
        mien_realloc(list->devices, list->count + count, sizeof(*list->devices), err);
    if (grown == NULL) {
        st = MIEN_ERR_MEMORY;
        goto done;
    }
    list->devices = grown;
    for (cl_uint i = 0; i < count; i++) {
        struct mien_device_info info = { .platform_index = platform_index, .device_index = (int)i };
        code = describe(&info, platform, ids[i]);
        if (code != CL_SUCCESS) {
            note(refused, "clGetDeviceInfo", code);
            continue;
        }
        list->devices[list->count++] = info;
    }

done:
    free(ids);
    return st;
}

enum mien_status mien_device_list(struct mien_device_list *out, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    cl_platform_id *platforms = NULL;
    cl_uint count = 0;
    struct refusal refused = { NULL, CL_SUCCESS };

    *out = (struct mien_device_list){ NULL, 0 };
    cl_int code = clGetPlatformIDs(0, NULL, &count);
    if (code == CL_SUCCESS && count > 0) {
        platforms = mien_calloc(count, sizeof(cl_platform_id), err);
        if (platforms == NULL) {
            return MIEN_ERR_MEMORY;
        }
        code = clGetPlatformIDs(count, platforms, NULL);
    }
    if (code != CL_SUCCESS) {
        note(&refused, "clGetPlatformIDs", code);
        count = 0;
    }
    for (cl_uint i = 0; i < count; i++) {
        TRY(add_platform(out, platforms[i], (int)i, &refused, err));
    }
    if (out->count == 0) {
        if (refused.call == NULL) {
            note(&refused, "clGetPlatformIDs", CL_DEVICE_NOT_FOUND);
        }
        st = mien_fail(err, MIEN_ERR_NO_DEVICE,
                       "no OpenCL device: %s: %s (%d); install your GPU's OpenCL driver, or "
                       "pocl-opencl-icd for the CPU",
                       refused.call, mien_cl_error_name(refused.code), (int)refused.code);
    }

done:
    free(platforms);
    if (st != MIEN_OK) {
        mien_device_list_finish(out);
    }
    return st;
}

void mien_device_list_finish(struct mien_device_list *list)
{
    free(list->devices);
    *list = (struct mien_device_list){ NULL, 0 };
}
