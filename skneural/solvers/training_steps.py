"""The training steps of an epoch, one per mini-batch, in NumPy: the reference implementation of the fused ones."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skneural.backend import active_extension
from skneural.network import Objective
from skneural.solvers.base import Solver
from skneural.solvers.batches import Batches
from skneural.solvers.exceptions import DivergenceError
from skneural.solvers.step_norms import create_step_norms

Array = NDArray[Any]


class TrainingSteps:
    """On each mini-batch: evaluate the objective, clip its gradient, let the solver step, project the weights.

    Parameters
    ----------
    objective : Objective
    solver : Solver
        Initialized with the objective's arrays.
    batches : Batches
    clip_norm : float or None
        Bound on the Euclidean norm of the gradient; a larger gradient is scaled down to it.

    Attributes
    ----------
    max_epochs_per_call : int
        How many epochs one call can run: here one, in the fused form as many as take some tens of milliseconds.
    gradient_norm : float
        Norm of the epoch's last gradient, before clipping.
    update_ratio : float
        Norm of the epoch's last step over that of the parameters.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.losses import SquaredError
    >>> from skneural.network import Network, Objective, TrainingRows
    >>> from skneural.solvers import SGD, Batches
    >>> from skneural.solvers.training_steps import TrainingSteps
    >>> X = np.linspace(-1, 1, 20)[:, None]
    >>> objective = Objective(Network.zeros([1, 1], [], X.dtype), SquaredError(), [], TrainingRows(X, 3 * X), n_rows=10)
    >>> solver = SGD()
    >>> solver.initialize(objective.parameters, objective.gradient)
    >>> steps = TrainingSteps(objective, solver, Batches(20, 10, shuffle=False), clip_norm=None)
    >>> loss = steps.run_epoch(order=None, rates=np.array([0.1, 0.1]), number=1)
    >>> round(loss, 2), round(steps.gradient_norm, 2)
    (1.79, 2.13)
    """

    max_epochs_per_call = 1

    def __init__(self, objective: Objective, solver: Solver, batches: Batches, clip_norm: float | None):
        self.objective, self.solver, self.batches, self.clip_norm = objective, solver, batches, clip_norm
        self.gradient_norm = self.update_ratio = math.nan
        self._norms = create_step_norms(objective.parameters, objective.gradient)

    def run_epoch(self, order: Array | None, rates: Array, number: int) -> float:
        """Make a step on each batch.

        Parameters
        ----------
        order : ndarray of int of shape (n_rows,) or None
            The rows in the order of the epoch; None for the order of the training set.
        rates : ndarray of shape (n_batches,)
            Learning rates.
        number : int
            Number of the epoch, for the error.

        Returns
        -------
        loss : float
            The mean loss of all rows, each before the step on its batch, plus the penalties at the end.

        Raises
        ------
        DivergenceError
            At the first batch whose loss is not finite, on which no step is made; or at the end, if the parameters or
            their penalties are not finite.
        """
        objective = self.objective
        self.solver.to_training()
        try:
            loss = self._run_steps(order, rates, number)
        finally:  # also after Ctrl-C
            if self.solver.to_evaluation():
                objective.project()
        loss += objective.penalty()
        if not (math.isfinite(loss) and np.isfinite(objective.state).all()):
            raise DivergenceError.at(number, float(rates[-1]))
        return loss

    def _run_steps(self, order: Array | None, rates: Array, number: int) -> float:
        """Make a step on each batch; return the mean loss of all rows."""
        objective, step, loss_sum = self.objective, self.solver.step, 0.0
        last = len(self.batches) - 1
        for i, (rows, rate) in enumerate(zip(self.batches.split(order), rates.tolist(), strict=True)):
            loss = objective.evaluate(rows)
            if not math.isfinite(loss):
                raise DivergenceError.at(number, rate)
            loss_sum += loss * (rows.stop - rows.start if isinstance(rows, slice) else len(rows))
            self._measure_and_clip_gradient(is_last_batch=i == last)
            step(rate)
            objective.project()
        self.update_ratio = self._norms.update_ratio()
        return loss_sum / self.batches.n_rows

    def _measure_and_clip_gradient(self, is_last_batch: bool) -> None:
        """Bound the gradient's norm; of each epoch one step is measured, the last."""
        if is_last_batch:
            self._norms.save_parameters()
        if is_last_batch or self.clip_norm is not None:
            self.gradient_norm = self._norms.gradient_norm()
        if self.clip_norm is not None and self.gradient_norm > self.clip_norm:
            self.objective.gradient *= self.clip_norm / self.gradient_norm


def create_training_steps(objective: Objective, solver: Solver, batches: Batches, clip_norm: float | None) -> Any:
    """Return a TrainingSteps, in the fused form, many steps in one call, where that supports all parts."""
    if (fused := active_extension("skneural.solvers.fused")) and fused.supports_steps(objective, solver, batches):
        return fused.FusedTrainingSteps(objective, solver, batches, clip_norm)
    return TrainingSteps(objective, solver, batches, clip_norm)
