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

#define MAX_SUM_REGISTERS 13 /* of 16 registers, those that may hold a piece's sums */

#if defined(WIDE_REGISTERS) && defined(__has_builtin)
#if __has_builtin(__builtin_shufflevector)
#define HAS_MAXOUT_WEIGHT_GRADIENT
#endif
#endif

#ifdef HAS_MAXOUT_WEIGHT_GRADIENT

#if SINGLE
#define LANES 8
#define LOWER 0, 8, 1, 9, 2, 10, 3, 11
#define UPPER 4, 12, 5, 13, 6, 14, 7, 15
#else
#define LANES 4
#define LOWER 0, 4, 1, 5
#define UPPER 2, 6, 3, 7
#endif
#define BLOCK_ROWS 64 /* as many as a word has bits */
#define SUMS (MAX_SUM_REGISTERS * LANES) /* of a column; in its place whatever the block, for other threads' sake */

typedef REAL T(Sums) __attribute__((vector_size(32), aligned(sizeof(REAL)), may_alias));

/* Whether dW and db of the layer are made without dZ. Only rows that lie one below the other can be added up. And it
 * must pay: to begin with a row costs as much as 4 registers' multiplications. */
static int T(uses_maxout_weight_gradient)(const NetworkPlan *plan, const Layer *layer)
{
    const int is_dense = layer > plan->layers || !plan->input.indptr;
    return layer->argmax_bits && is_dense && !layer->member_scales && (layer->n_pieces - 1) * layer->fan_in >= 8 * LANES
        && T(uses_own_gemm)();
}

