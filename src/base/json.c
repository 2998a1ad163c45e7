/* json.c - files of JSON, which anybody may have written */
#include "base/json.h"

#include <stdlib.h>

#include "base/file.h"

enum mien_status mien_json_read(json_t **out, const char *path, size_t limit,
                                struct mien_error *err)
{
    unsigned char *text = NULL;
    size_t bytes = 0;
    json_error_t problem;
    *out = NULL;
    enum mien_status st = mien_file_read(&text, &bytes, path, limit, err);
    if (st != MIEN_OK) {
        return st; /* the path is in the text */
    }
    *out = json_loadb((const char *)text, bytes, JSON_REJECT_DUPLICATES, &problem);
    free(text);
    if (*out == NULL) {
        st = json_error_code(&problem) == json_error_out_of_memory
                 ? mien_fail(err, MIEN_ERR_MEMORY, "no memory for %.500s", path)
                 : mien_fail(err, MIEN_ERR_FORMAT, "%.500s: line %d: %s", path, problem.line,
                             problem.text);
    }
    return st;
}
