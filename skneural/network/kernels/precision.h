/* One source for both precisions: `both_precisions.h` includes each file of kernels twice, with REAL defined as float
 * and as double. T(name) is the name of a function in that precision.
 *
 * INLINED, RESTRICT and PREFETCH hide how each compiler says it. The flags that relax IEEE arithmetic as a whole
 * (-ffast-math and its kin) are never used: NaN must stay NaN. */
#ifndef SKNEURAL_PRECISION_H
#define SKNEURAL_PRECISION_H

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "registers.h"
#include "sizes.h"

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

#endif
