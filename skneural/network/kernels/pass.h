/* A thread's pass over a batch: which rows it takes, and where they lie. */

/* Over the rows of some segments, or over those of one member at a time. */
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

/* A member's mask of CSR entries, for all rows of the batch, which are one segment: those of all members lie one behind
 * the other. */
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

/* Where the pass's rows lie, one below the other: in the input if they do so there (`adjacent`), else in a copy; NULL
 * for CSR. */
static const REAL *T(location_of_input)(const T(Pass) *pass, int adjacent)
{
    const InputRows *input = &pass->plan->input;
    if (input->indptr)
        return NULL;
    if (adjacent && input->column_stride == 1 && input->row_stride == input->n_features)
        return (const REAL *)input->data + pass->rows[0] * input->n_features;
    return pass->memory->gathered;
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
