"""Check that the gradient that trains an estimator is the gradient of its objective."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skneural.constraints import POSITIVE_INT
from skneural.inspection.dry_run import DryRun
from skneural.inspection.gradients.gradient_report import ArrayCheck, GradientReport
from skneural.inspection.unwrapping import unwrap
from skneural.network import Layout

Array = NDArray[Any]

# Both the gradient and the difference are below this fraction of the floor: flat. A missing gradient would then have a
# relative error below 1e-4, and so could not be found.
FLAT_FRACTION = 1e-4


def check_gradient(
    estimator: Any, X: Any, y: Any, sample_weight: Any = None, *, n_rows: int = 16, n_entries: int = 30, seed: int = 0
) -> GradientReport:
    """Compare the gradient that trains an estimator with centred differences of its objective.

    Use it to test an activation, a loss or another part that you wrote yourself.

    The check runs in float64, on the objective that `fit` minimises, with fixed dropout masks. It checks the mean loss
    and the penalty separately. Where the objective has a kink, an entry is tried again with shorter steps. If that does
    not help, the entry is left out and counted.

    Parameters
    ----------
    estimator : ActivationMLPClassifier, ActivationMLPRegressor, or a Pipeline or search that ends in one
        It is not changed. A fitted estimator is checked at its fitted parameters, an unfitted one at initial
        parameters. A search must be fitted.
    X, y, sample_weight : array-like
        As for `fit`.
    n_rows : int, default=16
        Number of rows to draw from `X`.
    n_entries : int, default=30
        Number of entries to check in each parameter array: the first and the last, those with the largest gradient (up
        to half of the number), and random ones.
    seed : int, default=0
        Seed for the choice of rows and entries and for the dropout masks.

    Returns
    -------
    report : GradientReport
        A verdict for each parameter array. Print it to see a table.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skneural import ActivationMLPClassifier
    >>> from skneural.inspection import check_gradient
    >>> X, y = load_iris(return_X_y=True)
    >>> report = check_gradient(ActivationMLPClassifier((8,), "elu", random_state=0), X, y)
    >>> report.verdict
    'good'
    >>> sorted({check.array for check in report.checks})
    ['coefs_[0]', 'coefs_[1]', 'intercepts_[0]', 'intercepts_[1]']
    """
    for name, value in {"n_rows": n_rows, "n_entries": n_entries}.items():
        if not POSITIVE_INT.is_satisfied_by(value):
            raise ValueError(f"{name} must be {POSITIVE_INT}. Got {value!r} instead.")
    network, X = unwrap(estimator, X, y)
    dry_run = DryRun(network, X, y, sample_weight, n_rows, seed)
    objective = dry_run.objective()
    start = objective.mean_loss() + objective.penalty()
    if not math.isfinite(start):
        raise ValueError(f"The objective must be finite at the parameters. Got {start}: scale the data.")
    loss_gradient, penalty_gradient = _gradients(dry_run)
    arrays, rng = named_arrays(dry_run.network.layout), np.random.RandomState(seed)
    entries = {name: _choose_entries(loss_gradient, index, n_entries, rng) for name, index in arrays.items()}
    parts = [
        ("data loss", loss_gradient, FiniteDifferences(objective.mean_loss, objective.parameters)),
        ("penalty", penalty_gradient, FiniteDifferences(objective.penalty, objective.parameters)),
    ]
    checks = [
        _check_array(name, part, index, entries[name], gradient, differences)
        for part, gradient, differences in parts
        for name, index in arrays.items()
    ]
    # An array that is not penalised has nothing to report on the penalty.
    reported = [check for check in checks if check.part == "data loss" or check.n_checked or check.n_kinks]
    return GradientReport(reported, objective.n_rows)


def _gradients(dry_run: DryRun) -> tuple[Array, Array]:
    """Return the gradients of the mean loss and of the penalty, which add up to the gradient that trains.

    The gradient that trains contains both. Subtracting the gradient of the loss would leave that of the penalty with
    few digits where the loss is steep, so the penalties compute theirs alone. Where the two disagree by more than
    rounding, training uses something else than the penalties say, and what training uses is checked.
    """
    loss_gradient, penalty_gradient = dry_run.objective(alpha=0).gradient(), dry_run.penalty_gradient()
    trained = dry_run.objective().gradient() - loss_gradient
    rounding = 1e-12 * (np.abs(loss_gradient) + np.abs(penalty_gradient))
    disagree = np.isfinite(loss_gradient) & ~(np.abs(trained - penalty_gradient) <= rounding)
    return loss_gradient, np.where(disagree, trained, penalty_gradient)


def named_arrays(layout: Layout) -> dict[str, Array]:
    """Return, for each parameter array, the positions of its entries in the flat parameter vector.

    Parameters
    ----------
    layout : Layout

    Returns
    -------
    arrays : dict of str to ndarray of int
        Each has the shape of the parameter array. The names are those of the estimator's attributes.
    """
    positions = layout.views(np.arange(layout.size))
    lists = {"coefs_": positions.weights, "intercepts_": positions.biases, "slopes_": positions.activation_params}
    named = {f"{name}[{i}]": array for name, arrays in lists.items() for i, array in enumerate(arrays) if array.size}
    named |= {f"batch_norm scales[{i}]": array for i, array in enumerate(positions.scales)}
    return named | ({"member_scales_": positions.member_scales[0]} if positions.member_scales else {})


def _choose_entries(gradient: Array, index: Array, n_entries: int, rng: np.random.RandomState) -> Array:
    """Return flat indices into an array: its ends, the entries with the largest gradient, and random ones."""
    by_size = np.argsort(-np.abs(gradient[index.ravel()]), kind="stable")
    ends = np.array([0, index.size - 1])  # where wrong loops show first
    candidates = np.concatenate([ends, by_size[: n_entries // 2], rng.permutation(index.size)])
    _, first = np.unique(candidates, return_index=True)
    return candidates[np.sort(first)][:n_entries]


def _check_array(
    name: str, part: str, index: Array, entries: Array, gradient: Array, differences: FiniteDifferences
) -> ArrayCheck:
    analytic = gradient[index.flat[entries]]
    numeric = [differences.derivative(position) for position in index.flat[entries]]
    smooth = np.array([each.is_smooth for each in numeric])
    flat = smooth & np.array([_is_flat(a, n) for a, n in zip(analytic, numeric, strict=True)])
    compared = np.flatnonzero(smooth & ~flat)
    counts = len(compared), int((~smooth).sum()), int(flat.sum())
    if not len(compared):
        return ArrayCheck(name, part, *counts)
    errors = [_relative_error(analytic[i], numeric[i]) for i in compared]
    worst = compared[np.argmax(errors)]
    place = tuple(int(i) for i in np.unravel_index(entries[worst], index.shape))
    max_error, median_error = float(np.max(errors)), float(np.median(errors))
    return ArrayCheck(name, part, *counts, max_error, median_error, place, float(analytic[worst]), numeric[worst].value)


def _is_flat(analytic: float, numeric: Derivative) -> bool:
    return abs(analytic) + abs(numeric.value) <= FLAT_FRACTION * numeric.floor


def _relative_error(analytic: float, numeric: Derivative) -> float:
    if not math.isfinite(analytic):
        return math.inf
    return float(abs(analytic - numeric.value) / max(abs(analytic) + abs(numeric.value), numeric.floor))


DIFFERENCE_STEPS = [10.0**-k for k in range(4, 13)]
SMOOTH_TOLERANCE = 2e-7  # relative; rounding and curvature may make two differences of a smooth function differ so much
MAX_RELATIVE_ROUNDING = 1e-5  # of a difference by a shorter step; with more rounding, no kink can be told
FLOOR_FACTOR = 3e6  # times the rounding error of a difference; then rounding causes relative errors below 1e-7


@dataclass(frozen=True)
class Derivative:
    """The estimated derivative of a function in one variable.

    Parameters
    ----------
    value : float
        The derivative.
    floor : float
        A derivative far below this value cannot be told from the rounding error of the function.
    is_smooth : bool
        False if the function has a kink within the step; `value` is then meaningless.
    """

    value: float
    floor: float
    is_smooth: bool


class FiniteDifferences:
    """Derivatives of a function, computed from its values alone.

    Let f₋₂ … f₂ be the values at θ - 2h … θ + 2h, and D(h) = (f₁ - f₋₁) / 2h. The derivative is the Richardson
    extrapolation (4 D(h) - D(2h)) / 3.

    Where f is smooth, D(h) ≈ D(2h), and the difference between the right and the left one-sided slope is proportional
    to h. At a kink, one of these two fails. The step is then shortened until the kink is outside of it, or until the
    rounding error of f is too large to tell.

    Parameters
    ----------
    function : callable
        Takes no argument, reads `theta`, and returns a float.
    theta : ndarray of shape (n,), float64
        Changed for each evaluation and restored afterwards.

    Attributes
    ----------
    function_value : float
        The function at `theta`.
    rounding_error : float
        Standard deviation of the rounding error of the function.
    """

    def __init__(self, function: Callable[[], float], theta: Array):
        self.function, self.theta = function, theta
        self.function_value = function()
        self.rounding_error = self._estimate_rounding_error()

    def derivative(self, entry: int) -> Derivative:
        """Return the derivative with respect to one entry of `theta`."""
        for step in DIFFERENCE_STEPS:
            estimate = self._estimate(entry, step * max(1.0, abs(self.theta[entry])))
            is_resolved = step == DIFFERENCE_STEPS[0] or self._relative_rounding(estimate, step) < MAX_RELATIVE_ROUNDING
            if estimate.is_smooth or not is_resolved:
                break
        return Derivative(estimate.value, estimate.floor, estimate.is_smooth and is_resolved)

    def _estimate(self, entry: int, h: float) -> Derivative:
        f_minus2, f_minus1, f_plus1, f_plus2 = (self._value_at_shift(entry, k * h) for k in (-2, -1, 1, 2))
        difference_h, difference_2h = (f_plus1 - f_minus1) / (2 * h), (f_plus2 - f_minus2) / (4 * h)
        value, rounding = (4 * difference_h - difference_2h) / 3, 10 * self.rounding_error / h
        # Right minus left one-sided slope: proportional to h, so that the second is twice the first.
        slope_change_h = (f_plus1 - 2 * self.function_value + f_minus1) / h
        slope_change_2h = (f_plus2 - 2 * self.function_value + f_minus2) / (2 * h)
        nonsmooth = max(abs(difference_2h - difference_h), abs(slope_change_2h - 2 * slope_change_h))
        return Derivative(value, FLOOR_FACTOR * rounding, nonsmooth <= SMOOTH_TOLERANCE * abs(value) + rounding)

    def _value_at_shift(self, entry: int, shift: float) -> float:
        original = self.theta[entry]
        self.theta[entry] = original + shift
        value = self.function()
        self.theta[entry] = original
        return value

    def _relative_rounding(self, estimate: Derivative, step: float) -> float:
        return self.rounding_error / step / abs(estimate.value) if estimate.value else math.inf

    def _estimate_rounding_error(self) -> float:
        """Return the standard deviation of the rounding error, estimated from third differences of tiny steps."""
        original, direction = self.theta.copy(), np.random.RandomState(0).choice([-1.0, 1.0], self.theta.size)
        values = []
        for k in range(8):
            self.theta[...] = original + k * 1e-11 * direction
            values.append(self.function())
        self.theta[...] = original
        third_differences = np.diff(values, n=3)  # of independent errors with variance v: variance 20 v
        smallest = max(np.finfo(float).eps * abs(self.function_value), np.finfo(float).tiny)
        return float(max(np.sqrt(np.mean(third_differences**2) / 20), smallest))
