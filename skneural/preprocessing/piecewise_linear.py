"""Piecewise-linear encoding of numbers between their quantiles, so that a network can bend at each of them."""

from __future__ import annotations

from numbers import Integral
from typing import Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from skneural._sklearn_compat import _check_feature_names_in, _fit_context, validate_data
from skneural.constraints import Interval
from skneural.saved_state import SavedStateMixin, check_numbers, require, unchanged_on_error


class PiecewiseLinearEncoder(SavedStateMixin, TransformerMixin, BaseEstimator):
    """Append to few features ramps between their quantiles, so that a network can bend at each of them.

    With the distinct quantiles b₀ < ... < b_m of a feature, ramp t is (x − b_{t−1}) / (b_t − b_{t−1}), clipped to
    [0, 1] and centred on the training rows. The features themselves stay in front, unchanged. Data of too many
    features, or of too few rows for so many bins, pass through as they are.

    Parameters
    ----------
    n_bins : int in [2, inf), default=16
        Bins of equal numbers of rows; ramps per feature, if its quantiles are distinct.
    max_columns : int in [0, inf), default=256
        The most ramps in all: data of more than max_columns / n_bins features get none.
    min_rows : int in [1, inf), default=100
        The fewest rows per bin: less than n_bins · min_rows training rows get no ramps.

    Attributes
    ----------
    edges_ : list of ndarray
        The distinct quantiles of each feature; of fewer than two bins, none.
    offsets_ : ndarray of shape (n_ramps,), float64
        Mean of each ramp on the training rows.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Only if X had column names that are all strings.

    Notes
    -----
    Source: Gorishniy, Rubachev and Babenko 2022, :arxiv:`2203.05556`, section 3.2.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.preprocessing.piecewise_linear import PiecewiseLinearEncoder
    >>> X = np.array([[0.0], [1.0], [2.0], [3.0], [10.0]])
    >>> PiecewiseLinearEncoder(n_bins=2, min_rows=1).fit_transform(X)
    array([[ 0.  , -0.7 , -0.225],
           [ 1.  , -0.2 , -0.225],
           [ 2.  ,  0.3 , -0.225],
           [ 3.  ,  0.3 , -0.1  ],
           [10.  ,  0.3 ,  0.775]])
    """

    _parameter_constraints: dict[str, list] = {
        "n_bins": [Interval(Integral, 2, None, closed="left")],
        "max_columns": [Interval(Integral, 0, None, closed="left")],
        "min_rows": [Interval(Integral, 1, None, closed="left")],
    }
    _fitted_names = frozenset({"n_features_in_", "feature_names_in_", "edges_", "offsets_"})

    def __init__(self, *, n_bins=16, max_columns=256, min_rows=100):
        self.n_bins = n_bins
        self.max_columns = max_columns
        self.min_rows = min_rows

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None) -> Self:
        """Learn the quantiles.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training rows.
        y : None
            Ignored; there for the conventions of scikit-learn.

        Returns
        -------
        self
            The fitted transformer.
        """
        with unchanged_on_error(self):
            X = validate_data(self, X, dtype=(np.float64, np.float32))
            fits = X.shape[1] * self.n_bins <= self.max_columns and len(X) >= self.n_bins * self.min_rows
            levels = np.linspace(0, 1, self.n_bins + 1) if fits else None
            self.edges_ = [np.empty(0) if levels is None else _edges(np.quantile(x, levels)) for x in X.T]
            self.offsets_ = np.zeros(sum(map(_n_ramps, self.edges_)))
            self.offsets_ = self._ramps(X).mean(axis=0, dtype=np.float64)
        return self

    def transform(self, X) -> np.ndarray:
        """Append the ramps.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows of the features seen in `fit`.

        Returns
        -------
        X_new : ndarray of shape (n_samples, n_features + n_ramps)
            Of the dtype of X if that is float32 or float64, else float64.
        """
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=(np.float64, np.float32))
        return np.hstack([X, self._ramps(X)])

    def get_feature_names_out(self, input_features=None) -> np.ndarray:
        """Return the names of the features, then those of their ramps, such as ``x0_ramp3``.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the features; None means those seen in `fit`, else x0, x1, ...

        Returns
        -------
        names : ndarray of shape (n_features + n_ramps,)
            Strings, one per column of what `transform` returns.
        """
        check_is_fitted(self)
        names = _check_feature_names_in(self, input_features)
        ramps = [f"{name}_ramp{t}" for name, e in zip(names, self.edges_, strict=True) for t in range(_n_ramps(e))]
        return np.array([*names, *ramps], dtype=object)

    def _restore_fitted_state(self) -> None:
        require(
            len(self.edges_) == self.n_features_in_,
            f"edges_ must be {self.n_features_in_} arrays. Got {len(self.edges_)} instead.",
        )
        for edges in self.edges_:
            check_numbers("edges_", edges, (len(edges),))
            require((np.diff(edges) > 0).all(), f"edges_ must ascend. Got {edges} instead.")
        check_numbers("offsets_", self.offsets_, (sum(map(_n_ramps, self.edges_)),))

    def _ramps(self, X: np.ndarray) -> np.ndarray:
        out = np.empty((len(X), len(self.offsets_)), dtype=X.dtype)
        start = 0
        for x, edges in zip(X.T, self.edges_, strict=True):
            stop = start + _n_ramps(edges)
            low, high = edges[:-1].astype(X.dtype), edges[1:].astype(X.dtype)
            # Clipped before it is divided: what lies far outside must not overflow.
            inside = np.clip(x[:, None], low, high)
            out[:, start:stop] = (inside - low) / np.maximum(high - low, np.finfo(X.dtype).tiny)
            start = stop
        out -= self.offsets_.astype(X.dtype)
        return out

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _edges(quantiles: np.ndarray) -> np.ndarray:
    """Distinct quantiles; none where they make fewer than two bins, which would only repeat the feature."""
    distinct = np.unique(quantiles)
    return distinct if len(distinct) > 2 else np.empty(0)


def _n_ramps(edges: np.ndarray) -> int:
    return max(len(edges) - 1, 0)
