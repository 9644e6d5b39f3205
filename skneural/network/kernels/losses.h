/* The losses: gradient in the raw output, in its place, and the sum of the rows' losses.
 *
 * F becomes the gradient of the mean loss: row i is multiplied by its share of the batch. */

VECTORIZED static void T(add_bias)(REAL *RESTRICT F, const REAL *RESTRICT b, Size n, Size k)
{
    for (Size i = 0; i < n; i++)
        for (Size j = 0; j < k; j++)
            F[i * k + j] += b[j];
}

VECTORIZED static void T(exponentials)(REAL *RESTRICT F, Size n)
{
    for (Size i = 0; i < n; i++)
        F[i] = T(vexp)(F[i]);
}

VECTORIZED static void T(logarithms)(REAL *RESTRICT x, Size n)
{
    for (Size i = 0; i < n; i++)
        x[i] = T(vlog)(x[i]);
}

static double T(softmax_cross_entropy)(const Outputs *of)
{
    const Size n = of->n, k = of->k, *codes = of->Y;
    const REAL spread = (REAL)of->setting, *RESTRICT shares = of->share;
    REAL *RESTRICT F = of->F, *RESTRICT total = of->total;
    double sum = 0;
    for (Size i = 0; i < n; i++) {
        REAL *RESTRICT f = F + i * k;
        REAL largest = f[0], all = 0;
        for (Size j = 1; j < k; j++)
            largest = f[j] > largest ? f[j] : largest;
        for (Size j = 0; j < k; j++) {
            f[j] -= largest;
            all += f[j];
        }
        sum += shares[i] * ((spread - 1) * f[codes[of->label[i]]] - (spread ? spread * all / k : 0));
    }
    T(exponentials)(F, n * k);
    for (Size i = 0; i < n; i++) {
        const REAL *RESTRICT f = F + i * k;
        REAL all = 0;
        for (Size j = 0; j < k; j++)
            all += f[j];
        total[i] = all;
    }
    for (Size i = 0; i < n; i++) {
        REAL *RESTRICT f = F + i * k;
        const REAL share = shares[i], scale = share / total[i], even = share * spread / k;
        for (Size j = 0; j < k; j++)
            f[j] = f[j] * scale - even;
        f[codes[of->label[i]]] -= share * (1 - spread);
    }
    T(logarithms)(total, n);
    for (Size i = 0; i < n; i++)
        sum += shares[i] * total[i];
    return sum;
}

/* The other losses are sums over the outputs. Each pass leaves gradient and loss of an entry; LOSS and GRADIENT may
 * use f, y, the residual r = f - y and the setting s. */
#define ENTRYWISE(name, STATEMENTS) \
    VECTORIZED static double T(name)(const Outputs *of) \
    { \
        const REAL s = (REAL)of->setting, *RESTRICT shares = of->share; \
        double sum = 0; \
        (void)s; \
        for (Size i = 0; i < of->n; i++) { \
            REAL *RESTRICT row = (REAL *)of->F + i * of->k; \
            const REAL *RESTRICT targets = (const REAL *)of->Y + of->label[i] * of->k; \
            const REAL share = shares[i]; \
            REAL losses = 0; \
            for (Size j = 0; j < of->k; j++) { \
                const REAL f = row[j], y = targets[j], r = f - y; \
                REAL loss, gradient; \
                (void)r; \
                STATEMENTS \
                losses += loss; \
                row[j] = share * gradient; \
            } \
            sum += share * losses; \
        } \
        return sum; \
    }

/* max(f, 0) - t f + log(1 + exp(-|f|)), and the sigmoid from the same exponential. */
ENTRYWISE(logistic_loss, {
    const REAL t = y * (1 - s) + s / 2;
    const REAL e = T(vexp)(f < 0 ? f : -f);
    loss = (f < 0 ? 0 : f) - t * f + T(log1p_unit)(e);
    gradient = (f < 0 ? e : 1) / (1 + e) - t;
})
ENTRYWISE(squared_error, {
    loss = r * r / 2;
    gradient = r;
})
ENTRYWISE(absolute_error, {
    loss = r < 0 ? -r : r;
    gradient = r > 0 ? 1 : (r < 0 ? -1 : r);
})
ENTRYWISE(huber, {
    gradient = T(clamped)(r, -s, s);
    loss = gradient * (r - gradient / 2);
})
/* y log y - y is the same at every step; 0 log 0 = 0. */
ENTRYWISE(poisson, {
    const REAL mean = T(vexp)(f);
    loss = mean - y * f + (y > 0 ? y * T(vlog)(y) : 0) - y;
    gradient = mean - y;
})

#undef ENTRYWISE
