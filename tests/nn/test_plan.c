/* test_plan.c - tensors that live at the same moment never share memory, others do */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "nn/node.h"
#include "support/scratch.h"
#include "support/training.h"

static size_t add(struct mien_plan *plan, size_t bytes, int first, int last)
{
    struct mien_error err = { "" };
    size_t index = 0;
    must(mien_plan_add(&index, plan, bytes, &err), &err);
    mien_plan_use(plan, index, last);
    mien_plan_use(plan, index, first);
    return index;
}

static void solve(struct mien_plan *plan)
{
    struct mien_error err = { "" };
    must(mien_plan_solve(plan, &err), &err);
}

/* Every item fits its slot, and no two of one slot meet. */
static void assert_sound(const struct mien_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct mien_plan_item *const a = &plan->items[i];
        assert_true(a->slot < plan->slot_count);
        assert_true(a->bytes <= plan->slot_bytes[a->slot]);
        for (size_t j = i + 1; j < plan->count; j++) {
            const struct mien_plan_item *const b = &plan->items[j];
            if (a->slot == b->slot && a->first <= b->last && b->first <= a->last) {
                fail_msg("items %zu and %zu share slot %zu and live at the same moment", i, j,
                         a->slot);
            }
        }
    }
}

static void test_plan__reuses_memory_of_what_is_no_longer_needed(void **state)
{
    (void)state;
    struct mien_plan plan = { 0 };
    const size_t a = add(&plan, 100, 0, 1);
    const size_t b = add(&plan, 300, 1, 2);
    const size_t c = add(&plan, 200, 2, 3);
    const size_t d = add(&plan, 50, 3, 4);
    solve(&plan);
    assert_sound(&plan);
    assert_int_equal(plan.slot_count, 2);
    assert_int_equal(plan.items[a].slot, plan.items[c].slot);
    assert_int_equal(plan.items[b].slot, plan.items[d].slot);
    assert_int_equal(mien_plan_bytes(&plan), 500);
    mien_plan_finish(&plan);
    assert_int_equal(mien_plan_bytes(&plan), 0);
}

static void test_plan__never_shares_at_the_moment_of_handing_over(void **state)
{
    (void)state;
    struct mien_plan plan = { 0 };
    (void)add(&plan, 8, 0, 5);
    (void)add(&plan, 8, 5, 9);
    (void)add(&plan, 8, 5, 5);
    solve(&plan);
    assert_sound(&plan);
    assert_int_equal(plan.slot_count, 3);
    mien_plan_finish(&plan);
}

static void test_plan__is_sound_and_repeatable_for_many_items(void **state)
{
    (void)state;
    uint32_t seed = 7;
    for (int round = 0; round < 50; round++) {
        struct mien_plan plan = { 0 };
        struct mien_plan again = { 0 };
        size_t total = 0;
        for (int i = 0; i < 80; i++) {
            seed = seed * 1664525u + 1013904223u;
            const int first = (int)(seed >> 26);
            const int last = first + (int)(seed >> 20 & 15);
            const size_t bytes = (seed >> 10 & 7) * 512;
            (void)add(&plan, bytes, first, last);
            (void)add(&again, bytes, first, last);
            total += bytes;
        }
        solve(&plan);
        solve(&again);
        assert_sound(&plan);
        assert_true(mien_plan_bytes(&plan) < total);
        for (size_t i = 0; i < plan.count; i++) {
            assert_int_equal(plan.items[i].slot, again.items[i].slot);
        }
        mien_plan_finish(&plan);
        mien_plan_finish(&again);
    }
}

static void test_plan__can_be_solved_again_with_more_items(void **state)
{
    (void)state;
    struct mien_plan plan = { 0 };
    (void)add(&plan, 8, 0, 1);
    solve(&plan);
    (void)add(&plan, 16, 1, 2);
    solve(&plan);
    assert_sound(&plan);
    assert_int_equal(mien_plan_bytes(&plan), 24);
    mien_plan_finish(&plan);
}

static const char every_kind[] =
    "input: { channels: 3, height: 13, width: 11 }\n"
    "layers: [ conv 5 3x3 pad 1, batchnorm, relu, maxpool 2, conv 4 2x2, relu, relu, avgpool 2,\n"
    "          relu, conv 6 1x1, globalavgpool, flatten, relu, dropout 0.5, dense 9, relu,\n"
    "          dropout 0.1, dense classes, relu ]";

