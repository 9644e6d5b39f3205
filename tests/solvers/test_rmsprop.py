"""RMSprop against its formula."""

import numpy as np
import pytest

from skneural.solvers import RMSprop


@pytest.mark.parametrize(("beta_2", "epsilon"), [(0.999, 1e-8), (0.9, 1e-2), (0.0, 1e-8)])
def test_it_is_its_formula(beta_2, epsilon):
    theta, gradient, past = np.ones(30), np.zeros(30), []
    solver = RMSprop(beta_2, epsilon)
    solver.initialize(theta, gradient)
    expected, rng = theta.copy(), np.random.RandomState(0)
    for t in range(1, 9):
        gradient[...] = rng.normal(size=30)
        past.append(gradient.copy())
        solver.step(0.1 / t)
        v = (1 - beta_2) * sum(beta_2 ** (t - i) * g**2 for i, g in enumerate(past, start=1))
        expected -= 0.1 / t * np.sqrt(1 - beta_2**t) * gradient / (np.sqrt(v) + epsilon)
        np.testing.assert_allclose(theta, expected, rtol=1e-12, atol=1e-14)


def test_the_first_step_has_the_length_of_the_rate():
    theta, gradient = np.zeros(3), np.array([1e-2, -1.0, 1e3])
    solver = RMSprop()
    solver.initialize(theta, gradient)
    solver.step(0.01)
    np.testing.assert_allclose(theta, [-0.01, 0.01, -0.01], rtol=1e-4)


def test_a_vanishing_gradient_divides_by_epsilon_not_by_zero():
    theta, gradient = np.ones(3, np.float32), np.zeros(3, np.float32)
    solver = RMSprop()
    solver.initialize(theta, gradient)
    solver.step(0.01)
    np.testing.assert_array_equal(theta, 1)


@pytest.mark.parametrize("solver", [RMSprop(beta_2=1), RMSprop(epsilon=0)], ids=repr)
def test_out_of_range(solver):
    with pytest.raises(ValueError, match=r"parameter of RMSprop must be a float in the range"):
        solver.check()
