"""The covariance of the features, as a scatter matrix or a triangular factor of it: streaming, mergeable, in float64.

With weights wᵢ and the mean m of rows xᵢ, the scatter matrix is S = Σ wᵢ (xᵢ − m)(xᵢ − m)ᵀ. Two of them merge as
the sums of squares in `skneural.preprocessing.mean_and_variance` do, with δ δᵀ in the place of δ². The covariance is
the scatter matrix divided by the degrees of freedom, the sum of the weights minus one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self, TypeAlias, cast

import numpy as np

from skneural.preprocessing.mean_and_variance import refuse_overflow, weighted_nanmean
from skneural.preprocessing.row_blocks import (
    Array,
    SampleWeight,
    matrix_block_bytes,
    multiply_by_root,
    refuse_nan,
    rows_per_block,
    subtract_center,
    weighted_blocks,
)

# The rows whose mean is the first centre.
FIRST_CENTER_ROWS = 256
# If less than this fraction is left of the squares about the first centre, it was too far off and the rows are read
# again: small eigenvalues need each digit that the large entries of the matrix have.
CANCELLATION = 0.1
# Single precision is for scatter matrices whose product takes most of the time of `fit`, ...
SINGLE_PRECISION_FEATURES = 128
# ... where no eigenvalue of the correlation matrix is below this bound: whitened, rounding errors are then below 1e-5.
SINGLE_PRECISION_EIGENVALUE = 0.1
# Variances whose squares and products are within the range of single precision.
MIN_SINGLE_PRECISION_VARIANCE, MAX_SINGLE_PRECISION_VARIANCE = 1e-20, 1e20
# A triangular factorisation is worth its cost from several times as many rows as features.
FACTOR_BLOCK_BYTES = 2**24

Precision: TypeAlias = type[np.floating]
Moments: TypeAlias = "ScatterMoments | FactorMoments"


def degrees_of_freedom(weight: float) -> float:
    """What a scatter matrix is divided by: the weight minus one; a ValueError if there is nothing left."""
    if not weight > 1:
        raise ValueError(
            f"n_samples={weight} rows (or sum of their weights) have no covariance. Expected more "
            "than one: fit more rows, or scale the weights so that each counts rows."
        )
    return weight - 1


def machine_epsilon(dtype: np.dtype) -> float:
    """The relative precision of a floating dtype."""
    return float(np.finfo(dtype).eps)


@dataclass(frozen=True)
class ScatterMoments:
    """Weight, mean and centred scatter matrix of the rows.

    Attributes
    ----------
    weight : int or float
        Number of rows, or sum of their weights.
    mean : ndarray of shape (n_features,), float64
    input_eps : float
        Relative precision of the values: machine epsilon of the coarsest dtype among the inputs.
    scatter : ndarray of shape (n_features, n_features), float64
        Σ wᵢ (xᵢ − mean)(xᵢ − mean)ᵀ. Its rounding error is relative to its largest entries.
    """

    weight: float
    mean: np.ndarray
    input_eps: float
    scatter: np.ndarray

    @classmethod
    def from_data(cls, X: Array, sample_weight: SampleWeight = None, dtype: Precision = np.float64) -> Self:
        """The moments of X, of shape (n_samples, n_features), dense or sparse; NaN are a ValueError.

        X is read once, or twice where its first rows lie far from the others. Blocks of centred rows are multiplied in
        the precision of ``dtype`` and added up in double precision; in single precision, the result is not finite if
        squares overflow.
        """
        first_rows, weight = next(weighted_blocks(X, sample_weight, FIRST_CENTER_ROWS * 8 * X.shape[1]))
        center = weighted_nanmean(first_rows, weight).astype(dtype).astype(np.float64)
        moments = cls._from_products(X, sample_weight, center, dtype)
        variation = np.diag(moments.scatter)
        if not (variation < CANCELLATION * (variation + moments.weight * (moments.mean - center) ** 2)).any():
            return moments
        return cls._from_products(X, sample_weight, moments.mean.astype(dtype).astype(np.float64), dtype)

    @classmethod
    def _from_products(cls, X: Array, sample_weight: SampleWeight, center: np.ndarray, dtype: Precision) -> Self:
        """The moments of X by products of deviations from a centre near its mean."""
        augmented_scatter = _augmented_scatter(X, sample_weight, center, dtype)
        total_weight = X.shape[0] if sample_weight is None else float(sample_weight.sum())
        deviation_sum = augmented_scatter[-1, :-1]
        shift = deviation_sum / np.sqrt(total_weight)
        scatter = augmented_scatter[:-1, :-1] - np.outer(shift, shift)
        return cls(total_weight, center + deviation_sum / total_weight, machine_epsilon(X.dtype), scatter)

    def merge(self, other: Moments) -> Self:
        """The moments of the rows of both."""
        total_weight, mean, delta = _merged_mean(self, other)
        # The product of the two weights might overflow.
        scatter = self.scatter + other.scatter + np.outer(delta, delta * (self.weight / total_weight * other.weight))
        return type(self)(total_weight, mean, max(self.input_eps, other.input_eps), scatter)


def _augmented_scatter(X: Array, sample_weight: SampleWeight, center: np.ndarray, dtype: Precision) -> np.ndarray:
    """The scatter matrix about a centre, and a last row and column of the sums of deviations from it."""
    n_features = X.shape[1]
    block_bytes = matrix_block_bytes(n_features) * (8 // np.dtype(dtype).itemsize)  # of one size in either precision
    buffer = np.empty((rows_per_block(X, block_bytes), n_features + 1), dtype)
    augmented_scatter = np.zeros((n_features + 1, n_features + 1))
    for rows, weight in weighted_blocks(X, sample_weight, block_bytes):
        augmented_rows = buffer[: len(rows)]
        subtract_center(rows, center, out=augmented_rows[:, :-1])
        # A column of ones gives the sums of the others along with their products.
        augmented_rows[:, -1] = 1.0
        if sample_weight is not None:
            multiply_by_root(augmented_rows, weight)
        augmented_scatter += augmented_rows.T @ augmented_rows
        if dtype is np.float64:
            refuse_nan(augmented_scatter[-1], augmented_rows)
    if dtype is np.float64:
        refuse_overflow(augmented_scatter)
    return augmented_scatter


def scatter_for_fit(X: Array, sample_weight: SampleWeight) -> ScatterMoments:
    """The scatter moments of all rows, in single precision if X has it and its features are not ill-conditioned."""
    in_single = X.dtype == np.float32 and X.shape[1] >= SINGLE_PRECISION_FEATURES
    moments = _scatter_in_single_precision(X, sample_weight) if in_single else None
    return ScatterMoments.from_data(X, sample_weight) if moments is None else moments


def _scatter_in_single_precision(X: Array, sample_weight: SampleWeight) -> ScatterMoments | None:
    """None if rows are few or features ill-conditioned, which is tested on the first rows before all are read."""
    n_first = 4 * X.shape[1]
    if X.shape[0] < 2 * n_first:
        return None
    first_weight, other_weight = (None, None) if sample_weight is None else np.split(sample_weight, [n_first])
    moments = ScatterMoments.from_data(X[:n_first], first_weight, np.float32)
    if not _is_exact_in_single_precision(moments):
        return None
    moments = moments.merge(ScatterMoments.from_data(X[n_first:], other_weight, np.float32))
    return moments if _is_exact_in_single_precision(moments) else None


def _is_exact_in_single_precision(moments: ScatterMoments) -> bool:
    """Whether variances and eigenvalues of the correlation matrix are far enough from zero for single precision."""
    variances = np.diag(moments.scatter) / moments.weight
    if not ((variances > MIN_SINGLE_PRECISION_VARIANCE) & (variances < MAX_SINGLE_PRECISION_VARIANCE)).all():
        return False
    std = np.sqrt(np.diag(moments.scatter))
    correlation = moments.scatter / std / std[:, np.newaxis]
    correlation[np.diag_indices_from(correlation)] -= SINGLE_PRECISION_EIGENVALUE
    return _is_positive_definite(correlation)


def _is_positive_definite(symmetric_matrix: np.ndarray) -> bool:
    try:
        np.linalg.cholesky(symmetric_matrix)  # which exists if and only if no eigenvalue is negative
    except np.linalg.LinAlgError:
        return False
    return True


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
    input_eps : float
        Relative precision of the values: machine epsilon of the coarsest dtype among the inputs.
    factor : ndarray of shape (at most n_features, n_features), float64
    """

    weight: float
    mean: np.ndarray
    input_eps: float
    factor: np.ndarray

    @classmethod
    def from_data(cls, X: Array, sample_weight: SampleWeight = None) -> Self:
        """The moments of X, of shape (n_samples, n_features), dense or sparse; NaN are a ValueError."""
        n_features = X.shape[1]
        moments: Any = cls(0, np.zeros(n_features), machine_epsilon(X.dtype), np.zeros((0, n_features)))
        for rows, weight in weighted_blocks(X, sample_weight, max(FACTOR_BLOCK_BYTES, 32 * n_features**2)):
            moments = moments.merge(cls._from_block(rows, weight, sample_weight is not None))
        return cast(Self, moments)

    @classmethod
    def _from_block(cls, rows: np.ndarray, weight: np.ndarray, is_weighted: bool) -> Self:
        mean = weighted_nanmean(rows, weight)
        centered_rows = subtract_center(rows, mean)
        refuse_nan(weight @ centered_rows, centered_rows)
        refuse_overflow(np.einsum("ij,ij->j", centered_rows, centered_rows))
        if is_weighted:
            multiply_by_root(centered_rows, weight)
        total_weight = float(weight.sum()) if is_weighted else len(centered_rows)
        return cls(total_weight, mean, machine_epsilon(rows.dtype), triangular_factor(centered_rows))

    @property
    def scatter(self) -> np.ndarray:
        """The scatter matrix, as in `ScatterMoments`."""
        return np.asarray(self.factor.T @ self.factor)

    def to_scatter(self) -> ScatterMoments:
        """The same moments with the scatter matrix itself, which is cheaper to update."""
        return ScatterMoments(self.weight, self.mean, self.input_eps, self.scatter)

    def merge(self, other: Moments) -> Moments:
        """The moments of the rows of both; of the less exact kind if the kinds differ."""
        if isinstance(other, ScatterMoments):
            return other.merge(self)
        if not self.weight or not other.weight:
            return other if not self.weight else self
        total_weight, mean, delta = _merged_mean(self, other)
        between_row = np.sqrt(self.weight / total_weight * other.weight) * delta
        factor = triangular_factor(np.vstack([self.factor, other.factor, between_row]))
        return FactorMoments(total_weight, mean, max(self.input_eps, other.input_eps), factor)


def _merged_mean(moments: Moments, other: Moments) -> tuple[float, np.ndarray, np.ndarray]:
    """The weight and mean of the rows of both, and the difference of their means."""
    total_weight = moments.weight + other.weight
    delta = other.mean - moments.mean
    return total_weight, moments.mean + delta * (other.weight / total_weight), delta


def triangular_factor(factor: np.ndarray) -> np.ndarray:
    """A matrix R of at most as many rows as columns with ``R.T @ R == factor.T @ factor``."""
    return factor if len(factor) <= factor.shape[1] else np.asarray(np.linalg.qr(factor, mode="r"))
