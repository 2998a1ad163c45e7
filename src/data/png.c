/* png.c - PNG files of every colour type, depth and interlacing to 8-bit gray or RGB */
#include <png.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "data/image.h"

/* All that lives across libpng's longjmp: no local variable does. */
struct job {
    png_structp png;
    png_infop info;
    const unsigned char *data;
    size_t bytes, used;
    struct mien_bitmap *out;
    png_bytep *rows;
    struct mien_error *err;
    enum mien_status status; /* of our own checks; then `err` is filled in */
    bool no_memory;
    char text[160]; /* what libpng said */
};

static void on_error(png_structp png, png_const_charp text)
{
    struct job *const job = png_get_error_ptr(png);
    (void)snprintf(job->text, sizeof(job->text), "%s", text);
    png_longjmp(png, 1);
}

static png_voidp on_allocate(png_structp png, png_alloc_size_t bytes)
{
    struct job *const job = png_get_mem_ptr(png);
    void *const block = malloc(bytes);
    job->no_memory = job->no_memory || block == NULL;
    return block;
}

static void on_free(png_structp png, png_voidp block)
{
    (void)png;
    free(block);
}

/* Warnings concern chunks beside the image. */
static void on_warning(png_structp png, png_const_charp text)
{
    (void)png;
    (void)text;
}

static void on_read(png_structp png, png_bytep to, size_t bytes)
{
    struct job *const job = png_get_io_ptr(png);
    if (bytes > job->bytes - job->used) {
        png_error(png, "the file is cut short");
    }
    memcpy(to, job->data + job->used, bytes);
    job->used += bytes;
}

/* Chunks that could hold large texts and profiles; none of them changes what we take. */
static void skip_extras(png_structp png)
{
    static const unsigned char names[] = "iCCP\0zTXt\0iTXt\0tEXt\0eXIf\0sPLT\0hIST";
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, names, (int)(sizeof(names) / 5));
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX); /* ours say what they are */
}

static enum mien_status allocate_rows(struct job *job, size_t height, size_t width, size_t samples)
{
    const enum mien_status st = mien_bitmap_allocate(job->out, height, width, samples, job->err);
    if (st != MIEN_OK) {
        return st;
    }
    job->rows = mien_calloc(height, sizeof(*job->rows), job->err);
    if (job->rows == NULL) {
        return MIEN_ERR_MEMORY;
    }
    for (size_t y = 0; y < height; y++) {
        job->rows[y] = job->out->pixels + y * width * samples;
    }
    return MIEN_OK;
}

/* False when libpng or we refused; then job->status or job->text says why. */
static bool read_image(struct job *job)
{
    png_structp const png = job->png;
    png_infop const info = job->info;
    if (setjmp(png_jmpbuf(png)) != 0) {
        return false;
    }
    skip_extras(png);
    png_set_read_fn(png, job, on_read);
    png_read_info(png, info);
    job->status = mien_bitmap_check_size(png_get_image_height(png, info),
                                         png_get_image_width(png, info), job->err);
    if (job->status != MIEN_OK) { /* before libpng allocates a row */
        return false;
    }

    const int depth = png_get_bit_depth(png, info);
    const int type = png_get_color_type(png, info);
    const bool keyed = png_get_valid(png, info, PNG_INFO_tRNS) != 0;
    job->out->converted =
        depth != 8 || keyed || (type != PNG_COLOR_TYPE_GRAY && type != PNG_COLOR_TYPE_RGB);
    if (type == PNG_COLOR_TYPE_PALETTE) {
        png_set_palette_to_rgb(png);
    }
    if (type == PNG_COLOR_TYPE_GRAY && depth < 8) {
        png_set_expand_gray_1_2_4_to_8(png);
    }
    if (keyed) {
        png_set_tRNS_to_alpha(png);
    }
    png_set_scale_16(png);
    (void)png_set_interlace_handling(png);
    png_read_update_info(png, info);

    const size_t samples = png_get_channels(png, info);
    const size_t width = png_get_image_width(png, info);
    if (png_get_rowbytes(png, info) != width * samples) {
        png_error(png, "rows of an unexpected size");
    }
    job->out->channels = (int)samples;
    job->status = allocate_rows(job, png_get_image_height(png, info), width, samples);
    if (job->status != MIEN_OK) {
        return false;
    }
    png_read_image(png, job->rows);
    png_read_end(png, NULL);
    return true;
}

/* In place: drop alpha after laying the image over black. */
static void flatten_alpha(struct mien_bitmap *bitmap)
{
    const size_t count = (size_t)bitmap->height * (size_t)bitmap->width;
    const size_t colours = (size_t)bitmap->channels - 1;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *const from = bitmap->pixels + i * (colours + 1);
        const unsigned alpha = from[colours];
        for (size_t c = 0; c < colours; c++) {
            bitmap->pixels[i * colours + c] = (uint8_t)((from[c] * alpha + 127) / 255);
        }
    }
    bitmap->channels = (int)colours;
}

enum mien_status mien_png_decode(struct mien_bitmap *out, const unsigned char *data, size_t bytes,
                                 struct mien_error *err)
{
    *out = (struct mien_bitmap){ 0 };
    struct job job = { .data = data, .bytes = bytes, .out = out, .err = err };
    job.png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, &job, on_error, on_warning, &job,
                                       on_allocate, on_free);
    job.info = job.png != NULL ? png_create_info_struct(job.png) : NULL;
    if (job.info == NULL) {
        png_destroy_read_struct(&job.png, NULL, NULL);
        return mien_fail(err, MIEN_ERR_MEMORY, "no memory for the PNG decoder");
    }
    const bool ok = read_image(&job);
    png_destroy_read_struct(&job.png, &job.info, NULL);
    free(job.rows);
    if (!ok) {
        mien_bitmap_finish(out);
        if (job.status != MIEN_OK) {
            return job.status;
        }
        return job.no_memory ? mien_fail(err, MIEN_ERR_MEMORY, "no memory to decode a PNG image")
                             : mien_fail(err, MIEN_ERR_FORMAT, "damaged PNG: %s", job.text);
    }
    if (out->channels == 2 || out->channels == 4) {
        flatten_alpha(out);
    }
    return MIEN_OK;
}
