"""Adagrad."""

from __future__ import annotations

import numpy as np

from skneural.constraints import POSITIVE
from skneural.solvers.base import Array, Solver


class Adagrad(Solver):
    """v ← v + g², θ ← θ - rate · g / (√v + ε) (Duchi et al. 2011).

    Parameters
    ----------
    epsilon : float in (0, inf), default=1e-8
        Added to the root of the summed squares.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.solvers import Adagrad
    >>> theta, gradient = np.array([1.0, -2.0]), np.array([1.0, -2.0])
    >>> solver = Adagrad()
    >>> solver.initialize(theta, gradient)
    >>> solver.step(learning_rate=0.1)
    >>> theta.round(4)
    array([ 0.9, -1.9])
    """

    _parameter_constraints = {"epsilon": [POSITIVE]}

    def __init__(self, epsilon: float = 1e-8):
        self.epsilon = epsilon

    def update(self, rate: float, *block: Array) -> None:
        """Update one block."""
        theta, gradient, v, scratch = block
        np.multiply(gradient, gradient, out=scratch)
        v += scratch
        np.sqrt(v, out=scratch)
        scratch += self.epsilon
        np.divide(gradient, scratch, out=scratch)
        scratch *= rate
        theta -= scratch
