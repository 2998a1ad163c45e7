/* blas_params.c - the parameters that CLBlast's matrix products are compiled with */
#include "cl/blas_params.h"

#include <clblast_c.h>
#include <stdio.h>

#include "base/error.h"

const struct mien_blas_kernel mien_blas_kernels[MIEN_BLAS_KERNELS] = {
    { "Xgemm", MIEN_BLAS_GEMMK, MIEN_BLAS_KWID - MIEN_BLAS_GEMMK },
    { "XgemmDirect", MIEN_BLAS_KWID, MIEN_BLAS_MIN_INDIRECT - MIEN_BLAS_KWID },
    { "GemmRoutine", MIEN_BLAS_MIN_INDIRECT, 1 },
};

/* What a value may be: a power of two, but for the last, which is a size.  The largest
 * sides of a tile are those of CLBlast's own database, the depth is of mien's own sets. */
static const struct {
    const char *name;
    int least, most;
} bounds[MIEN_BLAS_PARAMS] = {
    [MIEN_BLAS_GEMMK] = { "GEMMK", 0, 0 },
    [MIEN_BLAS_KREG] = { "KREG", 1, 1 },
    [MIEN_BLAS_KWG] = { "KWG", 2, 64 },
    [MIEN_BLAS_KWI] = { "KWI", 1, 32 },
    [MIEN_BLAS_MDIMA] = { "MDIMA", 1, 64 },
    [MIEN_BLAS_MDIMC] = { "MDIMC", 1, 64 },
    [MIEN_BLAS_MWG] = { "MWG", 8, 128 },
    [MIEN_BLAS_NDIMB] = { "NDIMB", 1, 64 },
    [MIEN_BLAS_NDIMC] = { "NDIMC", 1, 64 },
    [MIEN_BLAS_NWG] = { "NWG", 8, 128 },
    [MIEN_BLAS_SA] = { "SA", 0, 1 },
    [MIEN_BLAS_SB] = { "SB", 0, 1 },
    [MIEN_BLAS_STRM] = { "STRM", 0, 1 },
    [MIEN_BLAS_STRN] = { "STRN", 0, 1 },
    [MIEN_BLAS_VWM] = { "VWM", 1, 16 },
    [MIEN_BLAS_VWN] = { "VWN", 1, 16 },
    [MIEN_BLAS_KWID] = { "KWID", 1, 16 },
    [MIEN_BLAS_MDIMAD] = { "MDIMAD", 1, 64 },
    [MIEN_BLAS_MDIMCD] = { "MDIMCD", 1, 64 },
    [MIEN_BLAS_NDIMBD] = { "NDIMBD", 1, 64 },
    [MIEN_BLAS_NDIMCD] = { "NDIMCD", 1, 64 },
    [MIEN_BLAS_PADA] = { "PADA", 0, 1 },
    [MIEN_BLAS_PADB] = { "PADB", 0, 1 },
    [MIEN_BLAS_VWMD] = { "VWMD", 1, 8 },
    [MIEN_BLAS_VWND] = { "VWND", 1, 8 },
    [MIEN_BLAS_WGD] = { "WGD", 8, 64 },
    [MIEN_BLAS_MIN_INDIRECT] = { "XGEMM_MIN_INDIRECT_SIZE", 0, 1 << 16 },
};

const char *mien_blas_param_name(enum mien_blas_param param)
{
    return bounds[param].name;
}

int mien_blas_param_most(enum mien_blas_param param)
{
    return bounds[param].most;
}

void mien_blas_version(int out[3])
{
    out[0] = CLBLAST_VERSION_MAJOR;
    out[1] = CLBLAST_VERSION_MINOR;
    out[2] = CLBLAST_VERSION_PATCH;
}

/* What must be a multiple of what: a tile of what its work-items take, however they are arranged.
 */
static const struct {
    enum mien_blas_param whole, part, times;
} multiples[] = {
    { MIEN_BLAS_KWG, MIEN_BLAS_KWI, MIEN_BLAS_KREG },
    { MIEN_BLAS_MWG, MIEN_BLAS_MDIMC, MIEN_BLAS_VWM },
    { MIEN_BLAS_NWG, MIEN_BLAS_NDIMC, MIEN_BLAS_VWN },
    { MIEN_BLAS_MWG, MIEN_BLAS_MDIMA, MIEN_BLAS_VWM },
    { MIEN_BLAS_NWG, MIEN_BLAS_NDIMB, MIEN_BLAS_VWN },
    { MIEN_BLAS_WGD, MIEN_BLAS_KWID, MIEN_BLAS_KREG },
    { MIEN_BLAS_WGD, MIEN_BLAS_MDIMCD, MIEN_BLAS_VWMD },
    { MIEN_BLAS_WGD, MIEN_BLAS_NDIMCD, MIEN_BLAS_VWND },
    { MIEN_BLAS_WGD, MIEN_BLAS_MDIMAD, MIEN_BLAS_VWMD },
    { MIEN_BLAS_WGD, MIEN_BLAS_NDIMBD, MIEN_BLAS_VWND },
};
/* Work-items of a group, arranged anew with `side` of them along one way to copy a tile: they must
 * fill that, and the tile's depth must be a multiple of the other side. */
