/* The rows that come into a network, and into each of its layers: those of a dense X are copied if they do not lie one
 * below the other, or if some of their entries are dropped. */

/* What a layer passes on to the next one; the first is passed X. */
static const REAL *T(input_of)(const Pass *pass, Size layer_number)
{
    return layer_number ? pass->layers[layer_number - 1].output : pass->X;
}

/* The rows that a layer sees of a member, number `position` of the pass. In the first layer all members see the same
 * rows, unless each drops other entries of them. */
static const REAL *T(member_input)(const Pass *pass, Size layer_number, Size position)
{
    const REAL *input = T(input_of)(pass, layer_number);
    if (!input || (!layer_number && !pass->plan->input_dropout.key_number))
        return input;
    return input + position * pass->n_rows * pass->layers[layer_number].fan_in;
}

/* Where the pass's rows lie, one below the other: in the input if they do so there (`adjacent`), else in a copy; NULL
 * for CSR. */
static const REAL *T(location_of_input)(const Pass *pass, int adjacent)
{
    const InputRows *input = &pass->plan->input;
    if (input->indptr)
        return NULL;
    if (adjacent && input->column_stride == 1 && input->row_stride == input->n_features)
        return (const REAL *)input->data + pass->rows[0] * input->n_features;
    return pass->memory->gathered;
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

/* The pass's rows, one below the other; with input dropout those of all members. */
static const REAL *T(dense_input)(const Pass *pass, int adjacent)
{
    const NetworkPlan *plan = pass->plan;
    const Size d = plan->input.n_features, n = pass->n_rows;
    const REAL *X = T(location_of_input)(pass, adjacent);
    REAL *gathered = pass->memory->gathered;
    if (X && X == gathered)
        T(gather_rows)(&plan->input, pass->rows, gathered, n);
    if (!X || !plan->input_dropout.key_number)
        return X;
    for (Size j = pass->n_members - 1; j >= 0; j--) { /* the first comes last, since it may replace X */
        const Mask mask = mask_of(&plan->input_dropout, pass->dropout_keys,
                                  first_mask_entry(pass, pass->first_member + j, d));
        T(apply_dropout)(X, &mask, gathered + j * n * d, n * d);
    }
    return gathered;
}
