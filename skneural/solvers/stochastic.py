"""The epoch loop of all stochastic solvers."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from skneural.network import Objective
from skneural.solvers.base import Solver
from skneural.solvers.batches import Batches, Rows
from skneural.solvers.schedules import Progress, Schedule
from skneural.solvers.stopping import DivergenceError, Stopping


@dataclass(frozen=True)
class Epoch:
    """What one pass over the training set came to.

    Parameters
    ----------
    number : int
        Counted from 1.
    loss : float
        Mean loss during the epoch, plus the penalties at its end.
    score : float or None
        Validation score at its end.
    learning_rate : float
        Learning rate of its last batch.
    seconds : float
        Wall time.
    """

    number: int
    loss: float
    score: float | None
    learning_rate: float
    seconds: float


class StochasticMinimization:
    """Minimises an objective by steps on mini-batches.

    Parameters
    ----------
    objective : Objective
    solver : Solver
    schedule : Schedule or callable
    batches : Batches
    stopping : Stopping
        Watches the score, if there is one, else the training loss.
    learning_rate : float
        Initial learning rate.
    rng : RandomState
        For the order of the rows.
    score : callable or None
        () -> validation score at the present parameters, larger is better. With it, the parameters of the best epoch
        are restored at the end.
    guests : sequence of callable
        Called with each :class:`Epoch`; training stops when one returns True.

    Attributes
    ----------
    n_epochs, n_samples_seen : int
        Over all calls, including those before :meth:`set_state`.
    """

    def __init__(
        self,
        objective: Objective,
        solver: Solver,
        schedule: Schedule | Callable[[Progress], Any],
        batches: Batches,
        stopping: Stopping,
        *,
        learning_rate: float,
        rng: np.random.RandomState,
        score: Callable[[], float] | None = None,
        guests: Sequence[Callable[[Epoch], Any]] = (),
    ):
        self.objective, self.solver, self.schedule = objective, solver, schedule
        self.batches, self.stopping, self.learning_rate = batches, stopping, learning_rate
        self.rng, self.score, self.guests = rng, score, guests
        self.n_epochs = self.n_samples_seen = 0
        self._shrinkage = 1.0  # what plateaus have made of the learning rate
        self._best = objective.parameters.copy()
        solver.start(objective.parameters, objective.gradient)

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
            Whether training stopped for lack of progress, or at a guest's wish, before `last` was over.

        Raises
        ------
        DivergenceError
            With the best finite parameters restored, and the solver back at its start.
        """
        try:
            with np.errstate(over="ignore", invalid="ignore", under="ignore"):  # divergence has its own error
                converged = any(self._ends(self._run_epoch(number, max_iter)) for number in range(first, last + 1))
        except DivergenceError:
            self._restore_best()
            self.solver.start(self.objective.parameters, self.objective.gradient)  # its state is not finite either
            raise
        if self.score is not None:
            self._restore_best()
        return converged

    def get_state(self) -> dict[str, Any]:
        """Return all that decides how training goes on, as plain values."""
        return {
            **self.solver.get_state(),
            "rng": self.rng.get_state(),
            "shrinkage": self._shrinkage,
            "best": self.stopping.best,
            "count": self.stopping.count,
            "n_epochs": self.n_epochs,
            "n_samples_seen": self.n_samples_seen,
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`get_state` was called."""
        self.solver.set_state(state)
        self.rng.set_state(state["rng"])
        self._shrinkage = state["shrinkage"]
        self.stopping.best, self.stopping.count = state["best"], state["count"]
        self.n_epochs, self.n_samples_seen = state["n_epochs"], state["n_samples_seen"]

    def _run_epoch(self, number: int, max_iter: int) -> Epoch:
        started = time.perf_counter()
        rates = self._rates(number, max_iter)
        total = 0.0
        for rows, rate in zip(self.batches.epoch(self.rng), rates, strict=True):
            total += self._step(rows, rate, number)
        loss = total / self.batches.n_rows + self.objective.penalty()
        self._check_finite(loss, number, rates[-1])
        self.n_epochs += 1
        self.n_samples_seen += self.batches.n_rows
        score = None if self.score is None else self.score()
        return Epoch(number, loss, score, rates[-1], time.perf_counter() - started)

    def _step(self, rows: Rows, rate: float, number: int) -> float:
        loss = self.objective.evaluate(rows)
        if not math.isfinite(loss):
            raise DivergenceError.at(number, rate)
        self.solver.step(rate)
        self.objective.project()
        return loss * (rows.stop - rows.start if isinstance(rows, slice) else len(rows))

    def _rates(self, number: int, max_iter: int) -> list[float]:
        n = len(self.batches)
        fraction = np.clip((number - 1 + np.arange(n) / n) / max_iter, 0, 1)
        factors = self.schedule(Progress(number - 1, self.n_samples_seen, fraction))
        return np.broadcast_to(np.multiply(factors, self.learning_rate * self._shrinkage), n).tolist()

    def _check_finite(self, loss: float, number: int, rate: float) -> None:
        if not (math.isfinite(loss) and np.isfinite(self.objective.parameters).all()):
            raise DivergenceError.at(number, rate)

    def _ends(self, epoch: Epoch) -> bool:
        if self.stopping.update(epoch.loss if epoch.score is None else -epoch.score):
            np.copyto(self._best, self.objective.parameters)
        asked = [bool(guest(epoch)) for guest in self.guests]
        return self._stalled(epoch) or any(asked)

    def _stalled(self, epoch: Epoch) -> bool:
        if not self.stopping.exhausted:
            return False
        factor = self.schedule.on_plateau(epoch.learning_rate) if isinstance(self.schedule, Schedule) else None
        if factor is None:
            return True
        self._shrinkage *= factor
        self.stopping.count = 0
        return False

    def _restore_best(self) -> None:
        np.copyto(self.objective.parameters, self._best)
