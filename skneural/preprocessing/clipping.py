"""Clip values smoothly at a bound, so that no outlier dominates."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Real
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin

from skneural._sklearn_compat import _fit_context, validate_data
from skneural.constraints import Interval
from skneural.float_errors import ignore_float_errors
from skneural.saved_state import SavedStateMixin, unchanged_on_error

# Of the range of the middle half of the rows, on both sides of the median: 13 standard deviations of a normal feature.
OUTLIER_FENCE = 10.0


class SmoothClipper(SavedStateMixin, OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Squash each value into (-limit, limit) by x / √(1 + (x / limit)²).

    Small values hardly change, large ones approach the limit and keep their order: the outliers of a scaled feature
    lose their leverage, but not their rank. The bound is not fitted to the data; put a scaler in front.

    Parameters
    ----------
    limit : float in (0, inf), default=3.0
        The bound.

    Attributes
    ----------
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Only if X had column names that are all strings.

    See Also
    --------
    StdScaler : Centres and scales; a constant feature becomes zero, and stays zero here.

    Notes
    -----
    Source: Holzmüller, Grinsztajn and Steinwart 2024, :arxiv:`2407.04491`, section 3, there behind median
    and quartiles. Computed as limit · x / hypot(x, limit), which does not overflow. NaN stay NaN.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.preprocessing.clipping import SmoothClipper
    >>> SmoothClipper().fit_transform(np.array([[0.1], [1.0], [4.0], [-1e300]])).round(3).ravel()
    array([ 0.1  ,  0.949,  2.4  , -3.   ])
    """

    _parameter_constraints: dict[str, list] = {"limit": [Interval(Real, 0, None, closed="neither")]}
    _fitted_names = frozenset({"n_features_in_", "feature_names_in_"})

    def __init__(self, *, limit=3.0):
        self.limit = limit

    @_fit_context(prefer_skip_nested_validation=True)
    @ignore_float_errors
    def fit(self, X, y=None) -> Self:
        """Validate the input and store the number and names of its features.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training rows.
        y : None
            Ignored; there for the conventions of scikit-learn.

        Returns
        -------
        self
            The transformer.
        """
        with unchanged_on_error(self):
            self._validate_input(X, reset=True)
        return self

    @ignore_float_errors
    def transform(self, X) -> np.ndarray:
        """Clip X smoothly.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows of the features seen in `fit`.

        Returns
        -------
        X_new : ndarray of shape (n_samples, n_features)
            Of the dtype of X if that is float32 or float64, else float64.
        """
        X = self._validate_input(X, reset=False)
        half_limit = self._half_limit(X.dtype)
        clipped = X / 2  # the hypotenuse of halves does not overflow
        np.hypot(clipped, half_limit, out=clipped)
        np.divide(X, clipped, out=clipped)
        clipped *= half_limit
        return clipped

    def _half_limit(self, dtype: np.dtype) -> np.floating:
        limits = np.finfo(dtype)
        return dtype.type(np.clip(self.limit, limits.tiny, limits.max) / 2)

    def _validate_input(self, X, reset: bool) -> Any:
        return validate_data(self, X, reset=reset, dtype=(np.float64, np.float32), ensure_all_finite="allow-nan")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.requires_fit = False
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def clip_outliers(X: np.ndarray, quantile: Callable[..., np.ndarray] = np.quantile) -> np.ndarray:
    """X with the values of each feature bounded to where its bulk lies, so that its standard deviation is the bulk's.

    The bounds are ten times the range of the middle half of the rows away from the median; where that is zero, of the
    range from the first to the last hundredth; where that is zero too, there are none. NaN stay.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features), floating
    quantile : callable, default=numpy.quantile
        ``quantile(x, probabilities)`` returns the quantiles of the values of a feature that are not NaN.

    Returns
    -------
    ndarray of shape (n_rows, n_features)

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.preprocessing.clipping import clip_outliers
    >>> clip_outliers(np.array([[1.0], [2.0], [3.0], [4.0], [1e6]])).ravel()
    array([ 1.,  2.,  3.,  4., 23.])
    """
    with np.errstate(over="ignore"):  # bounds beyond the largest number are none
        lower_bounds, upper_bounds = np.array([_outlier_bounds(x[~np.isnan(x)], quantile) for x in X.T]).T
        return np.clip(X, lower_bounds, upper_bounds)


def _outlier_bounds(x: np.ndarray, quantile: Callable[..., np.ndarray]) -> tuple[float, float]:
    if not len(x):
        return -np.inf, np.inf
    # Of halves, so that no difference overflows.
    first, quarter, median, three_quarters, last = quantile(x / 2, [0.01, 0.25, 0.5, 0.75, 0.99])
    spread = three_quarters - quarter or last - first or np.inf
    return 2 * (median - OUTLIER_FENCE * spread), 2 * (median + OUTLIER_FENCE * spread)
