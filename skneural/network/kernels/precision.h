/* One source for both precisions: `kernels.h` includes every file beside this one twice, with REAL defined as float
 * and as double. T(name) is the name of a function in that precision.
 *
 * VECTORIZED compiles a function once more for processors with 256-bit registers and fused multiply-add; which form
 * runs is decided when the module is loaded. Compilers that cannot do that compile the plain form alone. The flags
 * that relax IEEE arithmetic as a whole (-ffast-math and its kin) are never used: NaN must stay NaN. */
#ifndef SKNEURAL_PRECISION_H
#define SKNEURAL_PRECISION_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "registers.h"

#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 12 && defined(__x86_64__) && defined(__GLIBC__) \
    && !defined(SKNEURAL_PLAIN)
#define VECTORIZED __attribute__((target_clones("arch=x86-64-v3", "default")))
#else
#define VECTORIZED
#endif

#if defined(__GNUC__) || defined(__clang__)
#define INLINED static inline __attribute__((always_inline))
#define PREFETCH(address) __builtin_prefetch(address)
#else
#define INLINED static inline
#define PREFETCH(address) ((void)0)
#endif

#if defined(_MSC_VER) && !defined(__clang__)
#define RESTRICT __restrict
#else
#define RESTRICT restrict
#endif

#define JOINED(name, real) name##_##real
#define JOIN(name, real) JOINED(name, real)
#define T(name) JOIN(name, REAL)

typedef ptrdiff_t Size;

/* The sum of n numbers, in their order. */
static inline double sum_of(const double *x, Size n)
{
    double sum = 0;
    for (Size i = 0; i < n; i++)
        sum += x[i];
    return sum;
}

#endif
