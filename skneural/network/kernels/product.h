/* Matrix products on one thread, for processors with 256-bit registers and fused multiply-add.
 *
 * BLAS libraries are made for large matrices: on small ones their preparations cost as much as the work, and their
 * threads get in the way of the caller's. Here B is copied panel by panel (k, 2 registers wide), and blocks of
 * 6 x 2 registers of C stay in registers while they are summed up: Goto & van de Geijn 2008, without the copy of A,
 * whose rows are taken as many at a time as the second-level cache holds. */

#ifdef WIDE_REGISTERS

#define LANES ((Size)(32 / sizeof(REAL)))
#define PANEL (2 * LANES)
#define ROWS 6
#define DEPTH 256 /* of a panel, so that it fits the first-level cache */
#define TOGETHER ((Size)(2048 / sizeof(REAL))) /* rows of A that meet a panel: 512 KiB */

typedef REAL T(Register) __attribute__((vector_size(32), aligned(sizeof(REAL)), may_alias));

/* `rows` rows of a panel of C: C = A B + beta C, A with any strides, B packed. `columns` of the panel are real, and lie
 * in the first `registers`. */
WIDE INLINED void T(block)(
    const REAL *A, Size row_stride, Size column_stride, const REAL *B, Size depth, REAL *C, Size ldc, Size columns,
    REAL beta, const int rows, const int registers)
{
    T(Register) sums[ROWS][2];
    for (int i = 0; i < rows; i++)
        sums[i][0] = sums[i][1] = (T(Register)){0};
    for (Size p = 0; p < depth; p++) {
        const T(Register) left = *(const T(Register) *)(B + p * PANEL);
        const T(Register) right = *(const T(Register) *)(B + p * PANEL + LANES);
        for (int i = 0; i < rows; i++) {
            const REAL a = A[i * row_stride + p * column_stride];
            sums[i][0] += a * left;
            if (registers == 2)
                sums[i][1] += a * right;
        }
    }
    for (int i = 0; i < rows; i++) {
        REAL *c = C + i * ldc;
        if (columns == PANEL) {
            T(Register) *out = (T(Register) *)c, *out_2 = (T(Register) *)(c + LANES);
            if (beta) { /* C may hold anything, NaN too, where beta is 0 */
                sums[i][0] += beta * *out;
                sums[i][1] += beta * *out_2;
            }
            *out = sums[i][0];
            *out_2 = sums[i][1];
        } else {
            const REAL *sum = (const REAL *)sums[i];
            for (Size j = 0; j < columns; j++)
                c[j] = beta ? sum[j] + beta * c[j] : sum[j];
        }
    }
}

/* Copy columns of B, transposed first if told, into a panel; columns that are not there are zero. */
WIDE static void T(pack)(
    const REAL *B, Size ldb, int transposed, Size depth, Size columns, REAL *RESTRICT panel)
{
    if (columns < PANEL)
        memset(panel, 0, depth * PANEL * sizeof(REAL));
    if (transposed)
        for (Size j = 0; j < columns; j++)
            for (Size p = 0; p < depth; p++)
                panel[p * PANEL + j] = B[j * ldb + p];
    else if (columns == PANEL)
        for (Size p = 0; p < depth; p++)
            for (Size j = 0; j < PANEL; j++)
                panel[p * PANEL + j] = B[p * ldb + j];
    else
        for (Size p = 0; p < depth; p++)
            for (Size j = 0; j < columns; j++)
                panel[p * PANEL + j] = B[p * ldb + j];
}

/* A panel of C, of n rows: C = A B + beta C, with B packed. */
WIDE static void T(panel)(
    const REAL *A, Size row_stride, Size column_stride, const REAL *B, Size depth, REAL *C, Size ldc, Size n,
    Size columns, REAL beta)
{
    for (Size i = 0; i < n; i += ROWS) {
        const REAL *a = A + i * row_stride;
        REAL *c = C + i * ldc;
#define BLOCK(rows, registers) \
    T(block)(a, row_stride, column_stride, B, depth, c, ldc, columns, beta, rows, registers)
#define ROWS_LEFT(registers) \
    switch (n - i) { \
    case 1: BLOCK(1, registers); break; \
    case 2: BLOCK(2, registers); break; \
    case 3: BLOCK(3, registers); break; \
    case 4: BLOCK(4, registers); break; \
    case 5: BLOCK(5, registers); break; \
    default: BLOCK(ROWS, registers); \
    }
        if (columns > LANES)
            ROWS_LEFT(2)
        else
            ROWS_LEFT(1)
#undef ROWS_LEFT
#undef BLOCK
    }
}

/* C = op(A) op(B) + beta C, row-major; shape is (rows of C, depth, columns of C). */
WIDE static void T(panel_product)(
    const char *transpose, const REAL *A, const REAL *B, REAL beta, REAL *C, const Size shape[3])
{
    const Size n = shape[0], k = shape[1], m = shape[2];
    const int transposed = transpose[1] == 'T';
    const Size ldb = transposed ? k : m;
    const Size row_stride = transpose[0] == 'T' ? 1 : k, column_stride = transpose[0] == 'T' ? n : 1;
    REAL panel[DEPTH * 2 * 32 / sizeof(REAL)] __attribute__((aligned(32)));
    for (Size i = 0; i < n; i += TOGETHER)
        for (Size from = 0; from < k; from += DEPTH) {
            const Size depth = k - from < DEPTH ? k - from : DEPTH;
            const REAL *a = A + i * row_stride + from * column_stride;
            for (Size j = 0; j < m; j += PANEL) {
                const Size columns = m - j < PANEL ? m - j : PANEL;
                T(pack)(B + (transposed ? j * ldb + from : from * ldb + j), ldb, transposed, depth, columns, panel);
                T(panel)(a, row_stride, column_stride, panel, depth, C + i * m + j, m,
                         n - i < TOGETHER ? n - i : TOGETHER, columns, from ? 1 : beta);
            }
        }
}

#undef LANES
#undef PANEL
#undef ROWS
#undef DEPTH
#undef TOGETHER

#endif
