/* The affine map of a layer, Z = X W + b, and its gradients: for dense X by gemm.h, for CSR rows here. */

VECTORIZED static void T(add_bias)(REAL *RESTRICT Z, const REAL *RESTRICT b, Size n, Size width)
{
    for (Size i = 0; i < n; i++)
        for (Size j = 0; j < width; j++)
            Z[i * width + j] += b[j];
}

/* Σ xᵢ, in eight sums that do not wait for one another. */
INLINED REAL T(sum)(const REAL *RESTRICT x, Size n)
{
    REAL sums[8] = {0}, sum = 0;
    Size i = 0;
    for (; i + 8 <= n; i += 8)
        for (int j = 0; j < 8; j++)
            sums[j] += x[i + j];
    for (; i < n; i++)
        sum += x[i];
    for (int j = 0; j < 8; j++)
        sum += sums[j];
    return sum;
}

/* Σ xᵢ yᵢ. */
INLINED REAL T(dot)(const REAL *RESTRICT x, const REAL *RESTRICT y, Size n)
{
    REAL sums[8] = {0}, sum = 0;
    Size i = 0;
    for (; i + 8 <= n; i += 8)
        for (int j = 0; j < 8; j++)
            sums[j] += x[i + j] * y[i + j];
    for (; i < n; i++)
        sum += x[i] * y[i];
    for (int j = 0; j < 8; j++)
        sum += sums[j];
    return sum;
}

/* sums += the column sums of A; four rows at a time, which wait less for one another. */
VECTORIZED static void T(add_column_sums)(const REAL *RESTRICT A, REAL *RESTRICT sums, Size n, Size width)
{
    Size i = 0;
    if (width == 1) {
        sums[0] += T(sum)(A, n);
        return;
    }
    for (; i + 4 <= n; i += 4)
        for (Size j = 0; j < width; j++) {
            const REAL *a = A + i * width + j;
            sums[j] += (a[0] + a[width]) + (a[2 * width] + a[3 * width]);
        }
    for (; i < n; i++)
        for (Size j = 0; j < width; j++)
            sums[j] += A[i * width + j];
}

/* out = W, (n, width), each row times its scale. */
VECTORIZED static void T(scale_matrix_rows)(
    const REAL *RESTRICT W, const REAL *RESTRICT scales, REAL *RESTRICT out, Size n, Size width)
{
    for (Size i = 0; i < n; i++)
        for (Size j = 0; j < width; j++)
            out[i * width + j] = scales[i] * W[i * width + j];
}

/* From the gradient G in scaled weights, (n, width): dW = scales ∘ G, or dW += that, and dscales = the row sums of
 * W ∘ G. */
VECTORIZED static void T(split_scaled_gradient)(
    const REAL *G, const REAL *W, const REAL *scales, REAL *RESTRICT dW, REAL *RESTRICT dscales, int add, Size n,
    Size width)
{
    for (Size i = 0; i < n; i++) {
        const REAL *RESTRICT g = G + i * width;
        const REAL member_scale = scales[i];
        REAL *RESTRICT dw = dW + i * width;
        dscales[i] = T(dot)(g, W + i * width, width);
        for (Size j = 0; j < width; j++)
            dw[j] = (add ? dw[j] : 0) + member_scale * g[j];
    }
}

/* Z = (X ∘ scales) W for CSR rows of X; `mask` counts the stored entries of the rows one after another. `scales`,
 * (n_features,), is NULL for none. */
VECTORIZED static void T(sparse_affine_forward)(
    const InputRows *X, const Size *rows, const Mask *mask, const REAL *scales, const REAL *W, REAL *Z, Size n,
    Size width)
{
    Size entry = 0;
    memset(Z, 0, n * width * sizeof(REAL));
    for (Size i = 0; i < n; i++) {
        REAL *RESTRICT z = Z + i * width;
        for (int64_t e = X->indptr[rows[i]]; e < X->indptr[rows[i] + 1]; e++, entry++) {
            const Size feature = X->indices[e];
            const REAL x = ((const REAL *)X->data)[e] * T(dropout_factor)(mask, entry) * (scales ? scales[feature] : 1);
            const REAL *RESTRICT w = W + feature * width;
            for (Size j = 0; j < width; j++)
                z[j] += x * w[j];
        }
    }
}

