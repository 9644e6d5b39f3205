/* The passes through a network: forward and backward over a mini-batch in training, forward over a block of rows in
 * prediction. */

/* Set the rows' weights, those for batch normalisation too; return whether any of them is positive. */
static int T(set_row_weights)(NetworkPlan *plan, const Size *rows, Size n)
{
    const REAL *sample_weight = plan->sample_weight;
    REAL *row_weight = plan->loss_batch.row_weight, *normalized_weight = plan->normalized_weight;
    double sum = 0;
    for (Size i = 0; i < n; i++) {
        const REAL weight = sample_weight ? sample_weight[rows[i]] : 1;
        row_weight[i] = weight / n;
        sum += weight;
    }
    if (sample_weight && sum > 0)
        for (Size i = 0; i < n; i++)
            normalized_weight[i] = (REAL)(sample_weight[rows[i]] / sum);
    return sum > 0;
}

/* The batch's rows once for each member. */
static const Size *T(rows_of_members)(const NetworkPlan *plan, const Size *rows, Size n)
{
    if (plan->n_members == 1)
        return rows;
    for (Size j = 0; j < plan->n_members; j++)
        memcpy(plan->member_rows + j * n, rows, n * sizeof(Size));
    return plan->member_rows;
}

/* The batch's rows, one below the other: where they lie if they do so already (`adjacent`); NULL for CSR. With input
 * dropout those of all members. */
static const REAL *T(dense_input)(const NetworkPlan *plan, const Size *rows, int adjacent, Size n)
{
    const InputRows *input = &plan->input;
    if (input->indptr)
        return NULL;
    const REAL *X = plan->gathered;
    if (adjacent && input->column_stride == 1 && input->row_stride == input->n_features)
        X = (const REAL *)input->data + rows[0] * input->row_stride;
    else
        T(gather_rows)(input, rows, plan->gathered, n);
    if (plan->input_dropout.random) {
        const Size size = n * input->n_features;
        for (Size j = plan->n_members - 1; j >= 0; j--) { /* the first comes last, since it may replace X */
            Dropout dropout = plan->input_dropout;
            dropout.random += j * size;
            T(apply_dropout)(X, dropout, (REAL *)plan->gathered + j * size, size);
        }
        X = plan->gathered;
    }
    return X;
}

/* The masks of a block of members: those of all members lie one behind the other. */
static Dropout T(block_dropout)(const Layer *layer, MemberBlock block)
{
    Dropout dropout = layer->dropout;
    dropout.random += block.first * block.n_rows * layer->n_units;
    return dropout;
}

/* Raw outputs of a block of members; X are the batch's rows, NULL for CSR. */
static void T(forward)(
    const NetworkPlan *plan, const REAL *X, const Size *rows, const REAL *row_weight, int any_weight, MemberBlock block)
{
    const REAL *input = X;
    const Size n = block.n_members * block.n_rows;
    Layer *last = plan->layers + plan->n_layers - 1;
    for (Layer *layer = plan->layers; layer < last; layer++) {
        T(affine_forward)(plan, layer, input, rows, block);
        if (layer->batch_norm.scale) {
            T(batch_norm_forward)(&layer->batch_norm, row_weight, layer->Z, n, layer->width);
            if (any_weight)
                T(update_running_statistics)(&layer->batch_norm, n, layer->width);
        }
        T(activation_forward)(layer, n);
        if (layer->dropout.random)
            T(apply_dropout)(layer->A, T(block_dropout)(layer, block), layer->output, n * layer->n_units);
        input = layer->output;
    }
    T(affine_forward)(plan, last, input, rows, block);
    T(add_biases)(last, block);
}

/* Gradients of a block of members, from dZ of the last layer. */
static void T(backward)(
    const NetworkPlan *plan, const REAL *X, const Size *rows, const REAL *row_weight, MemberBlock block)
{
    const Size n = block.n_members * block.n_rows;
    Layer *last = plan->layers + plan->n_layers - 1;
    T(bias_gradients)(last, block);
    for (Layer *layer = last; layer > plan->layers; layer--) {
        Layer *below = layer - 1;
        T(weight_gradient)(plan, layer, below->output, rows, block);
        T(input_gradient)(plan, layer, below->dA, block);
        if (below->dropout.random)
            T(apply_dropout)(below->dA, T(block_dropout)(below, block), below->dA, n * below->n_units);
        T(activation_backward)(plan, below, n);
        if (below->batch_norm.scale)
            T(batch_norm_backward)(&below->batch_norm, row_weight, below->dZ, below->db, n, below->width);
    }
    T(weight_gradient)(plan, plan->layers, X, rows, block);
}

/* Set to zero what the backward pass adds to. */
static void T(clear_gradients)(const NetworkPlan *plan)
{
    const Layer *last = plan->layers + plan->n_layers - 1;
    for (const Layer *layer = plan->layers; layer <= last; layer++) {
        memset(layer->db, 0, layer->n_matrices * layer->width * sizeof(REAL));
        if (layer->activation == PRELU && layer < last)
            memset(layer->dactivation_params, 0, (layer->shares_slope ? 1 : layer->width) * sizeof(REAL));
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

/* Mean loss of a batch; the gradient goes where the layers say. */
static double T(forward_backward)(NetworkPlan *plan, const Size *rows, int adjacent, Size n_rows)
{
    const Size n = plan->n_members * n_rows, *all_rows = T(rows_of_members)(plan, rows, n_rows);
    const int any_weight = T(set_row_weights)(plan, all_rows, n);
    const REAL *row_weight = plan->sample_weight && any_weight ? plan->normalized_weight : NULL;
    const REAL *X = T(dense_input)(plan, rows, adjacent, n_rows);
    MemberBlock block = {0, T(members_at_once)(plan), n_rows};
    double loss = 0;
    plan->loss_batch.n_rows = block.n_members * n_rows;
    plan->loss_batch.rows = all_rows; /* weights and rows are the same for each member */
    T(clear_gradients)(plan);
    for (; block.first < plan->n_members; block.first += block.n_members) {
        T(forward)(plan, X, rows, row_weight, any_weight, block);
        loss += T(evaluate_loss)(plan); /* F, which is Z of the last layer, is now dZ */
        T(backward)(plan, X, rows, row_weight, block);
    }
    return loss;
}

/* Raw outputs of n adjacent rows, (n, n_outputs): those of the first member at F, those of each other `member_stride`
 * entries further. */
static void T(predict)(NetworkPlan *plan, const Size *rows, REAL *F, Size member_stride, Size n)
{
    const REAL *X = T(dense_input)(plan, rows, 1, n);
    const Layer *last = plan->layers + plan->n_layers - 1;
    for (Size j = 0; j < plan->n_members; j++, F += member_stride) {
        const REAL *input = X;
        for (Layer *layer = plan->layers; layer < last; layer++) {
            T(affine_forward_of)(plan, layer, j, input, rows, layer->Z, n);
            if (layer->batch_norm.scale)
                T(batch_norm_predict)(&layer->batch_norm, layer->Z, n, layer->width);
            T(activation_forward)(layer, n);
            input = layer->A;
        }
        T(affine_forward_of)(plan, last, j, input, rows, F, n);
        T(add_bias)(F, T(member_biases)(last, last->b, j), n, last->width);
    }
}
