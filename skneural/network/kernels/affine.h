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

/* A thread's pass over a batch: over the rows of some segments, or over those of one member at a time. */
typedef struct {
    const NetworkPlan *plan;
    const Thread *thread;
    const Segment *memory; /* the first of the thread's segments: its buffers hold the pass's rows from there on */
    const Layer *layers;   /* of that segment */
    Range segments;
    Size n_segments;  /* which the batch has; full ones, but for the last */
    const Size *rows; /* (n_rows,): their numbers in the input */
    const uint32_t *dropout_keys;
    const REAL *X;          /* these rows; NULL for CSR */
    const REAL *row_weight; /* for batch normalisation; NULL for equal weights */
    Size n_rows;            /* for each member */
    Size first_row;         /* where they begin in the batch, which has batch_rows */
    Size batch_rows;
    Size first_member, n_members; /* the rows of one below those of another */
} T(Pass);

static Size T(n_pass_rows)(const T(Pass) *pass)
{
    return pass->n_members * pass->n_rows;
}

static Segment *T(segment_of)(const T(Pass) *pass, Size number)
{
    return pass->plan->segments + number;
}

/* Those of the pass's rows that belong to a segment. */
static Range T(rows_of_segment)(const T(Pass) *pass, Size number)
{
    const Segment *segment = T(segment_of)(pass, number);
    if (pass->plan->n_members == 1) {
        const Size from = (number - pass->segments.from) * pass->plan->segment_rows;
        return (Range){from, min_size(from + pass->plan->segment_rows, pass->n_rows)};
    }
    const Size from = max_size(segment->first_member - pass->first_member, 0);
    const Size to = min_size(segment->first_member + segment->n_members - pass->first_member, pass->n_members);
    return (Range){from * pass->n_rows, to * pass->n_rows};
}

/* The number in its mask of the first entry of a member's rows, `width` entries each. */
static Size T(first_entry)(const T(Pass) *pass, Size member, Size width)
{
    return (member * pass->batch_rows + pass->first_row) * width;
}

/* A member's mask of CSR entries, for all rows of the batch: those of all members lie one behind the other. */
static Mask T(sparse_mask)(const T(Pass) *pass, Size member)
{
    const int64_t *indptr = pass->plan->input.indptr;
    Size entry = 0;
    if (pass->plan->input_dropout.key_number)
        for (Size i = 0; i < pass->n_rows; i++)
            entry += member * (indptr[pass->rows[i] + 1] - indptr[pass->rows[i]]);
    return mask_of(&pass->plan->input_dropout, pass->dropout_keys, entry);
}

/* What a layer passes on to the next one; the first is passed X. */
static const REAL *T(input_of)(const T(Pass) *pass, Size layer_number)
{
    return layer_number ? pass->layers[layer_number - 1].output : pass->X;
}

/* The rows that a layer sees of a member, number `position` of the pass. In the first layer all members see the same
 * rows, unless each drops other entries of them. */
static const REAL *T(member_input)(const T(Pass) *pass, Size layer_number, Size position)
{
    const REAL *input = T(input_of)(pass, layer_number);
    if (!input || (!layer_number && !pass->plan->input_dropout.key_number))
        return input;
    return input + position * pass->n_rows * pass->layers[layer_number].fan_in;
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
    const T(Pass) *pass, const Layer *layer, Size member, const REAL *input, REAL *Z, Size n)
{
    if (input) {
        T(dense_affine_forward)(pass->plan, layer, member, input, Z, n);
        return;
    }
    const Mask mask = T(sparse_mask)(pass, member);
    T(sparse_affine_forward)(&pass->plan->input, pass->rows, &mask, T(scales_of)(layer, member),
                             T(matrix_of)(layer, member), Z, n, layer->width);
}

