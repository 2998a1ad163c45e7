/** relayout.h - blocked activations to plain rows and back in plain C */
#ifndef MIEN_TESTS_SUPPORT_RELAYOUT_H
#define MIEN_TESTS_SUPPORT_RELAYOUT_H

/** rows [n][f] from blocked [ceil(n / lanes)][f][lanes]. */
void relayout_to_rows(float *rows, const float *blocked, int n, int f, int lanes);

/** The way back; unused lanes become zero. */
void relayout_from_rows(float *blocked, const float *rows, int n, int f, int lanes);

#endif
