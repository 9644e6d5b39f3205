# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""The fused form of the solvers' updates, in one pass over parameters, gradient and state; and of whole epochs, many
training steps in one call.

All of it runs without the GIL. The classes in :mod:`skneural.solvers` specify what is computed; their state vectors are
used in place.
"""

from cpython.exc cimport PyErr_CheckSignals
from libc.math cimport INFINITY, NAN, isfinite
from libc.stdint cimport uint32_t
from libc.string cimport memcpy

from skneural.network.fused cimport (
    FusedForwardBackward, Range, Size, TeamFunction, Thread, address, entries_of, wait_for_team,
)

import weakref

import numpy as np

from skneural.network import Objective
from skneural.solvers.adaptive_solvers import Adagrad, Adam, AdamW, RMSprop
from skneural.solvers.batches import Batches, EqualBatches
from skneural.solvers.exceptions import DivergenceError
from skneural.solvers.schedule_free_adamw import ScheduleFreeAdamW
from skneural.solvers.sgd import SGD

cdef extern from "updates_and_norms.h" nogil:
    enum:
        SGD_UPDATE, ADAM_UPDATE, RMSPROP_UPDATE, ADAGRAD_UPDATE, SCHEDULE_FREE_UPDATE

    ctypedef struct SolverPlan:
        int update, nesterov
        double momentum, beta_1, beta_2, epsilon
        void *parameters
        void *gradient
        void *first_slot
        void *last_slot
        Size n_decayed

    ctypedef struct Step:
        double learning_rate
        Size number
        double decay, newest_weight

    void apply_update_float(const SolverPlan *solver, const Step *step, Range entries)
    void apply_update_double(const SolverPlan *solver, const Step *step, Range entries)
    double norm_float(float *x, Size n)
    double norm_double(double *x, Size n)
    void step_in_place_float(float *theta, float *before, Size n)
    void step_in_place_double(double *theta, double *before, Size n)
    int all_finite_float(float *x, Size n)
    int all_finite_double(double *x, Size n)
    void scale_float(float *x, double factor, Size n)
    void scale_double(double *x, double factor, Size n)

UPDATES = {
    SGD: SGD_UPDATE, Adam: ADAM_UPDATE, AdamW: ADAM_UPDATE, RMSprop: RMSPROP_UPDATE, Adagrad: ADAGRAD_UPDATE,
    ScheduleFreeAdamW: SCHEDULE_FREE_UPDATE,
}

# The cost of a step, in multiplications: in the passes one with each parameter for each row, and what the rows and
# their units cost besides; in the update so many for each parameter; and the call itself.
ROW_COST, UNIT_COST, PARAMETER_UPDATE_COST, STEP_COST = 128, 32, 12, 1 << 14
MAX_CALL_COST = 1 << 28  # some tens of milliseconds, for which Ctrl-C may have to wait
TRIAL_PART = 16  # calls that find out whether a team of threads is faster are so many times shorter


def supports_parameters(parameters):
    """Return whether the kernels can work on the parameters: float32 or float64, aligned."""
    return parameters.dtype.char in "fd" and parameters.flags.aligned


def supports_solver(solver, parameters):
    """Return whether the solver is one of the package's own, and the kernels can work on its parameters."""
    return type(solver) in UPDATES and supports_parameters(parameters)


def supports_steps(objective, solver, batches):
    """Return whether training steps need nothing of Python: no part of a user's own."""
    built_in = type(objective) is Objective and type(batches) in (Batches, EqualBatches)
    fused = isinstance(objective.forward_backward, FusedForwardBackward)
    fused = fused and isinstance(getattr(solver, "_apply_update", None), FusedUpdate)
    return built_in and fused