/* dW += (X ∘ scales)ᵀ dZ. */
VECTORIZED static void T(sparse_affine_backward)(
    const InputRows *X, const Size *rows, const Mask *mask, const REAL *scales, const REAL *dZ, REAL *dW, Size n,
    Size width)
{
    Size entry = 0;
    for (Size i = 0; i < n; i++) {
        const REAL *RESTRICT dz = dZ + i * width;
        for (int64_t e = X->indptr[rows[i]]; e < X->indptr[rows[i] + 1]; e++, entry++) {
            const Size feature = X->indices[e];
            const REAL x = ((const REAL *)X->data)[e] * T(dropout_factor)(mask, entry) * (scales ? scales[feature] : 1);
            REAL *RESTRICT dw = dW + feature * width;
            for (Size j = 0; j < width; j++)
                dw[j] += x * dz[j];
        }
    }
}

/* dscales = the gradient in the scales of the features: the row sums of W ∘ (Xᵀ dZ). */
VECTORIZED static void T(sparse_scale_gradient)(
    const InputRows *X, const Size *rows, const Mask *mask, const REAL *W, const REAL *dZ, REAL *dscales, Size n,
    Size width)
{
    Size entry = 0;
    memset(dscales, 0, X->n_features * sizeof(REAL));
    for (Size i = 0; i < n; i++)
        for (int64_t e = X->indptr[rows[i]]; e < X->indptr[rows[i] + 1]; e++, entry++) {
            const Size feature = X->indices[e];
            const REAL x = ((const REAL *)X->data)[e] * T(dropout_factor)(mask, entry);
            dscales[feature] += x * T(dot)(dZ + i * width, W + feature * width, width);
        }
}

/* Whether the members' rows are multiplied by matrices of their own. */
static int T(differs_by_member)(const Layer *layer)
{
    return layer->member_scales || layer->n_matrices > 1;
}

static Size T(matrix_offset)(const Layer *layer, Size member)
{
    return layer->n_matrices > 1 ? member * layer->fan_in * layer->width : 0;
}

static const REAL *T(matrix_of)(const Layer *layer, Size member)
{
    return (REAL *)layer->W + T(matrix_offset)(layer, member);
}

static const REAL *T(scales_of)(const Layer *layer, Size member)
{
    return layer->member_scales ? (REAL *)layer->member_scales + member * layer->fan_in : NULL;
}

/* n rows of Z of one member, without bias, given its input, (n, fan_in). */
static void T(dense_affine_forward)(
    const NetworkPlan *plan, const Layer *layer, Size member, const REAL *input, REAL *Z, Size n)
{
    const REAL *W = T(matrix_of)(layer, member), *scales = T(scales_of)(layer, member);
    if (scales && !T(uses_own_gemm)()) { /* (X ∘ r) W = X (r ∘ W): fewer numbers are scaled, and no copy of X */
        T(scale_matrix_rows)(W, scales, layer->member_matrix, layer->fan_in, layer->width);
        W = layer->member_matrix;
        scales = NULL;
    }
    T(gemm)(plan->blas_gemm, &(T(Product)){"NN", input, W, Z, 0, scales, {n, layer->fan_in, layer->width}, {0, n},
                                           {0, layer->width}});
}

/* n rows of Z of one member, without bias: for CSR rows, which only the first layer sees, where `input` is NULL, or
 * dense ones. */
static void T(affine_forward_of)(
    const Pass *pass, const Layer *layer, Size member, const REAL *input, REAL *Z, Size n)
{
    if (input) {
        T(dense_affine_forward)(pass->plan, layer, member, input, Z, n);
        return;
    }
    const Mask mask = sparse_mask(pass, member);
    T(sparse_affine_forward)(&pass->plan->input, pass->rows, &mask, T(scales_of)(layer, member),
                             T(matrix_of)(layer, member), Z, n, layer->width);
}

