/* Maxout: A[i, j] is the largest of the pieces of unit j. The columns of Z are the units' first pieces, then their
 * second pieces, and so on: piece p of unit j is column p · n_units + j.
 *
 * The backward pass asks only which piece was the largest. maxout_forward therefore leaves its number, the argmax, in
 * the column of the unit's first piece, as a float; the other columns of Z are of no use any more. Only the functions
 * of this file know about it.
 *
 * There are two ways back. maxout_backward makes dZ, in which all but the gradient of the largest piece is zero. Where
 * it pays, maxout_weight_gradient makes dW and db without dZ: each piece adds up the rows in which it is the largest,
 * while its sums stay in registers, 1 / n_pieces of the multiplications of a dense product. Rows are taken in blocks
 * that fit the first-level cache, and the rows of a block that a piece needs are bits of a word. */

VECTORIZED static void T(maxout_forward)(
    REAL *RESTRICT Z, REAL *RESTRICT A, const REAL *RESTRICT b, Size n, Size width, Size n_pieces)
{
    const Size n_units = width / n_pieces;
    for (Size i = 0; i < n; i++) {
        REAL *RESTRICT argmax = Z + i * width;
        REAL *RESTRICT out = A + i * n_units;
        for (Size j = 0; j < n_units; j++) {
            out[j] = argmax[j] + b[j];
            argmax[j] = 0;
        }
        for (Size p = 1; p < n_pieces; p++) {
            const REAL *RESTRICT piece = Z + i * width + p * n_units;
            const REAL *RESTRICT bias = b + p * n_units;
            const REAL number = (REAL)p;
            for (Size j = 0; j < n_units; j++) {
                const REAL z = piece[j] + bias[j], best = out[j];
                const int stays = (z <= best) | (best != best); /* NaN counts as the largest */
                const REAL is_larger = stays ? 0 : 1; /* a factor: a choice would become a masked store */
                argmax[j] += is_larger * (number - argmax[j]);
                out[j] = stays ? best : z;
            }
        }
    }
}

VECTORIZED static void T(maxout_backward)(
    const REAL *RESTRICT dA, const REAL *RESTRICT Z, REAL *RESTRICT dZ, Size n, Size width, Size n_pieces)
{
    const Size n_units = width / n_pieces;
    for (Size i = 0; i < n; i++) {
        const REAL *RESTRICT argmax = Z + i * width;
        const REAL *RESTRICT gradient = dA + i * n_units;
        for (Size p = 0; p < n_pieces; p++) {
            REAL *RESTRICT out = dZ + i * width + p * n_units;
            const REAL number = (REAL)p;
            for (Size j = 0; j < n_units; j++)
                out[j] = argmax[j] == number ? gradient[j] : 0;
        }
    }
}

#define MAX_PIECE_REGISTERS 13 /* those of 16 of 32 bytes that may hold a piece's sums: of 32 of 16 bytes, 26 */

#if defined(WIDE_REGISTERS) && defined(HAS_SHUFFLE)

#define IN_32_BYTES (32 / REGISTER_BYTES) /* registers: rows are padded to a multiple of 32 bytes on all processors */
#define BLOCK_ROWS 64 /* as many as a word has bits */
/* Of a column, the sums have their place whatever the block. */
#define SUMS (MAX_PIECE_REGISTERS * IN_32_BYTES * LANES)

/* Whether dW and db of the layer are made without dZ. Only rows that lie one below the other can be added up. And it
 * must pay: to begin with a row costs as much as to multiply 128 bytes. */
static int T(uses_maxout_weight_gradient)(const NetworkPlan *plan, Size layer_number)
{
    const Layer *layer = plan->layers + layer_number;
    const int is_dense = layer_number || !plan->input.indptr;
    const int pays = (layer->n_pieces - 1) * layer->fan_in >= 8 * IN_32_BYTES * LANES;
    return layer->argmax_bits && is_dense && !layer->member_scales && pays && T(uses_own_gemm)();
}

/* Bit i of argmax_bits[p · n_units + j] becomes: piece p of unit j is the largest in row i of the block. */
VECTORIZED static void T(argmax_to_bits)(
    const REAL *Z, uint64_t *argmax_bits, Size rows, Size n_units, Size n_pieces)
{
    const Size width = n_units * n_pieces;
    memset(argmax_bits + n_units, 0, (width - n_units) * sizeof(uint64_t));
    for (Size i = 0; i < rows; i++)
        for (Size p = 1; p < n_pieces; p++) {
            const REAL *RESTRICT argmax = Z + i * width;
            uint64_t *RESTRICT piece = argmax_bits + p * n_units;
            for (Size j = 0; j < n_units; j++)
                piece[j] |= (uint64_t)(argmax[j] == (REAL)p) << i;
        }
    for (Size j = 0; j < n_units; j++) {
        uint64_t others = 0;
        for (Size p = 1; p < n_pieces; p++)
            others |= argmax_bits[p * n_units + j];
        argmax_bits[j] = ~others & (~(uint64_t)0 >> (BLOCK_ROWS - rows));
    }
}

/* sums += the rows whose bits are set, each times its gradient; returns the sum of these gradients. */
WIDE INLINED REAL T(add_rows)(
    uint64_t piece_bits, const REAL *rows, const REAL *dA, Size n_units, REAL *sums, const int registers)
{
    T(Register) piece_sum[MAX_PIECE_REGISTERS * IN_32_BYTES], *kept_sum = (T(Register) *)sums;
    REAL gradient_sum = 0;
    UNROLLED for (int r = 0; r < registers; r++)
        piece_sum[r] = kept_sum[r];
    for (; piece_bits; piece_bits &= piece_bits - 1) {
        const Size i = __builtin_ctzll(piece_bits);
        const T(Register) *input_row = (const T(Register) *)(rows + i * registers * LANES);
        const REAL gradient = dA[i * n_units];
        UNROLLED for (int r = 0; r < registers; r++) {
            piece_sum[r] += gradient * input_row[r];
            if (r % 4 == 3)
                LOAD_NO_EARLIER;
        }
        gradient_sum += gradient;
    }
    UNROLLED for (int r = 0; r < registers; r++)
        kept_sum[r] = piece_sum[r];
    return gradient_sum;
}

