/* relayout.c - blocked activations to plain rows and back in plain C */
#include "support/relayout.h"

#include <stddef.h>

static size_t blocked_index(int i, int k, int f, int lanes)
{
    return ((size_t)(i / lanes) * (size_t)f + (size_t)k) * (size_t)lanes + (size_t)(i % lanes);
}

void relayout_to_rows(float *rows, const float *blocked, int n, int f, int lanes)
{
    for (int i = 0; i < n; i++) {
        for (int k = 0; k < f; k++) {
            rows[(size_t)i * (size_t)f + (size_t)k] = blocked[blocked_index(i, k, f, lanes)];
        }
    }
}

void relayout_from_rows(float *blocked, const float *rows, int n, int f, int lanes)
{
    for (int i = 0; i < (n + lanes - 1) / lanes * lanes; i++) {
        for (int k = 0; k < f; k++) {
            blocked[blocked_index(i, k, f, lanes)] =
                i < n ? rows[(size_t)i * (size_t)f + (size_t)k] : 0.0f;
        }
    }
}
