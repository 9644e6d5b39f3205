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

/* The weights let `decay` times y go, z makes its step, and y follows the average of all z and the newest one; see
 * ScheduleFreeAdamW. */
VECTORIZED static void T(schedule_free)(
    REAL *RESTRICT y, const REAL *RESTRICT g, REAL *RESTRICT z, REAL *RESTRICT v, double rate, double decay,
    double newest_weight, double beta_1, double beta_2, double epsilon, Size n)
{
    const REAL r = (REAL)rate, b_2 = (REAL)beta_2, one_minus_b_2 = (REAL)(1 - beta_2), eps = (REAL)epsilon;
    const REAL z_decay = (REAL)decay, y_decay = (REAL)((1 - beta_1) * decay);
    const REAL older_weight = (REAL)(1 - newest_weight), y_part = (REAL)(1 - beta_1 * (1 - newest_weight));
    for (Size i = 0; i < n; i++) {
        const REAL decayed_z = z[i] - z_decay * y[i], decayed_y = y[i] - y_decay * y[i];
        v[i] = b_2 * v[i] + one_minus_b_2 * (g[i] * g[i]);
        const REAL step = r * (g[i] / (SQRT(v[i]) + eps));
        y[i] = decayed_z + older_weight * (decayed_y - decayed_z) - y_part * step;
        z[i] = decayed_z - step;
    }
}

/* Multiply x by a factor: clip a gradient, let weights decay. */
VECTORIZED static void T(scale)(REAL *RESTRICT x, double factor, Size n)
{
    for (Size i = 0; i < n; i++)
        x[i] *= (REAL)factor;
}
