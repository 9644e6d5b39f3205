/* The passes through a network: forward and backward over a mini-batch in training, forward over a block of rows in
 * prediction.
 *
 * In training a batch is cut into segments, as many whatever the number of threads, and each thread passes through the
 * network with the rows of some of them. Sums over rows are made segment by segment, and added up in their order: so any
 * number of threads gives the same bits, and each reads and writes almost nothing but what is in its own cache. Threads
 * meet where batch normalisation asks for sums over all segments, and before the gradients are added up. */

/* Set the weights of the pass's rows for batch normalisation, given the sum of the batch's sample weights: NULL where
 * they are equal or all 0. */
static void T(set_normalized_weights)(T(Pass) *pass, double sum)
{
    const REAL *sample_weight = sum > 0 ? pass->plan->sample_weight : NULL;
    REAL *weight = pass->memory->normalized_weight;
    const Size n = T(n_pass_rows)(pass);
    for (Size i = 0; sample_weight && i < n; i++)
        weight[i] = (REAL)(sample_weight[pass->rows[i % pass->n_rows]] / sum);
    pass->row_weight = sample_weight ? weight : NULL;
    for (Size s = pass->segments.from; s < pass->segments.to; s++) {
        const Range rows = T(rows_of_segment)(pass, s);
        double *segment_weight = &T(segment_of)(pass, s)->weight;
        *segment_weight = sample_weight ? 0 : (double)range_size(rows) / (pass->plan->n_members * pass->batch_rows);
        for (Size i = rows.from; sample_weight && i < rows.to; i++)
            *segment_weight += weight[i];
    }
}

/* Set the weights of the rows that pass together. */
static void T(set_row_weights)(T(Pass) *pass, const Size *batch_rows)
{
    const NetworkPlan *plan = pass->plan;
    const REAL *sample_weight = plan->sample_weight;
    const Size n = T(members_pass_together)(plan) ? T(n_pass_rows)(pass) : pass->n_rows;
    const REAL n_all = (REAL)(plan->n_members * pass->batch_rows), equal = 1 / n_all;
    REAL *row_weight = pass->memory->loss_batch.row_weight;
    double sum = 0;
    for (Size i = 0; i < n; i++)
        row_weight[i] = sample_weight ? sample_weight[pass->rows[i % pass->n_rows]] / n_all : equal;
    if (!plan->layers->batch_norm.scale)
        return;
    for (Size i = 0; sample_weight && i < pass->batch_rows; i++)
        sum += plan->n_members * (double)sample_weight[batch_rows[i]];
    T(set_normalized_weights)(pass, sum);
}

/* The pass's rows, one below the other; with input dropout those of all members. */
static const REAL *T(dense_input)(const T(Pass) *pass, int adjacent)
{
    const NetworkPlan *plan = pass->plan;
    const Size d = plan->input.n_features, n = pass->n_rows;
    const REAL *X = T(location_of_input)(pass, adjacent);
    REAL *gathered = pass->memory->gathered;
    if (X && X == gathered)
        T(gather_rows)(&plan->input, pass->rows, gathered, n);
    if (!X || !plan->input_dropout.key_number)
        return X;
    for (Size j = pass->n_members - 1; j >= 0; j--) { /* the first comes last, since it may replace X */
        const Mask mask = mask_of(&plan->input_dropout, pass->dropout_keys,
                                  T(first_entry)(pass, pass->first_member + j, d));
        T(apply_dropout)(X, &mask, gathered + j * n * d, n * d);
    }
    return gathered;
}

/* The masks of all members lie one behind the other. */
static void T(apply_row_dropout)(const T(Pass) *pass, const Layer *layer, const REAL *A, REAL *out)
{
    if (!layer->dropout.key_number)
        return;
    const Size first = T(first_entry)(pass, pass->first_member, layer->n_units);
    const Mask mask = mask_of(&layer->dropout, pass->dropout_keys, first);
    T(apply_dropout)(A, &mask, out, T(n_pass_rows)(pass) * layer->n_units);
}

/* The weight of a row in batch normalisation where all have the same. */
static REAL T(equal_weight)(const T(Pass) *pass)
{
    return 1 / (REAL)(pass->plan->n_members * pass->batch_rows);
}

