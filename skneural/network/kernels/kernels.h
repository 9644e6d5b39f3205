/* The kernels in both precisions; see precision.h. */
#ifndef SKNEURAL_KERNELS_H
#define SKNEURAL_KERNELS_H

#include "program.h"

#define SMALL ((Size)5 << 20) /* multiplications of a product that is not worth a second thread */

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
