"""L-BFGS, through SciPy: full batches, no learning rate."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from skneural.network import Objective
from skneural.solvers.stochastic import Epoch
from skneural.solvers.stopping import DivergenceError

Array = NDArray[Any]


@dataclass(frozen=True)
class Outcome:
    """How a run of L-BFGS ended.

    Parameters
    ----------
    n_iter : int
        Iterations made.
    loss : float
        The objective at the end.
    converged : bool
    message : str
        SciPy's own words.
    """

    n_iter: int
    loss: float
    converged: bool
    message: str


class LBFGS:
    """Minimises an objective over all rows by SciPy's L-BFGS-B.

    Parameters
    ----------
    objective : Objective
    max_fun : int
        Largest number of evaluations.
    tol : float
        Stop when the largest entry of the gradient is at most `tol`, or when, as in scikit-learn's MLP, an iteration
        lowers the objective by less than SciPy's default for ``ftol``, 2.2e-9 of its value.
    guests : sequence of callable
        Called with an :class:`Epoch` after each iteration; the run stops when one returns True.
    """

    def __init__(self, objective: Objective, max_fun: int, tol: float, guests: Sequence[Callable[[Epoch], Any]] = ()):
        self.objective, self.max_fun, self.tol, self.guests = objective, max_fun, tol, guests
        self._all = slice(0, len(objective.rows))
        self._iteration = 0

    def run(self, max_iter: int) -> Outcome:
        """Minimise; the objective's parameters end at the minimum.

        Raises
        ------
        DivergenceError
            If the objective or its gradient is not finite; the best finite parameters are restored.
        """
        self._best, self._best_loss = self.objective.parameters.copy(), math.inf
        self._started = time.perf_counter()
        options = {"maxfun": self.max_fun, "maxiter": max_iter, "gtol": self.tol}
        start = self.objective.parameters.astype(np.float64)
        try:
            with np.errstate(over="ignore", invalid="ignore", under="ignore"):  # divergence has its own error
                result = minimize(
                    self._evaluate, start, jac=True, method="L-BFGS-B", options=options, callback=self._after
                )
        except DivergenceError:
            np.copyto(self.objective.parameters, self._best)
            raise
        self.objective.parameters[...] = result.x
        # The line search may end one iteration late, and abort one without progress.
        return Outcome(min(result.nit, max_iter), float(result.fun), bool(result.success), str(result.message))

    def _evaluate(self, x: Array) -> tuple[float, Array]:
        self.objective.parameters[...] = x
        value = self.objective.evaluate(self._all) + self.objective.penalty()
        gradient = self.objective.gradient.astype(np.float64)
        if not (math.isfinite(value) and np.isfinite(gradient).all()):
            raise DivergenceError.at(self._iteration + 1, None)
        if value < self._best_loss:
            self._best_loss = value
            np.copyto(self._best, self.objective.parameters)
        return value, gradient

    def _after(self, intermediate_result: Any) -> None:
        self._iteration += 1
        now = time.perf_counter()
        epoch = Epoch(self._iteration, float(intermediate_result.fun), None, math.nan, now - self._started)
        self._started = now
        asked = [bool(guest(epoch)) for guest in self.guests]
        if any(asked):
            raise StopIteration
