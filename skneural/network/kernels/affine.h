/* Z = X W and its gradients, for dense X by gemm.h, for CSR rows here; the copy of a batch's rows, bias and column sums. */

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

/* sums += the sums of some columns of A; four rows at a time, which wait less for one another. */
VECTORIZED static void T(add_column_sums)(
    const REAL *RESTRICT A, REAL *RESTRICT sums, Range columns, Size n, Size width)
{
    Size i = 0;
    if (width == 1 && range_size(columns)) {
        sums[0] += T(sum)(A, n);
        return;
    }
    for (; i + 4 <= n; i += 4)
        for (Size j = columns.from; j < columns.to; j++) {
            const REAL *a = A + i * width + j;
            sums[j] += (a[0] + a[width]) + (a[2 * width] + a[3 * width]);
        }
    for (; i < n; i++)
        for (Size j = columns.from; j < columns.to; j++)
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

/* Rows from the gradient G in scaled weights: dW = scales ∘ G, or dW += that, and dscales = the row sums of W ∘ G. */
VECTORIZED static void T(split_scaled_gradient)(
    const REAL *G, const REAL *W, const REAL *scales, REAL *RESTRICT dW, REAL *RESTRICT dscales, int add, Range rows,
    Size width)
{
    for (Size i = rows.from; i < rows.to; i++) {
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

/* Some columns of dW += (X ∘ scales)ᵀ dZ. */
VECTORIZED static void T(sparse_affine_backward)(
    const InputRows *X, const Size *rows, const Mask *mask, const REAL *scales, const REAL *dZ, REAL *dW,
    Range columns, Size n, Size width)
{
    Size entry = 0;
    for (Size i = 0; i < n; i++) {
        const REAL *RESTRICT dz = dZ + i * width;
        for (int64_t e = X->indptr[rows[i]]; e < X->indptr[rows[i] + 1]; e++, entry++) {
            const Size feature = X->indices[e];
            const REAL x = ((const REAL *)X->data)[e] * T(dropout_factor)(mask, entry) * (scales ? scales[feature] : 1);
            REAL *RESTRICT dw = dW + feature * width;
            for (Size j = columns.from; j < columns.to; j++)
                dw[j] += x * dz[j];
        }
    }
}

/* dscales = the gradient in the scales of some features: the row sums of W ∘ (Xᵀ dZ). */
VECTORIZED static void T(sparse_scale_gradient)(
    const InputRows *X, const Size *rows, const Mask *mask, const REAL *W, const REAL *dZ, REAL *dscales,
    Range features, Size n, Size width)
{
    Size entry = 0;
    memset(dscales + features.from, 0, range_size(features) * sizeof(REAL));
    for (Size i = 0; i < n; i++)
        for (int64_t e = X->indptr[rows[i]]; e < X->indptr[rows[i] + 1]; e++, entry++) {
            const Size feature = X->indices[e];
            if (feature < features.from || feature >= features.to)
                continue;
            const REAL x = ((const REAL *)X->data)[e] * T(dropout_factor)(mask, entry);
            dscales[feature] += x * T(dot)(dZ + i * width, W + feature * width, width);
        }
}

/* A pass over a batch, or over a block of its members, as one thread of a team sees it. */
typedef struct {
    const NetworkPlan *plan;
    const Thread *thread;
    const Size *rows;       /* (block.n_rows,): of the batch */
    const Size *block_rows; /* the same once for each member of the block */
    const REAL *X;          /* the batch's rows; NULL for CSR */
    const uint32_t *dropout_keys;
    const REAL *row_weight; /* for batch normalisation; NULL for equal weights */
    int any_weight;         /* whether any row's weight is positive */
    MemberBlock block;
    Range part; /* of the block's rows, those which this thread computes */
} T(Pass);

static Size T(rows_of_block)(const T(Pass) *pass)
{
    return pass->block.n_members * pass->block.n_rows;
}

/* The mask of CSR entries, from a member's row number `first` on: those of all members lie one behind the other. */
static Mask T(member_mask)(const T(Pass) *pass, Size member, Size first)
{
    const int64_t *indptr = pass->plan->input.indptr;
    Size entry = 0;
    if (pass->plan->input_dropout.key_number)
        for (Size i = 0; i < pass->block.n_rows; i++)
            entry += (member + (i < first)) * (indptr[pass->rows[i] + 1] - indptr[pass->rows[i]]);
    return mask_of(&pass->plan->input_dropout, pass->dropout_keys, entry);
}

/* The rows that a layer sees of a member, number `member` of all and `position` of its block. In the first layer all
 * members see the same rows, unless each drops other entries of them. */
static const REAL *T(member_input)(
    const T(Pass) *pass, const Layer *layer, const REAL *input, Size member, Size position)
{
    const int is_first = layer == pass->plan->layers;
    const Size size = pass->block.n_rows * layer->fan_in;
    if (!input || (is_first && !pass->plan->input_dropout.key_number))
        return input;
    return input + (is_first ? member : position) * size;
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

/* Some of n rows of Z of one member, without bias, given its input, (n, fan_in). */
static void T(dense_affine_forward)(
    const NetworkPlan *plan, const Layer *layer, Size member, const REAL *input, REAL *Z, Range rows, Size n)
{
    const REAL *W = T(matrix_of)(layer, member), *scales = T(scales_of)(layer, member);
    if (scales && !T(uses_own_gemm)()) { /* (X ∘ r) W = X (r ∘ W): fewer numbers are scaled, and no copy of X */
        T(scale_matrix_rows)(W, scales, layer->member_matrix, layer->fan_in, layer->width);
        W = layer->member_matrix;
        scales = NULL;
    }
    T(gemm)(plan->blas_gemm, &(T(Product)){"NN", input, W, Z, 0, scales, {n, layer->fan_in, layer->width}, rows,
                                           {0, layer->width}});
}

/* Some rows of Z of one member, without bias: for CSR rows, which only the first layer sees, where `input` is NULL, or
 * dense ones. */
static void T(affine_forward_of)(
    const T(Pass) *pass, const Layer *layer, Size member, const REAL *input, REAL *Z, Range rows, Size n)
{
    if (!range_size(rows))
        return;
    if (input) {
        T(dense_affine_forward)(pass->plan, layer, member, input, Z, rows, n);
        return;
    }
    const Mask mask = T(member_mask)(pass, member, rows.from);
    T(sparse_affine_forward)(&pass->plan->input, pass->rows + rows.from, &mask, T(scales_of)(layer, member),
                             T(matrix_of)(layer, member), Z + rows.from * layer->width, range_size(rows), layer->width);
}

/* The thread's rows of Z of a layer, without bias. */
static void T(affine_forward)(const T(Pass) *pass, const Layer *layer, const REAL *input)
{
    const Size n = pass->block.n_rows;
    if (!T(differs_by_member)(layer)) {
        T(affine_forward_of)(pass, layer, 0, input, layer->Z, pass->part, T(rows_of_block)(pass));
        return;
    }
    for (Size j = 0; j < pass->block.n_members; j++) {
        const Size member = pass->block.first + j;
        T(affine_forward_of)(pass, layer, member, T(member_input)(pass, layer, input, member, j),
                             (REAL *)layer->Z + j * n * layer->width, part_within(pass->part, j * n, n), n);
    }
}

/* The thread's part of a matrix that a product makes: whole blocks of registers, so that the threads' parts take about
 * equally long. */
typedef struct {
    Range rows, columns;
} T(Tile);

static T(Tile) T(tile_of)(const Thread *thread, Size n, Size width)
{
    const Size height = ROWS_AT_ONCE, columns = 128 / sizeof(REAL), n_threads = thread->n_threads;
    const Size rows_of_blocks = (n + height - 1) / height, columns_of_blocks = (width + columns - 1) / columns;
    Size across = 1, least = rows_of_blocks * columns_of_blocks + 1;
    for (Size i = 1; i <= n_threads; i++) { /* i threads side by side, the others below them */
        const Size down = n_threads / i;
        const Size blocks = ((rows_of_blocks + down - 1) / down) * ((columns_of_blocks + i - 1) / i);
        if (blocks < least) {
            least = blocks;
            across = i;
        }
    }
    const Size down = n_threads / across;
    if (thread->index >= across * down)
        return (T(Tile)){{0, 0}, {0, 0}};
    const Thread row = {NULL, (int)(thread->index / across), (int)down};
    const Thread column = {NULL, (int)(thread->index % across), (int)across};
    return (T(Tile)){part_of(&row, n, height), part_of(&column, width, columns)};
}

/* dW += Xᵀ dZ for CSR rows, `add` or not. */
static void T(sparse_weight_gradient)(
    const T(Pass) *pass, const Layer *layer, Size member, const REAL *dZ, REAL *dW, int add)
{
    const Mask mask = T(member_mask)(pass, member, 0);
    const Size n = pass->block.n_rows, width = layer->width, fan_in = layer->fan_in;
    const REAL *scales = T(scales_of)(layer, member);
    const Range columns = part_of(pass->thread, width, COLUMNS_AT_ONCE);
    if (!add)
        for (Size i = 0; i < fan_in; i++)
            memset(dW + i * width + columns.from, 0, range_size(columns) * sizeof(REAL));
    T(sparse_affine_backward)(&pass->plan->input, pass->rows, &mask, scales, dZ, dW, columns, n, width);
    if (scales)
        T(sparse_scale_gradient)(&pass->plan->input, pass->rows, &mask, T(matrix_of)(layer, member), dZ,
                                 (REAL *)layer->dmember_scales + member * fan_in,
                                 part_of(pass->thread, fan_in, COLUMNS_AT_ONCE), n, width);
}

/* The thread's part of the gradient in W, and in the scales, of one member, or of all where it does not differ, from n
 * rows. `add`: dW holds something to which it is added, the penalties' gradient or that of other members. */
static void T(affine_backward_of)(
    const T(Pass) *pass, const Layer *layer, Size member, const REAL *input, const REAL *dZ, int add, Size n)
{
    const Size fan_in = layer->fan_in, width = layer->width;
    REAL *dW = (REAL *)layer->dW + T(matrix_offset)(layer, member);
    T(Product) product = {"TN", input, dZ, dW, (REAL)add, NULL, {fan_in, n, width}, {0, 0}, {0, width}};
    if (!input) {
        T(sparse_weight_gradient)(pass, layer, member, dZ, dW, add);
    } else if (!layer->member_scales) {
        const T(Tile) tile = T(tile_of)(pass->thread, fan_in, width);
        product.rows = tile.rows;
        product.columns = tile.columns;
        T(gemm)(pass->plan->blas_gemm, &product);
    } else { /* with G = Xᵀ dZ: dW = r ∘ G, dr = the row sums of W ∘ G */
        product.C = layer->member_matrix;
        product.beta = 0;
        product.rows = part_of(pass->thread, fan_in, ROWS_AT_ONCE);
        T(gemm)(pass->plan->blas_gemm, &product);
        T(split_scaled_gradient)(product.C, T(matrix_of)(layer, member), T(scales_of)(layer, member), dW,
                                 (REAL *)layer->dmember_scales + member * fan_in, add, product.rows, width);
    }
}

/* The thread's part of the penalties' gradient in the weights of a layer, to which those of the loss are added. */
static void T(layer_penalty_gradient)(const NetworkPlan *plan, const Thread *thread, const Layer *layer)
{
    const Size n = layer->n_matrices;
    if (plan->l1 || plan->l2)
        T(penalty_gradient)(layer->W, layer->dW, (REAL)(plan->l2 / n), (REAL)(plan->l1 / n),
                            entries_of(thread, n * layer->fan_in * layer->width));
}

/* The thread's part of the gradients in the weights of a layer. */
static void T(weight_gradient)(const T(Pass) *pass, const Layer *layer, const REAL *input)
{
    const NetworkPlan *plan = pass->plan;
    const MemberBlock block = pass->block;
    const int has_penalty = plan->l1 || plan->l2, is_shared = layer->n_matrices == 1;
    const Size n = block.n_rows, n_all = T(rows_of_block)(pass);
    if (T(uses_maxout_weight_gradient)(plan, layer))
        T(maxout_weight_gradient)(layer, input, (REAL)has_penalty, part_of(pass->thread, layer->n_units, COLUMNS_AT_ONCE),
                                  n_all);
    else if (!T(differs_by_member)(layer))
        T(affine_backward_of)(pass, layer, 0, input, layer->dZ, has_penalty || block.first, n_all);
    else
        for (Size j = 0; j < block.n_members; j++) {
            const Size member = block.first + j;
            T(affine_backward_of)(pass, layer, member, T(member_input)(pass, layer, input, member, j),
                                  (REAL *)layer->dZ + j * n * layer->width, has_penalty || (member && is_shared), n);
        }
}

/* The thread's rows of the gradient in a layer's input. */
static void T(input_gradient)(const T(Pass) *pass, const Layer *layer, REAL *dinput)
{
    const Size n_products = layer->n_matrices > 1 ? pass->block.n_members : 1;
    const Size n = T(rows_of_block)(pass) / n_products, width = layer->width, fan_in = layer->fan_in;
    for (Size j = 0; j < n_products; j++) {
        const REAL *W = T(matrix_of)(layer, pass->block.first + j);
        T(gemm)(pass->plan->blas_gemm,
                &(T(Product)){"NT", (REAL *)layer->dZ + j * n * width, W, dinput + j * n * fan_in, 0, NULL,
                              {n, width, fan_in}, part_within(pass->part, j * n, n), {0, fan_in}});
    }
}

/* The first bias of the output layer of a member. */
static REAL *T(member_biases)(const Layer *layer, void *biases, Size member)
{
    return (REAL *)biases + (layer->n_matrices > 1 ? member * layer->width : 0);
}

/* Add the biases of the output layer to the thread's rows of Z. */
static void T(add_biases)(const T(Pass) *pass, const Layer *layer)
{
    for (Size j = 0; j < pass->block.n_members; j++) {
        const Size first = j * pass->block.n_rows;
        const Range rows = part_within(pass->part, first, pass->block.n_rows);
        T(add_bias)((REAL *)layer->Z + (first + rows.from) * layer->width,
                    T(member_biases)(layer, layer->b, pass->block.first + j), range_size(rows), layer->width);
    }
}

/* The thread's columns of db: the column sums of `gradient`, for the output layer those of each member to its own. */
static void T(bias_gradients)(const T(Pass) *pass, const Layer *layer, const REAL *gradient)
{
    const Range columns = part_of(pass->thread, layer->width, COLUMNS_AT_ONCE);
    for (Size j = 0; j < pass->block.n_members; j++) {
        REAL *db = T(member_biases)(layer, layer->db, pass->block.first + j);
        if (layer->n_matrices > 1 || pass->block.first + j == 0)
            memset(db + columns.from, 0, range_size(columns) * sizeof(REAL));
        T(add_column_sums)(gradient + j * pass->block.n_rows * layer->width, db, columns, pass->block.n_rows,
                           layer->width);
    }
}
