/* The solvers' updates, each in one pass over parameters, gradient and state; included once per precision. */

VECTORIZED static void T(sgd)(
    REAL *RESTRICT theta, const REAL *RESTRICT g, REAL *RESTRICT v, double rate, double momentum, int nesterov,
    Size n)
{
    const REAL share = (REAL)rate, kept = (REAL)momentum;
    if (nesterov)
        for (Size i = 0; i < n; i++) {
            const REAL step = share * g[i];
            v[i] = kept * v[i] - step;
            theta[i] += kept * v[i] - step;
        }
    else
        for (Size i = 0; i < n; i++) {
            v[i] = kept * v[i] - share * g[i];
            theta[i] += v[i];
        }
}

VECTORIZED static void T(adam)(
    REAL *RESTRICT theta, const REAL *RESTRICT g, REAL *RESTRICT m, REAL *RESTRICT v, double rate, double beta_1,
    double beta_2, double epsilon, Size n)
{
    const REAL step = (REAL)rate, kept_1 = (REAL)beta_1, kept_2 = (REAL)beta_2, small = (REAL)epsilon;
    const REAL rest_1 = (REAL)(1 - beta_1), rest_2 = (REAL)(1 - beta_2);
    for (Size i = 0; i < n; i++) {
        m[i] = kept_1 * m[i] + rest_1 * g[i];
        v[i] = kept_2 * v[i] + rest_2 * (g[i] * g[i]);
        theta[i] -= step * (m[i] / (SQRT(v[i]) + small));
    }
}

VECTORIZED static void T(rmsprop)(
    REAL *RESTRICT theta, const REAL *RESTRICT g, REAL *RESTRICT v, double rate, double beta_2, double epsilon,
    Size n)
{
    const REAL step = (REAL)rate, kept = (REAL)beta_2, rest = (REAL)(1 - beta_2), small = (REAL)epsilon;
    for (Size i = 0; i < n; i++) {
        v[i] = kept * v[i] + rest * (g[i] * g[i]);
        theta[i] -= step * (g[i] / (SQRT(v[i]) + small));
    }
}

VECTORIZED static void T(adagrad)(
    REAL *RESTRICT theta, const REAL *RESTRICT g, REAL *RESTRICT v, double rate, double epsilon, Size n)
{
    const REAL step = (REAL)rate, small = (REAL)epsilon;
    for (Size i = 0; i < n; i++) {
        v[i] += g[i] * g[i];
        theta[i] -= step * (g[i] / (SQRT(v[i]) + small));
    }
}

/* The sum of the squares of `scale` times the entries, in double precision. */
VECTORIZED static double T(squares)(const REAL *x, double scale, Size n)
{
    double sums[8] = {0}, sum = 0; /* eight sums that do not wait for one another */
    Size i = 0;
    for (; i + 8 <= n; i += 8)
        for (int j = 0; j < 8; j++)
            sums[j] += (scale * x[i + j]) * (scale * x[i + j]);
    for (; i < n; i++)
        sum += (scale * x[i]) * (scale * x[i]);
    for (int j = 0; j < 8; j++)
        sum += sums[j];
    return sum;
}

static int T(finite)(const REAL *x, Size n)
{
    return !isnan(T(squares)(x, 0, n)); /* 0 times NaN or infinity is NaN */
}

/* The Euclidean norm, also where the squares overflow. */
static double T(norm)(const REAL *x, Size n)
{
    const double square = T(squares)(x, 1, n);
    double largest = 0;
    if (!isinf(square)) /* NaN stays NaN */
        return sqrt(square);
    for (Size i = 0; i < n; i++)
        largest = fabs(x[i]) > largest ? fabs(x[i]) : largest;
    return isinf(largest) ? largest : largest * sqrt(T(squares)(x, 1 / largest, n));
}

VECTORIZED static void T(scale)(REAL *RESTRICT x, double factor, Size n)
{
    for (Size i = 0; i < n; i++)
        x[i] *= (REAL)factor;
}

/* What was added to `before` to make it theta takes its place. */
VECTORIZED static void T(difference)(const REAL *RESTRICT theta, REAL *RESTRICT before, Size n)
{
    for (Size i = 0; i < n; i++)
        before[i] = theta[i] - before[i];
}
