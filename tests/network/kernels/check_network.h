/* Maxout's two ways back, and whole networks: forward and backward over a batch. */

/* A layer with random parameters and buffers for n rows, none of them shared with another. */
static Layer T(new_layer)(int activation, Size fan_in, Size n_units, Size n_pieces, Size n)
{
    const Size width = n_units * n_pieces;
    Layer layer = {.fan_in = fan_in, .width = width, .n_units = n_units, .n_pieces = n_pieces, .n_matrices = 1,
                   .activation = activation};
    layer.W = T(random_array)(fan_in * width), layer.dW = T(random_array)(fan_in * width);
    layer.b = T(random_array)(width), layer.db = calloc(width, sizeof(REAL));
    layer.Z = T(random_array)(n * width), layer.dZ = T(random_array)(n * width);
    layer.output = layer.A = n_pieces > 1 ? T(random_array)(n * n_units) : layer.Z;
    layer.dA = n_pieces > 1 ? T(random_array)(n * n_units) : layer.dZ;
    layer.argmax_bits = malloc((n / 64 + 1) * width * sizeof(uint64_t));
    layer.maxout_sums = malloc((width + 8) * MAX_PIECE_REGISTERS * 32);
    return layer;
}

static void T(free_layer)(const Layer *layer)
{
    free(layer->W), free(layer->dW), free(layer->b), free(layer->db), free(layer->Z), free(layer->dZ);
    free(layer->argmax_bits), free(layer->maxout_sums);
    if (layer->n_pieces > 1)
        free(layer->A), free(layer->dA);
}

static void T(check_maxout)(Size n, Size fan_in, Size n_units, Size n_pieces, REAL beta)
{
    Layer layer = T(new_layer)(MAXOUT, fan_in, n_units, n_pieces, n);
    const NetworkPlan plan = {.layers = &layer};
    REAL *X = T(random_array)(n * fan_in), *Z = layer.Z, *dZ = layer.dZ, *b = layer.b, *dW = layer.dW, *db = layer.db;
    REAL *before = T(random_array)(fan_in * layer.width);
    double *z = malloc(n * layer.width * sizeof(double));
    memcpy(before, dW, fan_in * layer.width * sizeof(REAL));
    for (Size i = 0; i < n * layer.width; i++)
        z[i] = (REAL)(Z[i] + b[i % layer.width]);
    T(activation_forward)(&layer, n);
    T(maxout_backward)(layer.dA, Z, dZ, n, layer.width, n_pieces);
    for (Size i = 0; i < n; i++)
        for (Size j = 0; j < n_units; j++) {
            Size largest = j;
            for (Size c = j; c < layer.width; c += n_units)
                if (z[i * layer.width + c] > z[i * layer.width + largest])
                    largest = c;
            compare("maxout", ((REAL *)layer.A)[i * n_units + j], z[i * layer.width + largest], 0);
            for (Size c = j; c < layer.width; c += n_units)
                compare("dZ of maxout", dZ[i * layer.width + c],
                        c == largest ? ((REAL *)layer.dA)[i * n_units + j] : 0, 0);
        }
    if (T(uses_maxout_weight_gradient)(&plan, 0)) {
        T(maxout_weight_gradient)(&layer, X, dW, beta, n);
        for (Size c = 0; c < layer.width; c++) {
            double db_c = 0;
            for (Size i = 0; i < n; i++)
                db_c += dZ[i * layer.width + c];
            compare("db of maxout", db[c], db_c, SINGLE ? 1e-4 : 1e-12);
            for (Size f = 0; f < fan_in; f++) {
                double sum = beta * before[f * layer.width + c];
                for (Size i = 0; i < n; i++)
                    sum += (double)X[i * fan_in + f] * dZ[i * layer.width + c];
                compare("dW of maxout", dW[f * layer.width + c], sum, SINGLE ? 1e-4 : 1e-12);
            }
        }
    }
    free(X), free(before), free(z);
    T(free_layer)(&layer);
}

