/* The passes through a network, over a mini-batch in training and over a block of rows in prediction. */

typedef void (*T(Gemm))(
    char *, char *, int *, int *, int *, REAL *, REAL *, int *, REAL *, int *, REAL *, REAL *, int *);

/* C = A B + beta C for row-major A (n, k) and B (k, m), transposed first where told. Row-major means transposed to
 * BLAS, which therefore computes Cᵀ = Bᵀ Aᵀ. */
static void T(product)(
    const Products *by, char *transpose, const REAL *A, const REAL *B, REAL beta, REAL *C, const Size shape[3])
{
#ifdef WIDE_REGISTERS
    if (made_here(by, shape[0] * shape[1] * shape[2])) {
        T(panel_product)(transpose, A, B, beta, C, shape);
        return;
    }
#endif
    int n = (int)shape[0], k = (int)shape[1], m = (int)shape[2];
    int lda = transpose[0] == 'T' ? n : k, ldb = transpose[1] == 'T' ? k : m;
    REAL one = 1;
    T(Gemm) gemm = (T(Gemm))by->gemm;
    gemm(transpose + 1, transpose, &m, &n, &k, &one, (REAL *)B, &ldb, (REAL *)A, &lda, &beta, C, &m);
}

static void T(spread_slopes)(Layer *of)
{
    const REAL *learned = of->learned;
    REAL *slopes = of->slopes;
    for (Size j = 0; j < of->width; j++)
        slopes[j] = learned[of->shares_slope ? 0 : j];
}

static void T(collect_slopes)(Layer *of)
{
    REAL *dlearned = of->dlearned;
    const REAL *dslopes = of->dslopes;
    memset(dlearned, 0, (of->shares_slope ? 1 : of->width) * sizeof(REAL));
    for (Size j = 0; j < of->width; j++)
        dlearned[of->shares_slope ? 0 : j] += dslopes[j];
}

static void T(activate)(Layer *of, Size n)
{
    const REAL s = (REAL)of->setting;
    const Size width = of->width;
    switch (of->activation) {
    case IDENTITY: T(identity_forward)(of->Z, of->b, s, n, width); break;
    case LOGISTIC: T(logistic_forward)(of->Z, of->b, s, n, width); break;
    case TANH: T(tanh_forward)(of->Z, of->b, s, n, width); break;
    case RELU: T(relu_forward)(of->Z, of->b, s, n, width); break;
    case LEAKY_RELU: T(leaky_relu_forward)(of->Z, of->b, s, n, width); break;
    case ELU: T(elu_forward)(of->Z, of->b, s, n, width); break;
    case SELU: T(selu_forward)(of->Z, of->b, s, n, width); break;
    case SOFTPLUS: T(softplus_forward)(of->Z, of->b, s, n, width); break;
    case GELU: T(gelu_forward)(of->Z, of->A, of->b, n, width); break;
    case SILU: T(silu_forward)(of->Z, of->A, of->b, n, width); break;
    case MISH: T(mish_forward)(of->Z, of->A, of->b, n, width); break;
    case MAXOUT: T(maxout_forward)(of->Z, of->A, of->b, n, width, of->pieces); break;
    case PRELU:
        T(spread_slopes)(of);
        T(prelu_forward)(of->Z, of->A, of->b, of->slopes, n, width);
    }
}

