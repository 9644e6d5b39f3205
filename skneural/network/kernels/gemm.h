/* Matrix products: by BLAS, or here on one thread, for processors whose registers hold several numbers (registers.h).
 *
 * BLAS libraries are made for large matrices: on small ones their preparations cost as much as the work, and their
 * threads get in the way of the caller's. Here B is packed panel by panel (k, 64 bytes wide), and blocks of 6 rows of
 * C, as wide as a panel, stay in registers while they are summed up: in 12 of the 16 registers of 32 bytes, or in 24
 * of the 32 of 16 bytes; the others hold a row of the panel and entries of A. Goto & van de Geijn 2008, without packing
 * A, whose rows are taken as many at a time as the second-level cache holds. Each entry of C is one chain of fused
 * multiply-adds along k, so all processors agree to the last bit. */

#define SMALL_GEMM ((Size)5 << 20) /* multiplications of a product that is not worth a second thread */

/* Whether a product of so many multiplications is made here, not by BLAS. */
static inline int T(uses_own_gemm)(const GemmDispatch *dispatch, Size n_multiplications)
{
#ifdef WIDE_REGISTERS
    return (dispatch->avoid_blas || n_multiplications <= SMALL_GEMM) && has_wide_registers();
#else
    (void)dispatch, (void)n_multiplications;
    return 0;
#endif
}

#ifdef WIDE_REGISTERS

#define PANEL_REGISTERS (64 / REGISTER_BYTES)
#define PANEL (PANEL_REGISTERS * LANES)
#define KERNEL_ROWS 6
#define NARROW_ROWS 8 /* where columns leave registers: fewer sums would wait for one another */
#define DEPTH_BLOCK 256 /* of a panel, so that it fits the first-level cache */
#define ROW_BLOCK ((Size)(2048 / sizeof(REAL))) /* rows of A that meet a panel: 512 KiB */

/* Up to NARROW_ROWS rows of a panel of C: C = A B + beta C, A with any strides, B packed. The first `columns` columns
 * of the panel belong to C; they lie in the first `registers`. */
WIDE INLINED void T(gemm_kernel)(
    const REAL *A, Size row_stride, Size column_stride, const REAL *B, Size depth, REAL *C, Size ldc, Size columns,
    REAL beta, const int rows, const int registers)
{
    T(Register) sums[NARROW_ROWS][PANEL_REGISTERS], b[PANEL_REGISTERS];
    for (int i = 0; i < rows; i++)
        for (int r = 0; r < registers; r++)
            sums[i][r] = (T(Register)){0};
    for (Size p = 0; p < depth; p++) {
        for (int r = 0; r < registers; r++)
            b[r] = *(const T(Register) *)(B + p * PANEL + r * LANES);
        for (int i = 0; i < rows; i++) {
            const REAL a = A[i * row_stride + p * column_stride];
            for (int r = 0; r < registers; r++)
                sums[i][r] += a * b[r];
            if (i % 3 == 2)
                LOAD_NO_EARLIER;
        }
    }
    for (int i = 0; i < rows; i++) {
        REAL *c = C + i * ldc;
        for (int r = 0; r < registers; r++, c += LANES) {
            if (r == registers - 1 && columns < registers * LANES) {
                for (int j = 0; j < LANES - 1 && j < columns - r * LANES; j++)
                    c[j] = beta ? sums[i][r][j] + beta * c[j] : sums[i][r][j];
            } else {
                T(Register) *out = (T(Register) *)c;
                if (beta) /* C may hold anything, NaN too, where beta is 0 */
                    sums[i][r] += beta * *out;
                *out = sums[i][r];
            }
        }
    }
}

/* panel[p, j] = B[j, p]. */
WIDE static void T(pack_transposed)(const REAL *B, Size ldb, Size depth, Size columns, REAL *RESTRICT panel)
{
    Size j = 0;
#ifdef HAS_SHUFFLE
    for (; j + LANES <= columns; j += LANES) {
        Size p = 0;
        for (; p + LANES <= depth; p += LANES) {
            T(Register) tile[LANES];
            for (int i = 0; i < LANES; i++)
                tile[i] = *(const T(Register) *)(B + (j + i) * ldb + p);
            T(transpose_tile)(tile);
            for (int i = 0; i < LANES; i++)
                *(T(Register) *)(panel + (p + i) * PANEL + j) = tile[i];
        }
        for (; p < depth; p++)
            for (int i = 0; i < LANES; i++)
                panel[p * PANEL + j + i] = B[(j + i) * ldb + p];
    }
#endif
    for (; j < columns; j++)
        for (Size p = 0; p < depth; p++)
            panel[p * PANEL + j] = B[j * ldb + p];
}

/* Copy columns of B, or of its transpose, into a panel. What lies there beyond the last column does not count: zeros,
 * or B's own numbers, since rows are copied in full width as long as this does not lead beyond B. */
