/* Penalties on the weights, and the bound on the norm of a unit's incoming weights. */

/* dW = the gradient of ½ l2 ‖W‖² + l1 ‖W‖₁. */
VECTORIZED static void T(penalty_gradient)(
    const REAL *RESTRICT W, REAL *RESTRICT dW, REAL l2, REAL l1, Size size)
{
    if (l1)
        for (Size i = 0; i < size; i++)
            dW[i] = l2 * W[i] + l1 * (REAL)((W[i] > 0) - (W[i] < 0));
    else
        for (Size i = 0; i < size; i++)
            dW[i] = l2 * W[i];
}

/* The penalties' gradient in a matrix of a layer, to which that of the loss is added. */
static void T(matrix_penalty_gradient)(const NetworkPlan *plan, const Layer *layer, Size number)
{
    const Size size = layer->fan_in * layer->width, n = layer->n_matrices;
    T(penalty_gradient)((REAL *)layer->W + number * size, (REAL *)layer->dW + number * size, (REAL)(plan->l2 / n),
                        (REAL)(plan->l1 / n), size);
}

/* The penalties' gradient in what the pass adds to: shared matrices in the first segment, and its members' own. */
static void T(penalty_gradients)(const Pass *pass)
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

/* ½ l2 ‖W‖² + l1 ‖W‖₁. */
VECTORIZED static double T(penalty_value)(const REAL *W, double l2, double l1, Size size)
{
    double penalty_sums[8] = {0}, sum = 0; /* eight sums that do not wait for one another */
    Size i = 0;
    for (; i + 8 <= size; i += 8)
        for (int j = 0; j < 8; j++)
            penalty_sums[j] += l2 / 2 * W[i + j] * W[i + j] + l1 * fabs(W[i + j]);
    for (; i < size; i++)
        sum += l2 / 2 * W[i] * W[i] + l1 * fabs(W[i]);
    for (int j = 0; j < 8; j++)
        sum += penalty_sums[j];
    return sum;
}

/* Shorten each of some columns of W, (n, width), whose norm is above max_norm; `column_norms`, (width,), is scratch. */
VECTORIZED static void T(max_norm_project)(
    REAL *W, REAL *RESTRICT column_norms, REAL max_norm, Range columns, Size n, Size width)
{
    int any = 0;
    for (Size j = columns.from; j < columns.to; j++)
        column_norms[j] = 0;
    for (Size i = 0; i < n; i++) {
        const REAL *RESTRICT w = W + i * width;
        for (Size j = columns.from; j < columns.to; j++)
            column_norms[j] += w[j] * w[j];
    }
    for (Size j = columns.from; j < columns.to; j++) {
        const REAL norm = (REAL)sqrt(column_norms[j]);
        any |= norm > max_norm;
        column_norms[j] = norm > max_norm ? max_norm / norm : 1;
    }
    if (any)
        for (Size i = 0; i < n; i++) {
            REAL *RESTRICT w = W + i * width;
            for (Size j = columns.from; j < columns.to; j++)
                w[j] *= column_norms[j];
        }
}

#define PROJECTED_COLUMNS 8 /* a thread takes so many at a time */

/* The thread's part of the same for all matrices. */
static void T(project_weights)(const NetworkPlan *plan, const Thread *thread, double max_norm)
{
    for (const Layer *layer = plan->layers; layer < plan->layers + plan->n_layers; layer++)
        for (Size i = 0; i < layer->n_matrices; i++)
            T(max_norm_project)((REAL *)layer->W + i * layer->fan_in * layer->width, layer->column_norms, (REAL)max_norm,
                                part_of(thread, layer->width, PROJECTED_COLUMNS), layer->fan_in, layer->width);
}

/* Each of the matrices of several members counts as one n-th: the objective is the mean over the members. */
static double T(total_penalty)(const NetworkPlan *plan)
{
    double sum = 0;
    if (plan->l1 || plan->l2)
        for (const Layer *layer = plan->layers; layer < plan->layers + plan->n_layers; layer++)
            sum += T(penalty_value)(layer->W, plan->l2 / layer->n_matrices, plan->l1 / layer->n_matrices,
                                     layer->n_matrices * layer->fan_in * layer->width);
    return sum;
}