/* The mean loss of a batch of n rows, by plain loops in double precision, with one parameter moved by a little. */
static double T(plain_loss)(
    const NetworkPlan *plan, const REAL *X, const Size *codes, Size n, const REAL *moved, double by)
{
    double a[100], z[200], loss = 0;
    for (Size i = 0; i < n; i++) {
        for (Size f = 0; f < plan->layers->fan_in; f++)
            a[f] = X[i * plan->layers->fan_in + f];
        for (const Layer *layer = plan->layers; layer < plan->layers + plan->n_layers; layer++) {
            const REAL *W = layer->W, *b = layer->b;
            for (Size c = 0; c < layer->width; c++) {
                z[c] = b[c] + (b + c == moved ? by : 0);
                for (Size f = 0; f < layer->fan_in; f++) {
                    const REAL *w = W + f * layer->width + c;
                    z[c] += a[f] * (*w + (w == moved ? by : 0));
                }
            }
            for (Size j = 0; j < layer->n_units; j++) {
                a[j] = activation(layer->activation, z[j], 0); /* Maxout: of the first piece, itself */
                for (Size c = j + layer->n_units; c < layer->width; c += layer->n_units)
                    a[j] = z[c] > a[j] ? z[c] : a[j];
            }
        }
        loss += row_loss(plan->loss, a, codes[i], NULL, plan->layers[plan->n_layers - 1].width, 0) / n;
    }
    return loss;
}

/* The gradient in some entries of a vector of parameters, compared with finite differences of plain_loss. */
static void T(check_gradient)(
    const NetworkPlan *plan, const REAL *X, const Size *codes, Size n, const REAL *theta, const REAL *gradient,
    Size size)
{
    const double h = 1e-6;
    for (Size e = 0; e < size; e += 1 + size / 20) {
        const double above = T(plain_loss)(plan, X, codes, n, theta + e, h);
        const double below = T(plain_loss)(plan, X, codes, n, theta + e, -h);
        compare("gradient of a network", gradient[e], (above - below) / (2 * h), SINGLE ? 1e-6 : 1e-8);
    }
}

static void T(check_pass)(int activation, Size n_pieces, const Size sizes[4], Size n)
{
    Layer layers[] = {T(new_layer)(activation, sizes[0], sizes[1], n_pieces, n),
                      T(new_layer)(activation, sizes[1], sizes[2], n_pieces, n),
                      T(new_layer)(IDENTITY, sizes[2], sizes[3], 1, n)};
    REAL *X = T(random_array)(n * sizes[0]), *scratch = T(random_array)(n), *row_weight = T(random_array)(n);
    Size *rows = malloc(n * sizeof(Size)), *codes = malloc(n * sizeof(Size));
    double *losses = malloc(n * sizeof(double));
    REAL no_smoothing[100] = {0};
    Segment segment = {.layers = layers, .n_members = 1};
    NetworkPlan plan = {.blas_gemm = T(loops_gemm), .layers = layers, .n_layers = 3, .n_members = 1,
                        .segments = &segment, .n_segments = 1, .segment_rows = n};
    free(layers[2].dZ);
    layers[2].dZ = layers[2].Z; /* the loss leaves the gradient there */
    plan.input = (InputRows){X, NULL, NULL, sizes[0], 1, sizes[0]};
    segment.loss_batch = (LossBatch){layers[2].Z, scratch, row_weight, losses, codes, no_smoothing, sizes[3]};
    for (Size i = 0; i < n; i++) {
        rows[i] = i;
        codes[i] = i % sizes[3];
    }
    for (int l = 0; l < 3; l++) /* so that no activation saturates */
        for (Size e = 0; e < layers[l].fan_in * layers[l].width; e++)
            ((REAL *)layers[l].W)[e] /= (REAL)sqrt(layers[l].fan_in);
    const double loss = T(forward_backward)(&plan, &(Thread){NULL, 0, 1}, rows, 1, n, NULL);
    compare("loss of a network", loss, T(plain_loss)(&plan, X, codes, n, NULL, 0), SINGLE ? 1e-5 : 1e-13);
    for (int l = 0; l < 3; l++) {
        T(check_gradient)(&plan, X, codes, n, layers[l].W, layers[l].dW, layers[l].fan_in * layers[l].width);
        T(check_gradient)(&plan, X, codes, n, layers[l].b, layers[l].db, layers[l].width);
    }
    free(X), free(scratch), free(row_weight), free(rows), free(codes), free(losses);
    layers[2].dZ = NULL;
    for (int l = 0; l < 3; l++)
        T(free_layer)(layers + l);
}

static void T(check_network)(void)
{
    for (Size n = 1; n < 140; n += n < 10 ? 4 : 27)
        for (Size fan_in = 1; fan_in < 240; fan_in += fan_in < 20 ? 3 : 19)
            for (int beta = 0; beta < 2; beta++) {
                T(check_maxout)(n, fan_in, 9, 3, (REAL)beta);
                T(check_maxout)(n, fan_in, 16, 2, (REAL)beta);
            }
    report("maxout");
    T(check_pass)(TANH, 1, (Size[4]){20, 32, 5, 3}, 32);
    T(check_pass)(TANH, 1, (Size[4]){3, 17, 33, 9}, 67);
    T(check_pass)(MAXOUT, 3, (Size[4]){70, 33, 17, 9}, 67);
    report("networks");
}
