"""Quantiles of weighted values: integer weights equal repeated rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def lower_weighted_quantile(y: Array, probability: float, sample_weight: Array) -> float:
    """Return the smallest value below or at which lies this part of the weight. NumPy calls it the inverted CDF.

    Parameters
    ----------
    y : ndarray of shape (n_rows,)
    probability : float
        Between 0 and 1, both excluded.
    sample_weight : ndarray of shape (n_rows,)
        Weights that are not negative.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.weighted_quantiles import lower_weighted_quantile
    >>> lower_weighted_quantile(np.array([3.0, 1.0, 2.0]), 0.5, np.array([2.0, 1.0, 1.0]))
    2.0
    """
    sorted_y, cumulated_weight = _sorted_with_cumulated_weight(y, sample_weight)
    return float(sorted_y[np.searchsorted(cumulated_weight, probability * cumulated_weight[-1])])


def weighted_quantiles(y: Array, probabilities: Array, sample_weight: Array) -> Array:
    """Return quantiles that depend on the weight of each value only: integer weights equal repeated rows.

    Where the cumulated weight of the sorted values equals the probability, the quantile is the mean of two neighbours,
    so that the quantiles of -y mirror those of y. NumPy calls this the averaged inverted CDF.

    Parameters
    ----------
    y : ndarray of shape (n_rows,)
    probabilities : array-like of shape (n_quantiles,)
        Between 0 and 1, both excluded.
    sample_weight : ndarray of shape (n_rows,)
        Positive weights.

    Returns
    -------
    ndarray of shape (n_quantiles,)

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.weighted_quantiles import weighted_quantiles
    >>> weighted_quantiles(np.array([3.0, 1.0, 2.0]), [0.25, 0.5], np.array([2.0, 1.0, 1.0]))
    array([1.5, 2.5])
    """
    sorted_y, cumulated_weight = _sorted_with_cumulated_weight(y, sample_weight)
    cumulated_weight /= cumulated_weight[-1]
    rounding = 1e-9  # of the sums
    lower, upper = np.searchsorted(cumulated_weight, np.add.outer([-rounding, rounding], probabilities))
    quantiles: Array = (sorted_y[lower] + sorted_y[upper]) / 2
    return quantiles


def _sorted_with_cumulated_weight(y: Array, sample_weight: Array) -> tuple[Array, Array]:
    """Return the values in ascending order, and the weight of all up to each."""
    order = np.argsort(y)
    return y[order], np.cumsum(sample_weight[order])
