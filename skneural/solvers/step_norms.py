"""Euclidean norms of the gradient, the parameters and a training step: what the history of a fit reports."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skneural.backend import active_extension

Array = NDArray[Any]


class StepNorms:
    """Euclidean norms of a gradient, of parameters, and of the step between two of them.

    Parameters
    ----------
    parameters, gradient : ndarray of shape (n_parameters,)
        Read again by each method.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.solvers.step_norms import StepNorms
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
        parameter_norm = _euclidean_norm(self._parameters)
        return _euclidean_norm(step) / parameter_norm if parameter_norm else math.inf


def create_step_norms(parameters: Array, gradient: Array) -> StepNorms:
    """Return a StepNorms, in the fused form where that supports the parameters."""
    if (fused := active_extension("skneural.solvers.fused")) and fused.supports_parameters(parameters):
        return fused.FusedStepNorms(parameters, gradient)
    return StepNorms(parameters, gradient)


def _euclidean_norm(vector: Array) -> float:
    """Return the Euclidean norm, also where the squares overflow."""
    square = float(np.add.reduce(np.square(vector)))  # without BLAS: see L2.value
    if math.isfinite(square):
        return math.sqrt(square)
    largest = float(np.abs(vector).max())
    return largest * math.sqrt(np.square(vector / largest).sum()) if math.isfinite(largest) else largest
