/**
 * fuzz.h - what the fuzz targets share
 *
 * A target is tests/fuzz/fuzz_<target>.c with LLVMFuzzerTestOneInput() in it.  `scripts/fuzz TARGET
 * SECONDS` runs it under libFuzzer; the ordinary tests replay tests/fuzz/corpus/<target>/ through
 * it (replay.c).
 */
#ifndef MIEN_TESTS_FUZZ_FUZZ_H
#define MIEN_TESTS_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** The path of a file that holds these bytes; the same one each time. */
const char *fuzz_file(const uint8_t *data, size_t size);

/** Abort with `what` unless `holds`. */
void fuzz_expect(bool holds, const char *what);

/** What every reader promises: all or nothing in *out, and an error is one line with something in
 * it. */
void fuzz_outcome(enum mien_status st, const void *out, const struct mien_error *err);

/** Touch every byte, so that sanitizers see what is not there. */
void fuzz_touch(const void *data, size_t bytes);

#endif
