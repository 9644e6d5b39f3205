"""Numbers of a table: the scale without outliers, and what their bins are multiplied by."""

import numpy as np
import pandas as pd
import pytest

from skneural import tabular_classifier
from skneural.preprocessing.number_encoding import fit_scaler, number_factors
from skneural.preprocessing.piecewise_linear import PiecewiseLinearEncoder


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


def mostly_zero(n_rows, n_columns):
    """Numbers that are 0 in three quarters of the rows."""
    X = np.random.default_rng(0).uniform(1, 2, size=(n_rows, n_columns))
    X[np.arange(n_rows) % 4 > 0] = 0
    return X


# 800 other rows: 32 bins, and one between 0 and the smallest of them
@pytest.mark.parametrize(("n_columns", "expected"), [(1, 1.0), (3, (64 / 99) ** 0.5), (28, 0.3)])
def test_bins_of_numbers_that_are_mostly_one_value_count_more_unless_they_are_many(n_columns, expected):
    X = np.column_stack([mostly_zero(3200, n_columns), np.arange(3200.0)])
    encoder = PiecewiseLinearEncoder(n_bins=8, max_columns=1000).fit(X)
    factors = number_factors(encoder, 2)
    assert factors.dtype == np.float32
    np.testing.assert_allclose(factors, np.repeat([1, expected, 0.3], [n_columns + 1, 33 * n_columns, 8 + 2]))


def test_a_table_without_bins_has_no_factors_for_them():
    encoder = PiecewiseLinearEncoder(n_bins=8).fit(mostly_zero(100, 2))
    np.testing.assert_array_equal(number_factors(encoder, 0), [1, 1])


def amounts(n_rows):
    """A table of which one number is mostly 0, and labels that 30 amounts decide where they are, and else chance."""
    rng = np.random.default_rng(0)
    has_amount, which = rng.uniform(size=n_rows) < 0.1, rng.integers(30, size=n_rows)
    amount = np.round(np.exp(rng.uniform(5, 11, size=30)))[which] * has_amount
    table = pd.DataFrame({"gain": amount, "age": rng.integers(18, 80, n_rows), "hours": rng.normal(40, 8, n_rows)})
    return table, np.where(has_amount, which % 2, rng.uniform(size=n_rows) < 0.25), has_amount


def test_rare_amounts_are_learned_one_by_one():
    table, y, has_amount = amounts(5000)
    model = tabular_classifier(random_state=0).fit(table[:3000], y[:3000])
    right = model.predict(table[3000:]) == y[3000:]
    assert right[has_amount[3000:]].mean() > 0.9  # 0.97; 0.59 with as many bins as other numbers have, times 0.3
