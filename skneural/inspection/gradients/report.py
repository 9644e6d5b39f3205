"""What a gradient check came to: a verdict for each parameter array."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from skneural.inspection.table import aligned, frame

# The usual bands of the relative error; above the last it is "wrong".
BANDS = [(1e-7, "good"), (1e-4, "acceptable"), (1e-2, "suspicious")]


class GradientError(AssertionError):
    """A gradient does not agree with differences of the function, or nothing could be compared.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_iris
    >>> from skneural import Activation, ActivationMLPClassifier
    >>> from skneural.inspection import GradientError, check_gradient
    >>> class Square(Activation):
    ...     def forward(self, Z, out=None):
    ...         return np.multiply(Z, Z, out=out)
    ...
    ...     def backward(self, dA, Z, A, out=None):
    ...         return np.multiply(dA, Z, out=out)  # the 2 is missing
    >>> model = ActivationMLPClassifier((8,), Square(), random_state=0)
    >>> try:
    ...     check_gradient(model, *load_iris(return_X_y=True)).raise_if_wrong()
    ... except GradientError as error:
    ...     print(str(error).split(",")[0])
    The gradient is wrong: coefs_[0] (data loss): relative error 3.3e-01
    """


def verdict(error: float) -> str:
    """Return the word for a relative error; NaN, where nothing was compared, is "untested".

    Examples
    --------
    >>> from skneural.inspection.gradients.report import verdict
    >>> verdict(1e-9), verdict(1e-6), verdict(1e-3), verdict(1.0)
    ('good', 'acceptable', 'suspicious', 'wrong')
    """
    if math.isnan(error):
        return "untested"
    return next((word for bound, word in BANDS if error <= bound), "wrong")


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
        Entries set aside because the function has a kink there.
    n_flat : int
        Entries set aside because gradient and difference are both zero, or lost in the rounding of the function.
    worst, median : float
        Relative error ``|a - n| / max(|a| + |n|, floor)`` of the entries compared, a the gradient, n the difference,
        the floor set by the rounding; NaN if there are none.
    index : tuple of int
        Where in the array the error is largest.
    analytic, numeric : float
        The gradient and the difference there.

    Examples
    --------
    >>> from skneural.inspection import ArrayCheck
    >>> check = ArrayCheck("coefs_[0]", "data loss", n_checked=30, n_kinks=0, n_flat=0, worst=2e-8)
    >>> check.verdict
    'good'
    """

    array: str
    part: str
    n_checked: int
    n_kinks: int
    n_flat: int
    worst: float = math.nan
    median: float = math.nan
    index: tuple[int, ...] = ()
    analytic: float = math.nan
    numeric: float = math.nan

    @property
    def verdict(self) -> str:
        """One of "good" (error up to 1e-7), "acceptable" (1e-4), "suspicious" (1e-2), "wrong", or "untested"."""
        return verdict(self.worst)


@dataclass(frozen=True)
class GradientReport:
    """The result of :func:`skneural.inspection.check_gradient`; prints as a table.

    Parameters
    ----------
    checks : list of ArrayCheck
        One per parameter array for the mean loss, then one per array that is penalised for the penalty.
    n_rows : int
        Rows of which the objective was made.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skneural import ActivationMLPClassifier
    >>> from skneural.inspection import check_gradient
    >>> model = ActivationMLPClassifier((8,), "prelu", alpha=0.1, random_state=0)
    >>> report = check_gradient(model, *load_iris(return_X_y=True)).raise_if_wrong()
    >>> [check.array for check in report.checks if check.part == "penalty"]
    ['coefs_[0]', 'coefs_[1]']
    """

    checks: list[ArrayCheck]
    n_rows: int

    @property
    def worst(self) -> float:
        """The largest relative error of all; NaN if nothing could be compared."""
        return max((check.worst for check in self.checks if check.n_checked), default=math.nan)

    @property
    def verdict(self) -> str:
        """The verdict on the largest error."""
        return verdict(self.worst)

    @property
    def n_kinks(self) -> int:
        """Entries set aside because of a kink, in all arrays."""
        return sum(check.n_kinks for check in self.checks)

    def raise_if_wrong(self, tolerance: float = 1e-4) -> GradientReport:
        """Return the report if it is well, for use in tests.

        Parameters
        ----------
        tolerance : float, default=1e-4
            Largest relative error. The default refuses what is "suspicious" too, since kinks have been set aside.

        Returns
        -------
        report : GradientReport
            This one.

        Raises
        ------
        GradientError
            If an error is larger, with the names of the arrays, or if nothing at all could be compared.
        """
        failed = [check for check in self.checks if check.worst > tolerance]
        if failed:
            named = "; ".join(
                f"{check.array} ({check.part}): relative error {check.worst:.1e}, at {list(check.index)} the gradient "
                f"is {check.analytic:.6g}, the difference {check.numeric:.6g}"
                for check in failed
            )
            raise GradientError(f"The gradient is {self.verdict}: {named}.")
        if self.verdict == "untested":
            raise GradientError(f"No entry of the gradient could be compared: all are flat, or at kinks.\n{self}")
        return self

    def to_frame(self) -> Any:
        """Return a pandas DataFrame with a row per check."""
        return frame([{**asdict(check), "verdict": check.verdict} for check in self.checks])

    def __str__(self) -> str:
        header = ["array", "part", "checked", "kinks", "flat", "worst", "median", "verdict"]
        table = aligned(header, [_cells(check) for check in self.checks])
        error = f" (largest relative error {self.worst:.1e})" if self.verdict != "untested" else ""
        return f"Gradient check on {self.n_rows} rows: {self.verdict}{error}\n{table}"

    __repr__ = __str__


def _cells(check: ArrayCheck) -> list[str]:
    counts = [str(count) for count in (check.n_checked, check.n_kinks, check.n_flat)]
    errors = ["-" if math.isnan(error) else f"{error:.0e}" for error in (check.worst, check.median)]
    return [check.array, check.part, *counts, *errors, check.verdict]
