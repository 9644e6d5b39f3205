# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""The solvers' updates, fused: one pass over parameters, gradient and state; and whole steps, many in one call.

All of it without the GIL. The classes in :mod:`skneural.solvers` say what is computed. Their state vectors are used as
they are.
"""

from cpython.exc cimport PyErr_CheckSignals
from libc.math cimport INFINITY, NAN, isfinite, pow, sqrt
from libc.string cimport memcpy

from skneural.network.fused cimport FusedForwardBackward, Size

import numpy as np

from skneural.network import Objective
from skneural.solvers.adam import Adam, AdamW
from skneural.solvers.adaptive import Adagrad, RMSprop
from skneural.solvers.batches import Batches
from skneural.solvers.sgd import SGD
from skneural.solvers.exceptions import DivergenceError

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
    int finite_float(float *x, Size n)
    int finite_double(double *x, Size n)
    void scale_float(float *x, double factor, Size n)
    void scale_double(double *x, double factor, Size n)

cdef enum Kind:
    PLAIN, MOMENTS, SQUARES, SUMS

# What a step takes, in multiplications: of each row ROW, one with each parameter, and UNIT for each unit; of the update
# UPDATE for each parameter; and BESIDES. WORK, some tens of milliseconds, may pass between two looks for Ctrl-C.
WORK, ROW, UNIT, UPDATE, BESIDES = 1 << 28, 128, 32, 12, 1 << 14

KINDS = {SGD: PLAIN, Adam: MOMENTS, AdamW: MOMENTS, RMSprop: SQUARES, Adagrad: SUMS}


def reads(parameters):
    """Return whether the parameters are of a kind that the kernels read."""
    return parameters.dtype.char in "fd" and parameters.flags.aligned


def knows(solver, parameters):
    """Return whether the solver is the package's own, and its parameters can be read."""
    return type(solver) in KINDS and reads(parameters)


def knows_steps(objective, solver, batches):
    """Return whether steps need nothing of Python's: neither a user's own parts nor random numbers."""
    own = type(objective) is Objective and type(batches) is Batches
    fused = isinstance(objective.forward_backward, FusedForwardBackward) and isinstance(getattr(solver, "_move", None), FusedUpdate)
    return own and fused and not objective.forward_backward.draws


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

    def __call__(self, double learning_rate, Size n_steps):
        """Make step number `n_steps`."""
        with nogil:
            self.move(learning_rate, n_steps)

    cdef void move(self, double learning_rate, Size n_steps) noexcept nogil:
        cdef double rate = learning_rate
        if self.kind in (MOMENTS, SQUARES):
            rate *= sqrt(1 - pow(self.beta_2, <double>n_steps))
        if self.kind == MOMENTS:
            rate /= 1 - pow(self.beta_1, <double>n_steps)
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


cdef class FusedStepNorms:
    """Norms of gradient, parameters and steps; :class:`skneural.solvers.norms.StepNorms` says what is computed."""

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

    def begin_step(self):
        """Keep the parameters."""
        with nogil:
            self.keep()

    def gradient(self):
        """Return the gradient's norm."""
        cdef double norm
        with nogil:
            norm = self.norm(self.g)
        return norm

    def update_ratio(self):
        """Return the norm of the change since `begin_step` over that of the parameters."""
        cdef double ratio
        with nogil:
            ratio = self.ratio()
        return ratio

    cdef double norm(self, void *x) noexcept nogil:
        return norm_float(<float *>x, self.n) if self.single else norm_double(<double *>x, self.n)

    cdef void keep(self) noexcept nogil:
        memcpy(self.before, self.theta, self.n * self.itemsize)

    cdef double ratio(self) noexcept nogil:
        if self.single:
            difference_float(<float *>self.theta, <float *>self.before, self.n)
        else:
            difference_double(<double *>self.theta, <double *>self.before, self.n)
        cdef double step = self.norm(self.before), length = self.norm(self.theta)
        return step / length if length else INFINITY


