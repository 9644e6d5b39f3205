/* Dropout: forward and backward are the same product with the mask, which is computed again where it is needed.
 * Dropout._mask in network/dropout.py specifies it. */

#ifndef SKNEURAL_DROPOUT_H
#define SKNEURAL_DROPOUT_H

/* A part of a layer's mask: entry number i of the part is dropped if the hash of first + i is below the threshold. */
typedef struct {
    uint32_t first;
    uint32_t threshold; /* 0 where nothing is dropped */
    double scale;
} Mask;

/* The part from entry number `first` on, given the keys of a pass. */
static Mask mask_of(const Dropout *dropout, const uint32_t *keys, Size first)
{
    if (!dropout->key_number)
        return (Mask){0, 0, 1};
    return (Mask){keys[dropout->key_number - 1] + (uint32_t)first, (uint32_t)dropout->threshold, dropout->scale};
}

/* Sixteen bits of a number, mixed; the constants are those of lowbias32. */
INLINED uint32_t hash_16(uint32_t x)
{
    x ^= x >> 16;
    x *= 0x7feb352dU;
    x ^= x >> 15;
    x *= 0x846ca68bU;
    return x >> 16;
}

/* The number in its mask of the first entry of a member's rows, `width` entries each. */
static inline Size first_mask_entry(const Pass *pass, Size member, Size width)
{
    return (member * pass->batch_rows + pass->first_row) * width;
}

/* A member's mask of CSR entries, for all rows of the batch, which are one segment: those of all members lie one behind
 * the other. */
static inline Mask sparse_mask(const Pass *pass, Size member)
{
    const int64_t *indptr = pass->plan->input.indptr;
    Size entry = 0;
    if (pass->plan->input_dropout.key_number)
        for (Size i = 0; i < pass->n_rows; i++)
            entry += member * (indptr[pass->rows[i] + 1] - indptr[pass->rows[i]]);
    return mask_of(&pass->plan->input_dropout, pass->dropout_keys, entry);
}

#endif

VECTORIZED static void T(apply_dropout)(const REAL *A, const Mask *mask, REAL *out, Size size)
{
    const uint32_t first = mask->first, threshold = mask->threshold;
    const REAL scale = (REAL)mask->scale;
    for (Size i = 0; i < size; i++)
        out[i] = A[i] * (hash_16(first + (uint32_t)i) >= threshold ? scale : 0);
}

/* What entry number `i` of the part is multiplied by. */
INLINED REAL T(dropout_factor)(const Mask *mask, Size i)
{
    if (!mask->threshold)
        return (REAL)mask->scale;
    return hash_16(mask->first + (uint32_t)i) >= mask->threshold ? (REAL)mask->scale : 0;
}

/* The dropout of a layer, forward from A and backward from dA. The masks of all members lie one behind the other. */
static void T(apply_layer_dropout)(const Pass *pass, const Layer *layer, const REAL *A, REAL *out)
{
    if (!layer->dropout.key_number)
        return;
    const Size first_entry = first_mask_entry(pass, pass->first_member, layer->n_units);
    const Mask mask = mask_of(&layer->dropout, pass->dropout_keys, first_entry);
    T(apply_dropout)(A, &mask, out, n_pass_rows(pass) * layer->n_units);
}
