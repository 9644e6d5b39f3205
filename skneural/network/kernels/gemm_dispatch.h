/* Which matrix product is used: that of gemm.h, in the registers that suit it, or BLAS. A thread of a team
 * makes some rows and columns of C. BLAS has threads of its own, so that a team that calls it has one. */

#define DEPTH_BLOCK 256 /* of the panels of gemm.h, which so fit the first-level cache */
#define PRODUCT_ROWS 8 /* a thread's part of the rows of C: as many at a time as registers hold */

#ifndef SKNEURAL_MATMUL_ARGUMENTS_H
#define SKNEURAL_MATMUL_ARGUMENTS_H

/* Z = A W, which a team makes. */
typedef struct {
    void *blas_gemm;
    const void *A, *W;
    void *Z;
    Size shape[3]; /* rows of A, depth, columns of W */
} MatmulArguments;

#endif

/* C = op(A) op(B) + beta C, row-major: these rows and columns of C. */
typedef struct {
    const char *transpose; /* an N or a T for A and one for B */
    const REAL *A, *B;
    REAL *C;
    REAL beta;
    const REAL *scales; /* (depth,): of the rows of B, which is not transposed then; NULL for none, and with BLAS */
    Size shape[3];      /* rows of C, depth, columns of C */
    Range rows, columns;
} T(Product);

#ifdef WIDE_REGISTERS

#include "gemm.h"

#ifdef WIDEST
#pragma push_macro("WIDE")
#pragma push_macro("REGISTER_BYTES")
#undef WIDE
#undef REGISTER_BYTES
#define WIDE WIDEST
#define REGISTER_BYTES 64
#define Register Register_512
#define transpose_tile transpose_tile_512
#define copy_few copy_few_512
#define gemm_kernel gemm_kernel_512
#define gemm_panel gemm_panel_512
#define copy_transposed copy_transposed_512
#define pack_panel pack_panel_512
#define multiply_blocks multiply_blocks_512
#define multiply_copied multiply_copied_512
#define own_gemm own_gemm_512
#include "transpose.h"
#include "gemm.h"
#undef Register
#undef transpose_tile
#undef copy_few
#undef gemm_kernel
#undef gemm_panel
#undef copy_transposed
#undef pack_panel
#undef multiply_blocks
#undef multiply_copied
#undef own_gemm
#pragma pop_macro("REGISTER_BYTES")
#pragma pop_macro("WIDE")

#define MIN_WIDEST_PRODUCT (1 << 15) /* multiplications; on Zen 4, smaller layers took 4 % less time without */

/* The thread's part of a product: in the widest registers, except for small products, and for last columns that fill at
 * most half a register. To many processors a wide register is as much work as two of half the width, full or not. */
static void T(widest_gemm)(const T(Product) *product)
{
    const Size *shape = product->shape, half = 32 / sizeof(REAL);
    const Size rest = range_size(product->columns) % (2 * half);
    if (shape[0] * shape[1] * shape[2] < MIN_WIDEST_PRODUCT) {
        T(own_gemm)(product);
    } else if (!rest || rest > half) {
        T(own_gemm_512)(product);
    } else {
        T(Product) widest = *product, narrower = *product;
        widest.columns.to = narrower.columns.from = product->columns.to - rest;
        T(own_gemm_512)(&widest);
        T(own_gemm)(&narrower);
    }
}
#endif

#endif

/* Whether products are made by gemm.h, not by BLAS. */
static inline int T(uses_own_gemm)(void)
{
#ifdef WIDE_REGISTERS
    return has_wide_registers();
#else
    return 0;
#endif
}

typedef void (*T(BlasGemm))(
    char *, char *, int *, int *, int *, REAL *, REAL *, int *, REAL *, int *, REAL *, REAL *, int *);