/* Sums of a mark behind a ReLU and none, projected, twice, at once, and across dense layers. */
static const char residual[] =
    "input: { channels: 3, height: 13, width: 11 }\n"
    "layers: [ mark i, conv 5 3x3 pad 1, relu, add i conv 5 1x1, mark a, batchnorm, relu, mark b,\n"
    "          add b, conv 5 3x3 pad 1, batchnorm, add a, relu, mark c, conv 6 3x3 stride 2 pad "
    "1,\n"
    "          relu, add c conv 6 1x1 stride 2 bias no batchnorm, relu, add c conv 6 2x2 stride 2 "
    "pad 1,\n"
    "          globalavgpool, mark d, dense 6, relu, add d, dense classes ]";

static bool overlap(const struct mien_plan *plan, const struct mien_value *a,
                    const struct mien_value *b)
{
    return a->item != MIEN_NO_ITEM && b->item != MIEN_NO_ITEM && a->item != b->item &&
           plan->items[a->item].slot == plan->items[b->item].slot;
}

/* What one call reads and writes must lie in different memory, whatever the lifetimes say. */
static void assert_apart(const struct mien_graph *graph)
{
    for (size_t i = 0; i < graph->count; i++) {
        const struct mien_node *const node = &graph->nodes[i];
        const struct mien_plan *const plan = &graph->plan;
        assert_false(overlap(plan, &node->x, &node->y));
        assert_false(overlap(plan, &node->dx, &node->dy));
        assert_false(overlap(plan, &node->extra, &node->y));
        assert_false(overlap(plan, &node->extra, &node->dx));
        assert_false(overlap(plan, &node->skip, &node->y));
        assert_false(overlap(plan, &node->dskip, &node->dx));
        if (node->class->reads_input) {
            assert_false(overlap(plan, &node->x, &node->dy));
            assert_false(overlap(plan, &node->x, &node->dx));
        }
    }
}

static void test_graph__plans_every_kind_of_layer_soundly(void **state)
{
    (void)state;
    static const int lanes[] = { 1, 4, 8, 16 };
    for (size_t i = 0; i < 32; i++) {
        struct mien_network *const network = network_from(i < 16 ? every_kind : residual, 5);
        struct mien_error err = { "" };
        struct mien_graph graph;
        const struct mien_model_options options = {
            .batch = i % 16 < 8 ? 1 : 19,
            .train = i % 8 < 4,
            .lanes = lanes[i % 4],
            .blas = i % 3 == 0 ? MIEN_BLAS_CLBLAST : MIEN_BLAS_AUTO,
        };
        must(mien_graph_build(&graph, network, &options, &err), &err);
        assert_sound(&graph.plan);
        assert_apart(&graph);
        mien_graph_finish(&graph);
        mien_network_destroy(network);
    }
}

/* Nineteen layers of which five ReLUs and a pooling are fused and flatten is nothing. */
static void test_graph__fuses_a_relu_into_the_layer_before(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    struct mien_graph graph;
    struct mien_network *const network = network_from(every_kind, 5);
    const struct mien_model_options options = { .batch = 2, .train = true, .lanes = 8 };
    must(mien_graph_build(&graph, network, &options, &err), &err);
    size_t fused = 0;
    size_t lone = 0;
    for (size_t i = 0; i < graph.count; i++) {
        fused += graph.nodes[i].relu;
        lone += graph.nodes[i].class == &mien_node_relu;
    }
    assert_int_equal(fused, 5);
    assert_int_equal(lone, 2);
    assert_int_equal(graph.count, network->layer_count - 5 - 1 - 1);
    assert_true(graph.output_after_relu);
    mien_graph_finish(&graph);
    mien_network_destroy(network);
}

