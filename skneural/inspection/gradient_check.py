"""Whether the gradient that trains an estimator is the gradient of what it minimises."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skneural.inspection.differences import Difference, Differences
from skneural.inspection.rehearsal import Rehearsal, unwrapped
from skneural.inspection.table import aligned, frame
from skneural.network import Layout

Array = NDArray[Any]

# The usual bands of the relative error; above the last, "wrong".
BANDS = [(1e-7, "good"), (1e-4, "acceptable"), (1e-2, "suspicious")]
UNTESTED = "untested"


class GradientError(AssertionError):
    """A gradient does not agree with differences of the function."""


@dataclass(frozen=True)
class ArrayCheck:
    """What the check of one parameter array came to.

    Parameters
    ----------
    array : str
        Name of the array, such as "coefs_[0]".
    part : {"data loss", "penalty"}
        Which part of the objective.
    n_checked : int
        Entries compared.
    n_kinks : int
        Entries set aside, because the function has a kink there.
    worst, median : float
        Relative error |a - n| / max(|a| + |n|, floor), a the gradient, n the difference; NaN if nothing was compared.
    index : tuple of int
        Where in the array the error is largest.
    analytic, numeric : float
        The gradient and the difference there.
    """

    array: str
    part: str
    n_checked: int
    n_kinks: int
    worst: float
    median: float
    index: tuple[int, ...]
    analytic: float
    numeric: float

    @property
    def verdict(self) -> str:
        """One of "good" (up to 1e-7), "acceptable" (1e-4), "suspicious" (1e-2), "wrong", or "untested"."""
        return verdict(self.worst)

    @property
    def concerns(self) -> bool:
        """Whether the array has anything to do with this part of the objective."""
        return bool(self.n_kinks or self.analytic or self.numeric)


@dataclass(frozen=True)
class GradientReport:
    """The result of :func:`check_gradient`; prints as a table.

    Parameters
    ----------
    checks : list of ArrayCheck
        One per parameter array and part of the objective.
    n_rows : int
        Rows of which the objective was made.
    """

    checks: list[ArrayCheck]
    n_rows: int

    @property
    def worst(self) -> float:
        """The largest relative error of all; NaN if nothing could be compared."""
        errors = [check.worst for check in self.checks if not math.isnan(check.worst)]
        return max(errors, default=math.nan)

    @property
    def verdict(self) -> str:
        """The verdict on the largest error."""
        return verdict(self.worst)

    @property
    def n_kinks(self) -> int:
        """Entries set aside, in all arrays."""
        return sum(check.n_kinks for check in self.checks)

    def raise_if_wrong(self, tolerance: float = 1e-4) -> GradientReport:
        """Raise GradientError, which names the array, if an error exceeds `tolerance`; else return the report.

        Parameters
        ----------
        tolerance : float, default=1e-4
            The default refuses what is "suspicious" too: kinks have been set aside.
        """
        failed = [check for check in self.checks if check.worst > tolerance]
        if failed:
            named = "; ".join(
                f"{check.array} ({check.part}): relative error {check.worst:.1e}, at {list(check.index)} the gradient "
                f"is {check.analytic:.6g}, the difference {check.numeric:.6g}"
                for check in failed
            )
            raise GradientError(f"The gradient is {self.verdict}: {named}.")
        return self

    def to_frame(self) -> Any:
        """Return a pandas DataFrame with a row per check."""
        return frame([{**asdict(check), "verdict": check.verdict} for check in self.checks])

    def __str__(self) -> str:
        header = ["array", "part", "checked", "kinks", "worst", "median", "verdict"]
        rows = [
            [c.array, c.part, f"{c.n_checked}", f"{c.n_kinks}", f"{c.worst:.0e}", f"{c.median:.0e}", c.verdict]
            for c in self.checks
        ]
        title = f"Gradient check on {self.n_rows} rows: {self.verdict} (largest relative error {self.worst:.1e})"
        return f"{title}\n{aligned(header, rows)}"

    __repr__ = __str__


def check_gradient(
    estimator: Any, X: Any, y: Any, sample_weight: Any = None, *, n_rows: int = 16, n_entries: int = 30, seed: int = 0
) -> GradientReport:
    """Compare the gradient that trains an estimator with centred differences of its objective.

    In float64, on the objective that `fit` would minimise, dropout masks held fixed, the mean loss and the penalty
    each by itself. Where a step crosses a kink the entry is tried again with shorter steps and, if that does not help,
    set aside and counted.

    Parameters
    ----------
    estimator : ActivationMLPClassifier, ActivationMLPRegressor or Pipeline
        Fitted, to be checked at its parameters, or not. It is not changed.
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
    network, X = unwrapped(estimator, X, y)
    rehearsal = Rehearsal(network, X, y, sample_weight, n_rows, seed)
    objective = rehearsal.objective()
    theta = objective.objective.parameters
    of_loss, of_penalty = _gradients(rehearsal)
    arrays, rng = named_arrays(rehearsal.network.layout), np.random.RandomState(seed)
    entries = {name: _sampled(of_loss, index, n_entries, rng) for name, index in arrays.items()}
    parts = [
        ("data loss", of_loss, Differences(objective.evaluate, theta)),
        ("penalty", of_penalty, Differences(objective.objective.penalty, theta)),
    ]
    checks = [
        _check(name, part, index, entries[name], gradient, differences)
        for part, gradient, differences in parts
        for name, index in arrays.items()
    ]
    return GradientReport([check for check in checks if check.part == "data loss" or check.concerns], objective.n_rows)


