"""Principal components: variances and directions, how they follow from moments, and which are mere rounding error.

Variances divide by the weight of the rows minus one, as `sklearn.decomposition.PCA` does, so that integer
weights equal repeated rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np

from skneural._sklearn_compat import _infer_dimension
from skneural.preprocessing.scatter import FactorMoments, ScatterMoments

EPS = float(np.finfo(np.float64).eps)
MAX_RATIO_OF_SINGLE_PRECISION = 100  # of standard deviations: rounding then moves a whitened covariance by < 1e-5


@dataclass(frozen=True)
class PrincipalComponents:
    """Variances in descending order, the directions that have them, and what is known of the rows besides.

    Attributes
    ----------
    variances : ndarray of shape (n_components,), float64
    components : ndarray of shape (n_components, n_features), float64
        Orthonormal rows; in each, the entry of largest magnitude is positive.
    rounding : float
        Variances not above this fraction of the largest are rounding errors of the decomposition.
    weight : int or float
        Number of rows, or sum of their weights.
    mean : ndarray of shape (n_features,), float64
    feature_variances : ndarray of shape (n_features,), float64
        Their sum is the total variance, also when only the leading components were computed.
    input_eps : float
        Relative precision of the values: machine epsilon of the coarsest dtype among the inputs.
    is_complete : bool, default=True
        Whether there is no variance in other directions.
    """

    variances: np.ndarray
    components: np.ndarray
    rounding: float
    weight: float
    mean: np.ndarray
    feature_variances: np.ndarray
    input_eps: float
    is_complete: bool = True

    def significant(self, rtol: float | None = None) -> np.ndarray:
        """Which components have variance: more than rounding error, or than ``rtol`` asks for.

        Along a direction v, values of root mean square rⱼ that are stored to a relative precision η and
        centred in float64 are known up to a variance of Σ vⱼ² rⱼ² (η² + d ε²): the rounding of the entries
        is independent from row to row, that of the d means is not.

        Parameters
        ----------
        rtol : float or None, default=None
            If given, a component is significant if its standard deviation exceeds ``rtol`` times the largest.

        Returns
        -------
        ndarray of shape (n_components,), bool
        """
        largest_variance = self.variances.max(initial=0.0)
        if rtol is not None:
            return (self.variances > rtol**2 * largest_variance) & (self.variances > 0)
        mean_squares = self.mean**2 + self.feature_variances
        variance_error = self.components**2 @ mean_squares * (self.input_eps**2 + len(self.mean) * EPS**2)
        return self.variances > np.maximum(variance_error, self.rounding * largest_variance)

    def reasons_for_null_directions(self, n_null: int) -> list[str]:
        """Why so many directions have no variance, in words."""
        n_constant = int((self.feature_variances == 0).sum())
        reasons = [f"constant features: {n_constant}"] if n_constant else []
        if self.weight <= len(self.mean):
            reasons.append(f"{self.weight} rows span at most {self.weight - 1} directions")
        elif n_null > n_constant:
            reasons.append("features depend linearly on one another")
        return reasons


def eigh_components(moments: ScatterMoments) -> PrincipalComponents:
    """Components by eigendecomposition of the scatter matrix; d³ operations for d features."""
    covariance = moments.scatter / degrees_of_freedom(moments.weight)
    variances, eigenvectors = np.linalg.eigh(covariance)
    return PrincipalComponents(
        variances=np.maximum(variances[::-1], 0.0),
        components=flip_signs(eigenvectors.T[::-1]),
        rounding=len(variances) * EPS,
        weight=moments.weight,
        mean=moments.mean,
        feature_variances=np.diag(covariance).copy(),
        input_eps=moments.input_eps,
    )


def svd_components(moments: FactorMoments) -> PrincipalComponents:
    """Components by singular value decomposition of the factor: exact down to tiny variances."""
    n_degrees = degrees_of_freedom(moments.weight)
    _, singular_values, components = np.linalg.svd(moments.factor, full_matrices=False)
    return PrincipalComponents(
        variances=singular_values**2 / n_degrees,
        components=flip_signs(components),
        rounding=(len(moments.mean) * EPS) ** 2,
        weight=moments.weight,
        mean=moments.mean,
        feature_variances=np.einsum("ij,ij->j", moments.factor, moments.factor) / n_degrees,
        input_eps=moments.input_eps,
    )


def degrees_of_freedom(weight: float) -> float:
    """What sums of squares are divided by: the weight minus one; a ValueError if there is nothing left."""
    if not weight > 1:
        raise ValueError(
            f"n_samples={weight} rows (or sum of their weights) have no covariance. Expected more "
            "than one: fit more rows, or scale the weights so that each counts rows."
        )
    return weight - 1


def flip_signs(components: np.ndarray) -> np.ndarray:
    """The components with signs such that the entry of largest magnitude is positive in each."""
    largest_entry = np.take_along_axis(components, np.abs(components).argmax(axis=1)[:, np.newaxis], axis=1)
    return np.ascontiguousarray(components * np.where(largest_entry < 0, -1.0, 1.0))


def select_components(
    found: PrincipalComponents, n_components: int | float | str | None, rtol: float | None
) -> tuple[dict[str, Any], int]:
    """The requested components that have variance, as fitted attributes, and how many were requested in vain.

    Parameters
    ----------
    found : PrincipalComponents
        Candidates.
    n_components, rtol
        As in `PCAWhitener`.

    Returns
    -------
    attributes : dict
        Without the trailing underscores; besides, whether all directions with variance are kept, and ``input_eps``.
        Components that nothing can be added to are rounded to single precision, if the rows had no more and whitening
        stands it.
    n_null : int
    """
    significant_components = np.flatnonzero(found.significant(rtol))
    n_requested_components = n_requested(n_components, found.variances, found.feature_variances, found.weight)
    if not len(significant_components):
        raise ValueError(f"All {len(found.mean)} features are constant: there is no variance to whiten.")
    kept = significant_components[:n_requested_components]
    variances, total_variance = found.variances[kept], found.feature_variances.sum()
    n_left_out = min(int(found.weight), len(found.mean)) - len(kept)
    is_complete = found.is_complete and len(kept) == np.count_nonzero(found.significant())
    # Whitening divides by standard deviations: the rounding of the largest direction grows by their ratio.
    largest_variance = MAX_RATIO_OF_SINGLE_PRECISION**2 * variances.min(initial=np.inf)
    stands_rounding = found.input_eps > EPS and variances.max(initial=0.0) <= largest_variance
    attributes = {
        "components": found.components[kept].astype(np.float64 if is_complete or not stands_rounding else np.float32),
        "explained_variance": variances,
        "explained_variance_ratio": variances / total_variance,
        "singular_values": np.sqrt(variances * (found.weight - 1)),
        "n_components": len(kept),
        "noise_variance": max(0.0, float(total_variance - variances.sum()) / n_left_out) if n_left_out > 0 else 0.0,
        "rank": len(significant_components),
        "is_complete": is_complete,
        "input_eps": found.input_eps,
    }
    return attributes, max(0, n_requested_components - len(significant_components))


def n_requested(
    n_components: int | float | str | None, variances: np.ndarray, feature_variances: np.ndarray, weight: float
) -> int:
    """The number of components that the parameter ``n_components`` asks for, whether or not they have variance.

    Parameters
    ----------
    n_components : int, float, "mle" or None
        As in `PCAWhitener`.
    variances : ndarray
        Of all components in descending order, or of those that an int asks for.
    feature_variances : ndarray of shape (n_features,)
        Variance of each feature.
    weight : float
        Number of rows, or sum of their weights.

    Returns
    -------
    int
    """
    if n_components is None:
        return len(feature_variances)
    if isinstance(n_components, Integral):
        return int(n_components)
    if n_components == "mle":
        return _n_most_likely(variances, len(feature_variances), weight)
    explained_variance_ratios = np.cumsum(variances) / feature_variances.sum()
    return min(int(np.searchsorted(explained_variance_ratios, n_components, side="right")) + 1, len(variances))


def _n_most_likely(variances: np.ndarray, n_features: int, weight: float) -> int:
    """Minka's maximum likelihood estimate, as in `sklearn.decomposition.PCA`."""
    if weight < n_features:
        raise ValueError(
            f"n_components='mle' needs at least as many rows as features. Got {weight} rows (or sum of their weights) "
            f"of {n_features} features: pass a number of components."
        )
    try:
        return int(_infer_dimension(variances, weight))
    except ValueError as error:
        raise ValueError(
            "n_components='mle' cannot compare directions of equal variance. Pass a number of components."
        ) from error