/* Z of a layer becomes scale · normalized. */
static void T(normalize)(const T(Pass) *pass, Size layer_number)
{
    const Layer *layer = pass->layers + layer_number;
    const BatchNorm *norm = &layer->batch_norm;
    const Size width = layer->width;
    for (Size s = pass->segments.from; s < pass->segments.to; s++) {
        const Range rows = T(rows_of_segment)(pass, s);
        T(batch_norm_statistics)(&T(segment_of)(pass, s)->layers[layer_number].batch_norm,
                                 pass->row_weight ? pass->row_weight + rows.from : NULL, T(equal_weight)(pass),
                                 (REAL)T(segment_of)(pass, s)->weight, (REAL *)layer->Z + rows.from * width,
                                 range_size(rows), width);
    }
    wait_for_team(pass->thread);
    T(combine_statistics)(norm, pass->plan->segments, pass->n_segments, layer_number, width);
    T(batch_norm_forward)(norm, layer->Z, T(n_pass_rows)(pass), width);
    if (!pass->segments.from && (pass->row_weight || !pass->plan->sample_weight)) /* some row counts */
        T(update_running_statistics)(norm, pass->plan->n_members * pass->batch_rows, width);
}

/* Raw outputs. */
static void T(forward)(const T(Pass) *pass)
{
    const Size n_layers = pass->plan->n_layers;
    for (Size i = 0; i < n_layers - 1; i++) {
        const Layer *layer = pass->layers + i;
        T(affine_forward)(pass, i);
        if (layer->batch_norm.scale)
            T(normalize)(pass, i);
        T(activation_forward)(layer, T(n_pass_rows)(pass));
        T(apply_row_dropout)(pass, layer, layer->A, layer->output);
    }
    T(affine_forward)(pass, n_layers - 1);
    T(add_biases)(pass, pass->layers + n_layers - 1);
}

/* The losses, and the gradient in the raw outputs, which are Z of the last layer, in their place: dZ. Segment by segment:
 * the last few rows of a vectorised loop may be computed by other instructions. */
static void T(pass_loss)(const T(Pass) *pass)
{
    const Segment *first = pass->memory;
    const Size *rows = pass->n_members > 1 ? first->member_rows : pass->rows;
    for (Size j = 0; pass->n_members > 1 && j < pass->n_members; j++)
        memcpy(first->member_rows + j * pass->n_rows, pass->rows, pass->n_rows * sizeof(Size));
    for (Size s = pass->segments.from; s < pass->segments.to; s++) {
        const Range part = T(rows_of_segment)(pass, s);
        LossBatch batch = first->loss_batch;
        batch.F = (REAL *)batch.F + part.from * batch.n_outputs;
        batch.scratch = (REAL *)batch.scratch + part.from;
        batch.row_weight = (REAL *)batch.row_weight + part.from;
        batch.row_loss += part.from;
        T(evaluate_loss)(pass->plan->loss, &batch, rows + part.from, range_size(part));
        T(segment_of)(pass, s)->loss += sum_of(batch.row_loss, range_size(part));
    }
}

/* From the gradient in the output of batch normalisation, dY, the gradients in its shift, its scale and Z. */
static void T(normalize_backward)(const T(Pass) *pass, Size layer_number)
{
    const Layer *layer = pass->layers + layer_number;
    const BatchNorm *norm = &layer->batch_norm;
    const Size width = layer->width;
    for (Size s = pass->segments.from; s < pass->segments.to; s++) {
        const Layer *own = T(segment_of)(pass, s)->layers + layer_number;
        const Range rows = T(rows_of_segment)(pass, s);
        T(batch_norm_parameter_gradients)((REAL *)norm->normalized + rows.from * width,
                                          (REAL *)layer->dZ + rows.from * width, own->db, own->batch_norm.dscale,
                                          range_size(rows), width);
    }
    wait_for_team(pass->thread);
    T(combine_gradients)(norm, pass->plan->segments, pass->n_segments, layer_number, width);
    T(batch_norm_backward)(norm, pass->row_weight, T(equal_weight)(pass), layer->dZ, T(n_pass_rows)(pass), width);
}

