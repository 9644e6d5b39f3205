"""The steps of an epoch, one per mini-batch, in Python: the reference implementation of the fused ones."""

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
from skneural.solvers.norms import StepNorms

Array = NDArray[Any]


class Steps:
    """What is done with each mini-batch: evaluate the objective, clip the gradient, move, and enforce bounds.

    Parameters
    ----------
    objective : Objective
    solver : Solver
        After its ``start``.
    batches : Batches
    clip_norm : float or None
        Bound on the Euclidean norm of the gradient; longer ones are scaled down.

    Attributes
    ----------
    max_epochs_per_call : int
        So many epochs may be one call: here one.
    gradient_norm : float
        Norm of the last gradient of :meth:`take`, before it was clipped.
    update_ratio : float
        Length of the last step over that of the parameters.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.losses import SquaredError
    >>> from skneural.network import Network, Objective, TrainingRows
    >>> from skneural.solvers import SGD, Batches
    >>> from skneural.solvers.steps import Steps
    >>> X = np.linspace(-1, 1, 20)[:, None]
    >>> objective = Objective(Network.zeros([1, 1], [], X.dtype), SquaredError(), [], TrainingRows(X, 3 * X), n_rows=10)
    >>> solver = SGD()
    >>> solver.start(objective.parameters, objective.gradient)
    >>> steps = Steps(objective, solver, Batches(20, 10, shuffle=False), clip_norm=None)
    >>> loss = steps.run_epoch(order=None, rates=np.array([0.1, 0.1]), number=1)
    >>> round(loss, 2), round(steps.gradient_norm, 2)
    (1.79, 2.13)
    """

    max_epochs_per_call = 1

    def __init__(self, objective: Objective, solver: Solver, batches: Batches, clip_norm: float | None):
        self.objective, self.solver, self.batches, self.clip_norm = objective, solver, batches, clip_norm
        self.gradient_norm = self.update_ratio = math.nan
        self._norms = StepNorms.of(objective.parameters, objective.gradient)

    @staticmethod
    def of(objective: Objective, solver: Solver, batches: Batches, clip_norm: float | None) -> Any:
        """Return the native form, many steps in one call, where all parts have one, and this form elsewhere."""
        fused = active_extension("skneural.solvers.fused")
        if fused is not None and fused.knows_steps(objective, solver, batches):
            return fused.FusedSteps(objective, solver, batches, clip_norm)
        return Steps(objective, solver, batches, clip_norm)

    def run_epoch(self, order: Array | None, rates: Array, number: int) -> float:
        """Make a step on each batch.

        Parameters
        ----------
        order : ndarray of int of shape (n_rows,) or None
            The rows, batch by batch; None is as they come.
        rates : ndarray of shape (n_batches,)
            Learning rates.
        number : int
            The epoch's.

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
        objective, step, total = self.objective, self.solver.step, 0.0
        last = len(self.batches) - 1
        for i, (rows, rate) in enumerate(zip(self.batches.split(order), rates.tolist(), strict=True)):
            loss = objective.evaluate(rows)
            if not math.isfinite(loss):
                raise DivergenceError.at(number, rate)
            total += loss * (rows.stop - rows.start if isinstance(rows, slice) else len(rows))
            if i == last:  # one step of each epoch is measured
                self._norms.begin_step()
            if i == last or self.clip_norm is not None:
                self.gradient_norm = self._norms.gradient()
            if self.clip_norm is not None and self.gradient_norm > self.clip_norm:
                objective.gradient *= self.clip_norm / self.gradient_norm
            step(rate)
            objective.project()
        self.update_ratio = self._norms.update_ratio()
        loss = total / self.batches.n_rows + objective.penalty()
        if not (math.isfinite(loss) and np.isfinite(objective.state).all()):
            raise DivergenceError.at(number, float(rates[-1]))
        return loss
