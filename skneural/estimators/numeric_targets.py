"""Targets as users store them: what counts as numbers, and what is refused before it would be taken for numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Array = NDArray[Any]


def numeric_targets(y: Any) -> Any:
    """Return targets of a regressor, as an array of float64 if they are neither numbers nor booleans already.

    Parameters
    ----------
    y : array-like or sparse matrix
        Text that spells numbers, and objects such as Decimal, are converted.

    Raises
    ------
    TypeError
        If they are dates, durations, or objects without a value as a number.
    ValueError
        If some are missing, or are text that spells no number.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.estimators.numeric_targets import numeric_targets
    >>> numeric_targets(np.array(["2020-01-01", "2020-03-01"], dtype="datetime64[D]"))
    Traceback (most recent call last):
        ...
    TypeError: y must hold numbers. Got dates (datetime64[D]); choose an origin and a unit, for instance
    (y - y.min()) / np.timedelta64(1, 'D').
    """
    values = as_array(y)
    if values is None or values.dtype.kind in "biufc":
        return y
    if values.dtype.kind == "M":
        raise TypeError(
            f"y must hold numbers. Got dates ({values.dtype}); choose an origin and a unit, for instance "
            "(y - y.min()) / np.timedelta64(1, 'D')."
        )
    if values.dtype.kind == "m":
        raise TypeError(
            f"y must hold numbers. Got durations ({values.dtype}); choose a unit, for instance "
            "y / np.timedelta64(1, 's')."
        )
    refuse_missing(values)
    numbers = np.empty(values.shape)
    for index, value in np.ndenumerate(values):
        numbers[index] = _as_number(value.item() if isinstance(value, np.generic) else value, index[0])
    return numbers


def _as_number(value: Any, row: int) -> float:
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        kind = type(error)
        raise kind(
            f"y must hold numbers. Got {value!r} of type {type(value).__name__} in row {row}; convert it to a number, "
            "or use a classifier if these are labels."
        ) from error


def refuse_missing(values: Array) -> None:
    """Raise ValueError if None, NaN, NaT or pandas' NA is among objects, dates or durations.

    Parameters
    ----------
    values : ndarray
    """
    if values.dtype.kind in "Mm":
        missing = np.isnat(values)
    elif values.dtype.kind == "O":
        missing = np.frompyfunc(_is_missing, 1, 1)(values).astype(bool)
    else:
        return
    if missing.any():
        row = int(np.argwhere(missing)[0, 0])
        raise ValueError(
            f"y has missing values: {values[missing].ravel()[0]!r} in row {row}, {np.count_nonzero(missing)} in all. "
            "Leave these rows out, or give them a value of their own."
        )


def _is_missing(value: Any) -> bool:
    if value is None or type(value).__name__ in ("NAType", "NaTType"):  # pandas', which need not be installed
        return True
    return isinstance(value, float | np.floating | np.datetime64 | np.timedelta64) and bool(value != value)


def as_array(y: Any) -> Array | None:
    """Return y as an array; None if it is sparse, or no array of rows, which later checks report.

    Parameters
    ----------
    y : array-like or sparse matrix

    Raises
    ------
    ValueError
        If it is a masked array with masked entries: nothing else here knows of masks.
    """
    if sparse.issparse(y):
        return None
    if np.ma.is_masked(y):
        raise ValueError(
            f"y has {np.ma.count_masked(y)} masked entries. Leave their rows out: y[~y.mask], and the same rows of X."
        )
    try:
        values = np.asarray(y)
    except (TypeError, ValueError):  # ragged lists
        return None
    return values if values.ndim else None
