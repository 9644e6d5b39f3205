"""Losses with their inverse link: value and gradient in the network's raw output `F`.

A loss carries the function that turns raw output into predictions: only the two together have a gradient in `F` as
simple and as stable as "prediction minus target". Each loss is summed over the outputs of a row; the objective takes
the mean over the rows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, xlogy

from skneural.component import Component
from skneural.constraints import DECAY, POSITIVE

Array = NDArray[Any]


class Loss(Component):
    """Base of all losses.

    ``evaluate(F, Y, out=None)`` returns the loss of each row, of shape (n_rows,), and its gradient in `F`, of shape
    (n_rows, n_outputs).

    ``predict(F)`` applies the inverse link: probabilities, or the predicted mean.

    Attributes
    ----------
    inverse_link : str
        Name of the inverse link, as in scikit-learn's ``out_activation_``.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.losses import Loss
    >>> class LogCosh(Loss):
    ...     inverse_link = "identity"
    ...
    ...     def evaluate(self, F, Y, out=None):
    ...         residual = F - Y
    ...         return np.log(np.cosh(residual)).sum(axis=1), np.tanh(residual, out=out)
    ...
    ...     def predict(self, F):
    ...         return F
    >>> losses, gradient = LogCosh().evaluate(np.array([[1.0], [3.0]]), np.array([[1.0], [1.0]]))
    >>> losses.round(3), gradient.round(3)
    (array([0.   , 1.325]), array([[0.   ],
           [0.964]]))
    """

    inverse_link: ClassVar[str]
    evaluate: Callable[..., tuple[Array, Array]]
    predict: Callable[[Array], Array]


class SoftmaxCrossEntropy(Loss):
    """ℓ = log Σₖ exp(fₖ) - Σₖ tₖ fₖ, for one label out of several classes; `Y` holds class codes, of shape (n_rows,).

    The target t is 1 - label_smoothing at the label, plus label_smoothing / n_classes everywhere.

    Parameters
    ----------
    label_smoothing : float in [0, 1), default=0.0
        Part of the target that is spread over all classes (Szegedy et al. 2016, :arxiv:`1512.00567`).

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.losses import SoftmaxCrossEntropy
    >>> F = np.log([[0.7, 0.2, 0.1]])
    >>> losses, gradient = SoftmaxCrossEntropy().evaluate(F, np.array([0]))
    >>> losses.round(4), gradient.round(4)
    (array([0.3567]), array([[-0.3,  0.2,  0.1]]))
    """

    inverse_link = "softmax"
    _parameter_constraints = {"label_smoothing": [DECAY]}

    def __init__(self, label_smoothing: float = 0.0):
        self.label_smoothing = label_smoothing

    def evaluate(self, F: Array, Y: Array, out: Array | None = None) -> tuple[Array, Array]:
        """Gradient: softmax(F) - t."""
        out = np.subtract(F, F.max(axis=1, keepdims=True), out=out)
        rows, smoothing = np.arange(len(Y)), float(self.label_smoothing)
        losses = out[rows, Y] * (smoothing - 1)
        if smoothing:
            losses -= smoothing * out.mean(axis=1)
        np.exp(out, out=out)
        total = out.sum(axis=1)
        losses += np.log(total)
        out /= total[:, None]
        if smoothing:
            out -= smoothing / F.shape[1]
        out[rows, Y] -= 1 - smoothing
        return losses, out

    def predict(self, F: Array) -> Array:
        """Return the probabilities softmax(F)."""
        P = _minus_row_max(F)
        np.exp(P, out=P)
        P /= P.sum(axis=1, keepdims=True)
        return P

    def log_predict(self, F: Array) -> Array:
        """Return log softmax(F), finite for finite F."""
        shifted = _minus_row_max(F)
        return _log_probabilities(self.predict(F), shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


class LogisticLoss(Loss):
    """ℓ = Σₖ log(1 + exp(fₖ)) - tₖ fₖ, for yes-or-no labels yₖ in [0, 1] (binary, multilabel).

    The target is tₖ = (1 - label_smoothing) yₖ + label_smoothing / 2.

    Parameters
    ----------
    label_smoothing : float in [0, 1), default=0.0
        How far targets move towards one half.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.losses import LogisticLoss
    >>> losses, gradient = LogisticLoss().evaluate(np.array([[0.0], [8.0]]), np.array([[1.0], [0.0]]))
    >>> losses.round(3), gradient.round(3)
    (array([0.693, 8.   ]), array([[-0.5],
           [ 1. ]]))
    """

    inverse_link = "logistic"
    _parameter_constraints = {"label_smoothing": [DECAY]}

    def __init__(self, label_smoothing: float = 0.0):
        self.label_smoothing = label_smoothing

    def evaluate(self, F: Array, Y: Array, out: Array | None = None) -> tuple[Array, Array]:
        """Gradient: sigmoid(F) - T. The loss is max(f, 0) - t f + log1p(exp(-abs(f))), which cannot overflow."""
        if self.label_smoothing:
            Y = Y * (1 - float(self.label_smoothing)) + float(self.label_smoothing) / 2
        losses = np.maximum(F, 0) - Y * F + np.log1p(np.exp(-np.abs(F)))
        out = expit(F, out=out)
        out -= Y
        return losses.sum(axis=1), out

    def predict(self, F: Array) -> Array:
        """Return the probabilities sigmoid(F)."""
        P: Array = expit(F)
        return P

    def log_predict(self, F: Array) -> Array:
        """Return log sigmoid(F) = min(F, 0) - log1p(exp(-abs(F))), finite for finite F."""
        return _log_probabilities(expit(F), np.minimum(F, 0) - np.log1p(np.exp(-np.abs(F))))


class SquaredError(Loss):
    """ℓ = ½ Σₖ (fₖ - yₖ)².

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.losses import SquaredError
    >>> SquaredError().evaluate(np.array([[3.0]]), np.array([[1.0]]))
    (array([2.]), array([[2.]]))
    """

    inverse_link = "identity"

    def evaluate(self, F: Array, Y: Array, out: Array | None = None) -> tuple[Array, Array]:
        """Gradient: F - Y."""
        out = np.subtract(F, Y, out=out)
        return np.einsum("ij,ij->i", out, out) / 2, out

    def predict(self, F: Array) -> Array:
        """Return F, the predicted mean."""
        return F


class AbsoluteError(Loss):
    """ℓ = Σₖ abs(fₖ - yₖ): predicts the median.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.losses import AbsoluteError
    >>> AbsoluteError().evaluate(np.array([[3.0]]), np.array([[1.0]]))
    (array([2.]), array([[1.]]))
    """

    inverse_link = "identity"

    def evaluate(self, F: Array, Y: Array, out: Array | None = None) -> tuple[Array, Array]:
        """Gradient: sign(F - Y)."""
        out = np.subtract(F, Y, out=out)
        losses = np.abs(out).sum(axis=1)
        return losses, np.sign(out, out=out)

    def predict(self, F: Array) -> Array:
        """Return F, the predicted median."""
        return F


class Huber(Loss):
    """ℓ = Σₖ ½ r² if abs(r) <= delta, else delta (abs(r) - ½ delta), r = fₖ - yₖ (Huber 1964).

    Parameters
    ----------
    delta : float in (0, inf), default=1.0
        Residual, in units of y, at which the loss turns from quadratic to linear.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.losses import Huber
    >>> Huber(delta=1.0).evaluate(np.array([[1.5], [3.0]]), np.array([[1.0], [1.0]]))
    (array([0.125, 1.5  ]), array([[0.5],
           [1. ]]))
    """

    inverse_link = "identity"
    _parameter_constraints = {"delta": [POSITIVE]}

    def __init__(self, delta: float = 1.0):
        self.delta = delta

    def evaluate(self, F: Array, Y: Array, out: Array | None = None) -> tuple[Array, Array]:
        """Gradient: F - Y, clipped to ±delta; with c the clipped residual the loss is c (r - ½ c)."""
        residual = F - Y
        out = np.clip(residual, -float(self.delta), float(self.delta), out=out)
        return (out * (residual - out / 2)).sum(axis=1), out

    def predict(self, F: Array) -> Array:
        """Return F."""
        return F


class PoissonLoss(Loss):
    """ℓ = Σₖ y log(y / μ) - y + μ, μ = exp(fₖ): half the Poisson deviance, for counts y >= 0.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.losses import PoissonLoss
    >>> losses, gradient = PoissonLoss().evaluate(np.log([[2.0]]), np.array([[3.0]]))
    >>> losses.round(4), gradient
    (array([0.2164]), array([[-1.]]))
    """

    inverse_link = "exp"

    def evaluate(self, F: Array, Y: Array, out: Array | None = None) -> tuple[Array, Array]:
        """Gradient: exp(F) - Y."""
        out = np.exp(F, out=out)
        losses = (out - Y * F + xlogy(Y, Y) - Y).sum(axis=1)
        out -= Y
        return losses, out

    def predict(self, F: Array) -> Array:
        """Return exp(F), the predicted mean."""
        mean: Array = np.exp(F)
        return mean


def _minus_row_max(F: Array) -> Array:
    with np.errstate(over="ignore"):  # -inf is right: its exponential is 0
        shifted: Array = F - F.max(axis=1, keepdims=True)
    return shifted


def _log_probabilities(P: Array, exact: Array) -> Array:
    """Return log(P), to the last digit what a user computes from P; where P underflows its exact logarithm."""
    limits = np.finfo(P.dtype)
    # The difference of two finite scores may overflow, hence the lower bound.
    logarithm: Array = np.where(limits.tiny <= P, np.log(np.maximum(P, limits.tiny)), np.maximum(exact, limits.min))
    return logarithm


LOSSES: dict[str, Loss] = {
    "softmax_cross_entropy": SoftmaxCrossEntropy(),
    "logistic": LogisticLoss(),
    "squared_error": SquaredError(),
    "absolute_error": AbsoluteError(),
    "huber": Huber(),
    "poisson": PoissonLoss(),
}
