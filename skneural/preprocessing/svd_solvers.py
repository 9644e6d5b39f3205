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
from typing import Any

import numpy as np
from scipy import sparse

from skneural.preprocessing import block_krylov
from skneural.preprocessing.blocks import MATRIX_BLOCK_BYTES, Array
from skneural.preprocessing.moments import FeatureMoments, refuse_nan, subtract_center
from skneural.preprocessing.principal_components import (
    EPS,
    PrincipalComponents,
    degrees_of_freedom,
    eigh_components,
    flip_signs,
    n_requested,
    svd_components,
)
from skneural.preprocessing.scatter import FactorMoments, ScatterMoments, machine_epsilon, scatter_for_fit

# "auto" decomposes matrices up to this size exactly, and larger ones if that takes less than so many times as long.
EXACT_SIZE = 500
EXACT_COST = 4
# Eigenvalues below this fraction of the largest have fewer than six exact digits.
ILL_CONDITIONED = 1e6 * EPS

NComponents = int | float | str | None
Solver = Callable[[Array, np.ndarray | None, NComponents, np.random.RandomState], PrincipalComponents]


def fit_components(
    X: Array,
    sample_weight: np.ndarray | None,
    svd_solver: str,
    n_components: NComponents,
    random_state: np.random.RandomState,
) -> tuple[str, PrincipalComponents]:
    """The principal components of X, and the name of the solver that computed them."""
    name = choose_svd_solver(X, n_components) if svd_solver == "auto" else svd_solver
    found = SVD_SOLVERS[name](X, sample_weight, n_components, random_state)
    if svd_solver == "auto" and name.endswith("_eigh") and is_ill_conditioned(found, n_components, sample_weight):
        return "full", full(X, sample_weight, n_components, random_state)
    return name, found


def choose_svd_solver(X: Array, n_components: NComponents) -> str:
    """The solver that "auto" starts with, by the size of X and the number of components."""
    matrix_size = min(X.shape)
    if isinstance(n_components, Integral) and matrix_size > EXACT_SIZE:
        block_size = int(n_components) + block_krylov.OVERSAMPLING
        n_stored = X.nnz if sparse.issparse(X) else X.shape[0] * X.shape[1]
        basis_size = block_krylov.MAX_STEPS * block_size
        exact_cost = X.shape[0] * X.shape[1] * matrix_size / 2 + 10 * matrix_size**3
        randomized_cost = 2 * basis_size * n_stored + 2 * X.shape[1] * basis_size**2 + 10 * basis_size**3
        if basis_size < matrix_size and EXACT_COST * randomized_cost < exact_cost:
            return "randomized"
    return "covariance_eigh" if X.shape[0] >= X.shape[1] else "gram_eigh"


def is_ill_conditioned(found: PrincipalComponents, n_components: NComponents, sample_weight: np.ndarray | None) -> bool:
    """Whether a requested component has so little variance that its eigenvalue has fewer than six exact digits.

    Directions that have no variance for certain do not count: of constant features, and beyond the number of rows.
    """
    n_rows = found.weight if sample_weight is None else np.count_nonzero(sample_weight)
    max_rank = min(n_rows - 1, np.count_nonzero(found.feature_variances))
    n_needed = n_requested(n_components, found.variances, found.feature_variances, found.weight)
    smallest_variance = found.variances[: min(n_needed, max_rank)].min(initial=np.inf)
    return bool(smallest_variance < ILL_CONDITIONED * found.variances[0])


def covariance_eigh(
    X: Array, sample_weight: np.ndarray | None, n_components: NComponents, random_state: np.random.RandomState
) -> PrincipalComponents:
    """All components, by eigendecomposition of the scatter matrix."""
    return eigh_components(scatter_for_fit(X, sample_weight))


def full(
    X: Array, sample_weight: np.ndarray | None, n_components: NComponents, random_state: np.random.RandomState
) -> PrincipalComponents:
    """All components, by singular value decomposition of the centred rows or of a triangular factor of them."""
    return svd_components(FactorMoments.from_data(X, sample_weight))


