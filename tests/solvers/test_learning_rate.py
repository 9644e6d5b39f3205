"""The rates of batches and epochs; what schedules of users return is checked."""

import numpy as np
import pytest
from sklearn.datasets import load_iris

from skneural import ActivationMLPClassifier
from skneural.solvers import SCHEDULES, Adaptive, Batches, Cosine, Schedule
from skneural.solvers.learning_rate import LearningRate, call_on_plateau, call_schedule
from skneural.solvers.schedules import Progress

X, Y = load_iris(return_X_y=True)
START = Progress(epoch=4, n_samples_seen=0, fraction=np.array([0.0, 0.1, 0.2]))


def own_schedule(function, **members):
    return type("Mine", (Schedule,), {"__call__": lambda self, progress: function(progress), **members})()


@pytest.mark.parametrize("returned", [0.5, 1, np.float32(0.5), np.array([1, 0.5, 0]), [1, 1, 1], True])
def test_one_factor_or_one_per_batch(returned):
    for each in (lambda progress: returned, own_schedule(lambda progress: returned)):
        np.testing.assert_array_equal(call_schedule(each, START), np.broadcast_to(returned, 3))


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_schedules_of_the_package_pass(name):
    np.testing.assert_array_equal(call_schedule(SCHEDULES[name], START), np.broadcast_to(SCHEDULES[name](START), 3))


@pytest.mark.parametrize(
    "returned", [None, "fast", 1j, np.nan, np.inf, -1, [1, 1], np.ones((1, 3)), [[1], [1, 2]]], ids=str
)
def test_anything_else_is_refused(returned):
    message = r"(?s)^learning_rate=Mine\(\) must return a finite factor >= 0, or .* 3 batches. Got .* in epoch 5\.$"
    with pytest.raises(ValueError, match=message):
        call_schedule(own_schedule(lambda progress: returned), START)


def test_a_signature_of_its_own():
    with pytest.raises(TypeError, match=r"learning_rate=<function .* must have the signature \(progress\): too many"):
        call_schedule(lambda: 1, START)
    with pytest.raises(TypeError, match=r"learning_rate=<built-in function len>, called with Progress\(.* has no len"):
        call_schedule(len, START)


@pytest.mark.parametrize("factor", [None, 0.5, 2, np.float32(0.1)])
def test_on_a_plateau_a_factor_or_none(factor):
    assert call_on_plateau(own_schedule(lambda progress: 1, on_plateau=lambda self, rate: factor), 0.1) == factor


@pytest.mark.parametrize("factor", ["slow", 0, -1, np.nan, np.inf, True, np.ones(2)], ids=str)
def test_on_a_plateau_nothing_else(factor):
    with pytest.raises(ValueError, match=r"learning_rate=Mine\(\): on_plateau must return None or a factor > 0. Got"):
        call_on_plateau(own_schedule(lambda progress: 1, on_plateau=lambda self, rate: factor), 0.1)


def test_fit_checks_schedules():
    for faulty in (own_schedule(lambda progress: -1), lambda progress: -1):
        with pytest.raises(
            ValueError, match=r"learning_rate=.* must return a finite factor >= 0, .* Got -1 in epoch 1"
        ):
            ActivationMLPClassifier((3,), learning_rate=faulty).fit(X, Y)
    late = own_schedule(lambda progress: 1 if progress.epoch < 2 else None)
    with pytest.raises(ValueError, match="Got None in epoch 3"):
        ActivationMLPClassifier((3,), learning_rate=late).fit(X, Y)


def learning_rate(schedule, n_rows=20, batch_size=5):
    return LearningRate(schedule, 0.1, Batches(n_rows, batch_size, shuffle=False))


def test_the_rates_of_several_epochs_are_those_of_single_ones():
    rates = learning_rate(Cosine()).of_batches(3, 4, 60, max_iter=10)
    single = [learning_rate(Cosine()).of_batches(3 + i, 1, 60 + 20 * i, max_iter=10)[0] for i in range(4)]
    np.testing.assert_array_equal(rates, single)


def test_plateaus_shrink_the_rate_until_the_schedule_stops_training():
    adaptive = learning_rate(Adaptive(divisor=4, smallest=0.05))
    assert adaptive.shrink_on_plateau(0.1)
    np.testing.assert_allclose(adaptive.of_batches(0, 1, 0, max_iter=1), 0.025)
    assert not adaptive.shrink_on_plateau(0.025)
    assert not learning_rate(lambda progress: 1.0).shrink_on_plateau(0.1)
    assert adaptive.plateau_factor == 0.25
