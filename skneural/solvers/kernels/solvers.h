/* The updates in both precisions; see precision.h. 1 - beta is taken in the caller's double precision: in single
 * precision 1 - 0.999f is off by 5e-5. */
#ifndef SKNEURAL_SOLVERS_H
#define SKNEURAL_SOLVERS_H

#include "precision.h"

#define REAL float
#define SQRT sqrtf
#include "updates.h"
#undef REAL
#undef SQRT

#define REAL double
#define SQRT sqrt
#include "updates.h"
#undef REAL
#undef SQRT

#endif
