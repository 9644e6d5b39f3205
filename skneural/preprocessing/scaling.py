"""Centre each feature and divide it by its standard deviation, exactly in single precision too."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import OneToOneFeatureMixin
from sklearn.utils import check_random_state
from sklearn.utils.random import sample_without_replacement
from sklearn.utils.sparsefuncs import inplace_column_scale
from sklearn.utils.validation import check_is_fitted

from skneural._sklearn_compat import validate_data
from skneural.constraints import Interval
from skneural.float_errors import ignore_float_errors, raise_on_overflow
from skneural.preprocessing.image_channels import ChannelMomentsTransformer
from skneural.preprocessing.mean_and_variance import FeatureMoments
from skneural.preprocessing.row_blocks import row_blocks, rows_per_block
from skneural.saved_state import require

EPS = np.finfo(np.float64).eps
# Measured: a block of the input, the output and each operand share a second-level cache.
BLOCK_BYTES = 2**19
# An operation of two operands, rows on the left, and its right operand: one number per column, or None to leave it out.
Operation = tuple[np.ufunc, np.ndarray | None]


class FeatureScaler(OneToOneFeatureMixin, ChannelMomentsTransformer):
    """Centre and scale each feature by its own statistics, or all pixels of a channel by the channel's.

    Subclasses have the parameters below and say what to subtract and to divide by (`_mean_and_scale`).
    """

    _float_dtypes = (np.float64, np.float32, np.float16)
    _check_array_options: dict[str, Any] = {"ensure_all_finite": "allow-nan"}
    _parameter_constraints: dict[str, list] = {
        **ChannelMomentsTransformer._parameter_constraints,
        "copy": ["boolean"],
        "subsample": [Interval(Integral, 1, None, closed="left"), None],
        "random_state": ["random_state"],
    }

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
        return self._standardize(X, copy, inverse=False)

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
        return self._standardize(self._validate_transformed(X, self.n_features_in_), copy, inverse=True)

    def _standardize(self, X, copy: bool | None, inverse: bool):
        mean, scale = self._mean_and_scale()
        with raise_on_overflow(self):
            if sparse.issparse(X):
                _refuse_to_center_sparse(X, mean is not None)
                return _scale_sparse(X, scale if inverse or scale is None else 1 / scale)
            apply = inverse_standardize if inverse else standardize
            return apply(X, mean, scale, in_place=not (self.copy if copy is None else copy))

    def _fit(self, X, sample_weight: np.ndarray | None) -> None:
        if self.subsample is not None:
            X, sample_weight = self._draw_subsample(X, sample_weight)
        super()._fit(X, sample_weight)

    def _draw_subsample(self, X, sample_weight: np.ndarray | None) -> tuple[Any, np.ndarray | None]:
        # Rows of weight zero do not count: a sample of such rows alone would have no mean.
        rows = np.arange(X.shape[0]) if sample_weight is None else np.flatnonzero(sample_weight)
        if self.subsample >= len(rows):
            return X, sample_weight
        random_state = check_random_state(self.random_state)
        rows = rows[np.sort(sample_without_replacement(len(rows), self.subsample, random_state=random_state))]
        return X[rows], None if sample_weight is None else sample_weight[rows]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


class MeanCenterer(FeatureScaler):
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

    def __init__(self, *, copy=True, n_channels=None, data_format="channels_last", subsample=None, random_state=None):
        self.copy = copy
        self.n_channels = n_channels
        self.data_format = data_format
        self.subsample = subsample
        self.random_state = random_state

    def _set_fitted(self, moments: FeatureMoments) -> None:
        self.mean_ = self._repeat_per_pixel(_mean_or_nan(moments))
        self.n_samples_seen_ = self._n_samples_seen(moments)

    def _mean_and_scale(self) -> tuple[np.ndarray, None]:
        return self.mean_, None


class StdScaler(FeatureScaler):
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
        **FeatureScaler._parameter_constraints,
        "with_mean": ["boolean"],
        "with_std": ["boolean"],
    }
    _check_array_options: dict[str, Any] = {"ensure_all_finite": "allow-nan", "accept_sparse": ("csr", "csc")}
    _fitted_names = FeatureScaler._fitted_names | {"var_", "scale_"}

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
        _refuse_to_center_sparse(X, self.with_mean)
        return super()._compute_moments(X, sample_weight)

    def _set_fitted(self, moments: FeatureMoments) -> None:
        self.n_samples_seen_ = self._n_samples_seen(moments)
        variances = moments.square_sum / np.where(moments.weight > 0, moments.weight, np.nan)
        self.mean_ = self._repeat_per_pixel(_mean_or_nan(moments)) if self.with_mean or self.with_std else None
        self.var_ = self._repeat_per_pixel(variances) if self.with_std else None
        self.scale_ = self._repeat_per_pixel(_std_or_one(variances, moments)) if self.with_std else None

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


def _mean_or_nan(moments: FeatureMoments) -> np.ndarray:
    """The means, NaN for a feature without a value."""
    return np.where(moments.weight > 0, moments.mean, np.nan)


def _std_or_one(variances: np.ndarray, moments: FeatureMoments) -> np.ndarray:
    """Standard deviations, 1 where the variance is within rounding error of zero."""
    std, relative_std_error = np.sqrt(variances), _relative_std_error(moments.weight)
    # By its root, since squares might overflow.
    rounding_error = np.hypot(np.sqrt(relative_std_error) * std, relative_std_error * moments.mean)
    return np.where(std <= rounding_error, 1.0, std)


def _relative_std_error(weight: np.ndarray) -> np.ndarray:
    # The weight counts rows, but a large weight is not so many rows: hence the upper bound.
    return np.minimum(weight * EPS, np.sqrt(EPS))


def _refuse_to_center_sparse(X: Any, with_mean: bool) -> None:
    """Raise ValueError if X is sparse and would be centred."""
    if with_mean and sparse.issparse(X):
        raise ValueError(
            "Got sparse X, but centring would fill it. Pass with_mean=False, or X.toarray() if the dense array "
            "fits into memory."
        )


def _scale_sparse(X, factor: np.ndarray | None):
    X = X.copy()
    if factor is not None:
        inplace_column_scale(X, factor)
    return X


def standardize(X: np.ndarray, mean: np.ndarray | None, scale: np.ndarray | None, in_place: bool) -> np.ndarray:
    """``(X - mean) / scale`` in the dtype of X.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features), floating
    mean, scale : ndarray of shape (n_features,), float64, or None
        None leaves out the subtraction, or the division.
    in_place : bool
        Write into X if it can be written.

    Returns
    -------
    ndarray of shape (n_samples, n_features)
        X itself if it was written.
    """
    high_mean, low_mean, divisor = _operands(X, mean, scale)
    return _apply([(np.subtract, high_mean), (np.subtract, low_mean), (np.divide, divisor)], X, in_place)


def inverse_standardize(X: np.ndarray, mean: np.ndarray | None, scale: np.ndarray | None, in_place: bool) -> np.ndarray:
    """``X * scale + mean`` in the dtype of X: the inverse of `standardize`, with its parameters."""
    high_mean, low_mean, factor = _operands(X, mean, scale)
    return _apply([(np.multiply, factor), (np.add, low_mean), (np.add, high_mean)], X, in_place)


def _operands(X: np.ndarray, mean: np.ndarray | None, scale: np.ndarray | None) -> tuple[np.ndarray | None, ...]:
    """High and low part of the mean, and the scale, in the precision of the arithmetic: single at least."""
    dtype = np.promote_types(X.dtype, np.float32)
    return *split_mean(mean, dtype), nonzero_scale(scale, dtype)


def _apply(operations: Sequence[Operation], X: np.ndarray, in_place: bool) -> np.ndarray:
    if X.dtype == np.float16:
        return _apply(operations, X.astype(np.float32), True).astype(np.float16)
    out = X if in_place and X.flags.writeable else np.empty_like(X, subok=False)
    _apply_by_blocks(operations, X, out)
    return out


def _apply_by_blocks(operations: Sequence[Operation], X: np.ndarray, out: np.ndarray) -> None:
    tiled_operations = _tile(operations, rows_per_block(X, BLOCK_BYTES))
    for rows in row_blocks(X, BLOCK_BYTES):
        block, out_block = X[rows], out[rows]
        for ufunc, operand in tiled_operations:
            block = ufunc(block, operand[: len(out_block)], out=out_block)
        if not tiled_operations and out is not X:
            np.copyto(out_block, block)


def _tile(operations: Sequence[Operation], n_rows: int) -> list[tuple[np.ufunc, np.ndarray]]:
    """Operands as large as a block: NumPy takes equal shapes up to twice as fast as repeated rows."""
    return [(ufunc, np.tile(operand, (n_rows, 1))) for ufunc, operand in operations if operand is not None]


def split_mean(mean: np.ndarray | None, dtype: np.dtype) -> tuple[np.ndarray | None, np.ndarray | None]:
    """The mean as a sum of two arrays in ``dtype``, high and low part; the low part is None if it is zero.

    A mean of 10,000 is off by up to 0.0005 in float32. x - high is exact for x within a factor of two of
    high (Sterbenz), so that subtracting the low part afterwards recovers what rounding took.
    """
    if mean is None:
        return None, None
    high_mean = mean.astype(dtype)
    low_mean = (mean - high_mean).astype(dtype)
    return high_mean, low_mean if low_mean.any() else None


def nonzero_scale(scale: np.ndarray | None, dtype: np.dtype) -> np.ndarray | None:
    """The scale in ``dtype``, where a positive number must not become zero."""
    return None if scale is None else np.maximum(scale.astype(dtype), np.finfo(dtype).tiny)
