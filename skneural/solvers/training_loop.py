"""The epoch loop of all stochastic solvers."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skneural.network import Objective
from skneural.solvers.base import Solver
from skneural.solvers.batches import Batches
from skneural.solvers.exceptions import DivergenceError
from skneural.solvers.schedules import SCHEDULES, Progress, Schedule
from skneural.solvers.steps import Steps
from skneural.solvers.training_monitor import Epoch, TrainingMonitor

Array = NDArray[Any]

OWN = {type(schedule) for schedule in SCHEDULES.values()}  # they may be asked for rates ahead of their epoch


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
    monitor : Watch
        Who looks on after each epoch.
    learning_rate : float
        Initial learning rate.
    rng : RandomState
        For the order of the rows.
    clip_norm : float or None, default=None
        Bound on the Euclidean norm of the gradient; longer ones are scaled down.

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
    ):
        self.objective, self.solver, self.schedule = objective, solver, schedule
        self.batches, self.monitor, self.learning_rate = batches, monitor, learning_rate
        self.rng, self.clip_norm = rng, clip_norm
        self.n_epochs = self.n_samples_seen = 0
        self._places = np.arange(len(batches)) / len(batches)  # of the batches in an epoch
        self._shrinkage = 1.0  # what plateaus have made of the learning rate
        self._start()

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
            Whether training stopped for lack of progress, or at a guest's wish.

        Raises
        ------
        DivergenceError
            With the best finite parameters restored, and the solver back at its start.
        """
        try:
            with np.errstate(over="ignore", invalid="ignore", under="ignore"):  # divergence has its own error
                number, ended = first, False
                while number <= last and not ended:
                    n_epochs = self._n_epochs_per_call(last - number + 1)
                    if n_epochs == 1:
                        ended = self._ends(self._run_epoch(number, max_iter))
                    else:
                        ended = self._run_epochs(number, n_epochs, max_iter)
                    number += n_epochs
                return ended
        except DivergenceError:
            self.return_to_best()
            raise

    def return_to_best(self) -> None:
        """Bring the best parameters back after divergence, and the solver, whose state is not finite, to its start."""
        self.monitor.restore_best()
        self._start()

    @property
    def completes(self) -> bool:
        """Whether the schedule ends with the last epoch, so that to reach it is no lack of convergence."""
        return isinstance(self.schedule, Schedule) and self.schedule.completes

    def schedule_has_ended(self, number: int, max_iter: int) -> bool:
        """Return whether the schedule is at its end before the epoch of this number, so that no higher rate follows."""
        if not isinstance(self.schedule, Schedule):
            return False
        fraction = np.minimum((number - 1 + self._places) / max_iter, 1)
        progress = Progress(number - 1, self.n_samples_seen, fraction)
        return self.schedule.has_ended(progress, self.learning_rate * self._shrinkage)

    def get_state(self) -> dict[str, Any]:
        """Return all that decides how training goes on, as plain values."""
        return {
            **self.solver.get_state(),
            **self.monitor.get_state(),
            "rng": self.rng.get_state(),
            "shrinkage": self._shrinkage,
            "n_epochs": self.n_epochs,
            "n_samples_seen": self.n_samples_seen,
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`get_state` was called."""
        self.solver.set_state(state)
        self.monitor.set_state(state)
        self.rng.set_state(state["rng"])
        self._shrinkage = state["shrinkage"]
        self.n_epochs, self.n_samples_seen = state["n_epochs"], state["n_samples_seen"]

    def _start(self) -> None:
        self.solver.start(self.objective.parameters, self.objective.gradient)
        self._steps = Steps.of(self.objective, self.solver, self.batches, self.clip_norm)

    def _n_epochs_per_call(self, n_left: int) -> int:
        """Return how many epochs may be one call: none of them but the last can be the one to stop after."""
        if not (
            self.monitor.can_defer_epochs and self.monitor.objective is self.objective and type(self.schedule) in OWN
        ):
            return 1
        return max(1, int(min(n_left, self._steps.max_epochs_per_call, self.monitor.stopping.epochs_left)))

    def _run_epoch(self, number: int, max_iter: int) -> Epoch:
        started = time.perf_counter()
        self.monitor.on_epoch_begin()
        rates = self._rates(number, 1, max_iter)[0]
        loss = self._steps.run_epoch(self.batches.order(self.rng), rates, number)
        self.n_epochs += 1
        self.n_samples_seen += self.batches.n_rows
        validation = self.monitor.validation()
        seconds = time.perf_counter() - started
        norms = self._steps.gradient_norm, self._steps.update_ratio
        return Epoch(number, loss, seconds, float(rates[-1]), *norms, **validation)

    def _run_epochs(self, number: int, n_epochs: int, max_iter: int) -> bool:
        """Run epochs as one call, and tell of them afterwards; return whether training ends with the last one."""
        started, told, before = time.perf_counter(), self.n_epochs, self.rng.get_state(legacy=False)
        rates = self._rates(number, n_epochs, max_iter)
        found = np.full((n_epochs, 3), np.nan)

        def tell() -> int:
            n_done = int(np.isfinite(found[:, 0]).sum())
            seconds = (time.perf_counter() - started) / max(1, n_done)
            for i in range(self.n_epochs - told, n_done):  # on from where Ctrl-C was heard, if it was
                self.n_epochs += 1
                self.n_samples_seen += self.batches.n_rows
                loss, *norms = found[i].tolist()
                self.monitor.on_epoch_end(Epoch(number + i, loss, seconds, float(rates[i, -1]), *norms))
            return n_done

        try:
            orders = [self.batches.order(self.rng) for _ in range(n_epochs)]
            self._steps.run_epochs(orders, rates, number, found, self.monitor)
            tell()
        except BaseException:  # what is done is told of, and orders of epochs that did not begin were never drawn
            try:
                tell()
            finally:  # Ctrl-C may have been heard only now
                n_begun = min(tell() + 1, n_epochs)
                self.rng.set_state(before)
                for _ in range(n_begun):
                    self.batches.order(self.rng)
            raise
        return self._stalled(float(rates[-1, -1]))

    def _rates(self, number: int, n_epochs: int, max_iter: int) -> Array:
        """Return the learning rate of each batch of some epochs, an array of shape (n_epochs, n_batches)."""
        begun = np.arange(number - 1, number - 1 + n_epochs)
        fractions = np.minimum((begun[:, None] + self._places) / max_iter, 1)
        rates = np.empty_like(fractions)
        for i, fraction in enumerate(fractions):
            n_samples_seen = self.n_samples_seen + i * self.batches.n_rows
            rates[i] = self.schedule(Progress(number - 1 + i, n_samples_seen, fraction))
        rates *= self.learning_rate * self._shrinkage
        return rates

    def _ends(self, epoch: Epoch) -> bool:
        asked = self.monitor.on_epoch_end(epoch)
        return self._stalled(epoch.learning_rate) or asked

    def _stalled(self, learning_rate: float) -> bool:
        if not self.monitor.stopping.should_stop:
            return False
        factor = self.schedule.on_plateau(learning_rate) if isinstance(self.schedule, Schedule) else None
        if factor is None:
            return True
        self._shrinkage *= factor
        self.monitor.stopping.count = 0
        return False
