"""Leading eigenvectors of a large scatter matrix that is never formed, by a block Krylov method.

The first block is random; each step multiplies the newest block by the scatter matrix S and appends what is orthogonal
to the blocks before. In the space V that they span, the eigenvectors of Vᵀ S V (Rayleigh-Ritz) approximate those of S
[1]_. However close they are, the covariance of the rows projected on them is diagonal to rounding error.

.. [1] C. Musco, C. Musco, "Randomized block Krylov methods for stronger and faster approximate singular value
   decomposition", NIPS 28, 2015, :arxiv:`1504.05477`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import RandomState
from scipy import sparse

from skneural.preprocessing.mean_and_variance import FeatureMoments
from skneural.preprocessing.row_blocks import (
    MATRIX_BLOCK_BYTES,
    Array,
    SampleWeight,
    matrix_block_bytes,
    multiply_by_root,
    refuse_nan,
    row_blocks,
    rows_per_block,
    subtract_center,
)

# Columns per block besides the eigenvectors that are asked for.
OVERSAMPLING = 6
# Steps, each of which reads the rows once. For ten eigenvectors, scikit-learn's randomized PCA multiplies as often.
MAX_STEPS = 9
# Convergence is tested after so many steps each: small decompositions take time where BLAS has to wait for threads.
STEPS_PER_TEST = 3
# An eigenvector v has converged if S v differs from a multiple of v by at most this fraction of the largest eigenvalue.
TOLERANCE = {np.dtype(np.float64): 1e-8, np.dtype(np.float32): 1e-6}
# Columns whose squared length is below this fraction of the longest one's in their block are linearly dependent.
DEPENDENT = 1e-14
# What is left of a product after projection, as a fraction of it, is rounding error up to this bound.
ROUNDING = 1e-13

# Float32 rows are multiplied in single precision if the largest sum of their squares is in this range.
SINGLE_PRECISION_SQUARES = (1e-20, 1e30)

Product = Callable[[np.ndarray], np.ndarray]


def leading_eigenvectors(
    multiply: Product, start: np.ndarray, n_components: int, tolerance: float
) -> tuple[np.ndarray, np.ndarray]:
    """The largest eigenvalues of a symmetric matrix S, in descending order, and their eigenvectors.

    Parameters
    ----------
    multiply : callable
        Returns the product of S and a block of columns, as a new array.
    start : ndarray of shape (n_features, block_size)
        Random columns, at least ``n_components``.
    n_components : int
        The number of eigenvalues.
    tolerance : float
        See `TOLERANCE`. After `MAX_STEPS` steps the approximations are returned as they are.

    Returns
    -------
    eigenvalues : ndarray of shape (n_components,)
    eigenvectors : ndarray of shape (n_features, n_components)
        Orthonormal columns.
    """
    krylov_space = KrylovSpace(np.empty((len(start), 0)), np.empty((0, 0)))
    krylov_block = orthonormalize(start, krylov_space.basis, 0.0)
    leading = slice(-1, -n_components - 1, -1)
    for step in range(1, MAX_STEPS + 1):
        krylov_product, newest = multiply(krylov_block), slice(-krylov_block.shape[1], None)
        rounding = ROUNDING * float(np.linalg.norm(krylov_product))
        krylov_product -= krylov_space.extend(krylov_block, krylov_product)
        krylov_block = krylov_product[:, :0]
        if step < MAX_STEPS:
            krylov_block = orthonormalize(krylov_product, krylov_space.basis, rounding)
        if step % STEPS_PER_TEST == 0 or not krylov_block.size:
            eigenvalues, ritz_vectors = np.linalg.eigh(krylov_space.projected_matrix, UPLO="U")
            ritz_residuals = np.linalg.norm(krylov_product @ ritz_vectors[newest, leading], axis=0)
            if ritz_residuals.max() <= tolerance * eigenvalues[-1] or not krylov_block.size:
                break
    return np.maximum(eigenvalues[leading], 0.0), krylov_space.basis @ ritz_vectors[:, leading]


@dataclass
class KrylovSpace:
    """The space that the blocks so far span.

    Attributes
    ----------
    basis : ndarray of shape (n_features, n_columns)
        The blocks side by side.
    projected_matrix : ndarray of shape (n_columns, n_columns)
        The upper triangle of ``basis.T @ S @ basis``, to which each block adds columns.
    """

    basis: np.ndarray
    projected_matrix: np.ndarray

    def extend(self, krylov_block: np.ndarray, krylov_product: np.ndarray) -> np.ndarray:
        """Append a block, whose product with S is given; the part of that in the space is returned."""
        newest = slice(-krylov_block.shape[1], None)
        self.basis = np.hstack([self.basis, krylov_block])
        self.projected_matrix = np.pad(self.projected_matrix, (0, krylov_block.shape[1]))
        self.projected_matrix[:, newest] = self.basis.T @ krylov_product
        return self.basis @ self.projected_matrix[:, newest]


def orthonormalize(krylov_block: np.ndarray, krylov_basis: np.ndarray, rounding: float) -> np.ndarray:
    """Orthonormal columns, orthogonal to a basis, for a block that is orthogonal to it but for rounding errors.

    By eigendecomposition of the block's small Gram matrix, twice. A QR decomposition would call BLAS column by column,
    and each call waits for all of its threads. Columns that depend linearly on others, or are no longer than
    ``rounding``, are left out.
    """
    krylov_block = _orthonormal_columns(krylov_block, rounding)
    return _orthonormal_columns(krylov_block - krylov_basis @ (krylov_basis.T @ krylov_block), 0.0)


def _orthonormal_columns(krylov_block: np.ndarray, rounding: float) -> np.ndarray:
    squared_lengths, vectors = np.linalg.eigh(krylov_block.T @ krylov_block)
    is_independent = squared_lengths > max(rounding**2, DEPENDENT * squared_lengths.max(initial=0.0))
    return krylov_block @ (vectors[:, is_independent] / np.sqrt(squared_lengths[is_independent]))


def leading_scatter_eigenvectors(
    X: Array, sample_weight: SampleWeight, moments: FeatureMoments, n_components: int, random_state: RandomState
) -> tuple[np.ndarray, np.ndarray]:
    """`leading_eigenvectors` of the scatter matrix of X, whose moments are known.

    Float32 rows are multiplied in single precision, and once more in double precision for the final rotation.
    """
    start = random_state.standard_normal((X.shape[1], min(n_components + OVERSAMPLING, X.shape[1])))
    multiply, dtype = scatter_product(X, sample_weight, moments)
    eigenvalues, eigenvectors = leading_eigenvectors(multiply, start, n_components, TOLERANCE[dtype])
    if dtype == np.float64:
        return eigenvalues, eigenvectors
    eigenvalues, rotation = np.linalg.eigh(projected_scatter(X, sample_weight, moments.mean, eigenvectors))
    return np.maximum(eigenvalues[::-1], 0.0), eigenvectors @ rotation[:, ::-1]


def scatter_product(X: Array, sample_weight: SampleWeight, moments: FeatureMoments) -> tuple[Product, np.dtype]:
    """A function that multiplies the scatter matrix of X and a block of columns, and the precision of its products."""
    if sparse.issparse(X):
        return sparse_scatter_product(X, sample_weight, moments.mean), np.dtype(np.float64)
    smallest, largest = SINGLE_PRECISION_SQUARES
    dtype = X.dtype if smallest < moments.square_sum.max() < largest else np.dtype(np.float64)
    return dense_scatter_product(X, sample_weight, moments.mean, dtype), dtype


def dense_scatter_product(X: np.ndarray, sample_weight: SampleWeight, mean: np.ndarray, dtype: np.dtype) -> Product:
    """A function that multiplies the scatter matrix of X and a block of columns, reading the rows once.

    Products are in the precision of ``dtype``, their sums over blocks of rows in double precision.
    """
    block_bytes = matrix_block_bytes(X.shape[1])
    buffer = np.empty((rows_per_block(X, block_bytes), X.shape[1]), dtype)
    is_centered = False  # where one block holds all rows, they are centred once

    def multiply(columns: np.ndarray) -> np.ndarray:
        nonlocal is_centered
        scatter_times_columns = np.zeros(columns.shape)
        columns = columns.astype(dtype, copy=False)
        for rows in row_blocks(X, block_bytes):
            centered_rows = buffer if is_centered else subtract_center(X[rows], mean, out=buffer)
            scores = centered_rows @ columns
            refuse_nan(scores[:, :1], centered_rows)
            if sample_weight is not None:
                scores *= sample_weight[rows, np.newaxis].astype(dtype)
            scatter_times_columns += centered_rows.T @ scores
        is_centered = len(buffer) == len(X)
        return scatter_times_columns

    return multiply


def sparse_scatter_product(X: sparse.csr_array, sample_weight: SampleWeight, mean: np.ndarray) -> Product:
    """The same for sparse rows, in double precision; the mean is subtracted from the products, not from the rows."""
    X = X.astype(np.float64, copy=False)
    refuse_nan(X.data, X.data)

    def multiply(columns: np.ndarray) -> np.ndarray:
        scores = X @ columns - mean @ columns
        if sample_weight is not None:
            scores *= sample_weight[:, np.newaxis]
        return X.T @ scores - np.outer(mean, scores.sum(axis=0))

    return multiply


def projected_scatter(X: Array, sample_weight: SampleWeight, mean: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """``columns.T @ S @ columns`` in double precision, S the scatter matrix of X."""
    buffer = np.empty((rows_per_block(X, MATRIX_BLOCK_BYTES), X.shape[1]))
    projected_matrix = np.zeros((columns.shape[1], columns.shape[1]))
    for rows in row_blocks(X, MATRIX_BLOCK_BYTES):
        scores = subtract_center(X[rows], mean, out=buffer) @ columns
        if sample_weight is not None:
            multiply_by_root(scores, sample_weight[rows])
        projected_matrix += scores.T @ scores
    return projected_matrix
