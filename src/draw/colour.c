/* colour.c - colour scales by a formula in OKLab */
#include "draw/colour.h"

#include <math.h>

/* Lightness 0 to 1, and chroma by hue. */
struct lch {
    double lightness, chroma, hue; /* hue in radians */
};

static const double degree = 0.017453292519943295;

/* The transfer function of sRGB, IEC 61966-2-1. */
static double encode(double linear)
{
    const double v = fmin(fmax(linear, 0.0), 1.0);
    return v <= 0.0031308 ? 12.92 * v : 1.055 * pow(v, 1.0 / 2.4) - 0.055;
}

static double decode(uint8_t value)
{
    const double v = value / 255.0;
    return v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4);
}

static struct mien_colour from_linear(double r, double g, double b)
{
    return (struct mien_colour){ (uint8_t)lround(255.0 * encode(r)),
                                 (uint8_t)lround(255.0 * encode(g)),
                                 (uint8_t)lround(255.0 * encode(b)) };
}

/* The matrices of OKLab's definition: https://bottosson.github.io/posts/oklab */
static struct mien_colour from_lch(struct lch from)
{
    const double a = from.chroma * cos(from.hue);
    const double b = from.chroma * sin(from.hue);
    const double l = pow(from.lightness + 0.3963377774 * a + 0.2158037573 * b, 3.0);
    const double m = pow(from.lightness - 0.1055613458 * a - 0.0638541728 * b, 3.0);
    const double s = pow(from.lightness - 0.0894841775 * a - 1.2914855480 * b, 3.0);
    return from_linear(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
                       -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
                       -0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s);
}

struct mien_colour mien_colour_heat(double part)
{
    /* The largest round chroma that stays inside sRGB all the way. */
    const double t = fmin(fmax(part, 0.0), 1.0); /* fmax() drops NaN */
    return from_lch((struct lch){ 0.22 + 0.70 * t, 0.14, (270.0 + (465.0 - 270.0) * t) * degree });
}

struct mien_colour mien_colour_signed(double value)
{
    const double v = isnan(value) ? 0.0 : fmin(fmax(value, -1.0), 1.0);
    const double away = fabs(v);
    return from_lch(
        (struct lch){ 0.96 - 0.48 * away, 0.13 * away, (v < 0.0 ? 255.0 : 45.0) * degree });
}

struct mien_colour mien_colour_mix(struct mien_colour from, struct mien_colour to, double part)
{
    const double rest = 1.0 - part;
    return from_linear(rest * decode(from.r) + part * decode(to.r),
                       rest * decode(from.g) + part * decode(to.g),
                       rest * decode(from.b) + part * decode(to.b));
}
