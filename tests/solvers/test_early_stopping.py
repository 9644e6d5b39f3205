"""What counts as progress, and when there has been none for too long."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skneural.solvers import EarlyStopping


def fed(values, tol=0.0, patience=2):
    stopping = EarlyStopping(tol, patience)
    return stopping, [stopping.update(value) for value in values]


@settings(deadline=None)
@given(st.lists(st.floats(-10, 10) | st.just(math.nan), min_size=1))
def test_the_best_is_the_smallest_number_whatever_comes_between(values):
    stopping, improved = fed(values)
    numbers = [value for value in values if not math.isnan(value)]
    assert stopping.best == min(numbers, default=math.inf)
    records = [not math.isnan(v) and all(not v >= before for before in values[:i]) for i, v in enumerate(values)]
    assert improved == records


@pytest.mark.parametrize(
    ("values", "tol", "count"),
    [
        ([1.0, 0.5, 0.25], 0.1, 0),
        ([1.0, 0.95, 0.9375], 0.125, 2),  # better, but by too little
        ([1.0, 0.875], 0.125, 0),  # by exactly tol
        ([1.0, 1.0, 1.0], 0.1, 2),
        ([1.0, 2.0, 3.0, 0.5], 0.1, 0),
        ([1.0, 2.0, 3.0], 0.1, 2),
        ([1.0, math.nan, math.nan], 0.1, 2),
        ([math.nan], 0.1, 1),
        ([1.0, math.nan, 0.5], 0.1, 0),
        ([1.0, 0.95, 0.9, 0.85], 0.08, 3),  # measured against the smallest so far, not against the last progress
    ],
)
def test_epochs_without_progress_are_counted(values, tol, count):
    assert fed(values, tol)[0].count == count


@pytest.mark.parametrize("patience", [0, 1, 3])
def test_patience_ends_after_more_than_that_many_epochs(patience):
    stopping = EarlyStopping(0.0, patience)
    stopping.update(1.0)
    for _ in range(patience):
        assert not stopping.should_stop
        stopping.update(2.0)
    assert not stopping.should_stop
    stopping.update(2.0)
    assert stopping.should_stop


def test_infinite_patience_never_ends():
    assert not fed([1.0] + [2.0] * 1000, patience=math.inf)[0].should_stop


@pytest.mark.parametrize("patience", [0, 1, 2.5, 10])
@pytest.mark.parametrize("losses", [[1.0], [1.0, 2.0], [1.0, 2.0, 0.5]])
def test_what_is_left_are_the_epochs_until_training_may_end(patience, losses):
    stopping = fed(losses, patience=patience)[0]
    left = max(0, int(stopping.epochs_left))
    for _ in range(left):
        assert not stopping.should_stop
        stopping.update(9.0)
    assert stopping.should_stop
