"""The base class of the stochastic solvers: state vectors as long as the parameters, updated block by block."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from skneural.backend import active_extension
from skneural.component import Component

Array = NDArray[Any]

UPDATE_BLOCK_SIZE = 16384  # entries updated at once: parameters, gradient and state of a block stay in the cache


class Solver(Component):
    """Base class of the stochastic solvers.

    Call :meth:`initialize` with the parameters and their gradient, then :meth:`step` for each mini-batch. A subclass
    sets the number of its state vectors and defines :meth:`update`.

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
    >>> solver.initialize(theta, gradient)
    >>> solver.step(learning_rate=0.1)
    >>> theta
    array([ 0.9, -1.9])
    """

    n_slots: ClassVar[int] = 1

    def initialize(self, parameters: Array, gradient: Array) -> None:
        """Set the arrays to work on, and the state to zero.

        Parameters
        ----------
        parameters, gradient : ndarray of shape (n_parameters,)
            The first is changed, the second read by every :meth:`step`.
        """
        self.n_steps = 0
        self.slots = [np.zeros_like(parameters) for _ in range(self.n_slots)]
        self._blocks = split_into_blocks(parameters, gradient, *self.slots)
        self._apply_update: Callable[[float, int], None] = self._update_blocks
        if (fused := active_extension("skneural.solvers.fused")) and fused.supports_solver(self, parameters):
            self._apply_update = fused.FusedUpdate(self, parameters, gradient)

    def to_training(self) -> None:
        """At the beginning of an epoch: set the parameters that gradients are taken at, if not the present ones."""

    def to_evaluation(self) -> bool:
        """At the end of an epoch: set the parameters that predict, if not the present ones.

        Returns
        -------
        changed : bool
            Whether they were changed: by :class:`ScheduleFreeAdamW`, which takes gradients elsewhere.
        """
        return False

    def step(self, learning_rate: float) -> None:
        """Update the parameters once."""
        self.n_steps += 1
        self._apply_update(learning_rate, self.n_steps)

    def effective_rate(self, learning_rate: float, n_steps: int) -> float:
        """Return the rate for :meth:`update` in step `n_steps`; some correct for state that starts at zero."""
        return learning_rate

    def update(self, rate: float, *block: Array) -> None:
        """Update one block: parameters, gradient, the state vectors, scratch memory."""
        raise TypeError(f"{type(self).__name__} must define update(rate, theta, gradient, *slots, scratch)")

    def _update_blocks(self, learning_rate: float, n_steps: int) -> None:
        rate = self.effective_rate(learning_rate, n_steps)
        for block in self._blocks:
            self.update(rate, *block)

    def get_state(self) -> dict[str, Any]:
        """Return what is needed to continue later, as plain arrays and numbers; later steps do not change it."""
        return {"n_steps": self.n_steps, "slots": [slot.copy() for slot in self.slots]}

    def set_state(self, state: dict[str, Any]) -> None:
        """Continue from a state; call after :meth:`initialize`."""
        self.n_steps = state["n_steps"]
        for slot, saved in zip(self.slots, state["slots"], strict=True):
            slot[...] = saved


def split_into_blocks(parameters: Array, *others: Array) -> list[tuple[Array, ...]]:
    """Return what each call of :meth:`Solver.update` changes or reads: views on these arrays, and scratch memory."""
    scratch = np.empty(min(UPDATE_BLOCK_SIZE, parameters.size), parameters.dtype)
    starts = range(0, parameters.size, UPDATE_BLOCK_SIZE)
    blocks = [[vector[start : start + UPDATE_BLOCK_SIZE] for vector in (parameters, *others)] for start in starts]
    return [(*block, scratch[: block[0].size]) for block in blocks]
