/* The passes through a network: forward and backward over a mini-batch in training, forward over a block of rows in
 * prediction.
 *
 * In training a batch is cut into segments, as many whatever the number of threads. Each passes by itself, from its rows
 * to its part of the gradient, and the parts are added up in their order: so any number of threads gives the same bits,
 * and each reads and writes almost nothing but what it has in its own cache. Only batch normalisation asks for sums over
 * all segments in between. */

/* Set the weights of the segment's rows, those for batch normalisation too. */
static void T(set_row_weights)(T(Pass) *pass, const Size *batch_rows)
{
    const NetworkPlan *plan = pass->plan;
    Segment *segment = pass->segment;
    const REAL *sample_weight = plan->sample_weight;
    const Size n = segment->n_members * pass->n_rows, n_all = plan->n_members * pass->batch_rows;
    REAL *row_weight = segment->loss_batch.row_weight, *normalized_weight = segment->normalized_weight;
    double sum = 0;
    pass->row_weight = NULL;
    segment->weight = (double)n / n_all;
    if (!sample_weight) {
        for (Size i = 0; i < n; i++)
            row_weight[i] = 1 / (REAL)n_all;
        return;
    }
    for (Size i = 0; i < pass->batch_rows; i++)
        sum += plan->n_members * (double)sample_weight[batch_rows[i]];
    for (Size i = 0; i < n; i++)
        row_weight[i] = sample_weight[pass->rows[i % pass->n_rows]] / n_all;
    if (sum > 0) {
        segment->weight = 0;
        for (Size i = 0; i < n; i++) {
            normalized_weight[i] = (REAL)(sample_weight[pass->rows[i % pass->n_rows]] / sum);
            segment->weight += normalized_weight[i];
        }
        pass->row_weight = normalized_weight;
    }
}

/* The segment's rows, one below the other: where they lie if they do so already (`adjacent`); NULL for CSR. With input
 * dropout those of all members. */
static const REAL *T(dense_input)(const T(Pass) *pass, int adjacent)
{
    const InputRows *input = &pass->plan->input;
    const Segment *segment = pass->segment;
    const Size d = input->n_features, n = pass->n_rows;
    if (input->indptr)
        return NULL;
    const REAL *X = segment->gathered;
    if (adjacent && input->column_stride == 1 && input->row_stride == d)
        X = (const REAL *)input->data + pass->rows[0] * d;
    else
        T(gather_rows)(input, pass->rows, segment->gathered, n);
    if (pass->plan->input_dropout.key_number) {
        for (Size j = segment->n_members - 1; j >= 0; j--) { /* the first comes last, since it may replace X */
            const Size first = T(first_entry)(pass, segment->first_member + j, d);
            const Mask mask = mask_of(&pass->plan->input_dropout, pass->dropout_keys, first);
            T(apply_dropout)(X, &mask, (REAL *)segment->gathered + j * n * d, n * d);
        }
        X = segment->gathered;
    }
    return X;
}

/* The masks of all members lie one behind the other. */
static void T(apply_row_dropout)(const T(Pass) *pass, const Layer *layer, const REAL *A, REAL *out)
{
    if (!layer->dropout.key_number)
        return;
    const Size first = T(first_entry)(pass, pass->first_member, layer->n_units);
    const Mask mask = mask_of(&layer->dropout, pass->dropout_keys, first);
    T(apply_dropout)(A, &mask, out, T(n_pass_rows)(pass) * layer->n_units);
}

/* The weight of a row in batch normalisation where all have the same. */
static REAL T(equal_weight)(const T(Pass) *pass)
{
    return 1 / (REAL)(pass->plan->n_members * pass->batch_rows);
}

/* Segments that pass side by side, made by one thread of a team. */
typedef struct {
    T(Pass) passes[MAX_SEGMENTS];
    const Thread *thread;
    Size n_passes, n_segments; /* n_segments: of all threads */
} T(Group);

