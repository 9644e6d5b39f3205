"""Mean and centred sum of squares of each feature: streaming, mergeable, in float64 whatever the input's precision.

Rows are read in blocks, once unless their first values lie far from the others. With a centre c near the mean,
W = Σ wᵢ and s = Σ wᵢ (xᵢ − c),

    m = c + s / W,          S = Σ wᵢ (xᵢ − c)² − s² / W,

and the moments a, b of two parts merge by the rule of Chan, Golub and LeVeque [1]_,

    m = mₐ + δ W_b / W,     S = Sₐ + S_b + δ² Wₐ W_b / W,                       δ = m_b − mₐ.

.. [1] T. F. Chan, G. H. Golub, R. J. LeVeque, "Algorithms for computing the sample variance: analysis and
   recommendations", The American Statistician 37(3), 1983.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy import sparse

from skneural.preprocessing.blocks import rows_per_block, weighted_blocks

# Measured: one block and its squares stay in a second-level cache of 0.5 to 1 MiB.
FEATURE_BLOCK_BYTES = 2**20
# Blocks of one group are centred alike; the mean is updated once per group.
GROUP_BYTES = 2**24
# If less than this fraction is left of the squares about a centre, it was too far off and the rows are read again.
CANCELLATION = 1e-3


def subtract_center(rows: np.ndarray, center: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """``rows - center`` in float64, or written into the first rows of ``out`` in its dtype."""
    out = np.empty(rows.shape) if out is None else out[: len(rows)]
    center = center.astype(out.dtype, copy=False)
    if rows.dtype == out.dtype:
        np.subtract(rows, center, out=out)
        return out
    # Converting first and subtracting in place is faster than one subtraction of mixed precision.
    np.copyto(out, rows)
    out -= center
    return out


def weighted_nanmean(rows: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Weighted mean of the values of each feature that are not NaN; 0 where there is none.

    Sums are taken relative to the first value of each feature, so that the mean of equal values is that
    value exactly and a constant feature gets a variance of exactly zero.
    """
    present = ~np.isnan(rows)
    first_present = present.argmax(axis=0)
    first_values: np.ndarray = rows[first_present, np.arange(rows.shape[1])].astype(np.float64)
    first_values[~present.any(axis=0)] = 0.0
    deviations = np.where(present, subtract_center(rows, first_values), 0.0)
    total_weight = weight @ present
    first_values += np.divide(weight @ deviations, total_weight, out=np.zeros(rows.shape[1]), where=total_weight > 0)
    return first_values


def replace_nan_by_zero(values: np.ndarray) -> np.ndarray:
    """Set NaN to zero in place and return where they were; infinity is a ValueError."""
    is_nan: np.ndarray = np.isnan(values)
    if np.isinf(values).any():
        columns = np.flatnonzero(np.isinf(values).any(axis=0))
        raise ValueError(
            f"Input X contains infinity (inf) or values too large for float64, in column {columns[0]}. "
            "Expected finite numbers: replace the infinities or drop their rows."
        )
    values[is_nan] = 0.0
    return is_nan


def refuse_overflow(square_sum: np.ndarray) -> None:
    """Raise ValueError if a sum of squares left the range of float64."""
    if not np.isfinite(square_sum).all():
        raise ValueError(
            "The squares of X overflow float64. Expected values below about 1e150: divide the largest "
            "features by a constant first."
        )


