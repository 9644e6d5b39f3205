/* The raw outputs of any number of rows, block by block. Each thread has a part of the rows, and memory of its own. */

#ifndef SKNEURAL_PREDICTION_H
#define SKNEURAL_PREDICTION_H

typedef struct {
    NetworkPlan plan; /* without buffers, which each thread gives a copy of its own */
    void *F;          /* (n_members, n_rows, n_outputs) */
    Size n_rows, block_rows, n_outputs;
    Size largest_width; /* of a layer */
    int lacks_memory;   /* set by any thread */
} Prediction;

#endif

/* Give a plan memory of its own and return it: its layers, a block's row numbers, and buffers. NULL if there is none.
 *
 * Four matrices do for any number of layers: each reads the A of the layer below, which lies in one of the two matrices
 * for layers of that parity, and writes Z and A to the two for its own. */
static void *T(allocate_prediction_buffers)(NetworkPlan *plan, Size largest_width, Size block_rows)
{
    const Size layers_bytes = plan->n_layers * sizeof(Layer), row_numbers_bytes = block_rows * sizeof(Size);
    const Size vector_bytes = largest_width * sizeof(REAL), matrix_bytes = block_rows * vector_bytes;
    const Size gathered_bytes = block_rows * plan->input.n_features * sizeof(REAL);
    const Size scaled_bytes = plan->n_members > 1 ? plan->layers->fan_in * plan->layers->width * sizeof(REAL) : 0;
    const Size matrices_bytes = 4 * matrix_bytes + gathered_bytes + scaled_bytes;
    char *memory = malloc(layers_bytes + row_numbers_bytes + vector_bytes + matrices_bytes);
    if (!memory)
        return NULL;
    char *vectors = memory + layers_bytes + row_numbers_bytes, *matrices = vectors + vector_bytes;
    plan->layers = memcpy(memory, plan->layers, layers_bytes);
    for (Size i = 0; i < plan->n_layers; i++) {
        Layer *layer = plan->layers + i;
        layer->Z = matrices + (i % 2) * matrix_bytes;
        layer->A = works_in_place(layer->activation) ? layer->Z : matrices + (2 + i % 2) * matrix_bytes;
        layer->batch_norm.inv_std = vectors;
    }
    plan->segments->gathered = matrices + 4 * matrix_bytes;
    plan->layers->member_matrix = matrices + 4 * matrix_bytes + gathered_bytes;
    return memory;
}

/* Raw outputs of n adjacent rows, (n, n_outputs): those of the first member at F, those of each other `member_stride`
 * entries further. */
static void T(predict_block)(NetworkPlan *plan, const Size *rows, REAL *F, Size member_stride, Size n)
{
    const Pass pass = {.plan = plan, .memory = plan->segments, .layers = plan->layers, .rows = rows, .n_rows = n,
                       .batch_rows = n};
    const REAL *X = T(dense_input)(&pass, 1);
    const Layer *output_layer = plan->layers + plan->n_layers - 1;
    for (Size j = 0; j < plan->n_members; j++, F += member_stride) {
        const REAL *input = X;
        for (const Layer *layer = plan->layers; layer < output_layer; layer++) {
            T(affine_forward_of)(&pass, layer, j, input, layer->Z, n);
            if (layer->batch_norm.scale)
                T(batch_norm_predict)(&layer->batch_norm, layer->Z, n, layer->width);
            T(activation_forward)(layer, n);
            input = layer->A;
        }
        T(affine_forward_of)(&pass, output_layer, j, input, F, n);
        T(add_bias)(F, T(member_biases)(output_layer, output_layer->b, j), n, output_layer->width);
    }
}

/* The thread's part of a Prediction. */
static void T(predict_in_team)(void *context, int index, int n_threads)
{
    Prediction *prediction = context;
    const Range part = part_of(&(Thread){NULL, index, n_threads}, prediction->n_rows, 64);
    const Size block_rows = min_size(prediction->block_rows, range_size(part)), n_outputs = prediction->n_outputs;
    const Size member_stride = prediction->n_rows * n_outputs;
    Segment segment;
    NetworkPlan plan = prediction->plan;
    plan.segments = &segment;
    void *memory = T(allocate_prediction_buffers)(&plan, prediction->largest_width, block_rows);
    if (!memory) {
        prediction->lacks_memory = 1;
        return;
    }
    Size *row_numbers = (Size *)(plan.layers + plan.n_layers);
    for (Size first = part.from; first < part.to; first += block_rows) {
        const Size n = min_size(block_rows, part.to - first);
        for (Size i = 0; i < n; i++)
            row_numbers[i] = first + i;
        T(predict_block)(&plan, row_numbers, (REAL *)prediction->F + first * n_outputs, member_stride, n);
    }
    free(memory);
}
