/*
 * vec.h - one vector of LANES images: the innermost dimension of every activation
 *
 * Activations are [blocks][c][h][w][LANES] float32, blocks = ceil(n / LANES).  With LANES 1 this is
 * plain NCHW (GPUs); on CPU devices LANES is the native vector width, so that one register holds
 * the same pixel of LANES images.  Lanes beyond the last image hold finite values that nothing
 * reads. Needs -DLANES=1, 4, 8 or 16.
 *
 * VLOAD reads the i-th vector at any address.  VSTORE writes it to global memory at a multiple of
 * its size, as whole activations are; VSTORE_ANY to any memory and address.  VSTREAM is VSTORE past
 * the caches of a CPU, for what is too large for them and read much later: the line need not be
 * read before it is written.
 */

/*
 * For functions that get local memory of the kernel: where LLVM leaves one as a call and finds that
 * the memory is always the same, it stops passing it, and PoCL 3.1 then gives the function another
 * memory than the kernel.  Also for constant arguments that must be constants inside.
 */
#define INLINED static inline __attribute__((always_inline))

#if LANES == 1
typedef float vec;
typedef int ivec;
typedef uint uvec;
#define VBITS(v)              as_int(v)
#define VFROM_BITS(v)         as_float(v)
#define VLOAD(i, p)           ((p)[i])
#define VSTORE_ANY(v, i, p)   ((p)[i] = (v))
#define VSUM(v)               (v)
#define VLANE                 0
#define VUINT(v)              ((uint)(v))
#define VBYTES(i, p)          ((int)(p)[i])
#define VSTORE_BYTES(v, i, p) ((p)[i] = (uchar)(v))
#define VLOAD_INTS(i, p)      ((p)[i])
#define VSTORE_INTS(v, i, p)  ((p)[i] = (v))
#define VINT(v)               ((int)(v))
#define VFLOAT(i)             ((float)(i))
#elif LANES == 4
typedef float4 vec;
typedef int4 ivec;
typedef uint4 uvec;
typedef uchar4 bvec;
#define VBITS(v)             as_int4(v)
#define VFROM_BITS(v)        as_float4(v)
#define VLOAD(i, p)          vload4(i, p)
#define VSTORE_ANY(v, i, p)  vstore4(v, i, p)
#define VSUM(v)              (((v).s0 + (v).s1) + ((v).s2 + (v).s3))
#define VLANE                (int4)(0, 1, 2, 3)
#define VUINT(v)             convert_uint4(v)
#define VTO_INTS(v)          convert_int4(v)
#define VTO_BYTES(v)         convert_uchar4(v)
#define VLOAD_INTS(i, p)     vload4(i, p)
#define VSTORE_INTS(v, i, p) vstore4(v, i, p)
#define VINT(v)              convert_int4(v)
#define VFLOAT(i)            convert_float4(i)
#elif LANES == 8
typedef float8 vec;
typedef int8 ivec;
typedef uint8 uvec;
typedef uchar8 bvec;
#define VBITS(v)             as_int8(v)
#define VFROM_BITS(v)        as_float8(v)
#define VLOAD(i, p)          vload8(i, p)
#define VSTORE_ANY(v, i, p)  vstore8(v, i, p)
static inline float sum4(const float4 v)
{
    return (v.s0 + v.s1) + (v.s2 + v.s3);
}
#define VSUM(v)              sum4((v).lo + (v).hi)
#define VLANE                (int8)(0, 1, 2, 3, 4, 5, 6, 7)
#define VUINT(v)             convert_uint8(v)
#define VTO_INTS(v)          convert_int8(v)
#define VTO_BYTES(v)         convert_uchar8(v)
#define VLOAD_INTS(i, p)     vload8(i, p)
#define VSTORE_INTS(v, i, p) vstore8(v, i, p)
#define VINT(v)              convert_int8(v)
#define VFLOAT(i)            convert_float8(i)
#elif LANES == 16
typedef float16 vec;
typedef int16 ivec;
typedef uint16 uvec;
typedef uchar16 bvec;
#define VBITS(v)             as_int16(v)
#define VFROM_BITS(v)        as_float16(v)
#define VLOAD(i, p)          vload16(i, p)
#define VSTORE_ANY(v, i, p)  vstore16(v, i, p)
static inline float sum8(const float8 v)
{
    const float4 sum = v.lo + v.hi;
    return (sum.s0 + sum.s1) + (sum.s2 + sum.s3);
}
#define VSUM(v)              sum8((v).lo + (v).hi)
#define VLANE                (int16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
#define VUINT(v)             convert_uint16(v)
#define VTO_INTS(v)          convert_int16(v)
#define VTO_BYTES(v)         convert_uchar16(v)
#define VLOAD_INTS(i, p)     vload16(i, p)
#define VSTORE_INTS(v, i, p) vstore16(v, i, p)
#define VINT(v)              convert_int16(v)
#define VFLOAT(i)            convert_float16(i)
#else
#error "LANES must be 1, 4, 8 or 16"
#endif
#define VSTORE(v, i, p) (((__global vec *)(p))[i] = (v))

