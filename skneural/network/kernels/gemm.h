/* Matrix products in the processor's vector registers. B is packed panel by panel (k, 2 registers wide, or 4 of the
 * smallest), and blocks of some rows of C, as wide as a panel, stay in registers while they are summed up: 6 rows in 12
 * of the 16 registers of 32 bytes, or in 24 of the 32 of 16 bytes; 8 rows in 16 of the 32 of 64 bytes. The others hold
 * a row of the panel and entries of A. Goto & van de Geijn 2008, without packing A, whose rows are taken as many at a
 * time as the second-level cache holds; only some transposed A are copied (COPIED_ROWS). Each entry of C is one chain
 * of fused multiply-adds along k, so all processors, and any number of threads, agree to the last bit.
 *
 * BLAS libraries are made for large matrices: on small ones their preparations cost as much as the work, and their
 * threads get in the way of the caller's. gemm_dispatch.h includes this file once for each width of registers. */

#define PANEL_REGISTERS (REGISTER_BYTES == 16 ? 4 : 2)
#define PANEL (PANEL_REGISTERS * LANES)
#define KERNEL_ROWS (REGISTER_BYTES == 64 ? 8 : 6)
#define NARROW_ROWS 8 /* where columns leave registers: fewer sums would wait for one another */
#define ROW_BLOCK ((Size)(2048 / sizeof(REAL))) /* rows of A that meet a panel: 512 KiB */

/* A transposed A lies column by column and is read row by row, once for each panel. Where its columns are long, every
 * step or two lead to another page: with registers of 32 bytes, which need many panels, it pays to copy so many rows
 * first. */
#define COPIED_ROWS 96
#define LONG_COLUMN 2048 /* bytes */

/* Copy n numbers, fewer than a register has. */
WIDE INLINED void T(copy_few)(REAL *to, const REAL *from, Size n)
{
    UNROLLED
    for (int size = LANES / 2; size; size /= 2)
        if (n & size) {
            memcpy(to, from, size * sizeof(REAL));
            to += size;
            from += size;
        }
}

/* Up to NARROW_ROWS rows of a panel of C: C = A B + beta C, A with any strides, B packed. The first `columns` columns
 * of the panel belong to C; they lie in the first `registers`. */
WIDE INLINED void T(gemm_kernel)(
    const REAL *A, Size row_stride, Size column_stride, const REAL *B, Size depth, REAL *C, Size ldc, Size columns,
    REAL beta, const int rows, const int registers)
{
    /* Unless all is UNROLLED, GCC may move the sums to memory at the end: up to a fifth of a small product's time. */
    T(Register) sums[NARROW_ROWS][PANEL_REGISTERS], b[PANEL_REGISTERS];
    UNROLLED
    for (int i = 0; i < rows; i++)
        UNROLLED
        for (int r = 0; r < registers; r++)
            sums[i][r] = (T(Register)){0};
    for (Size p = 0; p < depth; p++) {
        UNROLLED
        for (int r = 0; r < registers; r++)
            b[r] = *(const T(Register) *)(B + p * PANEL + r * LANES);
        UNROLLED
        for (int i = 0; i < rows; i++) {
            const REAL a = A[i * row_stride + p * column_stride];
            UNROLLED
            for (int r = 0; r < registers; r++)
                sums[i][r] += a * b[r];
            if (i % 3 == 2)
                LOAD_NO_EARLIER;
        }
    }
    const Size last_columns = columns - (registers - 1) * LANES; /* in the last register */
    REAL last[NARROW_ROWS * LANES] __attribute__((aligned(REGISTER_BYTES)));
    UNROLLED
    for (int i = 0; i < rows; i++) {
        T(Register) *out = (T(Register) *)(C + i * ldc);
        UNROLLED
        for (int r = 0; r < registers; r++) {
            if (r == registers - 1 && last_columns < LANES) {
                *(T(Register) *)(last + i * LANES) = sums[i][r];
            } else {
                if (beta) /* C may hold anything, NaN too, where beta is 0 */
                    sums[i][r] += beta * out[r];
                out[r] = sums[i][r];
            }
        }
    }
    for (int i = 0; i < rows && last_columns < LANES; i++) {
        REAL *c = C + i * ldc + (registers - 1) * LANES;
        T(Register) *sum = (T(Register) *)(last + i * LANES), old = {0};
        if (beta) {
            T(copy_few)((REAL *)&old, c, last_columns);
            *sum += beta * old;
        }
        T(copy_few)(c, (REAL *)sum, last_columns);
    }
}

/* Copy columns of B, or of its transpose, into a panel. What lies there beyond the last column does not count: zeros,
 * or B's own numbers, since rows are copied in full width as long as this does not lead beyond B. `scales`, of B's rows,
 * is NULL for none, and where B is transposed. */
WIDE static void T(pack_panel)(
    const REAL *B, Size ldb, int transposed, const REAL *scales, Size depth, Size columns, REAL *RESTRICT panel)
{
    const Size size = (depth - 1) * ldb + columns;
    Size full_rows = transposed ? 0 : depth;
    while (full_rows && (full_rows - 1) * ldb + PANEL > size)
        full_rows--;
    if (scales)
        for (Size p = 0; p < full_rows; p++) /* by registers: left alone, GCC collects numbers of several rows */
            for (Size j = 0; j < PANEL; j += LANES)
                *(T(Register) *)(panel + p * PANEL + j) = scales[p] * *(const T(Register) *)(B + p * ldb + j);
    else
        for (Size p = 0; p < full_rows; p++)
            for (Size j = 0; j < PANEL; j++)
                panel[p * PANEL + j] = B[p * ldb + j];
    if (columns < PANEL)
        memset(panel + full_rows * PANEL, 0, (depth - full_rows) * PANEL * sizeof(REAL));
    if (transposed)
        T(copy_transposed)(B, ldb, depth, columns, panel, PANEL);
    else if (full_rows < depth)
        for (Size j = 0; j < columns; j++)
            for (Size p = full_rows; p < depth; p++)
                panel[p * PANEL + j] = (scales ? scales[p] : 1) * B[p * ldb + j];
}

