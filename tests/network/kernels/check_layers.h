/* Activations, losses, batch normalisation and Maxout, one at a time. */

#define TOLERANCE (SINGLE ? 2e-5 : 1e-12)
#define SLOPE_TOLERANCE (SINGLE ? 2e-5 : 1e-8) /* of a slope by finite differences */

static void T(check_activation)(int kind, Size n, Size width)
{
    const double p = kind == LEAKY_RELU || kind == PRELU ? 0.25 : kind == ELU, h = 1e-5;
    REAL *Z = T(random_array)(n * width), *A = T(random_array)(n * width), *dA = T(random_array)(n * width);
    REAL *b = T(random_array)(width), slope = 0.25;
    double *z = malloc(n * width * sizeof(double));
    Layer layer = {.width = width, .n_units = width, .n_pieces = 1, .activation = kind, .shares_slope = 1,
                   .activation_parameter = p, .Z = Z, .b = b, .activation_params = &slope};
    const int has_A = kind == PRELU || kind == GELU || kind == SILU || kind == MISH;
    layer.A = layer.output = has_A ? A : Z;
    layer.dA = layer.dZ = dA;
    for (Size i = 0; i < n * width; i++) {
        Z[i] *= 9;
        z[i] = (REAL)(Z[i] + b[i % width]);
        A[i] = dA[i]; /* kept, to be compared */
    }
    REAL *gradient = T(random_array)(n * width);
    memcpy(gradient, dA, n * width * sizeof(REAL));
    T(activation_forward)(&layer, n);
    for (Size i = 0; i < n * width; i++)
        compare("activation", ((REAL *)layer.A)[i], activation(kind, z[i], p), TOLERANCE);
    T(activation_backward)(&layer, n, 1);
    for (Size i = 0; i < n * width; i++) {
        const double difference = (activation(kind, z[i] + h, p) - activation(kind, z[i] - h, p)) / (2 * h);
        compare("slope", dA[i], gradient[i] * difference, SLOPE_TOLERANCE);
    }
    free(Z), free(A), free(dA), free(b), free(z), free(gradient);
}

static void T(check_loss)(int kind, Size n, Size k, double p)
{
    const double h = 1e-5;
    REAL parameters[9];
    REAL *F = T(random_array)(n * k), *Y = T(random_array)(n * k);
    REAL *weight = T(random_array)(n), *scratch = T(random_array)(n);
    double f[9], y[9], expected = 0, *losses = malloc(n * sizeof(double)), *differences = malloc(n * k * sizeof(double));
    Size *rows = malloc(n * sizeof(Size)), *codes = malloc(n * sizeof(Size));
    const LossBatch batch = {F, scratch, weight, losses, kind == SOFTMAX_CROSS_ENTROPY ? (void *)codes : Y,
                             parameters, k};
    for (Size j = 0; j < k; j++)
        parameters[j] = (REAL)(kind == QUANTILE ? quantile(j) : p);
    for (Size i = 0; i < n; i++) {
        rows[i] = n - 1 - i;
        codes[i] = i % k;
    }
    for (Size i = 0; i < n * k; i++) {
        F[i] *= 4;
        Y[i] = kind == LOGISTIC_LOSS ? Y[i] > 0 : (REAL)fabs(Y[i]);
    }
    for (Size i = 0; i < n; i++) {
        for (Size j = 0; j < k; j++) {
            f[j] = F[i * k + j];
            y[j] = Y[rows[i] * k + j];
        }
        expected += weight[i] * row_loss(kind, f, codes[rows[i]], y, k, p);
        for (Size j = 0; j < k; j++) {
            f[j] += h;
            const double above = row_loss(kind, f, codes[rows[i]], y, k, p);
            f[j] -= 2 * h;
            differences[i * k + j] = weight[i] * (above - row_loss(kind, f, codes[rows[i]], y, k, p)) / (2 * h);
            f[j] += h;
        }
    }
    T(evaluate_loss)(kind, &batch, rows, n);
    compare("loss", T(loss_sum)(losses, n), expected, TOLERANCE);
    for (Size i = 0; i < n * k; i++)
        compare("gradient of the loss", F[i], differences[i], SLOPE_TOLERANCE);
    free(F), free(Y), free(weight), free(scratch), free(rows), free(codes), free(losses);
    free(differences);
}

/* Column `j` of scale · (Z - mean) / std, by plain loops in double precision. */
static void T(normalize_column)(const double *z, double scale, Size n, double *out)
{
    double mean = 0, variance = 0;
    for (Size i = 0; i < n; i++)
        mean += z[i] / n;
    for (Size i = 0; i < n; i++)
        variance += (z[i] - mean) * (z[i] - mean) / n;
    for (Size i = 0; i < n; i++)
        out[i] = scale * (z[i] - mean) / sqrt(variance + 1e-3);
}

