"""Checked data: rows are taken alike from all arrays, and sample weights keep their ratios."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse

from skneural.estimators.checked_data import CheckedData


@pytest.mark.parametrize("convert", [np.asarray, sparse.csr_array])
def test_take_returns_the_same_rows_of_every_array(convert):
    X, y = np.arange(12.0).reshape(4, 3), np.array(["a", "b", "a", "c"])
    taken = CheckedData(convert(X), np.array([0, 1, 0, 2]), y, np.array([1.0, 0.5, 0.2, 0.0])).take(np.array([3, 1]))
    X_taken = taken.X.toarray() if sparse.issparse(taken.X) else taken.X
    assert_array_equal(X_taken, X[[3, 1]])
    assert (taken.Y.tolist(), taken.y.tolist()) == ([2, 1], ["c", "b"])
    assert taken.sample_weight.tolist() == [0, 0.5]


def test_data_without_sample_weight_have_none_after_take():
    assert CheckedData(np.eye(2), np.arange(2), np.arange(2), None).take(np.array([1])).sample_weight is None


def test_rows_of_weight_zero_are_not_counted():
    data = [CheckedData(np.eye(4), np.arange(4), np.arange(4), weight) for weight in (None, np.array([1, 0.5, 0, 0]))]
    assert [each.n_weighted_rows for each in data] == [4, 2]
