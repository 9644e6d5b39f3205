/* What surrounds the activations: rows gathered, sparse products, dropout, batch normalisation, penalties, max-norm. */

/* Copy rows of a dense input one below the other. */
static void T(gather)(const Input *of, const Size *rows, REAL *RESTRICT out, Size n)
{
    const REAL *data = of->data;
    const Size d = of->n_features;
    for (Size i = 0; i < n; i++, out += d) {
        const REAL *RESTRICT row = data + rows[i] * of->row_stride;
        if (of->column_stride == 1) {
            if (i + 2 < n) /* the rows lie anywhere in memory: ask for the next but one in time */
                for (Size j = 0; j < d; j += 64 / sizeof(REAL))
                    PREFETCH(data + rows[i + 2] * of->row_stride + j);
            memcpy(out, row, d * sizeof(REAL));
        } else {
            for (Size j = 0; j < d; j++)
                out[j] = row[j * of->column_stride];
        }
    }
}

VECTORIZED static void T(drop)(const REAL *A, Mask mask, REAL *out, Size size)
{
    const REAL scale = (REAL)mask.scale;
    for (Size i = 0; i < size; i++)
        out[i] = A[i] * (mask.drawn[i] >= mask.threshold ? scale : 0);
}

INLINED REAL T(kept)(const Mask *mask, Size number)
{
    if (!mask->drawn)
        return 1;
    return mask->drawn[number] >= mask->threshold ? (REAL)mask->scale : 0;
}

/* out = X W for CSR rows; `mask` counts the stored entries of the rows one after another. */
VECTORIZED static void T(sparse_forward)(
    const Input *of, const Size *rows, const Mask *mask, const REAL *W, REAL *out, Size n, Size width)
{
    Size number = 0;
    memset(out, 0, n * width * sizeof(REAL));
    for (Size i = 0; i < n; i++) {
        REAL *RESTRICT z = out + i * width;
        for (int64_t e = of->indptr[rows[i]]; e < of->indptr[rows[i] + 1]; e++, number++) {
            const REAL x = ((const REAL *)of->data)[e] * T(kept)(mask, number);
            const REAL *RESTRICT w = W + of->indices[e] * width;
            for (Size j = 0; j < width; j++)
                z[j] += x * w[j];
        }
    }
}

/* dW += Xᵀ dZ. */
VECTORIZED static void T(sparse_backward)(
    const Input *of, const Size *rows, const Mask *mask, const REAL *dZ, REAL *dW, Size n, Size width)
{
    Size number = 0;
    for (Size i = 0; i < n; i++) {
        const REAL *RESTRICT dz = dZ + i * width;
        for (int64_t e = of->indptr[rows[i]]; e < of->indptr[rows[i] + 1]; e++, number++) {
            const REAL x = ((const REAL *)of->data)[e] * T(kept)(mask, number);
            REAL *RESTRICT dw = dW + of->indices[e] * width;
            for (Size j = 0; j < width; j++)
                dw[j] += x * dz[j];
        }
    }
}

VECTORIZED static void T(column_sums)(const REAL *RESTRICT A, REAL *RESTRICT sums, Size n, Size width)
{
    memset(sums, 0, width * sizeof(REAL));
    for (Size i = 0; i < n; i++)
        for (Size j = 0; j < width; j++)
            sums[j] += A[i * width + j];
}

/* The gradient of ½ l2 ‖W‖² + l1 ‖W‖₁. */
VECTORIZED static void T(penalty_gradient)(const REAL *RESTRICT W, REAL *RESTRICT dW, REAL l2, REAL l1, Size size)
{
    if (l1)
        for (Size i = 0; i < size; i++)
            dW[i] = l2 * W[i] + l1 * (REAL)((W[i] > 0) - (W[i] < 0));
    else
        for (Size i = 0; i < size; i++)
            dW[i] = l2 * W[i];
}

/* ½ l2 ‖W‖² + l1 ‖W‖₁. */
VECTORIZED static double T(penalty_value)(const REAL *W, double l2, double l1, Size size)
{
    double sums[8] = {0}, sum = 0; /* eight sums that do not wait for one another */
    Size i = 0;
    for (; i + 8 <= size; i += 8)
        for (int j = 0; j < 8; j++)
            sums[j] += l2 / 2 * W[i + j] * W[i + j] + l1 * fabs(W[i + j]);
    for (; i < size; i++)
        sum += l2 / 2 * W[i] * W[i] + l1 * fabs(W[i]);
    for (int j = 0; j < 8; j++)
        sum += sums[j];
    return sum;
}

