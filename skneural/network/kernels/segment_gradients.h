/* The gradients in the parameters, from dZ: each segment's, from its rows; their sum; and those of large matrices, which
 * threads share out. */

/* The penalties' gradient in a matrix of a layer, to which that of the loss is added. */
static void T(matrix_penalty_gradient)(const NetworkPlan *plan, const Layer *layer, Size number)
{
    const Size size = layer->fan_in * layer->width, n = layer->n_matrices;
    T(penalty_gradient)((REAL *)layer->W + number * size, (REAL *)layer->dW + number * size, (REAL)(plan->l2 / n),
                        (REAL)(plan->l1 / n), size);
}

/* The penalties' gradient in what the pass adds to: shared matrices in the first segment, and its members' own. */
static void T(penalty_gradients)(const T(Pass) *pass)
{
    const NetworkPlan *plan = pass->plan;
    if (!plan->l1 && !plan->l2)
        return;
    for (const Layer *layer = pass->layers; layer < pass->layers + plan->n_layers; layer++)
        if (layer->n_matrices == 1 && !pass->segments.from)
            T(matrix_penalty_gradient)(plan, layer, 0);
        else
            for (Size j = 0; layer->n_matrices > 1 && j < pass->n_members; j++)
                T(matrix_penalty_gradient)(plan, layer, pass->first_member + j);
}

#define LARGE_MATRIX (1 << 17) /* entries: beyond, to add up several gradients takes longer than to exchange rows */

/* Whether threads share out the gradient of a layer's weights, not the rows from which it comes: each computes a part of
 * the matrix from the rows of all segments. These lie one below the other if there is one member. (A sparse input has
 * one segment.) */
static int T(shares_out_matrix)(const NetworkPlan *plan, Size layer_number)
{
    const Layer *layer = plan->layers + layer_number;
    return plan->n_members == 1 && plan->n_segments > 1 && layer->fan_in * layer->width > LARGE_MATRIX
        && !T(uses_maxout_weight_gradient)(plan, layer_number);
}

/* Whether a segment adds to the weights' gradient of the first one, where one thread makes all. That is the same, to the
 * bit, as to add a gradient of its own only if it is made by one block of a product. */
static int T(adds_directly)(const NetworkPlan *plan, const Thread *thread)
{
    return thread->n_threads == 1 && plan->n_members == 1 && plan->segment_rows <= DEPTH_BLOCK;
}

/* A segment's part of the gradient in a layer's weights, from its rows in the pass. */
static void T(segment_weight_gradient)(const T(Pass) *pass, Size layer_number, Size number)
{
    const NetworkPlan *plan = pass->plan;
    const Segment *segment = T(segment_of)(pass, number);
    const Layer *layer = pass->layers + layer_number, *own = segment->layers + layer_number;
    const Range rows = T(rows_of_segment)(pass, number);
    const Size width = layer->width;
    const int has_penalty = plan->l1 || plan->l2, is_shared = layer->n_matrices == 1;
    const int is_direct = number && T(adds_directly)(plan, pass->thread);
    const int add = is_direct || (has_penalty && !(is_shared && number));
    const REAL *input = T(input_of)(pass, layer_number), *dZ = layer->dZ;
    REAL *dW = is_direct ? plan->layers[layer_number].dW : own->dW;
    if (T(uses_maxout_weight_gradient)(plan, layer_number)) {
        Layer maxout = *own;
        maxout.Z = (REAL *)layer->Z + rows.from * width;
        maxout.dA = (REAL *)layer->dA + rows.from * layer->n_units;
        T(maxout_weight_gradient)(&maxout, input + rows.from * layer->fan_in, dW, (REAL)add, range_size(rows));
    } else if (!T(differs_by_member)(layer)) {
        T(affine_backward_of)(pass, layer, 0, input ? input + rows.from * layer->fan_in : NULL, dZ + rows.from * width,
                              dW, add || pass->first_member > segment->first_member, range_size(rows));
    } else {
        for (Size j = rows.from / pass->n_rows; j < rows.to / pass->n_rows; j++) {
            const Size member = pass->first_member + j;
            T(affine_backward_of)(pass, layer, member, T(member_input)(pass, layer_number, j),
                                  dZ + j * pass->n_rows * width, dW + T(matrix_offset)(layer, member),
                                  add || (is_shared && member > segment->first_member), pass->n_rows);
        }
    }
}

/* The thread's part of a matrix that a product makes: whole blocks of registers, so that the threads' parts take about
 * equally long. */
typedef struct {
    Range rows, columns;
} T(Tile);

static T(Tile) T(tile_of)(const Thread *thread, Size n, Size width)
{
    const Size height = ROWS_AT_ONCE, columns = 128 / sizeof(REAL), n_threads = thread->n_threads;
    const Size rows_of_blocks = (n + height - 1) / height, columns_of_blocks = (width + columns - 1) / columns;
    Size across = 1, least = rows_of_blocks * columns_of_blocks + 1;
    for (Size i = 1; i <= n_threads; i++) { /* i threads side by side, the others below them */
        const Size down = n_threads / i;
        const Size blocks = ((rows_of_blocks + down - 1) / down) * ((columns_of_blocks + i - 1) / i);
        if (blocks < least) {
            least = blocks;
            across = i;
        }
    }
    const Size down = n_threads / across;
    if (thread->index >= across * down)
        return (T(Tile)){{0, 0}, {0, 0}};
    const Thread row = {NULL, (int)(thread->index / across), (int)down};
    const Thread column = {NULL, (int)(thread->index % across), (int)across};
    return (T(Tile)){part_of(&row, n, height), part_of(&column, width, columns)};
}