/* Z of a layer, without bias. */
static void T(affine_forward)(const Pass *pass, Size layer_number)
{
    const Layer *layer = pass->layers + layer_number;
    if (!T(differs_by_member)(layer)) {
        T(affine_forward_of)(pass, layer, 0, T(input_of)(pass, layer_number), layer->Z, n_pass_rows(pass));
        return;
    }
    for (Size j = 0; j < pass->n_members; j++)
        T(affine_forward_of)(pass, layer, pass->first_member + j, T(member_input)(pass, layer_number, j),
                             (REAL *)layer->Z + j * pass->n_rows * layer->width, pass->n_rows);
}

/* dW = (X ∘ scales)ᵀ dZ for CSR rows, or dW += that, and the gradient in the scales. */
static void T(sparse_weight_gradient)(
    const Pass *pass, const Layer *layer, Size member, const REAL *dZ, REAL *dW, int add)
{
    const Mask mask = sparse_mask(pass, member);
    const Size n = pass->n_rows, width = layer->width, fan_in = layer->fan_in;
    const REAL *scales = T(scales_of)(layer, member);
    if (!add)
        memset(dW, 0, fan_in * width * sizeof(REAL));
    T(sparse_affine_backward)(&pass->plan->input, pass->rows, &mask, scales, dZ, dW, n, width);
    if (scales)
        T(sparse_scale_gradient)(&pass->plan->input, pass->rows, &mask, T(matrix_of)(layer, member), dZ,
                                 (REAL *)layer->dmember_scales + member * fan_in, n, width);
}

/* The gradient in W, and in the scales, of one member, or of all where it does not differ, from n rows. `add`: dW holds
 * something to which it is added, the penalties' gradient or that of other members. */
static void T(affine_backward_of)(
    const Pass *pass, const Layer *layer, Size member, const REAL *input, const REAL *dZ, REAL *dW, int add, Size n)
{
    const Size fan_in = layer->fan_in, width = layer->width;
    T(Product) product = {"TN", input, dZ, dW, (REAL)add, NULL, {fan_in, n, width}, {0, fan_in}, {0, width}};
    if (!input) {
        T(sparse_weight_gradient)(pass, layer, member, dZ, dW, add);
    } else if (!layer->member_scales) {
        T(gemm)(pass->plan->blas_gemm, &product);
    } else { /* with G = Xᵀ dZ: dW = r ∘ G, dr = the row sums of W ∘ G */
        product.C = layer->member_matrix;
        product.beta = 0;
        T(gemm)(pass->plan->blas_gemm, &product);
        T(split_scaled_gradient)(product.C, T(matrix_of)(layer, member), T(scales_of)(layer, member), dW,
                                 (REAL *)layer->dmember_scales + member * fan_in, add, fan_in, width);
    }
}

/* The gradient in a layer's input. */
static void T(input_gradient)(const Pass *pass, const Layer *layer, REAL *dinput)
{
    const Size n_products = layer->n_matrices > 1 ? pass->n_members : 1;
    const Size n = n_pass_rows(pass) / n_products, width = layer->width, fan_in = layer->fan_in;
    for (Size j = 0; j < n_products; j++) {
        const REAL *W = T(matrix_of)(layer, pass->first_member + j);
        T(gemm)(pass->plan->blas_gemm,
                &(T(Product)){"NT", (REAL *)layer->dZ + j * n * width, W, dinput + j * n * fan_in, 0, NULL,
                              {n, width, fan_in}, {0, n}, {0, fan_in}});
    }
}

/* The first bias of the output layer of a member. */
static REAL *T(member_biases)(const Layer *layer, void *biases, Size member)
{
    return (REAL *)biases + (layer->n_matrices > 1 ? member * layer->width : 0);
}

/* Add the biases of the output layer to Z. */
static void T(add_biases)(const Pass *pass, const Layer *layer)
{
    for (Size j = 0; j < pass->n_members; j++)
        T(add_bias)((REAL *)layer->Z + j * pass->n_rows * layer->width,
                    T(member_biases)(layer, layer->b, pass->first_member + j), pass->n_rows, layer->width);
}
