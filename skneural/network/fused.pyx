# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""The passes through a network, fused, and without the GIL: over a mini-batch, or for a prediction.

`FusedForwardBackward` and `FusedPrediction` stand in for
:class:`skneural.network.forward_backward.ForwardBackward` and for the loop over layers in
:class:`skneural.network.Network`, which say what is computed; `kernels/` is how. Python allocates, the kernels loop.
"""

from cpython.mem cimport PyMem_Calloc, PyMem_Free
from libc.stdint cimport int32_t, int64_t, uint16_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy
from scipy.linalg.cython_blas cimport dgemm, sgemm

import numpy as np
from scipy.sparse import issparse

from skneural import activations, losses
from skneural.network.dropout import LEVELS
from skneural.network.batch_normalization import EPSILON, MOMENTUM
from skneural.network.joblib_threads import in_joblib_thread
from skneural.penalties import L1, L2

cdef extern from "kernels.h" nogil:
    enum:
        MOST_SUMS, SMALL
        IDENTITY, LOGISTIC, TANH, RELU, LEAKY_RELU, PRELU, ELU, MAXOUT, SELU, GELU, SILU, SOFTPLUS, MISH
        SOFTMAX_CROSS_ENTROPY, LOGISTIC_LOSS, SQUARED_ERROR, ABSOLUTE_ERROR, HUBER, POISSON

    double evaluate_float(Program *program, const Size *rows, int adjacent, Size n)
    double evaluate_double(Program *program, const Size *rows, int adjacent, Size n)
    double penalty_float(const Program *program)
    double penalty_double(const Program *program)
    void predict_float(Program *program, const Size *rows, void *F, Size n)
    void predict_double(Program *program, const Size *rows, void *F, Size n)
    void product_float(
        const Products *by, char *transpose, const float *A, const float *B, float beta, float *C, const Size *shape)
    void product_double(
        const Products *by, char *transpose, const double *A, const double *B, double beta, double *C,
        const Size *shape)
    void bound_columns_float(void *W, void *norms, float bound, Size n, Size width)
    void bound_columns_double(void *W, void *norms, double bound, Size n, Size width)


# Called through these, so that a BLAS with other integers is noticed when this module is compiled.
cdef void float_gemm(
    char *ta, char *tb, int *m, int *n, int *k, float *a, float *A, int *lda, float *B, int *ldb, float *b, float *C,
    int *ldc
) noexcept nogil:
    sgemm(ta, tb, m, n, k, a, A, lda, B, ldb, b, C, ldc)


cdef void double_gemm(
    char *ta, char *tb, int *m, int *n, int *k, double *a, double *A, int *lda, double *B, int *ldb, double *b,
    double *C, int *ldc
) noexcept nogil:
    dgemm(ta, tb, m, n, k, a, A, lda, B, ldb, b, C, ldc)


# Class -> its number in the kernels, and the name of its setting. Subclasses are a user's own, and not here.
ACTIVATIONS = {
    activations.Identity: (IDENTITY, None),
    activations.Logistic: (LOGISTIC, None),
    activations.Tanh: (TANH, None),
    activations.ReLU: (RELU, None),
    activations.LeakyReLU: (LEAKY_RELU, "negative_slope"),
    activations.PReLU: (PRELU, None),
    activations.ELU: (ELU, "alpha"),
    activations.Maxout: (MAXOUT, None),
    activations.SELU: (SELU, None),
    activations.GELU: (GELU, None),
    activations.SiLU: (SILU, None),
    activations.Softplus: (SOFTPLUS, None),
    activations.Mish: (MISH, None),
}
LOSSES = {
    losses.SoftmaxCrossEntropy: (SOFTMAX_CROSS_ENTROPY, "label_smoothing"),
    losses.LogisticLoss: (LOGISTIC_LOSS, "label_smoothing"),
    losses.SquaredError: (SQUARED_ERROR, None),
    losses.AbsoluteError: (ABSOLUTE_ERROR, None),
    losses.Huber: (HUBER, "delta"),
    losses.PoissonLoss: (POISSON, None),
}


def knows(network, loss=None, penalties=()):
    """Return whether all of these are the package's own parts, in precisions and layouts that the kernels read."""
    return (
        network.parameters.dtype in (np.float32, np.float64)
        and network.parameters.flags.aligned
        and all(type(activation) in ACTIVATIONS for activation in network.activations)
        and (loss is None or type(loss) in LOSSES)
        and all(type(penalty) in (L1, L2) for penalty in penalties)
    )


