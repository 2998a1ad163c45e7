/** wrap_clblast.h - what a test with `// wrap: CLBlast...` defines, and what it stands for */
#ifndef MIEN_TESTS_SUPPORT_WRAP_CLBLAST_H
#define MIEN_TESTS_SUPPORT_WRAP_CLBLAST_H

#include <clblast_c.h>

typedef CLBlastStatusCode wrapped_override(cl_device_id device, const char *kernel,
                                           CLBlastPrecision precision, size_t count,
                                           const char **names, const size_t *values);
wrapped_override __real_CLBlastOverrideParameters, __wrap_CLBlastOverrideParameters;

typedef CLBlastStatusCode wrapped_sgemm(CLBlastLayout layout, CLBlastTranspose a_transpose,
                                        CLBlastTranspose b_transpose, size_t m, size_t n, size_t k,
                                        float alpha, cl_mem a, size_t a_offset, size_t a_ld,
                                        cl_mem b, size_t b_offset, size_t b_ld, float beta,
                                        cl_mem c, size_t c_offset, size_t c_ld,
                                        cl_command_queue *queue, cl_event *event, cl_mem temporary);
wrapped_sgemm __real_CLBlastSgemmWithTempBuffer, __wrap_CLBlastSgemmWithTempBuffer;

#endif
