/* test_recipe_layer.c - lines of layers, read, written and refused */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "nn/recipe_parts.h"
#include "support/scratch.h"

#define INPUT "input: { channels: 1, height: 8, width: 8 }\n"

static enum mien_status parse(struct mien_recipe **out, const char *text, struct mien_error *err)
{
    return mien_recipe_parse(out, text, strlen(text), "r.yaml", NULL, 0, err);
}

static void refuse(const char *text, const char *part)
{
    struct mien_error err = { { 0 } };
    struct mien_recipe *recipe = NULL;
    must_fail(parse(&recipe, text, &err), MIEN_ERR_FORMAT, &err, part);
    assert_null(recipe);
}

static void test_recipe_layer__is_read_and_written(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        struct mien_layer_spec want; /* kind, line, width, kernel h w, stride, pad, bias */
        const char *written;
    } rows[] = {
        { "conv 64 5x5", { MIEN_LAYER_CONV, 0, 64, 5, 5, 1, 0, true }, NULL },
        { "conv 8 1x7 stride 2 pad 3 bias no", { MIEN_LAYER_CONV, 0, 8, 1, 7, 2, 3, false }, NULL },
        { " conv\t8  3x3 bias yes pad 1 ",
          { MIEN_LAYER_CONV, 0, 8, 3, 3, 1, 1, true },
          "conv 8 3x3 pad 1" },
        { "relu", { MIEN_LAYER_RELU, 0, 0, 0, 0, 0, 0, false }, NULL },
        { "maxpool 2", { MIEN_LAYER_MAXPOOL, 0, 0, 2, 2, 2, 0, false }, NULL },
        { "maxpool 3 stride 2 pad 1", { MIEN_LAYER_MAXPOOL, 0, 0, 3, 3, 2, 1, false }, NULL },
        { "maxpool 2x3 stride 2", { MIEN_LAYER_MAXPOOL, 0, 0, 2, 3, 2, 0, false }, NULL },
        { "avgpool 2x2 stride 2", { MIEN_LAYER_AVGPOOL, 0, 0, 2, 2, 2, 0, false }, "avgpool 2" },
        { "avgpool 64", { MIEN_LAYER_AVGPOOL, 0, 0, 64, 64, 64, 0, false }, NULL },
        { "globalavgpool", { MIEN_LAYER_GLOBALAVGPOOL, 0, 0, 0, 0, 0, 0, false }, NULL },
        { "flatten", { MIEN_LAYER_FLATTEN, 0, 0, 0, 0, 0, 0, false }, NULL },
        { "dense 120", { MIEN_LAYER_DENSE, 0, 120, 0, 0, 0, 0, true }, NULL },
        { "dense 65536 bias no", { MIEN_LAYER_DENSE, 0, 65536, 0, 0, 0, 0, false }, NULL },
        { "dense classes", { MIEN_LAYER_DENSE, 0, 0, 0, 0, 0, 0, true }, NULL },
        { "batchnorm", { MIEN_LAYER_BATCHNORM, 0, 0, 0, 0, 0, 0, false }, NULL },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct mien_error err = { { 0 } };
        struct mien_layer_spec got = { .kind = MIEN_LAYER_RELU };
        char text[MIEN_LAYER_TEXT_BYTES];
        must(mien_layer_spec_parse(&got, rows[i].text, &err), &err);
        mien_layer_spec_format(text, &got);
        assert_string_equal(text, rows[i].written != NULL ? rows[i].written : rows[i].text);
        assert_int_equal(got.kind, rows[i].want.kind);
        assert_int_equal(got.width, rows[i].want.width);
        assert_int_equal(got.kernel_h, rows[i].want.kernel_h);
        assert_int_equal(got.kernel_w, rows[i].want.kernel_w);
        assert_int_equal(got.stride, rows[i].want.stride);
        assert_int_equal(got.pad, rows[i].want.pad);
        assert_int_equal(got.bias, rows[i].want.bias);
    }
}

static void test_recipe_layer__refuses_what_it_does_not_know(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        { "", "r.yaml:2: layer 1 (): got an empty layer" },
        { "convolution 3", "layer: got \"convolution\", expected conv, dense" },
        { "conv", "conv width: got nothing, expected a whole number from 1 to 65536" },
        { "conv 3", "conv kernel: got nothing, expected HxW" },
        { "conv 3 3", "conv kernel: got \"3\"" },
        { "conv 3 3x", "conv kernel: got \"3x\"" },
        { "conv 3 x3", "conv kernel: got \"x3\"" },
        { "conv 3 3x3x3", "conv kernel: got \"3x3x3\"" },
        { "conv 3 8x3", "numbers from 1 to 7" },
        { "conv 3 0x3", "conv kernel: got \"0x3\"" },
        { "conv 3 -1x3", "conv kernel: got \"-1x3\"" },
        { "conv 0 3x3", "conv width: got \"0\"" },
        { "conv -4 3x3", "conv width: got \"-4\"" },
        { "conv 65537 3x3", "conv width: got \"65537\"" },
        { "conv 99999999999999999999 3x3", "conv width: got" },
        { "conv classes 3x3", "conv width: got \"classes\"" },
        { "conv 1e3 3x3", "conv width: got \"1e3\"" },
        { "conv 3 3x3 stride", "stride: got nothing" },
        { "conv 3 3x3 stride 0", "stride: got \"0\", expected a whole number from 1 to 64" },
        { "conv 3 3x3 stride 2 stride 2", "got \"stride\", expected each option once" },
        { "conv 3 3x3 pad -1", "pad: got \"-1\"" },
        { "conv 3 3x3 pad 1.5", "pad: got \"1.5\"" },
        { "conv 3 3x3 bias maybe", "bias: got \"maybe\", expected yes or no" },
        { "conv 3 3x3 dilation 2", "conv: got \"dilation\", expected stride, pad or bias" },
        { "relu 3", "relu: got \"3\", expected nothing more" },
        { "maxpool", "window: got nothing" },
        { "maxpool 65", "window: got \"65\"" },
        { "maxpool 2 bias no", "maxpool: got \"bias\", expected stride or pad" },
        { "maxpool 2 pad 2", "pad: got 2, expected at most half of the window 2x2" },
        { "avgpool 2x3", "stride: got nothing, expected one, as the window 2x3 is not square" },
        { "dense", "dense width: got nothing" },
        { "dense 10 stride 2", "dense: got \"stride\", expected bias" },
        { "dense nan", "dense width: got \"nan\"" },
        { "batchnorm 4", "batchnorm: got \"4\", expected nothing more" },
        { "relu a b c d e f g h i j k l m n o p q", "at most 16 words" },
        { "conv 1111111111111111111111111111111 3x3", "at most 16 words of at most 23 letters" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[256];
        (void)snprintf(text, sizeof(text), INPUT "layers: [ \"%s\" ]\n", rows[i][0]);
        refuse(text, rows[i][1]);
        refuse(text, "r.yaml:2: layer 1 (");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recipe_layer__is_read_and_written),
        cmocka_unit_test(test_recipe_layer__refuses_what_it_does_not_know),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
