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

/* An entry of C as gemm.h promises it: a chain of fused multiply-adds, anew after each 256 steps. */
static REAL T(chain)(const REAL *a, Size a_stride, const REAL *b, Size b_stride, Size k, REAL beta, REAL c)
{
    for (Size from = 0; from < k; from += 256) {
        REAL sum = 0;
        for (Size p = from; p < k && p < from + 256; p++)
            sum = SINGLE ? fmaf(a[p * a_stride], b[p * b_stride], sum) : fma(a[p * a_stride], b[p * b_stride], sum);
        const REAL factor = from ? 1 : beta;
        c = factor ? (SINGLE ? fmaf(factor, c, sum) : fma(factor, c, sum)) : sum;
    }
    return c;
}

static void T(check_product)(char *transpose, Size n, Size k, Size m, REAL beta)
{
    const GemmDispatch dispatch = {.blas_gemm = T(loops_gemm), .avoid_blas = 1};
    const int exact = T(uses_own_gemm)(&dispatch, 0), A_T = transpose[0] == 'T', B_T = transpose[1] == 'T';
    REAL *A = T(random_array)(n * k), *B = T(random_array)(k * m), *C = T(random_array)(n * m + 1);
    REAL *before = malloc((n * m + 1) * sizeof(REAL));
    if (!beta)
        for (Size i = 0; i < n * m; i++)
            C[i] = (REAL)NAN; /* where beta is 0, C is not read */
    memcpy(before, C, (n * m + 1) * sizeof(REAL));
    T(gemm)(&dispatch, transpose, A, B, beta, C, (Size[3]){n, k, m});
    for (Size i = 0; i < n; i++)
        for (Size j = 0; j < m; j++) {
            const REAL expected = T(chain)(A + (A_T ? i : i * k), A_T ? n : 1, B + (B_T ? j * k : j), B_T ? 1 : m, k,
                                           beta, before[i * m + j]);
            compare("gemm", C[i * m + j], expected, exact ? 0 : (SINGLE ? 1e-4 : 1e-12));
        }
    compare("the entry behind gemm's C", C[n * m], before[n * m], 0);
    free(A), free(B), free(C), free(before);
}

static void T(check_gemm)(void)
{
    const Size rows[] = {1, 2, 3, 4, 5, 6, 7, 12, 13, 29}, depths[] = {1, 2, 9, 32, 300};
    char *transposes[] = {"NN", "NT", "TN", "TT"};
    for (int t = 0; t < 4; t++)
        for (int i = 0; i < 10; i++)
            for (int d = 0; d < 5; d++)
                for (Size m = 1; m < 36; m += m < 18 ? 1 : 3)
                    for (int beta = 0; beta < 3; beta++)
                        T(check_product)(transposes[t], rows[i], depths[d], m, (REAL)beta / 2);
    T(check_product)("NN", 1030, 20, 17, 1); /* more rows than a block has */
    T(check_product)("TN", 1030, 20, 17, 0);
    report(SINGLE ? "gemm, float" : "gemm, double");
}