/* Row-major means transposed to BLAS, which therefore computes Cᵀ = op(B)ᵀ op(A)ᵀ. */
static void T(blas_gemm)(void *blas_gemm, const T(Product) *product)
{
    const Range rows = product->rows, columns = product->columns;
    const int A_transposed = product->transpose[0] == 'T', B_transposed = product->transpose[1] == 'T';
    int n = (int)range_size(rows), k = (int)product->shape[1], m = (int)range_size(columns);
    int lda = A_transposed ? (int)product->shape[0] : k, ldc = (int)product->shape[2], ldb = B_transposed ? k : ldc;
    char transpose_A = product->transpose[0], transpose_B = product->transpose[1];
    const REAL *A = product->A + rows.from * (A_transposed ? 1 : lda);
    const REAL *B = product->B + columns.from * (B_transposed ? ldb : 1);
    REAL one = 1, beta = product->beta, *C = product->C + rows.from * ldc + columns.from;
    if (n && m)
        ((T(BlasGemm))blas_gemm)(&transpose_B, &transpose_A, &m, &n, &k, &one, (REAL *)B, &ldb, (REAL *)A, &lda, &beta, C,
                                 &ldc);
}

#ifdef WIDE_REGISTERS
/* A product in the registers that suit it. */
static void T(gemm_in_registers)(const T(Product) *product)
{
    const Size *shape = product->shape;
    if (shape[2] == 1 && shape[0] > 1 && product->transpose[0] == 'T' && !product->scales) {
        /* the same numbers as a row, Bᵀ A, which fills registers */
        T(gemm_in_registers)(&(T(Product)){"NN", product->B, product->A, product->C, product->beta, NULL,
                                           {1, shape[1], shape[0]}, product->columns, product->rows});
        return;
    }
#ifdef WIDEST
    if (has_widest_registers()) {
        T(widest_gemm)(product);
        return;
    }
#endif
    T(own_gemm)(product);
}
#endif

static void T(gemm)(void *blas_gemm, const T(Product) *product)
{
#ifdef WIDE_REGISTERS
    if (T(uses_own_gemm)()) {
        T(gemm_in_registers)(product);
        return;
    }
#endif
    T(blas_gemm)(blas_gemm, product);
}

/* The thread's rows of Z. */
static void T(matmul_in_team)(void *context, int index, int n_threads)
{
    const MatmulArguments *arguments = context;
    const Size n = arguments->shape[0], depth = arguments->shape[1], width = arguments->shape[2];
    const Range rows = part_of(&(Thread){NULL, index, n_threads}, n, PRODUCT_ROWS);
    T(gemm)(arguments->blas_gemm, &(T(Product)){"NN", arguments->A, arguments->W, arguments->Z, 0, NULL,
                                                {n, depth, width}, rows, {0, width}});
}

/* The thread's part of C, (n, width), where threads share out rows and columns: whole blocks of registers, so that the
 * parts take about equally long. */
typedef struct {
    Range rows, columns;
} T(ProductPart);

static T(ProductPart) T(product_part_of)(const Thread *thread, Size n, Size width)
{
    const Size height = PRODUCT_ROWS, columns = 128 / sizeof(REAL), n_threads = thread->n_threads;
    const Size rows_of_blocks = (n + height - 1) / height, columns_of_blocks = (width + columns - 1) / columns;
    Size across = 1, least = rows_of_blocks * columns_of_blocks + 1;
    for (Size i = 1; i <= n_threads; i++) { /* i threads side by side, the others below them */
        const Size down = n_threads / i;
        const Size blocks = ((rows_of_blocks + down - 1) / down) * ((columns_of_blocks + i - 1) / i);
        if (blocks < least) {
            least = blocks;
            across = i;
        }
    }
    const Size down = n_threads / across;
    if (thread->index >= across * down)
        return (T(ProductPart)){{0, 0}, {0, 0}};
    const Thread row = {NULL, (int)(thread->index / across), (int)down};
    const Thread column = {NULL, (int)(thread->index % across), (int)across};
    return (T(ProductPart)){part_of(&row, n, height), part_of(&column, width, columns)};
}
