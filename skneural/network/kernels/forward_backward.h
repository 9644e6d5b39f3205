/* The passes through a network: forward and backward over a mini-batch in training, forward over a block of rows in
 * prediction.
 *
 * In training the threads of a team first compute raw outputs, losses and dZ of all layers, each for its part of the
 * rows. Then they meet, and compute the gradients in the parameters, each its part of these, from all rows. Batch
 * normalisation needs all rows in between. */

/* Set the weights of the thread's rows, those for batch normalisation too, and `any_weight`. */
static void T(set_row_weights)(T(Pass) *pass)
{
    const NetworkPlan *plan = pass->plan;
    const REAL *sample_weight = plan->sample_weight;
    const Size n = pass->block.n_rows, n_all = plan->n_members * n;
    REAL *row_weight = plan->loss_batch.row_weight, *normalized_weight = plan->normalized_weight;
    double sum = 0;
    pass->any_weight = 1;
    pass->row_weight = NULL;
    if (!sample_weight) {
        for (Size i = pass->part.from; i < pass->part.to; i++)
            row_weight[i] = 1 / (REAL)n_all;
        return;
    }
    for (Size i = 0; i < n_all; i++)
        sum += sample_weight[pass->rows[i % n]];
    pass->any_weight = sum > 0;
    for (Size i = pass->part.from; i < pass->part.to; i++) {
        const REAL weight = sample_weight[pass->rows[i % n]];
        row_weight[i] = weight / n_all;
        if (sum > 0)
            normalized_weight[i] = (REAL)(weight / sum);
    }
    if (sum > 0)
        pass->row_weight = normalized_weight;
}

/* The batch's rows once for each member of the block: the thread's part of them. */
static void T(set_block_rows)(T(Pass) *pass)
{
    pass->block_rows = pass->rows;
    if (pass->block.n_members == 1)
        return;
    for (Size i = pass->part.from; i < pass->part.to; i++)
        pass->plan->member_rows[i] = pass->rows[i % pass->block.n_rows];
    pass->block_rows = pass->plan->member_rows;
}

/* Some of n rows of a batch, one below the other: where they lie if they do so already (`adjacent`); NULL for CSR. With
 * input dropout those of all members. */
static const REAL *T(dense_input)(
    const NetworkPlan *plan, const Size *rows, int adjacent, const uint32_t *dropout_keys, Range part, Size n)
{
    const InputRows *input = &plan->input;
    const Size d = input->n_features, size = range_size(part) * d;
    if (input->indptr)
        return NULL;
    const REAL *X = plan->gathered;
    if (adjacent && input->column_stride == 1 && input->row_stride == d)
        X = (const REAL *)input->data + rows[0] * d;
    else
        T(gather_rows)(input, rows + part.from, (REAL *)plan->gathered + part.from * d, range_size(part));
    if (plan->input_dropout.key_number) {
        for (Size j = plan->n_members - 1; j >= 0; j--) { /* the first comes last, since it may replace X */
            const Size first = (j * n + part.from) * d;
            const Mask mask = mask_of(&plan->input_dropout, dropout_keys, first);
            T(apply_dropout)(X + part.from * d, &mask, (REAL *)plan->gathered + first, size);
        }
        X = plan->gathered;
    }
    return X;
}

/* The masks of the thread's rows: those of all members lie one behind the other. */
static void T(apply_row_dropout)(const T(Pass) *pass, const Layer *layer, const REAL *A, REAL *out)
{
    const Size first = pass->part.from * layer->n_units;
    if (!layer->dropout.key_number)
        return;
    const Size first_of_block = pass->block.first * pass->block.n_rows * layer->n_units;
    const Mask mask = mask_of(&layer->dropout, pass->dropout_keys, first_of_block + first);
    T(apply_dropout)(A + first, &mask, out + first, range_size(pass->part) * layer->n_units);
}

