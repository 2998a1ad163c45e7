/* synth_draw.c - drawing one synthetic face with soft-edged distance functions */
#include <math.h>

#include "data/synth_face.h"

/* One pixel on its way: where it is on the face, how large it is there, its tone so far. */
struct point {
    float x, y;   /* on the head, face units */
    float fx, fy; /* where the features lie: moved sideways by a turned head */
    float pixel;  /* face units */
    float tone;   /* 0 .. 1 */
};

static float limit(float v, float low, float high)
{
    return v < low ? low : v > high ? high : v;
}

/* How much of the pixel lies inside a shape whose border is `distance` away (negative: inside). */
static float cover(const struct point *p, float distance)
{
    return limit(0.5f - distance / p->pixel, 0.0f, 1.0f);
}

static void paint(struct point *p, float coverage, float tone)
{
    p->tone += (tone - p->tone) * coverage;
}

static void darken(struct point *p, float coverage, float amount)
{
    p->tone *= 1.0f - coverage * amount;
}

/* Distance to the line from (ax, ay) to (bx, by). */
static float to_line(float x, float y, float ax, float ay, float bx, float by)
{
    const float dx = bx - ax;
    const float dy = by - ay;
    const float t = limit(((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy + 1e-9f), 0, 1);
    return hypotf(x - ax - t * dx, y - ay - t * dy);
}

/* Near its border, in face units. */
static float to_ellipse(float x, float y, float cx, float cy, float rx, float ry)
{
    const float u = (x - cx) / rx;
    const float v = (y - cy) / ry;
    return (sqrtf(u * u + v * v) - 1.0f) * (rx < ry ? rx : ry);
}

static float face_border(const struct point *p, const struct mien_face_look *look)
{
    /* The jaw narrows below the cheeks. */
    const float low = limit(p->y, 0.0f, 1.05f);
    const float wide = look->width * (1.0f - (0.1f + look->jaw) * low * low);
    return to_ellipse(p->x, p->y, 0.0f, 0.0f, wide, 1.05f);
}

static void draw_behind(struct point *p, const struct mien_face_look *look)
{
    if (look->hair_side > 0.0f && p->y > -0.2f) {
        const float d = fabsf(p->x) - look->width - 0.16f;
        const float end = p->y - look->hair_side;
        paint(p, cover(p, d > end ? d : end), look->hair);
    }
    const float neck = fabsf(p->x) - 0.38f;
    if (p->y > 0.4f) {
        paint(p, cover(p, neck), look->skin * 0.6f);
    }
    paint(p, cover(p, to_ellipse(p->x, p->y, 0.0f, 1.85f, 1.3f, 0.65f)), look->hair * 0.5f + 0.3f);
    paint(p, cover(p, to_ellipse(p->x, p->y, 0.0f, -0.25f, look->width + 0.14f, 0.98f)),
          look->hair);
    for (int side = -1; side <= 1; side += 2) {
        const float ear = (float)side * (look->width + 0.02f);
        paint(p, cover(p, to_ellipse(p->x, p->y, ear, 0.05f, 0.1f, 0.2f)), look->skin * 0.8f);
    }
}

static void draw_skin(struct point *p, const struct mien_face_look *look)
{
    const float u = p->x / look->width;
    const float v = p->y / 1.05f;
    const float rest = 1.0f - u * u - v * v;
    const float up = sqrtf(rest > 0.05f ? rest : 0.05f);
    const float light = look->light_x * u + look->light_y * v + 0.75f * up;
    const float lit = look->ambient + (1.0f - look->ambient) * limit(light, -0.3f, 1.2f);
    const float inside = cover(p, face_border(p, look));
    paint(p, inside, look->skin * lit);
    if (look->beard > 0.0f) {
        const float chin = cover(p, (0.38f + 0.5f * (1.0f - fabsf(u)) * 0.2f - p->y) * 0.25f);
        darken(p, inside * chin, look->beard);
    }
    const float line = look->hairline + 0.25f * u * u;
    paint(p, inside * cover(p, p->y - line), look->hair);
}

static void draw_brow(struct point *p, float lx, const struct mien_face_expression *e,
                      const struct mien_face_look *look)
{
    const float inner_x = -0.17f - e->brow_gap;
    const float inner_y = look->brow_y + e->brow_inner;
    const float outer_y = look->brow_y + e->brow_outer + 0.03f;
    const float middle_y = 0.5f * (inner_y + outer_y) - e->brow_arch - 0.02f;
    const float first = to_line(lx, p->fy, inner_x, inner_y, 0.03f, middle_y);
    const float second = to_line(lx, p->fy, 0.03f, middle_y, 0.22f, outer_y);
    const float d = (first < second ? first : second) - look->brow_thick;
    darken(p, cover(p, d), look->brow_dark);
}

static void draw_eye(struct point *p, float lx, int side, const struct mien_face_expression *e,
                     const struct mien_face_look *look)
{
    const float w = look->eye_width;
    const float y = p->fy - look->eye_y + e->eye_slant * lx / w;
    const float t = 1.0f - (lx / w) * (lx / w);
    const float upper = -e->eye_upper * t;
    const float lower = e->eye_lower * t;
    float d = upper - y > y - lower ? upper - y : y - lower;
    d = fabsf(lx) - w > d ? fabsf(lx) - w : d;
    const float open = cover(p, d);
    paint(p, open, 0.25f + 0.6f * limit(look->skin + 0.25f, 0.0f, 1.0f));
    const float gaze = look->gaze_x * (float)side;
    const float iris = to_ellipse(lx, y, gaze, look->gaze_y - 0.015f, look->iris, look->iris);
    const float in_iris = cover(p, iris);
    paint(p, in_iris < open ? in_iris : open, 0.08f);
    const float lid = fabsf(lx) < w + 0.03f ? fabsf(y - upper) - 0.02f : 1.0f;
    darken(p, cover(p, lid), 0.7f);
    const float under = fabsf(lx) < w ? fabsf(y - lower - 0.015f) - 0.01f : 1.0f;
    darken(p, cover(p, under), 0.25f + 0.2f * e->cheek);
    if (look->glasses > 0.0f) {
        const float ring = fabsf(to_ellipse(lx, y, 0.0f, 0.02f, 0.27f, 0.23f)) - 0.02f;
        darken(p, cover(p, ring), look->glasses);
    }
}

static void draw_nose(struct point *p, const struct mien_face_expression *e,
                      const struct mien_face_look *look)
{
    const float x = p->fx;
    const float y = p->fy + 0.05f * e->nose_wrinkle;
    const float shade = look->light_x > 0.0f ? -1.0f : 1.0f;
    const float bridge =
        to_line(x, y, shade * 0.04f, look->eye_y + 0.02f, shade * look->nose_wide, look->nose_y);
    darken(p, cover(p, bridge - 0.02f), 0.2f);
    for (int side = -1; side <= 1; side += 2) {
        const float s = (float)side;
        const float at = s * look->nose_wide;
        darken(p, cover(p, to_ellipse(x, y, at * 0.75f, look->nose_y + 0.03f, 0.04f, 0.025f)),
               0.55f);
        const float wing =
            to_line(x, y, at * 1.5f, look->nose_y - 0.05f, at * 1.4f, look->nose_y + 0.03f);
        darken(p, cover(p, wing - 0.015f), 0.25f + 0.35f * e->nose_wrinkle);
        /* The fold from nose to mouth: raised cheeks and a raised lip deepen it. */
        const float fold = to_line(x, y, s * (look->nose_wide + 0.07f), look->nose_y - 0.02f,
                                   s * (e->mouth_width + 0.1f), look->mouth_y - 0.04f);
        darken(p, cover(p, fold - 0.018f), 0.35f * e->cheek + 0.45f * e->nose_wrinkle);
        const float frown =
            to_line(x, p->fy, s * 0.05f, look->brow_y - 0.02f, s * 0.045f, look->brow_y + 0.16f);
        darken(p, cover(p, frown - 0.015f), 0.4f * e->frown);
    }
    for (int i = 0; i < 3 && e->nose_wrinkle > 0.0f; i++) {
        const float at = look->eye_y - 0.02f + 0.085f * (float)i;
        const float line = to_line(x, y, -0.11f, at + 0.03f, 0.0f, at) - 0.015f;
        const float other = to_line(x, y, 0.11f, at + 0.03f, 0.0f, at) - 0.015f;
        darken(p, cover(p, line < other ? line : other), 0.5f * e->nose_wrinkle);
    }
    for (int i = 0; i < 2 && e->forehead > 0.0f; i++) {
        const float at = look->brow_y - 0.3f - 0.1f * (float)i;
        darken(p, cover(p, to_line(x, p->fy, -0.3f, at, 0.3f, at) - 0.012f), 0.3f * e->forehead);
    }
}

static void draw_mouth(struct point *p, const struct mien_face_expression *e,
                       const struct mien_face_look *look)
{
    const float w = e->mouth_width;
    const float x = p->fx;
    const float u = limit(x * x / (w * w), 0.0f, 1.0f);
    const float almond = 1.0f - u;
    const float box = 1.0f - u * u * u * u;
    const float ellipse = sqrtf(almond);
    float shape = almond + (box - almond) * e->mouth_square;
    shape += (ellipse - shape) * e->mouth_round;
    const float middle = look->mouth_y + e->mouth_curve * (u - 0.4f);
    const float upper = middle - e->mouth_upper * shape;
    const float lower = middle + e->mouth_lower * shape;
    const float side = fabsf(x) - w;
    const float vertical = upper - p->fy > p->fy - lower ? upper - p->fy : p->fy - lower;
    const float inner = vertical > side ? vertical : side;
    const float lips = vertical - look->lip * (0.4f + 0.6f * shape);
    darken(p, cover(p, lips > side ? lips : side), look->lip_dark);
    const float gap = lower - upper;
    if (gap > 0.02f) {
        const float inside = cover(p, inner);
        paint(p, inside, 0.06f);
        const float row = p->fy - upper - e->teeth;
        paint(p, inside * cover(p, row), e->teeth > 0.0f ? 0.92f * look->gain : 0.06f);
    }
    const float line = fabsf(p->fy - middle) - 0.02f;
    const float along = line > side ? line : side;
    darken(p, gap > 0.02f ? 0.0f : cover(p, along), 0.65f);
}

static float background(const struct mien_face_look *look, float px, float py)
{
    const float x = px / (float)MIEN_FACE_SIDE - 0.5f;
    const float y = py / (float)MIEN_FACE_SIDE - 0.5f;
    const float wave = sinf(look->back_turn * x + (8.0f - look->back_turn) * y + look->back_phase);
    return look->back + look->back_slope_x * x + look->back_slope_y * y + look->back_wave * wave;
}

static void draw_patches(struct point *p, const struct mien_face_look *look, float px, float py)
{
    for (int i = 0; i < look->patch_count; i++) {
        const float dx = px - look->patches[i].x;
        const float dy = py - look->patches[i].y;
        const float wide = look->patches[i].half_width;
        const float high = look->patches[i].half_height;
        const float flat =
            fabsf(dx) - wide > fabsf(dy) - high ? fabsf(dx) - wide : fabsf(dy) - high;
        const float d = look->patches[i].round ? to_ellipse(dx, dy, 0.0f, 0.0f, wide, high) : flat;
        paint(p, limit(0.5f - d, 0.0f, 1.0f), look->patches[i].tone);
    }
}

static float draw_pixel(const struct mien_face_expression *e, const struct mien_face_look *look,
                        float px, float py)
{
    const float dx = (px - look->x) / look->scale;
    const float dy = (py - look->y) / look->scale;
    const float y = look->cosine * dy - look->sine * dx;
    const float x = (look->cosine * dx + look->sine * dy) * (1.0f + look->perspective * y);
    const float bulge = 1.0f - limit(x * x + 0.3f * y * y, 0.0f, 1.0f);
    struct point p = {
        .x = x,
        .y = y,
        .fx = x - look->yaw * bulge,
        .fy = y,
        .pixel = 1.0f / look->scale,
        .tone = background(look, px, py),
    };
    draw_behind(&p, look);
    if (face_border(&p, look) < p.pixel) {
        draw_skin(&p, look);
        draw_nose(&p, e, look);
        for (int side = -1; side <= 1; side += 2) {
            const float lx = (p.fx - (float)side * look->eye_distance) * (float)side;
            draw_eye(&p, lx, side, e, look);
            draw_brow(&p, lx, e, look);
        }
        draw_mouth(&p, e, look);
    }
    draw_patches(&p, look, px, py);
    return p.tone;
}

void mien_face_draw(uint8_t *pixels, const struct mien_face_expression *expression,
                    const struct mien_face_look *look, struct mien_face_random *random)
{
    for (int y = 0; y < MIEN_FACE_SIDE; y++) {
        for (int x = 0; x < MIEN_FACE_SIDE; x++) {
            const float tone = draw_pixel(expression, look, (float)x + 0.5f, (float)y + 0.5f);
            float noise = 0.0f; /* four uniform numbers are near enough to a normal one */
            for (int i = 0; i < 4; i++) {
                noise += mien_face_between(random, -1.0f, 1.0f);
            }
            const float v = tone * look->gain + look->offset + look->noise * noise;
            pixels[y * MIEN_FACE_SIDE + x] = (uint8_t)(limit(v, 0.0f, 1.0f) * 255.0f + 0.5f);
        }
    }
}
