# What other extension modules see of the fused passes: several of them in a row, without the GIL.

from libc.stdint cimport int32_t, int64_t, uint16_t, uint64_t

ctypedef Py_ssize_t Size

cdef extern from "program.h" nogil:
    ctypedef struct Input:
        const void *data
        const int32_t *indices
        const int64_t *indptr
        Size row_stride, column_stride, n_features

    ctypedef struct Mask:
        const uint16_t *drawn
        int threshold
        double scale

    ctypedef struct Normal:
        void *scale
        void *dscale
        void *running_mean
        void *running_variance
        void *count
        void *unit
        void *mean
        void *variance
        void *inverse
        double epsilon, newest
        Size n_rows

    ctypedef struct Layer:
        Size fan_in, width, units, pieces
        int activation, shares_slope
        double setting
        void *W
        void *b
        void *learned
        void *dW
        void *db
        void *dlearned
        Normal normal
        Mask mask
        void *Z
        void *A
        void *dropped
        void *dA
        void *dZ
        void *slopes
        void *dslopes
        void *norms
        uint64_t *won
        void *sums

    ctypedef struct Outputs:
        void *F
        void *total
        void *share
        const Size *label
        const void *Y
        double setting
        Size n, k

    ctypedef struct Products:
        void *gemm
        int alone

    ctypedef struct Program:
        Products products
        Layer *layers
        Size n_layers
        Input input
        Mask input_mask
        void *gathered
        const void *weights
        void *normal_share
        Outputs outputs
        int loss
        double l1, l2


cdef class FusedPlan:
    cdef Program program
    cdef bint single
    cdef Size largest  # matrix of weights
    cdef list memory  # what the pointers point to stays alive
    cdef object dtype

    cdef void *hold(self, array) except? NULL
    cdef void *new(self, shape) except? NULL
    cdef int describe(self, network) except -1
    cdef int share(self, Products *products, Size n_rows) except -1


cdef class FusedForwardBackward(FusedPlan):
    cdef object every_row, used, dropout, indptr, counts
    cdef Size n_rows, n_samples

    cdef int differentiate(self, network, gradient) except -1
    cdef int prepare(self, Mask *mask, dropout) except -1
    cdef int prescribe(self, loss, Y) except -1
    cdef list draw(self, const Size[::1] chosen)
    cdef double pass_over(self, const Size *rows, bint adjacent, Size n) noexcept nogil
    cdef double penalize(self) noexcept nogil
    cdef void bound(self, double max_norm) noexcept nogil
