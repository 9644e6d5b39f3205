/* The kernels in both precisions; see precision.h. */
#ifndef SKNEURAL_KERNELS_H
#define SKNEURAL_KERNELS_H

#include "network_plan.h"

#define REAL float
#define SINGLE 1
#include "vector_math.h"
#include "losses.h"
#include "penalties.h"
#include "dropout.h"
#include "batch_normalization.h"
#include "tile.h"
#include "gemm_dispatch.h"
#include "maxout.h"
#include "activations.h"
#include "pass.h"
#include "affine.h"
#include "segment_gradients.h"
#include "forward_backward.h"
#undef REAL
#undef SINGLE

#define REAL double
#define SINGLE 0
#include "vector_math.h"
#include "losses.h"
#include "penalties.h"
#include "dropout.h"
#include "batch_normalization.h"
#include "tile.h"
#include "gemm_dispatch.h"
#include "maxout.h"
#include "activations.h"
#include "pass.h"
#include "affine.h"
#include "segment_gradients.h"
#include "forward_backward.h"
#undef REAL
#undef SINGLE

#endif
