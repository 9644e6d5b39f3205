# What solvers/fused.pyx sees of the fused passes: it calls many of them in a row, without the GIL.

from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t

ctypedef Py_ssize_t Size

cdef extern from "network_plan.h" nogil:
    ctypedef struct InputRows:
        const void *data
        const int32_t *indices
        const int64_t *indptr
        Size row_stride, column_stride, n_features

    ctypedef struct Dropout:
        int key_number, threshold
        double scale

    ctypedef struct BatchNorm:
        void *scale
        void *dscale
        void *running_mean
        void *running_variance
        void *batch_count
        void *normalized
        void *segment_mean
        void *segment_variance
        void *mean
        void *variance
        void *inv_std
        void *dshift_sum
        void *dscale_sum
        double epsilon, momentum
        Size batch_size

    ctypedef struct Layer:
        Size fan_in, width, n_units, n_pieces, n_matrices
        int activation, shares_slope
        double activation_parameter
        void *W
        void *b
        void *activation_params
        void *dW
        void *db
        void *dactivation_params
        void *member_scales
        void *dmember_scales
        void *member_matrix
        BatchNorm batch_norm
        Dropout dropout
        void *Z
        void *A
        void *output
        void *dA
        void *dZ
        void *column_norms
        uint64_t *argmax_bits
        void *maxout_sums

    ctypedef struct LossBatch:
        void *F
        void *scratch
        void *row_weight
        double *row_loss
        const void *Y
        const void *loss_parameters
        Size n_outputs

    ctypedef struct Team:
        pass

    ctypedef struct Thread:
        Team *team
        int index, n_threads

    ctypedef struct Range:
        Size from_ "from", to

    Range entries_of(const Thread *thread, Size n)
    void wait_for_team(const Thread *thread)

    ctypedef struct Segment:
        Layer *layers
        Size first_member, n_members
        void *gradient
        void *gathered
        Size *member_rows
        void *normalized_weight
        LossBatch loss_batch

    ctypedef struct NetworkPlan:
        void *blas_gemm
        Layer *layers
        Size n_layers
        InputRows input
        Dropout input_dropout
        Size n_members
        const void *sample_weight
        int loss
        double l1, l2
        Segment *segments
        Size n_segments, segment_rows, n_weights, n_parameters
        Team team

    int works_in_place(int activation)
    int members_pass_together(const NetworkPlan *plan)

cdef extern from "team_timing.h" nogil:
    ctypedef struct TeamTiming:
        double alone, team
        Size n_calls, next_trial

    int64_t nanoseconds()
    bint works_alone(const TeamTiming *timing, int trial_period)
    bint is_trial(const TeamTiming *timing)
    void add_timed_call(TeamTiming *timing, bint alone, double latest, int trial_period)


ctypedef void (*TeamFunction)(void *context, int index, int n_threads) noexcept nogil


cdef void *address(array) except? NULL


cdef class FusedPlan:
    cdef NetworkPlan plan
    cdef bint is_float32
    cdef Size largest_width, row_cost  # the largest layer.width; multiplications for each row
    cdef list kept_alive  # the arrays that the pointers of the plan lead to
    cdef object dtype

    cdef void *keep_alive(self, array) except? NULL
    cdef void *allocate(self, shape) except? NULL
    cdef int bind_network(self, network) except -1


cdef class FusedForwardBackward(FusedPlan):
    cdef object all_rows, subset, dropout, indptr, batch_counts, Y, loss_parameters
    cdef Size batch_size, n_samples
    cdef list drawn_from  # each Dropout, in the order of their keys
    cdef TeamTiming timing

    cdef bint tries_team(self, Size batch_size) except -1
    cdef int train_in_team(self, TeamFunction function, void *context, Size batch_size, Size n_rows) except -1
    cdef int n_threads(self, Size batch_size) except -1
    cdef int allocate_segments(self, network, gradient) except -1
    cdef int allocate_buffers(self, network) except -1
    cdef int bind_segment(self, Size number, network, gradient) except -1
    cdef int bind_gradients(self, Segment *segment, gradients, network_gradients) except -1
    cdef int allocate_layer(self, Layer *layer, Size n_rows) except -1
    cdef int allocate_for_segment(self, Layer *layer) except -1
    cdef int bind_loss(self, loss, Y) except -1
    cdef int bind_dropout(self) except -1
    cdef double forward_backward(
        self, const Thread *thread, const Size *rows, bint adjacent, Size n_rows, const uint32_t *keys) noexcept nogil
    cdef double total_penalty(self) noexcept nogil
    cdef void project_weights(self, const Thread *thread, double max_norm) noexcept nogil
