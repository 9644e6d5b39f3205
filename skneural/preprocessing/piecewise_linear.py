"""Piecewise-linear encoding: one column per bin between the quantiles of a feature."""

from __future__ import annotations

from numbers import Integral
from typing import Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from skneural._sklearn_compat import _check_feature_names_in, _fit_context, validate_data
from skneural.constraints import Interval
from skneural.float_errors import ignore_float_errors
from skneural.preprocessing.bin_edges import count_bins, dominant_value, drop_missing, finer_edges, quantile_edges
from skneural.saved_state import SavedStateMixin, check_numbers, require, unchanged_on_error

# Where most rows have one value, the others are few, and often tell much (docs/tabular.md).
MOST_BINS_OF_OTHERS = 4  # times n_bins
# The finer bins of such features are nearly constant, as columns of rare levels are: in a table, so many of them count
# in full. More of them count as much as these together, but no less than other bins.
FINER_BINS_IN_FULL = 64


class PiecewiseLinearEncoder(SavedStateMixin, TransformerMixin, BaseEstimator):
    """Append the piecewise-linear encoding of each feature, one column per bin between its quantiles.

    With the quantiles b₀ < ... < b_m of a feature, the column of bin t is (x − b_{t−1}) / (b_t − b_{t−1}),
    clipped to [0, 1] and centred on the training rows. A linear function of these columns can bend at each quantile.
    The features themselves come first, unchanged. If there are too many features, or too few rows for so many bins,
    nothing is appended. NaN are ignored in `fit` and stay NaN in all columns of their feature.

    Parameters
    ----------
    n_bins : int in [2, inf), default=16
        Bins per feature, with equal numbers of rows. Where quantiles coincide, because many rows have one value, the
        bins have equal numbers of different values instead; fewer bins if there are not so many values. A feature that
        is one value in more than half of the rows, such as an amount that is mostly 0, gets more bins, of equal
        numbers of the other rows: up to four times as many, and one for ten of these rows at most. That value and its
        two neighbours are edges too, so that bins beside it can have fewer rows.
    max_columns : int in [0, inf), default=256
        Nothing is appended if n_features · n_bins exceeds this number. Features that are mostly one value get more
        bins as far as it allows.
    min_rows : int in [1, inf), default=100
        Rows needed per bin: nothing is appended for a feature with fewer than n_bins · min_rows values. The finer bins
        of features that are mostly one value need ten of the other rows each.

    Attributes
    ----------
    bin_edges_ : list of ndarray
        For each feature the edges of its bins, or an empty array if nothing is appended for it: with fewer than two
        bins, the encoding would repeat the feature.
    encoding_mean_ : ndarray of shape (n_encoded,), float64
        Mean of each appended column on the training rows, before it is subtracted.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Only if X had column names that are all strings.

    Notes
    -----
    Source: Y. Gorishniy, I. Rubachev, A. Babenko, "On Embeddings for Numerical Features in Tabular Deep Learning",
    2022, :arxiv:`2203.05556`, section 3.2; there without centring.

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
    _fitted_names = frozenset({"n_features_in_", "feature_names_in_", "bin_edges_", "encoding_mean_"})

    def __init__(self, *, n_bins=16, max_columns=256, min_rows=100):
        self.n_bins = n_bins
        self.max_columns = max_columns
        self.min_rows = min_rows

    @_fit_context(prefer_skip_nested_validation=True)
    @ignore_float_errors
    def fit(self, X, y=None) -> Self:
        """Compute the quantiles.

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
            X = self._validate_input(X, reset=True)
            n_bins = int(self.n_bins) if X.shape[1] * self.n_bins <= self.max_columns else 0
            self.bin_edges_ = [quantile_edges(x, n_bins, self.min_rows) for x in X.T]
            self._refine_edges(X, n_bins)
            bin_means = [_bin_means(x, edges) for x, edges in zip(X.T, self.bin_edges_, strict=True)]
            self.encoding_mean_ = np.concatenate([np.empty(0), *bin_means])
        return self

    @ignore_float_errors
    def transform(self, X) -> np.ndarray:
        """Append the encoding.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows of the features seen in `fit`.

        Returns
        -------
        X_new : ndarray of shape (n_samples, n_features + n_encoded)
            Of the dtype of X if that is float32 or float64, else float64.
        """
        check_is_fitted(self)
        X = self._validate_input(X, reset=False)
        return np.hstack([X, self._encode_bins(X)])

    def get_feature_names_out(self, input_features=None) -> np.ndarray:
        """Return the names of the features, then those of their bins, such as ``x0_bin3``.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the features; None means those seen in `fit`, else x0, x1, ...

        Returns
        -------
        names : ndarray of shape (n_features + n_encoded,)
            Strings, one per column of what `transform` returns.
        """
        check_is_fitted(self)
        names = _check_feature_names_in(self, input_features)
        bins = [(name, t) for name, edges in zip(names, self.bin_edges_, strict=True) for t in range(count_bins(edges))]
        return np.array([*names, *(f"{name}_bin{t}" for name, t in bins)], dtype=object)

    def _restore_fitted_state(self) -> None:
        require(
            len(self.bin_edges_) == self.n_features_in_,
            f"bin_edges_ must be {self.n_features_in_} arrays. Got {len(self.bin_edges_)} instead.",
        )
        for edges in self.bin_edges_:
            check_numbers("bin_edges_", edges, (len(edges),))
            require((np.diff(edges) > 0).all(), f"bin_edges_ must ascend. Got {edges} instead.")
        check_numbers("encoding_mean_", self.encoding_mean_, (sum(map(count_bins, self.bin_edges_)),))

    def _validate_input(self, X, reset: bool) -> np.ndarray:
        return validate_data(self, X, reset=reset, dtype=(np.float64, np.float32), ensure_all_finite="allow-nan")

    def _refine_edges(self, X: np.ndarray, n_bins: int) -> None:
        """Give features that are mostly one value more bins, each as many as `max_columns` leaves for it."""
        values = self._dominant_values(X, n_bins)
        if not values:
            return
        n_left = self.max_columns - sum(map(count_bins, self.bin_edges_)) + n_bins * len(values)
        # The value and its neighbours add three edges.
        most_bins = min(MOST_BINS_OF_OTHERS * n_bins, n_left // len(values) - 3)
        for j, value in values.items():
            self.bin_edges_[j] = finer_edges(X[:, j], value, self.bin_edges_[j], most_bins)

    def _dominant_values(self, X: np.ndarray, n_bins: int) -> dict[int, float]:
        """The value of more than half of the rows, for features that have one and all of their bins."""
        has_all_bins = np.flatnonzero([len(edges) > n_bins > 0 for edges in self.bin_edges_])
        return {j: value for j in has_all_bins.tolist() if not np.isnan(value := dominant_value(X[:, j]))}

    def _encode_bins(self, X: np.ndarray) -> np.ndarray:
        """The columns of all bins, of shape (n_samples, n_encoded)."""
        out = np.empty((len(X), len(self.encoding_mean_)), dtype=X.dtype)
        encoding_mean = self.encoding_mean_.astype(X.dtype)[:, np.newaxis]
        first_bins = np.cumsum([0, *map(count_bins, self.bin_edges_)])
        for x, edges, first_bin in zip(X.T, self.bin_edges_, first_bins[:-1], strict=True):
            bins = slice(first_bin, first_bin + count_bins(edges))
            np.subtract(_encode(x, edges), encoding_mean[bins], out=out.T[bins])
        return out

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _encode(x: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """The columns of one feature's bins, not centred, as rows: of shape (n_bins, n_samples)."""
    lower_edges, upper_edges = edges[:-1, np.newaxis].astype(x.dtype), edges[1:, np.newaxis].astype(x.dtype)
    # Clipped before the division, so that values far outside do not overflow; halved, so that no bin does.
    encoded = np.clip(np.ascontiguousarray(x), lower_edges, upper_edges)
    encoded /= 2
    encoded -= lower_edges / 2
    encoded /= np.maximum(upper_edges / 2 - lower_edges / 2, np.finfo(x.dtype).tiny)
    return encoded


def _bin_means(x: np.ndarray, edges: np.ndarray) -> np.ndarray:
    return _encode(drop_missing(x), edges).mean(axis=1, dtype=np.float64) if len(edges) else np.empty(0)


def bin_factors(encoder: PiecewiseLinearEncoder, least: float) -> np.ndarray:
    """What the columns of bins are multiplied by in a table: ``least``, or more for few finer bins."""
    n_bins = np.array([count_bins(edges) for edges in encoder.bin_edges_])
    is_finer = n_bins > encoder.n_bins
    share = FINER_BINS_IN_FULL / max(n_bins[is_finer].sum(), FINER_BINS_IN_FULL)
    return np.where(is_finer, max(np.sqrt(share), least), least).repeat(n_bins)