/* dA becomes dZ; db is its column sums. Of a first layer of Maxout units `affine_back` may do both without dZ. */
static void T(activate_back)(const Program *p, Layer *of, Size n)
{
    const REAL s = (REAL)of->setting;
    const Size width = of->width;
    switch (of->activation) {
    case IDENTITY: T(identity_backward)(of->dA, of->A, of->db, s, n, width); break;
    case LOGISTIC: T(logistic_backward)(of->dA, of->A, of->db, s, n, width); break;
    case TANH: T(tanh_backward)(of->dA, of->A, of->db, s, n, width); break;
    case RELU: T(relu_backward)(of->dA, of->A, of->db, s, n, width); break;
    case LEAKY_RELU: T(leaky_relu_backward)(of->dA, of->A, of->db, s, n, width); break;
    case ELU: T(elu_backward)(of->dA, of->A, of->db, s, n, width); break;
    case SELU: T(selu_backward)(of->dA, of->A, of->db, s, n, width); break;
    case SOFTPLUS: T(softplus_backward)(of->dA, of->A, of->db, s, n, width); break;
    case GELU:
    case SILU:
    case MISH: T(slope_backward)(of->dA, of->Z, of->db, n, width); break;
    case MAXOUT:
        if (of > p->layers || p->input.indptr || !T(adds_winners)(&p->products, of, n))
            T(maxout_backward)(of->dA, of->Z, of->dZ, of->db, n, width, of->pieces);
        break;
    case PRELU:
        T(prelu_backward)(of->dA, of->Z, of->slopes, of->db, of->dslopes, n, width);
        T(collect_slopes)(of);
    }
}

static double T(loss)(const Program *p)
{
    switch (p->loss) {
    case SOFTMAX_CROSS_ENTROPY: return T(softmax_cross_entropy)(&p->outputs);
    case LOGISTIC_LOSS: return T(logistic_loss)(&p->outputs);
    case SQUARED_ERROR: return T(squared_error)(&p->outputs);
    case ABSOLUTE_ERROR: return T(absolute_error)(&p->outputs);
    case HUBER: return T(huber)(&p->outputs);
    default: return T(poisson)(&p->outputs);
    }
}

/* The rows' weights, and for normalisation their shares of the batch's weight; false where all of them are zero. */
static int T(weigh)(Program *p, const Size *rows, Size n)
{
    const REAL *weights = p->weights;
    REAL *share = p->outputs.share, *normal_share = p->normal_share;
    double sum = 0;
    for (Size i = 0; i < n; i++) {
        const REAL weight = weights ? weights[rows[i]] : 1;
        share[i] = weight / n;
        sum += weight;
    }
    if (weights && sum > 0)
        for (Size i = 0; i < n; i++)
            normal_share[i] = (REAL)(weights[rows[i]] / sum);
    return sum > 0;
}

/* Take mean and variance of a batch of n rows into the running ones. */
static void T(remember)(const Normal *of, Size n, Size width)
{
    const REAL *mean = of->mean, *variance = of->variance;
    REAL *running_mean = of->running_mean, *running_variance = of->running_variance;
    const double part = (double)n / of->n_rows, count = *(REAL *)of->count += (REAL)part;
    const REAL share = (REAL)(part * (of->newest > 1 / count ? of->newest : 1 / count));
    for (Size j = 0; j < width; j++) {
        running_mean[j] += share * (mean[j] - running_mean[j]);
        running_variance[j] += share * (variance[j] - running_variance[j]);
    }
}

/* Z of a layer, without bias. `below` is NULL for CSR rows, which only the first layer sees. */
static void T(affine)(const Program *p, const Layer *of, const REAL *below, const Size *rows, Size n)
{
    if (below)
        T(product)(&p->products, "NN", below, of->W, 0, of->Z, (Size[3]){n, of->fan_in, of->width});
    else
        T(sparse_forward)(&p->input, rows, &p->input_mask, of->W, of->Z, n, of->width);
}

/* dW and, where there is a layer below that wants it, the gradient in the layer's input. */
static void T(affine_back)(
    const Program *p, const Layer *of, const REAL *below, const Size *rows, REAL *dbelow, Size n)
{
    const REAL beta = p->l1 || p->l2;
    if (beta)
        T(penalty_gradient)(of->W, of->dW, (REAL)p->l2, (REAL)p->l1, of->fan_in * of->width);
    if (below && T(adds_winners)(&p->products, of, n))
        T(winners_gradient)(of, below, beta, n);
    else if (below)
        T(product)(&p->products, "TN", below, of->dZ, beta, of->dW, (Size[3]){of->fan_in, n, of->width});
    else {
        if (!beta)
            memset(of->dW, 0, of->fan_in * of->width * sizeof(REAL));
        T(sparse_backward)(&p->input, rows, &p->input_mask, of->dZ, of->dW, n, of->width);
    }
    if (dbelow)
        T(product)(&p->products, "NT", of->dZ, of->W, 0, dbelow, (Size[3]){n, of->width, of->fan_in});
}

