import numpy as np
import pytest

from skneural.preprocessing.principal_components import (
    LeadingMoments,
    eigh_components,
    is_ill_conditioned,
    leading_components,
    svd_components,
)
from skneural.preprocessing.scatter import FactorMoments, ScatterMoments


def rows(std, n_rows=200, seed=0):
    rng = np.random.default_rng(seed)
    rotation = np.linalg.qr(rng.standard_normal((len(std), len(std))))[0]
    return rng.standard_normal((n_rows, len(std))) * std @ rotation


def all_solvers(X, weight=None):
    yield eigh_components(ScatterMoments.from_data(X, weight))
    yield svd_components(FactorMoments.from_data(X, weight))
    n_directions = X.shape[1]
    yield leading_components(LeadingMoments.from_data(X, weight, n_directions, np.random.RandomState(0)))


@pytest.mark.parametrize("weighted", [False, True])
def test_the_kinds_agree_with_the_covariance(weighted):
    X = rows(np.array([4.0, 2.0, 1.0, 0.5]))
    weight = np.random.default_rng(1).integers(0, 4, len(X)).astype(float) if weighted else None
    covariance = np.cov(X.T, fweights=None if weight is None else weight.astype(int))
    for found in all_solvers(X, weight):
        rebuilt = found.components.T * found.variances @ found.components
        np.testing.assert_allclose(rebuilt, covariance, atol=1e-12)
        np.testing.assert_allclose(found.feature_variances, np.diag(covariance))
        assert (np.diff(found.variances) <= 0).all()


def test_signs_do_not_depend_on_the_input():
    X = rows(np.array([4.0, 2.0, 1.0, 0.5]))
    for found, mirrored in zip(all_solvers(X), all_solvers(-X), strict=True):
        np.testing.assert_allclose(found.components, mirrored.components, atol=1e-12)
        assert (found.components.max(axis=1) >= -found.components.min(axis=1)).all()


def test_leading_directions_approximate_the_exact_ones():
    X = rows(np.geomspace(10, 0.1, 40), n_rows=500)
    exact = eigh_components(ScatterMoments.from_data(X))
    found = leading_components(LeadingMoments.from_data(X, None, 5, np.random.RandomState(0)))
    np.testing.assert_allclose(found.variances, exact.variances[:5], rtol=1e-6)
    np.testing.assert_allclose(found.components, exact.components[:5], atol=1e-3)


def test_leading_directions_refuse_missing_values():
    X = rows(np.ones(4))
    X[3, 2] = np.nan
    with pytest.raises(ValueError, match="contains NaN"):
        LeadingMoments.from_data(X, None, 2, np.random.RandomState(0))


@pytest.mark.parametrize(("smallest", "ill_conditioned"), [(1e-2, False), (1e-4, False), (1e-6, True), (0.0, True)])
def test_ill_conditioned_is_what_has_less_than_six_exact_digits(smallest, ill_conditioned):
    assert is_ill_conditioned(ScatterMoments.from_data(rows(np.array([1.0, 0.5, smallest])))) is ill_conditioned


def test_constant_features_are_not_ill_conditioned():
    X = np.column_stack([rows(np.ones(3)), np.full(200, 3.7)])
    assert not is_ill_conditioned(ScatterMoments.from_data(X))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("mean", [0.0, 1e3])
def test_a_dependent_feature_is_not_significant(dtype, mean):
    X = rows(np.ones(5)) + mean
    X[:, 4] = X[:, 0] + X[:, 1]
    X = X.astype(dtype)
    for found in list(all_solvers(X))[:2]:
        significant = found.significant(X.mean(axis=0, dtype=float), float(np.finfo(dtype).eps), None)
        np.testing.assert_array_equal(significant, [True] * 4 + [False])


def test_small_units_are_significant():
    """Features in units a million times smaller are small, but not rounding."""
    X = np.random.default_rng(0).standard_normal((300, 3)) * [1e3, 1.0, 1e-3]
    found = svd_components(FactorMoments.from_data(X))
    assert found.significant(X.mean(axis=0), np.finfo(float).eps, None).all()
    assert found.significant(X.mean(axis=0), np.finfo(float).eps, 1e-2).sum() == 1
