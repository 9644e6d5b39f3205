/* A network, its buffers and a pass through it as the kernels see them, in both precisions: `void *` leads to floats or
 * doubles, sizes count entries. n_rows is the number of rows that pass together, at most. All memory belongs to the
 * caller, fused.pyx: parameters and gradients are views on flat vectors, everything else are buffers, of which each
 * segment has its part or its own. What only training needs is NULL in a prediction: gradients, row weights, dropout, and
 * what the backward pass remembers. */
#ifndef SKNEURAL_NETWORK_PLAN_H
#define SKNEURAL_NETWORK_PLAN_H

#include "precision.h"
#include "team.h"

enum { IDENTITY, LOGISTIC, TANH, RELU, LEAKY_RELU, PRELU, ELU, MAXOUT, SELU, GELU, SILU, SOFTPLUS, MISH };
enum { SOFTMAX_CROSS_ENTROPY, LOGISTIC_LOSS, SQUARED_ERROR, ABSOLUTE_ERROR, HUBER, QUANTILE, POISSON };

/* Rows of the input, X. Dense: `data` and two strides. CSR, where `indptr` is not NULL: data, indices, indptr. */
typedef struct {
    const void *data;
    const int32_t *indices;
    const int64_t *indptr;
    Size row_stride, column_stride, n_features;
} InputRows;

/* Dropout: entries become 0 where the hash of their number is below the threshold, and are multiplied by `scale`
 * elsewhere; see dropout.h. `key_number` tells which of a pass's keys is the mask's, from 1 on; 0 without dropout. */
typedef struct {
    int key_number, threshold;
    double scale;
} Dropout;

/* Batch normalisation; `scale` is NULL without it. The shift is the layer's bias. */
typedef struct {
    void *scale, *dscale;                                /* (width,) */
    void *running_mean, *running_variance, *batch_count; /* (width,), (width,), (1,) */
    void *normalized;                                    /* (n_rows, width): (Z - mean) · inv_std */
    void *segment_mean, *segment_variance;               /* (width,): of the segment's rows; the second times weight */
    void *mean, *variance, *inv_std;                     /* (width,): of the batch; 1 / sqrt(variance + epsilon) */
    void *dshift_sum, *dscale_sum;                       /* (width,): the gradients, of all segments */
    double epsilon, momentum;                            /* momentum: the newest batch's part in a running statistic */
    Size batch_size;                                     /* rows of a full batch */
} BatchNorm;

/* An affine map, and the normalisation, activation and dropout behind it.
 *
 * Some buffers are one and the same:
 *     activations that work in place         A is Z, dZ is dA
 *     PReLU, GELU, SiLU, Mish                dZ is dA; in Z are slopes, or for PReLU their gradient row by row
 *     Maxout                                 all four are different
 *     last layer                             Z, then dZ: the loss replaces raw outputs by their gradient; no A, no dA
 */
typedef struct {
    Size fan_in, width, n_units, n_pieces; /* width = n_units · n_pieces; n_pieces is 1 for all but Maxout */
    Size n_matrices;                       /* in W, one below the other: n_members in the last layer, else 1 */
    int activation, shares_slope;          /* shares_slope: one slope for all units of a PReLU layer */
    double activation_parameter;           /* LeakyReLU's negative_slope or ELU's alpha; 0 for the others */
    void *W, *b, *activation_params;       /* (n_matrices, fan_in, width), (n_matrices, width), (n_units,) or (1,) */
    void *dW, *db, *dactivation_params;    /* of the same shapes; the backward pass adds to the last two */
    void *member_scales, *dmember_scales;  /* (n_members, fan_in): of the first layer; NULL for a single member */
    void *member_matrix;                   /* (fan_in, width): scratch of affine.h; NULL without scales */
    BatchNorm batch_norm;
    Dropout dropout;
    void *Z;               /* (n_rows, width): pre-activations; what replaces them is said in activations.h, maxout.h */
    void *A;               /* (n_rows, n_units): activations */
    void *output;          /* (n_rows, n_units): A after dropout, the next layer's input; A itself without dropout */
    void *dA;              /* (n_rows, n_units) */
    void *dZ;              /* (n_rows, width) */
    void *column_norms;    /* (width,): scratch of max_norm_project */
    uint64_t *argmax_bits; /* (n_rows / 64 rounded up, width): scratch of maxout.h; NULL where it is not used */
    void *maxout_sums;     /* (width rounded up to 8, MAX_PIECE_REGISTERS · 32 bytes): scratch of maxout.h */
} Layer;

/* Whether A replaces Z, because the slope can be computed from A; see activations.h. */
static inline int works_in_place(int activation)
{
    switch (activation) {
    case PRELU:
    case MAXOUT:
    case GELU:
    case SILU:
    case MISH: return 0;
    default: return 1;
    }
}