WIDE static void T(pack_panel)(
    const REAL *B, Size ldb, int transposed, Size depth, Size columns, REAL *RESTRICT panel)
{
    const Size size = (depth - 1) * ldb + columns;
    Size full_rows = transposed ? 0 : depth;
    while (full_rows && (full_rows - 1) * ldb + PANEL > size)
        full_rows--;
    for (Size p = 0; p < full_rows; p++)
        for (Size j = 0; j < PANEL; j++)
            panel[p * PANEL + j] = B[p * ldb + j];
    if (columns < PANEL)
        memset(panel + full_rows * PANEL, 0, (depth - full_rows) * PANEL * sizeof(REAL));
    if (transposed)
        T(pack_transposed)(B, ldb, depth, columns, panel);
    else if (full_rows < depth)
        for (Size j = 0; j < columns; j++)
            for (Size p = full_rows; p < depth; p++)
                panel[p * PANEL + j] = B[p * ldb + j];
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
#define CASE(rows, registers) \
    case 16 * registers + rows: \
        for (int block = 0; block < n_left; block++, A += rows * row_stride, C += rows * ldc) \
            T(gemm_kernel)(A, row_stride, column_stride, B, depth, C, ldc, columns, beta, rows, registers); \
        break;
#define UP_TO_6_ROWS(registers) \
    CASE(1, registers) CASE(2, registers) CASE(3, registers) CASE(4, registers) CASE(5, registers) CASE(6, registers)
        switch (16 * registers + least_rows + is_larger) {
            UP_TO_6_ROWS(1) CASE(7, 1) CASE(8, 1) UP_TO_6_ROWS(2)
#if PANEL_REGISTERS == 4
            CASE(7, 2) CASE(8, 2) UP_TO_6_ROWS(3) CASE(7, 3) CASE(8, 3) UP_TO_6_ROWS(4)
#endif
        }
#undef UP_TO_6_ROWS
#undef CASE
    }
}

/* C = op(A) op(B) + beta C, row-major; shape is (rows of C, depth, columns of C). */
WIDE static void T(own_gemm)(
    const char *transpose, const REAL *A, const REAL *B, REAL beta, REAL *C, const Size shape[3])
{
    const Size n = shape[0], k = shape[1], m = shape[2];
    if (m == 1 && n > 1 && transpose[0] == 'T') { /* the same numbers are a row, Bᵀ A, and fill the registers */
        T(own_gemm)("NN", B, A, beta, C, (Size[3]){1, k, n});
        return;
    }
    const int transposed = transpose[1] == 'T';
    const Size ldb = transposed ? k : m;
    const Size row_stride = transpose[0] == 'T' ? 1 : k, column_stride = transpose[0] == 'T' ? n : 1;
    REAL panel[DEPTH_BLOCK * 2 * 32 / sizeof(REAL)] __attribute__((aligned(32)));
    for (Size i = 0; i < n; i += ROW_BLOCK)
        for (Size from = 0; from < k; from += DEPTH_BLOCK) {
            const Size depth = k - from < DEPTH_BLOCK ? k - from : DEPTH_BLOCK;
            const REAL *a = A + i * row_stride + from * column_stride;
            for (Size j = 0; j < m; j += PANEL) {
                const Size columns = m - j < PANEL ? m - j : PANEL;
                T(pack_panel)(B + (transposed ? j * ldb + from : from * ldb + j), ldb, transposed, depth, columns, panel);
                T(gemm_panel)(a, row_stride, column_stride, panel, depth, C + i * m + j, m,
                         n - i < ROW_BLOCK ? n - i : ROW_BLOCK, columns, from ? 1 : beta);
            }
        }
}

#undef PANEL
#undef PANEL_REGISTERS
#undef KERNEL_ROWS
#undef NARROW_ROWS
#undef DEPTH_BLOCK
#undef ROW_BLOCK

#endif

typedef void (*T(BlasGemm))(
    char *, char *, int *, int *, int *, REAL *, REAL *, int *, REAL *, int *, REAL *, REAL *, int *);

/* C = op(A) op(B) + beta C, row-major; `transpose` has an N or a T for A and one for B; shape is (rows of C, depth,
 * columns of C). Row-major means transposed to BLAS, which therefore computes Cᵀ = op(B)ᵀ op(A)ᵀ. */
static void T(gemm)(
    const GemmDispatch *dispatch, char *transpose, const REAL *A, const REAL *B, REAL beta, REAL *C,
    const Size shape[3])
{
#ifdef WIDE_REGISTERS
    if (T(uses_own_gemm)(dispatch, shape[0] * shape[1] * shape[2])) {
        T(own_gemm)(transpose, A, B, beta, C, shape);
        return;
    }
#endif
    int n = (int)shape[0], k = (int)shape[1], m = (int)shape[2];
    int lda = transpose[0] == 'T' ? n : k, ldb = transpose[1] == 'T' ? k : m;
    REAL one = 1;
    T(BlasGemm) blas_gemm = (T(BlasGemm))dispatch->blas_gemm;
    blas_gemm(transpose + 1, transpose, &m, &n, &k, &one, (REAL *)B, &ldb, (REAL *)A, &lda, &beta, C, &m);
}
