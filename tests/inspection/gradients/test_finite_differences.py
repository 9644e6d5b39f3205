"""Derivatives from values alone, and kinks."""

import numpy as np
import pytest

from skneural.inspection.gradients.finite_differences import FiniteDifferences


def differences_of(function, *theta):
    theta = np.array(theta, dtype=float)
    return FiniteDifferences(lambda: function(*theta), theta)


SMOOTH = {
    "line": (lambda t: 3 * t, 3.0),
    "square": (lambda t: t**2, 1.4),
    "exp": (lambda t: np.exp(t), np.exp(0.7)),
    "steep": (lambda t: np.sin(3e4 * t), 3e4 * np.cos(2.1e4)),
    "large": (lambda t: 1e8 * t**2, 1.4e8),
    "small": (lambda t: 1e-8 * t**2, 1.4e-8),
    "far kink": (lambda t: max(t, 0.6), 1.0),
    "near kink": (lambda t: t + max(t, 0.7 + 1e-7), 1.0),
    "constant": (lambda t: 5.0, 0.0),
}


@pytest.mark.parametrize("name", SMOOTH)
def test_the_derivative_where_there_is_one(name):
    function, expected = SMOOTH[name]
    derivative = differences_of(function, 0.7).derivative(0)
    assert derivative.is_smooth
    assert abs(derivative.value - expected) <= 1e-7 * max(2 * abs(expected), derivative.floor)


def test_each_entry_by_itself_and_theta_as_it_was():
    theta = np.array([0.3, -1.2, 4.0])
    differences = FiniteDifferences(lambda: float(theta[0] * theta[1] ** 2 + np.exp(theta[2])), theta)
    slopes = [differences.derivative(i).value for i in range(3)]
    np.testing.assert_allclose(slopes, [1.44, -0.72, np.exp(4)], rtol=1e-9)
    np.testing.assert_array_equal(theta, [0.3, -1.2, 4.0])


# At a kink, between any two of the points that are looked at, and within the shortest step.
KINKS = [0.0, 1e-5, -3e-5, 6.6e-5, -1.4e-4]


@pytest.mark.parametrize("change", [1.0, 1e-3, -0.2])
@pytest.mark.parametrize("place", KINKS)
def test_a_kink_is_never_taken_for_a_slope(place, change):
    derivative = differences_of(lambda t: 0.5 * t + change * max(t - place, 0), 0.0).derivative(0)
    if place == 0:
        assert not derivative.is_smooth
    else:
        assert derivative.is_smooth  # by steps that end before the kink
        assert derivative.value == pytest.approx(0.5 + change * (place < 0), rel=1e-6)


@pytest.mark.parametrize("place", np.linspace(-2.5e-4, 2.5e-4, 101))
def test_kinks_anywhere_near(place):
    derivative = differences_of(lambda t: np.exp(t) + max(t - place, 0), 0.0).derivative(0)
    assert not derivative.is_smooth or derivative.value == pytest.approx(1 + (place < 0), rel=1e-6)


@pytest.mark.parametrize("place", np.linspace(-2.5e-4, 2.5e-4, 21))
def test_a_jump_of_the_curvature_does_little_harm(place):
    derivative = differences_of(lambda t: t + 3 * max(t - place, 0) ** 2, 0.0).derivative(0)
    assert derivative.value == pytest.approx(1 + 6 * max(-place, 0), rel=2e-6)


def test_rounding_is_measured():
    rng = np.random.RandomState(0)
    noisy = differences_of(lambda t: t**2 + 1e-9 * rng.normal(), 0.7)
    assert 3e-10 < noisy.rounding_error < 3e-9
    assert differences_of(lambda t: t**2, 0.7).rounding_error < 1e-15


def test_a_slope_below_the_rounding_is_below_the_floor():
    rng = np.random.RandomState(0)
    derivative = differences_of(lambda t: 1e-8 * t + 1e-9 * rng.normal(), 0.7).derivative(0)
    assert abs(derivative.value) < 1e-4 * derivative.floor
