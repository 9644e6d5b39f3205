/* Z = X W and its gradients, for dense X by gemm.h, for CSR rows here; the copy of a batch's rows, bias and column sums. */

VECTORIZED static void T(add_bias)(REAL *RESTRICT Z, const REAL *RESTRICT b, Size n, Size width)
{
    for (Size i = 0; i < n; i++)
        for (Size j = 0; j < width; j++)
            Z[i * width + j] += b[j];
}

VECTORIZED static void T(column_sums)(const REAL *RESTRICT A, REAL *RESTRICT sums, Size n, Size width)
{
    memset(sums, 0, width * sizeof(REAL));
    for (Size i = 0; i < n; i++)
        for (Size j = 0; j < width; j++)
            sums[j] += A[i * width + j];
}

/* Copy rows of a dense input one below the other. */
static void T(gather_rows)(const InputRows *input, const Size *rows, REAL *RESTRICT out, Size n)
{
    const REAL *data = input->data;
    const Size d = input->n_features;
    for (Size i = 0; i < n; i++, out += d) {
        const REAL *RESTRICT row = data + rows[i] * input->row_stride;
        if (input->column_stride == 1) {
            if (i + 2 < n) /* the rows lie anywhere in memory: ask for the next but one in time */
                for (Size j = 0; j < d; j += 64 / sizeof(REAL))
                    PREFETCH(data + rows[i + 2] * input->row_stride + j);
            memcpy(out, row, d * sizeof(REAL));
        } else {
            for (Size j = 0; j < d; j++)
                out[j] = row[j * input->column_stride];
        }
    }
}

/* Z = X W for CSR rows of X; `dropout` counts the stored entries of the rows one after another. */
VECTORIZED static void T(sparse_affine_forward)(
    const InputRows *X, const Size *rows, const Dropout *dropout, const REAL *W, REAL *Z, Size n, Size width)
{
    Size entry = 0;
    memset(Z, 0, n * width * sizeof(REAL));
    for (Size i = 0; i < n; i++) {
        REAL *RESTRICT z = Z + i * width;
        for (int64_t e = X->indptr[rows[i]]; e < X->indptr[rows[i] + 1]; e++, entry++) {
            const REAL x = ((const REAL *)X->data)[e] * T(dropout_factor)(dropout, entry);
            const REAL *RESTRICT w = W + X->indices[e] * width;
            for (Size j = 0; j < width; j++)
                z[j] += x * w[j];
        }
    }
}

/* dW += Xᵀ dZ. */
VECTORIZED static void T(sparse_affine_backward)(
    const InputRows *X, const Size *rows, const Dropout *dropout, const REAL *dZ, REAL *dW, Size n, Size width)
{
    Size entry = 0;
    for (Size i = 0; i < n; i++) {
        const REAL *RESTRICT dz = dZ + i * width;
        for (int64_t e = X->indptr[rows[i]]; e < X->indptr[rows[i] + 1]; e++, entry++) {
            const REAL x = ((const REAL *)X->data)[e] * T(dropout_factor)(dropout, entry);
            REAL *RESTRICT dw = dW + X->indices[e] * width;
            for (Size j = 0; j < width; j++)
                dw[j] += x * dz[j];
        }
    }
}

/* Z of a layer, without bias, given its input (n, fan_in). For CSR rows, which only the first layer sees, it is NULL. */
static void T(affine_forward)(const NetworkPlan *plan, const Layer *layer, const REAL *input, const Size *rows, Size n)
{
    if (input)
        T(gemm)(&plan->gemm, "NN", input, layer->W, 0, layer->Z, (Size[3]){n, layer->fan_in, layer->width});
    else
        T(sparse_affine_forward)(&plan->input, rows, &plan->input_dropout, layer->W, layer->Z, n, layer->width);
}

/* dW, penalties included, and unless `dinput` is NULL the gradient in the layer's input. */
static void T(affine_backward)(
    const NetworkPlan *plan, const Layer *layer, const REAL *input, const Size *rows, REAL *dinput, Size n)
{
    const REAL beta = plan->l1 || plan->l2; /* whether dW holds the penalties' gradient, to which the loss's is added */
    if (beta)
        T(penalty_gradient)(layer->W, layer->dW, (REAL)plan->l2, (REAL)plan->l1, layer->fan_in * layer->width);
    if (T(uses_maxout_weight_gradient)(plan, layer, n))
        T(maxout_weight_gradient)(layer, input, beta, n);
    else if (input)
        T(gemm)(&plan->gemm, "TN", input, layer->dZ, beta, layer->dW, (Size[3]){layer->fan_in, n, layer->width});
    else {
        if (!beta)
            memset(layer->dW, 0, layer->fan_in * layer->width * sizeof(REAL));
        T(sparse_affine_backward)(&plan->input, rows, &plan->input_dropout, layer->dZ, layer->dW, n, layer->width);
    }
    if (dinput)
        T(gemm)(&plan->gemm, "NT", layer->dZ, layer->W, 0, dinput, (Size[3]){n, layer->width, layer->fan_in});
}
