/* The losses: each returns the sum of row_weight · loss over the rows, and puts the gradient in F in F's place. */

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
static double T(softmax_cross_entropy)(const LossBatch *batch)
{
    const Size n = batch->n_rows, k = batch->n_outputs, *codes = batch->Y;
    const REAL smoothing = (REAL)batch->loss_parameter, *RESTRICT row_weight = batch->row_weight;
    REAL *RESTRICT F = batch->F, *RESTRICT exp_sum = batch->exp_sum;
    double loss = 0;
    for (Size i = 0; i < n; i++) {
        REAL *RESTRICT f = F + i * k;
        REAL largest = f[0], sum = 0;
        for (Size j = 1; j < k; j++)
            largest = f[j] > largest ? f[j] : largest;
        for (Size j = 0; j < k; j++) {
            f[j] -= largest;
            sum += f[j];
        }
        loss += row_weight[i] * ((smoothing - 1) * f[codes[batch->rows[i]]] - (smoothing ? smoothing * sum / k : 0));
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
        f[codes[batch->rows[i]]] -= weight * (1 - smoothing);
    }
    T(log_in_place)(exp_sum, n);
    for (Size i = 0; i < n; i++)
        loss += row_weight[i] * exp_sum[i];
    return loss;
}

/* The other losses are sums over the outputs. STATEMENTS set the loss of an entry and its gradient, from the raw output
 * f, the target y, the residual r = f - y and the loss's parameter p. */
#define ELEMENTWISE_LOSS(name, STATEMENTS) \
    VECTORIZED static double T(name)(const LossBatch *batch) \
    { \
        const REAL p = (REAL)batch->loss_parameter, *RESTRICT row_weight = batch->row_weight; \
        double sum = 0; \
        (void)p; \
        for (Size i = 0; i < batch->n_rows; i++) { \
            REAL *RESTRICT row = (REAL *)batch->F + i * batch->n_outputs; \
            const REAL *RESTRICT targets = (const REAL *)batch->Y + batch->rows[i] * batch->n_outputs; \
            const REAL weight = row_weight[i]; \
            REAL losses = 0; \
            for (Size j = 0; j < batch->n_outputs; j++) { \
                const REAL f = row[j], y = targets[j], r = f - y; \
                REAL loss, gradient; \
                (void)r; \
                STATEMENTS \
                losses += loss; \
                row[j] = weight * gradient; \
            } \
            sum += weight * losses; \
        } \
        return sum; \
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
    const REAL q = (REAL)batch->quantiles[j];
    gradient = r > 0 ? 1 - q : (r < 0 ? -q : r);
    loss = gradient * r;
})
/* y log y - y is the same at every step; 0 log 0 = 0. */
ELEMENTWISE_LOSS(poisson, {
    const REAL mean = T(vexp)(f);
    loss = mean - y * f + (y > 0 ? y * T(vlog)(y) : 0) - y;
    gradient = mean - y;
})

#undef ELEMENTWISE_LOSS

static double T(evaluate_loss)(const NetworkPlan *plan)
{
    switch (plan->loss) {
    case SOFTMAX_CROSS_ENTROPY: return T(softmax_cross_entropy)(&plan->loss_batch);
    case LOGISTIC_LOSS: return T(logistic_loss)(&plan->loss_batch);
    case SQUARED_ERROR: return T(squared_error)(&plan->loss_batch);
    case ABSOLUTE_ERROR: return T(absolute_error)(&plan->loss_batch);
    case HUBER: return T(huber)(&plan->loss_batch);
    case QUANTILE: return T(quantile)(&plan->loss_batch);
    default: return T(poisson)(&plan->loss_batch);
    }
}
