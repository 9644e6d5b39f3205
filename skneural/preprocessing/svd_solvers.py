"""How principal components of rows are computed: the values of ``svd_solver``, and which of them "auto" takes.

With n rows, d features and k components, about so many multiplications:

- "covariance_eigh": n d² / 2 for the scatter matrix and 10 d³ for its eigenvalues; small variances lose digits;
- "gram_eigh": the same with n and d exchanged, by the matrix of inner products of the centred rows;
- "full": several times as many, and small variances keep their digits;
- "randomized": 2 · 9 n d (k + 6) for the leading components alone, exact if their variances differ enough.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from numbers import Integral
from typing import Any, TypeAlias

import numpy as np
from numpy.random import RandomState
from scipy import sparse

from skneural.preprocessing import block_krylov
from skneural.preprocessing.component_selection import EPS, NComponents, PrincipalComponents, n_requested
from skneural.preprocessing.covariance import (
    FactorMoments,
    ScatterMoments,
    degrees_of_freedom,
    machine_epsilon,
    scatter_for_fit,
)
from skneural.preprocessing.mean_and_variance import FeatureMoments
from skneural.preprocessing.row_blocks import (
    MATRIX_BLOCK_BYTES,
    Array,
    SampleWeight,
    multiply_by_root,
    refuse_nan,
    subtract_center,
    to_dense,
)

# "auto" decomposes matrices up to this size exactly, and larger ones if that takes less than so many times as long.
EXACT_SIZE = 500
EXACT_COST = 4
# Eigenvalues below this fraction of the largest have fewer than six exact digits.
ILL_CONDITIONED = 1e6 * EPS

Solver: TypeAlias = Callable[[Array, SampleWeight, NComponents, RandomState], PrincipalComponents]


def fit_components(
    X: Array, sample_weight: SampleWeight, svd_solver: str, n_components: NComponents, random_state: RandomState
) -> tuple[str, PrincipalComponents]:
    """The principal components of X, and the name of the solver that computed them."""
    name = choose_svd_solver(X, n_components) if svd_solver == "auto" else svd_solver
    components = SVD_SOLVERS[name](X, sample_weight, n_components, random_state)
    if svd_solver == "auto" and name.endswith("_eigh") and is_ill_conditioned(components, n_components, sample_weight):
        return "full", full(X, sample_weight)
    return name, components


def check_svd_solver(svd_solver: str, n_components: NComponents) -> None:
    """Raise ValueError if the solver needs another ``n_components``."""
    if svd_solver == "randomized" and not isinstance(n_components, Integral):
        raise ValueError(f"Got n_components={n_components!r}, but svd_solver='randomized' expects an integer.")


def choose_svd_solver(X: Array, n_components: NComponents) -> str:
    """The solver that "auto" starts with, by the size of X and the number of components."""
    if isinstance(n_components, Integral) and _randomized_is_faster(X, int(n_components)):
        return "randomized"
    return "covariance_eigh" if X.shape[0] >= X.shape[1] else "gram_eigh"


def _randomized_is_faster(X: Array, n_components: int) -> bool:
    (n_rows, n_features), matrix_size = X.shape, min(X.shape)
    basis_size = block_krylov.MAX_STEPS * (n_components + block_krylov.OVERSAMPLING)
    n_stored = X.nnz if sparse.issparse(X) else n_rows * n_features
    exact_cost = n_rows * n_features * matrix_size / 2 + 10 * matrix_size**3
    randomized_cost = 2 * basis_size * n_stored + 2 * n_features * basis_size**2 + 10 * basis_size**3
    return bool(max(basis_size, EXACT_SIZE) < matrix_size and EXACT_COST * randomized_cost < exact_cost)


def is_ill_conditioned(computed: PrincipalComponents, n_components: NComponents, sample_weight: SampleWeight) -> bool:
    """Whether a requested component has so little variance that its eigenvalue has fewer than six exact digits.

    Directions that have no variance for certain do not count: of constant features, and beyond the number of rows.
    """
    n_needed = n_requested(n_components, computed.variances, computed.feature_variances, computed.weight)
    eigenvalues = computed.variances[: min(n_needed, _max_rank(computed, sample_weight))]
    return bool(eigenvalues.min(initial=np.inf) < ILL_CONDITIONED * computed.variances[0])


def _max_rank(computed: PrincipalComponents, sample_weight: SampleWeight) -> int:
    n_weighted_rows = computed.weight if sample_weight is None else np.count_nonzero(sample_weight)
    return int(min(n_weighted_rows - 1, np.count_nonzero(computed.feature_variances)))


def covariance_eigh(X: Array, sample_weight: SampleWeight, *_: Any) -> PrincipalComponents:
    """All components, by eigendecomposition of the scatter matrix."""
    return eigh_components(scatter_for_fit(X, sample_weight))


def full(X: Array, sample_weight: SampleWeight, *_: Any) -> PrincipalComponents:
    """All components, by singular value decomposition of the centred rows or of a triangular factor of them."""
    return svd_components(FactorMoments.from_data(X, sample_weight))


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


def flip_signs(components: np.ndarray) -> np.ndarray:
    """The components with signs such that the entry of largest magnitude is positive in each."""
    largest_entry = np.take_along_axis(components, np.abs(components).argmax(axis=1)[:, np.newaxis], axis=1)
    return np.ascontiguousarray(components * np.where(largest_entry < 0, -1.0, 1.0))


def gram_eigh(
    X: Array, sample_weight: SampleWeight, n_components: NComponents, random_state: RandomState
) -> PrincipalComponents:
    """The requested components, by eigendecomposition of the matrix of inner products of the centred rows."""
    moments = FeatureMoments.from_data(X, sample_weight)
    statistics = _row_statistics(moments, X.dtype)
    eigenvalues, gram_vectors = _gram_eigenvectors(X, sample_weight, moments.mean)
    variances, n_wanted = eigenvalues / degrees_of_freedom(statistics["weight"]), len(eigenvalues)
    if n_components != "mle":  # which compares all variances, when the components are selected
        n_wanted = n_requested(n_components, variances, statistics["feature_variances"], statistics["weight"])
    gram_vectors = _divide_by_singular_values(gram_vectors[:, :n_wanted], eigenvalues[:n_wanted])
    return PrincipalComponents(
        variances=variances[:n_wanted],
        components=flip_signs(_gram_components(X, sample_weight, moments.mean, gram_vectors)),
        rounding=X.shape[0] * EPS,
        is_complete=n_wanted >= min(X.shape[0] - 1, X.shape[1]),
        **statistics,
    )


def _row_statistics(moments: FeatureMoments, dtype: np.dtype) -> dict[str, Any]:
    """What `PrincipalComponents` says of the rows."""
    weight = moments.weight.max().item()
    variances = moments.square_sum / degrees_of_freedom(weight)
    return {"weight": weight, "mean": moments.mean, "feature_variances": variances, "input_eps": machine_epsilon(dtype)}


def _gram_eigenvectors(X: Array, sample_weight: SampleWeight, mean: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues of the matrix of inner products of the centred rows, in descending order, and its eigenvectors."""
    gram = np.zeros((X.shape[0], X.shape[0]))
    for centered_columns in _centered_columns(X, sample_weight, mean):
        gram += centered_columns @ centered_columns.T
        refuse_nan(gram.diagonal(), centered_columns)
    eigenvalues, gram_vectors = np.linalg.eigh(gram)
    leading = slice(None, -min(X.shape) - 1, -1)  # there are no more directions than features
    return np.maximum(eigenvalues[leading], 0.0), gram_vectors[:, leading]


