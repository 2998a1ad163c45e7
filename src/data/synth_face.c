/* synth_face.c - the measures of one synthetic face */
#include "data/synth_face.h"

#include <math.h>

#include "base/random.h"

static uint32_t next_bits(struct mien_face_random *random)
{
    if (random->used == 0) {
        mien_random_block(random->bits, random->seed, MIEN_STREAM_SYNTH, random->split,
                          random->index * 4096 + random->block++);
    }
    const uint32_t bits = random->bits[random->used];
    random->used = (random->used + 1) % 4;
    return bits;
}

float mien_face_between(struct mien_face_random *random, float low, float high)
{
    return low + (high - low) * mien_random_unit(next_bits(random));
}

static bool chance(struct mien_face_random *random, float part)
{
    return mien_face_between(random, 0.0f, 1.0f) < part;
}

/* At full strength, in byte order of the names: angry disgust fear happy neutral sad surprise. */
static const struct mien_face_expression full[7] = {
    { .brow_inner = 0.14f,
      .brow_outer = -0.07f,
      .brow_arch = 0.01f,
      .brow_gap = 0.07f,
      .eye_upper = 0.075f,
      .eye_lower = 0.05f,
      .eye_slant = 0.05f,
      .mouth_width = 0.27f,
      .mouth_curve = 0.04f,
      .frown = 1.0f },
    { .brow_inner = 0.07f,
      .brow_outer = 0.02f,
      .brow_arch = 0.02f,
      .brow_gap = 0.03f,
      .eye_upper = 0.05f,
      .eye_lower = 0.03f,
      .mouth_width = 0.27f,
      .mouth_curve = 0.11f,
      .mouth_upper = 0.08f,
      .mouth_lower = 0.0f,
      .mouth_square = 0.3f,
      .teeth = 0.05f,
      .nose_wrinkle = 1.0f,
      .frown = 0.3f },
    { .brow_inner = -0.15f,
      .brow_outer = -0.03f,
      .brow_arch = 0.0f,
      .brow_gap = 0.05f,
      .eye_upper = 0.17f,
      .eye_lower = 0.08f,
      .eye_slant = -0.03f,
      .mouth_width = 0.36f,
      .mouth_curve = 0.07f,
      .mouth_upper = 0.05f,
      .mouth_lower = 0.07f,
      .mouth_square = 0.8f,
      .teeth = 0.035f,
      .forehead = 0.5f },
    { .brow_inner = -0.01f,
      .brow_outer = 0.0f,
      .brow_arch = 0.06f,
      .eye_upper = 0.085f,
      .eye_lower = 0.025f,
      .mouth_width = 0.38f,
      .mouth_curve = -0.2f,
      .cheek = 1.0f },
    { .brow_arch = 0.04f, .eye_upper = 0.11f, .eye_lower = 0.06f, .mouth_width = 0.28f },
    { .brow_inner = -0.13f,
      .brow_outer = 0.08f,
      .brow_arch = 0.0f,
      .brow_gap = 0.02f,
      .eye_upper = 0.075f,
      .eye_lower = 0.055f,
      .eye_slant = -0.05f,
      .mouth_width = 0.25f,
      .mouth_curve = 0.14f },
    { .brow_inner = -0.17f,
      .brow_outer = -0.15f,
      .brow_arch = 0.1f,
      .eye_upper = 0.17f,
      .eye_lower = 0.085f,
      .mouth_width = 0.17f,
      .mouth_upper = 0.11f,
      .mouth_lower = 0.17f,
      .mouth_round = 1.0f,
      .forehead = 1.0f },
};

enum { ANGRY = 0, HAPPY = 3, NEUTRAL = 4 };

/* `strength` of the way from the neutral face. */
static float towards(float neutral, float whole, float strength)
{
    return neutral + (whole - neutral) * strength;
}

static void choose_expression(struct mien_face_expression *e, int emotion,
                              struct mien_face_random *random)
{
    struct mien_face_expression whole = full[emotion];
    const bool open = chance(random, 0.5f);
    if (emotion == ANGRY && open) { /* the teeth shown in a square mouth */
        whole.mouth_upper = 0.06f;
        whole.mouth_lower = 0.08f;
        whole.mouth_square = 1.0f;
        whole.teeth = 0.06f;
        whole.mouth_width = 0.3f;
    }
    if (emotion == HAPPY && open) {
        whole.mouth_lower = 0.17f;
        whole.teeth = 0.08f;
    }
    const struct mien_face_expression *const calm = &full[NEUTRAL];
    const float k = mien_face_between(random, 0.7f, 1.1f);
    const float brow = k * mien_face_between(random, 0.8f, 1.15f);
    const float mouth = k * mien_face_between(random, 0.85f, 1.15f);
    *e = whole;
    e->brow_inner = towards(calm->brow_inner, whole.brow_inner, brow);
    e->brow_outer = towards(calm->brow_outer, whole.brow_outer, brow);
    e->brow_inner += mien_face_between(random, -0.02f, 0.02f);
    e->brow_outer += mien_face_between(random, -0.03f, 0.03f);
    e->brow_arch += mien_face_between(random, -0.02f, 0.02f);
    e->brow_gap *= brow;
    e->eye_upper = towards(calm->eye_upper, whole.eye_upper, k);
    e->eye_upper *= mien_face_between(random, 0.9f, 1.1f);
    e->eye_lower = towards(calm->eye_lower, whole.eye_lower, k);
    e->eye_slant += mien_face_between(random, -0.02f, 0.02f);
    e->mouth_width = towards(calm->mouth_width, whole.mouth_width, mouth);
    e->mouth_width *= mien_face_between(random, 0.9f, 1.1f);
    e->mouth_curve = whole.mouth_curve * mouth + mien_face_between(random, -0.02f, 0.02f);
    e->mouth_upper *= mouth;
    e->mouth_lower *= mouth;
    e->nose_wrinkle *= k;
    e->frown *= mien_face_between(random, 0.3f, 1.0f);
    e->forehead *= mien_face_between(random, 0.0f, 1.0f);
    e->cheek *= mien_face_between(random, 0.4f, 1.0f);
}

