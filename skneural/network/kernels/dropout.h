/* Dropout: forward and backward are the same product with the mask. */

VECTORIZED static void T(apply_dropout)(const REAL *A, Dropout dropout, REAL *out, Size size)
{
    const REAL scale = (REAL)dropout.scale;
    for (Size i = 0; i < size; i++)
        out[i] = A[i] * (dropout.random[i] >= dropout.threshold ? scale : 0);
}

/* What entry number `i` of the batch is multiplied by. */
INLINED REAL T(dropout_factor)(const Dropout *dropout, Size i)
{
    if (!dropout->random)
        return 1;
    return dropout->random[i] >= dropout->threshold ? (REAL)dropout->scale : 0;
}