/* dZ of all layers, from that of the last one. The first needs none where Maxout's weights' gradient comes from dA. */
static void T(backward)(const T(Pass) *pass)
{
    for (Size i = pass->plan->n_layers - 2; i >= 0; i--) {
        const Layer *layer = pass->layers + i;
        T(input_gradient)(pass, layer + 1, layer->dA);
        if (!T(knows_mask)(layer))
            T(apply_row_dropout)(pass, layer, layer->dA, layer->dA);
        T(activation_backward)(layer, T(n_pass_rows)(pass), i || !T(uses_maxout_weight_gradient)(pass->plan, i));
        if (layer->batch_norm.scale)
            T(normalize_backward)(pass, i);
    }
}

/* The gradients in all parameters, from dZ. */
static void T(parameter_gradients)(const T(Pass) *pass)
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

/* Forward and backward pass over the members that a pass has at present. */
static void T(pass_members)(const T(Pass) *pass)
{
    T(forward)(pass);
    T(pass_loss)(pass);
    T(backward)(pass);
    T(parameter_gradients)(pass);
}

/* A pass over the rows of some segments, with its input in place. */
static T(Pass) T(begin_pass)(
    const NetworkPlan *plan, const Thread *thread, Range segments, Size n_segments, const Size *rows, int adjacent,
    Size n_rows, const uint32_t *dropout_keys)
{
    const int is_single = plan->n_members == 1;
    const Size size = plan->segment_rows, first = is_single ? segments.from * size : 0;
    const Segment *memory = plan->segments + segments.from;
    T(Pass) pass = {.plan = plan, .thread = thread, .memory = memory, .layers = memory->layers, .segments = segments,
                    .n_segments = n_segments, .rows = rows + first, .dropout_keys = dropout_keys,
                    .n_rows = is_single ? min_size(segments.to * size, n_rows) - first : n_rows, .first_row = first,
                    .batch_rows = n_rows, .first_member = memory->first_member};
    for (Size s = segments.from; s < segments.to; s++) {
        pass.n_members = plan->segments[s].first_member + plan->segments[s].n_members - pass.first_member;
        plan->segments[s].loss = 0;
    }
    T(set_row_weights)(&pass, rows);
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
    T(Pass) pass = T(begin_pass)(plan, thread, own, n_segments, rows, adjacent, n_rows, dropout_keys);
    if (T(members_pass_together)(plan)) {
        T(pass_members)(&pass);
        return;
    }
    const Size entries_by_member = plan->input_dropout.key_number ? n_rows * plan->input.n_features : 0;
    for (Size s = own.from; s < own.to; s++)
        for (Size j = 0; j < plan->segments[s].n_members; j++) { /* all in the same buffers */
            T(Pass) of_member = pass;
            of_member.segments = (Range){s, s + 1};
            of_member.first_member = plan->segments[s].first_member + j;
            of_member.n_members = 1;
            if (pass.X)
                of_member.X = pass.X + (of_member.first_member - pass.first_member) * entries_by_member;
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

/* Raw outputs of n adjacent rows, (n, n_outputs): those of the first member at F, those of each other `member_stride`
 * entries further. */
static void T(predict)(NetworkPlan *plan, const Size *rows, REAL *F, Size member_stride, Size n)
{
    const T(Pass) pass = {.plan = plan, .memory = plan->segments, .layers = plan->layers, .rows = rows, .n_rows = n,
                          .batch_rows = n};
    const REAL *X = T(dense_input)(&pass, 1);
    const Layer *last = plan->layers + plan->n_layers - 1;
    for (Size j = 0; j < plan->n_members; j++, F += member_stride) {
        const REAL *input = X;
        for (const Layer *layer = plan->layers; layer < last; layer++) {
            T(affine_forward_of)(&pass, layer, j, input, layer->Z, n);
            if (layer->batch_norm.scale)
                T(batch_norm_predict)(&layer->batch_norm, layer->Z, n, layer->width);
            T(activation_forward)(layer, n);
            input = layer->A;
        }
        T(affine_forward_of)(&pass, last, j, input, F, n);
        T(add_bias)(F, T(member_biases)(last, last->b, j), n, last->width);
    }
}