/* Batch normalisation. `share` are the rows' shares of the batch's weight; NULL is 1 / n for all. */

/* Z becomes scale · unit; the shift is added with the bias. */
VECTORIZED static void T(normalize_forward)(const Normal *of, const REAL *share, REAL *Z, Size n, Size width)
{
    REAL *RESTRICT mean = of->mean, *RESTRICT variance = of->variance, *RESTRICT inverse = of->inverse;
    const REAL *RESTRICT scale = of->scale;
    const REAL even = 1 / (REAL)n;
    memset(mean, 0, width * sizeof(REAL));
    memset(variance, 0, width * sizeof(REAL));
    for (Size i = 0; i < n; i++) {
        const REAL p = share ? share[i] : even;
        const REAL *RESTRICT z = Z + i * width;
        for (Size j = 0; j < width; j++)
            mean[j] += p * z[j];
    }
    for (Size i = 0; i < n; i++) {
        const REAL p = share ? share[i] : even;
        const REAL *RESTRICT z = Z + i * width;
        REAL *RESTRICT unit = (REAL *)of->unit + i * width;
        for (Size j = 0; j < width; j++) {
            const REAL centred = z[j] - mean[j];
            unit[j] = centred;
            variance[j] += p * centred * centred;
        }
    }
    for (Size j = 0; j < width; j++)
        inverse[j] = 1 / (REAL)sqrt(variance[j] + (REAL)of->epsilon);
    for (Size i = 0; i < n; i++) {
        REAL *RESTRICT unit = (REAL *)of->unit + i * width, *RESTRICT z = Z + i * width;
        for (Size j = 0; j < width; j++) {
            unit[j] *= inverse[j];
            z[j] = unit[j] * scale[j];
        }
    }
}

/* dY, given `dshift` its column sums, becomes dZ. */
VECTORIZED static void T(normalize_backward)(
    const Normal *of, const REAL *share, REAL *dY, const REAL *RESTRICT dshift, Size n, Size width)
{
    const REAL *RESTRICT scale = of->scale, *RESTRICT inverse = of->inverse;
    REAL *RESTRICT dscale = of->dscale;
    const REAL even = 1 / (REAL)n;
    memset(dscale, 0, width * sizeof(REAL));
    for (Size i = 0; i < n; i++) {
        const REAL *RESTRICT dy = dY + i * width, *RESTRICT unit = (REAL *)of->unit + i * width;
        for (Size j = 0; j < width; j++)
            dscale[j] += dy[j] * unit[j];
    }
    for (Size i = 0; i < n; i++) {
        const REAL p = share ? share[i] : even;
        REAL *RESTRICT dy = dY + i * width;
        const REAL *RESTRICT unit = (REAL *)of->unit + i * width;
        for (Size j = 0; j < width; j++)
            dy[j] = (dy[j] - p * (dshift[j] + unit[j] * dscale[j])) * scale[j] * inverse[j];
    }
}

/* In prediction the running statistics stand in for the batch's. */
VECTORIZED static void T(normalize_as_usual)(const Normal *of, REAL *Z, Size n, Size width)
{
    const REAL *RESTRICT scale = of->scale, *RESTRICT mean = of->running_mean, *RESTRICT variance = of->running_variance;
    REAL *RESTRICT factor = of->inverse;
    for (Size j = 0; j < width; j++)
        factor[j] = scale[j] / (REAL)sqrt(variance[j] + (REAL)of->epsilon);
    for (Size i = 0; i < n; i++) {
        REAL *RESTRICT z = Z + i * width;
        for (Size j = 0; j < width; j++)
            z[j] = (z[j] - mean[j]) * factor[j];
    }
}

/* Shorten each column of W whose norm is above the bound; `norms` is scratch of length `width`. */
VECTORIZED static void T(bound_columns)(REAL *W, REAL *RESTRICT norms, REAL bound, Size n, Size width)
{
    int any = 0;
    memset(norms, 0, width * sizeof(REAL));
    for (Size i = 0; i < n; i++) {
        const REAL *RESTRICT w = W + i * width;
        for (Size j = 0; j < width; j++)
            norms[j] += w[j] * w[j];
    }
    for (Size j = 0; j < width; j++) {
        const REAL norm = (REAL)sqrt(norms[j]);
        any |= norm > bound;
        norms[j] = norm > bound ? bound / norm : 1;
    }
    if (any)
        for (Size i = 0; i < n; i++) {
            REAL *RESTRICT w = W + i * width;
            for (Size j = 0; j < width; j++)
                w[j] *= norms[j];
        }
}
