"""Flattened images: all pixels of a channel share one mean and one variance, pooled from those of each pixel."""

from __future__ import annotations

from numbers import Integral
from typing import Any, Self

import numpy as np

from skneural.constraints import Interval, StrOptions
from skneural.preprocessing.mean_and_variance import FeatureMoments, divide_or_zero
from skneural.preprocessing.moments_transformer import MomentsTransformer, checked_moments
from skneural.saved_state import check_numbers, require


class ChannelMomentsTransformer(MomentsTransformer):
    """A transformer fitted to the mean and variance of each feature, or of each channel of flattened images.

    Subclasses have the parameters ``n_channels`` and ``data_format``.
    """

    _parameter_constraints: dict[str, list] = {
        "n_channels": [Interval(Integral, 1, None, closed="left"), None],
        "data_format": [StrOptions({"channels_last", "channels_first"})],
    }
    _fitted_names = MomentsTransformer._fitted_names | {"_fitted_pooling"}

    def _compute_moments(self, X, sample_weight: np.ndarray | None) -> FeatureMoments:
        moments = FeatureMoments.from_data(X, sample_weight)
        if self.n_channels is None:
            return moments
        if X.shape[1] % self.n_channels:
            raise ValueError(
                f"X has {X.shape[1]} features, which n_channels={self.n_channels} does not divide. "
                "Expected flattened images: height * width * n_channels features."
            )
        return checked_moments(pool_channels(moments, int(self.n_channels), self.data_format))

    def _set_moments(self, moments: FeatureMoments) -> None:
        self._fitted_pooling: dict[str, Any] = self._pooling_params()
        super()._set_moments(moments)

    def _get_moments(self) -> FeatureMoments:
        return FeatureMoments(**self._moments)

    def _pooling_params(self) -> dict[str, Any]:
        """The parameters that decide which features share statistics; ``data_format`` only with several channels."""
        has_format = self.n_channels is not None and self.n_channels > 1
        return {"n_channels": self.n_channels} | ({"data_format": self.data_format} if has_format else {})

    def _repeat_per_pixel(self, per_channel: np.ndarray) -> np.ndarray:
        """Values per channel, repeated for each of the channel's pixels; values per feature as they are."""
        n_pixels = self.n_features_in_ // len(per_channel)
        is_channels_first = self._fitted_pooling.get("data_format") == "channels_first"
        return np.repeat(per_channel, n_pixels) if is_channels_first else np.tile(per_channel, n_pixels)

    def _n_samples_seen(self, moments: FeatureMoments) -> np.ndarray | np.number:
        """Rows behind each feature's statistics, as one number if it is the same for all features."""
        n_pixels = self.n_features_in_ // len(moments.weight)
        n_seen = self._repeat_per_pixel(_weight_per_pixel(moments.weight, n_pixels))
        return n_seen[0] if (n_seen == n_seen[0]).all() else n_seen

    def _check_updatable(self) -> None:
        if (pooling := self._pooling_params()) != self._fitted_pooling:
            raise ValueError(
                f"Cannot continue: this {type(self).__name__} was fitted with {_format_params(self._fitted_pooling)}, "
                f"but now has {_format_params(pooling)}. Set the parameters back, or call fit to start anew."
            )

    def _check_mergeable(self, other: Self) -> None:
        super()._check_mergeable(other)
        pooling, other_pooling = self._fitted_pooling, other._fitted_pooling
        if pooling != other_pooling:
            raise ValueError(
                f"Cannot merge: {_format_params(pooling)} here and {_format_params(other_pooling)} in the other. "
                "Fit both with the same parameters."
            )

    def _restore_fitted_state(self) -> None:
        weight, n_features = self._get_moments().weight, self.n_features_in_
        n_channels = len(weight)
        require(
            n_channels and n_features % n_channels == 0,
            f"The moments must be those of {n_features} features, or of channels. Got {n_channels} instead.",
        )
        for name, values in self._moments.items():
            check_numbers(f"{name} of the moments", np.asarray(values, np.float64), weight.shape)
        for name in self._fitted_arrays():
            check_numbers(name, getattr(self, name), (n_features,), missing=self._repeat_per_pixel(weight == 0))
        n_expected = self._fitted_pooling["n_channels"] or n_features
        require(n_channels == n_expected, f"The moments must be those of {n_expected} channels. Got {n_channels}.")

    def _fitted_arrays(self) -> set[str]:
        """Names of the fitted attributes that are arrays, whatever the parameters are now."""
        return {"mean_"}


def _weight_per_pixel(channel_weight: np.ndarray, n_pixels: int) -> np.ndarray:
    is_integer = channel_weight.dtype.kind == "i" and not (channel_weight % n_pixels).any()
    return channel_weight // n_pixels if is_integer else channel_weight / n_pixels


def _format_params(parameters: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in parameters.items())


def pool_channels(moments: FeatureMoments, n_channels: int, data_format: str) -> FeatureMoments:
    """The moments of each channel of flattened images, all pixels of a channel taken as one variable.

    Parameters
    ----------
    moments : FeatureMoments
        Of each feature.
    n_channels : int
        Divides the number of features.
    data_format : {"channels_last", "channels_first"}
        Whether feature j is of channel ``j % n_channels``, or the channels follow one another.
    """
    weight, mean = (_pixels(values, n_channels, data_format) for values in (moments.weight, moments.mean))
    within_pixels = _pixels(moments.square_sum, n_channels, data_format).sum(axis=0)
    channel_weight, first_mean = weight.sum(axis=0), mean[0]
    mean_step = divide_or_zero((weight * (mean - first_mean)).sum(axis=0), channel_weight)
    between_pixels = (weight * (mean - first_mean - mean_step) ** 2).sum(axis=0)
    return FeatureMoments(channel_weight, first_mean + mean_step, within_pixels + between_pixels)


def _pixels(values: np.ndarray, n_channels: int, data_format: str) -> np.ndarray:
    """Values of features by pixel and channel: of shape (n_pixels, n_channels)."""
    return values.reshape(-1, n_channels) if data_format == "channels_last" else values.reshape(n_channels, -1).T
