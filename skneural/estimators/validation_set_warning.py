"""The warning that a validation set is not of the training rows' kind: other units, or a forgotten transformation."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import is_regressor

from skneural.estimators.caller_warning import warn_caller
from skneural.estimators.checked_data import CheckedData
from skneural.network.training_rows import evenly_spaced_rows
from skneural.preprocessing.mean_and_variance import FeatureMoments

Array = NDArray[Any]

FEWEST_ROWS = 10  # fewer rows say too little about mean and standard deviation
SPARSE_BLOCK_ROWS = 4096
# A number is called rounded if it has at most four decimals, as measured values have and computed ones have not.
DECIMALS = 4
SAMPLED_ROWS = 100  # from which decimals are counted and quantiles computed


class ValidationSetWarning(UserWarning):
    """`X_val` or `y_val` is in other units than `X` or `y`, so that validation loss and score mean nothing.

    Examples
    --------
    >>> import warnings
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import Pipeline
    >>> from skneural import ActivationMLPClassifier, StdScaler, ValidationSetWarning
    >>> X, y = load_iris(return_X_y=True)
    >>> model = Pipeline([("scale", StdScaler()), ("net", ActivationMLPClassifier(max_iter=1000, random_state=0))])
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always", ValidationSetWarning)
    ...     model = model.fit(X[::2], y[::2], net__X_val=X[1::2], net__y_val=y[1::2])
    >>> print(str(caught[0].message).split(":")[0])
    X_val does not look like X
    """


def warn_of_validation_set(estimator: Any, data: CheckedData, validation: CheckedData) -> None:
    """Warn if features or numeric targets of the validation set cannot be of the training rows' kind.

    Parameters
    ----------
    estimator : BaseActivationMLP
    data, validation : CheckedData
        The training rows and the validation set.
    """
    if min(data.n_weighted_rows, validation.n_weighted_rows) < FEWEST_ROWS:
        return
    try:
        _warn_of_features(data, validation, getattr(estimator, "feature_names_in_", None))
        if is_regressor(estimator):
            _warn_of_targets(data, validation)
    except OverflowError:  # squares beyond float64 cannot be compared
        return


def _warn_of_features(data: CheckedData, validation: CheckedData, names: Array | None) -> None:
    columns, columns_val = (column_statistics(each.X, each.sample_weight) for each in (data, validation))
    differences = ColumnDifferences.between(columns, columns_val)
    if not differences.in_features:
        return
    worst = int(differences.distance.argmax())
    feature = f"feature {worst}" if names is None else f"feature {names[worst]!r}"
    warn_caller(
        f"X_val does not look like X: {feature} is {columns_val.describe(worst)} there, but {columns.describe(worst)} "
        "in X (mean ± standard deviation). Validation loss and score then say nothing about the model. If this "
        "estimator is the last step of a Pipeline: the other steps transform X, but not X_val. Use "
        'Pipeline(steps, transform_input=["X_val"]), and enable metadata routing with set_fit_request(X_val=True, '
        "y_val=True) on this estimator.",
        ValidationSetWarning,
    )


def _warn_of_targets(data: CheckedData, validation: CheckedData) -> None:
    y, y_val = (each.y.reshape(len(each.y), -1).astype(np.float64) for each in (data, validation))
    target, target_val = (
        column_statistics(each, weight) for each, weight in [(y, data.sample_weight), (y_val, validation.sample_weight)]
    )
    differences = ColumnDifferences.between(target, target_val)
    wide = (target_val.std > 10 * target.std) & (target_val.width > 10 * target.width) & (target.width > 0)
    different = differences.outside | differences.raw | (differences.varies & wide)
    if not different.any():
        return
    worst = int(np.where(different, differences.distance, -1).argmax())
    warn_caller(
        f"y_val is not in the units of y: it is {target_val.describe(worst)}, but y is {target.describe(worst)} (mean "
        "± standard deviation). Validation loss and score then say nothing about the model. If this estimator is "
        "inside a TransformedTargetRegressor: that transforms y, but not y_val, which must be transformed before. For "
        "other units alone no transformation is needed, since normalize_y=True scales the target.",
        ValidationSetWarning,
    )


@dataclass(frozen=True)
class ColumnStatistics:
    """What the columns of a data set are like.

    Parameters
    ----------
    n_rows : int
    mean, std : ndarray of shape (n_columns,)
    width : ndarray of shape (n_columns,)
        Distance between the first and the last decile, on which a few outliers have no influence; NaN for sparse rows.
    rounded : ndarray of shape (n_columns,)
        Share of rounded numbers among the entries other than zero; NaN where there is none.
    """

    n_rows: int
    mean: Array
    std: Array
    width: Array
    rounded: Array

    def describe(self, column: int) -> str:
        """Return mean and standard deviation of a column for a message."""
        return f"{self.mean[column]:.4g} ± {self.std[column]:.4g}"


def column_statistics(X: Any, sample_weight: Array | None) -> ColumnStatistics:
    """Return the statistics of each column, without a copy of the data.

    Parameters
    ----------
    X : {ndarray, CSR array or matrix} of shape (n_rows, n_columns)
        Finite numbers.
    sample_weight : ndarray of shape (n_rows,) or None

    Raises
    ------
    OverflowError
        If the squares of the entries overflow.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.estimators.validation_set_warning import column_statistics
    >>> statistics = column_statistics(np.array([[1.0, 2 / 3], [3.0, 4 / 3]]), None)
    >>> statistics.describe(0), statistics.rounded
    ('2 ± 1', array([1., 0.]))
    """
    try:
        with np.errstate(all="ignore"):  # what overflows is an error
            moments = _moments(X, sample_weight)
    except ValueError as error:
        raise OverflowError(str(error)) from error
    std = np.sqrt(moments.square_sum / np.maximum(moments.weight, np.finfo(np.float64).tiny))
    sample = X[evenly_spaced_rows(X.shape[0], SAMPLED_ROWS)]
    return ColumnStatistics(X.shape[0], moments.mean, std, _width(sample), _rounded_share(sample))


def _moments(X: Any, sample_weight: Array | None) -> FeatureMoments:
    if not sparse.issparse(X):
        return FeatureMoments.from_data(X, sample_weight)
    starts = range(0, X.shape[0], SPARSE_BLOCK_ROWS)
    blocks = (slice(start, start + SPARSE_BLOCK_ROWS) for start in starts)
    parts = (FeatureMoments.from_data(X[b], None if sample_weight is None else sample_weight[b]) for b in blocks)
    return reduce(FeatureMoments.merge, parts)


def _width(X: Any) -> Array:
    if sparse.issparse(X):
        return np.full(X.shape[1], np.nan)
    low, high = np.quantile(X, 0.1, axis=0, method="higher"), np.quantile(X, 0.9, axis=0, method="lower")
    width: Array = high.astype(np.float64) - low
    return width


def _rounded_share(X: Any) -> Array:
    coo = X.tocoo() if sparse.issparse(X) else sparse.coo_array(X)
    is_entry = coo.data != 0
    entry_column, entries = coo.col[is_entry], coo.data[is_entry]
    with np.errstate(over="ignore", invalid="ignore"):  # of huge values, and 0 / 0 where a column has zeros only
        rounded = np.round(entries, DECIMALS) == entries
        return np.bincount(entry_column, rounded, X.shape[1]) / np.bincount(entry_column, minlength=X.shape[1])


@dataclass(frozen=True)
class ColumnDifferences:
    """How the columns of a validation set differ from those of the training rows.

    Attributes
    ----------
    distance : ndarray of shape (n_columns,)
        Bhattacharyya's distance between normal distributions of the two means and variances; 0 where a column is
        constant in one of the sets, which tells nothing.
    far : ndarray of bool
        The mean lies ten standard deviations off, and not because of a few rows.
    outside : ndarray of bool
        The mean lies ten times as far off as any training row can (Samuelson's inequality), on another scale.
    rescaled : ndarray of bool
        Standard deviation and width are more than four times as large; or four times as small, at about the same mean,
        which a short part of a trend does not have.
    raw : ndarray of bool
        One set has rounded numbers, the other computed ones, and they are distributed differently.
    varies : ndarray of bool
        Not constant in either set.
    """

    distance: Array
    far: Array
    outside: Array
    rescaled: Array
    raw: Array
    varies: Array

    @classmethod
    def between(cls, training: ColumnStatistics, validation: ColumnStatistics) -> ColumnDifferences:
        """Compare the two sets, column by column."""
        std_train, std_val = training.std, validation.std
        gap, joint_std = np.abs(training.mean - validation.mean), np.hypot(std_train, std_val)
        column_scale = np.max([np.abs(training.mean), np.abs(validation.mean), joint_std], axis=0)
        varies = np.minimum(std_train, std_val) > 1e-9 * column_scale  # less is rounding
        with np.errstate(divide="ignore", invalid="ignore"):  # of columns that do not vary
            distance = (gap / joint_std) ** 2 / 4 + np.log(joint_std / std_train * (joint_std / std_val) / 2) / 2
        far = varies & (gap > 10 * std_train) & (gap > std_val / 2)
        outside = far & (gap > 10 * np.sqrt(training.n_rows) * std_train) & (gap > std_val) & (std_val > 10 * std_train)
        wider = (std_val > 4 * std_train) & (validation.width > 4 * training.width)
        narrower = (std_train > 4 * std_val) & (training.width > 4 * validation.width) & (gap < std_train / 2)
        rescaled = varies & (wider | narrower)
        only_validation, only_training = (
            (one.rounded > 0.95) & (other.rounded < 0.25)
            for one, other in [(validation, training), (training, validation)]
        )
        distance = np.where(varies, distance, 0)
        raw = (only_validation | only_training) & (distance > 0.1)
        return cls(distance, far, outside, rescaled, raw, varies)

    @property
    def in_features(self) -> bool:
        """Whether rows of these features cannot be of one kind.

        Rows of another time or group may differ much in some columns, but not in most of them.
        """
        n_varying = np.count_nonzero(self.varies)
        return bool(
            self.outside.any()
            or self.far.sum() >= max(2, n_varying / 4)
            or (self.far | self.rescaled).sum() >= max(3, 3 * n_varying / 4)
            or self.raw.sum() >= max(1, n_varying / 2)
        )