def multiply(A, W):
    """Return A W for dense A of shape (n, k) and weights W of shape (k, m), in their common precision."""
    A = np.require(A, requirements=["C", "A"])
    Z = np.empty((A.shape[0], W.shape[1]), W.dtype)
    cdef const void *a = address(A)
    cdef const void *w = address(W)
    cdef void *z = address(Z)
    cdef Size[3] shape = [A.shape[0], A.shape[1], W.shape[1]]
    cdef bint single = W.dtype == np.float32
    cdef Products by
    by.gemm, by.alone = gemm(single), alone(shape[0] * shape[1] * shape[2])
    with nogil:
        if single:
            product_float(&by, "NN", <const float *>a, <const float *>w, 0, <float *>z, shape)
        else:
            product_double(&by, "NN", <const double *>a, <const double *>w, 0, <double *>z, shape)
    return Z


cdef void *gemm(bint single) noexcept:
    return <void *>float_gemm if single else <void *>double_gemm


cdef int alone(Size multiplications) except -1:
    """Whether BLAS is not to be asked for products of up to that size."""
    return multiplications > SMALL and in_joblib_thread()


cdef void *address(array) except? NULL:
    return <void *><size_t>array.ctypes.data


cdef bint works_in_place(int activation) noexcept:
    """Whether the slope can be told from A, which then replaces Z."""
    return activation not in (PRELU, MAXOUT, GELU, SILU, MISH)


cdef double setting_of(part, name) except? -1:
    return 0.0 if name is None else getattr(part, name)


cdef list read(Input *of, X):
    """Describe the input, an array with any strides or CSR; it lives as long as what is returned."""
    of.n_features = X.shape[1]
    if issparse(X):
        arrays = [X.data, X.indices.astype(np.int32, copy=False), X.indptr.astype(np.int64, copy=False)]
        of.data = address(arrays[0])
        of.indices, of.indptr = <const int32_t *>address(arrays[1]), <const int64_t *>address(arrays[2])
        return arrays
    if not X.flags.aligned or any(stride % X.itemsize for stride in X.strides):
        X = X.copy()  # np.ascontiguousarray would leave it where it is
    of.data, of.indptr = address(X), NULL
    of.row_stride, of.column_stride = X.strides[0] // X.itemsize, X.strides[1] // X.itemsize
    return [X]


