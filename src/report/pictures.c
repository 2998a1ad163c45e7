/* pictures.c - images, mistakes, filters and feature maps */
#include <math.h>
#include <string.h>

#include "report/parts.h"

void mien_report_samples(FILE *to, const json_t *report)
{
    const json_t *const groups = json_object_get(report, "samples");
    const json_t *group = NULL;
    const json_t *image = NULL;
    size_t i = 0;
    size_t k = 0;
    char text[MIEN_HTML_COUNT_BYTES];
    if (json_array_size(groups) == 0) {
        return;
    }
    mien_html_section(to, "samples", "Images", "Some of each class, as the network gets them.");
    (void)fputs("<div class=\"samples\">\n", to);
    json_array_foreach(groups, i, group)
    {
        (void)fputs("<figure><figcaption>", to);
        mien_html_text(to, mien_part_text(group, "class"));
        (void)fprintf(to, " <span class=\"faint\">%s</span></figcaption><div class=\"row\">",
                      mien_html_count(text, mien_part_number(group, "count")));
        json_array_foreach(json_object_get(group, "images"), k, image)
        {
            mien_html_picture(to, image, "png", "face", mien_part_text(image, "name"));
        }
        (void)fputs("</div></figure>\n", to);
    }
    (void)fputs("</div>\n", to);
    mien_html_section_end(to);
}

void mien_report_mistakes(FILE *to, const json_t *report)
{
    const json_t *const mistakes = json_object_get(report, "mistakes");
    const char *const layer = mien_part_text(report, "gradcam_layer");
    const json_t *one = NULL;
    size_t i = 0;
    if (json_array_size(mistakes) == 0) {
        return;
    }
    mien_html_section(to, "mistakes", "Most confident mistakes", NULL);
    if (*layer != '\0') {
        (void)fputs("<p class=\"about\">The images of which the network was surest, and wrong. "
                    "Beside each, where it saw what speaks for what it took the image for "
                    "(Grad-CAM at ",
                    to);
        mien_html_text(to, layer);
        (void)fputs("; dark blue little, light yellow much).</p>\n", to);
    } else {
        (void)fputs(
            "<p class=\"about\">The images of which the network was surest, and wrong.</p>\n", to);
    }
    (void)fputs("<div class=\"mistakes\">\n", to);
    json_array_foreach(mistakes, i, one)
    {
        (void)fputs("<figure><div class=\"pair\">", to);
        mien_html_picture(to, one, "png", "face", mien_part_text(one, "name"));
        mien_html_picture(to, one, "overlay", "", "what spoke for it");
        (void)fputs("</div><figcaption><b>", to);
        mien_html_text(to, mien_part_text(one, "predicted"));
        (void)fprintf(to, "</b> %.1f %%<br><span class=\"faint\">is ",
                      100.0 * mien_part_number(one, "probability"));
        mien_html_text(to, mien_part_text(one, "truth"));
        (void)fprintf(to, " %.1f %%<br><span class=\"file\">",
                      100.0 * mien_part_number(one, "truth_probability"));
        mien_html_text(to, mien_part_text(one, "name"));
        (void)fputs("</span></span></figcaption></figure>\n", to);
    }
    (void)fputs("</div>\n", to);
    mien_html_section_end(to);
}

/* A row of small pictures, each of a channel. */
static void write_channels(FILE *to, const json_t *list)
{
    const json_t *one = NULL;
    size_t i = 0;
    char alt[64];
    (void)fputs("<div class=\"channels\">", to);
    json_array_foreach(list, i, one)
    {
        (void)snprintf(alt, sizeof(alt), "channel %.0f", mien_part_number(one, "channel"));
        (void)fprintf(to, "<span title=\"%s\">", alt);
        mien_html_picture(to, one, "png", "pixels", alt);
        (void)fputs("</span>", to);
    }
    (void)fputs("</div>\n", to);
}

void mien_report_filters(FILE *to, const json_t *report)
{
    const json_t *const filters = json_object_get(report, "filters");
    const json_t *const list = json_object_get(filters, "pictures");
    if (json_array_size(list) == 0) {
        return;
    }
    mien_html_section(to, "filters", "First filters", NULL);
    (void)fputs("<p class=\"about\">What ", to);
    mien_html_text(to, mien_part_text(filters, "layer"));
    (void)fprintf(to, " looks for: %zu of %.0f filters of %.0f &times; %.0f, %s</p>\n",
                  json_array_size(list), mien_part_number(filters, "count"),
                  mien_part_number(filters, "height"), mien_part_number(filters, "width"),
                  json_is_true(json_object_get(filters, "colour"))
                      ? "in the colours that they respond to."
                      : "blue for negative weights, orange for positive ones.");
    write_channels(to, list);
    mien_html_section_end(to);
}

void mien_report_maps(FILE *to, const json_t *report)
{
    const json_t *const maps = json_object_get(report, "maps");
    const json_t *const layers = json_object_get(maps, "layers");
    const json_t *layer = NULL;
    size_t i = 0;
    if (json_array_size(layers) == 0) {
        return;
    }
    mien_html_section(to, "maps", "Feature maps",
                      "What layers make of one image: the channels that respond most to it, dark "
                      "blue little, light yellow much.");
    (void)fputs("<div class=\"maps\"><figure>", to);
    mien_html_picture(to, maps, "png", "face large", mien_part_text(maps, "name"));
    (void)fputs("<figcaption><b>", to);
    mien_html_text(to, mien_part_text(maps, "predicted"));
    (void)fprintf(to, "</b> %.1f %%<br><span class=\"faint file\">",
                  100.0 * mien_part_number(maps, "probability"));
    mien_html_text(to, mien_part_text(maps, "name"));
    (void)fputs("</span></figcaption></figure><div>\n", to);
    json_array_foreach(layers, i, layer)
    {
        (void)fputs("<h3>", to);
        mien_html_text(to, mien_part_text(layer, "layer"));
        (void)fprintf(to,
                      " <span class=\"faint\">%zu of %.0f channels, %.0f &times; %.0f</span></h3>",
                      json_array_size(json_object_get(layer, "pictures")),
                      mien_part_number(layer, "channels"), mien_part_number(layer, "height"),
                      mien_part_number(layer, "width"));
        write_channels(to, json_object_get(layer, "pictures"));
    }
    (void)fputs("</div></div>\n", to);
    mien_html_section_end(to);
}
