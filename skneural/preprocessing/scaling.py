"""Centre each feature and divide it by its standard deviation."""

from __future__ import annotations

from typing import Any

import numpy as np

from skneural.preprocessing.moments import FeatureMoments
from skneural.preprocessing.per_feature import PerFeatureTransformer, mean_or_nan, refuse_to_center_sparse
from skneural.saved_state import require


class StdScaler(PerFeatureTransformer):
    """Subtract the training mean of each feature, or channel, and divide by its standard deviation.

    z = (x − μ) / σ, with σ² the weighted mean of (x − μ)² over the training rows (ddof 0), computed in
    float64.

    Parameters
    ----------
    copy : bool, default=True
        False lets `transform` write into its input where that is possible.
    with_mean : bool, default=True
        Whether to subtract the mean. Sparse input needs False.
    with_std : bool, default=True
        Whether to divide by the standard deviation.
    n_channels : int or None, default=None
        None treats each feature on its own. Otherwise rows are flattened images of ``n_channels`` channels
        and all pixels of a channel share one mean and one standard deviation.
    data_format : {"channels_last", "channels_first"}, default="channels_last"
        How an image was flattened: the channels of a pixel next to each other, or one channel's pixels
        after the other's.
    subsample : int or None, default=None
        If given, `fit` estimates the statistics from that many rows, drawn without replacement.
        `partial_fit` uses every row that it is given.
    random_state : int, RandomState instance or None, default=None
        Draws the sample.

    Attributes
    ----------
    mean_ : ndarray of shape (`n_features_in_`,), float64, or None
        None if neither ``with_mean`` nor ``with_std``.
    var_ : ndarray of shape (`n_features_in_`,), float64, or None
        Variances; None without ``with_std``.
    scale_ : ndarray of shape (`n_features_in_`,), float64, or None
        What transform divides by: the standard deviation, or 1 for a near-constant feature. None without
        ``with_std``.
    n_samples_seen_ : int, float or ndarray of shape (`n_features_in_`,)
        Rows behind the statistics, or sum of their weights; an array if features have different numbers of
        values.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Only if X had column names that are all strings.

    See Also
    --------
    sklearn.preprocessing.StandardScaler : The same statistics, less exact in single precision.
    PCAWhitener : Removes correlations as well.

    Notes
    -----
    A feature counts as near-constant if its variance is not above the rounding error of computing it from n
    values, n ε σ² + (n ε μ)² with ε = 2⁻⁵²: the bound of Chan, Golub and LeVeque (1983), and the rule of
    `sklearn.preprocessing.StandardScaler`.

    NaN are ignored in `fit` and kept in `transform`. A feature without any value has mean and scale NaN.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.preprocessing import StdScaler
    >>> X = np.array([[0.0, 10.0], [2.0, 30.0]])
    >>> scaler = StdScaler().fit(X)
    >>> scaler.mean_, scaler.scale_
    (array([ 1., 20.]), array([ 1., 10.]))
    >>> scaler.transform([[3.0, 40.0]])
    array([[2., 2.]])
    >>> int(scaler.partial_fit([[4.0, 20.0]]).n_samples_seen_)
    3
    """

    _parameter_constraints = {
        **PerFeatureTransformer._parameter_constraints,
        "with_mean": ["boolean"],
        "with_std": ["boolean"],
    }
    _check_array_options: dict[str, Any] = {"ensure_all_finite": "allow-nan", "accept_sparse": ("csr", "csc")}
    _fitted_names = PerFeatureTransformer._fitted_names | {"var_", "scale_"}

    def __init__(
        self,
        *,
        copy=True,
        with_mean=True,
        with_std=True,
        n_channels=None,
        data_format="channels_last",
        subsample=None,
        random_state=None,
    ):
        self.copy = copy
        self.with_mean = with_mean
        self.with_std = with_std
        self.n_channels = n_channels
        self.data_format = data_format
        self.subsample = subsample
        self.random_state = random_state

    def _compute_moments(self, X, sample_weight: np.ndarray | None) -> FeatureMoments:
        refuse_to_center_sparse(X, self.with_mean)
        return super()._compute_moments(X, sample_weight)

    def _set_fitted(self, moments: FeatureMoments) -> None:
        self.n_samples_seen_ = self._n_samples_seen(moments)
        self.mean_ = self.var_ = self.scale_ = None
        if self.with_mean or self.with_std:
            self.mean_ = self._repeat_per_pixel(mean_or_nan(moments))
        if self.with_std:
            variances = moments.square_sum / np.where(moments.weight > 0, moments.weight, np.nan)
            self.var_ = self._repeat_per_pixel(variances)
            self.scale_ = self._repeat_per_pixel(_scale(variances, moments))

    def _mean_and_scale(self) -> tuple[np.ndarray | None, np.ndarray | None]:
        return self._fitted_or_none("mean_", "with_mean"), self._fitted_or_none("scale_", "with_std")

    def _fitted_or_none(self, name: str, parameter: str) -> np.ndarray | None:
        values: np.ndarray | None = getattr(self, name)
        if not getattr(self, parameter):
            return None
        if values is None:
            raise ValueError(
                f"Got {parameter}=True, but this StdScaler has no {name}, since it was fitted with {parameter}=False. "
                f"Fit it again, or set {parameter}=False."
            )
        return values

    def _restore_fitted_state(self) -> None:
        super()._restore_fitted_state()
        require(self.scale_ is None or not (self.scale_ <= 0).any(), "scale_ must be > 0. Got zero or less.")

    def _fitted_arrays(self) -> set[str]:
        if self.var_ is not None or self.scale_ is not None:
            return {"mean_", "var_", "scale_"}
        return set() if self.mean_ is None else {"mean_"}

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = not self.with_mean
        return tags


def _scale(variances: np.ndarray, moments: FeatureMoments) -> np.ndarray:
    """Standard deviations, 1 where the variance is within rounding error of zero."""
    eps = np.finfo(np.float64).eps
    # The weight counts rows, but a large weight is not so many rows: hence the upper bound.
    relative_std_error = np.minimum(moments.weight * eps, np.sqrt(eps))
    std = np.sqrt(variances)
    # By its root, since squares might overflow.
    rounding_error = np.hypot(np.sqrt(relative_std_error) * std, relative_std_error * moments.mean)
    return np.where(std <= rounding_error, 1.0, std)