/* Z of a layer becomes scale · normalized, in all segments. */
static void T(normalize)(const T(Group) *group, Size layer_number)
{
    const T(Pass) *const end = group->passes + group->n_passes;
    for (const T(Pass) *pass = group->passes; pass < end; pass++) {
        const Layer *layer = pass->segment->layers + layer_number;
        T(batch_norm_statistics)(&layer->batch_norm, pass->row_weight, T(equal_weight)(pass),
                                 (REAL)pass->segment->weight, layer->Z, T(n_pass_rows)(pass), layer->width);
    }
    wait_for_team(group->thread);
    for (const T(Pass) *pass = group->passes; pass < end; pass++) {
        const Layer *layer = pass->segment->layers + layer_number;
        const BatchNorm *norm = &layer->batch_norm;
        T(combine_statistics)(norm, pass->plan->segments, group->n_segments, layer_number, layer->width);
        T(batch_norm_forward)(norm, layer->Z, T(n_pass_rows)(pass), layer->width);
        if (!pass->segment->number && (pass->row_weight || !pass->plan->sample_weight)) /* some row counts */
            T(update_running_statistics)(norm, pass->plan->n_members * pass->batch_rows, layer->width);
    }
}

/* What a layer passes on to the next one; the first is passed X. */
static const REAL *T(input_of)(const T(Pass) *pass, Size layer_number)
{
    return layer_number ? pass->segment->layers[layer_number - 1].output : pass->X;
}

/* Raw outputs. */
static void T(forward)(const T(Group) *group, const NetworkPlan *plan)
{
    const T(Pass) *const end = group->passes + group->n_passes;
    for (Size i = 0; i < plan->n_layers; i++) {
        for (const T(Pass) *pass = group->passes; pass < end; pass++)
            T(affine_forward)(pass, pass->segment->layers + i, T(input_of)(pass, i));
        if (plan->layers[i].batch_norm.scale)
            T(normalize)(group, i);
        for (const T(Pass) *pass = group->passes; pass < end; pass++) {
            const Layer *layer = pass->segment->layers + i;
            if (i < plan->n_layers - 1) {
                T(activation_forward)(layer, T(n_pass_rows)(pass));
                T(apply_row_dropout)(pass, layer, layer->A, layer->output);
            } else {
                T(add_biases)(pass, layer);
            }
        }
    }
}

/* The losses of a pass, and the gradient in its raw outputs, which are Z of the last layer, in their place: dZ. */
static void T(pass_loss)(const T(Pass) *pass)
{
    Segment *segment = pass->segment;
    const Size *rows = pass->rows;
    if (pass->n_members > 1) {
        for (Size i = 0; i < T(n_pass_rows)(pass); i++)
            segment->member_rows[i] = rows[i % pass->n_rows];
        rows = segment->member_rows;
    }
    T(evaluate_loss)(pass->plan->loss, &segment->loss_batch, rows, T(n_pass_rows)(pass));
    segment->loss += T(sum_loss)(&segment->loss_batch, T(n_pass_rows)(pass));
}

/* From the gradient in the output of batch normalisation, dY, the gradients in its shift, its scale and Z. */
static void T(normalize_backward)(const T(Group) *group, Size layer_number)
{
    const T(Pass) *const end = group->passes + group->n_passes;
    for (const T(Pass) *pass = group->passes; pass < end; pass++) {
        const Layer *layer = pass->segment->layers + layer_number;
        T(batch_norm_parameter_gradients)(&layer->batch_norm, layer->dZ, layer->db, T(n_pass_rows)(pass), layer->width);
    }
    wait_for_team(group->thread);
    for (const T(Pass) *pass = group->passes; pass < end; pass++) {
        const Layer *layer = pass->segment->layers + layer_number;
        T(combine_gradients)(&layer->batch_norm, pass->plan->segments, group->n_segments, layer_number, layer->width);
        T(batch_norm_backward)(&layer->batch_norm, pass->row_weight, T(equal_weight)(pass), layer->dZ,
                               T(n_pass_rows)(pass), layer->width);
    }
}

