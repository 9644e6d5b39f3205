"""The scatter matrix and its factor; what they have in common with the moments of features is in test_moments.py."""

import numpy as np
import pytest

from skneural.preprocessing.scatter import FactorMoments, ScatterMoments, machine_epsilon, triangular_factor

BOTH = pytest.mark.parametrize("kind", [ScatterMoments, FactorMoments])


def data(n_rows=40, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n_rows, 4)) * [1e-2, 1.0, 10.0, 100.0] + [1.0, 0.0, 1e3, -10.0]


@pytest.mark.parametrize("n_rows", [40, 10_000])
def test_a_symmetric_matrix_to_the_last_bit(n_rows):
    X, weight = data(n_rows), np.arange(n_rows) % 4.0
    for found in (ScatterMoments.from_data(X), ScatterMoments.from_data(X, weight)):
        np.testing.assert_array_equal(found.scatter, found.scatter.T)


def test_the_factor_resolves_what_the_scatter_matrix_cannot():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((100, 2))
    X = np.column_stack([X[:, 0], X[:, 0] + 1e-10 * X[:, 1]])
    _, small = np.linalg.svd(FactorMoments.from_data(X).factor, compute_uv=False)
    _, exact = np.linalg.svd(X - X.mean(axis=0), compute_uv=False)
    np.testing.assert_allclose(small, exact, rtol=1e-4)


@pytest.mark.parametrize("n_rows", [2, 4, 5, 40])
def test_a_triangular_factor_has_the_same_products_and_at_most_as_many_rows_as_columns(n_rows):
    A = data(n_rows)
    R = triangular_factor(A)
    assert len(R) == min(n_rows, 4)
    np.testing.assert_allclose(R.T @ R, A.T @ A, rtol=1e-12, atol=1e-12 * (A**2).sum())


def test_kinds_merge_with_one_another():
    X = data()
    whole = ScatterMoments.from_data(X)
    for first, second in ((FactorMoments, ScatterMoments), (ScatterMoments, FactorMoments)):
        merged = first.from_data(X[:9]).merge(second.from_data(X[9:]))
        assert isinstance(merged, ScatterMoments)
        np.testing.assert_allclose(merged.mean, whole.mean, rtol=1e-12)
        np.testing.assert_allclose(merged.scatter, whole.scatter, atol=1e-12 * whole.scatter.max())


@BOTH
def test_the_coarsest_precision_is_remembered(kind):
    single, double = data().astype(np.float32), data()
    assert kind.from_data(single).input_eps == machine_epsilon(single.dtype) == 2.0**-23
    assert kind.from_data(double).merge(kind.from_data(single)).input_eps == 2.0**-23
    assert kind.from_data(double).merge(kind.from_data(double)).input_eps == 2.0**-52


@BOTH
def test_missing_values_are_refused(kind):
    X = data()
    X[30, 2] = np.nan
    with pytest.raises(ValueError, match="contains NaN"):
        kind.from_data(X)