cdef class FusedUpdate:
    """A solver's update of all its parameters.

    Parameters
    ----------
    solver : SGD, Adam, AdamW, RMSprop, Adagrad or ScheduleFreeAdamW
        Whose state vectors are allocated.
    parameters, gradient : ndarray of shape (n_parameters,)
    """

    cdef SolverPlan plan
    cdef bint is_float32
    cdef Size n_parameters
    cdef object solver, kept_alive  # the arrays that the pointers lead to

    def __init__(self, solver, parameters, gradient):
        self.solver = weakref.ref(solver)  # which has a reference to this
        self.is_float32, self.n_parameters = parameters.dtype.char == "f", parameters.size
        self.kept_alive = [parameters, gradient, *solver.slots]
        first, last = solver.slots[0], solver.slots[len(solver.slots) - 1]
        self.plan.update, self.plan.nesterov = UPDATES[type(solver)], getattr(solver, "nesterovs_momentum", False)
        self.plan.momentum, self.plan.epsilon = getattr(solver, "momentum", 0), getattr(solver, "epsilon", 0)
        self.plan.beta_1, self.plan.beta_2 = getattr(solver, "beta_1", 0), getattr(solver, "beta_2", 0)
        self.plan.parameters, self.plan.gradient = address(parameters), address(gradient)
        self.plan.first_slot, self.plan.last_slot = address(first), address(last)
        self.plan.n_decayed = getattr(solver, "n_decayed", 0)

    def __call__(self, double learning_rate, Size n_steps):
        """Make step number `n_steps`, behind the decay of the weights."""
        cdef Range all_entries = Range(0, self.n_parameters)
        cdef Step step = Step(learning_rate, n_steps, 0, getattr(self.solver(), "newest_weight", 0))
        with nogil:
            self.apply(&step, all_entries)

    cdef void apply(self, const Step *step, Range entries) noexcept nogil:
        """Update these parameters."""
        if self.is_float32:
            apply_update_float(&self.plan, step, entries)
        else:
            apply_update_double(&self.plan, step, entries)


cdef class FusedStepNorms:
    """Norms of gradient, parameters and steps; :class:`skneural.solvers.step_norms.StepNorms` specifies them."""

    cdef bint is_float32
    cdef Size n_parameters, itemsize
    cdef void *parameters
    cdef void *gradient
    cdef void *before
    cdef object kept_alive

    def __init__(self, parameters, gradient):
        self.is_float32 = parameters.dtype.char == "f"
        self.n_parameters, self.itemsize = parameters.size, parameters.itemsize
        before = parameters.copy()
        self.kept_alive = [parameters, gradient, before]
        self.parameters, self.gradient, self.before = address(parameters), address(gradient), address(before)

    def save_parameters(self):
        """Save the parameters before a step."""
        cdef Range entries = Range(0, self.n_parameters)
        with nogil:
            self.save(entries)

    def gradient_norm(self):
        """Return the norm of the gradient."""
        cdef double norm
        with nogil:
            norm = self.norm(self.gradient)
        return norm

    def update_ratio(self):
        """Return the norm of the step since `save_parameters` over that of the parameters."""
        cdef double ratio
        with nogil:
            ratio = self.ratio()
        return ratio

    cdef double norm(self, void *x) noexcept nogil:
        return norm_float(<float *>x, self.n_parameters) if self.is_float32 else norm_double(<double *>x, self.n_parameters)

    cdef void save(self, Range entries) noexcept nogil:
        cdef Size first = entries.from_ * self.itemsize
        memcpy(<char *>self.before + first, <char *>self.parameters + first, entries.to * self.itemsize - first)

    cdef double ratio(self) noexcept nogil:
        if self.is_float32:
            step_in_place_float(<float *>self.parameters, <float *>self.before, self.n_parameters)
        else:
            step_in_place_double(<double *>self.parameters, <double *>self.before, self.n_parameters)
        cdef double step = self.norm(self.before), norm = self.norm(self.parameters)
        return step / norm if norm else INFINITY


cdef struct Epochs:  # which a team makes in one call
    const size_t *rows  # addresses of the indices of each epoch's rows
    const double *rates  # (n_epochs, n_batches)
    const double *newest_weights  # (n_batches,): of ScheduleFreeAdamW; NULL for the others
    const uint32_t *dropout_keys  # (n_batches, n_masks): of the one epoch of a call with dropout, else NULL
    double *results  # (n_epochs, 3): loss, gradient norm and update ratio
    void *epoch_start_state
    void *best_state
    double best_loss
    Size n_epochs, n_bytes  # n_bytes: of a state
    Size epoch, step, end  # how many epochs are made, and steps of the next one; where these stop
    bint adjacent