def gram_eigh(
    X: Array, sample_weight: np.ndarray | None, n_components: NComponents, random_state: np.random.RandomState
) -> PrincipalComponents:
    """The requested components, by eigendecomposition of the matrix of inner products of the centred rows."""
    moments = FeatureMoments.from_data(X, sample_weight)
    weight = moments.weight.max().item()
    n_degrees, feature_variances = degrees_of_freedom(weight), moments.square_sum / degrees_of_freedom(weight)
    gram = np.zeros((X.shape[0], X.shape[0]))
    for _, centered_columns in _centered_columns(X, sample_weight, moments.mean):
        gram += centered_columns @ centered_columns.T
        refuse_nan(gram.diagonal(), centered_columns)
    eigenvalues, gram_vectors = np.linalg.eigh(gram)
    leading = slice(None, -min(X.shape) - 1, -1)  # there are no more directions than features
    eigenvalues, gram_vectors = np.maximum(eigenvalues[leading], 0.0), gram_vectors[:, leading]
    n_kept = len(eigenvalues)
    if n_components != "mle":  # which compares all variances, when the components are selected
        n_kept = min(n_requested(n_components, eigenvalues / n_degrees, feature_variances, weight), n_kept)
    eigenvalues, rounding = eigenvalues[:n_kept], len(gram) * EPS
    is_positive = eigenvalues > rounding * eigenvalues[0]
    singular_values = np.sqrt(eigenvalues, where=is_positive, out=np.full(n_kept, np.inf))
    components = np.empty((n_kept, X.shape[1]))
    for columns, centered_columns in _centered_columns(X, sample_weight, moments.mean):
        components[:, columns] = (gram_vectors[:, :n_kept] / singular_values).T @ centered_columns
    return PrincipalComponents(
        variances=eigenvalues / n_degrees,
        components=flip_signs(components),
        rounding=rounding,
        weight=weight,
        mean=moments.mean,
        feature_variances=feature_variances,
        input_eps=machine_epsilon(X.dtype),
        is_complete=n_kept >= min(len(gram) - 1, X.shape[1]),
    )


def _centered_columns(
    X: Array, sample_weight: np.ndarray | None, mean: np.ndarray
) -> Iterator[tuple[slice, np.ndarray]]:
    """Blocks of columns, dense and in float64, minus their means and times the roots of the weights."""
    X = X.tocsc() if sparse.issparse(X) else X
    n_block_columns = max(1, MATRIX_BLOCK_BYTES // (8 * X.shape[0]))
    for start in range(0, X.shape[1], n_block_columns):
        columns = slice(start, start + n_block_columns)
        block = X[:, columns].toarray() if sparse.issparse(X) else X[:, columns]
        centered_columns = subtract_center(block, mean[columns])
        if sample_weight is not None:
            centered_columns *= np.sqrt(sample_weight)[:, np.newaxis]
        yield columns, centered_columns


def randomized(
    X: Array, sample_weight: np.ndarray | None, n_components: NComponents, random_state: np.random.RandomState
) -> PrincipalComponents:
    """The leading components alone, by block Krylov iteration from random directions."""
    assert isinstance(n_components, int | Integral)
    moments = FeatureMoments.from_data(X, sample_weight)
    weight = moments.weight.max().item()
    n_degrees = degrees_of_freedom(weight)
    eigenvalues, vectors = block_krylov.leading_scatter_eigenvectors(
        X, sample_weight, moments, int(n_components), random_state
    )
    return PrincipalComponents(
        variances=eigenvalues / n_degrees,
        components=flip_signs(vectors.T),
        rounding=len(moments.mean) * EPS,
        weight=weight,
        mean=moments.mean,
        feature_variances=moments.square_sum / n_degrees,
        input_eps=machine_epsilon(X.dtype),
        is_complete=False,
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