cdef class FusedSteps:
    """The steps of epochs; parameters as in :class:`skneural.solvers.steps.Steps`.

    Attributes
    ----------
    max_epochs_per_call : int
        So many epochs may be one call of :meth:`run_epochs`, some tens of milliseconds.
    """

    cdef readonly double gradient_norm, update_ratio
    cdef readonly object batches
    cdef readonly Size max_epochs_per_call
    cdef FusedForwardBackward forward_backward
    cdef FusedUpdate update
    cdef FusedStepNorms norms
    cdef object solver, alive
    cdef void *state
    cdef double clip_norm, max_norm, weight_decay, loss, total
    cdef Size n_decayed, n_parameters, n_state, n_rows, size, n_batches, n_steps, portion

    def __init__(self, objective, solver, batches, clip_norm):
        self.gradient_norm = self.update_ratio = np.nan
        self.forward_backward, self.solver, self.update = objective.forward_backward, solver, solver._move
        self.batches, self.n_rows, self.size, self.n_batches = batches, batches.n_rows, batches.batch_size, len(batches)
        self.norms = FusedStepNorms(objective.parameters, objective.gradient)
        self.clip_norm = INFINITY if clip_norm is None else clip_norm
        self.max_norm = INFINITY if objective.max_norm is None else objective.max_norm.max_norm
        self.n_decayed = len(getattr(solver, "_decayed", ()))
        self.n_parameters, self.n_state, self.alive = objective.parameters.size, objective.state.size, objective.state
        self.state = <void *><size_t>objective.state.ctypes.data
        cdef Size row = ROW + self.n_parameters, i
        for i in range(self.forward_backward.program.n_layers):
            row += UNIT * self.forward_backward.program.layers[i].width
        self.portion = max(1, WORK // (self.size * row + UPDATE * self.n_parameters + BESIDES))
        self.max_epochs_per_call = max(1, self.portion // self.n_batches)

    def run_epoch(self, order, const double[::1] rates, number):
        """Make a step on each batch; return the mean loss of all rows, plus the penalties at the end."""
        cdef const Size[::1] rows = self.begin([order], rates.shape[0])[0]
        cdef bint adjacent = order is None and self.forward_backward.used is None
        cdef Size made = 0
        self.total = 0
        while made < self.n_batches:
            with nogil:
                made = self.advance(&rows[0], adjacent, &rates[0], made, min(made + self.portion, self.n_batches))
            self.solver.n_steps = self.n_steps + made
            if not isfinite(self.loss):
                raise DivergenceError.at(number, rates[min(made, self.n_batches - 1)])
            PyErr_CheckSignals()
        return self.loss

    def run_epochs(self, list orders, const double[:, ::1] rates, number, double[:, ::1] found, monitor):
        """Make the steps of some epochs that nobody looks at in between.

        Parameters
        ----------
        orders : list of ndarray or None
            One for each epoch, as for :meth:`take`.
        rates : ndarray of shape (n_epochs, n_batches)
        number : int
            The first epoch's.
        found : ndarray of shape (n_epochs, 3)
            For loss, gradient norm and update ratio of each epoch; left as they are where one does not end.
        monitor : TrainingMonitor
            Its `best` and `first`, the states that the best epoch so far and the latest one began with, are kept as it
            keeps them itself: they change places with each epoch that is the best so far.

        Raises
        ------
        DivergenceError
            As in :meth:`take`.
        """
        cdef Size n = len(orders), done = 0, made = 0, itemsize = self.alive.itemsize
        cdef list chosen = self.begin(orders, rates.shape[1])
        cdef const size_t[::1] rows = np.array([array.ctypes.data for array in chosen], np.uintp)
        cdef bint adjacent = self.forward_backward.used is None and all(order is None for order in orders)
        if (rates.shape[0], found.shape[0], found.shape[1]) != (n, n, 3):
            raise ValueError(f"{n} epochs need as many rows of rates, and room for 3 numbers each. Got {rates.shape[0]} "
                             f"rows, and room of shape {(found.shape[0], found.shape[1])}.")
        for state in (monitor.best_state, monitor.epoch_start_state):
            if (state.dtype, state.shape) != (self.alive.dtype, self.alive.shape) or not state.flags.carray:
                raise ValueError(f"What is kept must be as the state, {self.alive.dtype} of shape {self.alive.shape}, "
                                 f"contiguous and writable. Got {state.dtype} of shape {state.shape}.")
        cdef double least = monitor.stopping.best
        cdef void *best = <void *><size_t>monitor.best_state.ctypes.data
        cdef void *first = <void *><size_t>monitor.epoch_start_state.ctypes.data
        with nogil:
            while done < n:
                memcpy(first, self.state, self.n_state * itemsize)
                self.total = 0
                made = self.advance(<const Size *>rows[done], adjacent, &rates[done, 0], 0, self.n_batches)
                self.n_steps += made
                if not isfinite(self.loss):
                    break
                found[done, 0], found[done, 1], found[done, 2] = self.loss, self.gradient_norm, self.update_ratio
                done += 1
                if self.loss < least:
                    least = self.loss
                    best, first = first, best
        self.solver.n_steps = self.n_steps
        if done < n:
            raise DivergenceError.at(number + done, rates[done, min(made, self.n_batches - 1)])

    cdef list begin(self, list orders, Size n_rates):
        """Return the rows of each epoch, batch by batch, after a look at what is asked for."""
        chosen = [self.forward_backward.choose(slice(self.n_rows) if order is None else order) for order in orders]
        if self.size > self.forward_backward.n_rows or n_rates != self.n_batches:
            raise ValueError(
                f"{self.n_rows} rows in batches of {self.size} need as many rates as there are batches, and passes over "
                f"{self.size} rows. Got {n_rates} rates, and passes over {self.forward_backward.n_rows} rows.")
        for rows in chosen:
            if len(rows) != self.n_rows:
                raise ValueError(f"The order of an epoch has {self.n_rows} rows. Got {len(rows)} rows.")
        self.weight_decay = getattr(self.solver, "weight_decay", 0)
        self.n_steps = self.solver.n_steps
        self.forward_backward.share(&self.forward_backward.program.products, self.size)
        return chosen

    cdef Size advance(self, const Size *rows, bint adjacent, const double *rates, Size i, Size end) noexcept nogil:
        """Make the steps from i to `end` of an epoch; return how many are made, fewer where the loss is not finite."""
        cdef Size start, n
        while i < end:
            start = i * self.size
            n = min(self.size, self.n_rows - start)
            self.loss = self.forward_backward.pass_over(rows + start, adjacent, n)
            if not isfinite(self.loss):
                return i
            self.total += n * self.loss
            i += 1
            self.step(rates[i - 1], self.n_steps + i, i == self.n_batches)
        if i == self.n_batches:  # here, since to take the GIL in between is to wait for other threads
            self.update_ratio = self.norms.ratio()
            self.loss = self.total / self.n_rows + self.forward_backward.penalize()
            if not self.finite():
                self.loss = NAN
        return i

    cdef bint finite(self) noexcept nogil:
        if self.forward_backward.single:
            return finite_float(<float *>self.state, self.n_state)
        return finite_double(<double *>self.state, self.n_state)

    cdef void scale(self, void *x, double factor, Size n) noexcept nogil:
        if self.forward_backward.single:
            scale_float(<float *>x, factor, n)
        else:
            scale_double(<double *>x, factor, n)

    cdef void step(self, double rate, Size number, bint is_last) noexcept nogil:
        """Clip, move, and enforce the bound on norms; the last step of an epoch is measured."""
        cdef double norm
        if is_last:
            self.norms.keep()
        if is_last or self.clip_norm < INFINITY:
            norm = self.norms.norm(self.norms.g)
            self.gradient_norm = norm
            if norm > self.clip_norm:
                self.scale(self.norms.g, self.clip_norm / norm, self.norms.n)
        if self.weight_decay:
            self.scale(self.norms.theta, 1 - rate * self.weight_decay, self.n_decayed)
        self.update.move(rate, number)
        if self.max_norm < INFINITY:
            self.forward_backward.bound(self.max_norm)
