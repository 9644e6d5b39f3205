"""The columns of two data sets: which differences rows of one kind cannot have."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn import datasets
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, QuantileTransformer, RobustScaler, StandardScaler

from skneural.estimators.dataset_shift import SPARSE_BLOCK_ROWS, ColumnDifferences, column_statistics

NAMES = ("iris", "wine", "breast_cancer", "digits", "diabetes")
DATA = {name: getattr(datasets, f"load_{name}")(return_X_y=True) for name in NAMES}
SCALERS = [StandardScaler(), MinMaxScaler(), RobustScaler(), QuantileTransformer(n_quantiles=50), MaxAbsScaler()]


def differ(X, X_val):
    return ColumnDifferences(*(column_statistics(each, None) for each in (X, X_val))).in_features


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n_rows", [50, 2 * SPARSE_BLOCK_ROWS + 7])
def test_sparse_rows_have_the_statistics_of_dense_ones(dtype, weighted, n_rows):
    rng = np.random.RandomState(0)
    X = rng.normal(3, 2, (n_rows, 5)).astype(dtype) * (rng.uniform(size=(n_rows, 5)) < 0.3)
    X[:, 3], X[:, 4] = 0, np.arange(n_rows) % 7
    weight = rng.uniform(0, 2, n_rows) if weighted else None
    dense, other = (column_statistics(each, weight) for each in (X, sparse.csr_array(X)))
    assert_allclose(dense.mean, np.average(X, axis=0, weights=weight), rtol=1e-6)
    assert_allclose(dense.std**2, np.average((X - dense.mean) ** 2, axis=0, weights=weight), rtol=1e-5)
    assert np.isnan(other.decile_range).all()
    for name in ("mean", "std", "rounded_fraction"):
        assert_allclose(getattr(other, name), getattr(dense, name), rtol=1e-6, atol=1e-12)
    assert_array_equal(dense.rounded_fraction, [0, 0, 0, np.nan, 1])


def test_squares_beyond_float64_are_an_overflow():
    with pytest.raises(OverflowError, match="overflow float64"):
        column_statistics(np.array([[1e200], [-1e200]]), None)


@pytest.mark.parametrize("name", DATA)
@pytest.mark.parametrize("scaler", [None, *SCALERS], ids=repr)
def test_honest_parts_of_data_never_differ(name, scaler):
    X, y = DATA[name]
    n, rng = len(X), np.random.RandomState(0)
    orders = [rng.permutation(n) for _ in range(5)]
    sorted_rows = [np.arange(n), np.argsort(y), *np.argsort(X, axis=0)[:, ::7].T]  # as by time or group
    for order in [*orders, *sorted_rows, *(rows[::-1] for rows in sorted_rows)]:
        for n_val in (10, n // 10, n // 2):
            A, B = X[order[n_val:]], X[order[:n_val]]
            if scaler is not None:
                A = scaler.fit(A).transform(A)
                B = scaler.transform(B)
            assert not differ(A, B)


def train_and_validation_rows(name):
    X, _ = DATA[name]
    order = np.random.RandomState(0).permutation(len(X))
    return X[order[50:]], X[order[:50]]


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "digits"])
@pytest.mark.parametrize("scaler", SCALERS, ids=repr)
def test_scaled_rows_differ_from_those_that_were_not(name, scaler):
    A, B = train_and_validation_rows(name)
    assert differ(scaler.fit(A).transform(A), B)


@pytest.mark.parametrize("name", DATA)
def test_standardized_rows_differ_from_those_that_were_not_whichever_are_the_training_rows(name):
    A, B = train_and_validation_rows(name)
    scaler = StandardScaler().fit(A)
    assert differ(scaler.transform(A), B)
    assert differ(A, scaler.transform(B))


def test_one_feature_on_another_scale_is_enough_if_no_training_row_comes_near():
    rng = np.random.RandomState(0)
    X = rng.normal(size=(500, 30))
    X_val = X[:100].copy()
    X_val[:, 4] = 52000 + 11000 * X_val[:, 4]
    assert differ(X[100:], X_val)
    drift = X[:100].copy()
    drift[:, 4] += 50  # as time goes on
    assert not differ(X[100:], drift)


def test_a_few_outliers_and_columns_that_are_constant_in_one_part_make_no_difference():
    rng = np.random.RandomState(0)
    X, X_val = rng.normal(size=(200, 4)), rng.normal(size=(100, 4))
    X_val[0] = 1e6
    assert not differ(X, X_val)
    X[:, :2], X_val[:, 2:] = 0, 7
    assert not differ(X, X_val)
    assert not differ(np.zeros((20, 3)), np.ones((20, 3)))


def test_rounding_alone_makes_no_difference():
    X = np.random.RandomState(0).normal(size=(200, 4))
    assert not differ(X[:100], np.round(X[100:], 2))