/* dZ of all layers, from that of the last one. */
static void T(backward)(const T(Group) *group, const NetworkPlan *plan)
{
    for (Size i = plan->n_layers - 2; i >= 0; i--) {
        for (const T(Pass) *pass = group->passes; pass < group->passes + group->n_passes; pass++) {
            const Layer *layer = pass->segment->layers + i;
            T(input_gradient)(pass, layer + 1, layer->dA);
            if (!T(knows_mask)(layer))
                T(apply_row_dropout)(pass, layer, layer->dA, layer->dA);
            T(activation_backward)(plan, pass->segment, layer, T(n_pass_rows)(pass));
        }
        if (plan->layers[i].batch_norm.scale)
            T(normalize_backward)(group, i);
    }
}

/* The gradient in PReLU's slopes. */
static void T(slope_gradients)(const T(Pass) *pass, const Layer *layer)
{
    const Size n = T(n_pass_rows)(pass), width = layer->width;
    const int is_first = pass->first_member == pass->segment->first_member;
    REAL *dslopes = layer->dactivation_params, *sums = layer->shares_slope ? layer->column_norms : dslopes;
    if (is_first || layer->shares_slope)
        memset(sums, 0, width * sizeof(REAL));
    T(add_column_sums)(layer->Z, sums, n, width);
    if (layer->shares_slope) {
        dslopes[0] = is_first ? 0 : dslopes[0];
        for (Size j = 0; j < width; j++)
            dslopes[0] += sums[j];
    }
}

/* The gradients in all parameters, from dZ. */
static void T(parameter_gradients)(const T(Pass) *pass)
{
    const NetworkPlan *plan = pass->plan;
    for (Size i = 0; i < plan->n_layers; i++) {
        const Layer *layer = pass->segment->layers + i;
        if (!layer->batch_norm.scale && !T(uses_maxout_weight_gradient)(plan, pass->segment, layer))
            T(bias_gradients)(pass, layer, layer->dZ);
        if (i < plan->n_layers - 1 && layer->activation == PRELU)
            T(slope_gradients)(pass, layer);
        T(weight_gradient)(pass, layer, T(input_of)(pass, i));
    }
}

/* Whether all members of a segment pass together. One at a time stays in the cache, but batch normalisation is over the
 * rows of all, and Maxout's own weight gradient does not add to another. */
static int T(members_pass_together)(const NetworkPlan *plan)
{
    for (const Layer *layer = plan->layers; layer < plan->layers + plan->n_layers - 1; layer++)
        if (layer->batch_norm.scale || layer->activation == MAXOUT)
            return 1;
    return 0;
}

/* Forward and backward pass over the members that the passes of a group have at present. */
static void T(pass_members)(const T(Group) *group, const NetworkPlan *plan)
{
    T(forward)(group, plan);
    for (Size i = 0; i < group->n_passes; i++)
        T(pass_loss)(group->passes + i);
    T(backward)(group, plan);
    for (Size i = 0; i < group->n_passes; i++)
        T(parameter_gradients)(group->passes + i);
}

static void T(pass_group)(T(Group) *group, const NetworkPlan *plan)
{
    if (T(members_pass_together)(plan)) {
        T(pass_members)(group, plan);
        return;
    }
    for (T(Pass) *pass = group->passes; pass < group->passes + group->n_passes; pass++) /* a single one */
        for (Size j = 0; j < pass->segment->n_members; j++) {
            pass->first_member = pass->segment->first_member + j;
            pass->n_members = 1;
            T(pass_members)(group, plan);
        }
}

/* How many rows of each member a segment has, but for the last: several members share out among segments, not rows. */
static Size T(segment_rows)(const NetworkPlan *plan, Size n_rows)
{
    return plan->n_members > 1 ? n_rows : (n_rows + plan->n_segments - 1) / plan->n_segments;
}

/* Whether segments add to the weights' gradient of the first one. That is the same, to the bit, as to add a gradient of
 * their own only if it is made by one block of a product. */
static int T(adds_directly)(const NetworkPlan *plan, const Thread *thread, Size n_rows)
{
    return thread->n_threads == 1 && plan->n_members == 1 && T(segment_rows)(plan, n_rows) <= DEPTH_BLOCK;
}

