# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""The fused form of the passes through a network: over a mini-batch in training, over blocks of rows in prediction.

:class:`FusedForwardBackward` computes what :class:`skneural.network.objective.ForwardBackward` specifies, and
:class:`FusedPrediction` what :meth:`skneural.network.Network.raw_output` does. Python allocates memory and hands it over
in a `NetworkPlan`; the kernels in `kernels/` do the work, without the GIL.
"""

from cpython.mem cimport PyMem_Calloc, PyMem_Free
from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from scipy.linalg.cython_blas cimport dgemm, sgemm

import numpy as np
from scipy.sparse import issparse

from skneural import activations, losses
from skneural.backend import built_extension
from skneural.network.dropout import N_LEVELS
from skneural.network.batch_normalization import EPSILON, MOMENTUM
from skneural.network.threads import max_threads
from skneural.penalties import L1, L2

cdef extern from "both_precisions.h" nogil:
    enum:
        MAX_PIECE_REGISTERS, MAX_SEGMENTS
        IDENTITY, LOGISTIC, TANH, RELU, LEAKY_RELU, PRELU, ELU, MAXOUT, SELU, GELU, SILU, SOFTPLUS, MISH
        SOFTMAX_CROSS_ENTROPY, LOGISTIC_LOSS, SQUARED_ERROR, ABSOLUTE_ERROR, HUBER, QUANTILE, POISSON

    double forward_backward_float(
        const NetworkPlan *plan, const Thread *thread, const Size *rows, int adjacent, Size n, const uint32_t *dropout_keys)
    double forward_backward_double(
        const NetworkPlan *plan, const Thread *thread, const Size *rows, int adjacent, Size n, const uint32_t *dropout_keys)
    double total_penalty_float(const NetworkPlan *plan)
    double total_penalty_double(const NetworkPlan *plan)
    int uses_own_gemm_float()
    void project_weights_float(const NetworkPlan *plan, const Thread *thread, double max_norm)
    void project_weights_double(const NetworkPlan *plan, const Thread *thread, double max_norm)

    ctypedef struct MatmulArguments:
        void *blas_gemm
        const void *A
        const void *W
        void *Z
        Size[3] shape

    void matmul_in_team_float(void *context, int index, int n_threads)
    void matmul_in_team_double(void *context, int index, int n_threads)

    ctypedef struct Prediction:
        NetworkPlan plan
        void *F
        Size n_rows, block_rows, n_outputs, largest_width
        int lacks_memory

    void predict_in_team_float(void *context, int index, int n_threads)
    void predict_in_team_double(void *context, int index, int n_threads)

ctypedef void (*Runner)(TeamFunction function, void *context, int n_threads) noexcept nogil

# A batch of training is cut into twice as many segments as long as each has so many rows, or fewer where its forward
# pass takes so many multiplications: then it does not matter that each packs the weights again. Segments of several
# members have more rows in networks of so many weights, since each has a gradient of its own. Threads share out the
# segments, whose number does not depend on them.
MIN_SEGMENT_ROWS, MIN_ROWS_OF_LARGE_SEGMENT, LARGE_SEGMENT_COST = 96, 48, 1 << 22
MIN_ROWS_OF_LARGE_MEMBERS, LARGE_MEMBER_COST = 256, 1 << 18

# Multiplications of a forward pass, in single precision, for which one thread more is tried in training; and for which
# it is worth waking in a prediction. In double precision each counts twice.
MIN_THREAD_COST, MIN_PREDICTION_THREAD_COST = 3 << 17, 5 << 19

# Training times the team and one thread, and the faster one works. The other is tried again after so many calls, times
# how many times slower it was; see team_timing.h. With 0 the team always works.
TRIAL_PERIOD = 16


cdef void run_alone(TeamFunction function, void *context, int n_threads) noexcept nogil:
    function(context, 0, 1)


cdef Runner runner = run_alone
openmp = built_extension("skneural.network.openmp")
if openmp is not None:
    runner = <Runner>PyCapsule_GetPointer(openmp.run_in_team, "skneural.run_in_team")


cdef int run_in_team(TeamFunction function, void *context, Size n_multiplications) except -1:
    """Call a function in each thread of a team, which are as many as pay for a forward pass of that size."""
    cdef int n_threads = n_threads_for(n_multiplications, MIN_PREDICTION_THREAD_COST)
    with nogil:
        runner(function, context, n_threads)
    return 0


cdef int n_threads_for(Size n_multiplications, Size min_cost) except -1:
    cdef Size n_threads = n_multiplications // min_cost
    if n_threads <= 1 or not uses_own_gemm_float():  # BLAS has threads of its own
        return 1
    return min(n_threads, max_threads())


cdef Size n_segments_for(Size n_rows, Size n_members, Size row_cost) except -1:
    """Return how many segments a batch has; with several members each has some of these, with all rows."""
    cdef Size n = 1, rows = n_rows * n_members, least = MIN_SEGMENT_ROWS
    if not uses_own_gemm_float():
        return 1
    if n_members > 1 and row_cost >= LARGE_MEMBER_COST:
        least = MIN_ROWS_OF_LARGE_MEMBERS
    while 2 * n <= MAX_SEGMENTS and (n_members == 1 or 2 * n <= n_members):
        rows //= 2
        if n_members == 1 and rows * row_cost >= LARGE_SEGMENT_COST:
            least = min(least, MIN_ROWS_OF_LARGE_SEGMENT)
        if rows < least:
            break
        n *= 2
    return n


def calls_of_team(double alone, double team, n_calls):
    """Return which of n_calls a team makes whose calls always take so many nanoseconds per row; for tests.

    Parameters
    ----------
    alone, team : float
        By one thread and by the team.
    n_calls : int

    Returns
    -------
    list of bool
    """
    cdef TeamTiming timing = TeamTiming(0, 0, 0, 0)
    cdef bint is_alone
    calls = []
    for _ in range(n_calls):
        is_alone = works_alone(&timing, TRIAL_PERIOD)
        add_timed_call(&timing, is_alone, alone if is_alone else team, TRIAL_PERIOD)
        calls.append(not is_alone)
    return calls


# Called through these, so that a BLAS with other integers is noticed when this module is compiled.
cdef void blas_sgemm(
    char *ta, char *tb, int *m, int *n, int *k, float *a, float *A, int *lda, float *B, int *ldb, float *b, float *C,
    int *ldc
) noexcept nogil:
    sgemm(ta, tb, m, n, k, a, A, lda, B, ldb, b, C, ldc)


cdef void blas_dgemm(
    char *ta, char *tb, int *m, int *n, int *k, double *a, double *A, int *lda, double *B, int *ldb, double *b,
    double *C, int *ldc
) noexcept nogil:
    dgemm(ta, tb, m, n, k, a, A, lda, B, ldb, b, C, ldc)


# Class -> its number in the kernels, and the name of its parameter, if it has one. Looked up by exact type: a subclass
# may compute something else.
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
    losses.Quantile: (QUANTILE, None),
    losses.PoissonLoss: (POISSON, None),
}


def supports(network, loss=None, penalties=()):
    """Return whether the kernels can compute all of these: the package's own classes, in float32 or float64."""
    return (
        network.parameters.dtype in (np.float32, np.float64)
        and network.parameters.flags.aligned
        and all(type(activation) in ACTIVATIONS for activation in network.activations)
        and (loss is None or type(loss) in LOSSES)
        and all(type(penalty) in (L1, L2) for penalty in penalties)
    )


