/* The losses, of n rows of a batch: each sets row_loss, row_weight · loss, and puts the gradient in F in F's place. */

VECTORIZED static void T(exp_in_place)(REAL *RESTRICT x, Size n)
{
    for (Size i = 0; i < n; i++)
        x[i] = T(vexp)(x[i]);
}

VECTORIZED static void T(log_in_place)(REAL *RESTRICT x, Size n)
{
    for (Size i = 0; i < n; i++)
        x[i] = T(vlog)(x[i]);
}

/* log Σ exp(f) - f[y] for each row, f shifted so that its largest entry is 0. */
static void T(softmax_cross_entropy)(const LossBatch *batch, const Size *rows, Size n)
{
    const Size k = batch->n_outputs, *codes = batch->Y;
    const REAL smoothing = ((const REAL *)batch->loss_parameters)[0], *RESTRICT row_weight = batch->row_weight;
    REAL *RESTRICT F = batch->F, *RESTRICT exp_sum = batch->scratch;
    double *row_loss = batch->row_loss;
    for (Size i = 0; i < n; i++) {
        REAL *RESTRICT f = F + i * k;
        REAL largest = f[0], sum = 0;
        for (Size j = 1; j < k; j++)
            largest = f[j] > largest ? f[j] : largest;
        for (Size j = 0; j < k; j++) {
            f[j] -= largest;
            sum += f[j];
        }
        row_loss[i] = row_weight[i] * ((smoothing - 1) * f[codes[rows[i]]] - (smoothing ? smoothing * sum / k : 0));
    }
    T(exp_in_place)(F, n * k);
    for (Size i = 0; i < n; i++) {
        const REAL *RESTRICT f = F + i * k;
        REAL sum = 0;
        for (Size j = 0; j < k; j++)
            sum += f[j];
        exp_sum[i] = sum;
    }
    for (Size i = 0; i < n; i++) {
        REAL *RESTRICT f = F + i * k;
        const REAL weight = row_weight[i], scale = weight / exp_sum[i], uniform = weight * smoothing / k;
        for (Size j = 0; j < k; j++)
            f[j] = f[j] * scale - uniform;
        f[codes[rows[i]]] -= weight * (1 - smoothing);
    }
    T(log_in_place)(exp_sum, n);
    for (Size i = 0; i < n; i++)
        row_loss[i] += row_weight[i] * exp_sum[i];
}

/* The other losses are sums over the outputs. STATEMENTS set the loss of an entry and its gradient, from the raw output
 * f, the target y, the residual r = f - y and the output's parameter p. With a single output the loop over the rows
 * becomes vector code. */
