/* Batch normalisation over the columns of Z, (n, width). `row_weight` is each row's weight in mean and variance, with
 * the sum 1; NULL for 1 / n each. */

/* Mean, variance and inv_std of some columns; their part of normalized becomes Z - mean. */
VECTORIZED static void T(batch_norm_statistics)(
    const BatchNorm *norm, const REAL *row_weight, const REAL *Z, Range columns, Size n, Size width)
{
    REAL *RESTRICT mean = norm->mean, *RESTRICT variance = norm->variance, *RESTRICT inv_std = norm->inv_std;
    const REAL equal = 1 / (REAL)n;
    for (Size j = columns.from; j < columns.to; j++)
        mean[j] = variance[j] = 0;
    for (Size i = 0; i < n; i++) {
        const REAL weight = row_weight ? row_weight[i] : equal;
        const REAL *RESTRICT z = Z + i * width;
        for (Size j = columns.from; j < columns.to; j++)
            mean[j] += weight * z[j];
    }
    for (Size i = 0; i < n; i++) {
        const REAL weight = row_weight ? row_weight[i] : equal;
        const REAL *RESTRICT z = Z + i * width;
        REAL *RESTRICT normalized = (REAL *)norm->normalized + i * width;
        for (Size j = columns.from; j < columns.to; j++) {
            const REAL centred = z[j] - mean[j];
            normalized[j] = centred;
            variance[j] += weight * centred * centred;
        }
    }
    for (Size j = columns.from; j < columns.to; j++)
        inv_std[j] = 1 / (REAL)sqrt(variance[j] + (REAL)norm->epsilon);
}

/* Rows of Z become scale · normalized; the shift is added with the bias. */
VECTORIZED static void T(batch_norm_forward)(const BatchNorm *norm, REAL *Z, Range rows, Size width)
{
    const REAL *RESTRICT scale = norm->scale, *RESTRICT inv_std = norm->inv_std;
    for (Size i = rows.from; i < rows.to; i++) {
        REAL *RESTRICT normalized = (REAL *)norm->normalized + i * width, *RESTRICT z = Z + i * width;
        for (Size j = 0; j < width; j++) {
            normalized[j] *= inv_std[j];
            z[j] = normalized[j] * scale[j];
        }
    }
}

/* The gradient in some columns' scales, from dY. */
VECTORIZED static void T(batch_norm_scale_gradient)(
    const BatchNorm *norm, const REAL *dY, Range columns, Size n, Size width)
{
    REAL *RESTRICT dscale = norm->dscale;
    for (Size j = columns.from; j < columns.to; j++)
        dscale[j] = 0;
    for (Size i = 0; i < n; i++) {
        const REAL *RESTRICT dy = dY + i * width, *RESTRICT normalized = (REAL *)norm->normalized + i * width;
        for (Size j = columns.from; j < columns.to; j++)
            dscale[j] += dy[j] * normalized[j];
    }
}

/* Rows of dY, of n in all, become rows of dZ; `dshift` holds the column sums of dY. */
VECTORIZED static void T(batch_norm_backward)(
    const BatchNorm *norm, const REAL *row_weight, REAL *dY, const REAL *RESTRICT dshift, Range rows, Size n, Size width)
{
    const REAL *RESTRICT scale = norm->scale, *RESTRICT inv_std = norm->inv_std, *RESTRICT dscale = norm->dscale;
    const REAL equal = 1 / (REAL)n;
    for (Size i = rows.from; i < rows.to; i++) {
        const REAL weight = row_weight ? row_weight[i] : equal;
        REAL *RESTRICT dy = dY + i * width;
        const REAL *RESTRICT normalized = (REAL *)norm->normalized + i * width;
        for (Size j = 0; j < width; j++)
            dy[j] = (dy[j] - weight * (dshift[j] + normalized[j] * dscale[j])) * scale[j] * inv_std[j];
    }
}

/* Take mean and variance of a batch of n rows into the running ones. */
static void T(update_running_statistics)(const BatchNorm *norm, Size n, Size width)
{
    const REAL *mean = norm->mean, *variance = norm->variance;
    REAL *running_mean = norm->running_mean, *running_variance = norm->running_variance;
    const double part = (double)n / norm->batch_size, count = *(REAL *)norm->batch_count += (REAL)part;
    const REAL momentum = (REAL)(part * (norm->momentum > 1 / count ? norm->momentum : 1 / count));
    for (Size j = 0; j < width; j++) {
        running_mean[j] += momentum * (mean[j] - running_mean[j]);
        running_variance[j] += momentum * (variance[j] - running_variance[j]);
    }
}

/* In prediction the running statistics take the place of the batch's. */
VECTORIZED static void T(batch_norm_predict)(const BatchNorm *norm, REAL *Z, Size n, Size width)
{
    const REAL *RESTRICT scale = norm->scale, *RESTRICT mean = norm->running_mean;
    const REAL *RESTRICT variance = norm->running_variance;
    REAL *RESTRICT factor = norm->inv_std;
    for (Size j = 0; j < width; j++)
        factor[j] = scale[j] / (REAL)sqrt(variance[j] + (REAL)norm->epsilon);
    for (Size i = 0; i < n; i++) {
        REAL *RESTRICT z = Z + i * width;
        for (Size j = 0; j < width; j++)
            z[j] = (z[j] - mean[j]) * factor[j];
    }
}
