/*
 * tile.h - a work-group's tile of a matrix product on GPUs, from local memory
 *
 * A work-group of 16 x 16 computes 16 DOWN rows x 16 ACROSS columns, TERMS terms at a time; a
 * work-item the rows ly + 16 i and the columns lx + 16 j.  A kernel has `left`, TERMS * LEFT
 * floats, and `right`, TERMS * RIGHT floats, in local memory, and work-items that load LOADS_LEFT
 * and LOADS_RIGHT of them each. Needs -DDOWN -DACROSS: 2, 4 or 8, -DTERMS: 8, 16 or 32
 */
enum {
    SIDE = 16,
    ITEMS = SIDE * SIDE,
    ROWS = SIDE * DOWN,
    COLS = SIDE * ACROSS,
    LEFT = ROWS + 1, /* of a term of a tile in local memory, and one to keep banks apart */
    RIGHT = COLS + 1,
    LOADS_LEFT = ROWS * TERMS / ITEMS, /* of each work-item */
    LOADS_RIGHT = COLS * TERMS / ITEMS
};

/* acc[i][j] += sum over the tile's terms of left[term][ly + 16 i] * right[term][lx + 16 j] */
static inline void multiply(float acc[DOWN][ACROSS], __local const float *left,
                            __local const float *right, const int lx, const int ly)
{
    for (int term = 0; term < TERMS; term++) {
        float a[DOWN];
        float b[ACROSS];
#pragma unroll
        for (int i = 0; i < DOWN; i++) {
            a[i] = left[term * LEFT + ly + SIDE * i];
        }
#pragma unroll
        for (int j = 0; j < ACROSS; j++) {
            b[j] = right[term * RIGHT + lx + SIDE * j];
        }
#pragma unroll
        for (int i = 0; i < DOWN; i++) {
#pragma unroll
            for (int j = 0; j < ACROSS; j++) {
                acc[i][j] = fma(a[i], b[j], acc[i][j]);
            }
        }
    }
}

static inline void clear(float acc[DOWN][ACROSS])
{
#pragma unroll
    for (int i = 0; i < DOWN * ACROSS; i++) {
        acc[i / ACROSS][i % ACROSS] = 0.0f;
    }
}

/* Sums of sums, after a run of terms and at the end: what rounding loses stays small. */
static inline void move_sums(float total[DOWN][ACROSS], float acc[DOWN][ACROSS])
{
#pragma unroll
    for (int i = 0; i < DOWN * ACROSS; i++) {
        total[i / ACROSS][i % ACROSS] += acc[i / ACROSS][i % ACROSS];
    }
    clear(acc);
}
