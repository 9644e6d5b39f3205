/* Matrix products of all transposes and many sizes. */

static REAL *T(random_array)(Size size)
{
    REAL *x = malloc((size + 1) * sizeof(REAL)); /* malloc may return NULL for a size of 0 */
    for (Size i = 0; i < size; i++)
        x[i] = (REAL)uniform();
    return x;
}

/* What stands for BLAS: the same by plain loops, in Fortran's convention. */
static void T(loops_gemm)(
    char *transpose_A, char *transpose_B, int *n, int *m, int *k, REAL *alpha, REAL *A, int *lda, REAL *B, int *ldb,
    REAL *beta, REAL *C, int *ldc)
{
    for (int i = 0; i < *n; i++)
        for (int j = 0; j < *m; j++) {
            REAL sum = 0;
            for (int p = 0; p < *k; p++)
                sum += (*transpose_A == 'T' ? A[p + i * *lda] : A[i + p * *lda])
                    * (*transpose_B == 'T' ? B[j + p * *ldb] : B[p + j * *ldb]);
            C[i + j * *ldc] = *alpha * sum + (*beta ? *beta * C[i + j * *ldc] : 0);
        }
}

/* Entry (i, j) of C as gemm.h promises it: a chain of fused multiply-adds, anew in each of equal blocks of at most 256. */
static REAL T(chain)(const T(Product) *product, Size i, Size j, REAL c)
{
    const Size n = product->shape[0], k = product->shape[1], m = product->shape[2];
    const Size n_blocks = (k + 255) / 256, block = (k + n_blocks - 1) / n_blocks;
    for (Size from = 0; from < k; from += block) {
        const REAL factor = from ? 1 : product->beta;
        REAL sum = 0;
        for (Size p = from; p < k && p < from + block; p++) {
            const REAL a = product->A[product->transpose[0] == 'T' ? p * n + i : i * k + p];
            const REAL b = product->B[product->transpose[1] == 'T' ? j * k + p : p * m + j];
            const REAL scaled = b * (product->scales ? product->scales[p] : 1);
            sum = SINGLE ? fmaf(a, scaled, sum) : fma(a, scaled, sum);
        }
        c = factor ? (SINGLE ? fmaf(factor, c, sum) : fma(factor, c, sum)) : sum;
    }
    return c;
}

/* Make the product at once, or as four threads do, or at once in the registers that processors without WIDEST have, or
 * all of it in those of WIDEST. */
static void T(multiply)(T(Product) product, int how)
{
    const Size n_parts = how == IN_QUARTERS ? 2 : 1;
    for (int row = 0; row < n_parts; row++)
        for (int column = 0; column < n_parts; column++) {
            product.rows = part_of(&(Thread){NULL, row, n_parts}, product.shape[0], PRODUCT_ROWS);
            product.columns = part_of(&(Thread){NULL, column, n_parts}, product.shape[2], PRODUCT_ROWS);
#ifdef WIDE_REGISTERS
            if (how == IN_FEWER_LANES && has_wide_registers()) {
                T(own_gemm)(&product);
                continue;
            }
#endif
#ifdef WIDEST
            if (how == IN_MOST_LANES && has_widest_registers()) {
                T(own_gemm_512)(&product);
                continue;
            }
#endif
            T(gemm)(T(loops_gemm), &product);
        }
}

static void T(check_product)(const char *transpose, Size n, Size k, Size m, REAL beta, int has_scales, int how)
{
    REAL *A = T(random_array)(n * k), *B = T(random_array)(k * m), *C = T(random_array)(n * m + 1);
    REAL *before = malloc((n * m + 1) * sizeof(REAL)), *scales = T(random_array)(k);
    const T(Product) product = {transpose, A, B, C, beta, has_scales ? scales : NULL, {n, k, m}, {0, 0}, {0, 0}};
    if (!beta)
        for (Size i = 0; i < n * m; i++)
            C[i] = (REAL)NAN; /* where beta is 0, C is not read */
    memcpy(before, C, (n * m + 1) * sizeof(REAL));
    T(multiply)(product, how);
    for (Size i = 0; i < n; i++)
        for (Size j = 0; j < m; j++)
            compare("gemm", C[i * m + j], T(chain)(&product, i, j, before[i * m + j]),
                    T(uses_own_gemm)() ? 0 : (SINGLE ? 1e-4 : 1e-12));
    compare("the entry behind gemm's C", C[n * m], before[n * m], 0);
    free(A), free(B), free(C), free(before), free(scales);
}

static void T(check_products)(const char *transpose, int has_scales, int how)
{
    const Size rows[] = {1, 2, 3, 5, 7, 8, 9, 13, 17}, depths[] = {1, 9, 32, 300};
    for (int i = 0; i < 9; i++)
        for (int d = 0; d < 4; d++)
            for (Size m = 1; m < 70; m += m < 18 ? 1 : 5)
                for (int beta = 0; beta < 3; beta++)
                    if (depths[d] <= 32 || beta == 1) /* many numbers take long */
                        T(check_product)(transpose, rows[i], depths[d], m, (REAL)beta / 2, has_scales, how);
    T(check_product)(transpose, 1030, 20, 17, 1, has_scales, how); /* more rows than a block has */
    T(check_product)(transpose, 520, 300, 20, 1, has_scales, how); /* whose transposed A is copied */
    for (Size m = 16; m < 34; m++) /* with registers of all widths in one product */
        T(check_product)(transpose, 32, 64, m, 0, has_scales, how);
}

static void T(check_gemm)(void)
{
    for (int how = WHOLE; how <= IN_MOST_LANES; how++) {
        T(check_products)("NN", 0, how);
        T(check_products)("NT", 0, how);
        T(check_products)("TN", 0, how);
        T(check_products)("TT", 0, how);
        if (T(uses_own_gemm)())
            T(check_products)("NN", 1, how);
    }
    report(SINGLE ? "gemm, float" : "gemm, double");
}
