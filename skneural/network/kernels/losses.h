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