/* The same for all pieces of all units, over a block of rows: maxout_sums and db. */
WIDE static void T(add_block)(
    const Layer *layer, const uint64_t *argmax_bits, const REAL *block, const REAL *dA, Size rows, Size registers)
{
    const Size n_units = layer->n_units, units_per_line = 64 / sizeof(REAL);
    REAL *sums = layer->maxout_sums, *RESTRICT db = layer->db;
#define PIECE_SUMS(size) \
    case (size) * IN_32_BYTES: { \
        const int r = (size) * IN_32_BYTES; \
        for (Size j = 0; j < n_units; j++) { \
            /* dA lies row by row, and is read unit by unit */ \
            if (j % units_per_line == 0 && j + units_per_line < n_units) \
                for (Size i = 0; i < rows; i++) \
                    PREFETCH(dA + i * n_units + j + units_per_line); \
            for (Size c = j; c < layer->width; c += n_units) /* the unit's pieces */ \
                db[c] += T(add_rows)(argmax_bits[c], block, dA + j, n_units, sums + c * SUMS, r); \
        } \
        break; \
    }
    switch (registers) {
        PIECE_SUMS(1) PIECE_SUMS(2) PIECE_SUMS(3) PIECE_SUMS(4) PIECE_SUMS(5) PIECE_SUMS(6) PIECE_SUMS(7)
        PIECE_SUMS(8) PIECE_SUMS(9) PIECE_SUMS(10) PIECE_SUMS(11) PIECE_SUMS(12) PIECE_SUMS(13)
    }
#undef PIECE_SUMS
}

/* out = sumsᵀ + beta out, (features, width); `sums` are (width, SUMS). */
WIDE static void T(transpose_sums)(const REAL *sums, REAL *RESTRICT out, REAL beta, Size features, Size width)
{
    for (Size j = 0; j < width; j += LANES)
        for (Size f = 0; f < features; f += LANES) {
            T(Register) tile[LANES];
            for (int i = 0; i < LANES; i++)
                tile[i] = j + i < width ? *(const T(Register) *)(sums + (j + i) * SUMS + f) : (T(Register)){0};
            T(transpose_tile)(tile);
            for (Size i = 0; i < LANES && f + i < features; i++) {
                REAL *to = out + (f + i) * width + j;
                if (j + LANES <= width) {
                    if (beta) /* `out` may hold anything, NaN too, where beta is 0 */
                        tile[i] += beta * *(T(Register) *)to;
                    *(T(Register) *)to = tile[i];
                } else
                    for (Size c = 0; j + c < width; c++)
                        to[c] = beta ? tile[i][c] + beta * to[c] : tile[i][c];
            }
        }
}

/* dW = Xᵀ dZ + beta dW, and db = the column sums of dZ, from X, dA and the argmax. */
VECTORIZED static void T(maxout_weight_gradient)(const Layer *layer, const REAL *X, REAL *dW, REAL beta, Size n)
{
    REAL block[BLOCK_ROWS * MAX_PIECE_REGISTERS * 32 / sizeof(REAL)] __attribute__((aligned(32)));
    const Size width = layer->width, n_blocks = (n + BLOCK_ROWS - 1) / BLOCK_ROWS;
    const Size block_rows = (n + n_blocks - 1) / n_blocks;
    uint64_t *argmax_bits = layer->argmax_bits;
    for (Size i = 0; i < n; i += block_rows, argmax_bits += width)
        T(argmax_to_bits)((const REAL *)layer->Z + i * width, argmax_bits, min_size(n - i, block_rows), layer->n_units,
                          layer->n_pieces);
    for (Size from = 0; from < layer->fan_in; from += SUMS) {
        const Size features = min_size(layer->fan_in - from, SUMS);
        const Size chunk = IN_32_BYTES * LANES, padded = (features + chunk - 1) / chunk * chunk;
        memset(layer->maxout_sums, 0, width * SUMS * sizeof(REAL)); /* each turn adds all rows up again */
        memset(layer->db, 0, width * sizeof(REAL));
        memset(block, 0, block_rows * padded * sizeof(REAL));
        argmax_bits = layer->argmax_bits;
        for (Size i = 0; i < n; i += block_rows, argmax_bits += width) {
            const Size rows = min_size(n - i, block_rows);
            for (Size r = 0; r < rows; r++)
                memcpy(block + r * padded, X + (i + r) * layer->fan_in + from, features * sizeof(REAL));
            T(add_block)(layer, argmax_bits, block, (const REAL *)layer->dA + i * layer->n_units, rows, padded / LANES);
        }
        T(transpose_sums)(layer->maxout_sums, dW + from * width, beta, features, width);
    }
}

#undef IN_32_BYTES
#undef BLOCK_ROWS
#undef SUMS

#else

static int T(uses_maxout_weight_gradient)(const NetworkPlan *plan, Size layer_number)
{
    (void)plan, (void)layer_number;
    return 0;
}

static void T(maxout_weight_gradient)(const Layer *layer, const REAL *X, REAL *dW, REAL beta, Size n)
{
    (void)layer, (void)X, (void)dW, (void)beta, (void)n;
}

#endif