cdef class FusedPlan:
    """The network as the kernels see it; base of the two classes that follow."""

    def __cinit__(self, network, *args, **kwargs):
        self.program.n_layers = len(network.weights)
        self.program.layers = <Layer *>PyMem_Calloc(self.program.n_layers, sizeof(Layer))
        if not self.program.layers:
            raise MemoryError
        self.memory = []

    def __dealloc__(self):
        PyMem_Free(self.program.layers)

    cdef void *hold(self, array) except? NULL:
        self.memory.append(array)
        return address(array)

    cdef void *new(self, shape) except? NULL:
        return self.hold(np.empty(shape, self.dtype))

    cdef int describe(self, network) except -1:
        """Take over layers and parameters."""
        cdef Layer *layer
        cdef Size i
        self.dtype = network.parameters.dtype
        self.single = self.dtype == np.float32
        self.program.products.gemm = gemm(self.single)
        self.memory.append(network.parameters)
        views = network.views
        for i in range(self.program.n_layers):
            layer = &self.program.layers[i]
            layer.fan_in, layer.width = network.weights[i].shape
            self.largest = max(self.largest, layer.fan_in * layer.width)
            layer.W, layer.b = address(network.weights[i]), address(network.biases[i])
            layer.units, layer.pieces = layer.width, 1
            if i == self.program.n_layers - 1:
                continue
            activation = network.activations[i]
            layer.activation, name = ACTIVATIONS[type(activation)]
            layer.setting = setting_of(activation, name)
            layer.pieces = activation.n_pieces
            layer.units = layer.width // layer.pieces
            layer.learned = address(network.activation_params[i])
            layer.shares_slope = layer.activation == PRELU and activation.shared
            if network.batch_norm:
                layer.normal.scale = address(views.scales[i])
                layer.normal.running_mean = address(views.means[i])
                layer.normal.running_variance = address(views.variances[i])
                layer.normal.count = address(views.counts[i])
                layer.normal.epsilon, layer.normal.newest = EPSILON, MOMENTUM
        return 0

    cdef int share(self, Products *products, Size n_rows) except -1:
        """Leave BLAS alone in products of so many rows, if other threads train beside this one."""
        products.alone = alone(n_rows * self.largest)
        return 0


