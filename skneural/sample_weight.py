"""Sample weights: checked to be one for each row, finite, not negative and not all zero; scaled to a largest of 1."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skneural._sklearn_compat import _check_sample_weight

Array = NDArray[Any]


def check_sample_weight(sample_weight: Any, X: Any, name: str = "sample_weight") -> Array | None:
    """Return the weights in float64; None if there are none.

    Parameters
    ----------
    sample_weight : array-like of shape (n_rows,) or None
    X : {ndarray, CSR array or matrix} of shape (n_rows, n_features)
    name : str, default="sample_weight"
        What the message calls them.

    Raises
    ------
    ValueError
        If there is not one for each row, if one is negative or not finite, or if all are zero.
    """
    if sample_weight is None:
        return None
    checked_weight = finite_sample_weight(sample_weight, X, ensure_non_negative=True)
    refuse_zero_weights(checked_weight, name)
    return checked_weight


def finite_sample_weight(sample_weight: Any, X: Any, *, ensure_non_negative: bool = False) -> Array:
    """Return a finite weight for each row, in float64; a single number is the weight of all rows."""
    row_weights = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=ensure_non_negative)
    if not np.isfinite(row_weights).all():  # scikit-learn does not check a scalar
        raise ValueError(f"sample_weight must be finite. Got {sample_weight!r}.")
    return row_weights


def refuse_zero_weights(sample_weight: Array, name: str) -> None:
    """Raise ValueError if no row has a positive weight."""
    if not (sample_weight > 0).any():
        raise ValueError(f"{name} is zero for every row. Expected at least one positive weight.")


def scale_sample_weight(sample_weight: Array | None, name: str = "sample_weight") -> Array | None:
    """Return weights of which the largest is 1: only ratios count, and then no sum overflows.

    Parameters
    ----------
    sample_weight : ndarray of shape (n_rows,) or None
        Finite and not negative.
    name : str, default="sample_weight"
        What the message calls them.

    Raises
    ------
    ValueError
        If all weights are zero.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.sample_weight import scale_sample_weight
    >>> scale_sample_weight(np.array([0.0, 1.0, 4.0]))
    array([0.  , 0.25, 1.  ])
    """
    if sample_weight is None:
        return None
    refuse_zero_weights(sample_weight, name)
    with np.errstate(over="ignore"):  # NumPy before 2 warns where weights are divided by a subnormal one
        return sample_weight / sample_weight.max()
