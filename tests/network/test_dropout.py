"""Dropout: unbiased, never at the caller's expense, and drawn anew in each pass."""

import numpy as np
import pytest
from scipy import sparse

from skneural.network import Dropout

N = 200_000
RATES = [0.05, 0.25, 0.5, 0.9, 0.999]


def drop(A, rate, seed=0):
    return Dropout(rate, np.random.RandomState(seed)).forward(A)


@pytest.mark.parametrize("rate", RATES)
def test_the_mean_stays_and_the_rate_is_kept(rate):
    """Six standard errors: of the share dropped, sqrt(r (1 - r) / n); of the mean, sqrt(r / (1 - r) / n)."""
    dropped = drop(np.ones((N // 4, 4)), rate)
    assert abs((dropped == 0).mean() - rate) < 6 * np.sqrt(rate * (1 - rate) / N) + 2**-17
    assert abs(dropped.mean() - 1) < 6 * np.sqrt(rate / (1 - rate) / N)
    np.testing.assert_allclose(np.unique(dropped), [0, 1 / (1 - rate)], rtol=2**-16 / (1 - rate))


@pytest.mark.parametrize("rate", RATES)
def test_the_expectation_is_the_undropped_value_whatever_the_rounding_of_the_rate(rate):
    dropout = Dropout(rate, np.random.RandomState(0))
    kept = 1 - dropout.threshold / 2**16
    assert dropout.forward(np.ones((200, 200))).max() * kept == pytest.approx(1, abs=1e-15)


def test_entries_are_dropped_independently():
    dropped = drop(np.ones((50_000, 3)), 0.5) == 0
    correlation = np.corrcoef(dropped.T)
    assert np.abs(correlation[np.triu_indices(3, 1)]).max() < 6 / np.sqrt(50_000)
    assert abs(np.corrcoef(dropped[:-1, 0], dropped[1:, 0])[0, 1]) < 6 / np.sqrt(50_000)


def test_rate_zero_keeps_all():
    A = np.random.RandomState(0).normal(size=(30, 5))
    np.testing.assert_array_equal(drop(A, 0.0), A)
    np.testing.assert_array_equal(drop(A, 1e-9), A)


def test_a_rate_next_to_one_is_finite():
    dropped = drop(np.ones((1000, 1000), np.float32), np.nextafter(1, 0))
    assert set(np.unique(dropped)) <= {0.0, 65536.0}
    assert np.isfinite(dropped).all()


@pytest.mark.parametrize("convert", [np.asarray, sparse.csr_array, sparse.csr_matrix])
def test_the_input_stays_as_it_is(convert):
    A = convert(np.random.RandomState(0).normal(size=(30, 5)))
    values = A.data if sparse.issparse(A) else A
    before = values.copy()
    values.flags.writeable = False
    dropped = drop(A, 0.5)
    np.testing.assert_array_equal(values, before)
    assert not np.shares_memory(dropped.data if sparse.issparse(A) else dropped, values)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("convert", [np.asarray, sparse.csr_array])
def test_precision_and_form_are_kept(dtype, convert):
    A = convert(np.ones((6, 5), dtype))
    dropped = drop(A, 0.3)
    assert dropped.dtype == dtype
    assert dropped.shape == A.shape
    assert sparse.issparse(dropped) == sparse.issparse(A)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_sparse_rows_are_dropped_like_dense_ones(rate):
    """Only stored entries can be dropped, which is all that can be seen."""
    A = np.random.RandomState(1).binomial(1, 0.3, (40_000, 5)) * 2.0
    dense, thin = drop(A, rate), drop(sparse.csr_array(A), rate, seed=1).toarray()
    assert not thin[A == 0].any()
    n = np.count_nonzero(A)
    row_weight = [(dropped[A != 0] == 0).mean() for dropped in (dense, thin)]
    assert abs(row_weight[0] - row_weight[1]) < 6 * np.sqrt(2 * rate * (1 - rate) / n)
    np.testing.assert_array_equal(np.unique(thin), np.unique(dense))
    errors = [dropped.mean(axis=0) - A.mean(axis=0) for dropped in (dense, thin)]
    bound = 6 * 2 * np.sqrt(rate / (1 - rate) * 0.3 / 40_000)
    assert np.abs(errors).max() < bound


def test_each_pass_has_a_new_mask_and_the_seed_decides_them():
    A = np.ones((50, 4))
    dropout = Dropout(0.5, np.random.RandomState(0))
    first, second = dropout.forward(A).copy(), dropout.forward(A)
    assert (first != second).any()
    np.testing.assert_array_equal(drop(A, 0.5), first)
    assert (drop(A, 0.5, seed=1) != first).any()


def test_the_gradient_passes_where_the_value_did():
    dropout = Dropout(0.4, np.random.RandomState(0))
    A = np.random.RandomState(1).normal(size=(20, 3))
    dropped, dA = dropout.forward(A), np.random.RandomState(2).normal(size=(20, 3))
    expected = dA * dropped / A
    np.testing.assert_allclose(dropout.input_gradient(dA.copy()), expected)