/* A panel of C, of n rows: C = A B + beta C, with B packed. All blocks have the same number of rows, or one less: a
 * rest of one or two rows would take as long as a block of four. */
WIDE static void T(gemm_panel)(
    const REAL *A, Size row_stride, Size column_stride, const REAL *B, Size depth, REAL *C, Size ldc, Size n,
    Size columns, REAL beta)
{
    const int registers = (int)((columns + LANES - 1) / LANES);
    const int max_rows = registers == PANEL_REGISTERS ? KERNEL_ROWS : NARROW_ROWS;
    const int n_blocks = ((int)n + max_rows - 1) / max_rows, least_rows = (int)n / n_blocks;
    const int n_larger = (int)n - n_blocks * least_rows;
    for (int is_larger = 1; is_larger >= 0; is_larger--) {
        const int n_left = is_larger ? n_larger : n_blocks - n_larger;
#define KERNEL(rows, registers) \
    case 16 * registers + rows: \
        for (int block = 0; block < n_left; block++, A += rows * row_stride, C += rows * ldc) \
            T(gemm_kernel)(A, row_stride, column_stride, B, depth, C, ldc, columns, beta, rows, registers); \
        break;
#define UP_TO_6_ROWS(registers) \
    KERNEL(1, registers) KERNEL(2, registers) KERNEL(3, registers) \
    KERNEL(4, registers) KERNEL(5, registers) KERNEL(6, registers)
        switch (16 * registers + least_rows + is_larger) {
            UP_TO_6_ROWS(1) KERNEL(7, 1) KERNEL(8, 1) UP_TO_6_ROWS(2)
#if PANEL_REGISTERS == 4 || KERNEL_ROWS == 8
            KERNEL(7, 2) KERNEL(8, 2)
#endif
#if PANEL_REGISTERS == 4
            UP_TO_6_ROWS(3) KERNEL(7, 3) KERNEL(8, 3) UP_TO_6_ROWS(4)
#endif
        }
#undef UP_TO_6_ROWS
#undef KERNEL
    }
}

/* The thread's part of a product; `copied`, unless it is NULL, is for COPIED_ROWS rows of a transposed A at a time. */
WIDE INLINED void T(multiply_blocks)(const T(Product) *product, REAL *copied)
{
    const Size n = product->shape[0], k = product->shape[1], m = product->shape[2];
    const int transposed = product->transpose[1] == 'T', A_transposed = product->transpose[0] == 'T';
    const Size ldb = transposed ? k : m, row_stride = A_transposed ? 1 : k, column_stride = A_transposed ? n : 1;
    const Range C_rows = product->rows, C_columns = product->columns;
    const Size n_blocks = (k + DEPTH_BLOCK - 1) / DEPTH_BLOCK, block = (k + n_blocks - 1) / n_blocks;
    const Size row_block = copied ? COPIED_ROWS : ROW_BLOCK;
    REAL panel[DEPTH_BLOCK * PANEL_REGISTERS * REGISTER_BYTES / sizeof(REAL)] __attribute__((aligned(REGISTER_BYTES)));
    for (Size i = C_rows.from; i < C_rows.to; i += row_block)
        for (Size from = 0; from < k; from += block) {
            const Size depth = min_size(k - from, block), n_rows = min_size(C_rows.to - i, row_block);
            const REAL *a = product->A + i * row_stride + from * column_stride;
            if (copied)
                T(copy_transposed)(a, n, n_rows, depth, copied, depth);
            for (Size j = C_columns.from; j < C_columns.to; j += PANEL) {
                const Size columns = min_size(C_columns.to - j, PANEL);
                const REAL *b = product->B + (transposed ? j * ldb + from : from * ldb + j);
                T(pack_panel)(b, ldb, transposed, product->scales ? product->scales + from : NULL, depth, columns, panel);
                T(gemm_panel)(copied ? copied : a, copied ? depth : row_stride, copied ? 1 : column_stride, panel, depth,
                              product->C + i * m + j, m, n_rows, columns, from ? 1 : product->beta);
            }
        }
}

/* A function of its own, so that other products need not so much of the stack. */
WIDE __attribute__((noinline)) static void T(multiply_copied)(const T(Product) *product)
{
    REAL copied[COPIED_ROWS * DEPTH_BLOCK];
    T(multiply_blocks)(product, copied);
}

/* The thread's part of a product; see Product. */
WIDE static void T(own_gemm)(const T(Product) *product)
{
    const int has_long_columns = product->transpose[0] == 'T' && product->shape[0] * sizeof(REAL) > LONG_COLUMN;
    if (REGISTER_BYTES == 32 && has_long_columns && range_size(product->columns) > PANEL)
        T(multiply_copied)(product);
    else
        T(multiply_blocks)(product, NULL);
}

#undef PANEL
#undef PANEL_REGISTERS
#undef KERNEL_ROWS
#undef NARROW_ROWS
#undef ROW_BLOCK
#undef COPIED_ROWS
#undef LONG_COLUMN
