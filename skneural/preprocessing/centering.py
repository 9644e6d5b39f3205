"""Subtract the mean of each feature, or of each channel of an image."""

from __future__ import annotations

import numpy as np

from skneural.preprocessing.moments import FeatureMoments
from skneural.preprocessing.per_feature import PerFeatureTransformer, mean_or_nan


class MeanCenterer(PerFeatureTransformer):
    """Subtract the training mean of each feature (the mean image), or of each channel.

    z = x − μ, with μ the weighted mean of the training rows, computed in float64.

    Parameters
    ----------
    copy : bool, default=True
        False lets `transform` write into its input where that is possible.
    n_channels : int or None, default=None
        None takes one mean per feature. Otherwise rows are flattened images of ``n_channels`` channels and
        all pixels of a channel share one mean; 1 takes one mean for everything.
    data_format : {"channels_last", "channels_first"}, default="channels_last"
        How an image was flattened: the channels of a pixel next to each other, or one channel's pixels
        after the other's.
    subsample : int or None, default=None
        If given, `fit` estimates the mean from that many rows, drawn without replacement. `partial_fit`
        uses every row that it is given.
    random_state : int, RandomState instance or None, default=None
        Draws the sample.

    Attributes
    ----------
    mean_ : ndarray of shape (`n_features_in_`,), float64
        Mean of each feature; with channels, each channel's mean repeated for its pixels. NaN for a feature
        without a value.
    n_samples_seen_ : int, float or ndarray of shape (`n_features_in_`,)
        Rows behind the mean, or sum of their weights; an array if features have different numbers of values.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Only if X had column names that are all strings.

    See Also
    --------
    StdScaler : Divides by the standard deviation as well.

    Notes
    -----
    NaN are ignored in `fit` and kept in `transform`. Sparse input is an error, since centring would make it dense.

    With a mean far from zero, a float32 input loses digits twice in the usual ``X - X.mean(axis=0)``: in the
    accumulation and in rounding the mean. Here both are done in double precision and the result is rounded
    once, to the dtype of the input.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.preprocessing import MeanCenterer
    >>> X = np.array([[0.0, 10.0], [2.0, 30.0]])
    >>> MeanCenterer().fit_transform(X)
    array([[ -1., -10.],
           [  1.,  10.]])

    Two images of two pixels and two channels, one mean per channel:

    >>> images = np.array([[1, 10, 3, 30], [5, 50, 7, 70]])
    >>> MeanCenterer(n_channels=2).fit(images).mean_
    array([ 4., 40.,  4., 40.])

    Merge the statistics of two parts:

    >>> MeanCenterer().fit(X[:1]).merge(MeanCenterer().fit(X[1:])).mean_
    array([ 1., 20.])
    """

    def __init__(
        self,
        *,
        copy=True,
        n_channels=None,
        data_format="channels_last",
        subsample=None,
        random_state=None,
    ):
        self.copy = copy
        self.n_channels = n_channels
        self.data_format = data_format
        self.subsample = subsample
        self.random_state = random_state

    def _set_fitted(self, moments: FeatureMoments) -> None:
        self.mean_ = self._repeat_per_pixel(mean_or_nan(moments))
        self.n_samples_seen_ = self._n_samples_seen(moments)

    def _mean_and_scale(self) -> tuple[np.ndarray, None]:
        return self.mean_, None
