/* Batch normalisation over the columns of Z, (n, width). Each segment sums up its own rows; what concerns the batch is put
 * together from the sums of all segments, in their order. `row_weight` is each row's weight in mean and variance, with
 * the sum 1 over the batch; NULL where each of the batch's rows has `equal_weight`. */

/* Mean of a segment's rows, and the weighted sum of squared deviations from it; `weight` is the sum of the weights. Where
 * that is too small to divide by, the mean is 0, and the segment counts for nothing. Four rows at a time wait less for
 * one another. */
VECTORIZED static void T(batch_norm_statistics)(
    const BatchNorm *norm, const REAL *row_weight, REAL equal_weight, REAL weight, const REAL *Z, Size n, Size width)
{
    REAL *RESTRICT mean = norm->segment_mean, *RESTRICT variance = norm->segment_variance;
    const REAL equal[4] = {equal_weight, equal_weight, equal_weight, equal_weight}, least = SINGLE ? 1e-37 : 1e-307;
    const REAL factor = weight >= least ? 1 / weight : 0;
    Size i = 0;
    memset(mean, 0, width * sizeof(REAL));
    memset(variance, 0, width * sizeof(REAL));
    for (; i + 4 <= n; i += 4) {
        const REAL *RESTRICT w = row_weight ? row_weight + i : equal, *RESTRICT z = Z + i * width;
        for (Size j = 0; j < width; j++)
            mean[j] += (w[0] * z[j] + w[1] * z[width + j]) + (w[2] * z[2 * width + j] + w[3] * z[3 * width + j]);
    }
    for (; i < n; i++)
        for (Size j = 0; j < width; j++)
            mean[j] += (row_weight ? row_weight[i] : equal_weight) * Z[i * width + j];
    for (Size j = 0; j < width; j++)
        mean[j] *= factor;
    for (i = 0; i + 4 <= n; i += 4) {
        const REAL *RESTRICT w = row_weight ? row_weight + i : equal, *RESTRICT z = Z + i * width;
        for (Size j = 0; j < width; j++) {
            const REAL a = z[j] - mean[j], b = z[width + j] - mean[j];
            const REAL c = z[2 * width + j] - mean[j], d = z[3 * width + j] - mean[j];
            variance[j] += (w[0] * a * a + w[1] * b * b) + (w[2] * c * c + w[3] * d * d);
        }
    }
    for (; i < n; i++)
        for (Size j = 0; j < width; j++) {
            const REAL a = Z[i * width + j] - mean[j];
            variance[j] += (row_weight ? row_weight[i] : equal_weight) * a * a;
        }
}

/* Mean, variance and inv_std of the batch, from those of the first n segments. */
VECTORIZED static void T(combine_statistics)(
    const BatchNorm *norm, const Segment *segments, Size n, Size layer, Size width)
{
    REAL *RESTRICT mean = norm->mean, *RESTRICT variance = norm->variance, *RESTRICT inv_std = norm->inv_std;
    memset(mean, 0, width * sizeof(REAL));
    memset(variance, 0, width * sizeof(REAL));
    for (Size s = 0; s < n; s++) {
        const REAL *RESTRICT part = segments[s].layers[layer].batch_norm.segment_mean;
        const REAL weight = (REAL)segments[s].weight;
        for (Size j = 0; j < width; j++)
            mean[j] += weight * part[j];
    }
    for (Size s = 0; s < n; s++) {
        const BatchNorm *other = &segments[s].layers[layer].batch_norm;
        const REAL *RESTRICT part_mean = other->segment_mean, *RESTRICT part_variance = other->segment_variance;
        const REAL weight = (REAL)segments[s].weight;
        for (Size j = 0; j < width; j++) {
            const REAL deviation = part_mean[j] - mean[j];
            variance[j] += part_variance[j] + weight * deviation * deviation;
        }
    }
    for (Size j = 0; j < width; j++)
        inv_std[j] = 1 / (REAL)sqrt(variance[j] + (REAL)norm->epsilon);
}

/* Z becomes scale · normalized; the shift is added with the bias. */
VECTORIZED static void T(batch_norm_forward)(const BatchNorm *norm, REAL *Z, Size n, Size width)
{
    const REAL *RESTRICT scale = norm->scale, *RESTRICT mean = norm->mean, *RESTRICT inv_std = norm->inv_std;
    for (Size i = 0; i < n; i++) {
        REAL *RESTRICT normalized = (REAL *)norm->normalized + i * width, *RESTRICT z = Z + i * width;
        for (Size j = 0; j < width; j++) {
            const REAL x = (z[j] - mean[j]) * inv_std[j];
            normalized[j] = x;
            z[j] = x * scale[j];
        }
    }
}

/* The segment's part of the gradients in shift and scale, from dY. */
VECTORIZED static void T(batch_norm_parameter_gradients)(
    const REAL *normalized_rows, const REAL *dY, REAL *RESTRICT dshift, REAL *RESTRICT dscale, Size n, Size width)
{
    Size i = 0;
    memset(dshift, 0, width * sizeof(REAL));
    memset(dscale, 0, width * sizeof(REAL));
    for (; i + 2 <= n; i += 2) {
        const REAL *RESTRICT dy = dY + i * width, *RESTRICT normalized = normalized_rows + i * width;
        for (Size j = 0; j < width; j++) {
            dshift[j] += dy[j] + dy[width + j];
            dscale[j] += dy[j] * normalized[j] + dy[width + j] * normalized[width + j];
        }
    }
    for (; i < n; i++)
        for (Size j = 0; j < width; j++) {
            const REAL dy = dY[i * width + j];
            dshift[j] += dy;
            dscale[j] += dy * normalized_rows[i * width + j];
        }
}

