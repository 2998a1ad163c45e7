/*
 * builtins.h - OpenCL's functions that the kernels call, declared
 *
 * Where this stands in front of a kernel the compiler needs no more of OpenCL's declarations than
 * types and constants (src/cl/program.c).  All of them are 13,000 lines, which PoCL reads again for
 * each program, twice where it has to compile it.  A function that a kernel calls and that is not
 * declared here costs nothing but that gain.
 *
 * Types as in section 6.12 of the OpenCL C specification.
 */
#define PURE  __attribute__((overloadable, const))
#define OTHER __attribute__((overloadable))

PURE size_t get_global_id(uint dimension);
PURE size_t get_local_id(uint dimension);
__attribute__((overloadable, convergent)) void barrier(cl_mem_fence_flags flags);
OTHER int atomic_cmpxchg(volatile __global int *p, int compare, int value);
OTHER int atomic_or(volatile __global int *p, int value);

/* Of one number, and of vectors. */
#define ARITHMETIC(F, I, U)                                                                        \
    PURE F fma(F a, F b, F c);                                                                     \
    PURE F sqrt(F x);                                                                              \
    PURE F exp(F x);                                                                               \
    PURE F log(F x);                                                                               \
    PURE F fabs(F x);                                                                              \
    PURE F ceil(F x);                                                                              \
    PURE F min(F a, F b);                                                                          \
    PURE I min(I a, I b);                                                                          \
    PURE F max(F a, F b);                                                                          \
    PURE I max(I a, I b);                                                                          \
    PURE F clamp(F x, F least, F most);                                                            \
    PURE I clamp(I x, I least, I most);                                                            \
    PURE U mul_hi(U a, U b);                                                                       \
    PURE F select(F otherwise, F chosen, I where);                                                 \
    PURE I select(I otherwise, I chosen, I where);                                                 \
    PURE I isgreater(F a, F b);                                                                    \
    PURE I isless(F a, F b);                                                                       \
    PURE I islessequal(F a, F b);                                                                  \
    PURE I isnan(F x);                                                                             \
    PURE int any(I x);
ARITHMETIC(float, int, uint)
ARITHMETIC(float4, int4, uint4)
ARITHMETIC(float8, int8, uint8)
ARITHMETIC(float16, int16, uint16)

#define CONVERSIONS(N)                                                                             \
    PURE float##N convert_float##N(int##N x);                                                      \
    PURE float##N convert_float##N(uint##N x);                                                     \
    PURE int##N convert_int##N(float##N x);                                                        \
    PURE uint##N convert_uint##N(int##N x);
CONVERSIONS(4)
CONVERSIONS(8)
CONVERSIONS(16)

#define ACCESS(N)                                                                                  \
    __attribute__((overloadable, pure)) int##N vload##N(size_t i, const __private int *p);         \
    OTHER void vstore##N(int##N v, size_t i, __private int *p);
ACCESS(4)
ACCESS(8)
ACCESS(16)

#undef PURE
#undef OTHER
#undef ARITHMETIC
#undef CONVERSIONS
#undef ACCESS
