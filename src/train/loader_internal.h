/** loader_internal.h - what the parts of the loader share (internal to the loader) */
#ifndef MIEN_TRAIN_LOADER_INTERNAL_H
#define MIEN_TRAIN_LOADER_INTERNAL_H

#include "train/loader.h"

enum { MIEN_LOADER_STAGES = 2 };

struct mien_loader {
    struct mien_cl *cl;             /* borrowed */
    const struct mien_dataset *set; /* borrowed */
    struct mien_loader_options options;
    bool resident;
    size_t image_bytes;

    int32_t *order; /* [set->count]: what is taken now */
    size_t count;   /* of the split taken now */

    struct mien_cl_buffer *images; /* resident: the whole set; else unused */
    struct mien_cl_buffer *all_labels;
    struct mien_cl_buffer *all_shares; /* NULL without targets */
    struct mien_cl_buffer *indices;    /* resident: `order`; else 0 .. batch - 1 */
    struct mien_cl_buffer *labels;     /* [batch], then the second ones of a mixed batch */
    struct mien_cl_buffer *shares;     /* [batch][classes]; NULL without targets */
    size_t share_count;                /* of an image: the classes; 0 without targets */
    bool training;                     /* the split taken last is the one that has targets */

    int epoch; /* whose changes the images get; -1: they come as they are */

    struct {
        const struct mien_cl_buffer *images; /* where it was taken from; NULL: none was */
        struct mien_gather op;
    } last; /* the batch loaded last */

    /* What is sent with a batch: its images and labels unless they are resident, its changes. */
    struct mien_loader_stage {
        struct mien_cl_buffer *images, *labels, *shares, *changes;
        uint8_t *host_images;
        int32_t *host_labels;
        float *host_shares;
        struct mien_gather_change *host_changes;
        struct mien_cl_mark *sent; /* all copies of the batch before have left the host's memory */
    } stages[MIEN_LOADER_STAGES];
    int stage; /* the one to fill next */
};

/** The share of a class in what is right for an image: its target distribution in part, its label
 * in the rest. */
float mien_loader_share(const struct mien_loader *loader, size_t image, size_t class);

/** The same of all classes. */
void mien_loader_share_classes(float *shares, const struct mien_loader *loader, size_t image);

#endif
