"""Dropout, in training; prediction has none."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

Array = NDArray[Any]

N_LEVELS = 1 << 16  # masks are drawn from 16-bit integers, four times as fast as from doubles


class Dropout:
    """Each entry is set to zero with probability `rate` and otherwise divided by 1 - rate: the mean stays.

    Source: Srivastava et al. 2014, in the inverted form.

    Parameters
    ----------
    rate : float in [0, 1)
        Rounded to a multiple of 2⁻¹⁶.
    rng : RandomState
        Draws a new mask for each forward pass.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.network import Dropout
    >>> dropout = Dropout(0.5, np.random.RandomState(0))
    >>> np.unique(dropout.forward(np.ones((100, 100))))
    array([0., 2.])
    """

    def __init__(self, rate: float, rng: np.random.RandomState):
        self.threshold = min(round(rate * N_LEVELS), N_LEVELS - 1)
        self.rng = rng

    def forward(self, A: Any) -> Any:
        """Return the masked input; A itself, dense or sparse, does not change."""
        if issparse(A):
            dropped = A.copy()
            dropped.data *= self._mask(A.data)
            return dropped
        self.mask = self._mask(A)
        return A * self.mask

    def parameter_gradients(self, dA: Array) -> None:
        """Do nothing: there are no parameters."""

    def input_gradient(self, dA: Array) -> Array:
        """Return the gradient in the input."""
        dA *= self.mask
        return dA

    def draw(self, shape: Any) -> Array:
        """Return new 16-bit numbers; entries whose number is below the threshold are dropped."""
        return self.rng.randint(0, N_LEVELS, shape, dtype=np.uint16)

    def _mask(self, A: Array) -> Array:
        return (self.draw(A.shape) >= self.threshold) * A.dtype.type(N_LEVELS / (N_LEVELS - self.threshold))