def matmul(A, W):
    """Return A W for dense A of shape (n, k) and weights W of shape (k, m), in their common dtype."""
    A = np.require(A, requirements=["C", "A"])
    Z = np.empty((A.shape[0], W.shape[1]), W.dtype)
    cdef bint is_float32 = W.dtype == np.float32
    cdef MatmulArguments arguments
    arguments.blas_gemm = blas_gemm(is_float32)
    arguments.A, arguments.W, arguments.Z = address(A), address(W), address(Z)
    arguments.shape = [A.shape[0], A.shape[1], W.shape[1]]
    run_in_team(
        <TeamFunction>matmul_in_team_float if is_float32 else <TeamFunction>matmul_in_team_double, &arguments,
        A.shape[0] * A.shape[1] * W.shape[1])
    return Z


cdef void *blas_gemm(bint is_float32) noexcept:
    return <void *>blas_sgemm if is_float32 else <void *>blas_dgemm


cdef void *address(array) except? NULL:
    return <void *><size_t>array.ctypes.data


cdef double parameter_of(component, name) except? -1:
    return 0.0 if name is None else getattr(component, name)


cdef list bind_input(InputRows *input, X):
    """Set the input to X, an array with any strides or CSR; it is valid as long as the arrays that are returned live."""
    input.n_features = X.shape[1]
    if issparse(X):
        arrays = [X.data, X.indices.astype(np.int32, copy=False), X.indptr.astype(np.int64, copy=False)]
        input.data = address(arrays[0])
        input.indices, input.indptr = <const int32_t *>address(arrays[1]), <const int64_t *>address(arrays[2])
        return arrays
    if not X.flags.aligned or any(stride % X.itemsize for stride in X.strides):
        X = X.copy()  # np.ascontiguousarray would leave it where it is
    input.data, input.indptr = address(X), NULL
    input.row_stride, input.column_stride = X.strides[0] // X.itemsize, X.strides[1] // X.itemsize
    return [X]


