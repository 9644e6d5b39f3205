/* Matrix products on processors with wide registers and fused multiply-add: B is packed panel by panel (k, 2 registers
 * wide), and blocks of KERNEL_ROWS x 2 registers of C stay in registers while they are summed up: Goto & van de Geijn
 * 2008, without packing A, whose rows are taken as many at a time as the second-level cache holds.
 *
 * BLAS libraries are made for large matrices: on small ones their preparations cost as much as the work, and their
 * threads get in the way of the caller's. gemm_dispatch.h includes this file once for each width of registers. */

#define LANES ((Size)(REGISTER_BYTES / sizeof(REAL)))
#define PANEL (2 * LANES)
#define DEPTH_BLOCK 256 /* of a panel, so that it fits the first-level cache */
#define ROW_BLOCK ((Size)(2048 / sizeof(REAL))) /* rows of A that meet a panel: 512 KiB */

typedef REAL T(Register) __attribute__((vector_size(REGISTER_BYTES), aligned(sizeof(REAL)), may_alias));

/* Up to KERNEL_ROWS rows of a panel of C: C = A B + beta C, A with any strides, B packed. The first `columns` columns
 * of the panel belong to C; they lie in the first `registers`. */
WIDE INLINED void T(gemm_kernel)(
    const REAL *A, Size row_stride, Size column_stride, const REAL *B, Size depth, REAL *C, Size ldc, Size columns,
    REAL beta, const int rows, const int registers)
{
    T(Register) sums[KERNEL_ROWS][2];
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

/* Copy columns of B, or of its transpose, into a panel; columns beyond the last are zero. */
WIDE static void T(pack_panel)(
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
WIDE static void T(gemm_panel)(
    const REAL *A, Size row_stride, Size column_stride, const REAL *B, Size depth, REAL *C, Size ldc, Size n,
    Size columns, REAL beta)
{
    for (Size i = 0; i < n; i += KERNEL_ROWS) {
        const REAL *a = A + i * row_stride;
        REAL *c = C + i * ldc;
#define KERNEL(rows, registers) \
    T(gemm_kernel)(a, row_stride, column_stride, B, depth, c, ldc, columns, beta, \
                   (rows) < KERNEL_ROWS ? (rows) : KERNEL_ROWS, registers)
#define ROWS_LEFT(registers) \
    switch (n - i) { \
    case 1: KERNEL(1, registers); break; \
    case 2: KERNEL(2, registers); break; \
    case 3: KERNEL(3, registers); break; \
    case 4: KERNEL(4, registers); break; \
    case 5: KERNEL(5, registers); break; \
    case 6: KERNEL(6, registers); break; \
    case 7: KERNEL(7, registers); break; \
    default: KERNEL(KERNEL_ROWS, registers); \
    }
        if (columns > LANES)
            ROWS_LEFT(2)
        else
            ROWS_LEFT(1)
#undef ROWS_LEFT
#undef KERNEL
    }
}

/* Multiply each row of a packed panel by its scale. */
WIDE static void T(scale_panel)(REAL *RESTRICT panel, const REAL *scales, Size depth)
{
    for (Size p = 0; p < depth; p++)
        for (Size j = 0; j < PANEL; j++)
            panel[p * PANEL + j] *= scales[p];
}

/* The thread's part of a product; see Product. */
WIDE static void T(own_gemm)(const T(Product) *product)
{
    const Size n = product->shape[0], k = product->shape[1], m = product->shape[2];
    const int transposed = product->transpose[1] == 'T', A_transposed = product->transpose[0] == 'T';
    const Size ldb = transposed ? k : m, row_stride = A_transposed ? 1 : k, column_stride = A_transposed ? n : 1;
    const Range rows = product->rows, part = product->columns;
    const Size n_blocks = (k + DEPTH_BLOCK - 1) / DEPTH_BLOCK, block = (k + n_blocks - 1) / n_blocks;
    REAL panel[DEPTH_BLOCK * 2 * REGISTER_BYTES / sizeof(REAL)] __attribute__((aligned(REGISTER_BYTES)));
    for (Size i = rows.from; i < rows.to; i += ROW_BLOCK)
        for (Size from = 0; from < k; from += block) {
            const Size depth = min_size(k - from, block);
            const REAL *a = product->A + i * row_stride + from * column_stride;
            for (Size j = part.from; j < part.to; j += PANEL) {
                const Size columns = min_size(part.to - j, PANEL);
                const REAL *b = product->B + (transposed ? j * ldb + from : from * ldb + j);
                T(pack_panel)(b, ldb, transposed, depth, columns, panel);
                if (product->scales)
                    T(scale_panel)(panel, product->scales + from, depth);
                T(gemm_panel)(a, row_stride, column_stride, panel, depth, product->C + i * m + j, m,
                              min_size(rows.to - i, ROW_BLOCK), columns, from ? 1 : product->beta);
            }
        }
}

#undef LANES
#undef PANEL
#undef DEPTH_BLOCK
#undef ROW_BLOCK
