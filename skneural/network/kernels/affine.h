/* Z = X W and its gradients, for dense X by gemm.h, for CSR rows here; the copy of a batch's rows, bias and column sums. */

VECTORIZED static void T(add_bias)(REAL *RESTRICT Z, const REAL *RESTRICT b, Size n, Size width)
{
    for (Size i = 0; i < n; i++)
        for (Size j = 0; j < width; j++)
            Z[i * width + j] += b[j];
}

/* sums += the column sums of A. */
VECTORIZED static void T(add_column_sums)(const REAL *RESTRICT A, REAL *RESTRICT sums, Size n, Size width)
{
    for (Size i = 0; i < n; i++)
        for (Size j = 0; j < width; j++)
            sums[j] += A[i * width + j];
}

/* Σ xᵢ yᵢ, in eight sums that do not wait for one another. */
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

/* out = W, (n, width), each row times its scale. */
VECTORIZED static void T(scale_matrix_rows)(
    const REAL *RESTRICT W, const REAL *RESTRICT scales, REAL *RESTRICT out, Size n, Size width)
{
    for (Size i = 0; i < n; i++)
        for (Size j = 0; j < width; j++)
            out[i * width + j] = scales[i] * W[i * width + j];
}

/* From the gradient G in scaled weights: dW = scales ∘ G, or dW += that, and dscales = the row sums of W ∘ G. */
VECTORIZED static void T(split_scaled_gradient)(
    const REAL *G, const REAL *W, const REAL *scales, REAL *RESTRICT dW, REAL *RESTRICT dscales, int add, Size n,
    Size width)
{
    for (Size i = 0; i < n; i++) {
        const REAL *RESTRICT g = G + i * width;
        const REAL scale = scales[i];
        REAL *RESTRICT dw = dW + i * width;
        dscales[i] = T(dot)(g, W + i * width, width);
        for (Size j = 0; j < width; j++)
            dw[j] = (add ? dw[j] : 0) + scale * g[j];
    }
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

/* Z = (X ∘ scales) W for CSR rows of X; `dropout` counts the stored entries of the rows one after another. `scales`,
 * (n_features,), is NULL for none. */
VECTORIZED static void T(sparse_affine_forward)(
    const InputRows *X, const Size *rows, const Dropout *dropout, const REAL *scales, const REAL *W, REAL *Z, Size n,
    Size width)
{
    Size entry = 0;
    memset(Z, 0, n * width * sizeof(REAL));
    for (Size i = 0; i < n; i++) {
        REAL *RESTRICT z = Z + i * width;
        for (int64_t e = X->indptr[rows[i]]; e < X->indptr[rows[i] + 1]; e++, entry++) {
            const Size feature = X->indices[e];
            const REAL x = ((const REAL *)X->data)[e] * T(dropout_factor)(dropout, entry) * (scales ? scales[feature] : 1);
            const REAL *RESTRICT w = W + feature * width;
            for (Size j = 0; j < width; j++)
                z[j] += x * w[j];
        }
    }
}

/* dW += (X ∘ scales)ᵀ dZ, and unless `scales` is NULL dscales = the gradient in them. */
VECTORIZED static void T(sparse_affine_backward)(
    const InputRows *X, const Size *rows, const Dropout *dropout, const REAL *scales, const REAL *W, const REAL *dZ,
    REAL *dW, REAL *dscales, Size n, Size width)
{
    Size entry = 0;
    if (scales)
        memset(dscales, 0, X->n_features * sizeof(REAL));
    for (Size i = 0; i < n; i++) {
        const REAL *RESTRICT dz = dZ + i * width;
        for (int64_t e = X->indptr[rows[i]]; e < X->indptr[rows[i] + 1]; e++, entry++) {
            const Size feature = X->indices[e];
            const REAL x = ((const REAL *)X->data)[e] * T(dropout_factor)(dropout, entry);
            const REAL scaled = x * (scales ? scales[feature] : 1);
            REAL *RESTRICT dw = dW + feature * width;
            for (Size j = 0; j < width; j++)
                dw[j] += scaled * dz[j];
            if (scales)
                dscales[feature] += x * T(dot)(dz, W + feature * width, width);
        }
    }
}

/* The mask of a member: those of all members lie one behind the other. */
static Dropout T(member_dropout)(const NetworkPlan *plan, const Size *rows, Size member, Size n)
{
    Dropout dropout = plan->input_dropout;
    if (dropout.random && member)
        for (Size i = 0; i < n; i++)
            dropout.random += member * (plan->input.indptr[rows[i] + 1] - plan->input.indptr[rows[i]]);
    return dropout;
}

/* The rows that a layer sees of a member, number `member` of all and `position` of its block. In the first layer all
 * members see the same rows, unless each drops other entries of them. */
static const REAL *T(member_input)(
    const NetworkPlan *plan, const Layer *layer, const REAL *input, Size member, Size position, Size n_rows)
{
    const Size size = n_rows * layer->fan_in;
    if (!input || (layer == plan->layers && !plan->input_dropout.random))
        return input;
    return input + (layer == plan->layers ? member : position) * size;
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

/* Z of one member, or of all where it does not differ, without bias, given their input (n, fan_in). For CSR rows, which
 * only the first layer sees, the input is NULL. */
static void T(affine_forward_of)(
    const NetworkPlan *plan, const Layer *layer, Size member, const REAL *input, const Size *rows, REAL *Z, Size n)
{
    const REAL *W = (REAL *)layer->W + T(matrix_offset)(layer, member);
    const REAL *scales = layer->member_scales ? (REAL *)layer->member_scales + member * layer->fan_in : NULL;
    if (!input) {
        const Dropout dropout = T(member_dropout)(plan, rows, member, n);
        T(sparse_affine_forward)(&plan->input, rows, &dropout, scales, W, Z, n, layer->width);
        return;
    }
    if (scales) { /* (X ∘ r) W = X (r ∘ W): fewer numbers are scaled, and no copy of X */
        T(scale_matrix_rows)(W, scales, layer->member_matrix, layer->fan_in, layer->width);
        W = layer->member_matrix;
    }
    T(gemm)(&plan->gemm, "NN", input, W, 0, Z, (Size[3]){n, layer->fan_in, layer->width});
}

/* Z of a layer, without bias, for a block of members. */
static void T(affine_forward)(
    const NetworkPlan *plan, const Layer *layer, const REAL *input, const Size *rows, MemberBlock block)
{
    const Size n = block.n_rows;
    if (!T(differs_by_member)(layer)) {
        T(affine_forward_of)(plan, layer, 0, input, rows, layer->Z, block.n_members * n);
        return;
    }
    for (Size j = 0; j < block.n_members; j++) {
        const Size member = block.first + j;
        T(affine_forward_of)(plan, layer, member, T(member_input)(plan, layer, input, member, j, n), rows,
                             (REAL *)layer->Z + j * n * layer->width, n);
    }
}

/* dW += Xᵀ dZ for CSR rows, `add` or not. */
static void T(sparse_weight_gradient)(
    const NetworkPlan *plan, const Layer *layer, Size member, const Size *rows, const REAL *dZ, REAL *dW, int add, Size n)
{
    const Dropout dropout = T(member_dropout)(plan, rows, member, n);
    const REAL *W = (REAL *)layer->W + T(matrix_offset)(layer, member);
    const REAL *scales = layer->member_scales ? (REAL *)layer->member_scales + member * layer->fan_in : NULL;
    REAL *dscales = scales ? (REAL *)layer->dmember_scales + member * layer->fan_in : NULL;
    if (!add)
        memset(dW, 0, layer->fan_in * layer->width * sizeof(REAL));
    T(sparse_affine_backward)(&plan->input, rows, &dropout, scales, W, dZ, dW, dscales, n, layer->width);
}

/* The gradient in W, and in the scales, of one member, or of all where it does not differ. `add`: dW holds something to
 * which it is added, the penalties' gradient or that of other members. */
static void T(affine_backward_of)(
    const NetworkPlan *plan, const Layer *layer, Size member, const REAL *input, const Size *rows, const REAL *dZ,
    int add, Size n)
{
    const Size offset = T(matrix_offset)(layer, member), fan_in = layer->fan_in, width = layer->width;
    REAL *dW = (REAL *)layer->dW + offset;
    if (!input)
        T(sparse_weight_gradient)(plan, layer, member, rows, dZ, dW, add, n);
    else if (!layer->member_scales)
        T(gemm)(&plan->gemm, "TN", input, dZ, (REAL)add, dW, (Size[3]){fan_in, n, width});
    else { /* with G = Xᵀ dZ: dW = r ∘ G, dr = the row sums of W ∘ G */
        REAL *G = layer->member_matrix;
        T(gemm)(&plan->gemm, "TN", input, dZ, 0, G, (Size[3]){fan_in, n, width});
        T(split_scaled_gradient)(G, (REAL *)layer->W + offset, (REAL *)layer->member_scales + member * fan_in, dW,
                                 (REAL *)layer->dmember_scales + member * fan_in, add, fan_in, width);
    }
}

/* The gradients in the weights of a layer, for a block of members; penalties are included with the first block, to which
 * the others add. */
static void T(weight_gradient)(
    const NetworkPlan *plan, const Layer *layer, const REAL *input, const Size *rows, MemberBlock block)
{
    const int has_penalty = plan->l1 || plan->l2, is_shared = layer->n_matrices == 1;
    const Size n = block.n_rows, n_all = block.n_members * n;
    if (has_penalty && !block.first)
        T(penalty_gradient)(layer->W, layer->dW, (REAL)(plan->l2 / layer->n_matrices),
                            (REAL)(plan->l1 / layer->n_matrices),
                            layer->n_matrices * layer->fan_in * layer->width);
    if (T(uses_maxout_weight_gradient)(plan, layer, n_all))
        T(maxout_weight_gradient)(layer, input, (REAL)has_penalty, n_all);
    else if (!T(differs_by_member)(layer))
        T(affine_backward_of)(plan, layer, 0, input, rows, layer->dZ, has_penalty || block.first, n_all);
    else
        for (Size j = 0; j < block.n_members; j++) {
            const Size member = block.first + j;
            T(affine_backward_of)(plan, layer, member, T(member_input)(plan, layer, input, member, j, n), rows,
                                  (REAL *)layer->dZ + j * n * layer->width,
                                  has_penalty || (member && is_shared), n);
        }
}

/* The gradient in a layer's input, for a block of members. */
static void T(input_gradient)(const NetworkPlan *plan, const Layer *layer, REAL *dinput, MemberBlock block)
{
    const int differs = layer->n_matrices > 1;
    const Size n_blocks = differs ? block.n_members : 1, n = block.n_rows * block.n_members / n_blocks;
    for (Size j = 0; j < n_blocks; j++)
        T(gemm)(&plan->gemm, "NT", (REAL *)layer->dZ + j * n * layer->width,
                (REAL *)layer->W + T(matrix_offset)(layer, block.first + j), 0, dinput + j * n * layer->fan_in,
                (Size[3]){n, layer->width, layer->fan_in});
}

/* The first bias of the output layer of a member. */
static REAL *T(member_biases)(const Layer *layer, void *biases, Size member)
{
    return (REAL *)biases + (layer->n_matrices > 1 ? member * layer->width : 0);
}

/* Add the biases of the output layer to Z. */
static void T(add_biases)(const Layer *layer, MemberBlock block)
{
    for (Size j = 0; j < block.n_members; j++)
        T(add_bias)((REAL *)layer->Z + j * block.n_rows * layer->width,
                    T(member_biases)(layer, layer->b, block.first + j), block.n_rows, layer->width);
}

/* Add the column sums of dZ to db, those of each member to its own, for the output layer. */
static void T(bias_gradients)(const Layer *layer, MemberBlock block)
{
    for (Size j = 0; j < block.n_members; j++)
        T(add_column_sums)((REAL *)layer->dZ + j * block.n_rows * layer->width,
                           T(member_biases)(layer, layer->db, block.first + j), block.n_rows, layer->width);
}
