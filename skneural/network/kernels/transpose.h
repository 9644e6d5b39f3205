/* Registers of REALs, LANES in each, and transposes: of a tile of as many registers, and of a matrix. */

#undef LANES
#ifdef WIDE_REGISTERS

#define LANES (REGISTER_BYTES / (SINGLE ? 4 : 8))

typedef REGISTER_OF(REAL) T(Register);

#ifdef HAS_SHUFFLE

/* In the square that the registers are, exchange blocks of h x h beside the diagonal, in each square of 2h x 2h. */
#define EXCHANGE(h, LOWER, UPPER) \
    for (int i = 0; i < LANES; i++) \
        if (!(i & h)) { \
            const T(Register) above = tile[i], below = tile[i + h]; \
            tile[i] = __builtin_shufflevector(above, below, LOWER); \
            tile[i + h] = __builtin_shufflevector(above, below, UPPER); \
        }
#if LANES == 16
#define LOWER_8 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23
#define UPPER_8 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31
#define LOWER_4 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27
#define UPPER_4 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31
#define LOWER_2 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29
#define UPPER_2 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31
#define LOWER_1 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30
#define UPPER_1 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31
#elif LANES == 8
#define LOWER_4 0, 1, 2, 3, 8, 9, 10, 11
#define UPPER_4 4, 5, 6, 7, 12, 13, 14, 15
#define LOWER_2 0, 1, 8, 9, 4, 5, 12, 13
#define UPPER_2 2, 3, 10, 11, 6, 7, 14, 15
#define LOWER_1 0, 8, 2, 10, 4, 12, 6, 14
#define UPPER_1 1, 9, 3, 11, 5, 13, 7, 15
#elif LANES == 4
#define LOWER_2 0, 1, 4, 5
#define UPPER_2 2, 3, 6, 7
#define LOWER_1 0, 4, 2, 6
#define UPPER_1 1, 5, 3, 7
#else
#define LOWER_1 0, 2
#define UPPER_1 1, 3
#endif

WIDE INLINED void T(transpose_tile)(T(Register) *tile)
{
#if LANES >= 16
    EXCHANGE(8, LOWER_8, UPPER_8)
#endif
#if LANES >= 8
    EXCHANGE(4, LOWER_4, UPPER_4)
#endif
#if LANES >= 4
    EXCHANGE(2, LOWER_2, UPPER_2)
#endif
    EXCHANGE(1, LOWER_1, UPPER_1)
}

#undef EXCHANGE
#undef LOWER_8
#undef UPPER_8
#undef LOWER_4
#undef UPPER_4
#undef LOWER_2
#undef UPPER_2
#undef LOWER_1
#undef UPPER_1

#endif

/* out[p, j] = B[j, p]. */
WIDE static void T(copy_transposed)(
    const REAL *B, Size ldb, Size depth, Size columns, REAL *RESTRICT out, const Size ld_out)
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
                *(T(Register) *)(out + (p + i) * ld_out + j) = tile[i];
        }
        for (; p < depth; p++)
            for (int i = 0; i < LANES; i++)
                out[p * ld_out + j + i] = B[(j + i) * ldb + p];
    }
#endif
    for (; j < columns; j++)
        for (Size p = 0; p < depth; p++)
            out[p * ld_out + j] = B[j * ldb + p];
}

#endif
