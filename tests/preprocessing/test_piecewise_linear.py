import numpy as np
import pandas as pd
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from skneural.preprocessing.piecewise_linear import PiecewiseLinearEncoder


@parametrize_with_checks([PiecewiseLinearEncoder(), PiecewiseLinearEncoder(n_bins=3, min_rows=1)])
def test_scikit_learns_contract(estimator, check):
    check(estimator)


def test_the_encoding_is_the_formula():
    X = np.random.default_rng(0).standard_normal((400, 3))
    encoder = PiecewiseLinearEncoder(n_bins=4).fit(X)
    Z = encoder.transform(X)
    assert Z.shape == (400, 3 + 12)
    np.testing.assert_array_equal(Z[:, :3], X)
    for j in range(3):
        b = np.quantile(X[:, j], [0, 0.25, 0.5, 0.75, 1])
        expected = np.clip((X[:, [j]] - b[:-1]) / np.diff(b), 0, 1)
        np.testing.assert_allclose(Z[:, 3 + 4 * j : 7 + 4 * j], expected - expected.mean(axis=0), atol=1e-12)


def test_the_encoding_is_constant_outside_of_the_training_range():
    X = np.random.default_rng(0).standard_normal((400, 1))
    encoder = PiecewiseLinearEncoder(n_bins=4).fit(X)
    far = encoder.transform([[1e300], [X.max()], [-1e300], [X.min()]])[:, 1:]
    np.testing.assert_allclose(far[0], far[1])
    np.testing.assert_allclose(far[2], far[3])


@pytest.mark.parametrize(("shape", "n_encoded"), [((400, 2), 8), ((400, 3), 0), ((399, 2), 0)])
def test_the_encoding_is_for_few_features_of_many_rows(shape, n_encoded):
    X = np.random.default_rng(0).standard_normal(shape)
    Z = PiecewiseLinearEncoder(n_bins=4, max_columns=8).fit_transform(X)
    assert Z.shape[1] == shape[1] + n_encoded


def test_constant_and_rare_features_get_no_bins_and_tied_ones_fewer():
    X = np.column_stack([np.full(400, 2.0), np.arange(400) % 5 == 0, np.arange(400) % 3, np.arange(400.0)])
    encoder = PiecewiseLinearEncoder(n_bins=4).fit(X)
    assert [len(edges) for edges in encoder.bin_edges_] == [0, 0, 3, 5]
    assert np.isfinite(encoder.transform(X)).all()


def test_encoded_columns_keep_float32_and_have_names():
    X = pd.DataFrame({"width": np.arange(200.0)}).astype(np.float32)
    encoder = PiecewiseLinearEncoder(n_bins=2).fit(X)
    assert encoder.transform(X).dtype == np.float32
    assert list(encoder.get_feature_names_out()) == ["width", "width_bin0", "width_bin1"]


@pytest.mark.parametrize("settings", [{"n_bins": 1}, {"max_columns": -1}, {"min_rows": 0}, {"n_bins": 2.5}])
def test_refuses_other_settings(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        PiecewiseLinearEncoder(**settings).fit([[1.0]])


def test_more_bins_than_memory_are_too_many_for_the_rows():
    assert PiecewiseLinearEncoder(n_bins=2**40).fit_transform([[1.0], [2.0]]).shape == (2, 1)


def test_missing_values_are_left_out_and_stay_missing():
    x = np.random.default_rng(0).standard_normal(500)
    X = np.column_stack([x, np.where(np.arange(500) < 400, x, np.nan), np.where(np.arange(500) < 399, x, np.nan)])
    encoder = PiecewiseLinearEncoder(n_bins=4).fit(X)
    Z = encoder.transform(X)
    assert [len(edges) for edges in encoder.bin_edges_] == [5, 5, 0]
    alone = PiecewiseLinearEncoder(n_bins=4).fit_transform(x[:400, np.newaxis])
    np.testing.assert_array_equal(Z[:400, 7:], alone[:, 1:])
    assert np.isnan(Z[400:, 7:]).all()
    assert not np.isnan(Z[:, 3:7]).any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
class TestTies:
    def edges(self, x, dtype, n_bins=4):
        return PiecewiseLinearEncoder(n_bins=n_bins, min_rows=1).fit(x.astype(dtype)[:, None]).bin_edges_[0]

    def test_a_value_of_most_rows_leaves_the_bins_to_the_others(self, dtype):
        x = np.concatenate([np.zeros(900), np.arange(1.0, 101)])
        np.testing.assert_allclose(self.edges(x, dtype), [0, *np.linspace(1, 100, 11)], rtol=1e-6)  # ten rows a bin

    def test_its_neighbours_are_edges(self, dtype):
        x = np.concatenate([np.full(2000, 500.0), np.arange(1000.0)])
        quantiles = np.quantile(np.delete(np.arange(1000.0), 500), np.linspace(0, 1, 17))
        np.testing.assert_allclose(self.edges(x, dtype), sorted({*quantiles, 499, 500, 501}), rtol=1e-6)
        spike = PiecewiseLinearEncoder(n_bins=4, min_rows=1).fit(x[:, None]).transform([[499.0], [500.0], [501.0]])
        assert np.linalg.matrix_rank(np.diff(spike[:, 1:], axis=0)) == 2  # any value there is a sum of columns

    def test_there_are_no_fewer_bins_for_few_other_rows(self, dtype):
        x = np.concatenate([np.zeros(900), np.arange(1.0, 10)])
        np.testing.assert_allclose(self.edges(x, dtype), [0, 1, 3, 5, 7, 9], rtol=1e-6)

    def test_up_to_half_of_the_rows_the_bins_have_equal_numbers_of_values(self, dtype):
        x = np.concatenate([np.zeros(101), np.arange(1.0, 101), np.repeat(100.0, 1)])
        np.testing.assert_allclose(self.edges(x, dtype), [0, 25, 50, 75, 100])

    def test_few_values_are_all_edges(self, dtype):
        np.testing.assert_array_equal(self.edges(np.repeat([0.0, 1, 2, 5], [90, 4, 4, 2]), dtype), [0, 1, 2, 5])