/* The batch's rows, one below the other: where they lie if they lie so already; NULL for CSR. */
static const REAL *T(rows_of)(const Program *p, const Size *rows, int adjacent, Size n)
{
    const Input *input = &p->input;
    if (input->indptr)
        return NULL;
    const REAL *A = p->gathered;
    if (adjacent && input->column_stride == 1 && input->row_stride == input->n_features)
        A = (const REAL *)input->data + rows[0] * input->row_stride;
    else
        T(gather)(input, rows, p->gathered, n);
    if (p->input_mask.drawn) {
        T(drop)(A, p->input_mask, p->gathered, n * input->n_features);
        A = p->gathered;
    }
    return A;
}

/* Mean loss of a batch; the gradient goes where the layers say. */
static double T(evaluate)(Program *p, const Size *rows, int adjacent, Size n)
{
    const int counts = T(weigh)(p, rows, n);
    const REAL *share = p->weights && counts ? p->normal_share : NULL;
    const REAL *X = T(rows_of)(p, rows, adjacent, n), *below = X;
    Layer *last = p->layers + p->n_layers - 1;
    for (Layer *of = p->layers; of < last; of++) {
        T(affine)(p, of, below, rows, n);
        if (of->normal.scale) {
            T(normalize_forward)(&of->normal, share, of->Z, n, of->width);
            if (counts)
                T(remember)(&of->normal, n, of->width);
        }
        T(activate)(of, n);
        if (of->mask.drawn)
            T(drop)(of->A, of->mask, of->dropped, n * of->units);
        below = of->dropped;
    }
    T(affine)(p, last, below, rows, n);
    T(add_bias)(last->Z, last->b, n, last->width);
    p->outputs.n = n;
    p->outputs.label = rows;
    const double loss = T(loss)(p);
    T(column_sums)(last->dZ, last->db, n, last->width);
    for (Layer *of = last; of > p->layers; of--) {
        Layer *lower = of - 1;
        T(affine_back)(p, of, lower->dropped, rows, lower->dA, n);
        if (lower->mask.drawn)
            T(drop)(lower->dA, lower->mask, lower->dA, n * lower->units);
        T(activate_back)(p, lower, n);
        if (lower->normal.scale)
            T(normalize_backward)(&lower->normal, share, lower->dZ, lower->db, n, lower->width);
    }
    T(affine_back)(p, p->layers, X, rows, NULL, n);
    return loss;
}

static double T(penalty)(const Program *p)
{
    double sum = 0;
    if (p->l1 || p->l2)
        for (const Layer *of = p->layers; of < p->layers + p->n_layers; of++)
            sum += T(penalty_value)(of->W, p->l2, p->l1, of->fan_in * of->width);
    return sum;
}

/* Raw outputs of n rows that follow one another. */
static void T(predict)(Program *p, const Size *rows, REAL *F, Size n)
{
    const REAL *below = T(rows_of)(p, rows, 1, n);
    Layer *last = p->layers + p->n_layers - 1;
    last->Z = F;
    for (Layer *of = p->layers; of < last; of++) {
        T(affine)(p, of, below, rows, n);
        if (of->normal.scale) {
            T(normalize_as_usual)(&of->normal, of->Z, n, of->width);
        }
        T(activate)(of, n);
        below = of->A;
    }
    T(affine)(p, last, below, rows, n);
    T(add_bias)(F, last->b, n, last->width);
}
