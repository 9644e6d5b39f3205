"""Penalties on the weights: L2 and L1, which are added to the mean loss, and the max-norm constraint.

`W` is the vector of all weights, or one layer's matrix. Biases and learned parameters of activations are not penalised.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skneural.component import Component
from skneural.constraints import NON_NEGATIVE, POSITIVE

Array = NDArray[Any]

PENALTY_BLOCK = 16384  # entries at a time, so that intermediate results stay in the cache


class L2(Component):
    """½ alpha ‖W‖².

    Parameters
    ----------
    alpha : float in [0, inf), default=1e-4
        Strength, relative to the mean loss.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.penalties import L2
    >>> L2(alpha=0.1).value(np.array([3.0, -4.0]))
    1.25
    """

    _parameter_constraints = {"alpha": [NON_NEGATIVE]}

    def __init__(self, alpha: float = 1e-4):
        self.alpha = alpha

    def value(self, W: Array) -> float:
        """Return the penalty of the weights, a vector."""
        # Not np.dot: BLAS has threads of its own, and the native core uses another BLAS than NumPy.
        return float(self.alpha / 2 * np.einsum("i,i->", W, W, dtype=np.float64))

    def add_gradient(self, W: Array, gradient: Array) -> None:
        """Add alpha · W to `gradient`, in place."""
        # Not SciPy's axpy: its BLAS has threads of its own, which fight for the cores with those of NumPy's products.
        for start in range(0, len(W), PENALTY_BLOCK):
            block = slice(start, start + PENALTY_BLOCK)
            gradient[block] += self.alpha * W[block]


class L1(Component):
    """alpha ‖W‖₁, with the subgradient 0 at 0.

    Parameters
    ----------
    alpha : float in [0, inf), default=1e-4
        Strength, relative to the mean loss.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.penalties import L1
    >>> L1(alpha=0.5).value(np.array([3.0, -4.0]))
    3.5
    """

    _parameter_constraints = {"alpha": [NON_NEGATIVE]}

    def __init__(self, alpha: float = 1e-4):
        self.alpha = alpha

    def value(self, W: Array) -> float:
        """Return the penalty of the weights, a vector."""
        return float(self.alpha * np.abs(W).sum(dtype=np.float64))

    def add_gradient(self, W: Array, gradient: Array) -> None:
        """Add alpha · sign(W) to `gradient`, in place."""
        gradient += self.alpha * np.sign(W)


class MaxNorm(Component):
    """Each unit's incoming weights have Euclidean norm at most `max_norm` (Srebro & Shraibman 2005; Hinton 2012).

    Not a penalty but a constraint: after each step the weights are projected onto it.

    Parameters
    ----------
    max_norm : float in (0, inf)
        Largest norm of a column of a weight matrix.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.penalties import MaxNorm
    >>> W = np.array([[3.0, 0.3], [4.0, 0.4]])  # columns of norm 5 and 0.5
    >>> MaxNorm(1.0).project(W)
    >>> W.round(3)
    array([[0.6, 0.3],
           [0.8, 0.4]])
    """

    _parameter_constraints = {"max_norm": [POSITIVE]}

    def __init__(self, max_norm: float):
        self.max_norm = max_norm

    def project(self, W: Array) -> None:
        """Scale down, in place, each column of `W`, one matrix or several, whose norm is larger."""
        column_norms = np.sqrt(np.einsum("...ij,...ij->...j", W, W))[..., None, :]
        if column_norms.max(initial=0) > self.max_norm:
            W *= self.max_norm / np.maximum(column_norms, self.max_norm)


def elastic_net(alpha: float, l1_ratio: float) -> list[L1 | L2]:
    """Return the penalties alpha · [(1 - l1_ratio) / 2 · ‖W‖² + l1_ratio · ‖W‖₁], those of strength 0 left out.

    Parameters
    ----------
    alpha : float in [0, inf)
        Strength, relative to the mean loss.
    l1_ratio : float in [0, 1]
        Weight of the L1 norm against the L2 norm.

    Returns
    -------
    penalties : list of L1 and L2
        Their values and gradients add up.

    Examples
    --------
    >>> from skneural.penalties import elastic_net
    >>> elastic_net(alpha=0.5, l1_ratio=0.5)
    [L2(alpha=0.25), L1(alpha=0.25)]
    >>> elastic_net(alpha=0.5, l1_ratio=0.0)
    [L2(alpha=0.5)]
    """
    penalties: list[L1 | L2] = [L2(alpha * (1 - l1_ratio)), L1(alpha * l1_ratio)]
    return [penalty for penalty in penalties if penalty.alpha > 0]


PENALTIES: dict[str, L1 | L2] = {"l1": L1(), "l2": L2()}
