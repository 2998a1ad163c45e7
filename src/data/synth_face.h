/** synth_face.h - one synthetic face: its measures, and how it is drawn (internal to data) */
#ifndef MIEN_DATA_SYNTH_FACE_H
#define MIEN_DATA_SYNTH_FACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MIEN_FACE_SIDE = 48 }; /* pixels */

/** Random numbers of one image: a pure function of (seed, split, index). */
struct mien_face_random {
    uint64_t seed, index;
    uint32_t split;
    uint32_t block, used;
    uint32_t bits[4];
};

/** Uniform in [low, high). */
float mien_face_between(struct mien_face_random *random, float low, float high);

/**
 * What tells the expressions apart.  Face units: the face is about 1.5 wide and 2.1 high, y points
 * down; lengths are offsets from the neutral place unless said otherwise.
 */
struct mien_face_expression {
    float brow_inner, brow_outer;   /**< heights of the ends of the brows */
    float brow_arch;                /**< how far the middle stands above the line between them */
    float brow_gap;                 /**< how far the inner ends come together */
    float eye_upper, eye_lower;     /**< lids above and below the middle of the eye */
    float eye_slant;                /**< height of the inner corner: positive lowers it */
    float mouth_width;              /**< half of it */
    float mouth_curve;              /**< corners down (positive) or up */
    float mouth_upper, mouth_lower; /**< how far it opens */
    float mouth_square;             /**< 0 an almond, 1 a box */
    float mouth_round;              /**< 0 corners, 1 an ellipse */
    float teeth;                    /**< height of the upper row seen */
    float nose_wrinkle, frown, forehead, cheek; /**< depth of lines, 0 .. 1 */
};

/** Everything else about one image. */
struct mien_face_look {
    float x, y, scale, cosine, sine; /**< place and size (pixels), rotation in the plane */
    float yaw, perspective;
    float width, jaw;       /**< of the face */
    float skin, hair, back; /**< tones, 0 .. 1 */
    float light_x, light_y, ambient, gain, offset;
    float back_slope_x, back_slope_y, back_wave, back_phase, back_turn;
    float hairline, hair_side; /**< where hair begins; how far down it hangs */
    float eye_distance, eye_y, eye_width, iris, gaze_x, gaze_y;
    float brow_y, brow_thick, brow_dark;
    float nose_y, nose_wide, mouth_y, lip, lip_dark;
    float beard, glasses;
    float noise;
    struct {
        float x, y, half_width, half_height, tone;
        bool round;
    } patches[2];
    int patch_count;
};

/** Draw the measures of one face; `emotion` counts the canonical names in byte order (0 angry ...).
 */
void mien_face_choose(struct mien_face_expression *expression, struct mien_face_look *look,
                      int emotion, struct mien_face_random *random);

/** Shapes  pixels [48][48] gray, overwritten */
void mien_face_draw(uint8_t *pixels, const struct mien_face_expression *expression,
                    const struct mien_face_look *look, struct mien_face_random *random);

#endif