/* Two segments, of which the first has a third of the rows. */
static void T(check_batch_norm)(Size n, Size width)
{
    REAL *Z = T(random_array)(n * width), *dY = T(random_array)(n * width), *gradient = T(random_array)(n * width);
    REAL *scale = T(random_array)(width), *normalized = T(random_array)(n * width), equal = 1 / (REAL)n;
    REAL *vectors = T(random_array)(2 * 9 * width), *vector = vectors;
    double *z = malloc(n * width * sizeof(double)), *y = malloc(2 * n * sizeof(double));
    const Size first[3] = {0, n / 3, n};
    Layer layers[2] = {{.width = width}, {.width = width}};
    Segment segments[2] = {{.layers = layers}, {.layers = layers + 1}};
    for (int s = 0; s < 2; s++) {
        BatchNorm *norm = &layers[s].batch_norm;
        void **places[] = {&layers[s].db, &norm->dscale, &norm->segment_mean, &norm->segment_variance, &norm->mean,
                           &norm->variance, &norm->inv_std, &norm->dshift_sum, &norm->dscale_sum};
        for (int i = 0; i < 9; i++, vector += width)
            *places[i] = vector;
        norm->scale = scale, norm->normalized = normalized + first[s] * width, norm->epsilon = 1e-3;
        segments[s].weight = (double)(first[s + 1] - first[s]) / n;
    }
    for (Size i = 0; i < n * width; i++)
        z[i % width * n + i / width] = Z[i];
    memcpy(gradient, dY, n * width * sizeof(REAL));
    for (int s = 0; s < 2; s++)
        T(batch_norm_statistics)(&layers[s].batch_norm, NULL, equal, (REAL)segments[s].weight, Z + first[s] * width,
                                 first[s + 1] - first[s], width);
    for (int s = 0; s < 2; s++) {
        T(combine_statistics)(&layers[s].batch_norm, segments, 2, 0, width);
        T(batch_norm_forward)(&layers[s].batch_norm, Z + first[s] * width, first[s + 1] - first[s], width);
        T(batch_norm_parameter_gradients)(normalized + first[s] * width, dY + first[s] * width, layers[s].db,
                                          layers[s].batch_norm.dscale, first[s + 1] - first[s], width);
    }
    for (int s = 0; s < 2; s++) {
        T(combine_gradients)(&layers[s].batch_norm, segments, 2, 0, width);
        T(batch_norm_backward)(&layers[s].batch_norm, NULL, equal, dY + first[s] * width, first[s + 1] - first[s], width);
    }
    for (Size j = 0; j < width; j++) {
        double *column = z + j * n, h = 1e-5;
        T(normalize_column)(column, scale[j], n, y);
        for (Size i = 0; i < n; i++)
            compare("batch normalisation", Z[i * width + j], y[i], SINGLE ? 2e-4 : 1e-11);
        for (Size i = 0; i < n; i++) {
            double difference = 0;
            column[i] += h;
            T(normalize_column)(column, scale[j], n, y);
            column[i] -= 2 * h;
            T(normalize_column)(column, scale[j], n, y + n);
            column[i] += h;
            for (Size l = 0; l < n; l++)
                difference += gradient[l * width + j] * (y[l] - y[n + l]) / (2 * h);
            compare("its gradient", dY[i * width + j], difference, SINGLE ? 1e-3 : 1e-6);
        }
    }
    free(Z), free(dY), free(gradient), free(scale), free(normalized), free(vectors), free(z), free(y);
}

/* In two parts, as two threads have it. */
static void T(check_dropout)(Size n, uint32_t key)
{
    const Dropout dropout = {2, 1 << 14, 4.0 / 3};
    const uint32_t keys[] = {0, key};
    const Size first = n / 3;
    REAL *A = T(random_array)(n), *out = T(random_array)(n);
    const Mask above = mask_of(&dropout, keys, 0), below = mask_of(&dropout, keys, first);
    T(apply_dropout)(A, &above, out, first);
    T(apply_dropout)(A + first, &below, out + first, n - first);
    for (Size i = 0; i < n; i++) {
        uint64_t x = (key + (uint64_t)i) & 0xffffffff; /* lowbias32 */
        x = (x ^ x >> 16) * 0x7feb352d & 0xffffffff;
        x = (x ^ x >> 15) * 0x846ca68b & 0xffffffff;
        const double factor = x >> 16 < 1 << 14 ? 0 : 4.0 / 3;
        compare("dropout", out[i], A[i] * factor, TOLERANCE);
        compare("dropout of one entry", T(dropout_factor)(&above, i), factor, TOLERANCE);
    }
    free(A), free(out);
}

static void T(check_layers)(void)
{
    const int losses[] = {SOFTMAX_CROSS_ENTROPY, LOGISTIC_LOSS, SQUARED_ERROR, ABSOLUTE_ERROR, HUBER,
                          QUANTILE, POISSON};
    for (int kind = IDENTITY; kind <= MISH; kind++)
        for (Size width = 1; width < 20 && kind != MAXOUT; width += 3)
            T(check_activation)(kind, 23, width);
    report("activations");
    for (int l = 0; l < 7; l++)
        for (Size k = 1; k < 10; k++)
            T(check_loss)(losses[l], 17, k, losses[l] == HUBER ? 1 : losses[l] == POISSON ? 0 : 0.125);
    report("losses");
    for (Size width = 1; width < 20; width += 3)
        T(check_batch_norm)(19, width);
    report("batch normalisation");
    for (Size n = 1; n < 200; n += 19) {
        T(check_dropout)(n, 12345);
        T(check_dropout)(n, 0xffffffff - 50);
    }
    report("dropout");
}

#undef TOLERANCE
#undef SLOPE_TOLERANCE
