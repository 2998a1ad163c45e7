/** oracle.h - what PyTorch computed for small cases, read from tests/data/oracle */
#ifndef MIEN_TESTS_SUPPORT_ORACLE_H
#define MIEN_TESTS_SUPPORT_ORACLE_H

#include "base/safetensors.h"
#include "support/device.h"

/** Opens tests/data/oracle/NAME.safetensors, fails the test when it is not there. */
struct mien_safetensors *oracle_open(const char *name);

/** The tensor, which must exist. */
const struct mien_tensor *oracle_tensor(const struct mien_safetensors *file, const char *name);

/** A copy of an F32 tensor's numbers; free() it. */
float *oracle_floats(const struct mien_safetensors *file, const char *name);

/** A copy of an I32 tensor's numbers; free() it. */
int32_t *oracle_ints(const struct mien_safetensors *file, const char *name);

/** A number (or a truth value, as 0 or 1) of the case's description; `otherwise` when absent. */
double oracle_number(const struct mien_safetensors *file, const char *key, double otherwise);

/** Whether a text of the case's description is `value`. */
bool oracle_says(const struct mien_safetensors *file, const char *key, const char *value);

#endif
