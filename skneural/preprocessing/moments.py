"""Streaming, mergeable first and second moments, in float64 whatever the input's precision.

Three statistics of the same rows: per feature (`FeatureMoments`), the centred scatter matrix
(`ScatterMoments`) and a triangular factor of it (`FactorMoments`). Each reads its input in blocks of rows, once
unless it was centred badly, and two of them merge into the statistics of all rows together.

With a centre c near the mean, W = Σ wᵢ and s = Σ wᵢ (xᵢ − c),

    m = c + s / W,          S = Σ wᵢ (xᵢ − c)(xᵢ − c)ᵀ − s sᵀ / W,

and two statistics a, b merge by Chan, Golub and LeVeque's rule [1]_,

    m = mₐ + δ W_b / W,     S = Sₐ + S_b + δ δᵀ Wₐ W_b / W,                     δ = m_b − mₐ.

.. [1] T. F. Chan, G. H. Golub, R. J. LeVeque, "Algorithms for computing the sample variance: analysis and
   recommendations", The American Statistician 37(3), 1983.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from scipy import sparse

from skneural.preprocessing.blocks import matrix_block_bytes, rows_per_block, weighted_blocks

# Measured: one block and its squares stay in a second-level cache of 0.5 to 1 MiB.
FEATURE_BLOCK_BYTES = 2**20
# Blocks of one group are centred alike; the means then move once per group.
GROUP_BYTES = 2**24
# If less than this is left of the squares about a centre, it was too far off and the rows are read again.
CANCELLATION = 1e-3
# The same for a matrix, whose small eigenvalues need each digit that its large entries have.
MATRIX_CANCELLATION = 0.1
# So many rows give a provisional mean.
PROVISIONAL_ROWS = 256
# A triangular factorisation is worth its cost from several times as many rows as features.
FACTOR_BLOCK_BYTES = 2**24


def deviations(rows: np.ndarray, centre: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """``rows - centre`` in float64, written into the first rows of ``out`` if given."""
    out = np.empty(rows.shape) if out is None else out[: len(rows)]
    if rows.dtype == np.float64:
        np.subtract(rows, centre, out=out)
        return out
    # Converting first and subtracting in place is faster than one subtraction of mixed precision.
    np.copyto(out, rows)
    out -= centre
    return out


def block_mean(rows: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Weighted mean of the non-missing values per feature; 0 where there is none.

    Sums are taken relative to the first value of each feature, so that the mean of equal values is that
    value exactly and a constant feature gets a variance of exactly zero.
    """
    present = ~np.isnan(rows)
    first: np.ndarray = np.take_along_axis(rows, present.argmax(axis=0)[np.newaxis], axis=0)[0].astype(np.float64)
    first[~present.any(axis=0)] = 0.0
    offsets = np.where(present, deviations(rows, first), 0.0)
    total = weight @ present
    first += np.divide(weight @ offsets, total, out=np.zeros_like(first), where=total > 0)
    return first


def clear_missing(values: np.ndarray) -> np.ndarray:
    """Set NaN to zero in place and return where they were; infinities are refused."""
    missing: np.ndarray = np.isnan(values)
    if np.isinf(values).any():
        columns = np.flatnonzero(np.isinf(values).any(axis=0))
        raise ValueError(
            f"Input X contains infinity (inf) or values too large for float64, in column {columns[0]}. "
            "Expected finite numbers: replace the infinities or drop their rows."
        )
    values[missing] = 0.0
    return missing


