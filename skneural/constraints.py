"""Constraints on parameters: intervals and options, for estimators and components.

They have the constructors and methods of scikit-learn's private classes of the same names, which this module does not
import; ``_sklearn_compat`` registers them with scikit-learn, so that its own validation accepts them too.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction
from numbers import Integral, Real
from typing import Any

import numpy as np


class Interval:
    """The interval in which a number must lie; ``None`` means no bound on that side.

    Parameters
    ----------
    type : {Real, Integral}
        The type that is required. Booleans and fractions are refused.
    left, right : float or None
        The bounds; without a bound infinity is still excluded.
    closed : {"both", "left", "right", "neither"}
        Which bounds belong to the interval.

    Examples
    --------
    >>> from numbers import Real
    >>> from skneural.constraints import Interval
    >>> Interval(Real, 0, 1, closed="left").is_satisfied_by(0.5)
    True
    >>> print(Interval(Real, 0, None, closed="neither"))
    a float in the range (0.0, inf)
    """

    hidden = False  # scikit-learn leaves hidden constraints out of its messages

    def __init__(self, type: type, left: float | None, right: float | None, *, closed: str):
        self.type, self.left, self.right, self.closed = type, left, right, closed

    def is_satisfied_by(self, val: object) -> bool:
        """Return whether `val` is a number of the right kind inside the interval; NaN never is."""
        if not isinstance(val, self.type) or isinstance(val, bool | Fraction) or val != val:
            return False
        left_closed, right_closed = self.closed in ("both", "left"), self.closed in ("both", "right")
        left, right = (-math.inf if self.left is None else self.left), (math.inf if self.right is None else self.right)
        above = val > left or (left_closed and val == self.left)  # type: ignore[operator]
        below = val < right or (right_closed and val == self.right)  # type: ignore[operator]
        return bool(above and below)

    def __str__(self) -> str:
        noun, number = ("an int", int) if self.type is Integral else ("a float", float)
        left = "[" if self.closed in ("both", "left") and self.left is not None else "("
        right = "]" if self.closed in ("both", "right") and self.right is not None else ")"
        low = "-inf" if self.left is None else number(self.left)
        high = "inf" if self.right is None else number(self.right)
        return f"{noun} in the range {left}{low}, {high}{right}"


class Options:
    """The values among which a parameter must be.

    Parameters
    ----------
    type : type
        The type of all options; values of other types are refused.
    options : iterable
        The allowed values.

    Examples
    --------
    >>> from skneural.constraints import Options
    >>> Options(int, {1, 2}).is_satisfied_by(2.0)
    False
    """

    hidden = False

    def __init__(self, type: type, options: Iterable[Any]):
        self.type, self.options = type, set(options)
        self.deprecated: set[Any] = set()  # read by scikit-learn

    def is_satisfied_by(self, val: object) -> bool:
        """Return whether `val` is one of the options."""
        return isinstance(val, self.type) and val in self.options

    def __str__(self) -> str:
        return f"one of {', '.join(sorted(map(repr, self.options)))}"


class StrOptions(Options):
    """The strings among which a parameter must be.

    Parameters
    ----------
    options : iterable of str
        The allowed strings.

    Examples
    --------
    >>> from skneural.constraints import StrOptions
    >>> print(StrOptions({"fan_in", "fan_avg"}))
    one of 'fan_avg', 'fan_in'
    """

    def __init__(self, options: Iterable[str]):
        super().__init__(str, options)


Constraint = Interval | Options | str | None

# Constraints that several classes share.
POSITIVE = Interval(Real, 0, None, closed="neither")
NON_NEGATIVE = Interval(Real, 0, None, closed="left")
FRACTION_BELOW_ONE = Interval(Real, 0, 1, closed="left")
FRACTION = Interval(Real, 0, 1, closed="both")
POSITIVE_INT = Interval(Integral, 1, None, closed="left")


def satisfies(value: object, constraint: Constraint) -> bool:
    """Return whether a value satisfies a constraint, in scikit-learn's grammar of constraints.

    Parameters
    ----------
    value : object
        The value of the parameter.
    constraint : Interval, Options, str or None
        ``None`` allows only None, "boolean" only True and False, Python's or NumPy's.

    Returns
    -------
    satisfied : bool
        Whether `value` is allowed.

    Examples
    --------
    >>> from skneural.constraints import POSITIVE, satisfies
    >>> satisfies(None, None), satisfies(1, "boolean"), satisfies(1, POSITIVE)
    (True, False, True)
    """
    if constraint is None:
        return value is None
    if constraint == "boolean":
        return isinstance(value, bool | np.bool_)
    assert not isinstance(constraint, str), f"{constraint!r} is no constraint"
    return constraint.is_satisfied_by(value)


def describe(constraints: Iterable[Constraint]) -> str:
    """Return the constraints in words, joined by "or".

    Parameters
    ----------
    constraints : iterable of Interval, Options, str or None
        As in :func:`satisfies`.

    Returns
    -------
    words : str
        The end of a sentence that begins with "must be".

    Examples
    --------
    >>> from skneural.constraints import POSITIVE, describe
    >>> describe([POSITIVE, None])
    'a float in the range (0.0, inf) or None'
    """
    return " or ".join("a bool" if each == "boolean" else str(each) for each in constraints)
