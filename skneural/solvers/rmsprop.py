"""RMSprop."""

from __future__ import annotations

import numpy as np

from skneural.constraints import DECAY, POSITIVE
from skneural.solvers.base import Array, Solver


class RMSprop(Solver):
    """v ← β₂ v + (1 - β₂) g², θ ← θ - rate · √(1 - β₂ᵗ) · g / (√v + ε).

    Source: Tieleman & Hinton 2012, lecture 6.5, with Adam's correction for the start from zero: without it the first
    steps are 1 / √(1 - β₂) times too long.

    Parameters
    ----------
    beta_2 : float in [0, 1), default=0.999
        Decay of the second moment.
    epsilon : float in (0, inf), default=1e-8
        Added to the root of the second moment.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.solvers import RMSprop
    >>> theta, gradient = np.array([1.0, -2.0]), np.array([1.0, -2.0])
    >>> solver = RMSprop()
    >>> solver.initialize(theta, gradient)
    >>> solver.step(learning_rate=0.1)
    >>> theta.round(4)
    array([ 0.9, -1.9])
    """

    _parameter_constraints = {"beta_2": [DECAY], "epsilon": [POSITIVE]}

    def __init__(self, beta_2: float = 0.999, epsilon: float = 1e-8):
        self.beta_2 = beta_2
        self.epsilon = epsilon

    def effective_rate(self, learning_rate: float, n_steps: int) -> float:
        """Correct for the start from zero."""
        return learning_rate * (1 - self.beta_2**n_steps) ** 0.5

    def update(self, rate: float, *block: Array) -> None:
        """Update one block."""
        theta, gradient, v, scratch = block
        v *= self.beta_2
        np.multiply(gradient, gradient, out=scratch)
        scratch *= 1 - self.beta_2
        v += scratch
        np.sqrt(v, out=scratch)
        scratch += self.epsilon
        np.divide(gradient, scratch, out=scratch)
        scratch *= rate
        theta -= scratch
