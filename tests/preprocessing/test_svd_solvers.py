import numpy as np
import pytest
from scipy import sparse

from skneural.preprocessing import svd_solvers
from skneural.preprocessing.covariance import FactorMoments, ScatterMoments
from skneural.preprocessing.svd_solvers import (
    SVD_SOLVERS,
    choose_svd_solver,
    eigh_components,
    fit_components,
    flip_signs,
    is_ill_conditioned,
    svd_components,
)

EVERY = pytest.mark.parametrize("svd_solver", SVD_SOLVERS)
EXACT = pytest.mark.parametrize("svd_solver", [name for name in SVD_SOLVERS if name != "randomized"])


def rows(std, n_rows=200, seed=0):
    rng = np.random.default_rng(seed)
    rotation = np.linalg.qr(rng.standard_normal((len(std), len(std))))[0]
    return rng.standard_normal((n_rows, len(std))) * std @ rotation


def fitted(X, svd_solver, n_components=None, weight=None):
    name, found = fit_components(X, weight, svd_solver, n_components, np.random.RandomState(0))
    assert name == svd_solver
    return found


@EVERY
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shape", [(200, 6), (6, 40)], ids=str)
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_all_agree_with_the_covariance(svd_solver, weighted, shape, container, dtype, monkeypatch):
    monkeypatch.setattr(svd_solvers, "MATRIX_BLOCK_BYTES", 1000)  # columns of the Gram matrix come in several blocks
    rng = np.random.default_rng(0)
    X = (rng.standard_normal(shape) @ rng.standard_normal((shape[1], shape[1])) + 3).astype(dtype)
    weight = rng.integers(1, 4, len(X)).astype(float) if weighted else None
    weight = None if weight is None else np.where(np.arange(len(X)) == 2, 0.0, weight)
    covariance = np.cov(X.T.astype(float), fweights=None if weight is None else weight.astype(int))
    rank = min(6, len(X) - 1 - weighted)
    found = fitted(container(X), svd_solver, rank if svd_solver == "randomized" else None, weight)
    rebuilt = found.components.T * found.variances @ found.components
    in_single_precision = (svd_solver, container, dtype) == ("randomized", np.asarray, np.float32)
    np.testing.assert_allclose(rebuilt, covariance, atol=(1e-6 if in_single_precision else 1e-11) * covariance.max())
    np.testing.assert_allclose(found.feature_variances, np.diag(covariance))
    np.testing.assert_allclose(found.mean, np.average(X.astype(float), axis=0, weights=weight), rtol=1e-10)
    assert found.weight == (len(X) if weight is None else weight.sum())
    assert found.input_eps == np.finfo(dtype).eps
    assert (np.diff(found.variances) <= 0).all()
    kept = found.components[found.significant()]
    assert len(kept) == rank
    np.testing.assert_allclose(kept @ kept.T, np.eye(rank), atol=1e-11)


@EVERY
def test_missing_values_and_infinity_are_refused(svd_solver):
    for wrong, name in ((np.nan, "NaN"), (np.inf, "infinity")):
        for container in (np.asarray, sparse.csr_array):
            X = rows(np.ones(4))
            X[150, 2] = wrong
            with pytest.raises(ValueError, match=f"contains {name}"), np.errstate(all="ignore"):
                fitted(container(X), svd_solver, 2)


@EVERY
def test_the_input_stays_as_it_is(svd_solver):
    for container in (np.asarray, sparse.csr_array):
        X = rows(np.ones(4))
        fitted(container(X), svd_solver, 2, np.full(200, 2.0))
        np.testing.assert_array_equal(X, rows(np.ones(4)))


@pytest.mark.parametrize(
    ("shape", "n_components", "expected"),
    [
        ((60_000, 784), None, "covariance_eigh"),
        ((60_000, 784), 10, "covariance_eigh"),
        ((3000, 3000), None, "covariance_eigh"),
        ((3000, 3000), "mle", "covariance_eigh"),
        ((3000, 3000), 0.9, "covariance_eigh"),
        ((3000, 3000), 10, "randomized"),
        ((3000, 3000), 2000, "covariance_eigh"),
        ((200, 20_000), 10, "gram_eigh"),
        ((200, 20_000), None, "gram_eigh"),
        ((5000, 20_000), 10, "randomized"),
        ((300, 300), 2, "covariance_eigh"),
    ],
)
def test_the_choice_by_size_and_number_of_components(shape, n_components, expected):
    X = np.lib.stride_tricks.as_strided(np.zeros(1), shape, (0, 0))
    assert choose_svd_solver(X, n_components) == expected


