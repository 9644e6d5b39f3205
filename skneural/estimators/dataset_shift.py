"""Dataset shift: how the columns of a validation set differ from those of the training rows, and whether too much."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from skneural.network.training_rows import evenly_spaced_rows
from skneural.preprocessing.mean_and_variance import FeatureMoments

Array = NDArray[Any]

SPARSE_BLOCK_ROWS = 4096
# A number is called rounded if it has at most four decimals, as measured values have and computed ones have not.
DECIMALS = 4
SAMPLED_ROWS = 100  # from which decimals are counted and quantiles computed


@dataclass(frozen=True)
class ColumnStatistics:
    """What the columns of a data set are like.

    Parameters
    ----------
    n_rows : int
    mean, std : ndarray of shape (n_columns,)
    decile_range : ndarray of shape (n_columns,)
        Distance between the first and the last decile, on which a few outliers have no influence; NaN for sparse rows.
    rounded_fraction : ndarray of shape (n_columns,)
        Fraction of rounded numbers among the entries other than zero; NaN where there is none.
    """

    n_rows: int
    mean: Array
    std: Array
    decile_range: Array
    rounded_fraction: Array

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
    >>> from skneural.estimators.dataset_shift import column_statistics
    >>> statistics = column_statistics(np.array([[1.0, 2 / 3], [3.0, 4 / 3]]), None)
    >>> statistics.describe(0), statistics.rounded_fraction
    ('2 ± 1', array([1., 0.]))
    """
    try:
        with np.errstate(all="ignore"):  # what overflows is an error
            moments = _column_moments(X, sample_weight)
    except ValueError as error:
        raise OverflowError(str(error)) from error
    column_std = np.sqrt(moments.square_sum / np.maximum(moments.weight, np.finfo(np.float64).tiny))
    sampled = X[evenly_spaced_rows(X.shape[0], SAMPLED_ROWS)]
    return ColumnStatistics(X.shape[0], moments.mean, column_std, _decile_range(sampled), _rounded_fraction(sampled))


def _column_moments(X: Any, sample_weight: Array | None) -> FeatureMoments:
    if not sparse.issparse(X):
        return FeatureMoments.from_data(X, sample_weight)
    starts = range(0, X.shape[0], SPARSE_BLOCK_ROWS)
    blocks = (slice(start, start + SPARSE_BLOCK_ROWS) for start in starts)
    parts = (FeatureMoments.from_data(X[b], None if sample_weight is None else sample_weight[b]) for b in blocks)
    return reduce(FeatureMoments.merge, parts)


def _decile_range(X: Any) -> Array:
    if sparse.issparse(X):
        return np.full(X.shape[1], np.nan)
    first_decile, last_decile = (
        np.quantile(X, 0.1, axis=0, method="higher"),
        np.quantile(X, 0.9, axis=0, method="lower"),
    )
    return np.asarray(last_decile.astype(np.float64) - first_decile)


def _rounded_fraction(X: Any) -> Array:
    coo = X.tocoo() if sparse.issparse(X) else sparse.coo_array(X)
    is_entry = coo.data != 0
    entry_column, entries = coo.col[is_entry], coo.data[is_entry]
    with np.errstate(over="ignore", invalid="ignore"):  # rounding huge values, and 0 / 0 in columns of zeros only
        is_rounded = np.round(entries, DECIMALS) == entries
        return np.bincount(entry_column, is_rounded, X.shape[1]) / np.bincount(entry_column, minlength=X.shape[1])


@dataclass(frozen=True)
class ColumnDifferences:
    """How the columns of a validation set differ from those of the training rows.

    Parameters
    ----------
    training, validation : ColumnStatistics
        Of the same columns.
    """

    training: ColumnStatistics
    validation: ColumnStatistics

    @cached_property
    def varies(self) -> Array:
        """Whether a column is constant in neither set."""
        column_scale = np.max([np.abs(self.training.mean), np.abs(self.validation.mean), self._joint_std], axis=0)
        return np.minimum(self.training.std, self.validation.std) > 1e-9 * column_scale  # less is rounding

    @cached_property
    def distance(self) -> Array:
        """Bhattacharyya's distance between normal distributions of the two means and variances.

        It is 0 where a column is constant in one of the sets, which tells nothing.
        """
        with np.errstate(divide="ignore", invalid="ignore"):  # of columns that do not vary
            std_ratio = self._joint_std / self.training.std * (self._joint_std / self.validation.std) / 2
            return np.where(self.varies, (self._mean_gap / self._joint_std) ** 2 / 4 + np.log(std_ratio) / 2, 0)

    @cached_property
    def far(self) -> Array:
        """Whether the mean lies ten standard deviations off, and not because of a few rows."""
        return self.varies & (self._mean_gap > 10 * self.training.std) & (self._mean_gap > self.validation.std / 2)

    @cached_property
    def outside(self) -> Array:
        """Whether the mean lies ten times as far off as any training row can, on another scale."""
        training_bound = 10 * np.sqrt(self.training.n_rows) * self.training.std  # Samuelson's inequality
        is_out_of_bounds = (self._mean_gap > training_bound) & (self._mean_gap > self.validation.std)
        return self.far & is_out_of_bounds & (self.validation.std > 10 * self.training.std)

    @cached_property
    def rescaled(self) -> Array:
        """Whether the values are spread more than four times as widely; or four times less, at about the same mean.

        Part of a trend is spread less too, but elsewhere.
        """
        narrower = self._widened(self.validation, self.training, 4) & (self._mean_gap < self.training.std / 2)
        return self.varies & (self._widened(self.training, self.validation, 4) | narrower)

    @cached_property
    def raw(self) -> Array:
        """Whether one set has rounded numbers, the other computed ones, and they are distributed differently."""
        rounded_fractions = np.sort([self.training.rounded_fraction, self.validation.rounded_fraction], axis=0)
        return (rounded_fractions[0] < 0.25) & (rounded_fractions[1] > 0.95) & (self.distance > 0.1)

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

    @property
    def in_targets(self) -> Array:
        """Which of these targets cannot be in one unit."""
        widened = self._widened(self.training, self.validation, 10) & (self.training.decile_range > 0)
        return self.outside | self.raw | (self.varies & widened)

    @property
    def _mean_gap(self) -> Array:
        return np.abs(self.training.mean - self.validation.mean)

    @property
    def _joint_std(self) -> Array:
        return np.hypot(self.training.std, self.validation.std)

    @staticmethod
    def _widened(before: ColumnStatistics, after: ColumnStatistics, times: float) -> Array:
        """Return where standard deviation and distance of the deciles have grown more than so many times."""
        return (after.std > times * before.std) & (after.decile_range > times * before.decile_range)
