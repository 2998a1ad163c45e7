/* c_text.c - the texts of a network in C but for its layers: header, network, example */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "export/c_parts.h"

/* A text for the inside of a comment, which it must not end. */
static void print_comment(FILE *to, const char *text, const char *margin)
{
    (void)fputs(margin, to);
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '\n') {
            if (c[1] != '\0') {
                (void)fprintf(to, "\n%s", margin);
            }
            continue;
        }
        (void)fputc(*c, to);
        if ((c[0] == '*' && c[1] == '/') || (c[0] == '/' && c[1] == '*')) {
            (void)fputc(' ', to);
        }
    }
    (void)fputc('\n', to);
}

/* A string literal, plain ASCII whatever is in the text. */
static void print_string(FILE *to, const char *text)
{
    (void)fputc('"', to);
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\' || *c == '?') { /* no trigraphs */
            (void)fprintf(to, "\\%c", *c);
        } else if (*c < 0x20 || *c >= 0x7f) {
            (void)fprintf(to, "\\%03o", (unsigned)*c);
        } else {
            (void)fputc(*c, to);
        }
    }
    (void)fputc('"', to);
}

void mien_c_print_header(FILE *to, const struct mien_c_source *source)
{
    const struct mien_network *const network = source->file->network;
    const char *const name = source->name;
    const char *const upper = source->upper;
    const int channels = network->input.c;
    const struct mien_data_options loaded = mien_recipe_data_options(source->file->recipe);
    (void)fprintf(
        to,
        "/* %s.h - a trained network: one %dx%d %s image at a time; written by mien " MIEN_VERSION
        " */\n"
        "#ifndef %s_H\n#define %s_H\n\n"
        "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n"
        "enum {\n    %s_CHANNELS = %d,\n    %s_HEIGHT = %d,\n    %s_WIDTH = %d,\n"
        "    %s_CLASSES = %d\n};\n\n",
        name, loaded.height, loaded.width, channels == 1 ? "gray" : "RGB", upper, upper, upper,
        channels, upper, loaded.height, upper, loaded.width, upper, network->classes);
    (void)fprintf(
        to,
        "/* Names of the classes. */\n"
        "extern const char *const %s_classes[%s_CLASSES];\n\n"
        "/*\n"
        " * What the network gives for an image, before softmax: the largest one is its answer.\n"
        " * pixels [%s_HEIGHT][%s_WIDTH][%s_CHANNELS], 0 to 255.\n"
        " * Works in static buffers: one call at a time.\n"
        " */\n"
        "void %s_logits(float logits[%s_CLASSES], const unsigned char *pixels);\n\n"
        "/* The same as probabilities, which sum to 1. */\n"
        "void %s_probabilities(float probabilities[%s_CLASSES], const unsigned char *pixels);\n\n"
        "#ifdef __cplusplus\n}\n#endif\n\n#endif\n",
        name, upper, upper, upper, upper, name, upper, name, upper);
}

static const char normalize[] =
    "/*\n"
    " * Pixels [height + 2 margin][width + 2 margin][channels], their middle, to\n"
    " * y [channels][height][width] = pixel * scale + shift.\n"
    " */\n"
    "static void normalize(float *y, const unsigned char *pixels, int channels, int height, int "
    "width,\n"
    "                      int margin, float scale, float shift)\n"
    "{\n"
    "    for (int c = 0; c < channels; c++) {\n"
    "        for (int v = margin; v < height + margin; v++) {\n"
    "            for (int h = margin; h < width + margin; h++) {\n"
    "                const int at = v * (width + 2 * margin) + h;\n"
    "                *y++ = (float)pixels[at * channels + c] * scale + shift;\n"
    "            }\n"
    "        }\n"
    "    }\n"
    "}\n"
    "\n";