/* The thread's part of a large matrix's gradient, from n rows of all segments. */
static void T(shared_out_gradient)(
    const NetworkPlan *plan, const Thread *thread, const Layer *layer, const REAL *input, Size n)
{
    const T(Tile) tile = T(tile_of)(thread, layer->fan_in, layer->width);
    const REAL beta = plan->l1 || plan->l2;
    T(gemm)(plan->blas_gemm, &(T(Product)){"TN", input, layer->dZ, layer->dW, beta, NULL,
                                           {layer->fan_in, n, layer->width}, tile.rows, tile.columns});
}

/* A segment's part of db: the column sums of dZ, for the output layer those of each member to its own. */
static void T(segment_bias_gradient)(const T(Pass) *pass, Size layer_number, Size number)
{
    const Segment *segment = T(segment_of)(pass, number);
    const Layer *layer = segment->layers + layer_number;
    const Range rows = T(rows_of_segment)(pass, number);
    const REAL *dZ = pass->layers[layer_number].dZ;
    const int is_shared = layer->n_matrices == 1;
    const Size step = is_shared ? range_size(rows) : pass->n_rows;
    for (Size i = rows.from; i < rows.to; i += step) {
        REAL *db = T(member_biases)(layer, layer->db, pass->first_member + i / pass->n_rows);
        if (!is_shared || pass->first_member <= segment->first_member)
            memset(db, 0, layer->width * sizeof(REAL));
        T(add_column_sums)(dZ + i * layer->width, db, step, layer->width);
    }
}

/* A segment's part of the gradient in PReLU's slopes. */
static void T(segment_slope_gradient)(const T(Pass) *pass, Size layer_number, Size number)
{
    const Segment *segment = T(segment_of)(pass, number);
    const Layer *layer = segment->layers + layer_number;
    const Range rows = T(rows_of_segment)(pass, number);
    const int is_first = pass->first_member <= segment->first_member;
    REAL *dslopes = layer->dactivation_params, *sums = layer->shares_slope ? layer->column_norms : dslopes;
    if (is_first || layer->shares_slope)
        memset(sums, 0, layer->width * sizeof(REAL));
    T(add_column_sums)((REAL *)pass->layers[layer_number].Z + rows.from * layer->width, sums, range_size(rows),
                       layer->width);
    if (layer->shares_slope)
        dslopes[0] = (is_first ? 0 : dslopes[0]) + T(sum)(sums, layer->width);
}

/* Some entries of the gradient become the sum over n segments, so many at a time that they stay in the cache. */
VECTORIZED static void T(add_entries)(const Segment *segments, Size n, Range entries)
{
    REAL *RESTRICT sum = segments->gradient;
    for (Size from = entries.from; from < entries.to; from += 2048) {
        const Size to = min_size(from + 2048, entries.to);
        for (Size s = 1; s < n; s++) {
            const REAL *RESTRICT part = segments[s].gradient;
            for (Size i = from; i < to; i++)
                sum[i] += part[i];
        }
    }
}

/* The thread's entries of the gradient, entries_of, become those of all segments. Large matrices, and those that members
 * have of their own, have them already. */
static void T(add_segment_gradients)(const NetworkPlan *plan, const Thread *thread, Size n_segments)
{
    const Range own = entries_of(thread, plan->n_parameters);
    for (Size i = 0; i < plan->n_layers && !T(adds_directly)(plan, thread); i++) {
        const Layer *layer = plan->layers + i;
        const Size first = (REAL *)layer->dW - (REAL *)plan->segments->gradient;
        const Range weights = {max_size(own.from, first), min_size(own.to, first + layer->fan_in * layer->width)};
        if (layer->n_matrices == 1 && !T(shares_out_matrix)(plan, i))
            T(add_entries)(plan->segments, n_segments, weights);
    }
    T(add_entries)(plan->segments, n_segments, (Range){max_size(own.from, plan->n_weights), own.to});
}

/* The gradients in large matrices, from the rows of all segments: each thread computes a part, and has all afterwards. */
static void T(shared_out_gradients)(
    const NetworkPlan *plan, const Thread *thread, const Size *rows, int adjacent, Size n_rows)
{
    const T(Pass) all = {.plan = plan, .memory = plan->segments, .rows = rows};
    int any = 0;
    for (Size i = 0; i < plan->n_layers; i++)
        if (T(shares_out_matrix)(plan, i)) {
            const int has_dropout = plan->input_dropout.key_number > 0;
            const REAL *input = i ? plan->layers[i - 1].output : T(location_of_input)(&all, adjacent && !has_dropout);
            T(shared_out_gradient)(plan, thread, plan->layers + i, input, n_rows);
            any = 1;
        }
    if (any)
        wait_for_team(thread);
}