/* The gradients of the batch in shift and scale, from those of the first n segments. */
VECTORIZED static void T(combine_gradients)(
    const BatchNorm *norm, const Segment *segments, Size n, Size layer, Size width)
{
    REAL *RESTRICT dshift = norm->dshift_sum, *RESTRICT dscale = norm->dscale_sum;
    memset(dshift, 0, width * sizeof(REAL));
    memset(dscale, 0, width * sizeof(REAL));
    for (Size s = 0; s < n; s++) {
        const REAL *RESTRICT shift = segments[s].layers[layer].db;
        const REAL *RESTRICT scale = segments[s].layers[layer].batch_norm.dscale;
        for (Size j = 0; j < width; j++) {
            dshift[j] += shift[j];
            dscale[j] += scale[j];
        }
    }
}

/* dY becomes dZ. */
VECTORIZED static void T(batch_norm_backward)(
    const BatchNorm *norm, const REAL *row_weight, REAL equal_weight, REAL *dY, Size n, Size width)
{
    const REAL *RESTRICT scale = norm->scale, *RESTRICT inv_std = norm->inv_std;
    const REAL *RESTRICT dshift = norm->dshift_sum, *RESTRICT dscale = norm->dscale_sum;
    for (Size i = 0; i < n; i++) {
        const REAL weight = row_weight ? row_weight[i] : equal_weight;
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

/* The sum of the sample weights of a batch, whose rows count for each member; 0 without weights. */
static double T(sum_of_sample_weights)(const Pass *pass, const Size *batch_rows)
{
    const REAL *sample_weight = pass->plan->sample_weight;
    double sum = 0;
    for (Size i = 0; sample_weight && i < pass->batch_rows; i++)
        sum += pass->plan->n_members * (double)sample_weight[batch_rows[i]];
    return sum;
}

/* Set the weights of the pass's rows for batch normalisation: NULL where they are equal or all 0. */
static void T(set_normalized_weights)(Pass *pass, const Size *batch_rows)
{
    const double sum = T(sum_of_sample_weights)(pass, batch_rows);
    const REAL *sample_weight = sum > 0 ? pass->plan->sample_weight : NULL;
    REAL *weight = pass->memory->normalized_weight;
    const Size n = n_pass_rows(pass);
    for (Size i = 0; sample_weight && i < n; i++)
        weight[i] = (REAL)(sample_weight[pass->rows[i % pass->n_rows]] / sum);
    pass->row_weight = sample_weight ? weight : NULL;
    for (Size s = pass->segments.from; s < pass->segments.to; s++) {
        const Range rows = rows_of_segment(pass, s);
        double *segment_weight = &segment_of(pass, s)->weight;
        *segment_weight = sample_weight ? 0 : (double)range_size(rows) / (pass->plan->n_members * pass->batch_rows);
        for (Size i = rows.from; sample_weight && i < rows.to; i++)
            *segment_weight += weight[i];
    }
}

/* The weight of a row in batch normalisation where all have the same. */
static REAL T(equal_weight)(const Pass *pass)
{
    return 1 / (REAL)(pass->plan->n_members * pass->batch_rows);
}

/* Z of a layer becomes scale · normalized. */
static void T(normalize_forward)(const Pass *pass, Size layer_number)
{
    const Layer *layer = pass->layers + layer_number;
    const BatchNorm *norm = &layer->batch_norm;
    const REAL *row_weight = pass->row_weight;
    const Size width = layer->width;
    for (Size s = pass->segments.from; s < pass->segments.to; s++) {
        const Range rows = rows_of_segment(pass, s);
        T(batch_norm_statistics)(&segment_of(pass, s)->layers[layer_number].batch_norm,
                                 row_weight ? row_weight + rows.from : NULL, T(equal_weight)(pass),
                                 (REAL)segment_of(pass, s)->weight, (REAL *)layer->Z + rows.from * width,
                                 range_size(rows), width);
    }
    wait_for_team(pass->thread);
    T(combine_statistics)(norm, pass->plan->segments, pass->n_segments, layer_number, width);
    T(batch_norm_forward)(norm, layer->Z, n_pass_rows(pass), width);
    if (!pass->segments.from && (row_weight || !pass->plan->sample_weight)) /* some row counts */
        T(update_running_statistics)(norm, pass->plan->n_members * pass->batch_rows, width);
}

/* From the gradient in the output of batch normalisation, dY, the gradients in its shift, its scale and Z. */
static void T(normalize_backward)(const Pass *pass, Size layer_number)
{
    const Layer *layer = pass->layers + layer_number;
    const BatchNorm *norm = &layer->batch_norm;
    const Size width = layer->width;
    for (Size s = pass->segments.from; s < pass->segments.to; s++) {
        const Layer *own = segment_of(pass, s)->layers + layer_number;
        const Range rows = rows_of_segment(pass, s);
        T(batch_norm_parameter_gradients)((REAL *)norm->normalized + rows.from * width,
                                          (REAL *)layer->dZ + rows.from * width, own->db, own->batch_norm.dscale,
                                          range_size(rows), width);
    }
    wait_for_team(pass->thread);
    T(combine_gradients)(norm, pass->plan->segments, pass->n_segments, layer_number, width);
    T(batch_norm_backward)(norm, pass->row_weight, T(equal_weight)(pass), layer->dZ, n_pass_rows(pass), width);
}
