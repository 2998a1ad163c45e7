/* events.c - event files: TFRecord around protocol buffers, both by hand */
#include "train/events.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/file.h"
#include "base/memory.h"

enum { TAG_BYTES = 64, MESSAGE_BYTES = 1024, HOST_BYTES = 65 };

/* Numbers of the fields of event.proto and summary.proto, with their kinds as they are written. */
enum {
    EVENT_WALL_TIME = 1 << 3 | 1,    /* double */
    EVENT_STEP = 2 << 3 | 0,         /* int64 */
    EVENT_FILE_VERSION = 3 << 3 | 2, /* string */
    EVENT_SUMMARY = 5 << 3 | 2,      /* Summary */
    EVENT_SESSION_LOG = 7 << 3 | 2,  /* SessionLog */
    SESSION_LOG_STATUS = 1 << 3 | 0, /* 1: START */
    SUMMARY_VALUE = 1 << 3 | 2,      /* Summary.Value */
    VALUE_TAG = 1 << 3 | 2,          /* string */
    VALUE_SIMPLE_VALUE = 2 << 3 | 5, /* float */
};

struct mien_events {
    char *path;
    int file;
};

/* A message as it is written. */
struct message {
    unsigned char bytes[MESSAGE_BYTES];
    size_t used;
};

static void put_bytes(struct message *to, const void *data, size_t bytes)
{
    assert(bytes <= sizeof(to->bytes) - to->used);
    memcpy(to->bytes + to->used, data, bytes);
    to->used += bytes;
}

/* Seven bits a byte, the lowest first. */
static void put_varint(struct message *to, uint64_t value)
{
    do {
        const unsigned char byte = (unsigned char)((value & 0x7F) | (value > 0x7F ? 0x80 : 0));
        put_bytes(to, &byte, 1);
        value >>= 7;
    } while (value > 0);
}

static void put_little(struct message *to, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        const unsigned char byte = (unsigned char)(value >> (8 * i));
        put_bytes(to, &byte, 1);
    }
}

static void put_double(struct message *to, double value)
{
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof(bits));
    put_little(to, bits, sizeof(bits));
}

static void put_float(struct message *to, float value)
{
    uint32_t bits = 0;
    memcpy(&bits, &value, sizeof(bits));
    put_little(to, bits, sizeof(bits));
}

/* A text, or a message inside another, behind its length. */
static void put_part(struct message *to, uint64_t field, const void *data, size_t bytes)
{
    put_varint(to, field);
    put_varint(to, bytes);
    put_bytes(to, data, bytes);
}

/* A step of 0 is left out, as protocol buffers have it. */
static void begin_event(struct message *event, double wall_s, int64_t step)
{
    event->used = 0;
    put_varint(event, EVENT_WALL_TIME);
    put_double(event, wall_s);
    if (step != 0) {
        put_varint(event, EVENT_STEP);
        put_varint(event, (uint64_t)step);
    }
}

/* A checksum of bytes that hold checksums themselves is turned and moved. */
static uint32_t masked_crc(const void *data, size_t bytes)
{
    const uint32_t crc = mien_crc32c(data, bytes);
    return (crc >> 15 | crc << 17) + 0xA282EAD8;
}

/* Length, its checksum, message, its checksum: in one write, so that a reader sees all or none. */
static enum mien_status write_event(struct mien_events *events, const struct message *event,
                                    struct mien_error *err)
{
    struct message record = { .used = 0 };
    char text[128];
    put_little(&record, event->used, 8);
    put_little(&record, masked_crc(record.bytes, 8), 4);
    put_bytes(&record, event->bytes, event->used);
    put_little(&record, masked_crc(event->bytes, event->used), 4);
    errno = 0;
    const ssize_t written = write(events->file, record.bytes, record.used);
    if (written == (ssize_t)record.used) {
        return MIEN_OK;
    }
    return mien_fail(err, MIEN_ERR_IO, "%s cannot be written: %s", events->path,
                     errno != 0 ? strerror_r(errno, text, sizeof(text)) : "no space");
}

static enum mien_status create(struct mien_events *events, const char *folder, double wall_s,
                               struct mien_error *err)
{
    char host[HOST_BYTES] = "localhost";
    char name[HOST_BYTES + 64];
    char text[128];
    (void)gethostname(host, sizeof(host) - 1);
    for (char *c = host; *c != '\0'; c++) {
        *c = *c == '/' ? '_' : *c;
    }
    (void)snprintf(name, sizeof(name), "events.out.tfevents.%010.0f.%s.%ld", wall_s, host,
                   (long)getpid());
    events->path = mien_path_join(folder, name, err);
    if (events->path == NULL) {
        return MIEN_ERR_MEMORY;
    }
    events->file = open(events->path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0666);
    return events->file >= 0 ? MIEN_OK
                             : mien_fail(err, MIEN_ERR_IO, "%s cannot be written: %s", events->path,
                                         strerror_r(errno, text, sizeof(text)));
}

enum mien_status mien_events_open(struct mien_events **out, const char *folder, double wall_s,
                                  int64_t first_step, struct mien_error *err)
{
    static const char version[] = "brain.Event:2";
    static const unsigned char started[] = { SESSION_LOG_STATUS, 1 };
    enum mien_status st = MIEN_OK;
    struct message event;
    struct mien_events *events = mien_calloc(1, sizeof(*events), err);
    *out = NULL;
    if (events == NULL) {
        return MIEN_ERR_MEMORY;
    }
    events->file = -1;
    TRY(mien_folder_make(folder, err));
    TRY(create(events, folder, wall_s, err));
    begin_event(&event, wall_s, 0);
    put_part(&event, EVENT_FILE_VERSION, version, sizeof(version) - 1);
    TRY(write_event(events, &event, err));
    begin_event(&event, wall_s, first_step);
    put_part(&event, EVENT_SESSION_LOG, started, sizeof(started));
    TRY(write_event(events, &event, err));
    *out = events;
    events = NULL;

done:
    mien_events_close(events);
    return st;
}

void mien_events_close(struct mien_events *events)
{
    if (events == NULL) {
        return;
    }
    if (events->file >= 0) {
        (void)close(events->file);
    }
    free(events->path);
    free(events);
}

enum mien_status mien_events_add(struct mien_events *events, double wall_s, int64_t step,
                                 const struct mien_scalar *scalars, size_t count,
                                 struct mien_error *err)
{
    struct message event;
    struct message summary = { .used = 0 };
    assert(count <= MIEN_EVENTS_MOST_SCALARS);
    for (size_t i = 0; i < count; i++) {
        struct message value = { .used = 0 };
        put_part(&value, VALUE_TAG, scalars[i].tag, strnlen(scalars[i].tag, TAG_BYTES));
        put_varint(&value, VALUE_SIMPLE_VALUE);
        put_float(&value, (float)scalars[i].value);
        put_part(&summary, SUMMARY_VALUE, value.bytes, value.used);
    }
    begin_event(&event, wall_s, step);
    put_part(&event, EVENT_SUMMARY, summary.bytes, summary.used);
    return write_event(events, &event, err);
}