/* A batch as the loss sees it. The loss of row i counts with row_weight[i]. */
typedef struct {
    void *F;               /* (n_rows, n_outputs): raw outputs, replaced by the gradient of the mean loss */
    void *scratch;         /* (n_rows,): of the losses */
    void *row_weight;      /* (n_rows,): sample weight / n_rows */
    double *row_loss;      /* (n_rows,): the losses, times row_weight */
    const void *Y;         /* class codes of type Size, or (n_samples, n_outputs) numbers */
    const void *loss_parameters; /* (n_outputs,): label smoothing, Huber's delta, or quantiles; 0 for the others */
    Size n_outputs;
} LossBatch;

/* A part of each batch: some of its rows, or some of several members with all rows. Its layers lead to where its rows
 * lie in the buffers, and to gradients of its own: those in shared parameters from its rows alone. Gradients in what
 * belongs to one member are the network's own in all segments. */
typedef struct {
    Layer *layers; /* (n_layers,) */
    Size first_member, n_members;
    void *gradient;          /* (n_parameters,): flat; the network's own in the first segment */
    void *gathered;          /* (n_rows, n_features): copied rows of a dense input, with input dropout those of each
                                member; NULL for CSR */
    Size *member_rows;       /* (n_rows,): the rows of a batch for each member; NULL for a single one */
    void *normalized_weight; /* (n_rows,): sample weights over the batch's sum, for batch normalisation */
    LossBatch loss_batch;
    double weight; /* the sum of the normalised weights */
    double loss;   /* the segment's part of the mean loss */
} Segment;

#define MAX_SEGMENTS 16 /* of a batch; see fused.pyx */

typedef struct {
    void *blas_gemm; /* BLAS's function, in Fortran's convention; see gemm_dispatch.h */
    Layer *layers;   /* in training those of the first segment */
    Size n_layers;
    InputRows input;
    Dropout input_dropout;
    Size n_members;            /* networks that share the hidden layers */
    const void *sample_weight; /* (n_samples,): mean 1 over the training rows; NULL for equal weights */
    int loss;
    double l1, l2;
    Segment *segments; /* (n_segments,): a single one in a prediction */
    Size n_segments;
    Size segment_rows; /* of a single member; several share out among segments, with all rows */
    Size n_weights, n_parameters; /* the gradient's entries: those of the weights come first */
    Team team;
} NetworkPlan;

/* Whether a pass has all rows of its members, one below the other, as all segments together have in memory. One member
 * at a time stays in the cache, but batch normalisation is over the rows of all, and Maxout's own weight gradient does
 * not add to another. */
static inline int members_pass_together(const NetworkPlan *plan)
{
    if (plan->n_members == 1)
        return 1;
    for (const Layer *layer = plan->layers; layer < plan->layers + plan->n_layers - 1; layer++)
        if (layer->batch_norm.scale || layer->activation == MAXOUT)
            return 1;
    return 0;
}

/* A thread's pass over a batch: over the rows of some segments, or over those of one member at a time. */
typedef struct {
    const NetworkPlan *plan;
    const Thread *thread;
    const Segment *memory; /* the first of the thread's segments: its buffers hold the pass's rows from there on */
    const Layer *layers;   /* of that segment */
    Range segments;
    Size n_segments;  /* which the batch has; full ones, but for the last */
    const Size *rows; /* (n_rows,): their numbers in the input */
    const uint32_t *dropout_keys;
    const void *X;          /* these rows; NULL for CSR */
    const void *row_weight; /* for batch normalisation; NULL for equal weights */
    Size n_rows;            /* for each member */
    Size first_row;         /* where they begin in the batch, which has batch_rows */
    Size batch_rows;
    Size first_member, n_members; /* the rows of one below those of another */
} Pass;

static inline Size n_pass_rows(const Pass *pass)
{
    return pass->n_members * pass->n_rows;
}

static inline Segment *segment_of(const Pass *pass, Size number)
{
    return pass->plan->segments + number;
}

/* Those of the pass's rows that belong to a segment. */
static inline Range rows_of_segment(const Pass *pass, Size number)
{
    const Segment *segment = segment_of(pass, number);
    if (pass->plan->n_members == 1) {
        const Size from = (number - pass->segments.from) * pass->plan->segment_rows;
        return (Range){from, min_size(from + pass->plan->segment_rows, pass->n_rows)};
    }
    const Size from = max_size(segment->first_member - pass->first_member, 0);
    const Size to = min_size(segment->first_member + segment->n_members - pass->first_member, pass->n_members);
    return (Range){from * pass->n_rows, to * pass->n_rows};
}

#endif
