"""Check that the gradient that trains an estimator is the gradient of its objective."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skneural.constraints import POSITIVE_INT
from skneural.inspection.dry_run import DeterministicObjective, DryRun
from skneural.inspection.gradients.finite_differences import Derivative, FiniteDifferences
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
    _check_is_positive_int("n_rows", n_rows)
    _check_is_positive_int("n_entries", n_entries)
    network, X = unwrap(estimator, X, y)
    dry_run = DryRun(network, X, y, sample_weight, n_rows, seed)
    objective = dry_run.objective()
    _check_is_finite(objective)
    loss_gradient, penalty_gradient = _analytic_gradients(dry_run)
    arrays = _sample_entries(dry_run.network.layout, loss_gradient, n_entries, seed)
    loss_differences = FiniteDifferences(objective.mean_loss, objective.parameters)
    checks = [_check_array(array, "data loss", loss_gradient, loss_differences) for array in arrays]
    penalty_differences = FiniteDifferences(objective.penalty, objective.parameters)
    penalty_checks = [_check_array(array, "penalty", penalty_gradient, penalty_differences) for array in arrays]
    # An array that is not penalised has nothing to report on the penalty.
    checks += [check for check in penalty_checks if check.n_checked or check.n_kinks]
    return GradientReport(checks, objective.n_rows)


def _check_is_positive_int(name: str, value: Any) -> None:
    if not POSITIVE_INT.is_satisfied_by(value):
        raise ValueError(f"{name} must be {POSITIVE_INT}. Got {value!r} instead.")


def _check_is_finite(objective: DeterministicObjective) -> None:
    value = objective.mean_loss() + objective.penalty()
    if not math.isfinite(value):
        raise ValueError(f"The objective must be finite at the parameters. Got {value}: scale the data.")


def _analytic_gradients(dry_run: DryRun) -> tuple[Array, Array]:
    """Return the gradients of the mean loss and of the penalty, which add up to the gradient that trains.

    The gradient that trains contains both. Subtracting the gradient of the loss would leave that of the penalty with
    few digits where the loss is steep, so the penalties compute theirs alone. Where the two disagree by more than
    rounding, training uses something else than the penalties say, and what training uses is checked.
    """
    loss_gradient, penalty_gradient = dry_run.objective(alpha=0).gradient(), dry_run.penalty_gradient()
    trained_penalty_gradient = dry_run.objective().gradient() - loss_gradient
    rounding = 1e-12 * (np.abs(loss_gradient) + np.abs(penalty_gradient))
    disagree = np.isfinite(loss_gradient) & ~(np.abs(trained_penalty_gradient - penalty_gradient) <= rounding)
    return loss_gradient, np.where(disagree, trained_penalty_gradient, penalty_gradient)


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


@dataclass(frozen=True)
class SampledArray:
    """A parameter array, and which of its entries are checked.

    Parameters
    ----------
    name : str
    positions : ndarray of int, of the shape of the array
        Positions of its entries in the flat parameter vector.
    entries : ndarray of int
        Flat indices of the checked entries.
    """

    name: str
    positions: Array
    entries: Array


def _sample_entries(layout: Layout, gradient: Array, n_entries: int, seed: int) -> list[SampledArray]:
    rng, arrays = np.random.RandomState(seed), named_arrays(layout)
    return [SampledArray(name, at, _choose_entries(gradient[at], n_entries, rng)) for name, at in arrays.items()]


def _choose_entries(gradient: Array, n_entries: int, rng: np.random.RandomState) -> Array:
    """Return flat indices into an array: its ends, the entries with the largest gradient, and random ones."""
    largest_first = np.argsort(-np.abs(gradient.ravel()), kind="stable")
    ends = np.array([0, gradient.size - 1])  # where wrong loops show first
    entries = np.concatenate([ends, largest_first[: n_entries // 2], rng.permutation(gradient.size)])
    _, first_places = np.unique(entries, return_index=True)
    return entries[np.sort(first_places)][:n_entries]


def _check_array(array: SampledArray, part: str, gradient: Array, differences: FiniteDifferences) -> ArrayCheck:
    positions = array.positions.flat[array.entries]
    analytic, numeric = gradient[positions], [differences.derivative(position) for position in positions]
    is_smooth = np.array([derivative.is_smooth for derivative in numeric])
    is_flat = is_smooth & np.array([_is_flat(a, n) for a, n in zip(analytic, numeric, strict=True)])
    compared = np.flatnonzero(is_smooth & ~is_flat)
    counts = len(compared), int((~is_smooth).sum()), int(is_flat.sum())
    if not len(compared):
        return ArrayCheck(array.name, part, *counts)
    errors = [_relative_error(analytic[i], numeric[i]) for i in compared]
    worst = compared[np.argmax(errors)]
    index = tuple(int(i) for i in np.unravel_index(array.entries[worst], array.positions.shape))
    of_worst = index, float(analytic[worst]), numeric[worst].value
    return ArrayCheck(array.name, part, *counts, float(np.max(errors)), float(np.median(errors)), *of_worst)


def _is_flat(analytic: float, numeric: Derivative) -> bool:
    return abs(analytic) + abs(numeric.value) <= FLAT_FRACTION * numeric.floor


def _relative_error(analytic: float, numeric: Derivative) -> float:
    if not math.isfinite(analytic):
        return math.inf
    return float(abs(analytic - numeric.value) / max(abs(analytic) + abs(numeric.value), numeric.floor))
