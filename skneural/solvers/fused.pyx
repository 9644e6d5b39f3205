# cython: language_level=3, boundscheck=False, wraparound=False
"""The solvers' updates, fused: one pass over parameters, gradient and state, without the GIL.

The classes in :mod:`skneural.solvers` say what is computed. Their state vectors are used as they are.
"""

from libc.math cimport INFINITY
from libc.string cimport memcpy

from skneural.solvers.adam import Adam, AdamW
from skneural.solvers.adaptive import Adagrad, RMSprop
from skneural.solvers.sgd import SGD

ctypedef Py_ssize_t Size

cdef extern from "solvers.h" nogil:
    void sgd_float(float *theta, float *g, float *v, double rate, double momentum, int nesterov, Size n)
    void sgd_double(double *theta, double *g, double *v, double rate, double momentum, int nesterov, Size n)
    void adam_float(
        float *theta, float *g, float *m, float *v, double rate, double beta_1, double beta_2, double epsilon, Size n)
    void adam_double(
        double *theta, double *g, double *m, double *v, double rate, double beta_1, double beta_2, double epsilon,
        Size n)
    void rmsprop_float(float *theta, float *g, float *v, double rate, double beta_2, double epsilon, Size n)
    void rmsprop_double(double *theta, double *g, double *v, double rate, double beta_2, double epsilon, Size n)
    void adagrad_float(float *theta, float *g, float *v, double rate, double epsilon, Size n)
    void adagrad_double(double *theta, double *g, double *v, double rate, double epsilon, Size n)
    double norm_float(float *x, Size n)
    double norm_double(double *x, Size n)
    void difference_float(float *theta, float *before, Size n)
    void difference_double(double *theta, double *before, Size n)

cdef enum Kind:
    PLAIN, MOMENTS, SQUARES, SUMS

KINDS = {SGD: PLAIN, Adam: MOMENTS, AdamW: MOMENTS, RMSprop: SQUARES, Adagrad: SUMS}


def reads(parameters):
    """Return whether the parameters are of a kind that the kernels read."""
    return parameters.dtype.char in "fd" and parameters.flags.aligned


def knows(solver, parameters):
    """Return whether the solver is the package's own, and its parameters can be read."""
    return type(solver) in KINDS and reads(parameters)


cdef class FusedUpdate:
    """A solver's update of all its parameters.

    Parameters
    ----------
    solver : SGD, Adam, RMSprop or Adagrad
        After its ``start``.
    parameters, gradient : ndarray of shape (n_parameters,)
    """

    cdef Kind kind
    cdef bint single, nesterov
    cdef double momentum, beta_1, beta_2, epsilon
    cdef Size n
    cdef void *theta
    cdef void *g
    cdef void *first
    cdef void *second
    cdef object alive

    def __init__(self, solver, parameters, gradient):
        self.kind = KINDS[type(solver)]
        self.single = parameters.dtype.char == "f"
        self.n = parameters.size
        self.alive = [parameters, gradient, *solver.slots]
        addresses = [array.ctypes.data for array in self.alive]
        self.theta, self.g = <void *><size_t>addresses[0], <void *><size_t>addresses[1]
        self.first = <void *><size_t>addresses[2]
        self.second = <void *><size_t>addresses[len(addresses) - 1]
        self.momentum = getattr(solver, "momentum", 0)
        self.nesterov = getattr(solver, "nesterovs_momentum", False)
        self.beta_1, self.beta_2 = getattr(solver, "beta_1", 0), getattr(solver, "beta_2", 0)
        self.epsilon = getattr(solver, "epsilon", 0)

    def __call__(self, double rate):
        """Move the parameters once, at a rate that is corrected already."""
        with nogil:
            if self.single:
                self.move_single(rate)
            else:
                self.move_double(rate)

    cdef void move_single(self, double rate) noexcept nogil:
        cdef float *theta = <float *>self.theta
        cdef float *g = <float *>self.g
        cdef float *first = <float *>self.first
        if self.kind == PLAIN:
            sgd_float(theta, g, first, rate, self.momentum, self.nesterov, self.n)
        elif self.kind == MOMENTS:
            adam_float(theta, g, first, <float *>self.second, rate, self.beta_1, self.beta_2, self.epsilon, self.n)
        elif self.kind == SQUARES:
            rmsprop_float(theta, g, first, rate, self.beta_2, self.epsilon, self.n)
        else:
            adagrad_float(theta, g, first, rate, self.epsilon, self.n)

    cdef void move_double(self, double rate) noexcept nogil:
        cdef double *theta = <double *>self.theta
        cdef double *g = <double *>self.g
        cdef double *first = <double *>self.first
        if self.kind == PLAIN:
            sgd_double(theta, g, first, rate, self.momentum, self.nesterov, self.n)
        elif self.kind == MOMENTS:
            adam_double(theta, g, first, <double *>self.second, rate, self.beta_1, self.beta_2, self.epsilon, self.n)
        elif self.kind == SQUARES:
            rmsprop_double(theta, g, first, rate, self.beta_2, self.epsilon, self.n)
        else:
            adagrad_double(theta, g, first, rate, self.epsilon, self.n)


cdef class FusedLengths:
    """Norms of gradient, parameters and steps; :class:`skneural.solvers.lengths.Lengths` says what is computed."""

    cdef bint single
    cdef Size n, itemsize
    cdef void *theta
    cdef void *g
    cdef void *before
    cdef object alive

    def __init__(self, parameters, gradient):
        self.single = parameters.dtype.char == "f"
        self.n, self.itemsize = parameters.size, parameters.itemsize
        self.alive = [parameters, gradient, parameters.copy()]
        addresses = [array.ctypes.data for array in self.alive]
        self.theta, self.g = <void *><size_t>addresses[0], <void *><size_t>addresses[1]
        self.before = <void *><size_t>addresses[2]

    cdef double norm(self, void *x) noexcept nogil:
        return norm_float(<float *>x, self.n) if self.single else norm_double(<double *>x, self.n)

    def begin_step(self):
        """Keep the parameters."""
        with nogil:
            memcpy(self.before, self.theta, self.n * self.itemsize)

    def gradient(self):
        """Return the gradient's norm."""
        cdef double norm
        with nogil:
            norm = self.norm(self.g)
        return norm

    def update_ratio(self):
        """Return the norm of the change since `begin_step` over that of the parameters."""
        cdef double step, length
        with nogil:
            if self.single:
                difference_float(<float *>self.theta, <float *>self.before, self.n)
            else:
                difference_double(<double *>self.theta, <double *>self.before, self.n)
            step, length = self.norm(self.before), self.norm(self.theta)
        return step / length if length else INFINITY
