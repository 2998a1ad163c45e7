/** font.h - the shapes of ASCII characters (internal to src/draw) */
#ifndef MIEN_DRAW_FONT_H
#define MIEN_DRAW_FONT_H

/** Dots of a character; the last two rows are below the line that letters stand on. */
enum { MIEN_FONT_COLUMNS = 5, MIEN_FONT_ROWS = 9 };

/** MIEN_FONT_COLUMNS characters, '#' where there is a dot; c is printable ASCII. */
const char *mien_font_row(char c, int row);

#endif