/* Bit i of argmax_bits[p · n_units + j] becomes: piece p of unit j is the largest in row i of the block. */
VECTORIZED static void T(argmax_to_bits)(
    const REAL *Z, uint64_t *argmax_bits, Range units, Size rows, Size n_units, Size n_pieces)
{
    const Size width = n_units * n_pieces;
    for (Size p = 1; p < n_pieces; p++)
        memset(argmax_bits + p * n_units + units.from, 0, range_size(units) * sizeof(uint64_t));
    for (Size i = 0; i < rows; i++)
        for (Size p = 1; p < n_pieces; p++) {
            const REAL *RESTRICT argmax = Z + i * width;
            uint64_t *RESTRICT piece = argmax_bits + p * n_units;
            for (Size j = units.from; j < units.to; j++)
                piece[j] |= (uint64_t)(argmax[j] == (REAL)p) << i;
        }
    for (Size j = units.from; j < units.to; j++) {
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
    T(Sums) sum[MAX_SUM_REGISTERS], *out = (T(Sums) *)sums;
    REAL gradient_sum = 0;
    for (int r = 0; r < registers; r++)
        sum[r] = out[r];
    for (; piece_bits; piece_bits &= piece_bits - 1) {
        const Size i = __builtin_ctzll(piece_bits);
        const T(Sums) *input_row = (const T(Sums) *)(rows + i * registers * LANES);
        const REAL gradient = dA[i * n_units];
        for (int r = 0; r < registers; r++)
            sum[r] += gradient * input_row[r];
        gradient_sum += gradient;
    }
    for (int r = 0; r < registers; r++)
        out[r] = sum[r];
    return gradient_sum;
}

/* The same for all pieces of some units, over a block of rows: maxout_sums and db. */
WIDE static void T(add_block)(
    const Layer *layer, const uint64_t *argmax_bits, const REAL *block, const REAL *dA, Range units, Size rows,
    int registers)
{
    const Size n_units = layer->n_units, units_per_line = 64 / sizeof(REAL);
    REAL *sums = layer->maxout_sums, *RESTRICT db = layer->db;
#define CASE(r) \
    case r: \
        for (Size j = units.from; j < units.to; j++) { \
            /* dA lies row by row, and is read unit by unit */ \
            if (j % units_per_line == 0 && j + units_per_line < units.to) \
                for (Size i = 0; i < rows; i++) \
                    PREFETCH(dA + i * n_units + j + units_per_line); \
            for (Size c = j; c < layer->width; c += n_units) /* the unit's pieces */ \
                db[c] += T(add_rows)(argmax_bits[c], block, dA + j, n_units, sums + c * SUMS, r); \
        } \
        break;
    switch (registers) {
        CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(8) CASE(9) CASE(10) CASE(11) CASE(12) CASE(13)
    }
#undef CASE
}

/* out = sumsᵀ + beta out, of some columns of out, (features, width); `sums` are (columns, SUMS). */
WIDE static void T(transpose)(
    const REAL *sums, REAL *RESTRICT out, REAL beta, Size features, Range columns, Size width)
{
    for (Size j = columns.from; j < columns.to; j += LANES)
        for (Size f = 0; f < features; f += LANES) {
            T(Sums) tile[LANES], mixed[LANES];
            for (int i = 0; i < LANES; i++)
                tile[i] = j + i < columns.to ? *(const T(Sums) *)(sums + (j + i) * SUMS + f) : (T(Sums)){0};
            for (int step = 1; step < LANES; step *= 2) { /* each shuffles rows i and i + LANES / 2 into one another */
                for (int i = 0; i < LANES / 2; i++) {
                    mixed[2 * i] = __builtin_shufflevector(tile[i], tile[i + LANES / 2], LOWER);
                    mixed[2 * i + 1] = __builtin_shufflevector(tile[i], tile[i + LANES / 2], UPPER);
                }
                memcpy(tile, mixed, sizeof tile);
            }
            for (Size i = 0; i < LANES && f + i < features; i++) {
                REAL *to = out + (f + i) * width + j;
                if (j + LANES <= columns.to) {
                    if (beta) /* `out` may hold anything, NaN too, where beta is 0 */
                        tile[i] += beta * *(T(Sums) *)to;
                    *(T(Sums) *)to = tile[i];
                } else
                    for (Size c = 0; j + c < columns.to; c++)
                        to[c] = beta ? tile[i][c] + beta * to[c] : tile[i][c];
            }
        }
}

/* Set to zero what adds up the gradients of some units. */
static void T(clear_sums)(const Layer *layer, Range units)
{
    for (Size from = units.from; from < layer->width; from += layer->n_units) { /* piece by piece */
        memset((REAL *)layer->maxout_sums + from * SUMS, 0, range_size(units) * SUMS * sizeof(REAL));
        memset((REAL *)layer->db + from, 0, range_size(units) * sizeof(REAL));
    }
}

/* dW = Xᵀ dZ + beta dW, and db = the column sums of dZ, for the columns of some units, from X, dA and the argmax. */
VECTORIZED static void T(maxout_weight_gradient)(const Layer *layer, const REAL *X, REAL beta, Range units, Size n)
{
    REAL block[BLOCK_ROWS * MAX_SUM_REGISTERS * 32 / sizeof(REAL)] __attribute__((aligned(32)));
    const Size width = layer->width, n_blocks = (n + BLOCK_ROWS - 1) / BLOCK_ROWS;
    const Size block_rows = (n + n_blocks - 1) / n_blocks;
    REAL *dW = layer->dW;
    uint64_t *argmax_bits = layer->argmax_bits;
    for (Size i = 0; i < n; i += block_rows, argmax_bits += width)
        T(argmax_to_bits)((const REAL *)layer->Z + i * width, argmax_bits, units, min_size(n - i, block_rows),
                          layer->n_units, layer->n_pieces);
    for (Size from = 0; from < layer->fan_in; from += SUMS) {
        const Size features = min_size(layer->fan_in - from, SUMS);
        const Size registers = (features + LANES - 1) / LANES, padded = registers * LANES;
        T(clear_sums)(layer, units); /* each turn adds all rows up again */
        memset(block, 0, block_rows * padded * sizeof(REAL));
        argmax_bits = layer->argmax_bits;
        for (Size i = 0; i < n; i += block_rows, argmax_bits += width) {
            const Size rows = min_size(n - i, block_rows);
            for (Size r = 0; r < rows; r++)
                memcpy(block + r * padded, X + (i + r) * layer->fan_in + from, features * sizeof(REAL));
            T(add_block)(layer, argmax_bits, block, (const REAL *)layer->dA + i * layer->n_units, units, rows,
                         (int)registers);
        }
        for (Size j = 0; j < width; j += layer->n_units)
            T(transpose)(layer->maxout_sums, dW + from * width, beta, features,
                         (Range){j + units.from, j + units.to}, width);
    }
}

#undef LANES
#undef LOWER
#undef UPPER
#undef BLOCK_ROWS
#undef SUMS

#else

static int T(uses_maxout_weight_gradient)(const NetworkPlan *plan, const Layer *layer)
{
    (void)plan, (void)layer;
    return 0;
}

static void T(maxout_weight_gradient)(const Layer *layer, const REAL *X, REAL beta, Range units, Size n)
{
    (void)layer, (void)X, (void)beta, (void)units, (void)n;
}

#endif
#undef HAS_MAXOUT_WEIGHT_GRADIENT