/* Z of a layer becomes scale · normalized. */
static void T(normalize)(const T(Pass) *pass, const Layer *layer)
{
    const BatchNorm *norm = &layer->batch_norm;
    const Size n = T(rows_of_block)(pass), width = layer->width;
    wait_for_team(pass->thread);
    T(batch_norm_statistics)(norm, pass->row_weight, layer->Z, part_of(pass->thread, width, COLUMNS_AT_ONCE), n, width);
    wait_for_team(pass->thread);
    T(batch_norm_forward)(norm, layer->Z, pass->part, width);
    if (pass->any_weight && !pass->thread->index)
        T(update_running_statistics)(norm, n, width);
}

/* Raw outputs of the thread's rows. */
static void T(forward)(const T(Pass) *pass)
{
    const NetworkPlan *plan = pass->plan;
    const REAL *input = pass->X;
    const Layer *last = plan->layers + plan->n_layers - 1;
    for (const Layer *layer = plan->layers; layer < last; layer++) {
        T(affine_forward)(pass, layer, input);
        if (layer->batch_norm.scale)
            T(normalize)(pass, layer);
        T(activation_forward)(layer, pass->part);
        T(apply_row_dropout)(pass, layer, layer->A, layer->output);
        input = layer->output;
    }
    T(affine_forward)(pass, last, input);
    T(add_biases)(pass, last);
}

/* From the gradient in the output of batch normalisation, dY, the gradients in its shift, its scale and Z. */
static void T(normalize_backward)(const T(Pass) *pass, const Layer *layer)
{
    const BatchNorm *norm = &layer->batch_norm;
    const Size n = T(rows_of_block)(pass), width = layer->width;
    wait_for_team(pass->thread);
    T(batch_norm_parameter_gradients)(
        norm, layer->dZ, layer->db, part_of(pass->thread, width, COLUMNS_AT_ONCE), n, width);
    wait_for_team(pass->thread);
    T(batch_norm_backward)(norm, pass->row_weight, layer->dZ, layer->db, pass->part, n, width);
}

/* The thread's rows of dZ of all layers, from those of the last one. */
static void T(backward)(const T(Pass) *pass)
{
    const NetworkPlan *plan = pass->plan;
    for (const Layer *layer = plan->layers + plan->n_layers - 1; layer > plan->layers; layer--) {
        const Layer *below = layer - 1;
        T(input_gradient)(pass, layer, below->dA);
        if (!T(knows_mask)(below))
            T(apply_row_dropout)(pass, below, below->dA, below->dA);
        T(activation_backward)(plan, below, pass->part);
        if (below->batch_norm.scale)
            T(normalize_backward)(pass, below);
    }
}

/* The thread's part of the gradient in PReLU's slopes; a slope that all units share is the first thread's. */
static void T(slope_gradients)(const T(Pass) *pass, const Layer *layer)
{
    const Size n = T(rows_of_block)(pass), width = layer->width;
    REAL *dslopes = layer->dactivation_params;
    if (!layer->shares_slope) {
        const Range columns = part_of(pass->thread, width, COLUMNS_AT_ONCE);
        if (!pass->block.first)
            memset(dslopes + columns.from, 0, range_size(columns) * sizeof(REAL));
        T(add_column_sums)(layer->Z, dslopes, columns, n, width);
    } else if (!pass->thread->index) {
        REAL *sums = layer->column_norms;
        memset(sums, 0, width * sizeof(REAL));
        T(add_column_sums)(layer->Z, sums, (Range){0, width}, n, width);
        dslopes[0] = pass->block.first ? dslopes[0] : 0;
        for (Size j = 0; j < width; j++)
            dslopes[0] += sums[j];
    }
}

/* The thread's part of the gradients in all parameters, from dZ. */
static void T(parameter_gradients)(const T(Pass) *pass)
{
    const NetworkPlan *plan = pass->plan;
    const REAL *input = pass->X;
    const Layer *last = plan->layers + plan->n_layers - 1;
    for (const Layer *layer = plan->layers; layer <= last; input = layer->output, layer++) {
        if (!layer->batch_norm.scale && !T(uses_maxout_weight_gradient)(plan, layer))
            T(bias_gradients)(pass, layer, layer->dZ);
        if (layer < last && layer->activation == PRELU)
            T(slope_gradients)(pass, layer);
        T(weight_gradient)(pass, layer, input);
    }
}

