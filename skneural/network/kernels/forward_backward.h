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

/* The batch's rows, one below the other: where they lie if they do so already (`adjacent`); NULL for CSR. */
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
        T(apply_dropout)(X, plan->input_dropout, plan->gathered, n * input->n_features);
        X = plan->gathered;
    }
    return X;
}

/* Mean loss of a batch; the gradient goes where the layers say. */
static double T(forward_backward)(NetworkPlan *plan, const Size *rows, int adjacent, Size n)
{
    const int any_weight = T(set_row_weights)(plan, rows, n);
    const REAL *row_weight = plan->sample_weight && any_weight ? plan->normalized_weight : NULL;
    const REAL *X = T(dense_input)(plan, rows, adjacent, n), *input = X;
    Layer *last = plan->layers + plan->n_layers - 1;
    for (Layer *layer = plan->layers; layer < last; layer++) {
        T(affine_forward)(plan, layer, input, rows, n);
        if (layer->batch_norm.scale) {
            T(batch_norm_forward)(&layer->batch_norm, row_weight, layer->Z, n, layer->width);
            if (any_weight)
                T(update_running_statistics)(&layer->batch_norm, n, layer->width);
        }
        T(activation_forward)(layer, n);
        if (layer->dropout.random)
            T(apply_dropout)(layer->A, layer->dropout, layer->output, n * layer->n_units);
        input = layer->output;
    }
    T(affine_forward)(plan, last, input, rows, n);
    T(add_bias)(last->Z, last->b, n, last->width);
    plan->loss_batch.n_rows = n;
    plan->loss_batch.rows = rows;
    const double loss = T(evaluate_loss)(plan); /* F, which is Z of the last layer, is now dZ */
    T(column_sums)(last->dZ, last->db, n, last->width);
    for (Layer *layer = last; layer > plan->layers; layer--) {
        Layer *below = layer - 1;
        T(affine_backward)(plan, layer, below->output, rows, below->dA, n);
        if (below->dropout.random)
            T(apply_dropout)(below->dA, below->dropout, below->dA, n * below->n_units);
        T(activation_backward)(plan, below, n);
        if (below->batch_norm.scale)
            T(batch_norm_backward)(&below->batch_norm, row_weight, below->dZ, below->db, n, below->width);
    }
    T(affine_backward)(plan, plan->layers, X, rows, NULL, n);
    return loss;
}

/* Raw outputs F, (n, n_outputs), of n adjacent rows. */
static void T(predict)(NetworkPlan *plan, const Size *rows, REAL *F, Size n)
{
    const REAL *input = T(dense_input)(plan, rows, 1, n);
    Layer *last = plan->layers + plan->n_layers - 1;
    last->Z = F;
    for (Layer *layer = plan->layers; layer < last; layer++) {
        T(affine_forward)(plan, layer, input, rows, n);
        if (layer->batch_norm.scale)
            T(batch_norm_predict)(&layer->batch_norm, layer->Z, n, layer->width);
        T(activation_forward)(layer, n);
        input = layer->A;
    }
    T(affine_forward)(plan, last, input, rows, n);
    T(add_bias)(F, last->b, n, last->width);
}
