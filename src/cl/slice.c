/* slice.c - long launches in several commands: how many, and which work-groups each has */
#include "cl/internal.h"

/*
 * A desktop's GPU draws its screen with the same units, and its driver gives up on a command after
 * some seconds.  A command should take 200 ms at most: it is cut so as to take 100 ms on a device
 * that reaches but a tenth of 16 operations for each unit and cycle, which all do by far.
 */
static const double limit_s = 0.1;
static const double unit_flop = 16.0 * 0.1;
enum { SLOWEST_MHZ = 200 }; /* of a device that does not tell */

struct mien_cl_slicing mien_cl_default_slicing(const struct mien_device_info *info)
{
    if (info->kind != MIEN_DEVICE_GPU) {
        return (struct mien_cl_slicing){ 0.0, 0 };
    }
    const double units = info->compute_units > 0 ? info->compute_units : 1.0;
    const double mhz = info->clock_mhz > 0 ? info->clock_mhz : SLOWEST_MHZ;
    return (struct mien_cl_slicing){ limit_s * units * mhz * 1e6 * unit_flop, 0 };
}

void mien_cl_slice(struct mien_cl *cl, const struct mien_cl_slicing *how)
{
    cl->slicing = *how;
}

/* Slices wanted of so many work-groups; more than there are groups is possible. */
static double wanted_of(const struct mien_cl_slicing *how, double groups, double flop)
{
    const double by_flop = how->most_flop > 0.0 ? flop / how->most_flop : 1.0;
    const double by_groups = how->most_groups > 0 ? groups / (double)how->most_groups : 1.0;
    return by_flop > by_groups ? by_flop : by_groups;
}

struct mien_cl_cut mien_cl_cut(const struct mien_cl *cl, const size_t groups[3], double flop)
{
    struct mien_cl_cut cut = { { groups[0], groups[1], groups[2] }, { 1, 1, 1 } };
    const double all = (double)groups[0] * (double)groups[1] * (double)groups[2];
    double wanted = wanted_of(&cl->slicing, all, flop);
    for (int d = 2; d >= 0 && wanted > 1.0; d--) {
        const size_t whole = wanted < (double)groups[d] ? (size_t)wanted : groups[d];
        cut.parts[d] = whole < groups[d] && (double)whole < wanted ? whole + 1 : whole;
        wanted /= (double)cut.parts[d];
    }
    return cut;
}

size_t mien_cl_cut_count(const struct mien_cl_cut *cut)
{
    return cut->parts[0] * cut->parts[1] * cut->parts[2];
}

/* parts <= groups, and numbers of work-groups are far below the root of what size_t holds. */
void mien_cl_cut_slice(size_t first[3], size_t count[3], const struct mien_cl_cut *cut,
                       size_t index)
{
    for (int d = 0; d < 3; d++) {
        const size_t part = index % cut->parts[d];
        index /= cut->parts[d];
        first[d] = cut->groups[d] * part / cut->parts[d];
        count[d] = cut->groups[d] * (part + 1) / cut->parts[d] - first[d];
    }
}
