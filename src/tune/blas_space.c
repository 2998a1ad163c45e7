/* blas_space.c - the sets of CLBlast's parameters that are worth trying */
#include "tune/blas_space.h"

/*
 * A work-item computes `mi` x `ni` numbers, in vectors of `vm` and `vn`; a work-group has `mw` x
 * `nw` of them, and steps through k by `k`, with `ki` unrolled; `local`: it copies both tiles to
 * local memory first.  CLBlast's words follow from these.
 */
struct large {
    unsigned char mw, nw, mi, ni, vm, vn, k, ki, local;
};

/*
 * GPUs: dense layers are short (a batch) and narrow, but deep: small tiles, which make more
 * work-groups, stand beside the square ones that are good for large matrices.
 */
static const struct large gpu_large[] = {
    { 8, 8, 8, 8, 4, 4, 16, 2, 1 },   { 8, 8, 4, 4, 4, 4, 32, 2, 1 },
    { 16, 16, 4, 4, 4, 4, 16, 2, 1 }, { 16, 16, 8, 8, 4, 4, 16, 2, 1 },
    { 16, 8, 4, 8, 4, 4, 16, 2, 1 },  { 8, 16, 8, 4, 4, 4, 16, 2, 1 },
    { 8, 8, 4, 4, 2, 2, 32, 2, 1 },   { 8, 8, 2, 2, 2, 2, 32, 2, 1 },
    { 8, 8, 8, 8, 4, 4, 32, 8, 0 },   { 8, 8, 4, 4, 4, 4, 32, 8, 0 },
    { 8, 8, 8, 4, 4, 4, 32, 2, 1 },   { 8, 8, 4, 8, 4, 4, 32, 2, 1 },
    { 16, 8, 8, 8, 4, 4, 16, 2, 1 },  { 8, 16, 8, 8, 4, 4, 16, 2, 1 },
    { 16, 16, 4, 4, 2, 2, 32, 2, 1 }, { 16, 16, 2, 2, 2, 2, 32, 2, 1 },
    { 32, 8, 4, 8, 4, 4, 32, 2, 1 },  { 16, 16, 8, 4, 4, 4, 16, 2, 1 },
    { 16, 16, 4, 8, 4, 4, 16, 2, 1 }, { 16, 16, 4, 4, 4, 4, 32, 8, 0 },
    { 16, 8, 2, 4, 2, 2, 32, 2, 1 },  { 8, 8, 8, 8, 8, 8, 16, 2, 1 },
    { 8, 4, 8, 8, 4, 4, 32, 2, 0 },   { 4, 4, 8, 8, 4, 4, 32, 2, 0 },
};
/* CPUs: registers alone; local memory would be a copy, and a work-group is a loop.  Those that mien
 * sets anyway (mien_blas_tune_defaults()) are the default and do not stand here. */
static const struct large cpu_large[] = {
    { 2, 2, 8, 8, 8, 8, 16, 4, 0 },  { 2, 2, 16, 16, 16, 16, 64, 4, 0 },
    { 4, 4, 8, 8, 8, 8, 64, 4, 0 },  { 4, 4, 16, 16, 16, 16, 16, 4, 0 },
    { 8, 8, 8, 8, 8, 8, 16, 4, 0 },  { 2, 2, 16, 8, 16, 8, 16, 4, 0 },
    { 4, 2, 8, 16, 8, 8, 16, 4, 0 }, { 2, 4, 16, 8, 8, 8, 16, 4, 0 },
    { 4, 4, 8, 8, 8, 8, 32, 1, 0 },  { 4, 4, 4, 8, 4, 4, 16, 4, 0 },
};

/* Small products: tile, work-items both ways, vectors both ways, and how much is unrolled. */
struct small {
    unsigned char tile, mw, nw, vm, vn, ki;
};
static const struct small gpu_small[] = {
    { 32, 8, 8, 2, 2, 2 }, { 16, 8, 8, 1, 1, 2 },  { 32, 8, 8, 4, 4, 2 }, { 32, 16, 16, 2, 2, 2 },
    { 8, 8, 8, 1, 1, 2 },  { 32, 16, 8, 2, 4, 8 }, { 64, 8, 8, 4, 4, 2 }, { 64, 16, 16, 4, 4, 2 },
    { 16, 8, 8, 2, 2, 8 }, { 32, 8, 8, 1, 1, 8 },
};
/* On a CPU none is small: that kernel keeps its tiles in local memory.  It is compiled all the
 * same, so this is the one that takes least. */
