/* The registers that hold several numbers, by the vector types of GCC and Clang, which read the same for any processor:
 *
 *     x86-64       16 registers of 32 bytes, if the processor has AVX2 and fused multiply-add (asked at run time);
 *                  32 of 64 bytes for larger matrix products, if it has AVX-512
 *     64-bit ARM   32 registers of 16 bytes (NEON, with fused multiply-add; each such processor has it)
 *
 * There and with these compilers WIDE_REGISTERS is defined. A function that uses the registers is marked WIDE, and is
 * called only if has_wide_registers(). Where WIDEST is defined too, gemm_dispatch.h includes some functions once more
 * with registers of 64 bytes, which are called only if has_widest_registers(). Anywhere else the compiler makes of the
 * plain loops what it can, and BLAS multiplies the matrices. SKNEURAL_PLAIN asks for that everywhere: it is how the
 * plain form is tested.
 *
 * MinGW is left out: it aligns the stack to 16 bytes, so that saving a register of 32 bytes there ends the process. */
#ifndef SKNEURAL_REGISTERS_H
#define SKNEURAL_REGISTERS_H

/* VECTORIZED leaves the registers to the compiler, which compiles a function once more for processors with 256-bit
 * registers and fused multiply-add; which form runs is decided when the module is loaded. Compilers that cannot do that
 * compile the plain form alone. */
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 12 && defined(__x86_64__) && defined(__GLIBC__) \
    && !defined(SKNEURAL_PLAIN)
#define VECTORIZED __attribute__((target_clones("arch=x86-64-v3", "default")))
#else
#define VECTORIZED
#endif

#if (defined(__GNUC__) || defined(__clang__)) && !defined(SKNEURAL_PLAIN)
#if defined(__x86_64__) && !defined(__MINGW32__)
#define WIDE_REGISTERS
#define REGISTER_BYTES 32
#define WIDE __attribute__((target("avx2,fma")))
#if !defined(_MSC_VER)
#define WIDEST __attribute__((target("avx512f")))
#endif
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

/* Clang, and GCC from version 12 on, can shuffle the numbers of two registers. */
#ifdef __has_builtin
#if __has_builtin(__builtin_shufflevector)
#define HAS_SHUFFLE
#endif
#endif

/* Before a loop over an array of registers, which are registers only once the loop is gone. Clang does it unasked. */
#if defined(__clang__)
#define UNROLLED
#else
#define UNROLLED _Pragma("GCC unroll 32")
#endif

#if defined(__x86_64__) && defined(_MSC_VER) /* clang-cl: Microsoft's libraries lack what Clang would ask */
#include <cpuid.h>

static inline int has_avx2_and_fma(void)
{
    const unsigned int fma_osxsave_avx = 1u << 12 | 1u << 27 | 1u << 28, avx2 = 1u << 5, saved = 1u << 1 | 1u << 2;
    unsigned int a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || (c & fma_osxsave_avx) != fma_osxsave_avx)
        return 0;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(b & avx2))
        return 0;
    __asm__("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
    return (a & saved) == saved; /* the system saves all 32 bytes when it turns to another process */
}
#endif

static inline int has_wide_registers(void)
{
#if defined(__aarch64__)
    return 1;
#elif defined(_MSC_VER)
    static int answer = -1; /* asked once: under a hypervisor the question costs as much as a small product */
    if (answer < 0)
        answer = has_avx2_and_fma();
    return answer;
#else
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
}

#ifdef WIDEST
static inline int has_widest_registers(void)
{
    return __builtin_cpu_supports("avx512f");
}
#endif

#endif
#endif
