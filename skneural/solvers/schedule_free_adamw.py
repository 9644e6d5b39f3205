"""Schedule-free AdamW, which averages its parameters where others let the learning rate fall."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np

from skneural.constraints import Interval
from skneural.solvers.adaptive_solvers import AdamW, divide_by_root, update_second_moment
from skneural.solvers.base import Array, Solver


class ScheduleFreeAdamW(Solver):
    """y = (1 - β₁) z + β₁ x, z ← z - rate · (g / (√v + ε) + λ y), x ← (1 - c) x + c z, with the gradient g at y.

    Source: Defazio et al. 2024, :arxiv:`2405.15682`, algorithm 1, with v and its correction for the start from zero as
    in :class:`RMSprop`. λ is the weight decay; c, the weight of the newest z in the average x, is the square of its
    rate over the sum of all squared rates. After any number of steps x is about as good as a rate that falls until then
    would make it: the number of epochs need not be known, and the rate can stay constant, as for streams.

    During an epoch the parameters are y; before and after it they are x, which predicts, is validated and saved. The
    running statistics of batch normalisation are those at y.

    Parameters
    ----------
    beta_1 : float in (0, 1), default=0.9
        Weight of x in y.
    beta_2 : float in [0, 1), default=0.999
        Decay of the second moment.
    epsilon : float in (0, inf), default=1e-8
        Added to the root of the second moment.
    weight_decay : float in [0, inf), default=1e-4
        Strength of the decay, relative to the learning rate.
    n_decayed : int, default=0
        The first `n_decayed` parameters decay: the weights, not biases and slopes.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.solvers import ScheduleFreeAdamW
    >>> theta, gradient = np.array([1.0, -2.0]), np.array([1.0, -2.0])
    >>> solver = ScheduleFreeAdamW()
    >>> solver.initialize(theta, gradient)
    >>> solver.to_training()
    >>> solver.step(learning_rate=0.1)
    >>> solver.step(learning_rate=0.1)
    >>> solver.to_evaluation()
    True
    >>> theta.round(4)
    array([ 0.85, -1.85])
    """

    n_slots = 2  # z and v
    _parameter_constraints = {**AdamW._parameter_constraints, "beta_1": [Interval(Real, 0, 1, closed="neither")]}

    def __init__(
        self,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        weight_decay: float = 1e-4,
        n_decayed: int = 0,
    ):
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.weight_decay = weight_decay
        self.n_decayed = n_decayed

    def initialize(self, parameters: Array, gradient: Array) -> None:
        """Set the arrays to work on, and the state to zero."""
        super().initialize(parameters, gradient)
        self._parameters = parameters
        self.newest_weight = self.sum_of_squared_rates = 0.0

    def to_training(self) -> None:
        """Replace x by y in the parameters; before the first step z begins where they are."""
        x, z = self._parameters, self.slots[0]
        if self.n_steps:
            x[...] = z + self.beta_1 * (x - z)  # one assignment: Ctrl-C leaves one or the other
        else:
            z[...] = x

    def to_evaluation(self) -> bool:
        """Replace y by x in the parameters.

        Returns
        -------
        changed : bool
            True, but before the first step, when both are the same.
        """
        y, z = self._parameters, self.slots[0]
        if self.n_steps:
            y[...] = z + (y - z) / self.beta_1
        return self.n_steps > 0

    def step(self, learning_rate: float) -> None:
        """Let the weights decay, then make a step."""
        weights, sums = self.averaging_weights(np.array([learning_rate]))
        self.newest_weight, self.sum_of_squared_rates = float(weights[0]), float(sums[0])
        decay = learning_rate * self.weight_decay * self._parameters[: self.n_decayed]
        self.slots[0][: self.n_decayed] -= decay
        self._parameters[: self.n_decayed] -= (1 - self.beta_1) * decay
        super().step(learning_rate)

    def averaging_weights(self, rates: Array) -> tuple[Array, Array]:
        """Return the weight of the newest z in each of the coming steps.

        Parameters
        ----------
        rates : ndarray of shape (n_steps,)
            The learning rates of these steps.

        Returns
        -------
        weights, sums : ndarray of shape (n_steps,)
            The numbers c, and the sums of all squared rates by then.
        """
        squares = rates * rates
        sums = np.cumsum(np.append(self.sum_of_squared_rates, squares))[1:]
        return np.divide(squares, sums, out=np.zeros_like(squares), where=sums > 0), sums

    def effective_rate(self, learning_rate: float, n_steps: int) -> float:
        """Correct for the start from zero."""
        return learning_rate * (1 - self.beta_2**n_steps) ** 0.5

    def update(self, rate: float, *block: Array) -> None:
        """Update one block."""
        y, gradient, z, v, scratch = block
        c = self.newest_weight
        update_second_moment(v, gradient, self.beta_2, scratch)
        divide_by_root(gradient, v, self.epsilon, out=scratch)
        scratch *= rate  # what z moves by; x moves by c times that, and y as both make it
        y -= z
        y *= 1 - c
        y += z
        z -= scratch
        scratch *= 1 - self.beta_1 * (1 - c)
        y -= scratch

    def get_state(self) -> dict[str, Any]:
        """Return what is needed to continue later, as plain arrays and numbers; later steps do not change it."""
        return {**super().get_state(), "sum_of_squared_rates": self.sum_of_squared_rates}

    def set_state(self, state: dict[str, Any]) -> None:
        """Continue from a state; call after :meth:`initialize`."""
        super().set_state(state)
        self.sum_of_squared_rates = state["sum_of_squared_rates"]
