"""How long gradient, step and parameters are: what the history says of a solver's work."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skneural.backend import active_extension

Array = NDArray[Any]


class StepNorms:
    """Euclidean norms of a gradient, of parameters, and of what a step makes of them.

    Parameters
    ----------
    parameters, gradient : ndarray of shape (n_parameters,)
        Read again by each method.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.solvers.norms import StepNorms
    >>> theta, gradient = np.array([3.0, 4.0]), np.array([0.0, 2.0])
    >>> norms = StepNorms(theta, gradient)
    >>> norms.begin_step()
    >>> theta += 5
    >>> norms.gradient(), round(norms.update_ratio(), 3)
    (2.0, 0.587)
    """

    def __init__(self, parameters: Array, gradient: Array):
        self._parameters, self._gradient = parameters, gradient
        self._before = np.empty_like(parameters)

    @staticmethod
    def of(parameters: Array, gradient: Array) -> StepNorms:
        """Return the native form where it can be had, and this one elsewhere."""
        fused = active_extension("skneural.solvers.fused")
        if fused is not None and fused.reads(parameters):
            return fused.FusedStepNorms(parameters, gradient)
        return StepNorms(parameters, gradient)

    def begin_step(self) -> None:
        """Keep the parameters, so that what follows is measured."""
        np.copyto(self._before, self._parameters)

    def gradient(self) -> float:
        """Return the gradient's norm."""
        return _norm(self._gradient)

    def update_ratio(self) -> float:
        """Return the norm of the change since :meth:`begin_step` over that of the parameters; inf if these are zero."""
        step = np.subtract(self._parameters, self._before, out=self._before)
        length = _norm(self._parameters)
        return _norm(step) / length if length else math.inf


def _norm(vector: Array) -> float:
    """Return the Euclidean norm, also where the squares overflow."""
    square = float(np.add.reduce(np.square(vector)))  # without BLAS: see L2.value
    if math.isfinite(square):
        return math.sqrt(square)
    largest = float(np.abs(vector).max())
    return largest * math.sqrt(np.square(vector / largest).sum()) if math.isfinite(largest) else largest