cdef class FusedForwardBackward(FusedPlan):
    """Forward and backward pass of training; parameters as in
    :class:`skneural.network.forward_backward.ForwardBackward`."""

    backend = "native"

    def __init__(self, network, gradient, loss, penalties, rows, n_rows, dropout):
        cdef Size i
        self.describe(network)
        self.memory += read(&self.program.input, rows.X)
        self.n_rows, self.n_samples = n_rows, rows.X.shape[0]
        self.every_row = np.arange(self.n_samples, dtype=np.intp)
        self.used = None if rows.used is None else np.asarray(rows.used, np.intp)
        self.indptr = rows.X.indptr if issparse(rows.X) else None
        self.counts = network.views.counts
        self.dropout = dropout or [None] * len(network.weights)
        weights = rows.weights
        self.program.weights = NULL if weights is None else self.hold(np.ascontiguousarray(weights, self.dtype))
        self.program.l1 = sum(penalty.alpha for penalty in penalties if type(penalty) is L1)
        self.program.l2 = sum(penalty.alpha for penalty in penalties if type(penalty) is L2)
        self.differentiate(network, gradient)
        self.prescribe(loss, rows.Y)

    cdef int differentiate(self, network, gradient) except -1:
        """Provide for gradients and for what the backward pass remembers."""
        cdef Layer *layer
        cdef Size i
        self.memory.append(gradient)
        d = network.layout.views(gradient)
        for i in range(self.program.n_layers):
            layer = &self.program.layers[i]
            layer.dW, layer.db, layer.norms = address(d.weights[i]), address(d.biases[i]), self.new(layer.width)
            layer.Z = layer.A = layer.dZ = layer.dA = self.new((self.n_rows, layer.width))
            if i == self.program.n_layers - 1:
                continue
            layer.dlearned = address(d.activation_params[i])
            layer.dA = layer.dZ = self.new((self.n_rows, layer.units))
            if layer.activation == MAXOUT:
                layer.dZ = self.new((self.n_rows, layer.width))
                if not network.batch_norm:
                    layer.won = <uint64_t *>self.hold(np.empty((self.n_rows // 64 + 1, layer.width), np.uint64))
                    layer.sums = self.hold(np.empty((layer.width + 8, MOST_SUMS, 32), np.uint8))
            if not works_in_place(layer.activation):
                layer.A = self.new((self.n_rows, layer.units))
            layer.slopes, layer.dslopes = self.new(layer.width), self.new(layer.width)
            layer.dropped = layer.A
            if self.dropout[i + 1] is not None:
                layer.dropped = self.new((self.n_rows, layer.units))
                self.prepare(&layer.mask, self.dropout[i + 1])
            if network.batch_norm:
                layer.normal.dscale = address(d.scales[i])
                layer.normal.unit = self.new((self.n_rows, layer.width))
                layer.normal.mean, layer.normal.variance = self.new(layer.width), self.new(layer.width)
                layer.normal.inverse = self.new(layer.width)
                layer.normal.n_rows = self.n_rows
        if self.dropout[0] is not None:
            self.prepare(&self.program.input_mask, self.dropout[0])
        return 0

    cdef int prepare(self, Mask *mask, dropout) except -1:
        mask.threshold, mask.scale = dropout.threshold, LEVELS / (LEVELS - dropout.threshold)
        return 0

    cdef int prescribe(self, loss, Y) except -1:
        cdef Outputs *outputs = &self.program.outputs
        cdef Layer *last = &self.program.layers[self.program.n_layers - 1]
        self.program.loss, name = LOSSES[type(loss)]
        outputs.setting = setting_of(loss, name)
        outputs.F, outputs.k = last.Z, last.width
        outputs.total, outputs.share = self.new(self.n_rows), self.new(self.n_rows)
        self.program.normal_share = self.new(self.n_rows)
        if self.indptr is None:  # pages that are never written take no memory
            self.program.gathered = self.new((self.n_rows, self.program.input.n_features))
        codes = self.program.loss == SOFTMAX_CROSS_ENTROPY
        Y = np.ascontiguousarray(Y, np.intp if codes else self.dtype)
        if Y.size != self.n_samples * (1 if codes else outputs.k):
            raise ValueError(f"Y must have {self.n_samples} rows and {outputs.k} outputs. Got shape {Y.shape} instead.")
        if codes and not (Y.min() >= 0 and Y.max() < outputs.k):
            raise ValueError(f"Classes are numbered from 0 to {outputs.k - 1}. Got {Y.min()} to {Y.max()}.")
        outputs.Y = self.hold(Y)
        return 0

    @property
    def draws(self):
        """Whether evaluations draw random numbers, for which Python is needed."""
        return any(dropout is not None for dropout in self.dropout)

    def evaluate(self, rows):
        """Return the mean loss over some rows; the gradient of J, penalties included, is where it was asked for."""
        cdef const Size[::1] chosen = self.choose(rows)
        cdef bint adjacent = self.used is None and isinstance(rows, slice)
        cdef Size n = chosen.shape[0]
        cdef double loss
        if not 0 < n <= self.n_rows:
            raise ValueError(f"An evaluation takes from 1 to {self.n_rows} rows. Got {n}.")
        masks = self.draw(chosen)
        self.share(&self.program.products, n)
        with nogil:
            loss = self.pass_over(&chosen[0], adjacent, n)
        return loss

    cdef double pass_over(self, const Size *rows, bint adjacent, Size n) noexcept nogil:
        if self.single:
            return evaluate_float(&self.program, rows, adjacent, n)
        return evaluate_double(&self.program, rows, adjacent, n)

    def penalty(self):
        """Return the sum of the penalties at the present parameters."""
        cdef double sum
        with nogil:
            sum = self.penalize()
        return sum

    cdef double penalize(self) noexcept nogil:
        return penalty_float(&self.program) if self.single else penalty_double(&self.program)

    def choose(self, rows):
        """Return the numbers that these training rows have in X and Y, and that they are there."""
        cdef Size i
        if self.used is not None:
            rows = self.used[rows]
        elif isinstance(rows, slice):
            rows = self.every_row[rows]
        rows = np.ascontiguousarray(rows, np.intp)
        cdef const Size[::1] chosen = rows
        for i in range(chosen.shape[0]):
            if not 0 <= chosen[i] < self.n_samples:
                raise IndexError(f"Rows are numbered from 0 to {self.n_samples - 1}. Got {chosen[i]}.")
        return rows

    def reset_running_statistics(self):
        """Let the next evaluation alone decide the running statistics of batch normalisation."""
        for count in self.counts:
            count[...] = 0

    def project(self, max_norm):
        """Shorten the incoming weights of units that exceed the bound."""
        self.bound(max_norm.max_norm)

    cdef void bound(self, double max_norm) noexcept nogil:
        cdef Layer *layer
        cdef Size i
        for i in range(self.program.n_layers):
            layer = &self.program.layers[i]
            if self.single:
                bound_columns_float(layer.W, layer.norms, max_norm, layer.fan_in, layer.width)
            else:
                bound_columns_double(layer.W, layer.norms, max_norm, layer.fan_in, layer.width)

    cdef list draw(self, const Size[::1] chosen):
        """Draw the masks in the order of the layers; they live as long as what is returned."""
        cdef Size i, n = chosen.shape[0]
        masks = []
        if self.dropout[0] is not None:
            shape = (n, self.program.input.n_features)
            if self.indptr is not None:
                rows = np.asarray(chosen)
                shape = int(np.sum(self.indptr[rows + 1] - self.indptr[rows]))
            mask = self.dropout[0].draw(shape)
            self.program.input_mask.drawn = <const uint16_t *>address(mask)
            masks.append(mask)
        for i in range(self.program.n_layers - 1):
            if self.dropout[i + 1] is not None:
                mask = self.dropout[i + 1].draw((n, self.program.layers[i].units))
                self.program.layers[i].mask.drawn = <const uint16_t *>address(mask)
                masks.append(mask)
        return masks


cdef class FusedPrediction(FusedPlan):
    """The raw output of a network, block by block; any number of threads may ask at once."""

    def __init__(self, network):
        self.describe(network)

    def raw_output(self, X, Size block):
        """Return the raw output of shape (n_rows, n_outputs), in the parameters' dtype, `block` rows at a time."""
        cdef Program program = self.program
        cdef Size n = X.shape[0], done = 0, i, now
        cdef Size itemsize = 4 if self.single else 8, n_outputs = program.layers[program.n_layers - 1].width
        cdef list kept = read(&program.input, X)
        F = np.empty((n, n_outputs), self.dtype)
        cdef char *out = <char *>address(F)
        block = min(block, n)
        self.share(&program.products, block)
        cdef char *scratch = <char *>malloc(self.scratch(&program, NULL, block) + block * sizeof(Size))
        if not scratch:
            raise MemoryError(f"No memory for the activations of {block} rows.")
        cdef Size *rows = <Size *>scratch
        self.scratch(&program, scratch + block * sizeof(Size), block)
        with nogil:
            while done < n:
                now = min(block, n - done)
                for i in range(now):
                    rows[i] = done + i
                if self.single:
                    predict_float(&program, rows, out + done * n_outputs * itemsize, now)
                else:
                    predict_double(&program, rows, out + done * n_outputs * itemsize, now)
                done += now
            free(scratch)
        return F

    cdef Size scratch(self, Program *program, char *start, Size block) noexcept:
        """Lay out a call's own memory from `start` on, the layers first; return its size in bytes."""
        cdef Size itemsize = 4 if self.single else 8, i
        cdef char *end = start + program.n_layers * sizeof(Layer)
        cdef Layer *layers = <Layer *>start
        cdef Layer of
        if start:
            memcpy(start, self.program.layers, program.n_layers * sizeof(Layer))
            program.layers = layers
        for i in range(program.n_layers):
            of = self.program.layers[i]
            of.Z, end = end, end + block * of.width * itemsize
            of.A, end = end, end + block * of.units * itemsize
            if works_in_place(of.activation):
                of.A = of.Z
            of.slopes, end = end, end + of.width * itemsize
            of.normal.inverse, end = end, end + of.width * itemsize
            of.dropped = of.A
            if start:
                layers[i] = of
        program.gathered = end
        return end + block * program.input.n_features * itemsize - start