cdef class FusedPlan:
    """A network as a `NetworkPlan`; base of the two classes that follow."""

    def __cinit__(self, network, *args, **kwargs):
        self.plan.n_layers = len(network.weights)
        self.plan.layers = <Layer *>PyMem_Calloc(self.plan.n_layers, sizeof(Layer))
        if not self.plan.layers:
            raise MemoryError
        self.kept_alive = []

    def __dealloc__(self):
        PyMem_Free(self.plan.layers)

    cdef void *keep_alive(self, array) except? NULL:
        """Return the array's address, valid as long as this object lives."""
        self.kept_alive.append(array)
        return address(array)

    cdef void *allocate(self, shape) except? NULL:
        return self.keep_alive(np.empty(shape, self.dtype))

    cdef int bind_network(self, network) except -1:
        """Set sizes, activations and parameters of all layers."""
        cdef Layer *layer
        cdef Size i
        self.dtype = network.parameters.dtype
        self.is_float32 = self.dtype == np.float32
        self.plan.blas_gemm = blas_gemm(self.is_float32)
        self.plan.n_members = network.n_members
        self.kept_alive.append(network.parameters)
        views = network.views
        for i in range(self.plan.n_layers):
            layer = &self.plan.layers[i]
            W = network.weights[i]
            *_, layer.fan_in, layer.width = W.shape
            layer.n_matrices = 1 if W.ndim == 2 else len(W)
            self.row_cost += layer.fan_in * layer.width * (1 if self.is_float32 else 2)
            self.largest_width = max(self.largest_width, layer.width)
            layer.W, layer.b = address(W), address(network.biases[i])
            layer.n_units, layer.n_pieces = layer.width, 1
            if i == self.plan.n_layers - 1:
                continue
            activation = network.activations[i]
            layer.activation, name = ACTIVATIONS[type(activation)]
            layer.activation_parameter = parameter_of(activation, name)
            layer.n_pieces = activation.n_pieces
            layer.n_units = layer.width // layer.n_pieces
            layer.activation_params = address(network.activation_params[i])
            layer.shares_slope = layer.activation == PRELU and activation.shared
            if network.batch_norm:
                layer.batch_norm.scale = address(views.scales[i])
                layer.batch_norm.running_mean = address(views.running_means[i])
                layer.batch_norm.running_variance = address(views.running_variances[i])
                layer.batch_norm.batch_count = address(views.batch_counts[i])
                layer.batch_norm.epsilon, layer.batch_norm.momentum = EPSILON, MOMENTUM
        for scales in views.member_scales:
            self.plan.layers[0].member_scales = address(scales)
        return 0


cdef struct Evaluation:
    NetworkPlan *plan
    const Size *rows
    const uint32_t *dropout_keys
    Size n_rows
    bint adjacent, is_float32
    double loss


cdef void evaluate_in_team(void *context, int index, int n_threads) noexcept nogil:
    cdef Evaluation *evaluation = <Evaluation *>context
    cdef Thread thread = Thread(&evaluation.plan.team, index, n_threads)
    cdef double loss
    if evaluation.is_float32:
        loss = forward_backward_float(evaluation.plan, &thread, evaluation.rows, evaluation.adjacent,
                                      evaluation.n_rows, evaluation.dropout_keys)
    else:
        loss = forward_backward_double(evaluation.plan, &thread, evaluation.rows, evaluation.adjacent,
                                       evaluation.n_rows, evaluation.dropout_keys)
    if index == 0:
        evaluation.loss = loss


cdef void *shifted(void *buffer, Size n_bytes) noexcept nogil:
    return <char *>buffer + n_bytes if buffer else NULL


