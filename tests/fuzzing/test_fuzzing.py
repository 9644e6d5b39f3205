"""Whatever somebody passes ends in a correct result or in an error that says why: see docs/reliability.md.

A few hundred drawn uses run with the other tests. Many more, from another seed:

    SKNEURAL_FUZZ_SEED=1 SKNEURAL_FUZZ_COUNT=20000 python -m pytest tests/fuzzing -m long -n 0
"""

import os

import numpy as np
import pytest
from cases import cases
from hypothesis import HealthCheck, given, seed, settings
from invariants import attempt, check
from sklearn.base import BaseEstimator

from skneural import StdScaler

SEED = int(os.environ.get("SKNEURAL_FUZZ_SEED", 0))
COUNT = int(os.environ.get("SKNEURAL_FUZZ_COUNT", 20_000))


def fuzz(first_seed, count):
    """Draw and check so many cases; return how they ended, with counts."""
    ends = dict[str, int]()

    @seed(first_seed)
    @settings(max_examples=count, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(cases())
    def draw(case):
        end = check(case)
        ends[end] = ends.get(end, 0) + 1

    draw()
    return ends


def test_some_uses():
    answered = sum(fuzz(part, 100)["answered"] for part in range(5))
    assert answered > 75  # else it would only look at how things are refused


@pytest.mark.long
def test_many_uses(capsys):
    ends = fuzz(SEED, COUNT)
    with capsys.disabled():
        print(f"\n{sum(ends.values())} uses drawn from seed {SEED}: {ends}")
    assert sum(ends.values()) >= COUNT


class Careless(BaseEstimator):
    """An estimator that does all that must not be done."""

    def writes(self, X):
        X[0] = 0

    def indexes(self, X):
        return X[len(X)]

    def stumbles(self, X):
        return len(X) + X.shape

    def overflows(self, X):
        return X * 1e308


@pytest.mark.parametrize(
    ("method", "found"),
    [("writes", "changed an argument"), ("stumbles", "not meant"), ("overflows", "warned")],
)
def test_what_must_not_be_done_is_found(method, found):
    with pytest.raises(AssertionError, match=found):
        attempt(getattr(Careless(), method), np.full(3, 10.0))


def test_errors_of_other_kinds_are_found():
    with pytest.raises(IndexError):
        attempt(Careless().indexes, np.ones(3))


def test_an_error_that_was_meant_is_an_outcome():
    assert "not fitted" in str(attempt(StdScaler().transform, np.ones((3, 1))).error)
