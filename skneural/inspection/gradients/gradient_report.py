"""The result of a gradient check: a relative error and a verdict for each parameter array."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from skneural.inspection.text_tables import data_frame, format_or_dash, text_table

# The largest relative error for each verdict; a larger one is "wrong".
VERDICT_LIMITS = [(1e-7, "good"), (1e-4, "acceptable"), (1e-2, "suspicious")]


CHECK_TABLE_HEADER = ["array", "part", "checked", "kinks", "flat", "max error", "median error", "verdict"]


class GradientError(AssertionError):
    """A gradient disagrees with centred differences of the objective, or no entry could be compared.

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
    """Return the verdict on a relative error; NaN, where nothing was compared, is "untested".

    Examples
    --------
    >>> from skneural.inspection.gradients.gradient_report import verdict
    >>> verdict(1e-9), verdict(1e-6), verdict(1e-3), verdict(1.0)
    ('good', 'acceptable', 'suspicious', 'wrong')
    """
    if math.isnan(error):
        return "untested"
    return next((word for limit, word in VERDICT_LIMITS if error <= limit), "wrong")


@dataclass(frozen=True)
class ArrayCheck:
    """The check of one parameter array.

    Parameters
    ----------
    array : str
        Name of the array, such as "coefs_[0]".
    part : {"data loss", "penalty"}
        Part of the objective.
    n_checked : int
        Number of entries compared.
    n_kinks : int
        Number of entries left out because the objective has a kink there.
    n_flat : int
        Number of entries left out because gradient and difference are both zero, or too small to be told from
        rounding errors of the objective.
    max_error, median_error : float
        Largest and median relative error ``|a - n| / max(|a| + |n|, floor)`` of the compared entries, where a is the
        gradient and n the centred difference. The floor keeps rounding errors out. NaN if no entry was compared.
    index : tuple of int
        Place of the largest error in the array.
    analytic, numeric : float
        The gradient and the centred difference at that place.

    Examples
    --------
    >>> from skneural.inspection import ArrayCheck
    >>> check = ArrayCheck("coefs_[0]", "data loss", n_checked=30, n_kinks=0, n_flat=0, max_error=2e-8)
    >>> check.verdict
    'good'
    """

    array: str
    part: str
    n_checked: int
    n_kinks: int
    n_flat: int
    max_error: float = math.nan
    median_error: float = math.nan
    index: tuple[int, ...] = ()
    analytic: float = math.nan
    numeric: float = math.nan

    @property
    def verdict(self) -> str:
        """One of "good" (error up to 1e-7), "acceptable" (1e-4), "suspicious" (1e-2), "wrong", or "untested"."""
        return verdict(self.max_error)


@dataclass(frozen=True)
class GradientReport:
    """The result of :func:`skneural.inspection.check_gradient`. Print it to see a table.

    Parameters
    ----------
    checks : list of ArrayCheck
        One for the mean loss of each parameter array, then one for the penalty of each penalised array.
    n_rows : int
        Number of rows in the objective.

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
    def max_error(self) -> float:
        """The largest relative error of all arrays; NaN if no entry could be compared."""
        return max((check.max_error for check in self.checks if check.n_checked), default=math.nan)

    @property
    def verdict(self) -> str:
        """The verdict on the largest relative error."""
        return verdict(self.max_error)

    @property
    def n_kinks(self) -> int:
        """Number of entries left out because of a kink, in all arrays."""
        return sum(check.n_kinks for check in self.checks)

    def raise_if_wrong(self, tolerance: float = 1e-4) -> GradientReport:
        """Raise an error if the gradient is wrong, and return the report otherwise. Use it in your tests.

        Parameters
        ----------
        tolerance : float, default=1e-4
            Largest relative error allowed. The default also refuses "suspicious" errors, because entries at kinks are
            left out.

        Returns
        -------
        report : GradientReport
            This report.

        Raises
        ------
        GradientError
            If an error is larger (the message names the arrays), or if no entry could be compared.
        """
        failed = [check for check in self.checks if check.max_error > tolerance]
        if failed:
            raise GradientError(f"The gradient is {self.verdict}: {'; '.join(map(_describe_error, failed))}.")
        if self.verdict == "untested":
            raise GradientError(f"No entry of the gradient could be compared: all are flat or at kinks.\n{self}")
        return self

    def to_frame(self) -> Any:
        """Return a pandas DataFrame with one row per check."""
        return data_frame([{**asdict(check), "verdict": check.verdict} for check in self.checks])

    def __str__(self) -> str:
        table = text_table(CHECK_TABLE_HEADER, [_check_table_row(check) for check in self.checks])
        error = f" (largest relative error {self.max_error:.1e})" if self.verdict != "untested" else ""
        return f"Gradient check on {self.n_rows} rows: {self.verdict}{error}\n{table}"

    __repr__ = __str__


def _describe_error(check: ArrayCheck) -> str:
    error = f"{check.array} ({check.part}): relative error {check.max_error:.1e}"
    gradient = f"the gradient is {check.analytic:.6g}, the centred difference {check.numeric:.6g}"
    return f"{error}, at {list(check.index)} {gradient}"


def _check_table_row(check: ArrayCheck) -> list[str]:
    counts = [str(count) for count in (check.n_checked, check.n_kinks, check.n_flat)]
    return [check.array, check.part, *counts, *format_errors(check), check.verdict]


def format_errors(check: ArrayCheck) -> list[str]:
    """Return the largest and the median relative error as text."""
    return [format_or_dash(error, ".0e") for error in (check.max_error, check.median_error)]