def test_the_choice_counts_the_entries_of_sparse_rows():
    X = sparse.random_array((20_000, 784), density=0.01, format="csr", random_state=0)
    assert choose_svd_solver(X, 10) == "randomized"
    assert choose_svd_solver(X, None) == "covariance_eigh"


@pytest.mark.parametrize(("smallest", "expected"), [(1e-2, False), (1e-4, False), (1e-6, True), (0.0, True)])
@pytest.mark.parametrize("svd_solver", ["covariance_eigh", "gram_eigh"])
def test_ill_conditioned_is_what_has_less_than_six_exact_digits(smallest, expected, svd_solver):
    X = rows(np.array([1.0, 0.5, smallest]), 3 if svd_solver == "gram_eigh" else 200)
    if svd_solver == "gram_eigh":  # two directions among three rows
        X = rows(np.array([1.0, smallest]), 200)[:3] @ np.eye(2, 40)
    assert is_ill_conditioned(fitted(X, svd_solver), None, None) is expected
    assert is_ill_conditioned(fitted(X, svd_solver, 1), 1, None) is False
    name, _ = fit_components(X, None, "auto", None, np.random.RandomState(0))
    assert name == ("full" if expected else svd_solver)


def test_directions_without_variance_for_certain_are_not_ill_conditioned():
    X = np.column_stack([rows(np.ones(3)), np.full(200, 3.7)])
    assert not is_ill_conditioned(fitted(X, "covariance_eigh"), None, None)
    weight = np.zeros(200)
    weight[:3] = 2.0
    assert not is_ill_conditioned(fitted(X, "covariance_eigh", None, weight), None, weight)


def test_a_large_matrix_is_approximated_as_well_as_its_variances_differ():
    rng = np.random.default_rng(0)
    for std, rtol in ((np.geomspace(1, 1e-6, 600), 1e-9), (np.ones(600), 0.05)):
        X = rng.standard_normal((700, 600)) * std + 10 * std
        name, found = fit_components(X, None, "auto", 3, np.random.RandomState(0))
        assert name == "randomized"
        exact = fitted(X, "full", 3)
        np.testing.assert_allclose(found.variances, exact.variances[:3], rtol=rtol)
        # Uncorrelated to rounding error in any case, with the variances that are reported.
        covariance = np.cov(X @ found.components.T, rowvar=False)
        np.testing.assert_allclose(covariance, np.diag(found.variances), atol=1e-12 * found.variances[0])


# Components of moments.


def both_decompositions(X, weight=None):
    yield eigh_components(ScatterMoments.from_data(X, weight))
    yield svd_components(FactorMoments.from_data(X, weight))


@pytest.mark.parametrize("weighted", [False, True])
def test_both_decompositions_agree_with_the_covariance(weighted):
    X = rows(np.array([4.0, 2.0, 1.0, 0.5]))
    weight = np.random.default_rng(1).integers(0, 4, len(X)).astype(float) if weighted else None
    covariance = np.cov(X.T, fweights=None if weight is None else weight.astype(int))
    for found in both_decompositions(X, weight):
        rebuilt = found.components.T * found.variances @ found.components
        np.testing.assert_allclose(rebuilt, covariance, atol=1e-12)
        np.testing.assert_allclose(found.feature_variances, np.diag(covariance))
        assert (np.diff(found.variances) <= 0).all()


def test_signs_do_not_depend_on_the_input():
    X = rows(np.array([4.0, 2.0, 1.0, 0.5]))
    for found, mirrored in zip(both_decompositions(X), both_decompositions(-X), strict=True):
        np.testing.assert_allclose(found.components, mirrored.components, atol=1e-12)
        assert (found.components.max(axis=1) >= -found.components.min(axis=1)).all()
    np.testing.assert_array_equal(flip_signs(np.array([[1.0, -2.0], [3.0, 1.0]])), [[-1.0, 2.0], [3.0, 1.0]])
