"""Adagrad against its formula."""

import numpy as np
import pytest

from skneural.solvers import Adagrad


@pytest.mark.parametrize("epsilon", [1e-8, 0.1])
def test_it_is_its_formula(epsilon):
    theta, gradient, past = np.ones(30), np.zeros(30), []
    solver = Adagrad(epsilon)
    solver.initialize(theta, gradient)
    expected, rng = theta.copy(), np.random.RandomState(0)
    for t in range(1, 9):
        gradient[...] = rng.normal(size=30)
        past.append(gradient.copy())
        solver.step(0.1 / t)
        expected -= 0.1 / t * gradient / (np.sqrt(np.sum(np.square(past), axis=0)) + epsilon)
        np.testing.assert_allclose(theta, expected, rtol=1e-12, atol=1e-14)


def test_the_first_step_has_the_length_of_the_rate():
    theta, gradient = np.zeros(3), np.array([1e-2, -1.0, 1e3])
    solver = Adagrad()
    solver.initialize(theta, gradient)
    solver.step(0.01)
    np.testing.assert_allclose(theta, [-0.01, 0.01, -0.01], rtol=1e-4)


def test_a_vanishing_gradient_divides_by_epsilon_not_by_zero():
    theta, gradient = np.ones(3, np.float32), np.zeros(3, np.float32)
    solver = Adagrad()
    solver.initialize(theta, gradient)
    solver.step(0.01)
    np.testing.assert_array_equal(theta, 1)


@pytest.mark.parametrize("epsilon", [0, -1])
def test_out_of_range(epsilon):
    with pytest.raises(ValueError, match=r"'epsilon' parameter of Adagrad must be a float in the range"):
        Adagrad(epsilon).check()
