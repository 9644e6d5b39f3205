/* Batch normalisation over the columns of Z, (n, width). `row_weight` is each row's weight in mean and variance, with
 * the sum 1; NULL for 1 / n each. */

/* Mean, variance and inv_std of some columns, from four rows at a time, which wait less for one another. */
VECTORIZED static void T(batch_norm_statistics)(
    const BatchNorm *norm, const REAL *row_weight, const REAL *Z, Range columns, Size n, Size width)
{
    REAL *RESTRICT mean = norm->mean, *RESTRICT variance = norm->variance, *RESTRICT inv_std = norm->inv_std;
    const REAL equal[4] = {1 / (REAL)n, 1 / (REAL)n, 1 / (REAL)n, 1 / (REAL)n};
    for (Size j = columns.from; j < columns.to; j++)
        mean[j] = variance[j] = 0;
    Size i = 0;
    for (; i + 4 <= n; i += 4) {
        const REAL *RESTRICT w = row_weight ? row_weight + i : equal, *RESTRICT z = Z + i * width;
        for (Size j = columns.from; j < columns.to; j++)
            mean[j] += (w[0] * z[j] + w[1] * z[width + j]) + (w[2] * z[2 * width + j] + w[3] * z[3 * width + j]);
    }
    for (; i < n; i++)
        for (Size j = columns.from; j < columns.to; j++)
            mean[j] += (row_weight ? row_weight[i] : equal[0]) * Z[i * width + j];
    for (i = 0; i + 4 <= n; i += 4) {
        const REAL *RESTRICT w = row_weight ? row_weight + i : equal, *RESTRICT z = Z + i * width;
        for (Size j = columns.from; j < columns.to; j++) {
            const REAL a = z[j] - mean[j], b = z[width + j] - mean[j];
            const REAL c = z[2 * width + j] - mean[j], d = z[3 * width + j] - mean[j];
            variance[j] += (w[0] * a * a + w[1] * b * b) + (w[2] * c * c + w[3] * d * d);
        }
    }
    for (; i < n; i++)
        for (Size j = columns.from; j < columns.to; j++) {
            const REAL a = Z[i * width + j] - mean[j];
            variance[j] += (row_weight ? row_weight[i] : equal[0]) * a * a;
        }
    for (Size j = columns.from; j < columns.to; j++)
        inv_std[j] = 1 / (REAL)sqrt(variance[j] + (REAL)norm->epsilon);
}

/* Rows of Z become scale · normalized; the shift is added with the bias. */
VECTORIZED static void T(batch_norm_forward)(const BatchNorm *norm, REAL *Z, Range rows, Size width)
{
    const REAL *RESTRICT scale = norm->scale, *RESTRICT mean = norm->mean, *RESTRICT inv_std = norm->inv_std;
    for (Size i = rows.from; i < rows.to; i++) {
        REAL *RESTRICT normalized = (REAL *)norm->normalized + i * width, *RESTRICT z = Z + i * width;
        for (Size j = 0; j < width; j++) {
            const REAL x = (z[j] - mean[j]) * inv_std[j];
            normalized[j] = x;
            z[j] = x * scale[j];
        }
    }
}

/* The gradients in some columns' shifts and scales, from dY. */
VECTORIZED static void T(batch_norm_parameter_gradients)(
    const BatchNorm *norm, const REAL *dY, REAL *RESTRICT dshift, Range columns, Size n, Size width)
{
    REAL *RESTRICT dscale = norm->dscale;
    for (Size j = columns.from; j < columns.to; j++)
        dshift[j] = dscale[j] = 0;
    Size i = 0;
    for (; i + 2 <= n; i += 2) {
        const REAL *RESTRICT dy = dY + i * width, *RESTRICT normalized = (REAL *)norm->normalized + i * width;
        for (Size j = columns.from; j < columns.to; j++) {
            dshift[j] += dy[j] + dy[width + j];
            dscale[j] += dy[j] * normalized[j] + dy[width + j] * normalized[width + j];
        }
    }
    for (; i < n; i++)
        for (Size j = columns.from; j < columns.to; j++) {
            const REAL dy = dY[i * width + j];
            dshift[j] += dy;
            dscale[j] += dy * ((REAL *)norm->normalized)[i * width + j];
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
