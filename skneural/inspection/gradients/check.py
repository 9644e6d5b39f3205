"""Whether the gradient that trains an estimator is the gradient of what it minimises."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skneural.constraints import POSITIVE_INT
from skneural.inspection.dry_run import DryRun
from skneural.inspection.gradients.finite_differences import Difference, FiniteDifferences
from skneural.inspection.gradients.report import ArrayCheck, GradientReport
from skneural.inspection.unwrapping import unwrap
from skneural.network import Layout

Array = NDArray[Any]

FLAT = 1e-4  # share of a difference's floor below which not even a gradient that is missing would look suspicious


def check_gradient(
    estimator: Any, X: Any, y: Any, sample_weight: Any = None, *, n_rows: int = 16, n_entries: int = 30, seed: int = 0
) -> GradientReport:
    """Compare the gradient that trains an estimator with centred differences of its objective.

    In float64, on the objective that `fit` would minimise, dropout masks held fixed, the mean loss and the penalty
    each by itself. Where a step crosses a kink the entry is tried again with shorter steps and, if that does not help,
    set aside and counted.

    Parameters
    ----------
    estimator : ActivationMLPClassifier, ActivationMLPRegressor, or a Pipeline or search that ends in one
        Fitted, to be checked at its parameters, or not (a search must be). It is not changed.
    X, y, sample_weight : array-like
        As for `fit`.
    n_rows : int, default=16
        Rows to be drawn from `X`.
    n_entries : int, default=30
        Entries to be checked of each parameter array: half of them those of the largest gradient, the first and the
        last, and others at random.
    seed : int, default=0
        Decides rows, entries and dropout masks.

    Returns
    -------
    report : GradientReport
        Array by array; it prints as a table.

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
        if not (allowed := POSITIVE_INT).is_satisfied_by(value):
            raise ValueError(f"{name} must be {allowed}. Got {value!r} instead.")
    network, X = unwrap(estimator, X, y)
    dry_run = DryRun(network, X, y, sample_weight, n_rows, seed)
    objective = dry_run.objective()
    theta = objective.objective.parameters
    total = objective.evaluate() + objective.objective.penalty()
    if not math.isfinite(total):
        raise ValueError(f"The objective must be finite at the parameters. Got {total}: scale the data.")
    of_loss, of_penalty = _gradients(dry_run)
    arrays, rng = named_arrays(dry_run.network.layout), np.random.RandomState(seed)
    entries = {name: _sampled(of_loss, index, n_entries, rng) for name, index in arrays.items()}
    parts = [
        ("data loss", of_loss, FiniteDifferences(objective.evaluate, theta)),
        ("penalty", of_penalty, FiniteDifferences(objective.objective.penalty, theta)),
    ]
    checks = [
        _check(name, part, index, entries[name], gradient, differences)
        for part, gradient, differences in parts
        for name, index in arrays.items()
    ]
    told = [check for check in checks if check.part == "data loss" or check.n_checked or check.n_kinks]
    return GradientReport(told, objective.n_rows)


def _gradients(dry_run: DryRun) -> tuple[Array, Array]:
    """Return the gradients of the mean loss and of the penalties, which together are that of the objective.

    Each comes from an objective without the other, because their difference would be lost where one of them is large;
    whatever is in the whole and in neither of them is counted with the loss.
    """
    whole = dry_run.objective().gradient()
    of_loss, of_penalty = dry_run.objective(alpha=0).gradient(), dry_run.penalties().gradient()
    rest = whole - of_loss - of_penalty
    rounding = 1e-12 * (np.abs(of_loss) + np.abs(of_penalty))
    return of_loss + np.where(np.abs(rest) > rounding, rest, 0), of_penalty


def named_arrays(layout: Layout) -> dict[str, Array]:
    """Return the positions of each parameter array in the flat vector, an array of int in the array's shape."""
    positions = layout.views(np.arange(layout.size))
    lists = {"coefs_": positions.weights, "intercepts_": positions.biases, "slopes_": positions.activation_params}
    named = {f"{name}[{i}]": array for name, arrays in lists.items() for i, array in enumerate(arrays) if array.size}
    return named | {f"batch_norm scales[{i}]": array for i, array in enumerate(positions.scales)}


def _sampled(gradient: Array, index: Array, n_entries: int, rng: np.random.RandomState) -> Array:
    """Return positions within an array: the corners, those of the largest gradient, and some at random."""
    ranked = np.argsort(-np.abs(gradient[index.ravel()]), kind="stable")
    ends = np.array([0, index.size - 1])  # where loops go wrong
    order = np.concatenate([ends, ranked[: n_entries // 2], rng.permutation(index.size)])
    _, first = np.unique(order, return_index=True)
    return order[np.sort(first)][:n_entries]


def _check(
    name: str, part: str, index: Array, entries: Array, gradient: Array, differences: FiniteDifferences
) -> ArrayCheck:
    analytic = gradient[index.flat[entries]]
    found = [differences.at(position) for position in index.flat[entries]]
    smooth = np.array([each.smooth for each in found])
    flat = smooth & np.array([_is_flat(*pair) for pair in zip(analytic, found, strict=True)])
    compared = np.flatnonzero(smooth & ~flat)
    counts = len(compared), int((~smooth).sum()), int(flat.sum())
    if not len(compared):
        return ArrayCheck(name, part, *counts)
    errors = [_error(analytic[i], found[i]) for i in compared]
    at = compared[np.argmax(errors)]
    place = tuple(int(i) for i in np.unravel_index(entries[at], index.shape))
    worst, median = float(np.max(errors)), float(np.median(errors))
    return ArrayCheck(name, part, *counts, worst, median, place, float(analytic[at]), found[at].slope)


def _is_flat(analytic: float, difference: Difference) -> bool:
    return abs(analytic) + abs(difference.slope) <= FLAT * difference.floor


def _error(analytic: float, difference: Difference) -> float:
    if not math.isfinite(analytic):
        return math.inf
    numeric = difference.slope
    return float(abs(analytic - numeric) / max(abs(analytic) + abs(numeric), difference.floor))
