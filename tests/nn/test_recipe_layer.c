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
        struct mien_layer_spec want;
        const char *written;
    } rows[] = {
        { "conv 64 5x5",
          { .kind = MIEN_LAYER_CONV,
            .width = 64,
            .kernel_h = 5,
            .kernel_w = 5,
            .stride = 1,
            .bias = true },
          NULL },
        { "conv 8 1x7 stride 2 pad 3 bias no",
          { .kind = MIEN_LAYER_CONV,
            .width = 8,
            .kernel_h = 1,
            .kernel_w = 7,
            .stride = 2,
            .pad = 3 },
          NULL },
        { " conv\t8  3x3 bias yes pad 1 ",
          { .kind = MIEN_LAYER_CONV,
            .width = 8,
            .kernel_h = 3,
            .kernel_w = 3,
            .stride = 1,
            .pad = 1,
            .bias = true },
          "conv 8 3x3 pad 1" },
        { "conv 8 3x3 groups 4 pad 1",
          { .kind = MIEN_LAYER_CONV,
            .width = 8,
            .kernel_h = 3,
            .kernel_w = 3,
            .stride = 1,
            .pad = 1,
            .groups = 4,
            .bias = true },
          "conv 8 3x3 pad 1 groups 4" },
        { "relu", { .kind = MIEN_LAYER_RELU }, NULL },
        { "sigmoid", { .kind = MIEN_LAYER_SIGMOID }, NULL },
        { "silu", { .kind = MIEN_LAYER_SILU }, NULL },
        { "gelu", { .kind = MIEN_LAYER_GELU }, NULL },
        { "leakyrelu 0.01", { .kind = MIEN_LAYER_LEAKYRELU, .slope = 0.01f }, "leakyrelu" },
        { "leakyrelu 0.25", { .kind = MIEN_LAYER_LEAKYRELU, .slope = 0.25f }, NULL },
        { "maxpool 2",
          { .kind = MIEN_LAYER_MAXPOOL, .kernel_h = 2, .kernel_w = 2, .stride = 2 },
          NULL },
        { "maxpool 3 stride 2 pad 1",
          { .kind = MIEN_LAYER_MAXPOOL, .kernel_h = 3, .kernel_w = 3, .stride = 2, .pad = 1 },
          NULL },
        { "maxpool 2x3 stride 2",
          { .kind = MIEN_LAYER_MAXPOOL, .kernel_h = 2, .kernel_w = 3, .stride = 2 },
          NULL },
        { "avgpool 2x2 stride 2",
          { .kind = MIEN_LAYER_AVGPOOL, .kernel_h = 2, .kernel_w = 2, .stride = 2 },
          "avgpool 2" },
        { "avgpool 64",
          { .kind = MIEN_LAYER_AVGPOOL, .kernel_h = 64, .kernel_w = 64, .stride = 64 },
          NULL },
        { "maxpool 64x4 stride 4",
          { .kind = MIEN_LAYER_MAXPOOL, .kernel_h = 64, .kernel_w = 4, .stride = 4 },
          NULL },
        { "globalavgpool", { .kind = MIEN_LAYER_GLOBALAVGPOOL }, NULL },
        { "flatten", { .kind = MIEN_LAYER_FLATTEN }, NULL },
        { "dense 120", { .kind = MIEN_LAYER_DENSE, .width = 120, .bias = true }, NULL },
        { "dense 65536 bias no", { .kind = MIEN_LAYER_DENSE, .width = 65536 }, NULL },
        { "dense classes", { .kind = MIEN_LAYER_DENSE, .bias = true }, NULL },
        { "batchnorm", { .kind = MIEN_LAYER_BATCHNORM }, NULL },
        { "dropout 0.3", { .kind = MIEN_LAYER_DROPOUT, .rate = 0.3f }, NULL },
        { "mark a", { .kind = MIEN_LAYER_MARK, .mark = "a" }, NULL },
        { "mark block-2_B", { .kind = MIEN_LAYER_MARK, .mark = "block-2_B" }, NULL },
        { "mark 01234567890123456789012",
          { .kind = MIEN_LAYER_MARK, .mark = "01234567890123456789012" },
          NULL },
        { "multiply a", { .kind = MIEN_LAYER_MULTIPLY, .mark = "a" }, NULL },
        { "add a", { .kind = MIEN_LAYER_ADD, .mark = "a" }, NULL },
        { "add conv", { .kind = MIEN_LAYER_ADD, .mark = "conv" }, NULL },
        { "add a conv 128 1x1 stride 2",
          { .kind = MIEN_LAYER_ADD,
            .width = 128,
            .kernel_h = 1,
            .kernel_w = 1,
            .stride = 2,
            .bias = true,
            .mark = "a",
            .project = true },
          NULL },
        { "add a conv 8 3x2 batchnorm bias no pad 1 stride 1",
          { .kind = MIEN_LAYER_ADD,
            .width = 8,
            .kernel_h = 3,
            .kernel_w = 2,
            .stride = 1,
            .pad = 1,
            .mark = "a",
            .project = true,
            .normalize = true },
          "add a conv 8 3x2 pad 1 bias no batchnorm" },
        { "add 01234567890123456789012 conv 65536 7x7 stride 64 pad 64 bias no batchnorm",
          { .kind = MIEN_LAYER_ADD,
            .width = 65536,
            .kernel_h = 7,
            .kernel_w = 7,
            .stride = 64,
            .pad = 64,
            .mark = "01234567890123456789012",
            .project = true,
            .normalize = true },
          NULL },
        { "dropout 0", { .kind = MIEN_LAYER_DROPOUT }, NULL },
        { "dropout 25e-2", { .kind = MIEN_LAYER_DROPOUT, .rate = 0.25f }, "dropout 0.25" },
        { "dropout 0.99999994",
          { .kind = MIEN_LAYER_DROPOUT, .rate = 0x0.ffffffp0f },
          "dropout 0.99999994" },
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
        const bool conv = rows[i].want.kind == MIEN_LAYER_CONV || rows[i].want.project;
        assert_int_equal(got.groups, conv && rows[i].want.groups == 0 ? 1 : rows[i].want.groups);
        assert_true(got.slope == rows[i].want.slope);
        assert_true(got.rate == rows[i].want.rate);
        assert_string_equal(got.mark, rows[i].want.mark);
        assert_int_equal(got.project, rows[i].want.project);
        assert_int_equal(got.normalize, rows[i].want.normalize);
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
        { "conv 3 3x3 dilation 2", "conv: got \"dilation\", expected stride, pad, groups or bias" },
        { "conv 3 3x3 groups", "groups: got nothing, expected a whole number from 1 to 65536" },
        { "conv 3 3x3 groups 0", "groups: got \"0\"" },
        { "dense 3 groups 2", "dense: got \"groups\", expected bias" },
        { "leakyrelu x", "slope: got \"x\", expected a number from 0 to 1, such as 0.1" },
        { "leakyrelu -0.1", "slope: got \"-0.1\"" },
        { "leakyrelu 0.1 0.1", "leakyrelu: got \"0.1\", expected nothing more" },
        { "silu 1", "silu: got \"1\", expected nothing more" },
        { "gelu tanh", "gelu: got \"tanh\", expected nothing more" },
        { "relu 3", "relu: got \"3\", expected nothing more" },
        { "maxpool", "window: got nothing" },
        { "maxpool 65", "window: got \"65\"" },
        { "maxpool 17", "window: got 17x17, expected at most 256 pixels in one of maxpool" },
        { "maxpool 64x5 stride 2", "window: got 64x5, expected at most 256 pixels" },
        { "maxpool 2 bias no", "maxpool: got \"bias\", expected stride or pad" },
        { "maxpool 2 pad 2", "pad: got 2, expected at most half of the window 2x2" },
        { "avgpool 2x3", "stride: got nothing, expected one, as the window 2x3 is not square" },
        { "dense", "dense width: got nothing" },
        { "dense 10 stride 2", "dense: got \"stride\", expected bias" },
        { "dense nan", "dense width: got \"nan\"" },
        { "batchnorm 4", "batchnorm: got \"4\", expected nothing more" },
        { "dropout", "dropout rate: got nothing, expected a number from 0 to less than 1" },
        { "dropout 1", "dropout rate: got \"1\"" },
        { "dropout 1.0", "dropout rate: got \"1.0\"" },
        { "dropout 0.99999999", "dropout rate: got \"0.99999999\"" },
        { "dropout -0.1", "dropout rate: got \"-0.1\"" },
        { "dropout nan", "dropout rate: got \"nan\"" },
        { "dropout 30%", "dropout rate: got \"30%\"" },
        { "dropout 0.3 0.4", "dropout: got \"0.4\", expected nothing more" },
        { "mark", "mark: got nothing, expected a name of letters, digits, - and _" },
        { "mark a.b", "mark: got \"a.b\"" },
        { "mark a b", "mark: got \"b\", expected nothing more" },
        { "mark 012345678901234567890123", "at most 16 words of at most 23 letters" },
        { "multiply", "multiply: got nothing, expected a name of letters" },
        { "multiply a conv", "multiply: got \"conv\", expected nothing more" },
        { "sigmoid 1", "sigmoid: got \"1\", expected nothing more" },
        { "add", "add: got nothing, expected a name of letters" },
        { "add a 3", "add: got \"3\", expected conv, or nothing more" },
        { "add a batchnorm", "add: got \"batchnorm\", expected conv, or nothing more" },
        { "add a conv", "conv width: got nothing, expected a whole number from 1 to 65536" },
        { "add a conv classes 1x1", "conv width: got \"classes\"" },
        { "add a conv 3", "conv kernel: got nothing" },
        { "add a conv 3 1x1 batchnorm batchnorm",
          "add: got \"batchnorm\", expected each option once" },
        { "add a conv 3 1x1 batchnorm yes",
          "add: got \"yes\", expected stride, pad, groups, bias or batchnorm" },
        { "conv 3 1x1 batchnorm", "conv: got \"batchnorm\", expected stride, pad, groups or bias" },
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
