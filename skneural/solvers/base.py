"""What all stochastic solvers share: state vectors beside the parameters, updated block by block."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from skneural.backend import active_extension
from skneural.component import Component

Array = NDArray[Any]

BLOCK = 16384  # entries updated at once: parameters, gradient and state of a block stay in the cache


class Solver(Component):
    """Base of the stochastic solvers: ``start`` takes hold of parameters and gradient, ``step`` moves the parameters.

    A subclass says how many state vectors it needs and writes :meth:`update`.

    Attributes
    ----------
    n_slots : int
        Number of state vectors of the parameters' length.
    n_steps : int
        Steps made so far.
    slots : list of ndarray
        The state vectors.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.solvers import Solver
    >>> class SignDescent(Solver):
    ...     n_slots = 0
    ...
    ...     def update(self, rate, theta, gradient, scratch):
    ...         np.sign(gradient, out=scratch)
    ...         scratch *= rate
    ...         theta -= scratch
    >>> theta, gradient = np.array([1.0, -2.0]), np.array([5.0, -0.1])
    >>> solver = SignDescent()
    >>> solver.start(theta, gradient)
    >>> solver.step(learning_rate=0.1)
    >>> theta
    array([ 0.9, -1.9])
    """

    n_slots: ClassVar[int] = 1

    def start(self, parameters: Array, gradient: Array) -> None:
        """Take hold of the arrays, with state zero.

        Parameters
        ----------
        parameters, gradient : ndarray of shape (n_parameters,)
            Changed and read by every :meth:`step`.
        """
        self.n_steps = 0
        self.slots = [np.zeros_like(parameters) for _ in range(self.n_slots)]
        fused = active_extension("skneural.solvers.fused")
        self._move: Callable[[float, int], None] = self._update_blocks
        if fused is not None and fused.knows(self, parameters):
            self._move = fused.FusedUpdate(self, parameters, gradient)
        scratch = np.empty(min(BLOCK, parameters.size), parameters.dtype)
        self._blocks = []
        for start in range(0, parameters.size, BLOCK):
            block = slice(start, start + BLOCK)
            theta = parameters[block]
            self._blocks.append((theta, gradient[block], *(s[block] for s in self.slots), scratch[: theta.size]))

    def step(self, learning_rate: float) -> None:
        """Move the parameters once."""
        self.n_steps += 1
        self._move(learning_rate, self.n_steps)

    def effective_rate(self, learning_rate: float, n_steps: int) -> float:
        """Return the rate of step number `n_steps`; some solvers correct it for their start from zero."""
        return learning_rate

    def update(self, rate: float, *block: Array) -> None:
        """Update one block: parameters, gradient, the state vectors, scratch memory."""
        raise TypeError(f"{type(self).__name__} must define update(rate, theta, gradient, *slots, scratch)")

    def _update_blocks(self, learning_rate: float, n_steps: int) -> None:
        rate = self.effective_rate(learning_rate, n_steps)
        for block in self._blocks:
            self.update(rate, *block)

    def get_state(self) -> dict[str, Any]:
        """Return what is needed to go on later, as plain arrays and numbers; later steps do not change it."""
        return {"n_steps": self.n_steps, "slots": [slot.copy() for slot in self.slots]}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from a state; call after :meth:`start`."""
        self.n_steps = state["n_steps"]
        for slot, saved in zip(self.slots, state["slots"], strict=True):
            slot[...] = saved