/* Z of a layer, without bias. */
static void T(affine_forward)(const T(Pass) *pass, Size layer_number)
{
    const Layer *layer = pass->layers + layer_number;
    if (!T(differs_by_member)(layer)) {
        T(affine_forward_of)(pass, layer, 0, T(input_of)(pass, layer_number), layer->Z, T(n_pass_rows)(pass));
        return;
    }
    for (Size j = 0; j < pass->n_members; j++)
        T(affine_forward_of)(pass, layer, pass->first_member + j, T(member_input)(pass, layer_number, j),
                             (REAL *)layer->Z + j * pass->n_rows * layer->width, pass->n_rows);
}

/* dW = (X ∘ scales)ᵀ dZ for CSR rows, or dW += that, and the gradient in the scales. */
static void T(sparse_weight_gradient)(
    const T(Pass) *pass, const Layer *layer, Size member, const REAL *dZ, REAL *dW, int add)
{
    const Mask mask = T(sparse_mask)(pass, member);
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
    const T(Pass) *pass, const Layer *layer, Size member, const REAL *input, const REAL *dZ, REAL *dW, int add, Size n)
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

/* The penalties' gradient in some of a layer's matrices, to which that of the loss is added. */
static void T(layer_penalty_gradient)(const NetworkPlan *plan, const Layer *layer, Size first, Size n_matrices)
{
    const Size size = layer->fan_in * layer->width, n = layer->n_matrices;
    T(penalty_gradient)((REAL *)layer->W + first * size, (REAL *)layer->dW + first * size, (REAL)(plan->l2 / n),
                        (REAL)(plan->l1 / n), n_matrices * size);
}

/* The penalties' gradient in what the pass adds to: shared matrices in the first segment, and its members' own. */
static void T(penalty_gradients)(const T(Pass) *pass)
{
    const NetworkPlan *plan = pass->plan;
    if (!plan->l1 && !plan->l2)
        return;
    for (const Layer *layer = pass->layers; layer < pass->layers + plan->n_layers; layer++)
        if (layer->n_matrices > 1)
            T(layer_penalty_gradient)(plan, layer, pass->first_member, pass->n_members);
        else if (!pass->segments.from)
            T(layer_penalty_gradient)(plan, layer, 0, 1);
}

/* Whether a pass has all rows of its members, one below the other, as all segments together have in memory. One member
 * at a time stays in the cache, but batch normalisation is over the rows of all, and Maxout's own weight gradient does
 * not add to another. */
static int T(members_pass_together)(const NetworkPlan *plan)
{
    if (plan->n_members == 1)
        return 1;
    for (const Layer *layer = plan->layers; layer < plan->layers + plan->n_layers - 1; layer++)
        if (layer->batch_norm.scale || layer->activation == MAXOUT)
            return 1;
    return 0;
}

#define LARGE_MATRIX (1 << 17) /* entries: beyond, to add up several gradients takes longer than to exchange rows */

/* Whether threads share out the gradient of a layer's weights, not the rows from which it comes: each computes a part of
 * the matrix from the rows of all segments. */
static int T(shares_out_matrix)(const NetworkPlan *plan, Size layer_number)
{
    const Layer *layer = plan->layers + layer_number;
    const int is_dense = layer_number || !plan->input.indptr;
    return plan->n_members == 1 && plan->n_segments > 1 && layer->fan_in * layer->width > LARGE_MATRIX && is_dense
        && !T(uses_maxout_weight_gradient)(plan, layer_number);
}

/* Whether a segment adds to the weights' gradient of the first one, where one thread makes all. That is the same, to the
 * bit, as to add a gradient of its own only if it is made by one block of a product. */
static int T(adds_directly)(const NetworkPlan *plan, const Thread *thread)
{
    return thread->n_threads == 1 && plan->n_members == 1 && plan->segment_rows <= DEPTH_BLOCK;
}