static const struct {
    enum mien_blas_param depth, x, y, side;
} copies[] = {
    { MIEN_BLAS_KWG, MIEN_BLAS_MDIMC, MIEN_BLAS_NDIMC, MIEN_BLAS_MDIMA },
    { MIEN_BLAS_KWG, MIEN_BLAS_MDIMC, MIEN_BLAS_NDIMC, MIEN_BLAS_NDIMB },
    { MIEN_BLAS_WGD, MIEN_BLAS_MDIMCD, MIEN_BLAS_NDIMCD, MIEN_BLAS_MDIMAD },
    { MIEN_BLAS_WGD, MIEN_BLAS_MDIMCD, MIEN_BLAS_NDIMCD, MIEN_BLAS_NDIMBD },
};

enum mien_status mien_blas_check(const struct mien_blas_params *params, struct mien_error *err)
{
    const int *const v = params->value;
    for (int i = 0; i < MIEN_BLAS_PARAMS; i++) {
        const bool power = v[i] > 0 && (v[i] & (v[i] - 1)) == 0;
        if (v[i] < bounds[i].least || v[i] > bounds[i].most ||
            (v[i] != 0 && !power && i != MIEN_BLAS_MIN_INDIRECT)) {
            return mien_fail(err, MIEN_ERR_FORMAT,
                             "CLBlast's %s is %d, not a power of two in %d..%d", bounds[i].name,
                             v[i], bounds[i].least, bounds[i].most);
        }
    }
    for (size_t i = 0; i < sizeof(multiples) / sizeof(multiples[0]); i++) {
        if (v[multiples[i].whole] % (v[multiples[i].part] * v[multiples[i].times]) != 0) {
            return mien_fail(err, MIEN_ERR_FORMAT, "CLBlast's %s %d is no multiple of %s %d, %s %d",
                             bounds[multiples[i].whole].name, v[multiples[i].whole],
                             bounds[multiples[i].part].name, v[multiples[i].part],
                             bounds[multiples[i].times].name, v[multiples[i].times]);
        }
    }
    for (size_t i = 0; i < sizeof(copies) / sizeof(copies[0]); i++) {
        const int items = v[copies[i].x] * v[copies[i].y];
        const int side = v[copies[i].side];
        if (items % side != 0 || v[copies[i].depth] % (items / side) != 0) {
            return mien_fail(err, MIEN_ERR_FORMAT,
                             "CLBlast's %s %d does not go with %s %d of %d work-items",
                             bounds[copies[i].depth].name, v[copies[i].depth],
                             bounds[copies[i].side].name, side, items);
        }
    }
    return MIEN_OK;
}

bool mien_blas_fits(const struct mien_blas_params *params, const struct mien_device_info *device)
{
    const int *const v = params->value;
    const int items = v[MIEN_BLAS_MDIMC] * v[MIEN_BLAS_NDIMC];
    const int direct_items = v[MIEN_BLAS_MDIMCD] * v[MIEN_BLAS_NDIMCD];
    const int floats = v[MIEN_BLAS_KWG] *
                       (v[MIEN_BLAS_SA] * v[MIEN_BLAS_MWG] + v[MIEN_BLAS_SB] * v[MIEN_BLAS_NWG]);
    const int direct_floats =
        v[MIEN_BLAS_WGD] * (2 * v[MIEN_BLAS_WGD] + v[MIEN_BLAS_PADA] + v[MIEN_BLAS_PADB]);
    const int most_items = items > direct_items ? items : direct_items;
    const int most_floats = floats > direct_floats ? floats : direct_floats;
    return (size_t)most_items <= device->max_work_group &&
           (cl_ulong)most_floats * sizeof(cl_float) <= device->local_bytes;
}

void mien_blas_text(char out[MIEN_BLAS_TEXT_BYTES], const struct mien_blas_params *params)
{
    const int *const v = params->value;
    (void)snprintf(out, MIEN_BLAS_TEXT_BYTES,
                   "%dx%dx%d by %dx%d vectors %d %d%s%s, direct %d by %dx%d vectors %d %d, from %d",
                   v[MIEN_BLAS_MWG], v[MIEN_BLAS_NWG], v[MIEN_BLAS_KWG], v[MIEN_BLAS_MDIMC],
                   v[MIEN_BLAS_NDIMC], v[MIEN_BLAS_VWM], v[MIEN_BLAS_VWN],
                   v[MIEN_BLAS_SA] != 0 ? " local a" : "", v[MIEN_BLAS_SB] != 0 ? " local b" : "",
                   v[MIEN_BLAS_WGD], v[MIEN_BLAS_MDIMCD], v[MIEN_BLAS_NDIMCD], v[MIEN_BLAS_VWMD],
                   v[MIEN_BLAS_VWND], v[MIEN_BLAS_MIN_INDIRECT]);
}
