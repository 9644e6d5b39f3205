/* The solvers' updates and the norms, in both precisions; see precision.h. */
#ifndef SKNEURAL_UPDATES_AND_NORMS_H
#define SKNEURAL_UPDATES_AND_NORMS_H

#include "precision.h"

#define REAL float
#define SQRT sqrtf
#include "updates.h"
#include "norms.h"
#undef REAL
#undef SQRT

#define REAL double
#define SQRT sqrt
#include "updates.h"
#include "norms.h"
#undef REAL
#undef SQRT

#endif