static void choose_place(struct mien_face_look *look, struct mien_face_random *random)
{
    const float middle = (float)MIEN_FACE_SIDE / 2.0f;
    const float turn = mien_face_between(random, -0.26f, 0.26f); /* 15 degrees */
    look->x = middle + mien_face_between(random, -3.0f, 3.0f);
    look->y = middle + mien_face_between(random, -2.5f, 3.0f);
    look->scale = mien_face_between(random, 19.0f, 24.5f);
    look->cosine = cosf(turn);
    look->sine = sinf(turn);
    look->yaw = mien_face_between(random, -0.16f, 0.16f);
    look->perspective = mien_face_between(random, -0.08f, 0.08f);
}

static void choose_light(struct mien_face_look *look, struct mien_face_random *random)
{
    look->light_x = mien_face_between(random, -0.8f, 0.8f);
    look->light_y = mien_face_between(random, -0.7f, 0.2f);
    look->ambient = mien_face_between(random, 0.45f, 0.75f);
    look->gain = mien_face_between(random, 0.75f, 1.2f);
    look->offset = mien_face_between(random, -0.06f, 0.08f);
    look->back = mien_face_between(random, 0.05f, 0.95f);
    look->back_slope_x = mien_face_between(random, -0.3f, 0.3f);
    look->back_slope_y = mien_face_between(random, -0.3f, 0.3f);
    look->back_wave = mien_face_between(random, 0.0f, 0.15f);
    look->back_phase = mien_face_between(random, 0.0f, 6.28f);
    look->back_turn = mien_face_between(random, -6.0f, 6.0f);
    look->noise = mien_face_between(random, 0.005f, 0.03f);
}

static void choose_person(struct mien_face_look *look, struct mien_face_random *random)
{
    look->width = mien_face_between(random, 0.7f, 0.82f);
    look->jaw = mien_face_between(random, 0.0f, 0.25f);
    look->skin = mien_face_between(random, 0.38f, 0.88f);
    look->hair = mien_face_between(random, 0.03f, 0.3f);
    if (chance(random, 0.2f)) {
        look->hair = mien_face_between(random, 0.5f, 0.85f); /* fair or gray */
    }
    look->hairline = mien_face_between(random, -0.95f, -0.65f);
    look->hair_side =
        chance(random, 0.4f) ? mien_face_between(random, 0.4f, 1.2f) : -0.2f; /* long, short */
    look->eye_distance = mien_face_between(random, 0.31f, 0.37f);
    look->eye_y = mien_face_between(random, -0.2f, -0.1f);
    look->eye_width = mien_face_between(random, 0.15f, 0.19f);
    look->iris = mien_face_between(random, 0.075f, 0.09f);
    look->gaze_x = mien_face_between(random, -0.05f, 0.05f);
    look->gaze_y = mien_face_between(random, -0.015f, 0.02f);
    look->brow_y = look->eye_y - mien_face_between(random, 0.24f, 0.29f);
    look->brow_thick = mien_face_between(random, 0.025f, 0.05f);
    look->brow_dark = mien_face_between(random, 0.5f, 0.9f);
    look->nose_y = mien_face_between(random, 0.2f, 0.28f);
    look->nose_wide = mien_face_between(random, 0.07f, 0.11f);
    look->mouth_y = look->nose_y + mien_face_between(random, 0.28f, 0.35f);
    look->lip = mien_face_between(random, 0.03f, 0.06f);
    look->lip_dark = mien_face_between(random, 0.15f, 0.4f);
    look->beard = chance(random, 0.15f) ? mien_face_between(random, 0.2f, 0.6f) : 0.0f;
    look->glasses = chance(random, 0.12f) ? mien_face_between(random, 0.4f, 0.9f) : 0.0f;
}

/* Things in front of the face: a hand, a strand of hair, a microphone. */
static void choose_patches(struct mien_face_look *look, struct mien_face_random *random)
{
    look->patch_count = chance(random, 0.25f) ? (chance(random, 0.3f) ? 2 : 1) : 0;
    for (int i = 0; i < look->patch_count; i++) {
        look->patches[i].x = mien_face_between(random, 2.0f, 46.0f);
        look->patches[i].y = mien_face_between(random, 2.0f, 46.0f);
        look->patches[i].half_width = mien_face_between(random, 1.5f, 5.0f);
        look->patches[i].half_height = mien_face_between(random, 1.5f, 5.0f);
        look->patches[i].tone = mien_face_between(random, 0.0f, 1.0f);
        look->patches[i].round = chance(random, 0.5f);
    }
}

void mien_face_choose(struct mien_face_expression *expression, struct mien_face_look *look,
                      int emotion, struct mien_face_random *random)
{
    choose_place(look, random);
    choose_light(look, random);
    choose_person(look, random);
    choose_patches(look, random);
    choose_expression(expression, emotion, random);
    if (look->beard > 0.0f && expression->teeth > 0.0f) {
        look->beard *= 0.7f; /* so that the open mouth still stands out */
    }
}
