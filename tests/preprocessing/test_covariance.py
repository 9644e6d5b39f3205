"""The scatter matrix and its factor; what they share with the moments of features is in test_mean_and_variance.py."""

import numpy as np
import pytest

from skneural.preprocessing.covariance import (
    SINGLE_PRECISION_FEATURES,
    FactorMoments,
    ScatterMoments,
    degrees_of_freedom,
    machine_epsilon,
    scatter_for_fit,
    triangular_factor,
)

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


def in_single_precision(X, weight=None):
    """Whether the scatter matrix for fit is other than that in double precision, which it must be close to."""
    found, exact = scatter_for_fit(X, weight), ScatterMoments.from_data(X, weight)
    std = np.sqrt(np.diag(exact.scatter) + (np.diag(exact.scatter) == 0))
    np.testing.assert_allclose((found.scatter - exact.scatter) / std / std[:, np.newaxis], 0.0, atol=2e-6)
    np.testing.assert_allclose((found.mean - exact.mean) / std, 0.0, atol=1e-7)
    np.testing.assert_allclose(found.weight, exact.weight)
    assert found.input_eps == exact.input_eps
    return not np.array_equal(found.scatter, exact.scatter)


def wide(n_rows=2000, n_features=SINGLE_PRECISION_FEATURES):
    return np.random.default_rng(0).standard_normal((n_rows, n_features)).astype(np.float32)


@pytest.mark.parametrize("mean", [0.0, 100.0, 1e4])
@pytest.mark.parametrize("weighted", [False, True])
def test_well_conditioned_features_in_single_precision_are_multiplied_in_it(mean, weighted):
    weight = np.arange(2000) % 3.0 if weighted else None
    assert in_single_precision(wide() + np.float32(mean), weight)
    assert in_single_precision(wide() * np.geomspace(1, 1e-6, wide().shape[1], dtype=np.float32), weight)


def ill_conditioned(X):
    X[:, 5] = X[:, 3] + 0.1 * X[:, 5]


def ill_conditioned_at_the_end(X):
    X[1000:, [3, 5]] *= 30
    X[1000:, 5] = X[1000:, 3] + 0.1 * X[1000:, 5]


def constant(X):
    X[:, 5] = 3.7


def small(X):
    X[:, 5] *= 1e-25


def large(X):
    X[:, 5] *= 1e25


def large_at_the_end(X):
    X[1900:, 5] *= 1e25


@pytest.mark.parametrize(
    "change", [ill_conditioned, ill_conditioned_at_the_end, constant, small, large, large_at_the_end]
)
def test_other_features_are_multiplied_in_double_precision(change):
    X = wide()
    change(X)
    with np.errstate(all="ignore"):  # as in transformers
        assert not in_single_precision(X)


@pytest.mark.parametrize("X", [wide().astype(float), wide(500), wide(2000, 10)], ids=["float64", "short", "narrow"])
def test_rows_in_double_precision_and_small_matrices_are_multiplied_in_double_precision(X):
    assert not in_single_precision(X)


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_missing_values_and_infinity_in_single_precision_are_refused(wrong):
    for row in (3, 1999):
        X = wide()
        X[row, 2] = wrong
        with pytest.raises(ValueError, match="contains"), np.errstate(all="ignore"):
            scatter_for_fit(X, None)


@pytest.mark.parametrize("weight", [0, 1, 0.5])
def test_one_row_has_no_covariance(weight):
    with pytest.raises(ValueError, match=f"n_samples={weight} rows .* have no covariance"):
        degrees_of_freedom(weight)
    assert degrees_of_freedom(3) == 2
