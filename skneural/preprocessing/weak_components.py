"""Weak components of a table's numbers: what correlated numbers differ in, whitened to be as large as the numbers."""

from __future__ import annotations

import numpy as np

from skneural.preprocessing.clipping import SmoothClipper
from skneural.preprocessing.whitening import PCAWhitener

# Whitened components need so many rows, and so many per number: with fewer, weak directions are mostly chance.
MIN_ROWS, ROWS_PER_NUMBER = 400, 20
MAX_MISSING_SHARE = 0.2  # of the numbers that take part: only rows count in which all of them are present
MIN_STD = 0.01  # of one number at least, whose standard deviation is about 1 over all rows

# A component is weak if it has less than this share of the variance that it would have if its numbers were not
# correlated. With larger shares small tables became worse (docs/tabular.md).
WEAK = 0.2
MIN_LOADING = 0.1  # with which a number has a part in a component that counts


def fit_whitener(scaled: np.ndarray, component_variance: float) -> PCAWhitener | None:
    """What whitens scaled numbers; None if no weak components are wanted or found, or rows are too few for them.

    Parameters
    ----------
    scaled : ndarray of shape (n_rows, n_features), float32
        Scaled numbers, or NaN; only rows without NaN are used.
    component_variance : float in [0, 1)
        Share of the variance that is kept.
    """
    complete = scaled[~np.isnan(scaled).any(axis=1)]
    if component_variance == 0 or not _are_enough(complete):
        return None
    whitener = PCAWhitener(n_components=float(component_variance)).fit(complete)
    return whitener if len(weak_components(whitener)) else None


def _are_enough(complete: np.ndarray) -> bool:
    has_rows = len(complete) >= max(MIN_ROWS, ROWS_PER_NUMBER * complete.shape[1])
    return has_rows and complete.std(axis=0, dtype=np.float64).max(initial=0) >= MIN_STD


def weak_components(whitener: PCAWhitener) -> np.ndarray:
    """The indices of those components that are weak because their numbers are correlated.

    They are what these numbers differ in, which is hard to see in the numbers themselves.
    """
    variances, shares = whitener.explained_variance_, whitener.components_.astype(np.float64) ** 2
    number_variances = variances @ shares
    return np.flatnonzero(variances < WEAK * (shares @ number_variances))


def makes_components(whitener: object, n_features: int) -> bool:
    """Whether an object, of a saved state, is what `fit_whitener` returns for so many features."""
    if type(whitener) is not PCAWhitener or whitener.method != "pca" or not whitener.whiten:
        return False
    return whitener.n_features_in_ == n_features and len(weak_components(whitener)) > 0


def numbers_of_components(whitener: PCAWhitener) -> np.ndarray:
    """Which numbers have a part in which weak component: bools of shape (n_features, n_weak_components)."""
    return np.abs(whitener.components_[weak_components(whitener)].T) > MIN_LOADING


def encode_weak_components(whitener: PCAWhitener, scaled: np.ndarray, limit: float) -> np.ndarray:
    """The weak components, whitened and clipped smoothly; 0 where a number that has a part in it is missing.

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
    missing = np.isnan(scaled)
    components = whitener.transform(np.where(missing, 0.0, scaled))[:, weak_components(whitener)]
    components = SmoothClipper(limit=limit).transform(components).astype(np.float32)
    if missing.any():
        components[missing.astype(np.float32) @ numbers_of_components(whitener) > 0] = 0.0
    return components