/* A segment's part of the gradient in a layer's weights, from its rows in the pass. */
static void T(segment_weight_gradient)(const T(Pass) *pass, Size layer_number, Size number)
{
    const NetworkPlan *plan = pass->plan;
    const Segment *segment = T(segment_of)(pass, number);
    const Layer *layer = pass->layers + layer_number, *own = segment->layers + layer_number;
    const Range rows = T(rows_of_segment)(pass, number);
    const Size width = layer->width;
    const int has_penalty = plan->l1 || plan->l2, is_shared = layer->n_matrices == 1;
    const int is_direct = number && T(adds_directly)(plan, pass->thread);
    const int add = is_direct || (has_penalty && !(is_shared && number));
    const REAL *input = T(input_of)(pass, layer_number), *dZ = layer->dZ;
    REAL *dW = is_direct ? plan->layers[layer_number].dW : own->dW;
    if (T(uses_maxout_weight_gradient)(plan, layer_number)) {
        Layer maxout = *own;
        maxout.Z = (REAL *)layer->Z + rows.from * width;
        maxout.dA = (REAL *)layer->dA + rows.from * layer->n_units;
        T(maxout_weight_gradient)(&maxout, input + rows.from * layer->fan_in, dW, (REAL)add, range_size(rows));
    } else if (!T(differs_by_member)(layer)) {
        T(affine_backward_of)(pass, layer, 0, input ? input + rows.from * layer->fan_in : NULL, dZ + rows.from * width,
                              dW, add || pass->first_member > segment->first_member, range_size(rows));
    } else {
        for (Size j = rows.from / pass->n_rows; j < rows.to / pass->n_rows; j++) {
            const Size member = pass->first_member + j;
            T(affine_backward_of)(pass, layer, member, T(member_input)(pass, layer_number, j),
                                  dZ + j * pass->n_rows * width, dW + T(matrix_offset)(layer, member),
                                  add || (is_shared && member > segment->first_member), pass->n_rows);
        }
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

/* The thread's part of a large matrix's gradient, from n rows of all segments. */
static void T(shared_out_gradient)(
    const NetworkPlan *plan, const Thread *thread, const Layer *layer, const REAL *input, Size n)
{
    const T(Tile) tile = T(tile_of)(thread, layer->fan_in, layer->width);
    const REAL beta = plan->l1 || plan->l2;
    T(gemm)(plan->blas_gemm, &(T(Product)){"TN", input, layer->dZ, layer->dW, beta, NULL,
                                           {layer->fan_in, n, layer->width}, tile.rows, tile.columns});
}

/* The gradient in a layer's input. */
static void T(input_gradient)(const T(Pass) *pass, const Layer *layer, REAL *dinput)
{
    const Size n_products = layer->n_matrices > 1 ? pass->n_members : 1;
    const Size n = T(n_pass_rows)(pass) / n_products, width = layer->width, fan_in = layer->fan_in;
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
static void T(add_biases)(const T(Pass) *pass, const Layer *layer)
{
    for (Size j = 0; j < pass->n_members; j++)
        T(add_bias)((REAL *)layer->Z + j * pass->n_rows * layer->width,
                    T(member_biases)(layer, layer->b, pass->first_member + j), pass->n_rows, layer->width);
}

/* A segment's part of db: the column sums of dZ, for the output layer those of each member to its own. */
static void T(segment_bias_gradient)(const T(Pass) *pass, Size layer_number, Size number)
{
    const Segment *segment = T(segment_of)(pass, number);
    const Layer *layer = segment->layers + layer_number;
    const Range rows = T(rows_of_segment)(pass, number);
    const REAL *dZ = pass->layers[layer_number].dZ;
    const int is_shared = layer->n_matrices == 1;
    const Size step = is_shared ? range_size(rows) : pass->n_rows;
    for (Size i = rows.from; i < rows.to; i += step) {
        REAL *db = T(member_biases)(layer, layer->db, pass->first_member + i / pass->n_rows);
        if (!is_shared || pass->first_member <= segment->first_member)
            memset(db, 0, layer->width * sizeof(REAL));
        T(add_column_sums)(dZ + i * layer->width, db, step, layer->width);
    }
}
