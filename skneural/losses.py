"""Losses with their inverse link: value and gradient in the network's raw output `F`.

A loss carries the function that turns raw output into predictions: only the two together have a gradient in `F` as
simple and as stable as "prediction minus target". Each loss is summed over the outputs of a row; the objective takes
the mean over the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from numbers import Real
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, log_expit, log_softmax, logsumexp, xlogy

from skneural.component import Component
from skneural.constraints import FRACTION_BELOW_ONE, POSITIVE, Interval, satisfies
from skneural.weighted_quantiles import lower_weighted_quantile

Array = NDArray[Any]

QUANTILE = Interval(Real, 0, 1, closed="neither")


class Loss(Component):
    """Base of all losses.

    ``evaluate(F, Y, out=None)`` returns the loss of each row, of shape (n_rows,), and its gradient in `F`, of shape
    (n_rows, n_outputs).

    ``predict(F)`` applies the inverse link: probabilities, or the predicted mean.

    Attributes
    ----------
    inverse_link : str
        Name of the inverse link, as in scikit-learn's ``out_activation_``.
    in_target_units : bool
        Whether raw outputs are in the units of the targets, so that both may be shifted and scaled together. False
        unless a subclass says otherwise: its targets are then taken as they are.
    symmetric : bool
        Whether the loss of -F for -Y is that of F for Y.
    homogeneous : bool
        Whether the loss of F + log a for a · Y is a power of a times that of F for Y, for every a > 0, so that targets
        may be divided by their mean. False unless a subclass says otherwise.
    robust : bool
        Whether the gradient is bounded, so that an outlier among the targets counts little. Where targets are
        standardized, an outlier then counts little for their mean and standard deviation too.
    n_outputs_per_target : int
        Raw outputs for each target.

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
    in_target_units: ClassVar[bool] = False
    symmetric: ClassVar[bool] = False
    homogeneous: ClassVar[bool] = False
    robust: ClassVar[bool] = False
    evaluate: Callable[..., tuple[Array, Array]]
    predict: Callable[[Array], Array]

    def check(self) -> None:
        """Raise ValueError if a parameter violates its constraints, TypeError if something is not defined."""
        super().check()
        methods = [getattr(self, name, None) for name in ("evaluate", "predict")]
        if not (all(map(callable, methods)) and isinstance(getattr(self, "inverse_link", None), str)):
            raise TypeError(
                f"The loss {self!r} must define evaluate(F, Y, out=None), predict(F) and inverse_link, a name such as "
                "'identity'."
            )

    @property
    def n_outputs_per_target(self) -> int:
        """Raw outputs for each target: one, unless the loss describes a target by several numbers."""
        return 1

    def combine_members(self, F: Array) -> Array:
        """Return the raw output for which `predict` gives the mean of several networks' predictions.

        Parameters
        ----------
        F : ndarray of shape (n_members, n_rows, n_outputs) or (n_rows, n_outputs)
            Raw outputs; those of one network are returned as they are.

        Returns
        -------
        F : ndarray of shape (n_rows, n_outputs)
            Raw output of the mean prediction.

        Raises
        ------
        TypeError
            If a loss with another inverse link than the identity does not define this method.
        """
        if F.ndim == 2:
            return F
        if self.inverse_link != "identity":
            raise TypeError(
                f"n_members > 1 needs a loss that can average predictions. Got {self!r}, whose inverse_link is "
                f"{self.inverse_link!r}; define combine_members(F), the raw output of the mean prediction."
            )
        mean: Array = np.mean([self.predict(member) for member in F], axis=0)
        return mean

    def initial_output(self, Y: Array, sample_weight: Array | None = None) -> Array | None:
        """Return the raw outputs that training should start from, of shape (n_outputs,); None means zero.

        Parameters
        ----------
        Y : ndarray of shape (n_rows, n_outputs)
            Targets as `evaluate` takes them.
        sample_weight : ndarray of shape (n_rows,) or None, default=None
            Weights of the rows.

        Returns
        -------
        f : ndarray of shape (n_outputs,) or None
            The best constant, where that is far from zero.
        """
        return None


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
    _parameter_constraints = {"label_smoothing": [FRACTION_BELOW_ONE]}

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
        exp_sum = out.sum(axis=1)
        losses += np.log(exp_sum)
        out /= exp_sum[:, None]
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

    def combine_members(self, F: Array) -> Array:
        """Return the logarithm of the members' mean probabilities."""
        return F if F.ndim == 2 else _log_mean_exp(log_softmax(F, axis=2))

    def initial_output(self, Y: Array, sample_weight: Array | None = None) -> Array:
        """Return the logarithms of the mean targets, less their mean: zero where all classes are equally frequent."""
        # `Y` has rows of all classes; a class without weight counts as half a row.
        class_weights = np.bincount(Y, sample_weight)
        smoothing = float(self.label_smoothing)
        class_shares = _bounded_share(class_weights, class_weights.sum(), sample_weight)
        smoothed_shares = (1 - smoothing) * class_shares + smoothing / len(class_shares)
        initial_output: Array = np.log(smoothed_shares / smoothed_shares.max())
        initial_output -= initial_output.mean()
        return initial_output


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
    _parameter_constraints = {"label_smoothing": [FRACTION_BELOW_ONE]}

    def __init__(self, label_smoothing: float = 0.0):
        self.label_smoothing = label_smoothing

    def evaluate(self, F: Array, Y: Array, out: Array | None = None) -> tuple[Array, Array]:
        """Gradient: sigmoid(F) - T. The loss is max(f, 0) - t f + log1p(exp(-abs(f))), which cannot overflow."""
        smoothing = float(self.label_smoothing)
        T = Y * (1 - smoothing) + smoothing / 2 if smoothing else Y
        losses = np.maximum(F, 0) - T * F + np.log1p(np.exp(-np.abs(F)))
        out = expit(F, out=out)
        out -= T
        return losses.sum(axis=1), out

    def predict(self, F: Array) -> Array:
        """Return the probabilities sigmoid(F)."""
        P: Array = expit(F)
        return P

    def log_predict(self, F: Array) -> Array:
        """Return log sigmoid(F) = min(F, 0) - log1p(exp(-abs(F))), finite for finite F."""
        return _log_probabilities(expit(F), np.minimum(F, 0) - np.log1p(np.exp(-np.abs(F))))

    def combine_members(self, F: Array) -> Array:
        """Return the log-odds of the members' mean probabilities."""
        return F if F.ndim == 2 else _log_mean_exp(log_expit(F)) - _log_mean_exp(log_expit(-F))

    def initial_output(self, Y: Array, sample_weight: Array | None = None) -> Array:
        """Return the log-odds of the mean targets: zero where half of the labels are 1."""
        # A label that no row of positive weight has, or all have, counts as if half a row differed.
        weight_of_ones = Y.sum(axis=0, dtype=np.float64) if sample_weight is None else sample_weight @ Y
        total = float(len(Y) if sample_weight is None else sample_weight.sum())
        smoothing = float(self.label_smoothing)
        share_of_ones, share_of_zeros = (
            (1 - smoothing) * _bounded_share(weight, total, sample_weight) + smoothing / 2
            for weight in (weight_of_ones, total - weight_of_ones)
        )
        log_odds: Array = np.log(share_of_ones / share_of_zeros)
        return log_odds


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
    in_target_units = symmetric = True

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
    in_target_units = symmetric = robust = True

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
        Residual at which the loss turns from quadratic to linear, in the units of `Y`. In
        :class:`skneural.ActivationMLPRegressor` with ``normalize_y=True`` these are standard deviations of the target,
        computed after its outliers are bounded.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.losses import Huber
    >>> Huber(delta=1.0).evaluate(np.array([[1.5], [3.0]]), np.array([[1.0], [1.0]]))
    (array([0.125, 1.5  ]), array([[0.5],
           [1. ]]))
    """

    inverse_link = "identity"
    in_target_units = symmetric = robust = True
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


class Quantile(Loss):
    """ℓ = Σₖ max(qₖ rₖ, (qₖ - 1) rₖ), rₖ = yₖ - fₖ: the pinball loss, for quantiles (Koenker & Bassett 1978).

    With several quantiles the network has one output for each, and `Y` as many equal columns. Predictions are the
    outputs in ascending order, so that quantiles never cross; sorting never makes them worse (Chernozhukov,
    Fernández-Val & Galichon 2010, :doi:`10.3982/ECTA7880`).

    Parameters
    ----------
    quantile : float in (0, 1) or list of them, default=0.5
        What to predict: 0.5 is the median. A list ascends.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.losses import Quantile
    >>> losses, gradient = Quantile(0.9).evaluate(np.array([[3.0], [3.0]]), np.array([[1.0], [5.0]]))
    >>> losses.round(3), gradient.round(3)
    (array([0.2, 1.8]), array([[ 0.1],
           [-0.9]]))
    >>> Quantile([0.05, 0.5, 0.95]).predict(np.array([[3.0, 1.0, 2.0]]))
    array([[1., 2., 3.]])
    """

    inverse_link = "identity"
    in_target_units = robust = True

    def __init__(self, quantile: float | Sequence[float] = 0.5):
        self.quantile = quantile

    @property
    def quantiles(self) -> Array:
        """The quantiles, of shape (n_quantiles,)."""
        return np.array(self.quantile, dtype=np.float64, ndmin=1)

    @property
    def n_outputs_per_target(self) -> int:
        """The number of quantiles."""
        return len(self.quantiles)

    def check(self) -> None:
        """Raise ValueError unless the quantiles lie between 0 and 1 and ascend."""
        several = isinstance(self.quantile, list | tuple)
        quantiles: Any = self.quantile if several else [self.quantile]
        valid = len(quantiles) > 0 and all(satisfies(q, QUANTILE) for q in quantiles)
        if not valid or any(q >= r for q, r in pairwise(quantiles)):
            raise ValueError(
                f"The 'quantile' parameter of Quantile must be {QUANTILE}, or a list of such numbers that ascend. "
                f"Got {self.quantile!r} instead."
            )

    def evaluate(self, F: Array, Y: Array, out: Array | None = None) -> tuple[Array, Array]:
        """Gradient: -q where F < Y, 1 - q where F > Y, 0 where they are equal."""
        residual = F - Y
        q = self.quantiles.astype(F.dtype)
        out = np.sign(residual, out=out)
        out += 1 - 2 * q
        out /= 2
        out *= residual != 0
        return (out * residual).sum(axis=1), out

    def predict(self, F: Array) -> Array:
        """Return the quantiles, in ascending order for each row."""
        return F if self.n_outputs_per_target == 1 else np.sort(F, axis=1)

    def initial_output(self, Y: Array, sample_weight: Array | None = None) -> Array:
        """Return the quantiles of the targets."""
        weights = np.ones(len(Y)) if sample_weight is None else sample_weight
        columns = zip(Y.T, np.broadcast_to(self.quantiles, Y.shape[1]), strict=True)
        return np.array([lower_weighted_quantile(y, q, weights) for y, q in columns])


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
    homogeneous = True

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

    def combine_members(self, F: Array) -> Array:
        """Return the logarithm of the members' mean prediction."""
        return F if F.ndim == 2 else _log_mean_exp(F)

    def initial_output(self, Y: Array, sample_weight: Array | None = None) -> Array:
        """Return the logarithm of the mean; zero where all targets are zero."""
        mean_target = np.average(Y, axis=0, weights=sample_weight)
        initial_output: Array = np.log(np.where(mean_target > 0, mean_target, 1))
        return initial_output