/* How many members pass together: one at a time stays in the cache, but batch normalisation is over the rows of all,
 * and Maxout's own weight gradient does not add to another. */
static Size T(members_at_once)(const NetworkPlan *plan)
{
    for (const Layer *layer = plan->layers; layer < plan->layers + plan->n_layers - 1; layer++)
        if (layer->batch_norm.scale || layer->activation == MAXOUT)
            return plan->n_members;
    return 1;
}

/* A thread's view of a pass over the first block of members, with the batch's input in place. */
static T(Pass) T(begin_pass)(
    const NetworkPlan *plan, const Thread *thread, const Size *rows, int adjacent, Size n_rows,
    const uint32_t *dropout_keys)
{
    T(Pass) pass = {.plan = plan, .thread = thread, .rows = rows, .dropout_keys = dropout_keys,
                    .block = {0, T(members_at_once)(plan), n_rows}};
    pass.part = part_of(thread, T(rows_of_block)(&pass), ROWS_AT_ONCE);
    T(set_row_weights)(&pass);
    T(set_block_rows)(&pass);
    pass.X = T(dense_input)(plan, rows, adjacent, dropout_keys, part_of(thread, n_rows, ROWS_AT_ONCE), n_rows);
    if (pass.block.n_members > 1) /* others' rows of X are needed */
        wait_for_team(thread);
    for (const Layer *layer = plan->layers; layer < plan->layers + plan->n_layers; layer++)
        T(layer_penalty_gradient)(plan, thread, layer);
    return pass;
}

/* Set the mean loss of a batch, plan->batch_loss; the gradient goes where the layers say. All threads of the team call
 * this, and have all of it when it returns. `dropout_keys` has one for each mask. */
static void T(forward_backward)(
    NetworkPlan *plan, const Thread *thread, const Size *rows, int adjacent, Size n_rows, const uint32_t *dropout_keys)
{
    T(Pass) pass = T(begin_pass)(plan, thread, rows, adjacent, n_rows, dropout_keys);
    double loss = 0;
    for (; pass.block.first < plan->n_members; pass.block.first += pass.block.n_members) {
        T(forward)(&pass);
        T(evaluate_loss)(plan, pass.block_rows, pass.part); /* F, which is Z of the last layer, is now dZ */
        T(backward)(&pass);
        wait_for_team(thread);
        T(parameter_gradients)(&pass);
        if (!thread->index) {
            loss += T(sum_loss)(&plan->loss_batch, T(rows_of_block)(&pass));
            plan->batch_loss = loss;
        }
        wait_for_team(thread);
    }
}

/* Raw outputs of n adjacent rows, (n, n_outputs): those of the first member at F, those of each other `member_stride`
 * entries further. */
static void T(predict)(NetworkPlan *plan, const Size *rows, REAL *F, Size member_stride, Size n)
{
    const Range all = {0, n};
    const Thread alone = {NULL, 0, 1};
    const REAL *X = T(dense_input)(plan, rows, 1, NULL, all, n);
    const Layer *last = plan->layers + plan->n_layers - 1;
    const T(Pass) pass = {.plan = plan, .thread = &alone, .rows = rows, .block = {0, 1, n}};
    for (Size j = 0; j < plan->n_members; j++, F += member_stride) {
        const REAL *input = X;
        for (const Layer *layer = plan->layers; layer < last; layer++) {
            T(affine_forward_of)(&pass, layer, j, input, layer->Z, all, n);
            if (layer->batch_norm.scale)
                T(batch_norm_predict)(&layer->batch_norm, layer->Z, n, layer->width);
            T(activation_forward)(layer, all);
            input = layer->A;
        }
        T(affine_forward_of)(&pass, last, j, input, F, all, n);
        T(add_bias)(F, T(member_biases)(last, last->b, j), n, last->width);
    }
}