static const struct small cpu_small[] = { { 8, 8, 8, 1, 1, 1 } };

/* The cube root of the multiply-adds from which on a product is a large one. */
static const int gpu_border[] = { 256, 1, 512, 1024, 128, 2048 };
static const int cpu_border[] = { 1 };

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

size_t mien_blas_choices(enum mien_blas_axis axis, enum mien_device_kind kind)
{
    const bool cpu = kind == MIEN_DEVICE_CPU;
    switch (axis) {
    case MIEN_BLAS_LARGE: return cpu ? COUNT(cpu_large) : COUNT(gpu_large);
    case MIEN_BLAS_SMALL: return cpu ? COUNT(cpu_small) : COUNT(gpu_small);
    case MIEN_BLAS_BORDER: return cpu ? COUNT(cpu_border) : COUNT(gpu_border);
    case MIEN_BLAS_AXES: break;
    }
    return 0;
}

static void take_large(struct mien_blas_params *set, const struct large *from)
{
    int *const v = set->value;
    v[MIEN_BLAS_GEMMK] = 0;
    v[MIEN_BLAS_KREG] = 1;
    v[MIEN_BLAS_MWG] = from->mw * from->mi;
    v[MIEN_BLAS_NWG] = from->nw * from->ni;
    v[MIEN_BLAS_KWG] = from->k;
    v[MIEN_BLAS_KWI] = from->ki;
    v[MIEN_BLAS_MDIMC] = v[MIEN_BLAS_MDIMA] = from->mw;
    v[MIEN_BLAS_NDIMC] = v[MIEN_BLAS_NDIMB] = from->nw;
    v[MIEN_BLAS_VWM] = from->vm;
    v[MIEN_BLAS_VWN] = from->vn;
    v[MIEN_BLAS_SA] = v[MIEN_BLAS_SB] = from->local;
    v[MIEN_BLAS_STRM] = v[MIEN_BLAS_STRN] = 0;
}

static void take_small(struct mien_blas_params *set, const struct small *from)
{
    int *const v = set->value;
    v[MIEN_BLAS_WGD] = from->tile;
    v[MIEN_BLAS_KWID] = from->ki;
    v[MIEN_BLAS_MDIMCD] = v[MIEN_BLAS_MDIMAD] = from->mw;
    v[MIEN_BLAS_NDIMCD] = v[MIEN_BLAS_NDIMBD] = from->nw;
    v[MIEN_BLAS_VWMD] = from->vm;
    v[MIEN_BLAS_VWND] = from->vn;
    v[MIEN_BLAS_PADA] = v[MIEN_BLAS_PADB] = 1; /* off the banks of local memory */
}

static void take(struct mien_blas_params *set, enum mien_blas_axis axis, size_t index, bool cpu)
{
    switch (axis) {
    case MIEN_BLAS_LARGE: take_large(set, cpu ? &cpu_large[index] : &gpu_large[index]); break;
    case MIEN_BLAS_SMALL: take_small(set, cpu ? &cpu_small[index] : &gpu_small[index]); break;
    case MIEN_BLAS_BORDER:
        set->value[MIEN_BLAS_MIN_INDIRECT] = cpu ? cpu_border[index] : gpu_border[index];
        break;
    case MIEN_BLAS_AXES: break;
    }
}

struct mien_blas_params mien_blas_first(enum mien_device_kind kind)
{
    struct mien_blas_params set = { { 0 } };
    for (int axis = 0; axis < MIEN_BLAS_AXES; axis++) {
        take(&set, (enum mien_blas_axis)axis, 0, kind == MIEN_DEVICE_CPU);
    }
    return set;
}

bool mien_blas_choose(struct mien_blas_params *set, enum mien_blas_axis axis, size_t index,
                      const struct mien_device_info *device)
{
    take(set, axis, index, device->kind == MIEN_DEVICE_CPU);
    return mien_blas_check(set, NULL) == MIEN_OK && mien_blas_fits(set, device);
}
