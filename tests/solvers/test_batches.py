"""Each epoch takes every row exactly once."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skneural.solvers import Batches, EqualBatches

SIZES = {"n_rows": st.integers(1, 60), "batch_size": st.integers(1, 70), "shuffle": st.booleans()}
KINDS = pytest.mark.parametrize("kind", [Batches, EqualBatches])


def epoch(batches, seed=0):
    """Return the batches of one epoch as arrays of row numbers."""
    return [np.arange(batches.n_rows)[rows] for rows in batches.split(batches.order(np.random.RandomState(seed)))]


@KINDS
@settings(deadline=None)
@given(**SIZES)
def test_every_row_comes_exactly_once(kind, n_rows, batch_size, shuffle):
    rows = np.concatenate(epoch(kind(n_rows, batch_size, shuffle)))
    np.testing.assert_array_equal(np.sort(rows), np.arange(n_rows))


@settings(deadline=None)
@given(**SIZES)
def test_all_batches_are_full_but_the_last(n_rows, batch_size, shuffle):
    batches = Batches(n_rows, batch_size, shuffle)
    *full, last = [len(rows) for rows in epoch(batches)]
    assert full == [min(batch_size, n_rows)] * (len(batches) - 1)
    assert 1 <= last <= min(batch_size, n_rows)


@settings(deadline=None)
@given(**SIZES)
def test_equal_batches_differ_by_one_row_at_most(n_rows, batch_size, shuffle):
    batches = EqualBatches(n_rows, batch_size, shuffle)
    sizes = [len(rows) for rows in epoch(batches)]
    assert len(sizes) == len(batches) == len(Batches(n_rows, batch_size, shuffle))
    assert max(sizes) - min(sizes) <= 1
    assert max(sizes) <= batch_size


@KINDS
@settings(deadline=None)
@given(**SIZES)
def test_unshuffled_rows_come_as_slices_in_order(kind, n_rows, batch_size, shuffle):
    batches = kind(n_rows, batch_size, shuffle=False)
    slices = list(batches.split(batches.order(np.random.RandomState(0))))
    assert sum(rows.stop - rows.start for rows in slices) == n_rows
    np.testing.assert_array_equal(np.concatenate(epoch(batches)), np.arange(n_rows))


def test_shuffling_follows_the_generator_and_differs_from_epoch_to_epoch():
    batches, rng = Batches(50, 10, shuffle=True), np.random.RandomState(0)
    first, second = batches.order(rng), batches.order(rng)
    assert (first != second).any()
    np.testing.assert_array_equal(np.concatenate(epoch(batches)), first)


@pytest.mark.parametrize("batch_size", [50, 60])
def test_a_single_batch_is_never_shuffled_and_draws_nothing(batch_size):
    rng = np.random.RandomState(0)
    batches = Batches(50, batch_size, shuffle=True)
    assert list(batches.split(batches.order(rng))) == [slice(0, 50)]
    assert rng.random_sample() == np.random.RandomState(0).random_sample()
