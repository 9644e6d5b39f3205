"""Principal components: their variances and directions, and which of them are more than rounding error.

Variances divide by the weight of the rows minus one, as `sklearn.decomposition.PCA` does, so that integer
weights equal repeated rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from skneural.preprocessing.blocks import matrix_block_bytes, weighted_blocks
from skneural.preprocessing.moments import FeatureMoments, refuse_nan, subtract_center
from skneural.preprocessing.scatter import FactorMoments, ScatterMoments, machine_epsilon

EPS = float(np.finfo(np.float64).eps)
# Eigenvalues of a scatter matrix below this fraction of the largest have fewer than six exact digits.
ILL_CONDITIONED = 1e6 * EPS


@dataclass(frozen=True)
class PrincipalComponents:
    """Variances in descending order, and the directions that have them.

    Attributes
    ----------
    variances : ndarray of shape (n_components,), float64
    components : ndarray of shape (n_components, n_features), float64
        Orthonormal rows; in each, the entry of largest magnitude is positive.
    feature_variances : ndarray of shape (n_features,), float64
        Their sum is the total variance, also when only some components were computed.
    rounding : float
        Variances not above this fraction of the largest are rounding errors of the decomposition.
    """

    variances: np.ndarray
    components: np.ndarray
    feature_variances: np.ndarray
    rounding: float

    def significant(self, mean: np.ndarray, input_eps: float, rtol: float | None) -> np.ndarray:
        """Which components have variance: more than rounding error, or than ``rtol`` asks for.

        Along a direction v, values of root mean square rⱼ that are stored to a relative precision η and
        centred in float64 are known up to a variance of Σ vⱼ² rⱼ² (η² + d ε²): the rounding of the entries
        is independent from row to row, that of the d means is not.

        Parameters
        ----------
        mean : ndarray of shape (n_features,)
            Mean of each feature.
        input_eps : float
            The relative precision η of the values.
        rtol : float or None
            If given, a component is significant if its standard deviation exceeds ``rtol`` times the largest.

        Returns
        -------
        ndarray of shape (n_components,), bool
        """
        largest = self.variances.max(initial=0.0)
        if rtol is not None:
            return (self.variances > rtol**2 * largest) & (self.variances > 0)
        squares = mean**2 + self.feature_variances
        error = self.components**2 @ squares * (input_eps**2 + len(mean) * EPS**2)
        return self.variances > np.maximum(error, self.rounding * largest)


def is_ill_conditioned(moments: ScatterMoments) -> bool:
    """Whether a direction, constant features apart, has too little variance to be exact to six digits.

    Tested before the eigendecomposition, at a tenth of its cost: S − t I has a Cholesky factor if and only
    if no eigenvalue of S is below t. The Frobenius norm bounds the largest eigenvalue from above.
    """
    varies = np.diag(moments.scatter) > 0
    largest = float(moments.scatter.diagonal().max(initial=0)) or 1.0
    bound = largest * np.linalg.norm(moments.scatter / largest)  # without the division, squares may overflow
    shifted = moments.scatter.copy()
    shifted[np.diag_indices_from(shifted)] += np.where(varies, -ILL_CONDITIONED * bound, 1.0)
    try:
        np.linalg.cholesky(shifted)
    except np.linalg.LinAlgError:
        return True
    return False


def eigh_components(moments: ScatterMoments) -> PrincipalComponents:
    """Components by eigendecomposition of the scatter matrix; d³ operations for d features."""
    covariance = moments.scatter / (moments.weight - 1)
    feature_variances = np.diag(covariance).copy()
    values, vectors = np.linalg.eigh(covariance)
    rounding = len(values) * EPS
    return PrincipalComponents(np.maximum(values[::-1], 0.0), flip_signs(vectors.T[::-1]), feature_variances, rounding)


def svd_components(moments: FactorMoments) -> PrincipalComponents:
    """Components by singular value decomposition of the factor: exact down to tiny variances."""
    _, values, directions = np.linalg.svd(moments.factor, full_matrices=False)
    feature_variances = np.einsum("ij,ij->j", moments.factor, moments.factor) / (moments.weight - 1)
    rounding = (len(moments.mean) * EPS) ** 2
    return PrincipalComponents(values**2 / (moments.weight - 1), flip_signs(directions), feature_variances, rounding)


@dataclass(frozen=True)
class LeadingMoments:
    """Weight, mean, variance of each feature, and approximations of the leading directions only.

    Attributes
    ----------
    weight : int or float
    mean : ndarray of shape (n_features,), float64
    input_eps : float
        Machine epsilon of the input's dtype.
    square_sum : ndarray of shape (n_features,), float64
    eigenvalues : ndarray of shape (n_directions,), float64
        Of the scatter matrix, in descending order.
    directions : ndarray of shape (n_directions, n_features), float64
    """

    weight: float
    mean: np.ndarray
    input_eps: float
    square_sum: np.ndarray
    eigenvalues: np.ndarray
    directions: np.ndarray

    @classmethod
    def from_data(
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
        moments = FeatureMoments.from_data(X, sample_weight)
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
        return cls(weight, moments.mean, machine_epsilon(X.dtype), moments.square_sum, eigenvalues, directions)

    def merge(self, other: object) -> Self:
        """Always a ValueError: leading components of parts are not those of the whole."""
        raise ValueError(
            "svd_solver='randomized' keeps the leading directions only, which cannot be updated exactly. "
            "For partial_fit and merge use svd_solver='covariance_eigh' or 'full'."
        )


def leading_components(moments: LeadingMoments) -> PrincipalComponents:
    """The components that were computed."""
    degrees = moments.weight - 1
    variances, feature_variances = moments.eigenvalues / degrees, moments.square_sum / degrees
    return PrincipalComponents(variances, moments.directions, feature_variances, len(moments.mean) * EPS)


def _scatter_times(X: np.ndarray, sample_weight: np.ndarray | None, mean: np.ndarray, basis: np.ndarray) -> np.ndarray:
    product = np.zeros(basis.shape)
    for rows, weight in weighted_blocks(X, sample_weight, matrix_block_bytes(X.shape[1])):
        values = subtract_center(rows, mean)
        refuse_nan(weight @ values, values)
        product += values.T @ (weight[:, np.newaxis] * (values @ basis))
    return product


def flip_signs(components: np.ndarray) -> np.ndarray:
    """The components with signs such that the entry of largest magnitude is positive in each."""
    largest = np.take_along_axis(components, np.abs(components).argmax(axis=1)[:, np.newaxis], axis=1)
    return np.ascontiguousarray(components * np.where(largest < 0, -1.0, 1.0))
