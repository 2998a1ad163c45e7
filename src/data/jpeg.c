/* jpeg.c - JPEG files (gray, YCbCr, RGB, CMYK, YCCK; baseline, progressive) to 8-bit gray or RGB */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>

#include <jerror.h>

#include "data/image.h"

/* A progressive file may repeat its scans without end; real ones have about ten. */
enum { MAX_SCANS = 100 };

/* All that lives across longjmp: no local variable does. */
struct job {
    struct jpeg_decompress_struct cinfo;
    struct jpeg_error_mgr manager;
    struct jpeg_progress_mgr progress;
    jmp_buf jump;
    struct mien_bitmap *out;
    struct mien_error *err;
    enum mien_status status; /* not damage, but our own checks or memory; then `err` is filled in */
    char text[JMSG_LENGTH_MAX];
};

static void on_error(j_common_ptr cinfo)
{
    struct job *const job = cinfo->client_data;
    cinfo->err->format_message(cinfo, job->text);
    if (cinfo->err->msg_code == JERR_IMAGE_TOO_BIG) { /* for libjpeg, whose limit is beyond ours */
        job->status =
            mien_bitmap_check_size(job->cinfo.image_height, job->cinfo.image_width, job->err);
    }
    if (cinfo->err->msg_code == JERR_OUT_OF_MEMORY) {
        job->status = mien_fail(job->err, MIEN_ERR_MEMORY, "no memory to decode a JPEG image");
    }
    longjmp(job->jump, 1);
}

/* libjpeg fills in for missing or wrong data and only warns; we want the truth. */
static void on_message(j_common_ptr cinfo, int level)
{
    const int code = cinfo->err->msg_code;
    const bool harmless = code == JWRN_ADOBE_XFORM || code == JWRN_JFIF_MAJOR ||
                          code == JWRN_EXTRANEOUS_DATA || code == JWRN_TOO_MUCH_DATA;
    if (level < 0 && !harmless) {
        on_error(cinfo);
    }
}

static void drop_message(j_common_ptr cinfo)
{
    (void)cinfo;
}

static void on_progress(j_common_ptr cinfo)
{
    struct job *const job = cinfo->client_data;
    if (job->cinfo.input_scan_number > MAX_SCANS) {
        (void)snprintf(job->text, sizeof(job->text), "more than %d scans", MAX_SCANS);
        longjmp(job->jump, 1);
    }
}

/* The colour form to ask for; the number of samples is in cinfo.output_components afterwards. */
static void choose_colours(struct jpeg_decompress_struct *cinfo)
{
    switch (cinfo->jpeg_color_space) {
    case JCS_GRAYSCALE: cinfo->out_color_space = JCS_GRAYSCALE; break;
    case JCS_CMYK:
    case JCS_YCCK: cinfo->out_color_space = JCS_CMYK; break;
    default: cinfo->out_color_space = JCS_RGB; break; /* or libjpeg says that it cannot */
    }
}

/* False when libjpeg or we refused; then job->status or job->text says why. */
static bool read_image(struct job *job, const unsigned char *data, size_t bytes)
{
    struct jpeg_decompress_struct *const cinfo = &job->cinfo;
    if (setjmp(job->jump) != 0) {
        return false;
    }
    jpeg_create_decompress(cinfo);
    cinfo->progress = &job->progress;
    jpeg_mem_src(cinfo, data, (unsigned long)bytes);
    (void)jpeg_read_header(cinfo, TRUE);
    choose_colours(cinfo);
    jpeg_calc_output_dimensions(cinfo);
    const size_t samples = (size_t)cinfo->output_components;
    job->status = mien_bitmap_allocate(job->out, cinfo->output_height, cinfo->output_width, samples,
                                       job->err);
    if (job->status != MIEN_OK) {
        return false;
    }
    job->out->channels = (int)samples;
    (void)jpeg_start_decompress(cinfo);
    while (cinfo->output_scanline < cinfo->output_height) {
        JSAMPROW row = job->out->pixels +
                       (size_t)cinfo->output_scanline * samples * (size_t)cinfo->output_width;
        (void)jpeg_read_scanlines(cinfo, &row, 1);
    }
    (void)jpeg_finish_decompress(cinfo);
    return true;
}

/* In place.  Adobe writes ink upside down: 255 is none. */
static void flatten_inks(struct mien_bitmap *bitmap, bool inverted)
{
    const size_t count = (size_t)bitmap->height * (size_t)bitmap->width;
    const unsigned flip = inverted ? 0 : 255;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *const from = bitmap->pixels + 4 * i;
        const unsigned light = from[3] ^ flip;
        for (size_t c = 0; c < 3; c++) {
            bitmap->pixels[3 * i + c] = (uint8_t)(((from[c] ^ flip) * light + 127) / 255);
        }
    }
    bitmap->channels = 3;
    bitmap->converted = true;
}

enum mien_status mien_jpeg_decode(struct mien_bitmap *out, const unsigned char *data, size_t bytes,
                                  struct mien_error *err)
{
    *out = (struct mien_bitmap){ 0 };
    struct job job = { .out = out, .err = err };
    job.cinfo.err = jpeg_std_error(&job.manager);
    job.cinfo.client_data = &job;
    job.manager.error_exit = on_error;
    job.manager.emit_message = on_message;
    job.manager.output_message = drop_message;
    job.progress.progress_monitor = on_progress;
    const bool ok = read_image(&job, data, bytes);
    const bool inverted = job.cinfo.saw_Adobe_marker;
    jpeg_destroy_decompress(&job.cinfo);
    if (!ok) {
        mien_bitmap_finish(out);
        return job.status != MIEN_OK
                   ? job.status
                   : mien_fail(err, MIEN_ERR_FORMAT, "damaged JPEG: %s", job.text);
    }
    if (out->channels == 4) {
        flatten_inks(out, inverted);
    }
    return MIEN_OK;
}
