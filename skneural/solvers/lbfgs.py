"""L-BFGS, through SciPy: full batches, no learning rate."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from skneural.network import Objective
from skneural.solvers.exceptions import DivergenceError
from skneural.solvers.training_monitor import Epoch, TrainingMonitor

Array = NDArray[Any]


@dataclass(frozen=True)
class OptimizationResult:
    """How a run of L-BFGS ended.

    Parameters
    ----------
    n_iter : int
        Iterations made.
    loss : float
        The objective at the end.
    stopped_by : {"tol", "early_stopping", "callback", "max_iter", "max_fun", "line_search"}
        Why it ended; "line_search" if that found no lower objective.
    message : str
        SciPy's message.
    """

    n_iter: int
    loss: float
    stopped_by: str
    message: str

    @property
    def converged(self) -> bool:
        """Whether it ended before its limits and without a failure."""
        return self.stopped_by in ("tol", "early_stopping", "callback")


class LBFGS:
    """Minimises an objective over all rows by SciPy's L-BFGS-B.

    Parameters
    ----------
    objective : Objective
        Its parameters are the start, and end at the minimum.
    max_fun : int
        Largest number of evaluations.
    tol : float
        Stop when the largest entry of the gradient is at most `tol`, or when, as in scikit-learn's MLP, an iteration
        lowers the objective by less than SciPy's default for ``ftol``, 2.2e-9 of its value.
    monitor : TrainingMonitor
        Called after each iteration; callbacks, and early stopping by a score, may end the run.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.losses import SquaredError
    >>> from skneural.network import Network, Objective, TrainingRows
    >>> from skneural.solvers import LBFGS, EarlyStopping, TrainingMonitor
    >>> X = np.linspace(-1, 1, 20)[:, None]
    >>> line = Network.zeros([1, 1], [], X.dtype)
    >>> objective = Objective(line, SquaredError(), [], TrainingRows(X, 3 * X + 1), n_rows=20)
    >>> monitor = TrainingMonitor(objective, EarlyStopping(0.0, 10))
    >>> LBFGS(objective, max_fun=100, tol=1e-6, monitor=monitor).run(max_iter=50).converged
    True
    >>> line.parameters.round(3)
    array([3., 1.])
    """

    def __init__(self, objective: Objective, max_fun: int, tol: float, monitor: TrainingMonitor):
        self.objective, self.max_fun, self.tol, self.monitor = objective, max_fun, tol, monitor
        self._all_rows = slice(0, len(objective.rows))
        self._iteration = 0
        self._stopped_by: str | None = None

    def run(self, max_iter: int) -> OptimizationResult:
        """Minimise; the objective's parameters end at the minimum.

        Parameters
        ----------
        max_iter : int
            Largest number of iterations.

        Returns
        -------
        result : OptimizationResult
            Iterations, objective, and why it ended.

        Raises
        ------
        DivergenceError
            If the objective or its gradient is not finite; the best finite parameters are restored, as they are when
            the user interrupts.
        """
        self._best_of_line_searches, self._best_loss = self.objective.state.copy(), math.inf
        self._iteration_start = time.perf_counter()
        try:
            scipy_result = self._minimize(max_iter)
        except (DivergenceError, KeyboardInterrupt):
            np.copyto(self.objective.state, self._best_of_line_searches)
            raise
        self.objective.parameters[...] = scipy_result.x
        self.objective.update_running_statistics(self._all_rows)
        # The line search may end one iteration late, and abort one without progress.
        n_iter, stopped_by = min(scipy_result.nit, max_iter), self._stop_reason(scipy_result, max_iter)
        return OptimizationResult(n_iter, float(scipy_result.fun), stopped_by, str(scipy_result.message))

    def _minimize(self, max_iter: int) -> Any:
        """Return SciPy's result."""
        start = self.objective.parameters.astype(np.float64)
        options = {"maxfun": self.max_fun, "maxiter": max_iter, "gtol": self.tol}
        callback = self._on_iteration_end
        with np.errstate(all="ignore"):  # divergence has its own error
            return minimize(self._evaluate, start, jac=True, method="L-BFGS-B", options=options, callback=callback)

    def _stop_reason(self, scipy_result: Any, max_iter: int) -> str:
        if self._stopped_by is not None:
            return self._stopped_by
        if scipy_result.success:
            return "tol"
        if scipy_result.nit >= max_iter:
            return "max_iter"
        return "max_fun" if scipy_result.nfev >= self.max_fun else "line_search"

    def _evaluate(self, x: Array) -> tuple[float, Array]:
        self.objective.parameters[...] = x
        self.objective.reset_running_statistics()
        value = self.objective.evaluate(self._all_rows) + self.objective.penalty()
        gradient = self.objective.gradient.astype(np.float64)
        if not (math.isfinite(value) and np.isfinite(gradient).all()):
            raise DivergenceError.at(self._iteration + 1, None)
        if value < self._best_loss:
            self._best_loss = value
            np.copyto(self._best_of_line_searches, self.objective.state)
        return value, gradient

    def _on_iteration_end(self, intermediate_result: Any) -> None:
        self._iteration += 1
        self._move_to_iterate(intermediate_result.x)
        now, validation = time.perf_counter(), self.monitor.validation()
        iteration = Epoch(self._iteration, float(intermediate_result.fun), now - self._iteration_start, **validation)
        self._iteration_start = now
        self._stopped_by = self._stop_request(self.monitor.on_epoch_end(iteration))
        if self._stopped_by is not None:
            raise StopIteration

    def _move_to_iterate(self, x: Array) -> None:
        """Set the parameters at the end of an iteration: the line search may have evaluated other points since."""
        iterate = x.astype(self.objective.parameters.dtype)
        if not np.array_equal(self.objective.parameters, iterate):
            self.objective.parameters[...] = iterate
            self.objective.update_running_statistics(self._all_rows)

    def _stop_request(self, callback_asks: bool) -> str | None:
        """Return who ends the run after an iteration, early stopping or a callback; None to go on."""
        if self.monitor.use_score and self.monitor.early_stopping.should_stop:
            return "early_stopping"
        return "callback" if callback_asks else None
