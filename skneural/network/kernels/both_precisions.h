/* All kernels, in both precisions; see precision.h. */
#ifndef SKNEURAL_BOTH_PRECISIONS_H
#define SKNEURAL_BOTH_PRECISIONS_H

#include "network_plan.h"

#define REAL float
#define SINGLE 1
#include "vector_math.h"
#include "penalties.h"
#include "dropout.h"
#include "input_rows.h"
#include "losses.h"
#include "batch_normalization.h"
#include "transpose.h"
#include "gemm_dispatch.h"
#include "maxout.h"
#include "activations.h"
#include "affine.h"
#include "forward_backward.h"
#include "prediction.h"
#undef REAL
#undef SINGLE

#define REAL double
#define SINGLE 0
#include "vector_math.h"
#include "penalties.h"
#include "dropout.h"
#include "input_rows.h"
#include "losses.h"
#include "batch_normalization.h"
#include "transpose.h"
#include "gemm_dispatch.h"
#include "maxout.h"
#include "activations.h"
#include "affine.h"
#include "forward_backward.h"
#include "prediction.h"
#undef REAL
#undef SINGLE

#endif
