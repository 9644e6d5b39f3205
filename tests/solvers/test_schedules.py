"""The formulas of the schedules."""

import numpy as np
import pytest

from skneural.solvers import SCHEDULES, Adaptive, Constant, Cosine, InverseScaling, OneCycle, Schedule
from skneural.solvers.schedules import Progress


def progress(fraction=(0.0,), epoch=0, n_samples_seen=0):
    return Progress(epoch, n_samples_seen, np.array(fraction))


@pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=repr)
def test_every_factor_lies_between_zero_and_one(schedule):
    fraction = np.linspace(0, 1, 1001)
    factors = np.broadcast_to(schedule(progress(fraction, 10, 1000)), fraction.shape)
    assert ((factors >= 0) & (factors <= 1)).all()


@pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=repr)
def test_only_adaptive_goes_on_after_a_plateau(schedule):
    factor = schedule.on_plateau(0.1)
    assert (factor is not None) == isinstance(schedule, Adaptive)


@pytest.mark.parametrize("schedule", [Constant(), Adaptive()], ids=repr)
def test_some_only_change_on_a_plateau(schedule):
    assert schedule(progress(epoch=0)) == schedule(progress([0.9], 90, 10_000)) == 1


@pytest.mark.parametrize("power_t", [0, 0.5, 1.0])
@pytest.mark.parametrize("n_samples_seen", [0, 1, 99, 10_000])
def test_inverse_scaling(power_t, n_samples_seen):
    factor = InverseScaling(power_t)(progress(n_samples_seen=n_samples_seen))
    np.testing.assert_allclose(factor, 1 / (n_samples_seen + 1) ** power_t)


@pytest.mark.parametrize("divisor", [2.0, 5.0])
def test_adaptive_divides_until_the_rate_is_small_and_then_stops(divisor):
    schedule = Adaptive(divisor, smallest=1e-3)
    assert schedule.on_plateau(0.1) == 1 / divisor
    assert schedule.on_plateau(1.01e-3) == 1 / divisor
    assert schedule.on_plateau(1e-3) is None
    assert schedule.on_plateau(1e-4) is None


@pytest.mark.parametrize("final", [0.0, 0.1])
def test_cosine_is_half_a_wave(final):
    factors = Cosine(final)(progress([0, 1 / 3, 0.5, 2 / 3, 1]))
    np.testing.assert_allclose(factors, final + (1 - final) * np.array([1, 0.75, 0.5, 0.25, 0]), atol=1e-15)


def test_one_cycle_rises_and_falls_in_half_waves():
    schedule = OneCycle(warmup=0.4, start=0.2, final=0.1)
    factors = schedule(progress([0, 0.2, 0.4, 0.7, 1]))
    np.testing.assert_allclose(factors, [0.2, 0.6, 1.0, 0.55, 0.1])


@pytest.mark.parametrize("warmup", [0.1, 0.5, 0.9])
def test_one_cycle_turns_once_and_makes_no_jump(warmup):
    fraction = np.linspace(0, 1, 10_001)
    factors = OneCycle(warmup)(progress(fraction))
    change = np.diff(factors)
    assert (change[fraction[1:] <= warmup] > 0).all()
    assert (change[fraction[:-1] >= warmup] < 0).all()
    assert np.abs(change).max() < 2e-3


@pytest.mark.parametrize(
    ("schedule", "name"),
    [
        (InverseScaling(-1), "power_t"),
        (Adaptive(divisor=1), "divisor"),
        (Adaptive(smallest=-1), "smallest"),
        (Cosine(1.5), "final"),
        (OneCycle(warmup=0), "warmup"),
        (OneCycle(warmup=1), "warmup"),
        (OneCycle(start=2), "start"),
        (OneCycle(final=-1), "final"),
    ],
    ids=repr,
)
def test_out_of_range(schedule, name):
    with pytest.raises(ValueError, match=f"'{name}' parameter of {type(schedule).__name__} must be a float"):
        schedule.check()


def test_a_users_own_schedule_stops_at_a_plateau_unless_it_says_otherwise():
    class Halving(Schedule):
        def __call__(self, progress):
            return 0.5**progress.epoch

    assert Halving()(progress(epoch=3)) == 0.125
    assert Halving().on_plateau(0.1) is None


@pytest.mark.parametrize(
    ("schedule", "finished"),
    [
        (Constant(), False),
        (InverseScaling(), False),
        (Adaptive(), False),
        (Cosine(), True),
        (Cosine(final=1e-3), True),
        (Cosine(final=0.01), False),
        (OneCycle(), True),
        (OneCycle(final=0.1), False),
    ],
    ids=repr,
)
def test_a_schedule_is_finished_when_its_rate_has_become_negligible(schedule, finished):
    assert not schedule.is_finished(progress([0.0, 0.5]), 0.1, 0.1)
    assert not schedule.is_finished(progress([0.99, 0.995], 99), 0.1, 0.1)
    assert schedule.is_finished(progress([1.0, 1.0], 100), 0.1, 0.1) == finished
    factor = np.max(schedule(progress([1.0, 1.0], 100)))
    assert (factor <= 1e-3) == finished


@pytest.mark.parametrize(
    ("rate", "rate_init", "finished"),
    [(0.1, 0.1, False), (1.01e-6, 0.1, False), (1e-6, 0.1, True), (6e-7, 0.1, True), (6e-7, 6e-7, False)],
)
def test_adaptive_is_finished_where_plateaus_have_brought_the_rate_down_to_the_smallest(rate, rate_init, finished):
    assert Adaptive().is_finished(progress([1.0], 500), rate, rate_init) == finished
    assert (Adaptive().on_plateau(rate) is None) or not finished