/* Everything in front of the functions. */
static void print_top(FILE *to, const struct mien_c_source *source)
{
    const struct mien_network *const network = source->file->network;
    char param[2 * MIEN_C_NAME_BYTES];
    (void)fprintf(to,
                  "#include \"%s.h\"\n\n#include <math.h>\n#include <stddef.h>\n\n"
                  "const char *const %s_classes[%s_CLASSES] = {\n",
                  source->name, source->name, source->upper);
    for (int i = 0; i < network->classes; i++) {
        (void)fprintf(to, "    ");
        print_string(to, source->file->classes[i]);
        (void)fprintf(to, ",\n");
    }
    (void)fprintf(to, "};\n\n/* In %s_weights.c. */\n", source->name);
    for (size_t i = 0; i < network->param_count; i++) {
        (void)fprintf(to, "extern const float %s[%zu];\n",
                      mien_c_param_name(param, source, &network->params[i]),
                      network->params[i].count);
    }
    (void)fprintf(to, "\n/* Layers read one of these and write another, or the same. */\n");
    for (int i = 0; i < source->plan.buffer_count; i++) {
        (void)fprintf(to, "static float buffer%d[%zu];\n", i + 1, source->plan.buffers[i]);
    }
    (void)fprintf(to, "\n");
}

static void print_logits(FILE *to, const struct mien_c_source *source)
{
    const struct mien_recipe *const recipe = source->file->recipe;
    const struct mien_shape *const input = &source->file->network->input;
    const double mean = (double)recipe->normalize.mean;
    const double std = (double)recipe->normalize.std;
    char scale[MIEN_C_FLOAT_BYTES];
    char shift[MIEN_C_FLOAT_BYTES];
    (void)mien_c_format_float(scale, (float)(1.0 / (255.0 * std)));
    (void)mien_c_format_float(shift, (float)(-mean / std));
    (void)fprintf(to,
                  "void %s_logits(float logits[%s_CLASSES], const unsigned char *pixels)\n{\n"
                  "    /* (pixel / 255 - mean) / std, mean %.9g, std %.9g */\n"
                  "    normalize(buffer%d, pixels, %d, %d, %d, %d, %s, %s);\n",
                  source->name, source->upper, mean, std, source->plan.input + 1, input->c,
                  input->h, input->w, recipe->input.margin, scale, shift);
    for (size_t i = 0; i < source->plan.step_count; i++) {
        mien_c_print_step(to, source, &source->plan.steps[i]);
    }
    (void)fprintf(to,
                  "\n    for (int i = 0; i < %s_CLASSES; i++) {\n"
                  "        logits[i] = buffer%d[i];\n    }\n}\n\n",
                  source->upper, source->plan.output + 1);
}

void mien_c_print_network(FILE *to, const struct mien_c_source *source)
{
    const char *const name = source->name;
    const char *const upper = source->upper;
    char *recipe = NULL;
    (void)fprintf(to,
                  "/*\n * %s.c - a trained network in C99; written by mien " MIEN_VERSION "\n *\n"
                  " * Needs %s_weights.c and the mathematics library: cc -O3 -c %s.c %s_weights.c\n"
                  " * Tensors of one image are [channels][height][width].  The recipe:\n *\n",
                  name, name, name, name);
    if (mien_recipe_format(&recipe, source->file->recipe, NULL) == MIEN_OK) {
        print_comment(to, recipe, " *   ");
    }
    free(recipe);
    (void)fprintf(to, " */\n");
    print_top(to, source);
    (void)fputs(normalize, to);
    mien_c_print_functions(to, source->file->network);
    print_logits(to, source);
    (void)fprintf(
        to,
        "void %s_probabilities(float probabilities[%s_CLASSES], const unsigned char *pixels)\n"
        "{\n"
        "    double sum = 0.0;\n"
        "    %s_logits(probabilities, pixels);\n"
        "    float most = probabilities[0];\n"
        "    for (int i = 1; i < %s_CLASSES; i++) {\n"
        "        most = probabilities[i] > most ? probabilities[i] : most;\n"
        "    }\n"
        "    for (int i = 0; i < %s_CLASSES; i++) {\n"
        "        probabilities[i] = (float)exp((double)probabilities[i] - (double)most);\n"
        "        sum += (double)probabilities[i];\n"
        "    }\n"
        "    for (int i = 0; i < %s_CLASSES; i++) {\n"
        "        probabilities[i] = (float)((double)probabilities[i] / sum);\n"
        "    }\n"
        "}\n",
        name, upper, name, upper, upper, upper);
}