def _divide_by_singular_values(gram_vectors: np.ndarray, eigenvalues: np.ndarray) -> np.ndarray:
    is_positive = eigenvalues > len(gram_vectors) * EPS * eigenvalues[0]
    singular_values = np.sqrt(eigenvalues, where=is_positive, out=np.full(len(eigenvalues), np.inf))
    return gram_vectors / singular_values


def _gram_components(X: Array, sample_weight: SampleWeight, mean: np.ndarray, gram_vectors: np.ndarray) -> np.ndarray:
    """The directions that belong to the divided eigenvectors of the matrix of inner products."""
    return np.hstack([gram_vectors.T @ columns for columns in _centered_columns(X, sample_weight, mean)])


def _centered_columns(X: Array, sample_weight: SampleWeight, mean: np.ndarray) -> Iterator[np.ndarray]:
    """Blocks of columns, dense and in float64, minus their means and times the roots of the weights."""
    X = X.tocsc() if sparse.issparse(X) else X
    n_block_columns = max(1, MATRIX_BLOCK_BYTES // (8 * X.shape[0]))
    for start in range(0, X.shape[1], n_block_columns):
        columns = slice(start, start + n_block_columns)
        centered_columns = subtract_center(to_dense(X[:, columns]), mean[columns])
        if sample_weight is not None:
            multiply_by_root(centered_columns, sample_weight)
        yield centered_columns


def randomized(
    X: Array, sample_weight: SampleWeight, n_components: NComponents, random_state: RandomState
) -> PrincipalComponents:
    """The leading components alone, by block Krylov iteration from random directions."""
    assert isinstance(n_components, int | Integral)
    moments = FeatureMoments.from_data(X, sample_weight)
    statistics = _row_statistics(moments, X.dtype)
    eigenvalues, vectors = block_krylov.leading_scatter_eigenvectors(
        X, sample_weight, moments, int(n_components), random_state
    )
    return PrincipalComponents(
        variances=eigenvalues / degrees_of_freedom(statistics["weight"]),
        components=flip_signs(vectors.T),
        rounding=len(moments.mean) * EPS,
        is_complete=False,
        **statistics,
    )


SVD_SOLVERS: dict[str, Solver] = {
    "covariance_eigh": covariance_eigh,
    "gram_eigh": gram_eigh,
    "full": full,
    "randomized": randomized,
}

# Those that `partial_fit` and `merge` can use: the moments that they keep, and how components follow from them.
STREAMING_SOLVERS: dict[str, tuple[Any, Any]] = {
    "covariance_eigh": (ScatterMoments, eigh_components),
    "full": (FactorMoments, svd_components),
}


def refuse_streaming(svd_solver: str) -> None:
    """Raise ValueError if the solver is not one that `partial_fit` can begin with."""
    if svd_solver in ("gram_eigh", "randomized"):
        raise ValueError(
            f"svd_solver={svd_solver!r} keeps nothing that rows can be added to. For partial_fit use "
            "svd_solver='auto', 'covariance_eigh' or 'full'."
        )


def streaming_moments(X: Array, sample_weight: SampleWeight, svd_solver: str) -> ScatterMoments | FactorMoments:
    """The moments of X that are kept where components were computed by this solver and rows are added."""
    kind = FactorMoments if svd_solver in ("full", "gram_eigh") else ScatterMoments
    return kind.from_data(X, sample_weight)
