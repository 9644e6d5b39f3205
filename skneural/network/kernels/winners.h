/* The gradient in the weights of Maxout units, for processors with 256-bit registers and fused multiply-add.
 *
 * A row's gradient reaches only the piece that won, so most of dZ is zero. Here each piece adds up the rows that it
 * won, while its sums stay in registers: 1 / pieces of the multiplications of a dense product. Rows are taken in blocks
 * that fit the first-level cache, and a block's winners are bits of a word. */

#if defined(WIDE_REGISTERS) && defined(__has_builtin)
#if __has_builtin(__builtin_shufflevector)
#define ADDS_WINNERS
#endif
#endif

#ifdef ADDS_WINNERS

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

typedef REAL T(Sums) __attribute__((vector_size(32), aligned(sizeof(REAL)), may_alias));

/* Whether it pays: a row that is won costs as much as 4 registers' multiplications before it begins. */
static int T(adds_winners)(const Products *by, const Layer *of, Size n)
{
    return of->won && (of->pieces - 1) * of->fan_in >= 8 * LANES && made_here(by, n * of->fan_in * of->width);
}

/* won[p · units + j] gets the rows of a block in which piece p of unit j is the winner. */
VECTORIZED static void T(find_winners)(const REAL *winner, uint64_t *won, Size rows, Size units, Size pieces)
{
    const Size width = units * pieces;
    memset(won, 0, width * sizeof(uint64_t));
    for (Size i = 0; i < rows; i++)
        for (Size p = 1; p < pieces; p++) {
            const REAL *RESTRICT number = winner + i * width;
            uint64_t *RESTRICT of_piece = won + p * units;
            for (Size j = 0; j < units; j++)
                of_piece[j] |= (uint64_t)(number[j] == (REAL)p) << i;
        }
    for (Size j = 0; j < units; j++) {
        uint64_t others = 0;
        for (Size p = 1; p < pieces; p++)
            others |= won[p * units + j];
        won[j] = ~others & (~(uint64_t)0 >> (BLOCK_ROWS - rows));
    }
}

/* sums += the rows that are won, each times its gradient; returns the sum of the gradients. */
WIDE INLINED REAL T(add_rows)(uint64_t won, const REAL *rows, const REAL *dA, Size units, REAL *sums, const int registers)
{
    T(Sums) sum[MOST_SUMS], *out = (T(Sums) *)sums;
    REAL all = 0;
    for (int r = 0; r < registers; r++)
        sum[r] = out[r];
    for (; won; won &= won - 1) {
        const Size i = __builtin_ctzll(won);
        const T(Sums) *row = (const T(Sums) *)(rows + i * registers * LANES);
        const REAL gradient = dA[i * units];
        for (int r = 0; r < registers; r++)
            sum[r] += gradient * row[r];
        all += gradient;
    }
    for (int r = 0; r < registers; r++)
        out[r] = sum[r];
    return all;
}

WIDE static void T(add_block)(
    const Layer *of, const uint64_t *won, const REAL *block, const REAL *dA, Size rows, int registers)
{
    const Size units = of->units, line = 64 / sizeof(REAL);
    REAL *sums = of->sums, *RESTRICT db = of->db;
#define CASE(r) \
    case r: \
        for (Size j = 0; j < units; j++) { \
            if (j % line == 0 && j + line < units) /* gradients lie row by row, and are read unit by unit */ \
                for (Size i = 0; i < rows; i++) \
                    PREFETCH(dA + i * units + j + line); \
            for (Size c = j; c < of->width; c += units) /* the columns of a unit */ \
                db[c] += T(add_rows)(won[c], block, dA + j, units, sums + c * r * LANES, r); \
        } \
        break;
    switch (registers) {
        CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(8) CASE(9) CASE(10) CASE(11) CASE(12) CASE(13)
    }
#undef CASE
}

/* out = sumsᵀ + beta out; `sums` are padded to tiles of LANES x LANES, (columns, padded), `out` is (features, width). */
WIDE static void T(transpose)(
    const REAL *sums, Size padded, REAL *RESTRICT out, REAL beta, Size features, Size width)
{
    for (Size j = 0; j < width; j += LANES)
        for (Size f = 0; f < features; f += LANES) {
            T(Sums) tile[LANES], mixed[LANES];
            for (int i = 0; i < LANES; i++)
                tile[i] = *(const T(Sums) *)(sums + (j + i) * padded + f);
            for (int step = 1; step < LANES; step *= 2) { /* each shuffles rows i and i + LANES / 2 into one another */
                for (int i = 0; i < LANES / 2; i++) {
                    mixed[2 * i] = __builtin_shufflevector(tile[i], tile[i + LANES / 2], LOWER);
                    mixed[2 * i + 1] = __builtin_shufflevector(tile[i], tile[i + LANES / 2], UPPER);
                }
                memcpy(tile, mixed, sizeof tile);
            }
            for (Size i = 0; i < LANES && f + i < features; i++) {
                REAL *to = out + (f + i) * width + j;
                if (j + LANES <= width) {
                    if (beta) /* `out` may hold anything, NaN too, where beta is 0 */
                        tile[i] += beta * *(T(Sums) *)to;
                    *(T(Sums) *)to = tile[i];
                } else
                    for (Size c = 0; j + c < width; c++)
                        to[c] = beta ? tile[i][c] + beta * to[c] : tile[i][c];
            }
        }
}

/* dW = Xᵀ dZ + beta dW, and db the column sums of dZ, which need not be there. */
VECTORIZED static void T(winners_gradient)(const Layer *of, const REAL *X, REAL beta, Size n)
{
    REAL block[BLOCK_ROWS * MOST_SUMS * 32 / sizeof(REAL)] __attribute__((aligned(32)));
    const Size width = of->width, n_blocks = (n + BLOCK_ROWS - 1) / BLOCK_ROWS, most = (n + n_blocks - 1) / n_blocks;
    REAL *dW = of->dW;
    uint64_t *won = of->won;
    for (Size i = 0; i < n; i += most, won += width)
        T(find_winners)((const REAL *)of->Z + i * width, won, n - i < most ? n - i : most, of->units, of->pieces);
    for (Size from = 0; from < of->fan_in; from += MOST_SUMS * LANES) {
        const Size left = of->fan_in - from, features = left < MOST_SUMS * LANES ? left : MOST_SUMS * LANES;
        const Size registers = (features + LANES - 1) / LANES, padded = registers * LANES;
        memset(of->sums, 0, width * padded * sizeof(REAL));
        memset(of->db, 0, width * sizeof(REAL));
        memset(block, 0, most * padded * sizeof(REAL));
        won = of->won;
        for (Size i = 0; i < n; i += most, won += width) {
            const Size rows = n - i < most ? n - i : most;
            for (Size r = 0; r < rows; r++)
                memcpy(block + r * padded, X + (i + r) * of->fan_in + from, features * sizeof(REAL));
            T(add_block)(of, won, block, (const REAL *)of->dA + i * of->units, rows, (int)registers);
        }
        T(transpose)(of->sums, padded, dW + from * width, beta, features, width);
    }
}

#undef LANES
#undef LOWER
#undef UPPER
#undef BLOCK_ROWS

#else

static int T(adds_winners)(const Products *by, const Layer *of, Size n)
{
    (void)by, (void)of, (void)n;
    return 0;
}

static void T(winners_gradient)(const Layer *of, const REAL *X, REAL beta, Size n)
{
    (void)of, (void)X, (void)beta, (void)n;
}

#endif
#undef ADDS_WINNERS