static const char example[] =
    "enum { CHANNELS = UPPER_CHANNELS, HEIGHT = UPPER_HEIGHT, WIDTH = UPPER_WIDTH };\n"
    "\n"
    "static unsigned char pixels[HEIGHT * WIDTH * CHANNELS];\n"
    "\n"
    "/* A binary PGM (P5) or PPM (P6) file without comments, of the network's size. */\n"
    "static int read_image(const char *path)\n"
    "{\n"
    "    FILE *const file = fopen(path, \"rb\");\n"
    "    int kind = 0;\n"
    "    int width = 0;\n"
    "    int height = 0;\n"
    "    int most = 0;\n"
    "    int good = 0;\n"
    "    if (file == NULL) {\n"
    "        perror(path);\n"
    "        return 0;\n"
    "    }\n"
    "    if (fscanf(file, \"P%d %d %d %d\", &kind, &width, &height, &most) != 4 ||\n"
    "        kind != (CHANNELS == 1 ? 5 : 6) || width != WIDTH || height != HEIGHT || most != 255) "
    "{\n"
    "        fprintf(stderr, \"%s: expected a P%d file of %d x %d pixels up to 255\\n\", path,\n"
    "                CHANNELS == 1 ? 5 : 6, WIDTH, HEIGHT);\n"
    "    } else {\n"
    "        good = fgetc(file) != EOF && fread(pixels, 1, sizeof(pixels), file) == "
    "sizeof(pixels);\n"
    "        if (!good) {\n"
    "            fprintf(stderr, \"%s: cut short\\n\", path);\n"
    "        }\n"
    "    }\n"
    "    fclose(file);\n"
    "    return good;\n"
    "}\n"
    "\n"
    "int main(int argc, char **argv)\n"
    "{\n"
    "    int failed = argc < 2;\n"
    "    if (argc < 2) {\n"
    "        fprintf(stderr, \"usage: %s IMAGE.%s...\\n\", argv[0], CHANNELS == 1 ? \"pgm\" : "
    "\"ppm\");\n"
    "    }\n"
    "    for (int i = 1; i < argc; i++) {\n"
    "        float logits[UPPER_CLASSES];\n"
    "        float probabilities[UPPER_CLASSES];\n"
    "        if (!read_image(argv[i])) {\n"
    "            failed = 1;\n"
    "            continue;\n"
    "        }\n"
    "        NAME_logits(logits, pixels);\n"
    "        NAME_probabilities(probabilities, pixels);\n"
    "        printf(\"%s\\n\", argv[i]);\n"
    "        for (int k = 0; k < UPPER_CLASSES; k++) {\n"
    "            printf(\"  %-16s  %8.6f  logit %.9g\\n\", NAME_classes[k], "
    "(double)probabilities[k],\n"
    "                   (double)logits[k]);\n"
    "        }\n"
    "    }\n"
    "    return failed;\n"
    "}\n";

/* A text with the network's names in the place of NAME and UPPER. */
static void print_named(FILE *to, const char *text, const struct mien_c_source *source)
{
    while (*text != '\0') {
        if (strncmp(text, "NAME_", 5) == 0 || strncmp(text, "UPPER_", 6) == 0) {
            const bool name = *text == 'N';
            (void)fputs(name ? source->name : source->upper, to);
            text += name ? 4 : 5;
        } else {
            (void)fputc(*text++, to);
        }
    }
}

void mien_c_print_example(FILE *to, const struct mien_c_source *source)
{
    const char *const name = source->name;
    (void)fprintf(to,
                  "/*\n * %s_example.c - tells the classes of PGM or PPM files\n *\n"
                  " * cc -O3 -o %s_example %s_example.c %s.c %s_weights.c -lm\n */\n"
                  "#include <stdio.h>\n\n#include \"%s.h\"\n\n",
                  name, name, name, name, name, name);
    print_named(to, example, source);
}
