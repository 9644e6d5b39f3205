"""Which principal components are kept: those that have variance, and of these as many as ``n_components`` asks for.

Variances divide by the weight of the rows minus one, as `sklearn.decomposition.PCA` does, so that integer
weights equal repeated rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral
from typing import Any, TypeAlias

import numpy as np

from skneural._sklearn_compat import _infer_dimension

EPS = float(np.finfo(np.float64).eps)
MAX_RATIO_OF_SINGLE_PRECISION = 100  # of standard deviations: rounding then moves a whitened covariance by < 1e-5

NComponents: TypeAlias = int | float | str | None  # the parameter ``n_components``


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
        null_reasons = [f"constant features: {n_constant}"] if n_constant else []
        if self.weight <= len(self.mean):
            return [*null_reasons, f"{self.weight} rows span at most {self.weight - 1} directions"]
        return null_reasons + ["features depend linearly on one another"] * (n_null > n_constant)


def check_n_components(n_components: NComponents, max_components: int) -> None:
    """Raise ValueError if there are not so many components."""
    if isinstance(n_components, Integral) and n_components > max_components:
        raise ValueError(
            f"n_components={n_components} must be between 1 and min(n_samples, n_features)="
            f"{max_components}. Lower it, or leave it at None to keep all directions."
        )


def select_components(
    candidates: PrincipalComponents, n_components: NComponents, rtol: float | None
) -> tuple[dict[str, Any], int]:
    """The requested components that have variance, as fitted attributes, and how many were requested in vain.

    Parameters
    ----------
    candidates : PrincipalComponents
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
    significant_components = np.flatnonzero(candidates.significant(rtol))
    n_wanted = n_requested(n_components, candidates.variances, candidates.feature_variances, candidates.weight)
    if not len(significant_components):
        raise ValueError(f"All {len(candidates.mean)} features are constant: there is no variance to whiten.")
    attributes = _kept_attributes(candidates, significant_components[:n_wanted])
    attributes["rank"] = len(significant_components)
    return attributes, max(0, n_wanted - len(significant_components))


def _kept_attributes(candidates: PrincipalComponents, kept: np.ndarray) -> dict[str, Any]:
    variances, total_variance = candidates.variances[kept], candidates.feature_variances.sum()
    n_left_out = min(int(candidates.weight), len(candidates.mean)) - len(kept)
    is_complete = candidates.is_complete and len(kept) == np.count_nonzero(candidates.significant())
    is_rounded = not is_complete and candidates.input_eps > EPS and _stand_single_precision(variances)
    return {
        "components": candidates.components[kept].astype(np.float32 if is_rounded else np.float64),
        "explained_variance": variances,
        "explained_variance_ratio": variances / total_variance,
        "singular_values": np.sqrt(variances * (candidates.weight - 1)),
        "n_components": len(kept),
        "noise_variance": max(0.0, float(total_variance - variances.sum()) / n_left_out) if n_left_out > 0 else 0.0,
        "is_complete": is_complete,
        "input_eps": candidates.input_eps,
    }


def _stand_single_precision(variances: np.ndarray) -> bool:
    # Whitening divides by standard deviations: the rounding of the largest direction grows by their ratio.
    return bool(variances.max(initial=0.0) <= MAX_RATIO_OF_SINGLE_PRECISION**2 * variances.min(initial=np.inf))


def n_requested(n_components: NComponents, variances: np.ndarray, feature_variances: np.ndarray, weight: float) -> int:
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
    if isinstance(n_components, str):
        return _n_most_likely(variances, len(feature_variances), weight)
    return _n_explaining(n_components, variances, feature_variances.sum())


def _n_explaining(fraction: float, variances: np.ndarray, total_variance: float) -> int:
    """How many components have more than this fraction of the variance."""
    explained_variance_ratios = np.cumsum(variances) / total_variance
    return min(int(np.searchsorted(explained_variance_ratios, fraction, side="right")) + 1, len(variances))


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
