"""The training loop over epochs, for all stochastic solvers."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skneural.network import Objective
from skneural.solvers.base import Solver
from skneural.solvers.batches import Batches
from skneural.solvers.exceptions import DivergenceError
from skneural.solvers.learning_rate import LearningRate
from skneural.solvers.schedules import Progress, Schedule
from skneural.solvers.training_monitor import Epoch, TrainingMonitor
from skneural.solvers.training_steps import create_training_steps

Array = NDArray[Any]


class TrainingLoop:
    """Minimises an objective by steps on mini-batches.

    Parameters
    ----------
    objective : Objective
        What is minimised, from its present parameters on.
    solver : Solver
        Makes the steps.
    schedule : Schedule or callable
        Progress -> factors on the learning rate.
    batches : Batches
        The rows of each step.
    monitor : TrainingMonitor
        Validation, early stopping and callbacks between epochs.
    learning_rate : float
        Initial learning rate.
    rng : RandomState
        For the order of the rows.
    clip_norm : float or None, default=None
        Bound on the Euclidean norm of the gradient; a larger gradient is scaled down to it.
    keep_best_solver_state : bool, default=False
        Whether :meth:`return_to_best_epoch` can be called.

    Attributes
    ----------
    n_epochs, n_samples_seen : int
        Over all calls, including those before :meth:`set_state`.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.losses import SquaredError
    >>> from skneural.network import Network, Objective, TrainingRows
    >>> from skneural.solvers import SGD, Batches, Constant, TrainingLoop, EarlyStopping, TrainingMonitor
    >>> X = np.linspace(-1, 1, 20)[:, None]
    >>> line = Network.zeros([1, 1], [], X.dtype)
    >>> objective = Objective(line, SquaredError(), [], TrainingRows(X, 3 * X + 1), n_rows=20)
    >>> monitor = TrainingMonitor(objective, EarlyStopping(1e-9, 10))
    >>> loop = TrainingLoop(
    ...     objective, SGD(), Constant(), Batches(20, 5, shuffle=True), monitor,
    ...     learning_rate=0.1, rng=np.random.RandomState(0),
    ... )
    >>> loop.run(first=1, last=200, max_iter=200)
    True
    >>> line.parameters.round(3)
    array([3., 1.])
    """

    def __init__(
        self,
        objective: Objective,
        solver: Solver,
        schedule: Schedule | Callable[[Progress], Any],
        batches: Batches,
        monitor: TrainingMonitor,
        *,
        learning_rate: float,
        rng: np.random.RandomState,
        clip_norm: float | None = None,
        keep_best_solver_state: bool = False,
    ):
        self.objective, self.solver, self.batches, self.monitor = objective, solver, batches, monitor
        self.rng, self.clip_norm, self.keep_best_solver_state = rng, clip_norm, keep_best_solver_state
        self.n_epochs = self.n_samples_seen = 0
        self._learning_rate = LearningRate(schedule, learning_rate, batches)
        self._best_solver_state: dict[str, Any] = {}
        self._initialize_solver()

    def run(self, first: int, last: int, max_iter: int) -> bool:
        """Train for the epochs numbered `first` to `last`.

        Parameters
        ----------
        first, last : int
            Numbers of the first and last epoch, counted from 1.
        max_iter : int
            The number of epochs after which schedules end.

        Returns
        -------
        converged : bool
            Whether training stopped for lack of progress, or because a callback asked for it.

        Raises
        ------
        DivergenceError
            With the best finite parameters restored, and the solver's state set to zero.
        """
        try:
            with np.errstate(all="ignore"):  # divergence has its own error
                return self._run_until_stopped(first, last, max_iter)
        except DivergenceError:
            self.restart_from_best()
            raise

    def restart_from_best(self) -> None:
        """After divergence restore the best parameters, and set the solver's state, which is not finite, to zero."""
        self.monitor.restore_best()
        self._initialize_solver()

    def return_to_best_epoch(self) -> None:
        """Restore parameters, solver state and counters of the best epoch, to train on from there."""
        self.monitor.restore_best()
        self.solver.set_state(self._best_solver_state)
        self.n_epochs = self._best_solver_state["n_epochs"]
        self.n_samples_seen = self._best_solver_state["n_samples_seen"]

    @property
    def completes(self) -> bool:
        """Whether the schedule ends with the last epoch, so that to reach it is no lack of convergence."""
        return self._learning_rate.completes

    def is_schedule_finished(self, max_iter: int) -> bool:
        """Return whether the schedule has brought the rate down for good: see :meth:`Schedule.is_finished`.

        That is asked for the epoch that follows the `n_epochs` so far.

        Parameters
        ----------
        max_iter : int
            The number of epochs after which schedules end.

        Returns
        -------
        is_finished : bool
            Whether another epoch would change next to nothing. False for callables, which cannot tell.
        """
        return self._learning_rate.is_finished(self.n_epochs, self.n_samples_seen, max_iter)

    def get_state(self) -> dict[str, Any]:
        """Return all that decides how training continues, as plain values."""
        return {
            **self.solver.get_state(),
            **self.monitor.get_state(),
            "rng": self.rng.get_state(),
            "plateau_factor": self._learning_rate.plateau_factor,
            "n_epochs": self.n_epochs,
            "n_samples_seen": self.n_samples_seen,
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Continue where :meth:`get_state` was called."""
        self.solver.set_state(state)
        self.monitor.set_state(state)
        self.rng.set_state(state["rng"])
        self._learning_rate.plateau_factor = state["plateau_factor"]
        self.n_epochs, self.n_samples_seen = state["n_epochs"], state["n_samples_seen"]

    def _initialize_solver(self) -> None:
        self.solver.initialize(self.objective.parameters, self.objective.gradient)
        self._steps = create_training_steps(self.objective, self.solver, self.batches, self.clip_norm)

    def _run_until_stopped(self, first: int, last: int, max_iter: int) -> bool:
        """Train for the epochs numbered `first` to `last`; return whether training stopped."""
        number, stopped = first, False
        while number <= last and not stopped:
            n_epochs = self._n_epochs_per_call(last - number + 1)
            if n_epochs == 1:
                stopped = self._run_epoch(number, max_iter)
            else:
                stopped = self._run_epochs(number, n_epochs, max_iter)
            number += n_epochs
        return stopped

    def _n_epochs_per_call(self, n_left: int) -> int:
        """Return how many epochs can be one call: so few that training cannot have to stop before the last of them."""
        same_objective = self.monitor.objective is self.objective
        if not (self.monitor.can_defer_epochs and same_objective and self._learning_rate.has_package_schedule):
            return 1
        return max(1, int(min(n_left, self._steps.max_epochs_per_call, self.monitor.early_stopping.epochs_left)))

    def _run_epoch(self, number: int, max_iter: int) -> bool:
        """Run one epoch and report it; return whether training stops."""
        start = time.perf_counter()
        self.monitor.on_epoch_begin()
        rates = self._learning_rate.of_batches(number - 1, 1, self.n_samples_seen, max_iter)[0]
        loss = self._steps.run_epoch(self.batches.order(self.rng), rates, number)
        validation = self.monitor.validation()
        self._count_epoch()
        norms = self._steps.gradient_norm, self._steps.update_ratio
        epoch = Epoch(number, loss, time.perf_counter() - start, float(rates[-1]), *norms, **validation)
        stop_requested = self.monitor.on_epoch_end(epoch)
        if self.keep_best_solver_state and self.monitor.latest_is_best:
            self._save_best_solver_state()
        return self._lower_rate_or_stop_on_plateau(epoch.learning_rate) or stop_requested

    def _count_epoch(self) -> None:
        """Count one more epoch and its rows."""
        self.n_epochs += 1
        self.n_samples_seen += self.batches.n_rows

    def _save_best_solver_state(self) -> None:
        """Save what :meth:`return_to_best_epoch` restores besides the parameters."""
        counters = {"n_epochs": self.n_epochs, "n_samples_seen": self.n_samples_seen}
        self._best_solver_state = {**self.solver.get_state(), **counters}

    def _run_epochs(self, number: int, n_epochs: int, max_iter: int) -> bool:
        """Run several epochs as one call and report them afterwards; return whether training stops.

        Ctrl-C can come at any line. No epoch that has been run may then be lost, and the random numbers must be those
        of single epochs: up to the order of the first epoch that was not finished.
        """
        rates = self._learning_rate.of_batches(number - 1, n_epochs, self.n_samples_seen, max_iter)
        deferred = DeferredEpochs(number, rates, np.full((n_epochs, 3), np.nan), time.perf_counter(), self.n_epochs)
        rng_state = self.rng.get_state(legacy=False)
        try:
            try:
                orders = [self.batches.order(self.rng) for _ in range(n_epochs)]
                self._steps.run_epochs(orders, rates, number, deferred.results, self.monitor)
            finally:
                self._report_deferred_epochs(deferred)
        finally:
            self._report_deferred_epochs(deferred)  # the rest, if Ctrl-C came during the report
            if deferred.n_finished < n_epochs:
                self._redraw_orders(rng_state, deferred.n_finished + 1)
        return self._lower_rate_or_stop_on_plateau(float(rates[-1, -1]))

    def _redraw_orders(self, rng_state: Any, n_orders: int) -> None:
        """Set the random numbers back, and draw so many orders: those of the finished epochs and of the next."""
        self.rng.set_state(rng_state)
        for _ in range(n_orders):
            self.batches.order(self.rng)

    def _report_deferred_epochs(self, deferred: DeferredEpochs) -> None:
        """Count and report those epochs of a call that are finished, and have not been reported before."""
        seconds = (time.perf_counter() - deferred.start) / max(1, deferred.n_finished)
        for i in range(self.n_epochs - deferred.n_epochs_before, deferred.n_finished):
            self._count_epoch()
            loss, *norms = deferred.results[i].tolist()
            epoch = Epoch(deferred.number + i, loss, seconds, float(deferred.rates[i, -1]), *norms)
            self.monitor.on_deferred_epoch_end(epoch)

    def _lower_rate_or_stop_on_plateau(self, learning_rate: float) -> bool:
        """Without progress for too long, let the schedule shrink the rate; return True if it does not."""
        if not self.monitor.early_stopping.should_stop:
            return False
        if not self._learning_rate.shrink_on_plateau(learning_rate):
            return True
        self.monitor.early_stopping.count = 0
        return False


class DeferredEpochs(NamedTuple):
    """Epochs that run as one call and are reported after it.

    Parameters
    ----------
    number : int
        The first one's.
    rates : ndarray of shape (n_epochs, n_batches)
        Learning rates.
    results : ndarray of shape (n_epochs, 3)
        Loss, gradient norm and update ratio of each epoch, filled in by the call; NaN where an epoch is not finished.
    start : float
        When the call began.
    n_epochs_before : int
        The loop's number of epochs at that time.
    """

    number: int
    rates: Array
    results: Array
    start: float
    n_epochs_before: int

    @property
    def n_finished(self) -> int:
        """The number of epochs that have been run to their end."""
        return int(np.isfinite(self.results[:, 0]).sum())