/* Nodes of [conv, LAYERS, flatten, dense]; `pooled` of them are a `class` with its pooling. */
static void check_pooled_class(const struct mien_node_class *class, const char *layers,
                               const struct mien_model_options *options, size_t count,
                               size_t pooled)
{
    struct mien_error err = { "" };
    struct mien_graph graph;
    char text[256];
    (void)snprintf(text, sizeof(text),
                   "input: { channels: 1, height: 8, width: 8 }\n"
                   "layers: [ conv 4 3x3 pad 1, %s, flatten, dense classes ]",
                   layers);
    struct mien_network *const network = network_from(text, 3);
    must(mien_graph_build(&graph, network, options, &err), &err);
    size_t found = 0;
    for (size_t i = 0; i < graph.count; i++) {
        const struct mien_node *const node = &graph.nodes[i];
        found += node->pooled != NULL ? 1 : 0;
        assert_true(node->pooled == NULL ||
                    (node->class == class && node->out.h == node->in.h / 2));
        assert_true((node->winner.item != MIEN_NO_ITEM) ==
                    (node->pooled != NULL && options->train));
        /* On a CPU device a first convolution's filter does without. */
        const bool needed = node->dx.item != MIEN_NO_ITEM || options->lanes == 1;
        assert_true((node->unpooled.item != MIEN_NO_ITEM) ==
                    (node->pooled != NULL && options->train && class == &mien_node_conv && needed));
        assert_true(node->pooled == NULL || node->after_relu ||
                    graph.nodes[i + 1].after_relu == node->relu);
    }
    assert_int_equal(graph.count, count);
    assert_int_equal(found, pooled);
    mien_graph_finish(&graph);
    mien_network_destroy(network);
}

static void check_pooled(const char *layers, const struct mien_model_options *options, size_t count,
                         size_t pooled)
{
    check_pooled_class(&mien_node_batchnorm, layers, options, count, pooled);
}

static void test_graph__makes_a_convolution_and_its_pooling_one(void **state)
{
    (void)state;
    const struct mien_node_class *const conv = &mien_node_conv;
    const struct mien_model_options train = { .batch = 2, .train = true, .lanes = 8 };
    const struct mien_model_options use = { .batch = 2, .lanes = 8 };
    const struct mien_model_options explain = { .batch = 2, .explain = true, .lanes = 8 };
    const struct mien_model_options gpu = { .batch = 2, .train = true, .lanes = 1 };
    check_pooled_class(conv, "relu, maxpool 2", &train, 2, 1);
    check_pooled_class(conv, "relu, maxpool 2", &use, 2, 1);
    check_pooled_class(conv, "maxpool 2", &gpu, 2, 1);
    check_pooled_class(conv, "conv 3 3x3 pad 1, maxpool 2", &train, 3, 1);
    check_pooled_class(conv, "maxpool 2, relu", &train, 3, 1);
    check_pooled_class(conv, "relu, maxpool 2", &explain, 3, 0);
    check_pooled_class(conv, "relu, maxpool 2x2 stride 1", &train, 3, 0);
    check_pooled_class(conv, "relu, maxpool 4", &train, 3, 0); /* not of the kernel for 1 channel */
    check_pooled_class(conv, "mark a, maxpool 2, conv 4 3x3 pad 1, add a conv 4 1x1 stride 2", &use,
                       6, 0);
}

/* In evaluation, where the batch norm is part of the weights, the convolution leaves nothing behind
 * but what the pooling makes. */
static void test_graph__has_a_convolution_pool_for_its_batch_norm(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    struct mien_network *const network =
        network_from("input: { channels: 1, height: 8, width: 8 }\n"
                     "layers: [ conv 4 3x3 pad 1, batchnorm, relu, maxpool 2, flatten,\n"
                     "          dense classes ]",
                     3);
    for (int train = 0; train < 2; train++) {
        struct mien_graph graph;
        const struct mien_model_options options = { .batch = 2, .train = train != 0, .lanes = 8 };
        must(mien_graph_build(&graph, network, &options, &err), &err);
        const struct mien_node *const conv = &graph.nodes[0];
        const struct mien_node *const norm = &graph.nodes[1];
        assert_ptr_equal(conv->norm, norm);
        assert_null(conv->pooled);
        assert_true(norm->pooled_before && norm->pooled != NULL);
        assert_int_equal(conv->normed.item, norm->y.item);
        assert_int_equal(conv->y.item == norm->y.item, !train);
        assert_int_equal(graph.plan.items[norm->y.item].bytes, 8 * 4 * 4 * 4 * sizeof(float));
        assert_int_equal(graph.plan.items[conv->y.item].bytes,
                         (size_t)(train ? 8 * 8 : 4 * 4) * 8 * 4 * sizeof(float));
        mien_graph_finish(&graph);
    }
    mien_network_destroy(network);
}

