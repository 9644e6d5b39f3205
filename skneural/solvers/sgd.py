"""Stochastic gradient descent with momentum."""

from __future__ import annotations

import numpy as np

from skneural.constraints import FRACTION
from skneural.solvers.base import Array, Solver


class SGD(Solver):
    """v ← momentum · v - rate · g, θ ← θ + v; with Nesterov's momentum θ ← θ + momentum · v - rate · g.

    Source: Sutskever et al. 2013, in the form in which the gradient is taken at θ itself.

    Parameters
    ----------
    momentum : float in [0, 1], default=0.9
        Decay of the velocity.
    nesterovs_momentum : bool, default=True
        Whether momentum is Nesterov's: the step looks ahead along the velocity.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.solvers import SGD
    >>> theta, gradient = np.array([1.0, -2.0]), np.array([1.0, -2.0])
    >>> solver = SGD()
    >>> solver.initialize(theta, gradient)
    >>> solver.step(learning_rate=0.1)
    >>> theta.round(4)
    array([ 0.81, -1.62])
    """

    _parameter_constraints = {"momentum": [FRACTION], "nesterovs_momentum": ["boolean"]}

    def __init__(self, momentum: float = 0.9, nesterovs_momentum: bool = True):
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum

    def update(self, rate: float, *block: Array) -> None:
        """Update one block."""
        theta, gradient, velocity, scratch = block
        np.multiply(gradient, rate, out=scratch)
        velocity *= self.momentum
        velocity -= scratch
        if self.nesterovs_momentum:
            theta -= scratch
            np.multiply(velocity, self.momentum, out=scratch)
            theta += scratch
        else:
            theta += velocity
