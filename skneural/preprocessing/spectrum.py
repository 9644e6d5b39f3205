"""Principal directions of moments: variances with their directions, and which of them are more than rounding.

Variances divide by the weight of the rows minus one, as `sklearn.decomposition.PCA` does, so that integer
weights equal repeated rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from skneural.preprocessing.blocks import matrix_block_bytes, weighted_blocks
from skneural.preprocessing.moments import (
    FactorMoments,
    FeatureMoments,
    ScatterMoments,
    deviations,
    refuse_missing,
    resolution_of,
)

EPS = float(np.finfo(np.float64).eps)
# Variances below this share of the largest have fewer than six exact digits in a scatter matrix's spectrum.
ILL_CONDITIONED_SHARE = 1e6 * EPS


@dataclass(frozen=True)
class Spectrum:
    """Variances in descending order, and the directions that have them.

    Attributes
    ----------
    variances : ndarray of shape (n_directions,), float64
    directions : ndarray of shape (n_directions, n_features), float64
        Orthonormal rows; in each, the entry of largest magnitude is positive.
    feature_variances : ndarray of shape (n_features,), float64
        Their sum is the total variance, also when only some directions were computed.
    rounding : float
        Variances not above this share of the largest are rounding of the decomposition.
    """

    variances: np.ndarray
    directions: np.ndarray
    feature_variances: np.ndarray
    rounding: float

    def significant(self, mean: np.ndarray, resolution: float, rtol: float | None) -> np.ndarray:
        """Which directions carry variance: more than rounding, or than ``rtol`` asks for.

        Along a direction v, values of root mean square rⱼ that are stored to a relative precision η and
        centred in float64 are known up to a variance of Σ vⱼ² rⱼ² (η² + d ε²): the rounding of the entries
        is independent from row to row, that of the d means is not.

        Parameters
        ----------
        mean : ndarray of shape (n_features,)
            Mean of each feature.
        resolution : float
            The relative precision η of the values.
        rtol : float or None
            If given, a direction is significant if its standard deviation exceeds ``rtol`` times the largest.

        Returns
        -------
        ndarray of shape (n_directions,), bool
        """
        largest = self.variances.max(initial=0.0)
        if rtol is not None:
            return (self.variances > rtol**2 * largest) & (self.variances > 0)
        squares = mean**2 + self.feature_variances
        known = self.directions**2 @ squares * (resolution**2 + len(mean) * EPS**2)
        return self.variances > np.maximum(known, self.rounding * largest)


def is_ill_conditioned(moments: ScatterMoments) -> bool:
    """Whether a direction, constant features apart, has too little variance to be exact to six digits.

    Asked before the eigendecomposition, at a tenth of its cost: S − t I has a Cholesky factor if and only
    if no eigenvalue of S is below t. The Frobenius norm bounds the largest eigenvalue from above.
    """
    varies = np.diag(moments.scatter) > 0
    largest = float(moments.scatter.diagonal().max(initial=0)) or 1.0
    bound = largest * np.linalg.norm(moments.scatter / largest)  # of the norm itself the squares may overflow
    shifted = moments.scatter.copy()
    shifted[np.diag_indices_from(shifted)] += np.where(varies, -ILL_CONDITIONED_SHARE * bound, 1.0)
    try:
        np.linalg.cholesky(shifted)
    except np.linalg.LinAlgError:
        return True
    return False


def scatter_spectrum(moments: ScatterMoments) -> Spectrum:
    """Spectrum by eigendecomposition of the scatter matrix; d³ operations for d features."""
    covariance = moments.scatter / (moments.weight - 1)
    feature_variances = np.diag(covariance).copy()
    values, vectors = np.linalg.eigh(covariance)
    rounding = len(values) * EPS
    return Spectrum(np.maximum(values[::-1], 0.0), flip_signs(vectors.T[::-1]), feature_variances, rounding)


def factor_spectrum(moments: FactorMoments) -> Spectrum:
    """Spectrum by singular value decomposition of the factor: exact down to tiny variances."""
    _, values, directions = np.linalg.svd(moments.factor, full_matrices=False)
    feature_variances = np.einsum("ij,ij->j", moments.factor, moments.factor) / (moments.weight - 1)
    rounding = (len(moments.mean) * EPS) ** 2
    return Spectrum(values**2 / (moments.weight - 1), flip_signs(directions), feature_variances, rounding)


@dataclass(frozen=True)
class LeadingMoments:
    """Weight, mean, variance of each feature, and approximations of the leading directions only.

    Attributes
    ----------
    weight : int or float
    mean : ndarray of shape (n_features,), float64
    resolution : float
        Machine epsilon of the input's dtype.
    square_sum : ndarray of shape (n_features,), float64
    eigenvalues : ndarray of shape (n_directions,), float64
        Of the scatter matrix, in descending order.
    directions : ndarray of shape (n_directions, n_features), float64
    """

    weight: float
    mean: np.ndarray
    resolution: float
    square_sum: np.ndarray
    eigenvalues: np.ndarray
    directions: np.ndarray

    @classmethod
    def of(
        cls,
        X: np.ndarray,
        sample_weight: np.ndarray | None,
        n_directions: int,
        random_state: np.random.RandomState,
    ) -> Self:
        """The moments of X, by subspace iteration from random directions.

        X is read six times, in blocks; besides a block, a few n_features × n_directions arrays are kept.

        Notes
        -----
        Each reading but the first multiplies an orthonormal basis by the scatter matrix; the last solves the
        eigenproblem within the basis (Rayleigh-Ritz). See N. Halko, P. G. Martinsson, J. A. Tropp, "Finding
        structure with randomness", SIAM Review 53(2), 2011, algorithm 4.4, with the scatter matrix for A Aᵀ.
        """
        moments = FeatureMoments.of(X, sample_weight)
        n_basis = min(n_directions + 10, X.shape[1])
        basis = random_state.standard_normal((X.shape[1], n_basis))
        for _ in range(4):
            basis = np.linalg.qr(_scatter_times(X, sample_weight, moments.mean, basis))[0]
        inner = basis.T @ _scatter_times(X, sample_weight, moments.mean, basis)
        values, vectors = np.linalg.eigh((inner + inner.T) / 2)
        leading = slice(None, -n_directions - 1, -1)
        eigenvalues = np.maximum(values[leading], 0.0)
        directions = flip_signs((basis @ vectors[:, leading]).T)
        weight = moments.weight.max().item()
        return cls(weight, moments.mean, resolution_of(X), moments.square_sum, eigenvalues, directions)

    def merge(self, other: object) -> Self:
        """Refused: leading directions of parts are not those of the whole."""
        raise ValueError(
            "svd_solver='randomized' keeps the leading directions only, which cannot be updated exactly. "
            "For partial_fit and merge use svd_solver='covariance_eigh' or 'full'."
        )


def leading_spectrum(moments: LeadingMoments) -> Spectrum:
    """Spectrum of the directions that were computed."""
    degrees = moments.weight - 1
    variances, feature_variances = moments.eigenvalues / degrees, moments.square_sum / degrees
    return Spectrum(variances, moments.directions, feature_variances, len(moments.mean) * EPS)


def _scatter_times(X: np.ndarray, sample_weight: np.ndarray | None, mean: np.ndarray, basis: np.ndarray) -> np.ndarray:
    product = np.zeros(basis.shape)
    for rows, weight in weighted_blocks(X, sample_weight, matrix_block_bytes(X.shape[1])):
        values = deviations(rows, mean)
        refuse_missing(weight @ values, values)
        product += values.T @ (weight[:, np.newaxis] * (values @ basis))
    return product


def flip_signs(directions: np.ndarray) -> np.ndarray:
    """The directions with signs such that the entry of largest magnitude is positive in each."""
    largest = np.take_along_axis(directions, np.abs(directions).argmax(axis=1)[:, np.newaxis], axis=1)
    return np.ascontiguousarray(directions * np.where(largest < 0, -1.0, 1.0))