/* The pass over a segment, with its input in place. */
static T(Pass) T(begin_pass)(
    const NetworkPlan *plan, Segment *segment, const Size *rows, int adjacent, Size n_rows,
    const uint32_t *dropout_keys)
{
    const Size size = T(segment_rows)(plan, n_rows), first = plan->n_members > 1 ? 0 : segment->number * size;
    T(Pass) pass = {.plan = plan, .segment = segment, .rows = rows + first, .dropout_keys = dropout_keys,
                    .n_rows = min_size(n_rows - first, size), .first_row = first, .batch_rows = n_rows,
                    .first_member = segment->first_member, .n_members = segment->n_members};
    T(set_row_weights)(&pass, rows);
    T(penalty_gradients)(plan, segment);
    pass.X = T(dense_input)(&pass, adjacent);
    segment->loss = 0;
    return pass;
}

/* gradient += the segments' own: the thread's part of it. */
VECTORIZED static void T(add_segment_gradients)(
    const NetworkPlan *plan, const Thread *thread, Size n_segments, int has_weights)
{
    REAL *RESTRICT gradient = plan->segments->gradient;
    Range entries = entries_of(thread, plan->n_parameters);
    if (has_weights)
        entries.from = max_size(entries.from, plan->n_weights);
    for (Size s = 1; s < n_segments; s++) {
        const REAL *RESTRICT part = plan->segments[s].gradient;
        for (Size i = entries.from; i < entries.to; i++)
            gradient[i] += part[i];
    }
}

/* Set the mean loss of a batch, plan->batch_loss; the gradient goes where the layers of the first segment say. All
 * threads of the team call this, and have all of it when it returns. `dropout_keys` has one for each mask. */
static void T(forward_backward)(
    NetworkPlan *plan, const Thread *thread, const Size *rows, int adjacent, Size n_rows, const uint32_t *dropout_keys)
{
    const Size size = T(segment_rows)(plan, n_rows);
    const Size n_segments = plan->n_members > 1 ? plan->n_segments : (n_rows + size - 1) / size;
    const Range own = part_of(thread, n_segments, 1);
    const int adds_directly = T(adds_directly)(plan, thread, n_rows);
    T(Group) group = {.thread = thread, .n_segments = n_segments};
    Size next = own.from;
    do { /* in batch normalisation other threads wait for one without segments, too */
        group.n_passes = plan->layers->batch_norm.scale ? range_size(own) : min_size(own.to - next, 1);
        for (Size i = 0; i < group.n_passes; i++, next++) {
            group.passes[i] = T(begin_pass)(plan, plan->segments + next, rows, adjacent, n_rows, dropout_keys);
            group.passes[i].adds_directly = adds_directly && next;
        }
        T(pass_group)(&group, plan);
    } while (next < own.to);
    wait_for_team(thread);
    T(add_segment_gradients)(plan, thread, n_segments, adds_directly);
    if (!thread->index) {
        plan->batch_loss = 0;
        for (Size s = 0; s < n_segments; s++)
            plan->batch_loss += plan->segments[s].loss;
    }
    wait_for_team(thread);
}

/* Raw outputs of n adjacent rows, (n, n_outputs): those of the first member at F, those of each other `member_stride`
 * entries further. */
static void T(predict)(NetworkPlan *plan, const Size *rows, REAL *F, Size member_stride, Size n)
{
    const T(Pass) pass = {.plan = plan, .segment = plan->segments, .rows = rows, .n_rows = n, .batch_rows = n};
    const REAL *X = T(dense_input)(&pass, 1);
    const Layer *last = plan->layers + plan->n_layers - 1;
    for (Size j = 0; j < plan->n_members; j++, F += member_stride) {
        const REAL *input = X;
        for (const Layer *layer = plan->layers; layer < last; layer++) {
            T(affine_forward_of)(&pass, layer, j, input, layer->Z, n);
            if (layer->batch_norm.scale)
                T(batch_norm_predict)(&layer->batch_norm, layer->Z, n, layer->width);
            T(activation_forward)(layer, n);
            input = layer->A;
        }
        T(affine_forward_of)(&pass, last, j, input, F, n);
        T(add_bias)(F, T(member_biases)(last, last->b, j), n, last->width);
    }
}
