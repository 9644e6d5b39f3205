/* Batch normalisation over the columns of Z, (n, width). `row_weight` is each row's weight in mean and variance, with
 * the sum 1; NULL for 1 / n each. */

/* Z becomes scale · normalized; the shift is added with the bias. */
VECTORIZED static void T(batch_norm_forward)(const BatchNorm *norm, const REAL *row_weight, REAL *Z, Size n, Size width)
{
    REAL *RESTRICT mean = norm->mean, *RESTRICT variance = norm->variance, *RESTRICT inv_std = norm->inv_std;
    const REAL *RESTRICT scale = norm->scale;
    const REAL equal = 1 / (REAL)n;
    memset(mean, 0, width * sizeof(REAL));
    memset(variance, 0, width * sizeof(REAL));
    for (Size i = 0; i < n; i++) {
        const REAL weight = row_weight ? row_weight[i] : equal;
        const REAL *RESTRICT z = Z + i * width;
        for (Size j = 0; j < width; j++)
            mean[j] += weight * z[j];
    }
    for (Size i = 0; i < n; i++) {
        const REAL weight = row_weight ? row_weight[i] : equal;
        const REAL *RESTRICT z = Z + i * width;
        REAL *RESTRICT normalized = (REAL *)norm->normalized + i * width;
        for (Size j = 0; j < width; j++) {
            const REAL centred = z[j] - mean[j];
            normalized[j] = centred;
            variance[j] += weight * centred * centred;
        }
    }
    for (Size j = 0; j < width; j++)
        inv_std[j] = 1 / (REAL)sqrt(variance[j] + (REAL)norm->epsilon);
    for (Size i = 0; i < n; i++) {
        REAL *RESTRICT normalized = (REAL *)norm->normalized + i * width, *RESTRICT z = Z + i * width;
        for (Size j = 0; j < width; j++) {
            normalized[j] *= inv_std[j];
            z[j] = normalized[j] * scale[j];
        }
    }
}

/* dY becomes dZ; `dshift` holds the column sums of dY. */
VECTORIZED static void T(batch_norm_backward)(
    const BatchNorm *norm, const REAL *row_weight, REAL *dY, const REAL *RESTRICT dshift, Size n, Size width)
{
    const REAL *RESTRICT scale = norm->scale, *RESTRICT inv_std = norm->inv_std;
    REAL *RESTRICT dscale = norm->dscale;
    const REAL equal = 1 / (REAL)n;
    memset(dscale, 0, width * sizeof(REAL));
    for (Size i = 0; i < n; i++) {
        const REAL *RESTRICT dy = dY + i * width, *RESTRICT normalized = (REAL *)norm->normalized + i * width;
        for (Size j = 0; j < width; j++)
            dscale[j] += dy[j] * normalized[j];
    }
    for (Size i = 0; i < n; i++) {
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
