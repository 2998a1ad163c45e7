/** relayout.h - blocked activations to plain rows and back in plain C (internal) */
#ifndef MIEN_REF_RELAYOUT_H
#define MIEN_REF_RELAYOUT_H

/** rows [n][f] from blocked [ceil(n / lanes)][f][lanes]. */
void mien_ref_relayout_to_rows(float *rows, const float *blocked, int n, int f, int lanes);

/** The way back; unused lanes become zero. */
void mien_ref_relayout_from_rows(float *blocked, const float *rows, int n, int f, int lanes);

#endif