def refuse_overflow(squares: np.ndarray) -> None:
    """Raise ValueError if a sum of squares left the range of float64."""
    if not np.isfinite(squares).all():
        raise ValueError(
            "The squares of X overflow float64. Expected values below about 1e150: divide the largest "
            "features by a constant first."
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
    def of(cls, X: np.ndarray | sparse.sparray, sample_weight: np.ndarray | None = None) -> Self:
        """The moments of X, of shape (n_samples, n_features), dense or sparse."""
        with np.errstate(over="ignore", invalid="ignore"):
            if sparse.issparse(X):
                total = cls._of_sparse(X, np.ones(X.shape[0]) if sample_weight is None else sample_weight)
            else:
                total = cls._of_dense(X, sample_weight)
        refuse_overflow(total.square_sum)
        weight = total.weight if sample_weight is not None else total.weight.astype(np.int64)
        return cls(weight, total.mean, total.square_sum)

    @classmethod
    def _of_dense(cls, X: np.ndarray, sample_weight: np.ndarray | None) -> Self:
        """Read X in groups of blocks; deviations are from the mean of the groups before."""
        zeros = np.zeros(X.shape[1])
        total = cls(zeros, zeros, zeros)
        buffer = np.empty((2, rows_per_block(X, FEATURE_BLOCK_BYTES), X.shape[1]))
        for group, weight in weighted_blocks(X, sample_weight, GROUP_BYTES):
            centre = total.mean
            if not total.weight.all():
                first = slice(buffer.shape[1])
                centre = np.where(total.weight > 0, centre, block_mean(group[first], weight[first]))
            found = cls._about(centre, group, weight, buffer)
            squares = found.square_sum + found.weight * (found.mean - centre) ** 2
            cancelled = total.merge(found).square_sum < CANCELLATION * squares
            if cancelled.any():
                found = cls._about(np.where(cancelled, found.mean, centre), group, weight, buffer)
            total = total.merge(found)
        return total

    @classmethod
    def _about(cls, centre: np.ndarray, X: np.ndarray, sample_weight: np.ndarray, buffer: np.ndarray) -> Self:
        """The moments of X by sums of deviations from a centre near its mean."""
        values, centres = buffer
        # Subtracting equal shapes is twice as fast as repeating the centre row by row.
        centres[:] = centre
        total, sums, squares = np.zeros((3, X.shape[1]))
        for rows, weight in weighted_blocks(X, sample_weight, FEATURE_BLOCK_BYTES):
            block = deviations(rows, centres[: len(rows)], out=values)
            block_sums = weight @ block
            total += weight.sum()
            if not np.isfinite(block_sums).all():
                total -= weight @ clear_missing(block)
                block_sums = weight @ block
            sums += block_sums
            np.multiply(block, block, out=block)
            squares += weight @ block
        step = np.divide(sums, total, out=np.zeros_like(sums), where=total > 0)
        return cls(total, centre + step, np.maximum(squares - sums * step, 0.0))

    @classmethod
    def _of_sparse(cls, X: sparse.sparray, weight: np.ndarray) -> Self:
        entries = X.tocoo(copy=True)
        entries.sum_duplicates()
        row, column, n_features = entries.row, entries.col, X.shape[1]
        values = entries.data.astype(np.float64)

        def per_feature(entry_values: np.ndarray) -> np.ndarray:
            return np.bincount(column, entry_values, minlength=n_features)

        missing = clear_missing(values.reshape(-1, 1)).ravel()
        known = np.where(missing, 0.0, weight[row])
        total = weight.sum() - per_feature(weight[row] - known)
        # A feature without zeros is summed relative to its first value, as in `block_mean`.
        full = np.bincount(column, minlength=n_features) == X.shape[0]
        origin = np.zeros(n_features)
        origin[column[::-1]] = values[::-1]
        origin[~full] = 0.0
        sums = per_feature(known * (values - origin[column]))
        mean = origin + np.divide(sums, total, out=np.zeros(n_features), where=total > 0)
        squares = per_feature(known * (values - mean[column]) ** 2)
        # Every entry that is not stored is a zero, at distance `mean` from the mean.
        unstored = np.where(full, 0.0, np.maximum(total - per_feature(known), 0.0))
        return cls(total, mean, squares + unstored * mean**2)

    def merge(self, other: Self) -> Self:
        """The moments of the rows of both."""
        total = self.weight + other.weight
        share = np.divide(other.weight, total, out=np.zeros(len(self.mean)), where=total > 0)
        delta = other.mean - self.mean
        square_sum = self.square_sum + other.square_sum + delta**2 * self.weight * share
        # A feature not seen so far takes the other's mean itself: 0 + (m - 0) * 1 rounds nothing.
        return type(self)(total, self.mean + delta * share, square_sum)

    def pooled(self, n_groups: int, interleaved: bool) -> Self:
        """The moments of ``n_groups`` groups of features, each taken as one variable.

        Parameters
        ----------
        n_groups : int
            Divides the number of features.
        interleaved : bool
            Whether feature j belongs to group ``j % n_groups``; otherwise the groups follow one another.
        """

        def grouped(values: np.ndarray) -> np.ndarray:
            return values.reshape(-1, n_groups) if interleaved else values.reshape(n_groups, -1).T

        weight, mean = grouped(self.weight), grouped(self.mean)
        total = weight.sum(axis=0)
        origin = mean[0]
        step = np.divide((weight * (mean - origin)).sum(axis=0), total, out=np.zeros(n_groups), where=total > 0)
        between = (weight * (mean - origin - step) ** 2).sum(axis=0)
        return type(self)(total, origin + step, grouped(self.square_sum).sum(axis=0) + between)


@dataclass(frozen=True)
class ScatterMoments:
    """Weight, mean and centred scatter matrix of the rows.

    Attributes
    ----------
    weight : int or float
        Number of rows, or sum of their weights.
    mean : ndarray of shape (n_features,), float64
    resolution : float
        Relative precision of the values: machine epsilon of the coarsest dtype among the inputs.
    scatter : ndarray of shape (n_features, n_features), float64
        Σ wᵢ (xᵢ − mean)(xᵢ − mean)ᵀ. Its rounding error is relative to its largest entries.
    """

    weight: float
    mean: np.ndarray
    resolution: float
    scatter: np.ndarray

    @classmethod
    def of(cls, X: np.ndarray, sample_weight: np.ndarray | None = None) -> Self:
        """The moments of X, of shape (n_samples, n_features); NaN are refused.

        X is read once, or twice where its first rows lie far from the others.
        """
        first, weight = next(weighted_blocks(X, sample_weight, PROVISIONAL_ROWS * 8 * X.shape[1]))
        with np.errstate(over="ignore", invalid="ignore"):
            centre = block_mean(first, weight)
            found = cls._about(centre, X, sample_weight)
            squares = np.diag(found.scatter)
            if (squares < MATRIX_CANCELLATION * (squares + found.weight * (found.mean - centre) ** 2)).any():
                found = cls._about(found.mean, X, sample_weight)
        return found

    @classmethod
    def _about(cls, centre: np.ndarray, X: np.ndarray, sample_weight: np.ndarray | None) -> Self:
        """The moments of X by products of deviations from a centre near its mean."""
        n_features = X.shape[1]
        block_bytes = matrix_block_bytes(n_features)
        buffer = np.empty((rows_per_block(X, block_bytes), n_features + 1))
        products = np.zeros((n_features + 1, n_features + 1))
        for rows, weight in weighted_blocks(X, sample_weight, block_bytes):
            block = buffer[: len(rows)]
            deviations(rows, centre, out=block[:, :-1])
            # A column of ones gives the sums of the others along with their products.
            block[:, -1] = 1.0
            if sample_weight is not None:
                block *= np.sqrt(weight)[:, np.newaxis]
            products += block.T @ block
            refuse_missing(products[-1], block)
        refuse_overflow(products)
        total = len(X) if sample_weight is None else float(sample_weight.sum())
        sums = products[-1, :-1]
        shift = sums / np.sqrt(total)
        return cls(total, centre + sums / total, resolution_of(X), products[:-1, :-1] - np.outer(shift, shift))

    def merge(self, other: ScatterMoments | FactorMoments) -> Self:
        """The moments of the rows of both."""
        total = self.weight + other.weight
        delta = other.mean - self.mean
        mean = self.mean + delta * (other.weight / total)
        between = np.outer(delta, delta * (self.weight / total * other.weight))  # the product might overflow
        resolution = max(self.resolution, other.resolution)
        return type(self)(total, mean, resolution, self.scatter + other.scatter + between)


@dataclass(frozen=True)
class FactorMoments:
    """Weight, mean and a factor of the centred scatter matrix: ``factor.T @ factor`` is the scatter matrix.

    The factor has at most n_features rows and is updated by orthogonal transformations alone, so small
    variances keep the accuracy that squaring the data would take from them, and few rows of many features
    need no square matrix.

    Attributes
    ----------
    weight : int or float
        Number of rows, or sum of their weights.
    mean : ndarray of shape (n_features,), float64
    resolution : float
        Relative precision of the values: machine epsilon of the coarsest dtype among the inputs.
    factor : ndarray of shape (at most n_features, n_features), float64
    """

    weight: float
    mean: np.ndarray
    resolution: float
    factor: np.ndarray

    @classmethod
    def of(cls, X: np.ndarray, sample_weight: np.ndarray | None = None) -> Self:
        """The moments of X, of shape (n_samples, n_features); NaN are refused."""
        n_features = X.shape[1]
        total: Any = cls(0, np.zeros(n_features), resolution_of(X), np.zeros((0, n_features)))
        block_bytes = max(FACTOR_BLOCK_BYTES, 32 * n_features**2)
        with np.errstate(over="ignore", invalid="ignore"):
            for rows, weight in weighted_blocks(X, sample_weight, block_bytes):
                total = total.merge(cls._of_block(rows, weight, sample_weight is not None))
        moments: Self = total
        return moments

    @classmethod
    def _of_block(cls, rows: np.ndarray, weight: np.ndarray, weighted: bool) -> Self:
        mean = block_mean(rows, weight)
        values = deviations(rows, mean)
        refuse_missing(weight @ values, values)
        refuse_overflow(np.einsum("ij,ij->j", values, values))
        if weighted:
            values *= np.sqrt(weight)[:, np.newaxis]
        total = float(weight.sum()) if weighted else len(rows)
        return cls(total, mean, resolution_of(rows), triangular(values))

    @property
    def scatter(self) -> np.ndarray:
        """The scatter matrix, as in `ScatterMoments`."""
        scatter: np.ndarray = self.factor.T @ self.factor
        return scatter

    def merge(self, other: ScatterMoments | FactorMoments) -> ScatterMoments | FactorMoments:
        """The moments of the rows of both; of the less exact kind if the kinds differ."""
        if isinstance(other, ScatterMoments):
            return other.merge(self)
        if not self.weight or not other.weight:
            return other if not self.weight else self
        total = self.weight + other.weight
        delta = other.mean - self.mean
        between = np.sqrt(self.weight / total * other.weight) * delta
        factor = triangular(np.vstack([self.factor, other.factor, between]))
        mean = self.mean + delta * (other.weight / total)
        return FactorMoments(total, mean, max(self.resolution, other.resolution), factor)


def resolution_of(X: np.ndarray) -> float:
    """Machine epsilon of the dtype of X."""
    return float(np.finfo(X.dtype).eps)


def triangular(A: np.ndarray) -> np.ndarray:
    """A matrix R of at most as many rows as columns with ``R.T @ R == A.T @ A``."""
    if len(A) <= A.shape[1]:
        return A
    return np.asarray(np.linalg.qr(A, mode="r"))


def refuse_missing(sums: np.ndarray, values: np.ndarray) -> None:
    """Raise ValueError if the values of a block, whose column sums are given, are not all numbers."""
    if not np.isfinite(sums).all() and clear_missing(values).any():
        raise ValueError(
            "Input X contains NaN. Expected finite numbers: impute the missing values first, "
            "for example with sklearn.impute.SimpleImputer."
        )
