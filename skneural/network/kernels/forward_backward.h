/* The forward and the backward pass through a network, over a mini-batch of training.
 *
 * A batch is cut into segments, as many whatever the number of threads, and each thread passes through the network with
 * the rows of some of them. Sums over rows are made segment by segment, and added up in their order: so any number of
 * threads gives the same bits, and each reads and writes almost nothing but what is in its own cache. Threads meet where
 * batch normalisation asks for sums over all segments, and before the gradients are added up. */

/* Raw outputs. */
static void T(forward)(const Pass *pass)
{
    const Size n_layers = pass->plan->n_layers;
    for (Size i = 0; i < n_layers - 1; i++) {
        const Layer *layer = pass->layers + i;
        T(affine_forward)(pass, i);
        if (layer->batch_norm.scale)
            T(normalize_forward)(pass, i);
        T(activation_forward)(layer, n_pass_rows(pass));
        T(apply_layer_dropout)(pass, layer, layer->A, layer->output);
    }
    T(affine_forward)(pass, n_layers - 1);
    T(add_biases)(pass, pass->layers + n_layers - 1);
}

/* dZ of all layers, from that of the last one. The first needs none where Maxout's weights' gradient comes from dA. */
static void T(backward)(const Pass *pass)
{
    for (Size i = pass->plan->n_layers - 2; i >= 0; i--) {
        const Layer *layer = pass->layers + i;
        T(input_gradient)(pass, layer + 1, layer->dA);
        if (!T(knows_mask)(layer))
            T(apply_layer_dropout)(pass, layer, layer->dA, layer->dA);
        T(activation_backward)(layer, n_pass_rows(pass), i || !T(uses_maxout_weight_gradient)(pass->plan, i));
        if (layer->batch_norm.scale)
            T(normalize_backward)(pass, i);
    }
}

