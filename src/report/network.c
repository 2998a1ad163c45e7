/* network.c - the network, layer by layer, as a picture and as a table */
#include <math.h>
#include <string.h>

#include "report/parts.h"

enum { SIDE = 56, SMALLEST = 7, DEPTH = 3, MOST_PLANES = 10, BOX = 92 }; /* units of an SVG */

/* The kind of a layer, the first word of its spec, is one of those with no picture of their own. */
static bool is_follower(const json_t *layer)
{
    static const char *const kinds[] = { "batchnorm", "relu",    "leakyrelu", "sigmoid", "silu",
                                         "gelu",      "dropout", "flatten",   "mark" };
    const char *const spec = mien_part_text(layer, "spec");
    const size_t length = strcspn(spec, " ");
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strlen(kinds[i]) == length && strncmp(spec, kinds[i], length) == 0) {
            return true;
        }
    }
    return false;
}

static const char *colour_of(const json_t *layer)
{
    const char *const spec = mien_part_text(layer, "spec");
    return strncmp(spec, "conv", 4) == 0    ? "conv"
           : strncmp(spec, "dense", 5) == 0 ? "dense"
           : strstr(spec, "pool") != NULL   ? "pool"
                                            : "other";
}

static double size_at(const json_t *shape, size_t index)
{
    const double value = json_number_value(json_array_get(shape, index));
    return value >= 1.0 && value < 1e9 ? value : 1.0;
}

/* Planes one behind another, as many as log2 of the channels says, as large as the map is beside
 * the input; features without a map are a bar. */
static void draw_shape(FILE *to, const json_t *shape, double largest, const char *colour)
{
    const double c = size_at(shape, 0);
    const double h = size_at(shape, 1);
    const double w = size_at(shape, 2);
    (void)fprintf(to,
                  "<svg class=\"layer %s\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" "
                  "aria-hidden=\"true\">",
                  colour, BOX, BOX, BOX, BOX);
    if (h * w > 1.0) {
        const int planes = (int)fmin(1.0 + floor(log2(c) + 0.5), MOST_PLANES);
        const double high = fmax(SIDE * sqrt(h / largest), SMALLEST);
        const double wide = fmax(SIDE * sqrt(w / largest), SMALLEST);
        const double all = DEPTH * (planes - 1);
        for (int i = 0; i < planes; i++) {
            (void)fprintf(to,
                          "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"2\"/>",
                          (BOX - wide + all) / 2.0 - DEPTH * i,
                          (BOX - high - all) / 2.0 + DEPTH * i, wide, high);
        }
    } else {
        const double high = fmin(8.0 + 7.0 * log2(c), BOX - 8.0);
        (void)fprintf(to, "<rect x=\"%.1f\" y=\"%.1f\" width=\"12\" height=\"%.1f\" rx=\"3\"/>",
                      BOX / 2.0 - 6.0, (BOX - high) / 2.0, high);
    }
    (void)fputs("</svg>\n", to);
}

static void write_size(FILE *to, const json_t *shape)
{
    (void)fprintf(to, "%.0f", size_at(shape, 0));
    if (size_at(shape, 1) * size_at(shape, 2) > 1.0) {
        (void)fprintf(to, " &times; %.0f &times; %.0f", size_at(shape, 1), size_at(shape, 2));
    }
}

/* A layer with a picture, and those that follow it; returns the index behind them. */
static size_t write_block(FILE *to, const json_t *layers, size_t first, double largest)
{
    const json_t *const layer = json_array_get(layers, first);
    char count[MIEN_HTML_COUNT_BYTES];
    size_t end = first + 1;
    double parameters = fmax(mien_part_number(layer, "parameters"), 0.0); /* passes NaN over */
    for (; end < json_array_size(layers) && is_follower(json_array_get(layers, end)); end++) {
        parameters += fmax(mien_part_number(json_array_get(layers, end), "parameters"), 0.0);
    }
    (void)fputs("<li class=\"block\">", to);
    draw_shape(to, json_object_get(json_array_get(layers, end - 1), "output"), largest,
               colour_of(layer));
    (void)fputs("<div class=\"name\">", to);
    mien_html_text(to, mien_part_text(layer, "name"));
    (void)fputs("</div><div class=\"spec\">", to);
    mien_html_text(to, mien_part_text(layer, "spec"));
    (void)fputs("</div>", to);
    for (size_t i = first + 1; i < end; i++) {
        (void)fputs("<div class=\"chip\">", to);
        mien_html_text(to, mien_part_text(json_array_get(layers, i), "spec"));
        (void)fputs("</div>", to);
    }
    (void)fputs("<div class=\"size\">", to);
    write_size(to, json_object_get(json_array_get(layers, end - 1), "output"));
    (void)fprintf(to, "</div><div class=\"count\">%s</div></li>\n",
                  parameters > 0.0 ? mien_html_count(count, parameters) : "&nbsp;");
    return end;
}

static void write_layers(FILE *to, const json_t *network)
{
    const json_t *layer = NULL;
    size_t i = 0;
    char count[MIEN_HTML_COUNT_BYTES];
    (void)fputs("<details><summary>Every layer in numbers</summary><div class=\"scroll\"><table>\n"
                "<thead><tr><th class=\"left\">layer</th><th class=\"left\">what</th>"
                "<th>output</th><th>parameters</th><th>MFLOP</th></tr></thead>\n<tbody>\n",
                to);
    json_array_foreach(json_object_get(network, "layers"), i, layer)
    {
        (void)fputs("<tr><td class=\"left\">", to);
        mien_html_text(to, mien_part_text(layer, "name"));
        (void)fputs("</td><td class=\"left\">", to);
        mien_html_text(to, mien_part_text(layer, "spec"));
        (void)fputs("</td><td>", to);
        write_size(to, json_object_get(layer, "output"));
        (void)fprintf(to, "</td><td>%s</td><td>%.3f</td></tr>\n",
                      mien_html_count(count, mien_part_number(layer, "parameters")),
                      mien_part_number(layer, "flop") / 1e6);
    }
    (void)fputs("</tbody></table></div></details>\n", to);
}

void mien_report_network(FILE *to, const json_t *report)
{
    const json_t *const model = json_object_get(report, "model");
    const json_t *const network = json_object_get(model, "network");
    const json_t *const layers = json_object_get(network, "layers");
    const json_t *const input = json_object_get(network, "input");
    const char *const recipe = mien_part_text(model, "recipe");
    if (json_array_size(layers) == 0) {
        return;
    }
    const double largest = fmax(size_at(input, 1), size_at(input, 2));
    mien_html_section(to, "network", "Network",
                      "What each layer gives: channels &times; height &times; width, and below "
                      "it how many numbers were learned.");
    (void)fputs("<ol class=\"blocks\">\n<li class=\"block\">", to);
    draw_shape(to, input, largest, "other");
    (void)fputs("<div class=\"name\">image</div><div class=\"size\">", to);
    write_size(to, input);
    (void)fputs("</div></li>\n", to);
    for (size_t i = 0; i < json_array_size(layers);) {
        i = write_block(to, layers, i, largest);
    }
    (void)fputs("</ol>\n", to);
    write_layers(to, network);
    if (*recipe != '\0') {
        (void)fputs("<details><summary>The recipe</summary><pre>", to);
        mien_html_text(to, recipe);
        (void)fputs("</pre></details>\n", to);
    }
    mien_html_section_end(to);
}