cdef void shift_rows(Layer *layer, Size n_rows, Size itemsize) noexcept nogil:
    """Let the buffers of a layer begin some rows further down."""
    cdef Size Z_bytes = n_rows * layer.width * itemsize, A_bytes = n_rows * layer.n_units * itemsize
    layer.Z, layer.dZ = shifted(layer.Z, Z_bytes), shifted(layer.dZ, Z_bytes)
    layer.A, layer.output = shifted(layer.A, A_bytes), shifted(layer.output, A_bytes)
    layer.dA = shifted(layer.dA, A_bytes)
    layer.batch_norm.normalized = shifted(layer.batch_norm.normalized, Z_bytes)


cdef class FusedForwardBackward(FusedPlan):
    """Forward and backward pass of training; parameters as in
    :class:`skneural.network.objective.ForwardBackward`."""

    backend = "native"

    def __init__(self, network, gradient, loss, penalties, rows, n_rows, dropout):
        self.bind_network(network)
        self.kept_alive += bind_input(&self.plan.input, rows.X)
        self.batch_size, self.n_samples = n_rows, rows.X.shape[0]
        self.all_rows = np.arange(self.n_samples, dtype=np.intp)
        self.subset = None if rows.subset is None else np.asarray(rows.subset, np.intp)
        self.indptr = rows.X.indptr if issparse(rows.X) else None
        self.batch_counts = network.views.batch_counts
        self.dropout, self.drawn_from = dropout or [None] * len(network.weights), []
        if rows.sample_weight is not None:
            self.plan.sample_weight = self.keep_alive(np.ascontiguousarray(rows.sample_weight, self.dtype))
        self.plan.l1 = sum(penalty.alpha for penalty in penalties if type(penalty) is L1)
        self.plan.l2 = sum(penalty.alpha for penalty in penalties if type(penalty) is L2)
        self.plan.n_weights, self.plan.n_parameters = network.layout.n_weights, network.layout.n_trainable
        self.bind_dropout()
        self.bind_loss(loss, rows.Y)
        self.allocate_segments(network, gradient)

    def __dealloc__(self):
        cdef Size i
        for i in range(1, self.plan.n_segments):  # the first has the layers of the plan
            PyMem_Free(self.plan.segments[i].layers)
        PyMem_Free(self.plan.segments)

    cdef int allocate_segments(self, network, gradient) except -1:
        """Cut batches into segments, and give each its place in the buffers and its gradient."""
        cdef Size n_members = network.n_members, n = 1, i
        cdef Segment *segment
        if self.indptr is None:  # a sparse input has many features, and a gradient in all of them costs too much
            n = n_segments_for(self.batch_size, n_members, self.row_cost)
        self.plan.segments = <Segment *>PyMem_Calloc(n, sizeof(Segment))
        if not self.plan.segments:
            raise MemoryError
        self.plan.n_segments, self.plan.segment_rows = n, (self.batch_size + n - 1) // n
        for i in range(n):
            segment = &self.plan.segments[i]
            segment.layers = <Layer *>PyMem_Calloc(self.plan.n_layers, sizeof(Layer)) if i else self.plan.layers
            if not segment.layers:
                raise MemoryError
            segment.n_members = 1
            if n_members > 1:
                segment.first_member = n_members * i // n
                segment.n_members = n_members * (i + 1) // n - segment.first_member
        self.allocate_buffers(network)
        for i in range(n):
            self.bind_segment(i, network, gradient)
        return 0

    cdef int allocate_buffers(self, network) except -1:
        """Allocate what the passes write, for all segments."""
        cdef Size n_rows = self.batch_size, n_all = self.batch_size * self.plan.n_members, i
        cdef Layer *output_layer = &self.plan.layers[self.plan.n_layers - 1]
        cdef Segment *first_segment = &self.plan.segments[0]
        if members_pass_together(&self.plan):
            n_rows = n_all
        else:  # one after the other in the same memory, that of a thread's first segment
            n_rows = self.batch_size * self.plan.n_segments
        for i in range(self.plan.n_layers - 1):
            self.allocate_layer(&self.plan.layers[i], n_rows)
            if network.batch_norm:
                self.plan.layers[i].batch_norm.normalized = self.allocate((n_rows, self.plan.layers[i].width))
                self.plan.layers[i].batch_norm.batch_size = n_all
        output_layer.Z = output_layer.dZ = self.allocate((n_rows, output_layer.width))
        if self.indptr is None:  # pages that are never written take no memory
            first_segment.gathered = self.allocate((n_all, self.plan.input.n_features))
        if self.plan.n_members > 1:
            first_segment.member_rows = <Size *>self.keep_alive(np.empty(n_all, np.intp))
        first_segment.loss_batch.scratch = self.allocate(n_all)
        first_segment.loss_batch.row_weight = self.allocate(n_all)
        first_segment.loss_batch.row_loss = <double *>self.keep_alive(np.empty(n_all))
        first_segment.normalized_weight = self.allocate(n_all)
        return 0

    cdef int bind_segment(self, Size number, network, gradient) except -1:
        """Set where a segment's rows lie in the buffers, and where its gradients go."""
        cdef Segment *segment = &self.plan.segments[number]
        cdef Segment *first_segment = &self.plan.segments[0]
        cdef LossBatch *batch = &segment.loss_batch
        cdef Layer *output_layer = &segment.layers[self.plan.n_layers - 1]
        cdef Size itemsize = 4 if self.is_float32 else 8, row, layer_row, i
        row = segment.first_member * self.batch_size
        if network.n_members == 1:
            row = min(number * self.plan.segment_rows, self.batch_size)
        layer_row = row if members_pass_together(&self.plan) else number * self.batch_size
        for i in range(self.plan.n_layers):
            segment.layers[i] = self.plan.layers[i]
            shift_rows(&segment.layers[i], layer_row, itemsize)
            self.allocate_for_segment(&segment.layers[i])
        if network.n_members > 1:
            segment.layers[0].member_matrix = self.allocate((segment.layers[0].fan_in, segment.layers[0].width))
            segment.member_rows = first_segment.member_rows + row
        if first_segment.gathered:
            segment.gathered = <char *>first_segment.gathered + row * self.plan.input.n_features * itemsize
        batch.F, batch.n_outputs = output_layer.Z, output_layer.width
        batch.Y, batch.loss_parameters = address(self.Y), address(self.loss_parameters)
        batch.scratch = <char *>first_segment.loss_batch.scratch + row * itemsize
        batch.row_weight = <char *>first_segment.loss_batch.row_weight + row * itemsize
        batch.row_loss = first_segment.loss_batch.row_loss + row
        segment.normalized_weight = <char *>first_segment.normalized_weight + row * itemsize
        # Pages that are never written take no memory: np.zeros_like would write them.
        segment_gradient = np.zeros(gradient.shape, self.dtype) if number else gradient
        segment.gradient = self.keep_alive(segment_gradient)
        return self.bind_gradients(segment, network.layout.views(segment_gradient), network.layout.views(gradient))

    cdef int bind_gradients(self, Segment *segment, gradients, network_gradients) except -1:
        """Set where the gradients go: those in what belongs to one member go to the network's in any segment."""
        cdef Layer *layer
        cdef Layer *output_layer = &segment.layers[self.plan.n_layers - 1]
        cdef Size i
        for i in range(self.plan.n_layers):
            layer = &segment.layers[i]
            layer.dW, layer.db = address(gradients.weights[i]), address(gradients.biases[i])
        for i in range(self.plan.n_layers - 1):
            segment.layers[i].dactivation_params = address(gradients.activation_params[i])
        for i, dscales in enumerate(gradients.scales):
            segment.layers[i].batch_norm.dscale = address(dscales)
        for dscales in network_gradients.member_scales:
            segment.layers[0].dmember_scales = address(dscales)
            output_layer.dW = address(network_gradients.weights[self.plan.n_layers - 1])
            output_layer.db = address(network_gradients.biases[self.plan.n_layers - 1])
        return 0

    cdef int allocate_layer(self, Layer *layer, Size n_rows) except -1:
        """Allocate a hidden layer's buffers: as few as its activation needs, see network_plan.h."""
        cdef bint is_maxout = layer.activation == MAXOUT
        Z_shape, A_shape = (n_rows, layer.width), (n_rows, layer.n_units)
        layer.Z = self.allocate(Z_shape)
        layer.A = layer.Z if works_in_place(layer.activation) else self.allocate(A_shape)
        layer.output = self.allocate(A_shape) if layer.dropout.key_number else layer.A
        layer.dA = self.allocate(A_shape)
        layer.dZ = self.allocate(Z_shape) if is_maxout else layer.dA
        return 0

    cdef int allocate_for_segment(self, Layer *layer) except -1:
        """Allocate a layer's buffers that do not lie with those of other segments."""
        cdef BatchNorm *norm = &layer.batch_norm
        cdef Size width = layer.width, n_rows = self.batch_size * self.plan.n_members
        layer.column_norms = self.allocate(width)
        if layer.activation == MAXOUT and not norm.scale:
            layer.argmax_bits = <uint64_t *>self.keep_alive(np.empty((n_rows // 64 + 1, width), np.uint64))
            layer.maxout_sums = self.keep_alive(np.empty((width + 8, MAX_PIECE_REGISTERS, 32), np.uint8))
        if norm.scale:
            norm.segment_mean, norm.segment_variance = self.allocate(width), self.allocate(width)
            norm.mean, norm.variance, norm.inv_std = self.allocate(width), self.allocate(width), self.allocate(width)
            norm.dshift_sum, norm.dscale_sum = self.allocate(width), self.allocate(width)
        return 0

    cdef int bind_dropout(self) except -1:
        cdef Dropout *bound
        cdef Size i
        for i, dropout in enumerate(self.dropout):
            if dropout is not None:
                bound = &self.plan.layers[i - 1].dropout if i else &self.plan.input_dropout
                self.drawn_from.append(dropout)
                bound.key_number, bound.threshold = len(self.drawn_from), dropout.threshold
                bound.scale = N_LEVELS / (N_LEVELS - dropout.threshold)
        return 0

    cdef int bind_loss(self, loss, Y) except -1:
        """Set the loss, its parameters and its targets."""
        cdef Size n_outputs = self.plan.layers[self.plan.n_layers - 1].width
        self.plan.loss, name = LOSSES[type(loss)]
        parameter = loss.quantiles if self.plan.loss == QUANTILE else parameter_of(loss, name)
        self.loss_parameters = np.full(n_outputs, parameter, self.dtype)
        codes = self.plan.loss == SOFTMAX_CROSS_ENTROPY
        self.Y = Y = np.ascontiguousarray(Y, np.intp if codes else self.dtype)
        if Y.size != self.n_samples * (1 if codes else n_outputs):
            raise ValueError(f"Y must have {self.n_samples} rows and {n_outputs} outputs. Got shape {Y.shape} instead.")
        if codes and not (Y.min() >= 0 and Y.max() < n_outputs):
            raise ValueError(f"Classes are numbered from 0 to {n_outputs - 1}. Got {Y.min()} to {Y.max()}.")
        return 0

    @property
    def has_dropout(self):
        """Whether each evaluation draws the keys of masks."""
        return bool(self.drawn_from)

    def draw_dropout_keys(self, n_passes):
        """Return the keys of the masks in the coming passes, an array of shape (n_passes, n_masks)."""
        if not self.drawn_from:
            return np.empty((n_passes, 0), np.uint32)
        return np.array([[dropout.draw_key() for dropout in self.drawn_from] for _ in range(n_passes)], np.uint32)

    def evaluate(self, rows):
        """Return the mean loss over some rows and store the gradient of J (penalties included) as seen by them."""
        cdef const Size[::1] indices = self.row_indices(rows)
        cdef bint adjacent = self.subset is None and isinstance(rows, slice)
        cdef Size n_rows = indices.shape[0]
        cdef Evaluation evaluation
        if not 0 < n_rows <= self.batch_size:
            raise ValueError(f"An evaluation takes from 1 to {self.batch_size} rows. Got {n_rows}.")
        cdef const uint32_t[:, ::1] keys = self.draw_dropout_keys(1)
        evaluation.plan, evaluation.is_float32 = &self.plan, self.is_float32
        evaluation.rows, evaluation.adjacent, evaluation.n_rows = &indices[0], adjacent, n_rows
        evaluation.dropout_keys = &keys[0, 0]
        self.train_in_team(evaluate_in_team, &evaluation, n_rows, n_rows)
        return evaluation.loss

    cdef bint tries_team(self, Size batch_size) except -1:
        """Whether the next call of :meth:`train_in_team` finds out what is faster, for which a short one is enough."""
        return TRIAL_PERIOD and is_trial(&self.timing) and self.n_threads(batch_size) > 1

    cdef int n_threads(self, Size batch_size) except -1:
        """Return how many threads a team has: none more than make the others' part smaller."""
        cdef Size n_segments = self.plan.n_segments, least
        cdef int n_threads = n_threads_for(self.plan.n_members * batch_size * self.row_cost, MIN_THREAD_COST)
        if n_threads == 1 or n_segments == 1:
            return 1
        least = (n_segments + n_threads - 1) // n_threads
        return (n_segments + least - 1) // least

    cdef int train_in_team(self, TeamFunction function, void *context, Size batch_size, Size n_rows) except -1:
        """Call a function that trains on n_rows rows, batch_size at a time: in one thread or a team, as is faster."""
        cdef int n_threads = self.n_threads(batch_size)
        cdef bint alone = n_threads == 1 or works_alone(&self.timing, TRIAL_PERIOD)
        cdef double start, end
        with nogil:
            start = nanoseconds()
            runner(function, context, 1 if alone else n_threads)
            end = nanoseconds()
        if n_threads > 1:
            add_timed_call(&self.timing, alone, (end - start) / n_rows, TRIAL_PERIOD)
        return 0

    @property
    def nanoseconds_per_row(self):
        """Of training, so far, by one thread and by the team: of calls that a team may make; 0 where none was made so."""
        return self.timing.alone, self.timing.team

    cdef double forward_backward(
        self, const Thread *thread, const Size *rows, bint adjacent, Size n_rows, const uint32_t *keys) noexcept nogil:
        """Return the mean loss of a batch, and store the thread's entries of the gradient."""
        if self.is_float32:
            return forward_backward_float(&self.plan, thread, rows, adjacent, n_rows, keys)
        return forward_backward_double(&self.plan, thread, rows, adjacent, n_rows, keys)

    def penalty(self):
        """Return the sum of the penalties at the present parameters."""
        cdef double penalty
        with nogil:
            penalty = self.total_penalty()
        return penalty

    cdef double total_penalty(self) noexcept nogil:
        return total_penalty_float(&self.plan) if self.is_float32 else total_penalty_double(&self.plan)

    def row_indices(self, rows):
        """Return the indices in X and Y of some training rows; an IndexError if one is out of range."""
        cdef Size i
        if self.subset is not None:
            rows = self.subset[rows]
        elif isinstance(rows, slice):
            rows = self.all_rows[rows]
        rows = np.ascontiguousarray(rows, np.intp)
        cdef const Size[::1] indices = rows
        for i in range(indices.shape[0]):
            if not 0 <= indices[i] < self.n_samples:
                raise IndexError(f"Rows are numbered from 0 to {self.n_samples - 1}. Got {indices[i]}.")
        return rows

    def reset_running_statistics(self):
        """Let the next evaluation alone decide the running statistics of batch normalisation."""
        for count in self.batch_counts:
            count[...] = 0

    def project(self, max_norm):
        """Shorten the incoming weights of units that exceed the bound."""
        cdef Thread alone = Thread(&self.plan.team, 0, 1)
        self.project_weights(&alone, max_norm.max_norm)

    cdef void project_weights(self, const Thread *thread, double max_norm) noexcept nogil:
        if self.is_float32:
            project_weights_float(&self.plan, thread, max_norm)
        else:
            project_weights_double(&self.plan, thread, max_norm)


cdef class FusedPrediction(FusedPlan):
    """The raw output of a network, block by block. Any number of threads may ask at once: each call has its own plans."""

    def __init__(self, network):
        self.bind_network(network)

    def raw_output(self, X, Size block_rows):
        """Return the raw output, in the parameters' dtype, computed block by block.

        Its shape is (n_rows, n_outputs), with several members (n_members, n_rows, n_outputs).
        """
        cdef Prediction prediction
        prediction.plan = self.plan
        cdef list kept_alive = bind_input(&prediction.plan.input, X)
        prediction.n_rows, prediction.block_rows = X.shape[0], block_rows
        prediction.n_outputs = self.plan.layers[self.plan.n_layers - 1].width
        prediction.largest_width, prediction.lacks_memory = self.largest_width, False
        F = np.empty((self.plan.n_members, prediction.n_rows, prediction.n_outputs), self.dtype)
        prediction.F = address(F)
        run_in_team(
            <TeamFunction>predict_in_team_float if self.is_float32 else <TeamFunction>predict_in_team_double,
            &prediction,
            self.plan.n_members * prediction.n_rows * self.row_cost)
        if prediction.lacks_memory:
            raise MemoryError(f"No memory for the activations of {min(block_rows, prediction.n_rows)} rows.")
        return F if self.plan.n_members > 1 else F[0]
