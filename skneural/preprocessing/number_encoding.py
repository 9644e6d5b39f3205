"""How a table's numbers are scaled and decorrelated."""

from __future__ import annotations

import numpy as np

from skneural.preprocessing.clipping import SmoothClipper, clip_outliers
from skneural.preprocessing.scaling import StdScaler
from skneural.preprocessing.whitening import PCAWhitener

# For whitened components: with fewer rows, weak directions are mostly chance (docs/tabular.md).
MIN_ROWS, ROWS_PER_NUMBER = 400, 20

# Of the mean variance of the numbers: weaker components are hard to see in the numbers themselves. Stronger ones made
# small tables worse (docs/tabular.md).
WEAK = 0.2


def fit_scaler(X: np.ndarray, labels: list[str]) -> StdScaler:
    """A scaler of numbers, fitted without their far outliers; a ValueError names the column whose squares overflow.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features), float64
        Finite numbers, or NaN; at least one number in each column.
    labels : list of str
        What messages call the columns.
    """
    bounded = clip_outliers(X)
    try:
        return StdScaler().fit(bounded)
    except ValueError as error:
        largest = np.nanmax(np.abs(bounded), axis=0)
        raise ValueError(
            f"{labels[np.argmax(largest)]} of X holds numbers up to {largest.max():.3g}, whose squares overflow "
            "float64. Expected values below about 1e150: divide the column by a constant first."
        ) from error


def fit_whitener(scaled: np.ndarray, component_variance: float) -> PCAWhitener | None:
    """What whitens scaled numbers; None if no weak components are wanted or found, or rows are too few for them.

    Parameters
    ----------
    scaled : ndarray of shape (n_rows, n_features), float32
        Scaled numbers, or NaN; rows without NaN count.
    component_variance : float in [0, 1)
        Share of the variance that is kept.
    """
    complete = scaled[~np.isnan(scaled).any(axis=1)]
    has_rows = len(complete) >= max(MIN_ROWS, ROWS_PER_NUMBER * complete.shape[1])
    if component_variance == 0 or not has_rows or not np.ptp(complete, axis=0).any():
        return None
    whitener = PCAWhitener(n_components=float(component_variance)).fit(complete)
    return whitener if len(weak_components(whitener)) else None


def weak_components(whitener: PCAWhitener) -> np.ndarray:
    """The indices of those components whose variance is far below the mean of the numbers'.

    They are what correlated numbers differ in: the numbers hide them.
    """
    return np.flatnonzero(whitener.explained_variance_ratio_ < WEAK / whitener.n_features_in_)


def encode_weak_components(whitener: PCAWhitener, scaled: np.ndarray, limit: float) -> np.ndarray:
    """The weak components, whitened and clipped smoothly; 0 in rows where a number is missing.

    There, the mean in the place of the number would be far from what the correlated numbers of the row say.

    Parameters
    ----------
    whitener : PCAWhitener
    scaled : ndarray of shape (n_rows, n_features), float32
        Scaled numbers, or NaN.
    limit : float
        Of the clipping.

    Returns
    -------
    ndarray of shape (n_rows, n_weak_components), float32
    """
    components = whitener.transform(np.nan_to_num(scaled))[:, weak_components(whitener)]
    components = SmoothClipper(limit=limit).transform(components)
    components[np.isnan(scaled).any(axis=1)] = 0.0
    return components
