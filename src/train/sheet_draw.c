/* sheet_draw.c - a sheet of training images as a picture that people can read */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "train/sheet.h"

static const struct mien_colour paper = { 255, 255, 255 };
static const struct mien_colour ink = { 24, 28, 36 };
static const struct mien_colour faint = { 104, 110, 122 };

enum { MARGIN = 16, GAP = 8, ROW_GAP = 14, LABEL_BYTES = 192, MOST_LINES = 8 };
/* Characters of the narrowest sheet, and of what is below a tile, at most. */
enum { LEAST_CHARACTERS = 44, MIX_CHARACTERS = 16 };

/* Where everything stands, in pixels. */
struct layout {
    int enlarged; /* canvas pixels of an image's pixel */
    int tile_width, tile_height;
    int text, line;    /* size and height of text */
    int column, row;   /* from one tile to the next */
    int width, height; /* of the whole */
    int top;           /* of the first row's label */
    bool mixed;        /* a line below each tile */
    char legend[MOST_LINES][LABEL_BYTES];
    int legend_lines;
};

static int larger(int a, int b)
{
    return a > b ? a : b;
}

static void name_column(char out[LABEL_BYTES], int column)
{
    (void)snprintf(out, LABEL_BYTES, column == 0 ? "as it is" : "epoch %d", column);
}

/* "+34% sad": what was mixed into an image. */
static void name_mix(char out[LABEL_BYTES], double share, const char *class)
{
    (void)snprintf(out, LABEL_BYTES, "+%.0f%% %.100s", 100.0 * share, class);
}

/* Pixels that suit what is below a tile: the longest class, unless it is very long. */
static int mix_width(const struct mien_dataset *set, int text)
{
    char name[LABEL_BYTES];
    int width = 0;
    for (int i = 0; i < set->class_count; i++) {
        name_mix(name, 1.0, set->classes[i]);
        width = larger(width, mien_text_width(name, text));
    }
    const int most = MIX_CHARACTERS * MIEN_TEXT_WIDTH * text;
    return width < most ? width : most;
}

/* A blank behind a comma or semicolon. */
static bool is_break(const char *at)
{
    return at[0] == ' ' && (at[-1] == ',' || at[-1] == ';');
}

/* Break the legend behind commas, at most so many characters a line. */
static void wrap_legend(struct layout *layout, const char *text, int characters)
{
    while (*text != '\0' && layout->legend_lines < MOST_LINES) {
        int length = (int)strlen(text);
        if (length > characters) {
            for (length = characters; length > 1 && !is_break(text + length); length--) {
            }
        }
        (void)snprintf(layout->legend[layout->legend_lines++], LABEL_BYTES, "%.*s", length, text);
        text += length;
        text += *text == ' ' ? 1 : 0;
    }
}

static void write_legend(struct layout *layout, const struct mien_recipe *recipe)
{
    char changes[MIEN_AUGMENT_TEXT_BYTES];
    char whole[MIEN_AUGMENT_TEXT_BYTES + 96];
    mien_recipe_augment_text(changes, recipe);
    (void)snprintf(whole, sizeof(whole), "%s; seed %llu",
                   changes[0] != '\0' ? changes : "augment: nothing, images stay as they are",
                   (unsigned long long)recipe->train.seed);
    const int characters = (layout->width - 2 * MARGIN) / (MIEN_TEXT_WIDTH * layout->text);
    wrap_legend(layout, whole, characters < LABEL_BYTES ? characters : LABEL_BYTES - 1);
}

static void lay_out(struct layout *layout, const struct mien_recipe *recipe,
                    const struct mien_dataset *set, size_t images, int epochs, int size)
{
    char name[LABEL_BYTES];
    const int longer = larger(recipe->input.height, recipe->input.width);
    *layout = (struct layout){
        .enlarged = larger(size / longer, 1),
        .text = size < 96 ? 1 : 2,
        .mixed = recipe->augment.mixup > 0.0f,
    };
    layout->tile_width = recipe->input.width * layout->enlarged;
    layout->tile_height = recipe->input.height * layout->enlarged;
    layout->line = MIEN_TEXT_HEIGHT * layout->text + 2;
    name_column(name, epochs);
    const int titles =
        larger(mien_text_width(name, layout->text), mien_text_width("as it is", layout->text));
    layout->column = larger(layout->tile_width + GAP, titles + 2 * MIEN_TEXT_WIDTH * layout->text);
    if (layout->mixed) {
        layout->column = larger(layout->column, mix_width(set, layout->text) + GAP);
    }
    layout->row = layout->line + layout->tile_height + (layout->mixed ? layout->line : 0) + ROW_GAP;
    layout->width = 2 * MARGIN + larger((1 + epochs) * layout->column - GAP,
                                        LEAST_CHARACTERS * MIEN_TEXT_WIDTH * layout->text);
    write_legend(layout, recipe);
    layout->top = MARGIN + (layout->legend_lines + 2) * layout->line + 2 * GAP;
    /* Beyond what a canvas may be any number says so, and this one fits an int. */
    const int most = MIEN_CANVAS_MAX_SIDE / layout->row + 1;
    const int rows = images < (size_t)most ? (int)images : most;
    layout->height = layout->top + rows * layout->row + MARGIN;
}

