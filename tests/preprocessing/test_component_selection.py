import numpy as np
import pytest
from sklearn.decomposition import PCA

from skneural.preprocessing.component_selection import n_requested, select_components
from skneural.preprocessing.covariance import FactorMoments, ScatterMoments
from skneural.preprocessing.svd_solvers import eigh_components, svd_components


def rows(std, n_rows=200, seed=0):
    rng = np.random.default_rng(seed)
    rotation = np.linalg.qr(rng.standard_normal((len(std), len(std))))[0]
    return rng.standard_normal((n_rows, len(std))) * std @ rotation


def both_decompositions(X, weight=None):
    yield eigh_components(ScatterMoments.from_data(X, weight))
    yield svd_components(FactorMoments.from_data(X, weight))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("mean", [0.0, 1e3])
def test_a_dependent_feature_is_not_significant(dtype, mean):
    X = rows(np.ones(5)) + mean
    X[:, 4] = X[:, 0] + X[:, 1]
    for found in both_decompositions(X.astype(dtype)):
        np.testing.assert_array_equal(found.significant(), [True] * 4 + [False])


def test_small_units_are_significant():
    """Features in units a million times smaller are small, but not rounding."""
    X = np.random.default_rng(0).standard_normal((300, 3)) * [1e3, 1.0, 1e-3]
    found = svd_components(FactorMoments.from_data(X))
    assert found.significant().all()
    assert found.significant(1e-2).sum() == 1


@pytest.mark.parametrize(("n_components", "expected"), [(None, 5), (2, 2), (0.5, 1), (0.69, 2), (0.99, 5), (0.7, 3)])
def test_the_number_of_components_that_is_requested(n_components, expected):
    variances = np.array([6.0, 1.0, 1.0, 1.0, 1.0])
    assert n_requested(n_components, variances, np.full(5, 2.0), 100) == expected


@pytest.mark.parametrize("n_rows", [20, 500])
def test_the_most_likely_number_of_components_is_that_of_pca(n_rows):
    X = rows(np.r_[5.0, 4.0, 3.0, np.full(9, 0.3)], n_rows)
    found = eigh_components(ScatterMoments.from_data(X))
    expected = PCA("mle", svd_solver="full").fit(X).n_components_
    assert n_requested("mle", found.variances, found.feature_variances, found.weight) == expected == 3


def test_the_most_likely_number_needs_rows_and_variances_that_differ():
    with pytest.raises(ValueError, match=r"'mle' needs at least as many rows as features\. Got 3"):
        n_requested("mle", np.ones(4), np.ones(4), 3)
    with pytest.raises(ValueError, match="'mle' cannot compare directions of equal variance"):
        n_requested("mle", np.ones(4), np.ones(4), 10)


def test_what_is_selected_has_variance_and_the_rest_is_counted():
    X = rows(np.array([4.0, 2.0, 1.0, 0.5]))
    X = np.column_stack([X, X[:, 0] + X[:, 1]])
    found = svd_components(FactorMoments.from_data(X))
    every, n_null = select_components(found, None, None)
    assert (every["n_components"], every["rank"], n_null, every["is_complete"]) == (4, 4, 1, True)
    assert found.reasons_for_null_directions(n_null) == ["features depend linearly on one another"]
    some, n_null = select_components(found, 2, None)
    assert (some["n_components"], some["rank"], n_null, some["is_complete"]) == (2, 4, 0, False)
    total = np.var(X, axis=0, ddof=1).sum()
    np.testing.assert_allclose(some["noise_variance"], (total - some["explained_variance"].sum()) / 3)
    few, n_null = select_components(found, None, 0.9)
    assert (few["n_components"], few["rank"], n_null, few["is_complete"]) == (1, 1, 4, False)


def test_there_must_be_variance():
    with pytest.raises(ValueError, match="All 3 features are constant"):
        select_components(svd_components(FactorMoments.from_data(np.ones((5, 3)))), None, None)
