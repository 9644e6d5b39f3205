"""Weak components against scikit-learn's PCA."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA

from skneural import PCAWhitener, StdScaler, TableEncoder, tabular_classifier
from skneural.deployment import load, save


def correlated(n_rows, n_numbers):
    """Numbers of mean variance 1, of which all but one direction are weak."""
    rng = np.random.default_rng(0)
    return rng.standard_normal((n_rows, 1)) + 0.2 * rng.standard_normal((n_rows, n_numbers))


def test_weak_components_are_whitened_and_clipped():
    rng = np.random.default_rng(0)
    X = np.column_stack([correlated(1000, 3), rng.uniform(size=1000), np.ones(1000)])
    X = np.column_stack([X, X[:, 1] - X[:, 2]])
    missing = np.arange(1000) % 7 == 0
    X[missing, 0] = np.nan
    encoder = TableEncoder(max_columns=0, limit=2.0, component_variance=0.998)
    Z = encoder.fit_transform(X)
    numbers, found = Z[~missing, :6].astype(np.float64), Z[:, 6:-1]
    pca = PCA(n_components=0.998, whiten=True, svd_solver="full").fit(numbers)
    is_weak = pca.explained_variance_ < 0.2 * (pca.components_**2 @ numbers.var(axis=0))
    assert is_weak.sum() == 1  # of five with variance, three are strong, and one is too weak
    components = pca.transform(numbers)[:, is_weak]
    expected = 0.3 * 2 * components / np.hypot(components, 2)
    signs = np.sign((found[~missing] * expected).sum(axis=0))
    np.testing.assert_allclose(found[~missing], signs * expected, atol=1e-5)
    assert not found[missing].any()
    assert list(encoder.get_feature_names_out()[6:]) == ["component0", "x0_missing"]
    np.testing.assert_allclose(encoder.transform(X[:2]), Z[:2], atol=1e-6)


@pytest.mark.parametrize(
    ("n_rows", "n_numbers", "expected"),
    [(399, 3, False), (400, 3, True), (599, 30, False), (600, 30, True), (500, 1, False)],
)
def test_components_need_rows_and_several_numbers(n_rows, n_numbers, expected):
    X = correlated(n_rows, n_numbers)
    encoder = TableEncoder(max_columns=0)
    incomplete = np.vstack([X, np.where(np.eye(n_numbers), np.nan, 1.0)])  # rows that do not count
    assert (encoder.fit(incomplete).whitener_ is not None) == expected
    assert (encoder.fit_transform(X).shape[1] > n_numbers) == expected
    assert (encoder.whitener_ is not None) == expected
    assert TableEncoder(max_columns=0, component_variance=0).fit_transform(X).shape[1] == n_numbers


def test_numbers_that_differ_in_nothing_give_no_components_and_no_warning():
    X = np.random.default_rng(0).standard_normal((500, 2))
    repeated = np.column_stack([X, X, np.full(500, 3.0), np.full(500, np.nan)])
    often_missing = np.where(np.arange(500)[:, np.newaxis] % 3, correlated(500, 2), np.nan)
    for rows in (X, repeated, np.ones((500, 2)), often_missing):
        assert TableEncoder(max_columns=0).fit(rows).whitener_ is None


def test_complete_rows_that_hardly_vary_give_no_components():
    complete = np.arange(3000) >= 500
    varying = np.where(complete, 101.3, np.random.default_rng(0).normal(100, 5, 3000))
    varying[-1] += 1e-6
    assert TableEncoder().fit(np.column_stack([varying, np.where(complete, 1.0, np.nan)])).whitener_ is None


def test_rare_values_are_no_weak_components():
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.standard_normal((5000, 3)), rng.uniform(size=(5000, 2)) < 0.003])
    encoder = TableEncoder().fit(X)
    assert encoder.clipper_.transform(encoder.scaler_.transform(X)).var(axis=0).min() < 0.05
    assert encoder.whitener_ is None


def test_only_missing_numbers_of_a_component_make_it_zero():
    rng = np.random.default_rng(0)
    X = np.column_stack([correlated(1000, 3), rng.standard_normal((1000, 2))])
    X[:100, 3], X[:850, 4] = np.nan, np.nan  # not correlated with the others; one too often missing to take part
    X[100:110, 0] = np.nan
    encoder = TableEncoder(max_columns=0)
    components = encoder.fit_transform(X)[:, 5:7]
    assert encoder.whitener_.n_features_in_ == 4
    assert list(encoder.get_feature_names_out()[5:7]) == ["component0", "component1"]
    assert not components[100:110].any()
    assert np.delete(components, np.s_[100:110], axis=0).all()


def test_the_fitted_limit_counts():
    X = correlated(500, 4)
    encoder = TableEncoder().fit(X)
    Z = encoder.transform(X)
    np.testing.assert_array_equal(encoder.set_params(limit=0.1, component_variance=0).transform(X), Z)
    unlimited = TableEncoder(limit=1e300).fit(X)
    assert np.isfinite(unlimited.transform(np.full((1, 4), 1e30))).all()


def test_saved_components(tmp_path):
    X = correlated(500, 4)
    encoder = TableEncoder().fit(X)
    expected = encoder.transform(X)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(encoder)).transform(X), expected)
    pytest.importorskip("skops")  # the extra is optional
    save(encoder, tmp_path / "encoder.skops")
    np.testing.assert_array_equal(load(tmp_path / "encoder.skops").transform(X), expected)


@pytest.mark.parametrize(
    "wrong",
    [
        StdScaler().fit(correlated(500, 4)),
        PCAWhitener().fit(correlated(500, 3)),
        PCAWhitener(n_components=1).fit(correlated(500, 4)),
        PCAWhitener(method="zca").fit(correlated(500, 4)),
        PCAWhitener(whiten=False).fit(correlated(500, 4)),
    ],
)
def test_a_wrong_whitener_is_refused(wrong):
    encoder = TableEncoder().fit(correlated(500, 4))
    encoder.whitener_ = wrong
    saved = pickle.dumps(encoder)
    with pytest.raises(ValueError, match="whitener_ must be None, or a PCAWhitener of 4 features"):
        pickle.loads(saved)


def test_output_names_are_different():
    X = pd.DataFrame(correlated(500, 3), columns=["component0", "component0_2", "component1"])
    names = TableEncoder(max_columns=0).fit(X).get_feature_names_out()
    assert list(names) == ["component0", "component0_2", "component1", "component0_3", "component1_2"]


def test_what_correlated_numbers_differ_in_is_learned():
    rng = np.random.default_rng(0)
    own = rng.standard_normal((1500, 12))
    X = rng.standard_normal((1500, 1)) + 0.1 * own  # their correlation is 0.99
    y = (own[:, 0] - own[:, 1]) * (own[:, 2] - own[:, 3]) > 0
    models = [tabular_classifier(random_state=0), tabular_classifier(component_variance=0, random_state=0)]
    with_components, without = (model.fit(X[:1000], y[:1000]).score(X[1000:], y[1000:]) for model in models)
    assert with_components > 0.75
    assert without < 0.6
