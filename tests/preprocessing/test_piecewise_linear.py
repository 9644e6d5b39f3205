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


def edges_of(x, dtype, **settings):
    return PiecewiseLinearEncoder(**{"n_bins": 4, "min_rows": 1} | settings).fit(x.astype(dtype)[:, None]).bin_edges_[0]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
class TestTies:
    @pytest.mark.parametrize("sign", [1, -1])
    def test_a_value_of_many_rows_does_not_take_the_bins_of_the_others(self, dtype, sign):
        x = sign * np.concatenate([np.zeros(101), np.arange(1.0, 101), [100.0]])  # half of the rows, and no more
        np.testing.assert_allclose(edges_of(x, dtype), np.sort(sign * np.array([0, 25, 50, 75, 100])))

    def test_few_values_are_all_edges(self, dtype):
        np.testing.assert_array_equal(edges_of(np.repeat([0.0, 1, 2, 5], [90, 4, 4, 2]), dtype), [0, 1, 2, 5])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
class TestMostlyOneValue:
    def test_the_bins_are_those_of_the_other_rows_and_more(self, dtype):
        x = np.concatenate([np.zeros(900), np.arange(1.0, 101)])
        np.testing.assert_array_equal(edges_of(x, dtype), [0, 1, 11, 21, 31, 41, 51, 60, 70, 80, 90, 100])

    @pytest.mark.parametrize("value", [-1.0, 0.0, 400.0, 999.0, 1000.0])
    def test_the_value_and_its_neighbours_are_edges(self, dtype, value):
        others = np.delete(np.arange(1000.0), np.flatnonzero(np.arange(1000.0) == value))
        neighbours = {value - 1, value, value + 1} & {*others, value}
        expected = {*others[np.linspace(0, len(others) - 1, 17).round().astype(int)]} | neighbours
        assert len(expected) > 17
        x = np.concatenate([np.full(1001, value), others, [np.nan, np.nan]])
        np.testing.assert_array_equal(edges_of(x, dtype), sorted(expected))

    @pytest.mark.parametrize("n_bins", [2, 3])
    def test_whatever_the_quantiles_are(self, dtype, n_bins):
        x = np.concatenate([np.linspace(-2, -1, 340), np.zeros(510), np.linspace(1, 2, 150)])
        assert len(edges_of(x, dtype, n_bins=n_bins)) == 4 * n_bins + 1 + 3

    def test_few_other_rows_get_no_bins_of_their_own(self, dtype):
        x = np.concatenate([np.zeros(900), np.arange(1.0, 50)])  # 40 rows in four bins would not be more
        np.testing.assert_allclose(edges_of(x, dtype), [0, 12.25, 24.5, 36.75, 49])

    def test_other_rows_of_few_values_do_not_either(self, dtype):
        x = np.concatenate([np.zeros(6000), np.ones(3900), np.arange(100.0)])
        np.testing.assert_allclose(edges_of(x, dtype), [0, 24.75, 49.5, 74.25, 99])

    def test_edges_are_values_of_the_rows(self, dtype):
        others = np.sort(np.random.default_rng(0).normal(size=101)).astype(dtype)
        for i in range(5, 96):
            edges = edges_of(np.concatenate([others, np.full(300, (others[i] + others[i + 1]) / 2)]), dtype)
            assert {*edges} <= {*others, (others[i] + others[i + 1]) / 2}


@pytest.mark.parametrize(("n_columns", "expected"), [(1, 33), (6, 33), (8, 26), (14, 14), (20, 8), (28, 8), (29, None)])
def test_max_columns_bounds_the_finer_bins(n_columns, expected):
    values = np.where(np.arange(3200) % 4 == 0, np.random.default_rng(0).uniform(1, 2, 3200), 0)
    X = np.column_stack([np.roll(values, j) for j in range(n_columns)])
    encoder = PiecewiseLinearEncoder(n_bins=8, max_columns=225).fit(X)
    assert {len(edges) - 1 if len(edges) else None for edges in encoder.bin_edges_} == {expected}
    assert len(encoder.encoding_mean_) <= 225