/*
 * Where the compiler is Clang: vectors at any address as a type of their own.  PoCL's vload and
 * vstore take a vector apart into pairs, which its compiler puts together again, but not before it
 * has spent half of its time on them.
 */
#if LANES > 1 && defined(__clang__)
typedef float any_vec __attribute__((ext_vector_type(LANES), aligned(4)));
#define OVERLOADED INLINED __attribute__((overloadable))
OVERLOADED vec load_any(const ptrdiff_t i, __global const float *p)
{
    return ((__global const any_vec *)p)[i];
}
OVERLOADED vec load_any(const ptrdiff_t i, __local const float *p)
{
    return ((__local const any_vec *)p)[i];
}
OVERLOADED vec load_any(const ptrdiff_t i, const float *p)
{
    return ((const any_vec *)p)[i];
}
OVERLOADED void store_any(const vec v, const ptrdiff_t i, __global float *p)
{
    ((__global any_vec *)p)[i] = v;
}
OVERLOADED void store_any(const vec v, const ptrdiff_t i, __local float *p)
{
    ((__local any_vec *)p)[i] = v;
}
OVERLOADED void store_any(const vec v, const ptrdiff_t i, float *p)
{
    ((any_vec *)p)[i] = v;
}
#undef VLOAD
#undef VSTORE_ANY
#define VLOAD(i, p)         load_any(i, p)
#define VSTORE_ANY(v, i, p) store_any(v, i, p)
#endif

/* There, too: PoCL's own convert_ takes a vector apart into its lanes. */
#ifdef __has_builtin
#if LANES > 1 && __has_builtin(__builtin_convertvector)
#undef VTO_INTS
#undef VTO_BYTES
#define VTO_INTS(v)  __builtin_convertvector(v, ivec)
#define VTO_BYTES(v) __builtin_convertvector(v, bvec)
#endif
#if LANES > 1 && __has_builtin(__builtin_nontemporal_store)
#define VSTREAM(v, i, p) __builtin_nontemporal_store(v, (__global vec *)(p) + (i))
#endif
#endif
/* Bytes of the i-th vector as ints; at a multiple of LANES, as `winner` is. */
#if LANES > 1
#define VBYTES(i, p)          VTO_INTS(((__global const bvec *)(p))[i])
#define VSTORE_BYTES(v, i, p) (((__global bvec *)(p))[i] = VTO_BYTES(v))
#endif
#ifndef VSTREAM
#define VSTREAM(v, i, p) VSTORE(v, i, p)
#endif

/*
 * Ask for the cache line at `p`, which nothing needs yet; `p` may lie outside of everything.  Only
 * where the compiler's target is the CPU itself: OpenCL's own prefetch() is empty in PoCL.
 */
