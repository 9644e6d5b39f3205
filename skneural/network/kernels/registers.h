/* The registers that hold several numbers, by the vector types of GCC and Clang, which read the same for any processor:
 *
 *     x86-64       16 registers of 32 bytes, if the processor has AVX2 and fused multiply-add (asked at run time)
 *     64-bit ARM   32 registers of 16 bytes (NEON, with fused multiply-add; each such processor has it)
 *
 * There and with these compilers WIDE_REGISTERS is defined. A function that uses the registers is marked WIDE, and is
 * called only if has_wide_registers(). Anywhere else the compiler makes of the plain loops what it can, and BLAS
 * multiplies the matrices. SKNEURAL_PLAIN asks for that everywhere: it is how the plain form is tested.
 *
 * MinGW is left out: it aligns the stack to 16 bytes, and registers of 32 bytes that are saved there end the process. */
#ifndef SKNEURAL_REGISTERS_H
#define SKNEURAL_REGISTERS_H

#if (defined(__GNUC__) || defined(__clang__)) && !defined(SKNEURAL_PLAIN)
#if defined(__x86_64__) && !defined(__MINGW32__)
#define WIDE_REGISTERS
#define REGISTER_BYTES 32
#define WIDE __attribute__((target("avx2,fma")))
#define LOAD_NO_EARLIER ((void)0)
#elif defined(__aarch64__) && defined(__ARM_NEON)
#define WIDE_REGISTERS
#define REGISTER_BYTES 16
#define WIDE
#define LOAD_NO_EARLIER __asm__ volatile("") /* GCC would load so much in advance that sums leave the registers */
#endif
#endif

#ifdef WIDE_REGISTERS

/* A register's type, REAL's size apart: any address will do, and any array may be read as registers. */
#define REGISTER_OF(real) real __attribute__((vector_size(REGISTER_BYTES), aligned(sizeof(real)), may_alias))

#if defined(__x86_64__) && defined(_MSC_VER) /* clang-cl, whose run-time library is not linked to Python's modules */
#include <intrin.h>
#endif

/* Before a loop over an array of registers, which are registers only once the loop is gone. Clang unrolls it unasked. */
#if defined(__clang__)
#define UNROLLED
#else
#define UNROLLED _Pragma("GCC unroll 32")
#endif

static inline int has_wide_registers(void)
{
#if defined(__x86_64__) && defined(_MSC_VER)
    int leaf_1[4], leaf_7[4];
    const int fma_osxsave_avx = 1 << 12 | 1 << 27 | 1 << 28;
    unsigned int enabled, high;
    __cpuid(leaf_1, 0);
    if (leaf_1[0] < 7)
        return 0;
    __cpuid(leaf_1, 1);
    __cpuidex(leaf_7, 7, 0);
    if ((leaf_1[2] & fma_osxsave_avx) != fma_osxsave_avx || !(leaf_7[1] & 1 << 5))
        return 0;
    __asm__("xgetbv" : "=a"(enabled), "=d"(high) : "c"(0));
    return (enabled & 6) == 6; /* the operating system saves the registers, all 32 bytes */
#elif defined(__x86_64__)
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
    return 1;
#endif
}

#endif
#endif