static void test_graph__makes_a_batch_norm_and_its_pooling_one(void **state)
{
    (void)state;
    const struct mien_model_options train = { .batch = 2, .train = true, .lanes = 8 };
    const struct mien_model_options use = { .batch = 2, .lanes = 8 };
    const struct mien_model_options explain = { .batch = 2, .explain = true, .lanes = 8 };
    check_pooled("batchnorm, relu, maxpool 2", &train, 3, 1);
    check_pooled("batchnorm, relu, maxpool 2", &use, 3, 1);
    check_pooled("batchnorm, maxpool 2", &train, 3, 1);
    check_pooled("batchnorm, maxpool 2, relu", &train, 4, 1);
    check_pooled("batchnorm, relu, maxpool 2, relu", &train, 3, 1);
    check_pooled("batchnorm, relu, maxpool 2", &explain, 4, 0);
    check_pooled("batchnorm, relu, maxpool 2x2 stride 1", &train, 4, 0);
    check_pooled("batchnorm, relu, maxpool 3 stride 2 pad 1", &train, 4, 0);
    check_pooled("batchnorm, relu, relu, maxpool 2", &train, 5, 0);
    check_pooled("batchnorm, relu, avgpool 2", &train, 4, 0);
    for (size_t tap = 1; tap < 4; tap++) { /* whichever is looked at */
        struct mien_model_options tapped = use;
        tapped.taps = &tap;
        tapped.tap_count = 1;
        check_pooled("batchnorm, relu, maxpool 2", &tapped, tap < 3 ? 5 : 4, 0);
    }
}

/*
 * What was marked stays where it is until it is added, and the sum's gradient is that of both
 * inputs, in the same memory.
 */
static void test_graph__keeps_a_mark_until_it_is_added(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    struct mien_graph graph;
    struct mien_network *const network =
        network_from("input: { channels: 1, height: 8, width: 8 }\n"
                     "layers: [ conv 4 3x3 pad 1, relu, mark a, conv 4 3x3 pad 1, batchnorm,\n"
                     "          conv 4 3x3 pad 1, add a, relu, flatten, dense classes ]",
                     3);
    const struct mien_model_options options = { .batch = 2, .train = true, .lanes = 8 };
    must(mien_graph_build(&graph, network, &options, &err), &err);
    static const struct mien_node_class *const classes[] = {
        &mien_node_conv, &mien_node_fork, &mien_node_conv,  &mien_node_batchnorm,
        &mien_node_conv, &mien_node_add,  &mien_node_dense,
    };
    assert_int_equal(graph.count, 7);
    for (size_t i = 0; i < graph.count; i++) {
        assert_ptr_equal(graph.nodes[i].class, classes[i]);
    }
    const struct mien_node *const fork = &graph.nodes[1];
    const struct mien_node *const add = &graph.nodes[5];
    const struct mien_plan_item *const marked = &graph.plan.items[fork->x.item];
    assert_true(fork->after_relu && !graph.nodes[2].after_relu && add->relu);
    assert_int_equal(fork->y.item, fork->x.item);
    assert_int_equal(add->skip.item, fork->x.item);
    assert_true(marked->first == 1 && marked->last == 8 + 6); /* backward of the fork: its mask */
    assert_int_equal(add->dx.item, add->dy.item);
    assert_int_equal(fork->dskip.item, add->dy.item);
    assert_int_equal(graph.nodes[4].dy.item, add->dy.item);
    mien_graph_finish(&graph);

    const struct mien_model_options use = { .batch = 2, .lanes = 8 };
    must(mien_graph_build(&graph, network, &use, &err), &err);
    assert_int_equal(graph.count, 6);
    const struct mien_plan_item *const kept = &graph.plan.items[graph.nodes[0].y.item];
    assert_true(kept->first == 1 && kept->last == 5);
    mien_graph_finish(&graph);
    mien_network_destroy(network);
}

/* A product's gradient of what the mark kept is a tensor of its own, and both inputs stay for it;
 * gates of CLBlast come back to blocks, as what they multiply is. */
