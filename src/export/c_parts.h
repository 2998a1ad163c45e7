/** c_parts.h - what the c_*.c files share (internal to src/export) */
#ifndef MIEN_EXPORT_C_PARTS_H
#define MIEN_EXPORT_C_PARTS_H

#include <stdio.h>

#include "export/c_plan.h"
#include "export/c_source.h"

/** A network on its way to C. */
struct mien_c_source {
    const struct mien_model_file *file;
    struct mien_c_plan plan;
    char name[MIEN_C_NAME_BYTES];  /**< a C identifier */
    char upper[MIEN_C_NAME_BYTES]; /**< the same in capitals */
};

/** The texts of NAME.h, NAME.c and NAME_example.c. */
void mien_c_print_header(FILE *to, const struct mien_c_source *source);
void mien_c_print_network(FILE *to, const struct mien_c_source *source);
void mien_c_print_example(FILE *to, const struct mien_c_source *source);

/** Write NAME_weights.c.  Errors  MIEN_ERR_IO, MIEN_ERR_MEMORY */
MIEN_CHECK_RESULT
enum mien_status mien_c_write_weights(const char *path, const struct mien_c_source *source,
                                      struct mien_error *err);

/** "NAME_conv1_weight": what a parameter is called in C. */
const char *mien_c_param_name(char out[2 * MIEN_C_NAME_BYTES], const struct mien_c_source *source,
                              const struct mien_param *param);

enum { MIEN_C_FLOAT_BYTES = 32 };

/** A constant of C that is read back to the same float; returns its length. */
size_t mien_c_format_float(char out[MIEN_C_FLOAT_BYTES], float value);

/** The functions in C that the layers of a network call, those that it needs. */
void mien_c_print_functions(FILE *to, const struct mien_network *network);
/** The call of one step. */
void mien_c_print_step(FILE *to, const struct mien_c_source *source,
                       const struct mien_c_step *step);

#endif
