"""Check that the gradient that trains an estimator is the gradient of its objective."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skneural.constraints import POSITIVE_INT
from skneural.inspection.dry_run import DryRun
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
    return named | {f"batch_norm scales[{i}]": array for i, array in enumerate(positions.scales)}


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
