"""Quantiles of weighted values are NumPy's, of as many equal rows."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from skneural.weighted_quantiles import lower_weighted_quantile, weighted_quantiles


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=40))
def test_quantiles_of_equal_weights_are_numpys(values):
    y, probabilities = np.array(values, float), [0.01, 0.25, 0.5, 0.75, 0.99]
    expected = np.quantile(y, probabilities, method="averaged_inverted_cdf")
    assert_array_equal(weighted_quantiles(y, probabilities, np.full(len(y), 0.1)), expected)


@given(st.lists(st.tuples(st.integers(-5, 5), st.integers(1, 4)), min_size=1, max_size=40))
def test_lower_quantiles_are_those_of_repeated_rows(values_and_weights):
    y, weights = (np.array(each, float) for each in zip(*values_and_weights, strict=True))
    for probability in (0.25, 0.5, 0.75):
        expected = np.quantile(np.repeat(y, weights.astype(int)), probability, method="inverted_cdf")
        assert lower_weighted_quantile(y, probability, weights) == expected
