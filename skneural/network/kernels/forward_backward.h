/* The passes through a network: forward and backward over a mini-batch in training, forward over a block of rows in
 * prediction. */

static void T(activation_forward)(Layer *layer, Size n)
{
    const REAL parameter = (REAL)layer->activation_parameter;
    const Size width = layer->width;
    switch (layer->activation) {
    case IDENTITY: T(identity_forward)(layer->Z, layer->b, parameter, n, width); break;
    case LOGISTIC: T(logistic_forward)(layer->Z, layer->b, parameter, n, width); break;
    case TANH: T(tanh_forward)(layer->Z, layer->b, parameter, n, width); break;
    case RELU: T(relu_forward)(layer->Z, layer->b, parameter, n, width); break;
    case LEAKY_RELU: T(leaky_relu_forward)(layer->Z, layer->b, parameter, n, width); break;
    case ELU: T(elu_forward)(layer->Z, layer->b, parameter, n, width); break;
    case SELU: T(selu_forward)(layer->Z, layer->b, parameter, n, width); break;
    case SOFTPLUS: T(softplus_forward)(layer->Z, layer->b, parameter, n, width); break;
    case GELU: T(gelu_forward)(layer->Z, layer->A, layer->b, n, width); break;
    case SILU: T(silu_forward)(layer->Z, layer->A, layer->b, n, width); break;
    case MISH: T(mish_forward)(layer->Z, layer->A, layer->b, n, width); break;
    case MAXOUT: T(maxout_forward)(layer->Z, layer->A, layer->b, n, width, layer->n_pieces); break;
    case PRELU:
        T(expand_slopes)(layer);
        T(prelu_forward)(layer->Z, layer->A, layer->b, layer->slopes, n, width);
    }
}

/* dA becomes dZ; db is its column sums. */
static void T(activation_backward)(const NetworkPlan *plan, Layer *layer, Size n)
{
    const REAL parameter = (REAL)layer->activation_parameter;
    const Size width = layer->width;
    switch (layer->activation) {
    case IDENTITY: T(identity_backward)(layer->dA, layer->A, layer->db, parameter, n, width); break;
    case LOGISTIC: T(logistic_backward)(layer->dA, layer->A, layer->db, parameter, n, width); break;
    case TANH: T(tanh_backward)(layer->dA, layer->A, layer->db, parameter, n, width); break;
    case RELU: T(relu_backward)(layer->dA, layer->A, layer->db, parameter, n, width); break;
    case LEAKY_RELU: T(leaky_relu_backward)(layer->dA, layer->A, layer->db, parameter, n, width); break;
    case ELU: T(elu_backward)(layer->dA, layer->A, layer->db, parameter, n, width); break;
    case SELU: T(selu_backward)(layer->dA, layer->A, layer->db, parameter, n, width); break;
    case SOFTPLUS: T(softplus_backward)(layer->dA, layer->A, layer->db, parameter, n, width); break;
    case GELU:
    case SILU:
    case MISH: T(saved_slope_backward)(layer->dA, layer->Z, layer->db, n, width); break;
    case MAXOUT: /* the first layer needs no dZ where dW and db come from dA */
        if (layer > plan->layers || !T(uses_maxout_weight_gradient)(plan, layer, n))
            T(maxout_backward)(layer->dA, layer->Z, layer->dZ, layer->db, n, width, layer->n_pieces);
        break;
    case PRELU:
        T(prelu_backward)(layer->dA, layer->Z, layer->slopes, layer->db, layer->dslopes, n, width);
        T(sum_slope_gradients)(layer);
    }
}

static double T(evaluate_loss)(const NetworkPlan *plan)
{
    switch (plan->loss) {
    case SOFTMAX_CROSS_ENTROPY: return T(softmax_cross_entropy)(&plan->loss_batch);
    case LOGISTIC_LOSS: return T(logistic_loss)(&plan->loss_batch);
    case SQUARED_ERROR: return T(squared_error)(&plan->loss_batch);
    case ABSOLUTE_ERROR: return T(absolute_error)(&plan->loss_batch);
    case HUBER: return T(huber)(&plan->loss_batch);
    default: return T(poisson)(&plan->loss_batch);
    }
}

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

static double T(total_penalty)(const NetworkPlan *plan)
{
    double sum = 0;
    if (plan->l1 || plan->l2)
        for (const Layer *layer = plan->layers; layer < plan->layers + plan->n_layers; layer++)
            sum += T(penalty_value)(layer->W, plan->l2, plan->l1, layer->fan_in * layer->width);
    return sum;
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
