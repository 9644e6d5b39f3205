"""What transformers that treat each feature (or each channel of an image) on its own do alike."""

from __future__ import annotations

from abc import abstractmethod
from numbers import Integral
from typing import Any, Self

import numpy as np
from scipy import sparse
from sklearn.base import OneToOneFeatureMixin
from sklearn.utils import check_random_state
from sklearn.utils.random import sample_without_replacement
from sklearn.utils.sparsefuncs import inplace_column_scale
from sklearn.utils.validation import check_is_fitted

from skneural._sklearn_compat import validate_data
from skneural.constraints import Interval, StrOptions
from skneural.preprocessing.base import MomentsTransformer, combined, overflow_refused
from skneural.preprocessing.moments import FeatureMoments
from skneural.preprocessing.standardizing import restored, standardised
from skneural.saved_state import check_numbers, require


class PerFeatureTransformer(OneToOneFeatureMixin, MomentsTransformer):
    """Shift and scale each feature by its own statistics, or all pixels of a channel by the channel's.

    Subclasses have the parameters below and say by what to shift and scale (`_shift_and_scale`).
    """

    _float_dtypes = (np.float64, np.float32, np.float16)
    _accepted: dict[str, Any] = {"ensure_all_finite": "allow-nan"}
    _parameter_constraints: dict[str, list] = {
        "copy": ["boolean"],
        "n_channels": [Interval(Integral, 1, None, closed="left"), None],
        "data_format": [StrOptions({"channels_last", "channels_first"})],
        "subsample": [Interval(Integral, 1, None, closed="left"), None],
        "random_state": ["random_state"],
    }
    _fitted_names = MomentsTransformer._fitted_names | {"_pooled_by"}

    @abstractmethod
    def _shift_and_scale(self) -> tuple[np.ndarray | None, np.ndarray | None]:
        """What transform subtracts and by what it then divides; None for neither."""

    def transform(self, X, copy=None):
        """Apply the learned statistics to X; rows of X never change them.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            NaN stay NaN.
        copy : bool, default=None
            False writes into X where that is possible: a writeable array of float64, float32 or float16.
            None means the parameter ``copy``.

        Returns
        -------
        X_new : array of shape (n_samples, n_features)
            Of the dtype of X if that is floating, else float64.
        """
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=self._float_dtypes, **self._accepted)
        shift, scale = self._shift_and_scale()
        with overflow_refused(self):
            if sparse.issparse(X):
                refuse_centred_sparse(X, shift is not None)
                return _column_scaled(X, None if scale is None else 1 / scale)
            return standardised(X, shift, scale, in_place=not self._copies(copy))

    def inverse_transform(self, X, copy=None):
        """Undo `transform`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            What `transform` returned.
        copy : bool, default=None
            As in `transform`.

        Returns
        -------
        X_original : array of shape (n_samples, n_features)
            Of the dtype of X if that is floating, else float64.
        """
        check_is_fitted(self)
        X = self._check_transformed(X, self.n_features_in_)
        shift, scale = self._shift_and_scale()
        with overflow_refused(self):
            if sparse.issparse(X):
                refuse_centred_sparse(X, shift is not None)
                return _column_scaled(X, scale)
            return restored(X, shift, scale, in_place=not self._copies(copy))

    def _copies(self, copy: bool | None) -> bool:
        return self.copy if copy is None else copy

    def _compute_statistics(self, X, sample_weight: np.ndarray | None) -> FeatureMoments:
        if self.subsample is None:
            return self._compute_chunk_statistics(X, sample_weight)
        # A row of weight zero is no row: a sample of such rows alone would teach nothing.
        rows = np.arange(X.shape[0]) if sample_weight is None else np.flatnonzero(sample_weight)
        if self.subsample < len(rows):
            random_state = check_random_state(self.random_state)
            rows = rows[np.sort(sample_without_replacement(len(rows), self.subsample, random_state=random_state))]
            return self._compute_chunk_statistics(X[rows], None if sample_weight is None else sample_weight[rows])
        return self._compute_chunk_statistics(X, sample_weight)

    def _compute_chunk_statistics(self, X, sample_weight: np.ndarray | None) -> FeatureMoments:
        moments = FeatureMoments.of(X, sample_weight)
        if self.n_channels is None:
            return moments
        if X.shape[1] % self.n_channels:
            raise ValueError(
                f"X has {X.shape[1]} features, which n_channels={self.n_channels} does not divide. "
                "Expected flattened images: height * width * n_channels features."
            )
        return combined(moments.pooled, int(self.n_channels), interleaved=self.data_format == "channels_last")

    def _per_feature(self, values: np.ndarray) -> np.ndarray:
        """Values per channel, repeated for each of the channel's pixels; values per feature as they are."""
        n_pixels = self.n_features_in_ // len(values)
        if self._pooled_by.get("data_format") == "channels_first":
            return np.repeat(values, n_pixels)
        return np.tile(values, n_pixels)

    def _rows_seen(self, moments: FeatureMoments) -> np.ndarray | np.number:
        """Rows behind each feature's statistics, as one number if it is the same for all features."""
        n_pixels = self.n_features_in_ // len(moments.weight)
        whole = moments.weight.dtype.kind == "i" and not (moments.weight % n_pixels).any()
        seen = self._per_feature(moments.weight // n_pixels if whole else moments.weight / n_pixels)
        return seen[0] if (seen == seen[0]).all() else seen

    def _update(self, moments: FeatureMoments) -> None:
        self._pooled_by: dict[str, Any] = self._pooling()
        super()._update(moments)

    def _learned(self) -> FeatureMoments:
        return FeatureMoments(**self._moments)

    def _pooling(self) -> dict[str, Any]:
        """The parameters that say which features share their statistics; without several channels no format does."""
        several = self.n_channels is not None and self.n_channels > 1
        return {"n_channels": self.n_channels} | ({"data_format": self.data_format} if several else {})

    def _restore_fitted_state(self) -> None:
        weight, n_features = self._learned().weight, self.n_features_in_
        require(
            len(weight) and n_features % len(weight) == 0,
            f"The moments must be those of {n_features} features, or of channels. Got {len(weight)} instead.",
        )
        for name, values in self._moments.items():
            check_numbers(f"{name} of the moments", np.asarray(values, np.float64), weight.shape)
        for name in self._statistics():
            check_numbers(name, getattr(self, name), (n_features,), missing=self._per_feature(weight == 0))
        n_expected = self._pooled_by["n_channels"] or n_features
        require(len(weight) == n_expected, f"The moments must be those of {n_expected} channels. Got {len(weight)}.")

    def _statistics(self) -> set[str]:
        """Names of the arrays that were learned, whatever the parameters have become since."""
        return {"mean_"}

    def _check_resumable(self) -> None:
        if self._pooling() != self._pooled_by:
            raise ValueError(
                f"Cannot go on: this {type(self).__name__} was fitted with {_described(self._pooled_by)}, but now has "
                f"{_described(self._pooling())}. Set the parameters back, or call fit to forget what was learned."
            )

    def _check_mergeable(self, other: Self) -> None:
        super()._check_mergeable(other)
        if self._pooled_by != other._pooled_by:
            raise ValueError(
                f"Cannot merge: {_described(self._pooled_by)} here and {_described(other._pooled_by)} in the other. "
                "Fit both with the same parameters."
            )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _described(parameters: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in parameters.items())


def refuse_centred_sparse(X: Any, centred: bool) -> None:
    """Raise ValueError if X is sparse and would be centred."""
    if centred and sparse.issparse(X):
        raise ValueError(
            "Got sparse X, but centring would fill it. Pass with_mean=False, or X.toarray() if the dense array "
            "fits into memory."
        )


def _column_scaled(X, factor: np.ndarray | None):
    X = X.copy()
    if factor is not None:
        inplace_column_scale(X, factor)
    return X


def mean_or_nan(moments: FeatureMoments) -> np.ndarray:
    """The means, NaN for a feature without a value."""
    return np.where(moments.weight > 0, moments.mean, np.nan)