cdef class FusedTrainingSteps:
    """The training steps of epochs; parameters as in :class:`skneural.solvers.training_steps.TrainingSteps`.

    Attributes
    ----------
    max_epochs_per_call : int
        How many epochs one call of :meth:`run_epochs` can run in some tens of milliseconds; in fewer, if the next call
        finds out whether a team of threads is faster.
    """

    cdef readonly double gradient_norm, update_ratio
    cdef readonly object batches
    cdef FusedForwardBackward forward_backward
    cdef FusedUpdate update
    cdef FusedStepNorms norms
    cdef object solver, state_array, project
    cdef void *state
    cdef double clip_norm, max_norm, weight_decay
    cdef double loss, loss_sum  # of the batch, in the end of the epoch; of the rows so far
    cdef Size n_state, n_rows, batch_size, n_batches, n_steps, n_masks, max_steps_per_call
    cdef const Size[::1] bounds  # of the batches
    cdef Epochs epochs

    def __init__(self, objective, solver, batches, clip_norm):
        self.gradient_norm = self.update_ratio = np.nan
        self.forward_backward, self.solver, self.update = objective.forward_backward, solver, solver._apply_update
        self.batches, self.n_rows = batches, batches.n_rows
        self.batch_size, self.n_batches, self.bounds = batches.batch_size, len(batches), batches.bounds
        self.norms = FusedStepNorms(objective.parameters, objective.gradient)
        self.clip_norm = INFINITY if clip_norm is None else clip_norm
        self.max_norm = INFINITY if objective.max_norm is None else objective.max_norm.max_norm
        self.project = objective.project
        self.state_array, self.n_state, self.state = objective.state, objective.state.size, address(objective.state)
        cdef Size n_parameters = objective.parameters.size, row_cost = ROW_COST + n_parameters, i
        for i in range(self.forward_backward.plan.n_layers):
            row_cost += UNIT_COST * self.forward_backward.plan.layers[i].width
        row_cost *= self.forward_backward.plan.n_members
        step_cost = self.batch_size * row_cost + PARAMETER_UPDATE_COST * n_parameters + STEP_COST
        self.max_steps_per_call = max(1, MAX_CALL_COST // step_cost)

    @property
    def max_epochs_per_call(self):
        if self.update.plan.update == SCHEDULE_FREE_UPDATE or self.forward_backward.has_dropout:
            return 1  # between epochs the parameters are others, and the masks' keys are drawn
        return max(1, self.steps_of_next_call() // self.n_batches)

    cdef Size steps_of_next_call(self) except -1:
        is_short = self.forward_backward.tries_team(self.batch_size)
        return max(1, self.max_steps_per_call // TRIAL_PART) if is_short else self.max_steps_per_call

    def run_epoch(self, order, const double[::1] rates, number):
        """Make a step on each batch; return the mean loss of all rows, plus the penalties at the end."""
        cdef const size_t[::1] rows
        cdef const double[::1] newest_weights, sums_of_squared_rates = None
        cdef const uint32_t[:, ::1] keys
        indices = self.prepare([order], rates.shape[0])
        rows = np.array([array.ctypes.data for array in indices], np.uintp)
        self.epochs.rows, self.epochs.rates, self.epochs.newest_weights = &rows[0], &rates[0], NULL
        self.epochs.adjacent = order is None and self.forward_backward.subset is None
        keys = self.forward_backward.draw_dropout_keys(self.n_batches)
        self.epochs.dropout_keys, self.n_masks = &keys[0, 0], keys.shape[1]
        if self.update.plan.update == SCHEDULE_FREE_UPDATE:
            newest_weights, sums_of_squared_rates = self.solver.averaging_weights(np.asarray(rates))
            self.epochs.newest_weights = &newest_weights[0]
        self.solver.to_training()
        try:
            self.run_calls(rates, number, sums_of_squared_rates)
        finally:  # also after Ctrl-C
            averaged = self.solver.to_evaluation()
            if averaged:
                self.project()
        if averaged:
            self.measure_loss()
            if not isfinite(self.loss):
                raise DivergenceError.at(number, rates[self.n_batches - 1])
        return self.loss

    cdef int run_calls(self, const double[::1] rates, number, const double[::1] sums_of_squared_rates) except -1:
        """Make the steps of an epoch, in calls between which Ctrl-C is heard: not before the solver has counted them."""
        self.epochs.step = 0
        self.loss_sum = 0
        while self.epochs.step < self.n_batches:
            self.epochs.end = min(self.epochs.step + self.steps_of_next_call(), self.n_batches)
            self.run_in_team(<TeamFunction>run_steps_in_team, self.epochs.end - self.epochs.step)
            self.solver.n_steps = self.n_steps + self.epochs.step
            if sums_of_squared_rates is not None and self.epochs.step:
                self.solver.sum_of_squared_rates = sums_of_squared_rates[self.epochs.step - 1]
            if not isfinite(self.loss):
                raise DivergenceError.at(number, rates[min(self.epochs.step, self.n_batches - 1)])
            PyErr_CheckSignals()
        return 0

    def run_epochs(self, list orders, const double[:, ::1] rates, number, double[:, ::1] results, monitor):
        """Run some epochs between which nothing happens in Python.

        Parameters
        ----------
        orders : list of ndarray or None
            One for each epoch, as for :meth:`run_epoch`.
        rates : ndarray of shape (n_epochs, n_batches)
        number : int
            The first epoch's.
        results : ndarray of shape (n_epochs, 3)
            Where loss, gradient norm and update ratio of each epoch go; rows of epochs that are not finished stay.
        monitor : TrainingMonitor
            Its `best_state` and `epoch_start_state` are kept as it keeps them itself.

        Raises
        ------
        DivergenceError
            As in :meth:`run_epoch`.
        """
        cdef Size n_epochs = len(orders), epoch
        cdef list indices = self.prepare(orders, rates.shape[1])
        cdef const size_t[::1] rows = np.array([array.ctypes.data for array in indices], np.uintp)
        if (rates.shape[0], results.shape[0], results.shape[1]) != (n_epochs, n_epochs, 3):
            raise ValueError(f"{n_epochs} epochs need as many rows of rates, and results of shape {(n_epochs, 3)}. Got "
                             f"{rates.shape[0]} rows, and results of shape {(results.shape[0], results.shape[1])}.")
        self.epochs.rows, self.epochs.rates, self.epochs.results = &rows[0], &rates[0, 0], &results[0, 0]
        self.epochs.newest_weights, self.epochs.dropout_keys, self.n_masks = NULL, NULL, 0
        self.epochs.n_epochs, self.epochs.epoch, self.epochs.step = n_epochs, 0, 0
        self.epochs.adjacent = self.forward_backward.subset is None and all(order is None for order in orders)
        self.epochs.best_state = self.checked_address(monitor.best_state)
        self.epochs.epoch_start_state = self.checked_address(monitor.epoch_start_state)
        self.epochs.n_bytes, self.epochs.best_loss = self.state_array.nbytes, monitor.early_stopping.best
        self.run_in_team(<TeamFunction>run_epochs_in_team, n_epochs * self.n_batches)
        epoch = self.epochs.epoch
        self.n_steps += epoch * self.n_batches + (self.epochs.step if epoch < n_epochs else 0)
        self.solver.n_steps = self.n_steps
        if epoch < n_epochs:
            raise DivergenceError.at(number + epoch, rates[epoch, min(self.epochs.step, self.n_batches - 1)])

    cdef int run_in_team(self, TeamFunction function, Size n_steps) except -1:
        return self.forward_backward.train_in_team(function, <void *>self, self.batch_size, n_steps * self.batch_size)

    cdef void *checked_address(self, array) except? NULL:
        """Return the address of an array to which the state can be copied."""
        state = self.state_array
        if (array.dtype, array.shape) != (state.dtype, state.shape) or not array.flags.carray:
            raise ValueError(f"A copy of the state must be {state.dtype} of shape {state.shape}, contiguous and "
                             f"writable. Got {array.dtype} of shape {array.shape}.")
        return address(array)

    cdef list prepare(self, list orders, Size n_rates):
        """Check the arguments and read the solver's present values; return the row indices of each epoch."""
        indices = [self.forward_backward.row_indices(slice(self.n_rows) if order is None else order) for order in orders]
        if self.batch_size > self.forward_backward.batch_size or n_rates != self.n_batches:
            raise ValueError(
                f"{self.n_rows} rows in batches of {self.batch_size} need as many rates as there are batches, and "
                f"passes over {self.batch_size} rows. Got {n_rates} rates, and passes over "
                f"{self.forward_backward.batch_size} rows.")
        for rows in indices:
            if len(rows) != self.n_rows:
                raise ValueError(f"The order of an epoch has {self.n_rows} rows. Got {len(rows)} rows.")
        self.weight_decay = getattr(self.solver, "weight_decay", 0)
        self.n_steps = self.solver.n_steps
        return indices

    cdef void run_epochs_of_thread(self, const Thread *thread) noexcept nogil:
        """Make epochs until one is not finite; the first thread keeps the results."""
        cdef Size epoch
        cdef bint is_first = thread.index == 0
        for epoch in range(self.epochs.n_epochs):
            if is_first:
                memcpy(self.epochs.epoch_start_state, self.state, self.epochs.n_bytes)
                self.loss_sum = 0
            self.run_steps(thread, epoch, 0, self.n_batches)
            if not isfinite(self.loss):
                break
            if is_first:
                self.finish_epoch(epoch)

    cdef void finish_epoch(self, Size epoch) noexcept nogil:
        """Store the results of an epoch, and the state at its start where its loss is the least."""
        cdef double *results = self.epochs.results + 3 * epoch
        results[0], results[1], results[2] = self.loss, self.gradient_norm, self.update_ratio
        self.epochs.epoch = epoch + 1
        if self.loss < self.epochs.best_loss:
            self.epochs.best_loss = self.loss
            memcpy(self.epochs.best_state, self.epochs.epoch_start_state, self.epochs.n_bytes)

    cdef void run_steps(self, const Thread *thread, Size epoch, Size step, Size end) noexcept nogil:
        """Make the steps from `step` to `end` of an epoch. All threads of a team do so together; the first sets the
        loss, and in `epochs.step` how many of the epoch are made then: fewer than `end` where the loss is not finite.
        """
        cdef const Size *rows = <const Size *>self.epochs.rows[epoch]
        cdef const uint32_t *keys
        cdef Size start, n
        cdef double loss = 0
        while step < end and isfinite(loss):
            start = self.bounds[step]
            n = self.bounds[step + 1] - start
            keys = self.epochs.dropout_keys + step * self.n_masks
            loss = self.forward_backward.forward_backward(thread, rows + start, self.epochs.adjacent, n, keys)
            if thread.index == 0:
                self.loss = loss
                self.loss_sum += n * loss
            if isfinite(loss):
                step += 1
                self.make_step(thread, self.step_of(epoch, step - 1), step == self.n_batches)
        if thread.index == 0:
            self.epochs.step = step
            if step == self.n_batches:  # here, since to take the GIL in between is to wait for other threads
                self.measure_epoch()
        wait_for_team(thread)

    cdef Step step_of(self, Size epoch, Size step) noexcept nogil:
        cdef double rate = self.epochs.rates[epoch * self.n_batches + step], newest_weight = 0
        if self.epochs.newest_weights:
            newest_weight = self.epochs.newest_weights[step]
        return Step(rate, self.n_steps + epoch * self.n_batches + step + 1, rate * self.weight_decay, newest_weight)

    cdef void measure_epoch(self) noexcept nogil:
        """Set the update ratio and the loss of the epoch."""
        self.update_ratio = self.norms.ratio()
        self.measure_loss()

    cdef void measure_loss(self) noexcept nogil:
        """Set the loss of the epoch: NaN if the state is not finite."""
        self.loss = self.loss_sum / self.n_rows + self.forward_backward.total_penalty()
        if not self.state_is_finite():
            self.loss = NAN

    cdef void make_step(self, const Thread *thread, Step step, bint is_last) noexcept nogil:
        """Clip the gradient, update the parameters, project the weights; the last step of an epoch is measured. Each
        thread does its part."""
        cdef Range entries = entries_of(thread, self.norms.n_parameters)
        if is_last:
            self.norms.save(entries)
        if is_last or self.clip_norm < INFINITY:
            wait_for_team(thread)  # for the others' entries of the gradient
            if thread.index == 0:
                self.gradient_norm = self.norms.norm(self.norms.gradient)
            wait_for_team(thread)
            if self.gradient_norm > self.clip_norm:
                self.scale(self.norms.gradient, self.clip_norm / self.gradient_norm, entries)
        if step.decay and not self.epochs.newest_weights:
            self.scale(
                self.norms.parameters, 1 - step.decay, Range(entries.from_, min(entries.to, self.update.plan.n_decayed)))
        self.update.apply(&step, entries)
        wait_for_team(thread)
        if self.max_norm < INFINITY:
            self.forward_backward.project_weights(thread, self.max_norm)
            wait_for_team(thread)

    cdef void scale(self, void *x, double factor, Range entries) noexcept nogil:
        if self.forward_backward.is_float32:
            scale_float(<float *>x + entries.from_, factor, entries.to - entries.from_)
        else:
            scale_double(<double *>x + entries.from_, factor, entries.to - entries.from_)

    cdef bint state_is_finite(self) noexcept nogil:
        if self.forward_backward.is_float32:
            return all_finite_float(<float *>self.state, self.n_state)
        return all_finite_double(<double *>self.state, self.n_state)


cdef void run_steps_in_team(FusedTrainingSteps steps, int index, int n_threads) noexcept nogil:
    cdef Thread thread = Thread(&steps.forward_backward.plan.team, index, n_threads)
    steps.run_steps(&thread, 0, steps.epochs.step, steps.epochs.end)


cdef void run_epochs_in_team(FusedTrainingSteps steps, int index, int n_threads) noexcept nogil:
    cdef Thread thread = Thread(&steps.forward_backward.plan.team, index, n_threads)
    steps.run_epochs_of_thread(&thread)
