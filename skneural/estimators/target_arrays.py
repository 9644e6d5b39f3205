"""Targets `y` as users store them, to arrays: what counts as numbers, and what is missing, masked or no number."""

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
    >>> from skneural.estimators.target_arrays import numeric_targets
    >>> numeric_targets(np.array(["2020-01-01", "2020-03-01"], dtype="datetime64[D]"))
    Traceback (most recent call last):
        ...
    TypeError: y must hold numbers. Got dates (datetime64[D]); choose an origin and a unit, for instance
    (y - y.min()) / np.timedelta64(1, 'D').
    """
    targets = target_array(y)
    if targets is None or targets.dtype.kind in "biufc":
        return y
    _refuse_temporal_targets(targets)
    refuse_missing_targets(targets)
    numbers = np.empty(targets.shape)
    for index, target in np.ndenumerate(targets):
        numbers[index] = _as_number(target.item() if isinstance(target, np.generic) else target, index[0])
    return numbers


def _refuse_temporal_targets(targets: Array) -> None:
    """Raise TypeError for dates and durations, which NumPy would convert to numbers of their unit."""
    if targets.dtype.kind == "M":
        raise TypeError(
            f"y must hold numbers. Got dates ({targets.dtype}); choose an origin and a unit, for instance "
            "(y - y.min()) / np.timedelta64(1, 'D')."
        )
    if targets.dtype.kind == "m":
        raise TypeError(
            f"y must hold numbers. Got durations ({targets.dtype}); choose a unit, for instance "
            "y / np.timedelta64(1, 's')."
        )


def _as_number(target: Any, row: int) -> float:
    try:
        return float(target)
    except (TypeError, ValueError) as error:
        raise type(error)(
            f"y must hold numbers. Got {target!r} of type {type(target).__name__} in row {row}; convert it to a "
            "number, or use a classifier if these are labels."
        ) from error


def refuse_missing_targets(targets: Array) -> None:
    """Raise ValueError if None, NaN, NaT or pandas' NA is among objects, dates or durations.

    Parameters
    ----------
    targets : ndarray
    """
    is_missing = _where_missing(targets)
    if is_missing.any():
        missing_row = int(np.argwhere(is_missing)[0, 0])
        raise ValueError(
            f"y has missing values: {targets[is_missing].ravel()[0]!r} in row {missing_row}, {is_missing.sum()} in "
            "all. Leave these rows out, or give them a value of their own."
        )


def _where_missing(targets: Array) -> Array:
    if targets.dtype.kind in "Mm":
        return np.isnat(targets)
    if targets.dtype.kind == "O":
        return np.frompyfunc(_is_missing, 1, 1)(targets).astype(bool)
    return np.zeros(targets.shape, dtype=bool)


def _is_missing(target: Any) -> bool:
    if target is None or type(target).__name__ in ("NAType", "NaTType"):  # pandas', which need not be installed
        return True
    return isinstance(target, float | np.floating | np.datetime64 | np.timedelta64) and bool(target != target)


def target_array(y: Any) -> Array | None:
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
        targets = np.asarray(y)
    except (TypeError, ValueError):  # ragged lists
        return None
    return targets if targets.ndim else None
