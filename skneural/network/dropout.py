"""Dropout, in training; prediction has none."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

Array = NDArray[Any]

N_LEVELS = 1 << 16  # masks are decided by sixteen bits for each entry


class Dropout:
    """Each entry is set to zero with probability `rate` and otherwise divided by 1 - rate: the mean stays.

    Source: Srivastava et al. 2014, in the inverted form. A pass draws one number, the key of its mask: what becomes of
    an entry follows from a hash of the key plus the entry's number. So threads need not draw in turn, and the backward
    pass can compute the mask again. The hash is lowbias32 of Wellons' hash prospector.

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

    def draw_key(self) -> int:
        """Return a new 32-bit number, the key of a mask."""
        return int(self.rng.random_sample() * 2**32)

    def _mask(self, A: Array) -> Array:
        """Return what the entries are multiplied by; they are numbered row by row."""
        numbers = np.arange(A.size, dtype=np.uint32) + np.uint32(self.draw_key())
        kept = _hash_16(numbers).reshape(A.shape) >= self.threshold
        return kept * A.dtype.type(N_LEVELS / (N_LEVELS - self.threshold))


def _hash_16(numbers: Array) -> Array:
    """Return sixteen bits for each 32-bit number, which is overwritten."""
    numbers ^= numbers >> 16
    numbers *= np.uint32(0x7FEB352D)
    numbers ^= numbers >> 15
    numbers *= np.uint32(0x846CA68B)
    return numbers >> 16
