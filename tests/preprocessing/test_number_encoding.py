"""Numbers of a table: the scale without outliers, and weak components against scikit-learn's PCA."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

from skneural import TableEncoder, tabular_classifier
from skneural.preprocessing.number_encoding import fit_scaler


def test_outliers_do_not_stretch_the_scale():
    X = np.random.default_rng(0).standard_normal((1000, 2))
    outlying = X.copy()
    outlying[0] = 1e9
    scaler = fit_scaler(outlying, ["a", "b"])
    np.testing.assert_allclose(scaler.scale_, X.std(axis=0), rtol=0.15)
    np.testing.assert_allclose(fit_scaler(X, ["a", "b"]).scale_, X.std(axis=0), rtol=1e-15)


def test_the_column_whose_squares_overflow_is_named():
    X = np.array([[1.0, 1e200], [2.0, -1e200], [3.0, 2e200]])
    with pytest.raises(ValueError, match=r"b of X holds numbers up to 2e\+200, whose squares overflow"):
        fit_scaler(X, ["a", "b"])


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
    is_weak = pca.explained_variance_ < 0.2 * numbers.var(axis=0).mean()
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
    incomplete = np.vstack([X, np.where(np.eye(50, n_numbers), np.nan, 1.0)[:n_numbers]])
    assert (encoder.fit(incomplete).whitener_ is not None) == expected
    assert (encoder.fit_transform(X).shape[1] > n_numbers) == expected
    assert (encoder.whitener_ is not None) == expected
    assert TableEncoder(max_columns=0, component_variance=0).fit_transform(X).shape[1] == n_numbers


def test_numbers_that_differ_in_nothing_give_no_components_and_no_warning():
    X = np.random.default_rng(0).standard_normal((500, 2))
    repeated = np.column_stack([X, X, np.full(500, 3.0), np.full(500, np.nan)])
    for rows in (X, repeated, np.ones((500, 2))):
        assert TableEncoder(max_columns=0).fit(rows).whitener_ is None


def test_what_correlated_numbers_differ_in_is_learned():
    rng = np.random.default_rng(0)
    own = rng.standard_normal((1500, 12))
    X = rng.standard_normal((1500, 1)) + 0.1 * own  # their correlation is 0.99
    y = (own[:, 0] - own[:, 1]) * (own[:, 2] - own[:, 3]) > 0
    models = [tabular_classifier(component_variance=share, random_state=0) for share in (0.999, 0)]
    with_components, without = (model.fit(X[:1000], y[:1000]).score(X[1000:], y[1000:]) for model in models)
    assert with_components > 0.75
    assert without < 0.6
