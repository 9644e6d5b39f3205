"""Solvers with a step length for each parameter: Adagrad, RMSprop, Adam and AdamW."""

from __future__ import annotations

from numbers import Integral

import numpy as np

from skneural.constraints import FRACTION_BELOW_ONE, NON_NEGATIVE, POSITIVE, Interval
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
        divide_by_root(gradient, v, self.epsilon, out=scratch)
        scratch *= rate
        theta -= scratch


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

    _parameter_constraints = {"beta_2": [FRACTION_BELOW_ONE], "epsilon": [POSITIVE]}

    def __init__(self, beta_2: float = 0.999, epsilon: float = 1e-8):
        self.beta_2 = beta_2
        self.epsilon = epsilon

    def effective_rate(self, learning_rate: float, n_steps: int) -> float:
        """Correct for the start from zero."""
        return learning_rate * (1 - self.beta_2**n_steps) ** 0.5

    def update(self, rate: float, *block: Array) -> None:
        """Update one block."""
        theta, gradient, v, scratch = block
        update_second_moment(v, gradient, self.beta_2, scratch)
        divide_by_root(gradient, v, self.epsilon, out=scratch)
        scratch *= rate
        theta -= scratch


class Adam(Solver):
    """m ← β₁ m + (1 - β₁) g, v ← β₂ v + (1 - β₂) g², θ ← θ - rate · c · m / (√v + ε), c = √(1 - β₂ᵗ) / (1 - β₁ᵗ).

    Source: Kingma & Ba 2015, :arxiv:`1412.6980`, the more efficient order at the end of section 2.

    Parameters
    ----------
    beta_1, beta_2 : float in [0, 1), default=0.9 and 0.999
        Decay of the first and of the second moment.
    epsilon : float in (0, inf), default=1e-8
        Added to the root of the second moment.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.solvers import Adam
    >>> theta, gradient = np.array([1.0, -2.0]), np.array([1.0, -2.0])
    >>> solver = Adam()
    >>> solver.initialize(theta, gradient)
    >>> solver.step(learning_rate=0.1)
    >>> theta.round(4)
    array([ 0.9, -1.9])
    """

    n_slots = 2
    _parameter_constraints = {"beta_1": [FRACTION_BELOW_ONE], "beta_2": [FRACTION_BELOW_ONE], "epsilon": [POSITIVE]}

    def __init__(self, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-8):
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    def effective_rate(self, learning_rate: float, n_steps: int) -> float:
        """Correct for the start from zero."""
        return learning_rate * (1 - self.beta_2**n_steps) ** 0.5 / (1 - self.beta_1**n_steps)

    def update(self, rate: float, *block: Array) -> None:
        """Update one block."""
        theta, gradient, m, v, scratch = block
        update_average(m, gradient, self.beta_1, scratch)
        update_second_moment(v, gradient, self.beta_2, scratch)
        divide_by_root(m, v, self.epsilon, out=scratch)
        scratch *= rate
        theta -= scratch


class AdamW(Adam):
    """Adam, and the weights also shrink by the factor 1 - rate · weight_decay at each step.

    Source: Loshchilov & Hutter 2019, :arxiv:`1711.05101`. The decay does not pass through Adam's division by √v, so
    it is the same for all weights.

    Parameters
    ----------
    beta_1, beta_2, epsilon : float
        As in :class:`Adam`.
    weight_decay : float in [0, inf), default=1e-4
        Strength of the decay, relative to the learning rate.
    n_decayed : int, default=0
        The first `n_decayed` parameters decay: the weights, not biases and slopes.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.solvers import AdamW
    >>> theta, gradient = np.array([1.0, -2.0]), np.array([1.0, -2.0])
    >>> solver = AdamW(weight_decay=0.1, n_decayed=1)
    >>> solver.initialize(theta, gradient)
    >>> solver.step(learning_rate=0.1)
    >>> theta.round(4)
    array([ 0.89, -1.9 ])
    """

    _parameter_constraints = {
        **Adam._parameter_constraints,
        "weight_decay": [NON_NEGATIVE],
        "n_decayed": [Interval(Integral, 0, None, closed="left")],
    }

    def __init__(
        self,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        weight_decay: float = 1e-4,
        n_decayed: int = 0,
    ):
        super().__init__(beta_1, beta_2, epsilon)
        self.weight_decay = weight_decay
        self.n_decayed = n_decayed

    def initialize(self, parameters: Array, gradient: Array) -> None:
        """Set the arrays to work on, and the state to zero."""
        super().initialize(parameters, gradient)
        self._decayed = parameters[: self.n_decayed]

    def step(self, learning_rate: float) -> None:
        """Let the weights decay, then make Adam's step."""
        self._decayed *= 1 - learning_rate * self.weight_decay
        super().step(learning_rate)


def update_second_moment(v: Array, gradient: Array, beta_2: float, scratch: Array) -> None:
    """v ← β₂ v + (1 - β₂) g²."""
    update_average(v, np.multiply(gradient, gradient, out=scratch), beta_2, scratch)


def update_average(average: Array, newest: Array, decay: float, scratch: Array) -> None:
    """average ← decay · average + (1 - decay) · newest, which may be the scratch memory itself."""
    average *= decay
    average += np.multiply(newest, 1 - decay, out=scratch)


def divide_by_root(numerator: Array, v: Array, epsilon: float, out: Array) -> None:
    """Store numerator / (√v + ε) in `out`."""
    np.sqrt(v, out=out)
    out += epsilon
    np.divide(numerator, out, out=out)