static void test_graph__keeps_both_inputs_of_a_product(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    struct mien_graph graph;
    struct mien_network *const network =
        network_from("input: { channels: 1, height: 8, width: 8 }\n"
                     "layers: [ conv 4 3x3 pad 1, relu, mark a, globalavgpool, dense 4, relu,\n"
                     "          multiply a, conv 2 3x3, flatten, dense classes ]",
                     3);
    const struct mien_model_options own = {
        .batch = 2, .train = true, .blas = MIEN_BLAS_OWN, .lanes = 8
    };
    const struct mien_model_options rows = {
        .batch = 2, .train = true, .blas = MIEN_BLAS_CLBLAST, .lanes = 8
    };
    must(mien_graph_build(&graph, network, &own, &err), &err);
    static const struct mien_node_class *const classes[] = {
        &mien_node_conv,     &mien_node_fork, &mien_node_avgpool, &mien_node_dense,
        &mien_node_multiply, &mien_node_conv, &mien_node_dense,
    };
    assert_int_equal(graph.count, 7);
    for (size_t i = 0; i < graph.count; i++) {
        assert_ptr_equal(graph.nodes[i].class, classes[i]);
    }
    const struct mien_node *const fork = &graph.nodes[1];
    const struct mien_node *const product = &graph.nodes[4];
    const int backward = 8 + 3; /* of the product */
    assert_int_equal(product->skip.item, fork->x.item);
    assert_int_equal(product->dskip.item, fork->dskip.item);
    assert_int_not_equal(product->dskip.item, product->dy.item);
    assert_true(product->after_relu && product->out.h == 8 && product->out.lanes == 8);
    assert_int_equal(graph.plan.items[product->x.item].last, backward);
    assert_int_equal(graph.plan.items[fork->x.item].last, 8 + 6);
    mien_graph_finish(&graph);

    must(mien_graph_build(&graph, network, &rows, &err), &err);
    size_t back = 0;
    for (size_t i = 0; i < graph.count; i++) {
        const struct mien_node *const node = &graph.nodes[i];
        const bool changes = node->class == &mien_node_relayout;
        back += changes && node->in.lanes == 1 && node->out.lanes == 8;
        assert_true(node->class != &mien_node_multiply || node->out.lanes == 8);
        assert_true(node->class != &mien_node_conv || node->out.lanes == 8);
    }
    assert_int_equal(back, 1);
    mien_graph_finish(&graph);
    mien_network_destroy(network);
}

/* Which pixel of a window won is of use to the backward pass alone. */
/* Flatten, and in evaluation a mark, are no nodes: a batch norm may be the first of all. */
static void test_graph__begins_with_a_batch_norm(void **state)
{
    (void)state;
    static const char *const layers[] = { "flatten, batchnorm, dense classes",
                                          "mark a, batchnorm, add a, flatten, dense classes",
                                          "dropout 0.5, batchnorm, flatten, dense classes" };
    for (size_t i = 0; i < 2 * sizeof(layers) / sizeof(layers[0]); i++) {
        struct mien_error err = { "" };
        struct mien_graph graph;
        char text[160];
        (void)snprintf(text, sizeof(text),
                       "input: { channels: 1, height: 8, width: 8 }\nlayers: [ %s ]",
                       layers[i / 2]);
        struct mien_network *const network = network_from(text, 3);
        const struct mien_model_options options = { .batch = 2, .train = i % 2 == 0, .lanes = 8 };
        size_t norms = 0;
        must(mien_graph_build(&graph, network, &options, &err), &err);
        for (size_t k = 0; k < graph.count; k++) {
            norms += graph.nodes[k].class == &mien_node_batchnorm && !graph.nodes[k].folds;
        }
        assert_int_equal(norms, 1);
        mien_graph_finish(&graph);
        mien_network_destroy(network);
    }
}

