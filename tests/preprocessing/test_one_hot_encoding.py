import numpy as np
import pandas as pd
import pytest

from skneural import TableEncoder, tabular_regressor


def test_rare_and_unknown_levels_share_a_column():
    cells = np.array(["a"] * 5 + ["b"] * 5 + ["c"] * 2 + ["d"], dtype=object)
    encoder = TableEncoder(min_frequency=3).fit(cells.reshape(-1, 1))
    assert list(encoder.get_feature_names_out()) == ["x0_a", "x0_b", "x0_rare"]
    mean = np.array([5, 5, 3]) / 13
    Z = encoder.transform([["c"], ["d"], ["never seen"], ["a"], [None]])
    np.testing.assert_allclose(Z[:4], np.eye(3)[[2, 2, 2, 0]] - mean, atol=1e-7)
    assert not Z[4].any()
    assert encoder.transform(cells.reshape(-1, 1)).mean(axis=0) == pytest.approx(0, abs=1e-7)


def test_a_rare_missing_level_stays_its_own():
    cells = np.array([None] + ["a", "b"] * 10, dtype=object).reshape(-1, 1)
    encoder = TableEncoder(min_frequency=5).fit(cells)
    assert list(encoder.get_feature_names_out()) == ["x0_b", "x0_missing"]
    np.testing.assert_allclose(encoder.transform([[None]]), [[0, 20 / 21]], rtol=1e-6)


def test_a_fraction_of_the_present_rows_is_rare():
    cells = np.array(["a"] * 98 + ["b", "c"] + [None] * 900, dtype=object).reshape(-1, 1)
    assert list(TableEncoder(min_frequency=0.015).fit(cells).get_feature_names_out()) == ["x0_rare", "x0_missing"]
    assert len(TableEncoder(min_frequency=0.005).fit(cells).get_feature_names_out()) == 4


# Beside mean targets.


@pytest.mark.parametrize(("min_frequency", "least"), [(None, 3), (0.001, 3), (8, 8), (0.1, 8)])
def test_which_of_many_levels_have_columns_beside_their_means(min_frequency, least):
    X = np.repeat([f"level {i:02d}" for i in range(1, 13)], range(1, 13)).reshape(-1, 1).astype(object)  # 78 rows
    y = np.arange(len(X)) / 3
    encoder = TableEncoder(max_levels=10, min_frequency=min_frequency).fit(X, y)
    columns = [f"x0_level {i:02d}" for i in range(least, 13)]
    assert list(encoder.get_feature_names_out()) == ["x0", *columns, "x0_rare"]


def test_too_many_levels_or_too_rare_ones_have_mean_targets_alone():
    X = np.array([[f"level {i // 4}"] for i in range(4004)], dtype=object)
    assert TableEncoder(min_frequency=None).fit_transform(X, np.arange(4004) / 3).shape[1] == 1
    assert TableEncoder(min_frequency=None).fit_transform(X[:4000], np.arange(4000) / 3).shape[1] == 1001
    assert TableEncoder(min_frequency=5).fit_transform(X[:400], np.arange(400) / 3).shape[1] == 1


def test_what_many_levels_change_about_another_feature_is_learned():
    rng = np.random.RandomState(0)
    store, x = rng.randint(40, size=3000), rng.randn(3000)
    X = pd.DataFrame({"store": [f"s{i}" for i in store], "x": x})
    y = np.where(store % 2, x, -x) + 0.1 * rng.randn(3000)
    assert tabular_regressor(random_state=0).fit(X[:2000], y[:2000]).score(X[2000:], y[2000:]) > 0.9
