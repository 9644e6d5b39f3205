"""What transformers have in common that treat each feature, or each channel of an image, on its own."""

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
from skneural.float_errors import ignore_float_errors, raise_on_overflow
from skneural.preprocessing.base import MomentsTransformer, checked_moments
from skneural.preprocessing.moments import FeatureMoments
from skneural.preprocessing.standardizing import inverse_standardize, standardize
from skneural.saved_state import check_numbers, require


class PerFeatureTransformer(OneToOneFeatureMixin, MomentsTransformer):
    """Centre and scale each feature by its own statistics, or all pixels of a channel by the channel's.

    Subclasses have the parameters below and say what to subtract and to divide by (`_mean_and_scale`).
    """

    _float_dtypes = (np.float64, np.float32, np.float16)
    _check_array_options: dict[str, Any] = {"ensure_all_finite": "allow-nan"}
    _parameter_constraints: dict[str, list] = {
        "copy": ["boolean"],
        "n_channels": [Interval(Integral, 1, None, closed="left"), None],
        "data_format": [StrOptions({"channels_last", "channels_first"})],
        "subsample": [Interval(Integral, 1, None, closed="left"), None],
        "random_state": ["random_state"],
    }
    _fitted_names = MomentsTransformer._fitted_names | {"_fitted_pooling"}

    @abstractmethod
    def _mean_and_scale(self) -> tuple[np.ndarray | None, np.ndarray | None]:
        """What `transform` subtracts, and what it divides by; None leaves a step out."""

    @ignore_float_errors
    def transform(self, X, copy=None):
        """Centre and scale X by the statistics of the training rows.

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
        X = validate_data(self, X, reset=False, dtype=self._float_dtypes, **self._check_array_options)
        mean, scale = self._mean_and_scale()
        with raise_on_overflow(self):
            if sparse.issparse(X):
                refuse_to_center_sparse(X, mean is not None)
                return _scale_sparse_features(X, None if scale is None else 1 / scale)
            return standardize(X, mean, scale, in_place=not self._should_copy(copy))

    @ignore_float_errors
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
        X = self._validate_transformed(X, self.n_features_in_)
        mean, scale = self._mean_and_scale()
        with raise_on_overflow(self):
            if sparse.issparse(X):
                refuse_to_center_sparse(X, mean is not None)
                return _scale_sparse_features(X, scale)
            return inverse_standardize(X, mean, scale, in_place=not self._should_copy(copy))

    def _should_copy(self, copy: bool | None) -> bool:
        return self.copy if copy is None else copy

    def _fit(self, X, sample_weight: np.ndarray | None) -> None:
        if self.subsample is not None:
            X, sample_weight = self._draw_subsample(X, sample_weight)
        super()._fit(X, sample_weight)

    def _draw_subsample(self, X, sample_weight: np.ndarray | None) -> tuple[Any, np.ndarray | None]:
        # Rows of weight zero do not count: a sample of such rows alone would have no mean.
        drawn_rows = np.arange(X.shape[0]) if sample_weight is None else np.flatnonzero(sample_weight)
        if self.subsample >= len(drawn_rows):
            return X, sample_weight
        random_state = check_random_state(self.random_state)
        drawn_rows = drawn_rows[
            np.sort(sample_without_replacement(len(drawn_rows), self.subsample, random_state=random_state))
        ]
        return X[drawn_rows], None if sample_weight is None else sample_weight[drawn_rows]

    def _compute_moments(self, X, sample_weight: np.ndarray | None) -> FeatureMoments:
        moments = FeatureMoments.from_data(X, sample_weight)
        if self.n_channels is None:
            return moments
        if X.shape[1] % self.n_channels:
            raise ValueError(
                f"X has {X.shape[1]} features, which n_channels={self.n_channels} does not divide. "
                "Expected flattened images: height * width * n_channels features."
            )
        return checked_moments(moments.pool_channels(int(self.n_channels), self.data_format))

    def _repeat_per_pixel(self, per_channel: np.ndarray) -> np.ndarray:
        """Values per channel, repeated for each of the channel's pixels; values per feature as they are."""
        n_pixels = self.n_features_in_ // len(per_channel)
        if self._fitted_pooling.get("data_format") == "channels_first":
            return np.repeat(per_channel, n_pixels)
        return np.tile(per_channel, n_pixels)

    def _n_samples_seen(self, moments: FeatureMoments) -> np.ndarray | np.number:
        """Rows behind each feature's statistics, as one number if it is the same for all features."""
        n_pixels = self.n_features_in_ // len(moments.weight)
        is_integer = moments.weight.dtype.kind == "i" and not (moments.weight % n_pixels).any()
        n_seen = self._repeat_per_pixel(moments.weight // n_pixels if is_integer else moments.weight / n_pixels)
        return n_seen[0] if (n_seen == n_seen[0]).all() else n_seen

    def _set_moments(self, moments: FeatureMoments) -> None:
        self._fitted_pooling: dict[str, Any] = self._pooling_params()
        super()._set_moments(moments)

    def _get_moments(self) -> FeatureMoments:
        return FeatureMoments(**self._moments)

    def _pooling_params(self) -> dict[str, Any]:
        """The parameters that decide which features share statistics; ``data_format`` only with several channels."""
        several = self.n_channels is not None and self.n_channels > 1
        return {"n_channels": self.n_channels} | ({"data_format": self.data_format} if several else {})

    def _restore_fitted_state(self) -> None:
        weight, n_features = self._get_moments().weight, self.n_features_in_
        require(
            len(weight) and n_features % len(weight) == 0,
            f"The moments must be those of {n_features} features, or of channels. Got {len(weight)} instead.",
        )
        for name, values in self._moments.items():
            check_numbers(f"{name} of the moments", np.asarray(values, np.float64), weight.shape)
        for name in self._fitted_arrays():
            check_numbers(name, getattr(self, name), (n_features,), missing=self._repeat_per_pixel(weight == 0))
        n_expected = self._fitted_pooling["n_channels"] or n_features
        require(len(weight) == n_expected, f"The moments must be those of {n_expected} channels. Got {len(weight)}.")

    def _fitted_arrays(self) -> set[str]:
        """Names of the fitted attributes that are arrays, whatever the parameters are now."""
        return {"mean_"}

    def _check_updatable(self) -> None:
        fitted, now = self._fitted_pooling, self._pooling_params()
        if fitted != now:
            raise ValueError(
                f"Cannot continue: this {type(self).__name__} was fitted with {_format_params(fitted)}, but now has "
                f"{_format_params(now)}. Set the parameters back, or call fit to start anew."
            )

    def _check_mergeable(self, other: Self) -> None:
        super()._check_mergeable(other)
        here, there = self._fitted_pooling, other._fitted_pooling
        if here != there:
            raise ValueError(
                f"Cannot merge: {_format_params(here)} here and {_format_params(there)} in the other. "
                "Fit both with the same parameters."
            )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _format_params(parameters: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in parameters.items())


def refuse_to_center_sparse(X: Any, with_mean: bool) -> None:
    """Raise ValueError if X is sparse and would be centred."""
    if with_mean and sparse.issparse(X):
        raise ValueError(
            "Got sparse X, but centring would fill it. Pass with_mean=False, or X.toarray() if the dense array "
            "fits into memory."
        )


def _scale_sparse_features(X, factor: np.ndarray | None):
    X = X.copy()
    if factor is not None:
        inplace_column_scale(X, factor)
    return X


def mean_or_nan(moments: FeatureMoments) -> np.ndarray:
    """The means, NaN for a feature without a value."""
    return np.where(moments.weight > 0, moments.mean, np.nan)
