/* The solvers' updates, each in one pass over parameters, gradient and state, of n entries each. 1 - beta is computed in
 * double precision, the caller's: in single precision 1 - 0.999f is off by 5e-5. */

VECTORIZED static void T(sgd)(
    REAL *RESTRICT theta, const REAL *RESTRICT g, REAL *RESTRICT v, double rate, double momentum, int nesterov,
    Size n)
{
    const REAL r = (REAL)rate, m = (REAL)momentum;
    if (nesterov)
        for (Size i = 0; i < n; i++) {
            const REAL step = r * g[i];
            v[i] = m * v[i] - step;
            theta[i] += m * v[i] - step;
        }
    else
        for (Size i = 0; i < n; i++) {
            v[i] = m * v[i] - r * g[i];
            theta[i] += v[i];
        }
}

VECTORIZED static void T(adam)(
    REAL *RESTRICT theta, const REAL *RESTRICT g, REAL *RESTRICT m, REAL *RESTRICT v, double rate, double beta_1,
    double beta_2, double epsilon, Size n)
{
    const REAL r = (REAL)rate, b_1 = (REAL)beta_1, b_2 = (REAL)beta_2, eps = (REAL)epsilon;
    const REAL one_minus_b_1 = (REAL)(1 - beta_1), one_minus_b_2 = (REAL)(1 - beta_2);
    for (Size i = 0; i < n; i++) {
        m[i] = b_1 * m[i] + one_minus_b_1 * g[i];
        v[i] = b_2 * v[i] + one_minus_b_2 * (g[i] * g[i]);
        theta[i] -= r * (m[i] / (SQRT(v[i]) + eps));
    }
}

VECTORIZED static void T(rmsprop)(
    REAL *RESTRICT theta, const REAL *RESTRICT g, REAL *RESTRICT v, double rate, double beta_2, double epsilon,
    Size n)
{
    const REAL r = (REAL)rate, b_2 = (REAL)beta_2, one_minus_b_2 = (REAL)(1 - beta_2), eps = (REAL)epsilon;
    for (Size i = 0; i < n; i++) {
        v[i] = b_2 * v[i] + one_minus_b_2 * (g[i] * g[i]);
        theta[i] -= r * (g[i] / (SQRT(v[i]) + eps));
    }
}

VECTORIZED static void T(adagrad)(
    REAL *RESTRICT theta, const REAL *RESTRICT g, REAL *RESTRICT v, double rate, double epsilon, Size n)
{
    const REAL r = (REAL)rate, eps = (REAL)epsilon;
    for (Size i = 0; i < n; i++) {
        v[i] += g[i] * g[i];
        theta[i] -= r * (g[i] / (SQRT(v[i]) + eps));
    }
}

/* Multiply x by a factor: clip a gradient, let weights decay. */
VECTORIZED static void T(scale)(REAL *RESTRICT x, double factor, Size n)
{
    for (Size i = 0; i < n; i++)
        x[i] *= (REAL)factor;
}
