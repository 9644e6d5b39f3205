/* The kernels in both precisions; see precision.h. */
#ifndef SKNEURAL_KERNELS_H
#define SKNEURAL_KERNELS_H

#include "program.h"

#define SMALL ((Size)5 << 20) /* multiplications of a product that is not worth a second thread */

/* Whether a product of so many multiplications is made here, not by BLAS. */
static inline int made_here(const Products *by, Size multiplications)
{
#ifdef WIDE_REGISTERS
    return (by->alone || multiplications <= SMALL) && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
    (void)by, (void)multiplications;
    return 0;
#endif
}

#define REAL float
#define SINGLE 1
#include "vector_math.h"
#include "activations.h"
#include "losses.h"
#include "layers.h"
#include "product.h"
#include "winners.h"
#include "passes.h"
#undef REAL
#undef SINGLE
#undef LARGEST_EXPONENT
#undef SMALLEST_EXPONENT

#define REAL double
#define SINGLE 0
#include "vector_math.h"
#include "activations.h"
#include "losses.h"
#include "layers.h"
#include "product.h"
#include "winners.h"
#include "passes.h"
#undef REAL
#undef SINGLE
#undef LARGEST_EXPONENT
#undef SMALLEST_EXPONENT

#endif
