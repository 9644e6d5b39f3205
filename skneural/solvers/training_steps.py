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
            if i == last:  # one step of each epoch is measured
                self._norms.save_parameters()
            if i == last or self.clip_norm is not None:
                self.gradient_norm = self._norms.gradient_norm()
            if self.clip_norm is not None and self.gradient_norm > self.clip_norm:
                objective.gradient *= self.clip_norm / self.gradient_norm
            step(rate)
            objective.project()
        self.update_ratio = self._norms.update_ratio()
        return loss_sum / self.batches.n_rows


def create_training_steps(objective: Objective, solver: Solver, batches: Batches, clip_norm: float | None) -> Any:
    """Return a TrainingSteps, in the fused form, many steps in one call, where that supports all parts."""
    fused = active_extension("skneural.solvers.fused")
    if fused is not None and fused.supports_steps(objective, solver, batches):
        return fused.FusedTrainingSteps(objective, solver, batches, clip_norm)
    return TrainingSteps(objective, solver, batches, clip_norm)


class StepNorms:
    """Euclidean norms of a gradient, of parameters, and of the step between two of them.

    Parameters
    ----------
    parameters, gradient : ndarray of shape (n_parameters,)
        Read again by each method.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.solvers.training_steps import StepNorms
    >>> theta, gradient = np.array([3.0, 4.0]), np.array([0.0, 2.0])
    >>> norms = StepNorms(theta, gradient)
    >>> norms.save_parameters()
    >>> theta += 5
    >>> norms.gradient_norm(), round(norms.update_ratio(), 3)
    (2.0, 0.587)
    """

    def __init__(self, parameters: Array, gradient: Array):
        self._parameters, self._gradient = parameters, gradient
        self._before = np.empty_like(parameters)

    def save_parameters(self) -> None:
        """Save the parameters before a step."""
        np.copyto(self._before, self._parameters)

    def gradient_norm(self) -> float:
        """Return the norm of the gradient."""
        return _euclidean_norm(self._gradient)

    def update_ratio(self) -> float:
        """Return the norm of the step since the last :meth:`save_parameters` over that of the parameters.

        It is inf if the parameters are zero. Call it once for each step: it overwrites the saved parameters.
        """
        step = np.subtract(self._parameters, self._before, out=self._before)
        norm = _euclidean_norm(self._parameters)
        return _euclidean_norm(step) / norm if norm else math.inf


def create_step_norms(parameters: Array, gradient: Array) -> StepNorms:
    """Return a StepNorms, in the fused form where that supports the parameters."""
    fused = active_extension("skneural.solvers.fused")
    if fused is not None and fused.supports_parameters(parameters):
        return fused.FusedStepNorms(parameters, gradient)
    return StepNorms(parameters, gradient)


def _euclidean_norm(vector: Array) -> float:
    """Return the Euclidean norm, also where the squares overflow."""
    square = float(np.add.reduce(np.square(vector)))  # without BLAS: see L2.value
    if math.isfinite(square):
        return math.sqrt(square)
    largest = float(np.abs(vector).max())
    return largest * math.sqrt(np.square(vector / largest).sum()) if math.isfinite(largest) else largest