def _gradients(rehearsal: Rehearsal) -> tuple[Array, Array]:
    """Return the gradients of the mean loss and of the penalties, which together are that of the objective.

    Each comes from an objective without the other, because their difference would be lost where one of them is large;
    whatever is in the whole and in neither of them is counted with the loss.
    """
    whole = rehearsal.objective().gradient()
    of_loss, of_penalty = rehearsal.objective(alpha=0).gradient(), rehearsal.penalties().gradient()
    rest = whole - of_loss - of_penalty
    rounding = 1e-12 * (np.abs(of_loss) + np.abs(of_penalty))
    return of_loss + np.where(np.abs(rest) > rounding, rest, 0), of_penalty


def verdict(error: float) -> str:
    """Return the word for a relative error."""
    if math.isnan(error):
        return UNTESTED
    return next((word for bound, word in BANDS if error <= bound), "wrong")


def named_arrays(layout: Layout) -> dict[str, Array]:
    """Return the positions of each parameter array in the flat vector, an array of int in the array's shape."""
    positions = layout.views(np.arange(layout.size))
    lists = {"coefs_": positions.weights, "intercepts_": positions.biases, "slopes_": positions.learned}
    named = {f"{name}[{i}]": array for name, arrays in lists.items() for i, array in enumerate(arrays) if array.size}
    return named | {f"batch_norm scales[{i}]": array for i, array in enumerate(positions.scales)}


def _sampled(gradient: Array, index: Array, n_entries: int, rng: np.random.RandomState) -> Array:
    """Return positions within an array: the corners, those of the largest gradient, and some at random."""
    ranked = np.argsort(-np.abs(gradient[index.ravel()]), kind="stable")
    ends = np.array([0, index.size - 1])  # where loops go wrong
    order = np.concatenate([ends, ranked[: n_entries // 2], rng.permutation(index.size)])
    _, first = np.unique(order, return_index=True)
    return order[np.sort(first)][:n_entries]


def _check(name: str, part: str, index: Array, entries: Array, gradient: Array, differences: Differences) -> ArrayCheck:
    found = {entry: differences.at(index.flat[entry]) for entry in entries}
    smooth = {entry: each for entry, each in found.items() if each.smooth}
    errors = {entry: _error(gradient[index.flat[entry]], each) for entry, each in smooth.items()}
    if not errors:
        return ArrayCheck(name, part, 0, len(found), math.nan, math.nan, (), math.nan, math.nan)
    at = max(errors, key=lambda entry: (errors[entry], abs(gradient[index.flat[entry]])))
    place = tuple(int(i) for i in np.unravel_index(at, index.shape))
    return ArrayCheck(
        name,
        part,
        len(smooth),
        len(found) - len(smooth),
        errors[at],
        float(np.median(list(errors.values()))),
        place,
        float(gradient[index.flat[at]]),
        smooth[at].slope,
    )


def _error(analytic: float, difference: Difference) -> float:
    numeric = difference.slope
    return float(abs(analytic - numeric) / max(abs(analytic) + abs(numeric), difference.floor))