#define ELEMENTWISE_LOSS(name, STATEMENTS) \
    INLINED REAL T(name##_entry)(REAL f, REAL y, REAL p, REAL *out) \
    { \
        const REAL r = f - y; \
        REAL loss, gradient; \
        (void)r, (void)p; \
        STATEMENTS \
        *out = gradient; \
        return loss; \
    } \
    VECTORIZED static void T(name)(const LossBatch *batch, const Size *rows, Size n) \
    { \
        const REAL *RESTRICT p = batch->loss_parameters, *RESTRICT row_weight = batch->row_weight; \
        const REAL *RESTRICT Y = batch->Y; \
        const Size k = batch->n_outputs; \
        double *RESTRICT row_loss = batch->row_loss; \
        REAL *RESTRICT F = batch->F, gradient; \
        if (k == 1) { \
            REAL *RESTRICT y = batch->scratch; \
            const REAL parameter = p[0]; \
            for (Size i = 0; i < n; i++) \
                y[i] = Y[rows[i]]; \
            for (Size i = 0; i < n; i++) { \
                row_loss[i] = row_weight[i] * T(name##_entry)(F[i], y[i], parameter, &gradient); \
                F[i] = row_weight[i] * gradient; \
            } \
            return; \
        } \
        for (Size i = 0; i < n; i++) { \
            REAL *RESTRICT f = F + i * k, losses = 0; \
            const REAL *RESTRICT y = Y + rows[i] * k, weight = row_weight[i]; \
            for (Size j = 0; j < k; j++) { \
                losses += T(name##_entry)(f[j], y[j], p[j], &gradient); \
                f[j] = weight * gradient; \
            } \
            row_loss[i] = weight * losses; \
        } \
    }

/* max(f, 0) - t f + log(1 + exp(-|f|)) with the smoothed target t, and the sigmoid from the same exponential. */
ELEMENTWISE_LOSS(logistic_loss, {
    const REAL t = y * (1 - p) + p / 2;
    const REAL e = T(vexp)(f < 0 ? f : -f);
    loss = (f < 0 ? 0 : f) - t * f + T(log1p_unit)(e);
    gradient = (f < 0 ? e : 1) / (1 + e) - t;
})
ELEMENTWISE_LOSS(squared_error, {
    loss = r * r / 2;
    gradient = r;
})
ELEMENTWISE_LOSS(absolute_error, {
    loss = r < 0 ? -r : r;
    gradient = r > 0 ? 1 : (r < 0 ? -1 : r);
})
ELEMENTWISE_LOSS(huber, {
    gradient = T(clamp)(r, -p, p);
    loss = gradient * (r - gradient / 2);
})
ELEMENTWISE_LOSS(quantile, {
    gradient = r > 0 ? 1 - p : (r < 0 ? -p : r);
    loss = gradient * r;
})
/* y log y - y is the same at every step; 0 log 0 = 0. */
ELEMENTWISE_LOSS(poisson, {
    const REAL mean = T(vexp)(f);
    loss = mean - y * f + (y > 0 ? y * T(vlog)(y) : 0) - y;
    gradient = mean - y;
})

#undef ELEMENTWISE_LOSS

/* The losses of n rows of a batch, and their gradients; the batch's row i has the target Y[rows[i]]. */
static void T(evaluate_loss)(int loss, const LossBatch *batch, const Size *rows, Size n)
{
    switch (loss) {
    case SOFTMAX_CROSS_ENTROPY: T(softmax_cross_entropy)(batch, rows, n); break;
    case LOGISTIC_LOSS: T(logistic_loss)(batch, rows, n); break;
    case SQUARED_ERROR: T(squared_error)(batch, rows, n); break;
    case ABSOLUTE_ERROR: T(absolute_error)(batch, rows, n); break;
    case HUBER: T(huber)(batch, rows, n); break;
    case QUANTILE: T(quantile)(batch, rows, n); break;
    default: T(poisson)(batch, rows, n);
    }
}

/* Set the weights of the losses of the rows that pass together. */
static void T(set_loss_weights)(const Pass *pass)
{
    const NetworkPlan *plan = pass->plan;
    const REAL *sample_weight = plan->sample_weight;
    const Size n = members_pass_together(plan) ? n_pass_rows(pass) : pass->n_rows;
    const REAL n_all = (REAL)(plan->n_members * pass->batch_rows), equal = 1 / n_all;
    REAL *row_weight = pass->memory->loss_batch.row_weight;
    for (Size i = 0; i < n; i++)
        row_weight[i] = sample_weight ? sample_weight[pass->rows[i % pass->n_rows]] / n_all : equal;
}

/* The sum of the losses of n rows, in their order. */
static double T(loss_sum)(const double *row_loss, Size n)
{
    double sum = 0;
    for (Size i = 0; i < n; i++)
        sum += row_loss[i];
    return sum;
}

/* The losses of a pass, and the gradient in the raw outputs, which are Z of the last layer, in their place: dZ. Segment by
 * segment: the last few rows of a vectorised loop may be computed by other instructions. */
static void T(evaluate_pass_loss)(const Pass *pass)
{
    const Segment *first = pass->memory;
    const Size *rows = pass->n_members > 1 ? first->member_rows : pass->rows;
    for (Size j = 0; pass->n_members > 1 && j < pass->n_members; j++)
        memcpy(first->member_rows + j * pass->n_rows, pass->rows, pass->n_rows * sizeof(Size));
    for (Size s = pass->segments.from; s < pass->segments.to; s++) {
        const Range part = rows_of_segment(pass, s);
        LossBatch batch = first->loss_batch;
        batch.F = (REAL *)batch.F + part.from * batch.n_outputs;
        batch.scratch = (REAL *)batch.scratch + part.from;
        batch.row_weight = (REAL *)batch.row_weight + part.from;
        batch.row_loss += part.from;
        T(evaluate_loss)(pass->plan->loss, &batch, rows + part.from, range_size(part));
        segment_of(pass, s)->loss += T(loss_sum)(batch.row_loss, range_size(part));
    }
}
