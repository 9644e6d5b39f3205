/* What the passes work on, for both precisions: pointers lead to floats or doubles, sizes count entries.
 * The caller owns all memory. */
#ifndef SKNEURAL_PROGRAM_H
#define SKNEURAL_PROGRAM_H

#include "precision.h"

enum { IDENTITY, LOGISTIC, TANH, RELU, LEAKY_RELU, PRELU, ELU, MAXOUT, SELU, GELU, SILU, SOFTPLUS, MISH };
enum { MOST_SUMS = 13 }; /* of 16 registers, those that may hold sums while Maxout's gradient is taken */
enum { SOFTMAX_CROSS_ENTROPY, LOGISTIC_LOSS, SQUARED_ERROR, ABSOLUTE_ERROR, HUBER, POISSON };

/* Rows of the input. Dense: `data` and two strides. CSR, where `indptr` is not NULL: data, indices, indptr. */
typedef struct {
    const void *data;
    const int32_t *indices;
    const int64_t *indptr;
    Size row_stride, column_stride, n_features;
} Input;

/* Dropout: entries whose 16-bit random number is below the threshold become 0, the others are multiplied by `scale`.
 * Without dropout `drawn` is NULL. */
typedef struct {
    const uint16_t *drawn;
    int threshold;
    double scale;
} Mask;

/* Batch normalisation; without it `scale` is NULL. */
typedef struct {
    void *scale, *dscale;                          /* (width,) */
    void *running_mean, *running_variance, *count; /* (width,), (width,), (1,) */
    void *unit;                                    /* (n_rows, width): the normalised Z */
    void *mean, *variance, *inverse;               /* (width,): of the batch; 1 / sqrt(variance + epsilon) */
    double epsilon, newest;                        /* `newest` is the newest batch's share in the running statistics */
    Size n_rows;                                   /* of a full batch */
} Normal;

/* An affine map and what follows it. */
typedef struct {
    Size fan_in, width, units, pieces; /* width = units · pieces pre-activations */
    int activation, shares_slope;      /* PReLU may have one slope for all units */
    double setting;                    /* of the activation: its slope or alpha */
    void *W, *b, *learned, *dW, *db, *dlearned;
    Normal normal;
    Mask mask;
    void *Z;       /* (n_rows, width) */
    void *A;       /* (n_rows, units); Z itself where the activation works in place */
    void *dropped; /* (n_rows, units); A itself without dropout */
    void *dA;      /* (n_rows, units) */
    void *dZ;      /* (n_rows, width); dA itself with one piece */
    void *slopes;  /* (width,): PReLU's slopes, one per unit */
    void *dslopes; /* (width,): their gradients */
    void *norms;   /* (width,), scratch */
    uint64_t *won; /* (n_rows / 64 rounded up, width), scratch of Maxout's gradient; NULL elsewhere */
    void *sums;    /* (width rounded up to 8, MOST_SUMS · 32 bytes), scratch of the same */
} Layer;

/* What a loss sees. Row i counts with share[i], its weight over the number of rows; label[i] is its place in Y. */
typedef struct {
    void *F;           /* (n, k): raw output, replaced by the gradient of the mean loss */
    void *total;       /* (n,), scratch */
    void *share;       /* (n,) */
    const Size *label; /* (n,) */
    const void *Y;     /* class codes of type Size, or (n_rows, k) numbers */
    double setting;    /* label smoothing, or Huber's delta */
    Size n, k;
} Outputs;

/* Who makes matrix products. */
typedef struct {
    void *gemm; /* BLAS, in Fortran's convention */
    int alone;  /* whether BLAS is not to be asked: then all products that can be are made here */
} Products;

typedef struct {
    Products products;
    Layer *layers;
    Size n_layers;
    Input input;
    Mask input_mask;
    void *gathered;      /* (n_rows, n_features), for dense input */
    const void *weights; /* of the rows of the training set; NULL for equal ones */
    void *normal_share;  /* (n_rows,) */
    Outputs outputs;     /* F is the last layer's Z */
    int loss;
    double l1, l2;
} Program;

#endif
