"""The training set: which rows are taken, and how their weights are scaled."""

import numpy as np
import pytest
from scipy import sparse

from skneural.network import TrainingRows
from skneural.network.training_rows import evenly_spaced_rows

X, Y = np.arange(12.0).reshape(6, 2), np.arange(6)


@pytest.mark.parametrize("convert", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("rows", [slice(1, 4), np.array([5, 0, 0])])
def test_the_rows_asked_for_are_taken(rows, convert):
    taken, targets, sample_weight = TrainingRows(convert(X), Y).take(rows)
    np.testing.assert_array_equal(taken.toarray() if sparse.issparse(taken) else taken, X[rows])
    np.testing.assert_array_equal(targets, Y[rows])
    assert sample_weight is None


def test_only_rows_of_the_subset_are_taken_and_their_weights_have_mean_one():
    rows = TrainingRows(X, Y, sample_weight=np.array([1.0, 9.0, 3.0, 9.0, 2.0, 9.0]), subset=np.array([0, 2, 4]))
    taken, targets, sample_weight = rows.take(slice(0, 3))
    assert len(rows) == 3
    np.testing.assert_array_equal(taken, X[[0, 2, 4]])
    np.testing.assert_array_equal(targets, [0, 2, 4])
    np.testing.assert_allclose(sample_weight, [0.5, 1.5, 1.0])


@pytest.mark.parametrize("size", [1e-250, 5e-324])
def test_tiny_weights_have_mean_one_beside_huge_weights_of_other_rows(size):
    X32 = X.astype(np.float32)
    rows = TrainingRows(X32, Y, sample_weight=np.array([size, 1.0, 0.0, 1.0, size, 1.0]), subset=np.array([0, 2, 4]))
    sample_weight = rows.take(slice(0, 3))[2]
    assert sample_weight.dtype == np.float32
    np.testing.assert_allclose(sample_weight, [1.5, 0.0, 1.5])


def test_a_slice_of_dense_rows_is_no_copy():
    assert np.shares_memory(TrainingRows(X, Y).take(slice(0, 3))[0], X)


@pytest.mark.parametrize(
    ("n_rows", "expected"), [(1, [0]), (4, [0, 1, 2, 3]), (5, [0, 1, 2, 4]), (1000, [0, 333, 666, 999])]
)
def test_evenly_spaced_rows_include_both_ends(n_rows, expected):
    assert evenly_spaced_rows(n_rows, 4).tolist() == expected