#if defined(__x86_64__) || defined(__aarch64__)
#define PREFETCH(p) __builtin_prefetch(p)
#else
#define PREFETCH(p) (void)(p)
#endif
#define LINE_VECTORS (LANES < 16 ? 16 / LANES : 1) /* vectors in a cache line of 64 bytes */

/*
 * INTERLEAVE_LO(a, b) is a0 b0 a1 b1 ... of the lower halves, INTERLEAVE_HI of the upper ones: the
 * step of a transposition.
 */
#if LANES == 4
#define INTERLEAVE_LO(a, b) ((vec)((a).s0, (b).s0, (a).s1, (b).s1))
#define INTERLEAVE_HI(a, b) ((vec)((a).s2, (b).s2, (a).s3, (b).s3))
#elif LANES == 8
#define INTERLEAVE_LO(a, b) ((vec)((a).s0, (b).s0, (a).s1, (b).s1, (a).s2, (b).s2, (a).s3, (b).s3))
#define INTERLEAVE_HI(a, b) ((vec)((a).s4, (b).s4, (a).s5, (b).s5, (a).s6, (b).s6, (a).s7, (b).s7))
#elif LANES == 16
#define INTERLEAVE_LO(a, b)                                                                        \
    ((vec)((a).s0, (b).s0, (a).s1, (b).s1, (a).s2, (b).s2, (a).s3, (b).s3, (a).s4, (b).s4, (a).s5, \
           (b).s5, (a).s6, (b).s6, (a).s7, (b).s7))
#define INTERLEAVE_HI(a, b)                                                                        \
    ((vec)((a).s8, (b).s8, (a).s9, (b).s9, (a).sa, (b).sa, (a).sb, (b).sb, (a).sc, (b).sc, (a).sd, \
           (b).sd, (a).se, (b).se, (a).sf, (b).sf))
#endif

#if LANES > 1
/* Transposes a square of LANES vectors in place; `rows` stays in registers where the loops unroll.
 */
static inline void transpose(vec rows[LANES])
{
#pragma unroll
    for (int stage = 1; stage < LANES; stage *= 2) {
        vec next[LANES];
#pragma unroll
        for (int i = 0; i < LANES / 2; i++) {
            next[2 * i] = INTERLEAVE_LO(rows[i], rows[i + LANES / 2]);
            next[2 * i + 1] = INTERLEAVE_HI(rows[i], rows[i + LANES / 2]);
        }
#pragma unroll
        for (int i = 0; i < LANES; i++) {
            rows[i] = next[i];
        }
    }
}
#endif

/* max(v, least) that lets NaN through, as the reference does. */
static inline vec at_least(const vec v, const float least)
{
    return select(v, (vec)(least), islessequal(v, (vec)(least)));
}

static inline vec relu(const vec v)
{
    return at_least(v, 0.0f);
}

/* What at_least() takes for an epilogue with a ReLU or without. */
static inline float least_of(const int relu_on)
{
    return relu_on ? 0.0f : -INFINITY;
}

/* Where `y` (an output of ReLU) is above zero the gradient `v`, else zero. */
static inline vec relu_mask(const vec v, const vec y)
{
    return select((vec)(0.0f), v, isgreater(y, (vec)(0.0f)));
}

/* `v` in the first `count` lanes, zero in the others. */
static inline vec keep_lanes(const vec v, const int count)
{
    return select((vec)(0.0f), v, VLANE < (ivec)(count));
}

/*
 * Max-pooling takes pixel `k` of a window, `v`, after those before it: the first of equals wins,
 * and the first NaN.  `which` goes by select(): Oclgrind takes the 1 that a compiler makes of
 * (wins ? 1 : 0) for -1.
 */
static inline void take_pixel(vec *best, ivec *which, const vec v, const int k)
{
    const ivec wins = (*best == *best) & ~(v <= *best);
    *best = wins ? v : *best;
    *which = select(*which, (ivec)(k), wins);
}
