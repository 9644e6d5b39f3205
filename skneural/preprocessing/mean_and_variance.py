"""Mean and variance of each feature: streaming, mergeable, in float64 whatever the input's precision.

The variance is kept as the centred sum of squares, which is to be divided by the weight.

Rows are read in blocks, once unless their first values lie far from the others. With a centre c near the mean,
W = Σ wᵢ and s = Σ wᵢ (xᵢ − c),

    m = c + s / W,          S = Σ wᵢ (xᵢ − c)² − s² / W,

and the moments a, b of two parts merge by the rule of Chan, Golub and LeVeque [1]_,

    m = mₐ + δ W_b / W,     S = Sₐ + S_b + δ² Wₐ W_b / W,                       δ = m_b − mₐ.

.. [1] T. F. Chan, G. H. Golub, R. J. LeVeque, "Algorithms for computing the sample variance: analysis and
   recommendations", The American Statistician 37(3), 1983.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Self

import numpy as np
from scipy import sparse

from skneural.preprocessing.row_blocks import (
    SampleWeight,
    replace_nan_by_zero,
    rows_per_block,
    subtract_center,
    weighted_blocks,
)

# Measured: one block and its squares stay in a second-level cache of 0.5 to 1 MiB.
FEATURE_BLOCK_BYTES = 2**20
# Blocks of one group are centred alike; the mean is updated once per group.
GROUP_BYTES = 2**24
# If less than this fraction is left of the squares about a centre, it was too far off and the rows are read again.
CANCELLATION = 1e-3


def weighted_nanmean(rows: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Weighted mean of the values of each feature that are not NaN; 0 where there is none.

    Sums are taken relative to the first value of each feature, so that the mean of equal values is that
    value exactly and a constant feature gets a variance of exactly zero.
    """
    present = ~np.isnan(rows)
    first_values = _first_present_values(rows, present)
    deviations = np.where(present, subtract_center(rows, first_values), 0.0)
    return np.asarray(first_values + divide_or_zero(weight @ deviations, weight @ present))


def _first_present_values(rows: np.ndarray, present: np.ndarray) -> np.ndarray:
    first_values: np.ndarray = rows[present.argmax(axis=0), np.arange(rows.shape[1])].astype(np.float64)
    first_values[~present.any(axis=0)] = 0.0
    return first_values