def _log_mean_exp(log_predictions: Array) -> Array:
    """Return the logarithm of the mean, over the first axis, of numbers whose logarithms are given."""
    log_mean: Array = logsumexp(log_predictions, axis=0) - np.log(log_predictions.dtype.type(len(log_predictions)))
    return log_mean


def _bounded_share(weight: Array, total: float, sample_weight: Array | None) -> Array:
    """Return weight / total, at least the share of half a row, and of single precision's smallest step from one."""
    smallest_weight = 1.0 if sample_weight is None else sample_weight[sample_weight > 0].min()
    least_share = max(smallest_weight / (2 * total), float(np.finfo(np.float32).eps))
    share: Array = np.clip(weight / total, least_share, None)
    return share


def _minus_row_max(F: Array) -> Array:
    with np.errstate(over="ignore"):  # -inf is right: its exponential is 0
        shifted: Array = F - F.max(axis=1, keepdims=True)
    return shifted


def _log_probabilities(P: Array, exact: Array) -> Array:
    """Return log(P), to the last digit what a user computes from P; where P underflows its exact logarithm."""
    limits = np.finfo(P.dtype)
    # The difference of two finite scores may overflow, hence the lower bound.
    log_P: Array = np.where(limits.tiny <= P, np.log(np.maximum(P, limits.tiny)), np.maximum(exact, limits.min))
    return log_P


LOSSES: dict[str, Loss] = {
    "softmax_cross_entropy": SoftmaxCrossEntropy(),
    "logistic": LogisticLoss(),
    "squared_error": SquaredError(),
    "absolute_error": AbsoluteError(),
    "huber": Huber(),
    "quantile": Quantile(),
    "poisson": PoissonLoss(),
}