static void test_graph__keeps_winners_for_a_backward_pass_only(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    struct mien_network *const network =
        network_from("input: { channels: 1, height: 8, width: 8 }\n"
                     "layers: [ conv 4 3x3 pad 1, maxpool 3 stride 2, flatten, dense classes ]",
                     3);
    const struct {
        struct mien_model_options options;
        bool kept;
    } cases[] = {
        { { .batch = 2, .train = true, .lanes = 8 }, true },
        { { .batch = 2, .explain = true, .lanes = 8 }, true },
        { { .batch = 2, .lanes = 8 }, false },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct mien_graph graph;
        must(mien_graph_build(&graph, network, &cases[i].options, &err), &err);
        assert_ptr_equal(graph.nodes[1].class, &mien_node_maxpool);
        assert_int_equal(graph.nodes[1].extra.item != MIEN_NO_ITEM, cases[i].kept);
        mien_graph_finish(&graph);
    }
    mien_network_destroy(network);
}

static void test_model_plan__needs_less_without_training_and_shares(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    struct mien_model_memory train;
    struct mien_model_memory use;
    struct mien_network *const network = network_from(every_kind, 5);
    struct mien_model_options options = { .batch = 16, .train = true, .lanes = 8 };
    must(mien_model_plan(&train, network, &options, &err), &err);
    options.train = false;
    must(mien_model_plan(&use, network, &options, &err), &err);
    assert_int_equal(train.parameters, network->flat_floats * 4);
    assert_int_equal(train.gradients, train.parameters);
    assert_int_equal(use.gradients, 0);
    assert_true(train.activations < train.unshared);
    assert_true(use.activations < use.unshared);
    assert_true(use.activations < train.activations);
    mien_network_destroy(network);
}

static void test_model_plan__refuses_own_products_on_plain_rows(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    struct mien_model_memory memory;
    struct mien_network *const network = network_from(every_kind, 5);
    const struct mien_model_options options = { .batch = 1, .lanes = 1, .blas = MIEN_BLAS_OWN };
    must_fail(mien_model_plan(&memory, network, &options, &err), MIEN_ERR_USAGE, &err,
              "own matrix kernels");
    assert_int_equal(memory.activations, 0);
    mien_network_destroy(network);
}

static void test_model_plan__refuses_a_batch_beyond_the_indices(void **state)
{
    (void)state;
    struct mien_error err = { "" };
    struct mien_model_memory memory;
    struct mien_network *const network =
        network_from("input: { channels: 3, height: 1024, width: 1024 }\n"
                     "layers: [ conv 64 7x7 pad 3, globalavgpool, flatten, dense classes ]",
                     7);
    const struct mien_model_options options = { .batch = 65536, .train = true, .lanes = 8 };
    must_fail(mien_model_plan(&memory, network, &options, &err), MIEN_ERR_SHAPE, &err, "input");
    const struct mien_model_options fits_input = { .batch = 256, .train = true, .lanes = 8 };
    must_fail(mien_model_plan(&memory, network, &fits_input, &err), MIEN_ERR_SHAPE, &err,
              "recipe line 2, conv1");
    mien_network_destroy(network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plan__reuses_memory_of_what_is_no_longer_needed),
        cmocka_unit_test(test_plan__never_shares_at_the_moment_of_handing_over),
        cmocka_unit_test(test_plan__is_sound_and_repeatable_for_many_items),
        cmocka_unit_test(test_plan__can_be_solved_again_with_more_items),
        cmocka_unit_test(test_graph__plans_every_kind_of_layer_soundly),
        cmocka_unit_test(test_graph__fuses_a_relu_into_the_layer_before),
        cmocka_unit_test(test_graph__makes_a_convolution_and_its_pooling_one),
        cmocka_unit_test(test_graph__has_a_convolution_pool_for_its_batch_norm),
        cmocka_unit_test(test_graph__makes_a_batch_norm_and_its_pooling_one),
        cmocka_unit_test(test_graph__keeps_a_mark_until_it_is_added),
        cmocka_unit_test(test_graph__keeps_both_inputs_of_a_product),
        cmocka_unit_test(test_graph__begins_with_a_batch_norm),
        cmocka_unit_test(test_graph__keeps_winners_for_a_backward_pass_only),
        cmocka_unit_test(test_model_plan__needs_less_without_training_and_shares),
        cmocka_unit_test(test_model_plan__refuses_own_products_on_plain_rows),
        cmocka_unit_test(test_model_plan__refuses_a_batch_beyond_the_indices),
    };
    return cmocka_run_group_tests_name("nn/plan", tests, NULL, NULL);
}
