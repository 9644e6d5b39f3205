/* Norms of gradients, parameters and steps; whether all entries of a vector are finite. */

/* The sum of squares of scale · x, in double precision. */
VECTORIZED static double T(sum_of_squares)(const REAL *x, double scale, Size n)
{
    double square_sums[8] = {0}, sum = 0; /* eight sums that do not wait for one another */
    Size i = 0;
    for (; i + 8 <= n; i += 8)
        for (int j = 0; j < 8; j++)
            square_sums[j] += (scale * x[i + j]) * (scale * x[i + j]);
    for (; i < n; i++)
        sum += (scale * x[i]) * (scale * x[i]);
    for (int j = 0; j < 8; j++)
        sum += square_sums[j];
    return sum;
}

static int T(all_finite)(const REAL *x, Size n)
{
    return !isnan(T(sum_of_squares)(x, 0, n)); /* 0 times NaN or infinity is NaN */
}

/* The Euclidean norm, also where the squares overflow. */
static double T(norm)(const REAL *x, Size n)
{
    const double square = T(sum_of_squares)(x, 1, n);
    double largest = 0;
    if (!isinf(square)) /* NaN stays NaN */
        return sqrt(square);
    for (Size i = 0; i < n; i++)
        largest = fabs(x[i]) > largest ? fabs(x[i]) : largest;
    return isinf(largest) ? largest : largest * sqrt(T(sum_of_squares)(x, 1 / largest, n));
}

/* The step that led from `before` to theta replaces `before`. */
VECTORIZED static void T(step_in_place)(const REAL *RESTRICT theta, REAL *RESTRICT before, Size n)
{
    for (Size i = 0; i < n; i++)
        before[i] = theta[i] - before[i];
}