def refuse_nan(sums: np.ndarray, values: np.ndarray) -> None:
    """Raise ValueError if the values of a block, whose column sums are given, are not all numbers."""
    if not np.isfinite(sums).all() and replace_nan_by_zero(values).any():
        raise ValueError(
            "Input X contains NaN. Expected finite numbers: impute the missing values first, "
            "for example with sklearn.impute.SimpleImputer."
        )


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
    def from_data(cls, X: np.ndarray | sparse.sparray, sample_weight: np.ndarray | None = None) -> Self:
        """The moments of X, of shape (n_samples, n_features), dense or sparse."""
        if sparse.issparse(X):
            total = cls._from_sparse(X, np.ones(X.shape[0]) if sample_weight is None else sample_weight)
        else:
            total = cls._from_dense(X, sample_weight)
        refuse_overflow(total.square_sum)
        weight = total.weight if sample_weight is not None else total.weight.astype(np.int64)
        return cls(weight, total.mean, total.square_sum)

    @classmethod
    def _from_dense(cls, X: np.ndarray, sample_weight: np.ndarray | None) -> Self:
        """Read X in groups of blocks; deviations are from the mean of the groups before."""
        zeros = np.zeros(X.shape[1])
        total = cls(zeros, zeros, zeros)
        buffer = np.empty((2, rows_per_block(X, FEATURE_BLOCK_BYTES), X.shape[1]))
        for group, weight in weighted_blocks(X, sample_weight, GROUP_BYTES):
            center = total.mean
            if not total.weight.all():
                first = slice(buffer.shape[1])
                center = np.where(total.weight > 0, center, weighted_nanmean(group[first], weight[first]))
            part = cls._around(center, group, weight, buffer)
            squares = part.square_sum + part.weight * (part.mean - center) ** 2
            cancelled = total.merge(part).square_sum < CANCELLATION * squares
            if cancelled.any():
                part = cls._around(np.where(cancelled, part.mean, center), group, weight, buffer)
            total = total.merge(part)
        return total

    @classmethod
    def _around(cls, center: np.ndarray, X: np.ndarray, sample_weight: np.ndarray, buffer: np.ndarray) -> Self:
        """The moments of X by sums of deviations from a centre near its mean."""
        deviations, repeated_center = buffer
        # Subtracting equal shapes is twice as fast as repeating the centre row by row.
        repeated_center[:] = center
        total_weight, deviation_sum, square_sum = np.zeros((3, X.shape[1]))
        for rows, weight in weighted_blocks(X, sample_weight, FEATURE_BLOCK_BYTES):
            block_deviations = subtract_center(rows, repeated_center[: len(rows)], out=deviations)
            block_deviation_sum = weight @ block_deviations
            total_weight += weight.sum()
            if not np.isfinite(block_deviation_sum).all():
                total_weight -= weight @ replace_nan_by_zero(block_deviations)
                block_deviation_sum = weight @ block_deviations
            deviation_sum += block_deviation_sum
            np.multiply(block_deviations, block_deviations, out=block_deviations)
            square_sum += weight @ block_deviations
        mean_step = np.divide(deviation_sum, total_weight, out=np.zeros_like(deviation_sum), where=total_weight > 0)
        return cls(total_weight, center + mean_step, np.maximum(square_sum - deviation_sum * mean_step, 0.0))

    @classmethod
    def _from_sparse(cls, X: sparse.sparray, weight: np.ndarray) -> Self:
        entries = X.tocoo(copy=True)
        entries.sum_duplicates()
        entry_row, entry_column, n_features = entries.row, entries.col, X.shape[1]
        values = entries.data.astype(np.float64)

        def per_feature(entry_values: np.ndarray) -> np.ndarray:
            return np.bincount(entry_column, entry_values, minlength=n_features)

        is_nan = replace_nan_by_zero(values.reshape(-1, 1)).ravel()
        entry_weight = np.where(is_nan, 0.0, weight[entry_row])
        total_weight = weight.sum() - per_feature(weight[entry_row] - entry_weight)
        # A feature without zeros is summed relative to its first value, as in `weighted_nanmean`.
        full = np.bincount(entry_column, minlength=n_features) == X.shape[0]
        origin = np.zeros(n_features)
        origin[entry_column[::-1]] = values[::-1]
        origin[~full] = 0.0
        deviation_sum = per_feature(entry_weight * (values - origin[entry_column]))
        mean = origin + np.divide(deviation_sum, total_weight, out=np.zeros(n_features), where=total_weight > 0)
        square_sum = per_feature(entry_weight * (values - mean[entry_column]) ** 2)
        # Every entry that is not stored is a zero, at distance `mean` from the mean.
        n_zeros = np.where(full, 0.0, np.maximum(total_weight - per_feature(entry_weight), 0.0))
        return cls(total_weight, mean, square_sum + n_zeros * mean**2)

    def merge(self, other: Self) -> Self:
        """The moments of the rows of both."""
        total_weight = self.weight + other.weight
        fraction = np.divide(other.weight, total_weight, out=np.zeros(len(self.mean)), where=total_weight > 0)
        delta = other.mean - self.mean
        square_sum = self.square_sum + other.square_sum + delta**2 * self.weight * fraction
        # A feature not seen so far takes the other's mean itself: 0 + (m - 0) * 1 rounds nothing.
        return type(self)(total_weight, self.mean + delta * fraction, square_sum)

    def pool_channels(self, n_channels: int, data_format: str) -> Self:
        """The moments of each channel of flattened images, all pixels of a channel taken as one variable.

        Parameters
        ----------
        n_channels : int
            Divides the number of features.
        data_format : {"channels_last", "channels_first"}
            Whether feature j is of channel ``j % n_channels``, or the channels follow one another.
        """

        def per_pixel(values: np.ndarray) -> np.ndarray:
            """Of shape (n_pixels, n_channels)."""
            return (
                values.reshape(-1, n_channels) if data_format == "channels_last" else values.reshape(n_channels, -1).T
            )

        weight, mean = per_pixel(self.weight), per_pixel(self.mean)
        channel_weight = weight.sum(axis=0)
        first_mean = mean[0]
        step = np.divide(
            (weight * (mean - first_mean)).sum(axis=0),
            channel_weight,
            out=np.zeros(n_channels),
            where=channel_weight > 0,
        )
        between = (weight * (mean - first_mean - step) ** 2).sum(axis=0)
        return type(self)(channel_weight, first_mean + step, per_pixel(self.square_sum).sum(axis=0) + between)