def divide_or_zero(values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """``values / weight``, 0 where the weight is."""
    return np.asarray(np.divide(values, weight, out=np.zeros(len(weight)), where=weight > 0))


@dataclass(frozen=True)
class FeatureMoments:
    """Weight, mean and centred sum of squares of each feature; NaN are skipped feature by feature.

    Attributes
    ----------
    weight : ndarray of shape (n_features,)
        Number of values seen (int64), or sum of their weights (float64).
    mean : ndarray of shape (n_features,), float64
        Weighted mean; 0 for a feature without a value.
    square_sum : ndarray of shape (n_features,), float64
        Weighted sum of squared deviations from the mean.
    """

    weight: np.ndarray
    mean: np.ndarray
    square_sum: np.ndarray

    @classmethod
    def from_data(cls, X: np.ndarray | sparse.sparray, sample_weight: SampleWeight = None) -> Self:
        """The moments of X, of shape (n_samples, n_features), dense or sparse."""
        moments = cls._from_sparse(X, sample_weight) if sparse.issparse(X) else cls._from_dense(X, sample_weight)
        refuse_overflow(moments.square_sum)
        return moments if sample_weight is not None else replace(moments, weight=moments.weight.astype(np.int64))

    @classmethod
    def _from_dense(cls, X: np.ndarray, sample_weight: SampleWeight) -> Self:
        """Read X in groups of blocks."""
        moments = cls(*np.zeros((3, X.shape[1])))
        buffer = np.empty((2, rows_per_block(X, FEATURE_BLOCK_BYTES), X.shape[1]))
        for group, weight in weighted_blocks(X, sample_weight, GROUP_BYTES):
            moments = moments.merge(cls._from_group(group, weight, moments, buffer))
        return moments

    @classmethod
    def _from_group(cls, group: np.ndarray, weight: np.ndarray, before: Self, buffer: np.ndarray) -> Self:
        """The moments of a group of blocks, by deviations from the mean of the groups before where that is near."""
        first_block = slice(buffer.shape[1])
        center = before._mean_or(group[first_block], weight[first_block])
        moments = cls._from_squares(group, weight, center, buffer)
        squares = moments.square_sum + moments.weight * (moments.mean - center) ** 2
        is_cancelled = before.merge(moments).square_sum < CANCELLATION * squares
        if not is_cancelled.any():
            return moments
        return cls._from_squares(group, weight, np.where(is_cancelled, moments.mean, center), buffer)

    def _mean_or(self, rows: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """The means, and those of the rows for features without a value."""
        if self.weight.all():
            return self.mean
        return np.where(self.weight > 0, self.mean, weighted_nanmean(rows, weight))

    @classmethod
    def _from_squares(cls, X: np.ndarray, weight: np.ndarray, center: np.ndarray, buffer: np.ndarray) -> Self:
        """The moments of X by sums of deviations from a centre near its mean."""
        deviations, repeated_center = buffer
        # Subtracting equal shapes is twice as fast as repeating the centre row by row.
        repeated_center[:] = center
        total_weight, deviation_sum, square_sum = np.zeros((3, X.shape[1]))
        for rows, row_weight in weighted_blocks(X, weight, FEATURE_BLOCK_BYTES):
            block_deviations = subtract_center(rows, repeated_center[: len(rows)], out=deviations)
            block_deviation_sum, nan_weight = _sum_without_nan(block_deviations, row_weight)
            total_weight += row_weight.sum()
            total_weight -= nan_weight
            deviation_sum += block_deviation_sum
            square_sum += row_weight @ np.multiply(block_deviations, block_deviations, out=block_deviations)
        mean_step = divide_or_zero(deviation_sum, total_weight)
        return cls(total_weight, center + mean_step, np.maximum(square_sum - deviation_sum * mean_step, 0.0))

    @classmethod
    def _from_sparse(cls, X: sparse.sparray, sample_weight: SampleWeight) -> Self:
        weight = np.ones(X.shape[0]) if sample_weight is None else sample_weight
        entries = X.tocoo(copy=True)
        entries.sum_duplicates()
        values, row_weight = entries.data.astype(np.float64), weight[entries.row]
        sum_per_feature = partial(np.bincount, entries.col, minlength=X.shape[1])
        entry_weight = np.where(replace_nan_by_zero(values.reshape(-1, 1)).ravel(), 0.0, row_weight)
        total_weight = weight.sum() - sum_per_feature(row_weight - entry_weight)
        is_full, first_values = _first_values_without_zeros(entries, values)
        deviation_sum = sum_per_feature(entry_weight * (values - first_values[entries.col]))
        mean = first_values + divide_or_zero(deviation_sum, total_weight)
        square_sum = sum_per_feature(entry_weight * (values - mean[entries.col]) ** 2)
        # Every entry that is not stored is a zero, at distance `mean` from the mean.
        zero_weight = np.where(is_full, 0.0, np.maximum(total_weight - sum_per_feature(entry_weight), 0.0))
        return cls(total_weight, mean, square_sum + zero_weight * mean**2)

    def merge(self, other: Self) -> Self:
        """The moments of the rows of both."""
        total_weight = self.weight + other.weight
        fraction = divide_or_zero(other.weight, total_weight)
        delta = other.mean - self.mean
        square_sum = self.square_sum + other.square_sum + delta**2 * self.weight * fraction
        # A feature not seen so far takes the other's mean itself: 0 + (m - 0) * 1 rounds nothing.
        return type(self)(total_weight, self.mean + delta * fraction, square_sum)


def _sum_without_nan(deviations: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray | float]:
    """Weighted sum of each feature's deviations, of which NaN are set to zero in place, and the weight of the NaN."""
    deviation_sum = weight @ deviations
    if np.isfinite(deviation_sum).all():
        return deviation_sum, 0.0
    nan_weight = weight @ replace_nan_by_zero(deviations)
    return weight @ deviations, nan_weight


def _first_values_without_zeros(entries: sparse.coo_array, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which features have no zeros, and their first values, 0 for the others: what `weighted_nanmean` starts from."""
    n_rows, n_features = entries.shape
    is_full = np.bincount(entries.col, minlength=n_features) == n_rows
    first_values = np.zeros(n_features)
    first_values[entries.col[::-1]] = values[::-1]
    return is_full, np.where(is_full, first_values, 0.0)


def refuse_overflow(square_sum: np.ndarray) -> None:
    """Raise ValueError if a sum of squares left the range of float64."""
    if not np.isfinite(square_sum).all():
        raise ValueError(
            "The squares of X overflow float64. Expected values below about 1e150: divide the largest "
            "features by a constant first."
        )