enum mien_status mien_sheet_check(const struct mien_recipe *recipe, const struct mien_dataset *set,
                                  const struct mien_sheet_options *options, int size,
                                  struct mien_error *err)
{
    struct layout layout;
    const size_t train = set->splits[MIEN_SPLIT_TRAIN].count;
    const size_t images = options->images < train ? options->images : train;
    lay_out(&layout, recipe, set, images, options->epochs, size);
    if (layout.width > MIEN_CANVAS_MAX_SIDE || layout.height > MIEN_CANVAS_MAX_SIDE) {
        return mien_fail(err, MIEN_ERR_USAGE,
                         "a sheet of %zu images in %d epochs has more than %d pixels a side: take "
                         "fewer, or smaller ones",
                         images, options->epochs, MIEN_CANVAS_MAX_SIDE);
    }
    return MIEN_OK;
}

/* Text in at most `width` pixels, its end cut off and ".." in its place where it is longer. */
static void draw_text(struct mien_canvas *out, int x, int y, int size, struct mien_colour colour,
                      const char *text, int width)
{
    char cut[LABEL_BYTES];
    size_t length = (size_t)snprintf(cut, sizeof(cut), "%s", text);
    length = length < sizeof(cut) ? length : sizeof(cut) - 1;
    while (mien_text_width(cut, size) > width && length > 2) {
        length--;
        memcpy(cut + length - 2, "..", 3);
    }
    mien_canvas_text(out, x, y, size, colour, cut);
}

static void draw_tile(struct mien_canvas *out, int x, int y, const struct layout *layout,
                      const struct mien_sheet *sheet, size_t image, int column)
{
    const int channels = sheet->recipe->input.channels;
    const int side = layout->enlarged;
    const uint8_t *pixel = mien_sheet_pixels(sheet, image, column);
    for (int row = 0; row < sheet->recipe->input.height; row++) {
        for (int at = 0; at < sheet->recipe->input.width; at++) {
            const struct mien_colour colour =
                channels == 1 ? (struct mien_colour){ pixel[0], pixel[0], pixel[0] }
                              : (struct mien_colour){ pixel[0], pixel[1], pixel[2] };
            mien_canvas_fill(out, x + at * side, y + row * side, side, side, colour);
            pixel += channels;
        }
    }
}

static void draw_row(struct mien_canvas *out, const struct layout *layout,
                     const struct mien_sheet *sheet, size_t image)
{
    char number[MIEN_DATASET_NAME_BYTES];
    char mixed[LABEL_BYTES];
    const struct mien_dataset *const set = sheet->set;
    const size_t index = sheet->images[image];
    const char *const class = set->classes[set->labels[index]];
    const int y = layout->top + (int)image * layout->row;
    const int name_x =
        MARGIN + mien_text_width(class, layout->text) + 2 * MIEN_TEXT_WIDTH * layout->text;
    draw_text(out, MARGIN, y, layout->text, ink, class, layout->width - 2 * MARGIN);
    if (name_x < layout->width - MARGIN - layout->column) {
        draw_text(out, name_x, y, layout->text, faint, mien_dataset_name(number, set, index),
                  layout->width - MARGIN - name_x);
    }
    for (int column = 0; column <= sheet->epochs; column++) {
        const int x = MARGIN + column * layout->column;
        draw_tile(out, x, y + layout->line, layout, sheet, image, column);
        if (layout->mixed && column > 0) {
            const struct mien_sheet_mix *const mix =
                &sheet->mixes[image * (size_t)sheet->epochs + (size_t)column - 1];
            name_mix(mixed, (double)mix->share, set->classes[set->labels[mix->with]]);
            draw_text(out, x, y + layout->line + layout->tile_height + 4, layout->text, faint,
                      mixed, layout->column - GAP);
        }
    }
}

enum mien_status mien_sheet_draw(struct mien_canvas *out, const struct mien_sheet *sheet, int size,
                                 struct mien_error *err)
{
    struct layout layout;
    char text[LABEL_BYTES];
    lay_out(&layout, sheet->recipe, sheet->set, sheet->count, sheet->epochs, size);
    const enum mien_status st = mien_canvas_init(out, layout.width, layout.height, paper, err);
    if (st != MIEN_OK) {
        return st;
    }
    const int inner = layout.width - 2 * MARGIN;
    (void)snprintf(text, sizeof(text), "What %s sees in training", sheet->recipe->name);
    draw_text(out, MARGIN, MARGIN, layout.text, ink, text, inner);
    for (int i = 0; i < layout.legend_lines; i++) {
        draw_text(out, MARGIN, MARGIN + (i + 1) * layout.line, layout.text, faint, layout.legend[i],
                  inner);
    }
    for (int column = 0; column <= sheet->epochs; column++) {
        name_column(text, column);
        mien_canvas_text(out, MARGIN + column * layout.column, layout.top - layout.line - GAP / 2,
                         layout.text, ink, text);
    }
    for (size_t image = 0; image < sheet->count; image++) {
        draw_row(out, &layout, sheet, image);
    }
    return MIEN_OK;
}