/* The gradients in the parameters, from dZ: each segment's, from its rows. */

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
static void T(segment_weight_gradient)(const Pass *pass, Size layer_number, Size number)
{
    const NetworkPlan *plan = pass->plan;
    const Segment *segment = segment_of(pass, number);
    const Layer *layer = pass->layers + layer_number, *own = segment->layers + layer_number;
    const Range rows = rows_of_segment(pass, number);
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

/* A segment's part of db: the column sums of dZ, for the output layer those of each member to its own. */
static void T(segment_bias_gradient)(const Pass *pass, Size layer_number, Size number)
{
    const Segment *segment = segment_of(pass, number);
    const Layer *layer = segment->layers + layer_number;
    const Range rows = rows_of_segment(pass, number);
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
static void T(segment_slope_gradient)(const Pass *pass, Size layer_number, Size number)
{
    const Segment *segment = segment_of(pass, number);
    const Layer *layer = segment->layers + layer_number;
    const Range rows = rows_of_segment(pass, number);
    const int is_first = pass->first_member <= segment->first_member;
    REAL *dslopes = layer->dactivation_params, *sums = layer->shares_slope ? layer->column_norms : dslopes;
    if (is_first || layer->shares_slope)
        memset(sums, 0, layer->width * sizeof(REAL));
    T(add_column_sums)((REAL *)pass->layers[layer_number].Z + rows.from * layer->width, sums, range_size(rows),
                       layer->width);
    if (layer->shares_slope)
        dslopes[0] = (is_first ? 0 : dslopes[0]) + T(sum)(sums, layer->width);
}

/* The gradients in all parameters, from dZ. */
static void T(parameter_gradients)(const Pass *pass)
{
    const NetworkPlan *plan = pass->plan;
    for (Size i = 0; i < plan->n_layers; i++) {
        const Layer *layer = pass->layers + i;
        for (Size s = pass->segments.from; s < pass->segments.to; s++) {
            if (!layer->batch_norm.scale && !T(uses_maxout_weight_gradient)(plan, i))
                T(segment_bias_gradient)(pass, i, s);
            if (i < plan->n_layers - 1 && layer->activation == PRELU)
                T(segment_slope_gradient)(pass, i, s);
            if (!T(shares_out_matrix)(plan, i))
                T(segment_weight_gradient)(pass, i, s);
        }
    }
}

/* What threads make together: the gradients in large matrices, and the sum over the segments. */

/* The thread's part of a large matrix's gradient, from n rows of all segments. */
static void T(shared_out_gradient)(
    const NetworkPlan *plan, const Thread *thread, const Layer *layer, const REAL *input, Size n)
{
    const T(ProductPart) part = T(product_part_of)(thread, layer->fan_in, layer->width);
    const REAL beta = plan->l1 || plan->l2;
    T(gemm)(plan->blas_gemm, &(T(Product)){"TN", input, layer->dZ, layer->dW, beta, NULL,
                                           {layer->fan_in, n, layer->width}, part.rows, part.columns});
}

/* The gradients in large matrices, from the rows of all segments: each thread computes a part, and has all afterwards. */
static void T(shared_out_gradients)(
    const NetworkPlan *plan, const Thread *thread, const Size *rows, int adjacent, Size n_rows)
{
    const Pass all = {.plan = plan, .memory = plan->segments, .rows = rows};
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

/* Some entries of the gradient become the sum over n segments, so many at a time that they stay in the cache. */
VECTORIZED static void T(add_entries)(const Segment *segments, Size n, Range entries)
{
    REAL *RESTRICT gradient = segments->gradient;
    for (Size from = entries.from; from < entries.to; from += 2048) {
        const Size to = min_size(from + 2048, entries.to);
        for (Size s = 1; s < n; s++) {
            const REAL *RESTRICT segment_gradient = segments[s].gradient;
            for (Size i = from; i < to; i++)
                gradient[i] += segment_gradient[i];
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

/* A batch, from its rows to the gradient. */

/* Forward and backward pass over the members that a pass has at present. */
static void T(pass_members)(const Pass *pass)
{
    T(forward)(pass);
    T(evaluate_pass_loss)(pass);
    T(backward)(pass);
    T(parameter_gradients)(pass);
}

/* A pass over the rows of some segments, with its input in place. */
static Pass T(begin_pass)(
    const NetworkPlan *plan, const Thread *thread, Range segments, Size n_segments, const Size *rows, int adjacent,
    Size n_rows, const uint32_t *dropout_keys)
{
    const int is_single = plan->n_members == 1;
    const Size size = plan->segment_rows, first = is_single ? segments.from * size : 0;
    const Segment *memory = plan->segments + segments.from;
    Pass pass = {.plan = plan, .thread = thread, .memory = memory, .layers = memory->layers, .segments = segments,
                 .n_segments = n_segments, .rows = rows + first, .dropout_keys = dropout_keys,
                 .n_rows = is_single ? min_size(segments.to * size, n_rows) - first : n_rows, .first_row = first,
                 .batch_rows = n_rows, .first_member = memory->first_member};
    for (Size s = segments.from; s < segments.to; s++) {
        pass.n_members = plan->segments[s].first_member + plan->segments[s].n_members - pass.first_member;
        plan->segments[s].loss = 0;
    }
    T(set_loss_weights)(&pass);
    if (plan->layers->batch_norm.scale)
        T(set_normalized_weights)(&pass, rows);
    T(penalty_gradients)(&pass);
    pass.X = T(dense_input)(&pass, adjacent);
    return pass;
}

/* The passes of a thread over its part of the segments. */
static void T(pass_segments)(
    const NetworkPlan *plan, const Thread *thread, Size n_segments, const Size *rows, int adjacent, Size n_rows,
    const uint32_t *dropout_keys)
{
    const Range own = part_of(thread, n_segments, 1);
    const Size n_meetings = plan->layers->batch_norm.scale ? 2 * (plan->n_layers - 1) : 0;
    if (!range_size(own)) { /* in batch normalisation the others wait for a thread without rows, too */
        for (Size i = 0; i < n_meetings; i++)
            wait_for_team(thread);
        return;
    }
    Pass pass = T(begin_pass)(plan, thread, own, n_segments, rows, adjacent, n_rows, dropout_keys);
    if (members_pass_together(plan)) {
        T(pass_members)(&pass);
        return;
    }
    const Size entries_by_member = plan->input_dropout.key_number ? n_rows * plan->input.n_features : 0;
    for (Size s = own.from; s < own.to; s++)
        for (Size j = 0; j < plan->segments[s].n_members; j++) { /* all in the same buffers */
            Pass of_member = pass;
            of_member.segments = (Range){s, s + 1};
            of_member.first_member = plan->segments[s].first_member + j;
            of_member.n_members = 1;
            if (pass.X)
                of_member.X = (const REAL *)pass.X + (of_member.first_member - pass.first_member) * entries_by_member;
            T(pass_members)(&of_member);
        }
}

/* Return the mean loss of a batch; the gradient goes where the layers of the plan say. All threads of the team call this,
 * and each has its entries of the gradient, entries_of, when it returns. `dropout_keys` has one for each mask. */
static double T(forward_backward)(
    const NetworkPlan *plan, const Thread *thread, const Size *rows, int adjacent, Size n_rows,
    const uint32_t *dropout_keys)
{
    const Size size = plan->segment_rows, n_segments = plan->n_members > 1 ? plan->n_segments : (n_rows + size - 1) / size;
    double loss = 0;
    T(pass_segments)(plan, thread, n_segments, rows, adjacent, n_rows, dropout_keys);
    wait_for_team(thread);
    T(shared_out_gradients)(plan, thread, rows, adjacent, n_rows);
    T(add_segment_gradients)(plan, thread, n_segments);
    for (Size s = 0; s < n_segments; s++)
        loss += plan->segments[s].loss;
    return loss;
}
