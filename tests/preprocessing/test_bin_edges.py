"""Edges of bins: quantiles, distinct values where these are few, and finer edges beside a value of most rows."""

import numpy as np
import pytest

from skneural.preprocessing.bin_edges import count_bins, dominant_value, drop_missing, finer_edges, quantile_edges


def test_edges_are_quantiles():
    assert quantile_edges(np.arange(9.0), 4, min_rows=1).tolist() == [0, 2, 4, 6, 8]


def test_edges_are_the_values_where_these_are_few():
    assert quantile_edges(np.array([0.0, 0, 0, 0, 1, 3]), 4, min_rows=1).tolist() == [0, 1, 3]


def test_edges_are_quantiles_of_the_values_where_many_rows_have_one():
    x = np.repeat(np.arange(9.0), [100, 1, 1, 1, 1, 1, 1, 1, 1])
    assert quantile_edges(x, 4, min_rows=1).tolist() == [0, 2, 4, 6, 8]


@pytest.mark.parametrize(
    ("x", "n_bins", "min_rows"), [(np.arange(9.0), 0, 1), (np.arange(9.0), 4, 3), (np.array([0.0, 1.0, 1.0]), 4, 0)]
)
def test_there_are_none_without_bins_rows_or_values(x, n_bins, min_rows):
    assert not len(quantile_edges(x, n_bins, min_rows))


def test_the_largest_numbers_do_not_overflow():
    high = np.finfo(np.float64).max
    assert quantile_edges(np.array([-high, 0.0, high]), 2, min_rows=1).tolist() == [-high, 0, high]


def test_a_dominant_value_has_more_than_half_of_the_rows():
    assert dominant_value(np.array([2.0, 2, 1])) == 2
    assert np.isnan(dominant_value(np.array([2.0, 2, 1, 3])))


def test_finer_edges_divide_the_other_rows_and_frame_the_value():
    x = np.concatenate([np.zeros(100), np.arange(1, 42), [-1, np.nan]])
    edges = finer_edges(x, 0.0, np.array([-1.0, 0.0, 41.0]), most_bins=4)
    assert edges.tolist() == [-1, 0, 1, 10, 20, 31, 41]


def test_finer_edges_are_the_others_where_they_are_no_more():
    edges = np.array([0.0, 1.0, 2.0])
    assert finer_edges(np.repeat([0.0, 1.0, 2.0], [50, 20, 20]), 0.0, edges, most_bins=8) is edges


def test_bins_lie_between_edges():
    assert (count_bins(np.empty(0)), count_bins(np.arange(3.0))) == (0, 2)
    assert drop_missing(np.array([np.nan, 1.0])).tolist() == [1.0]
