"""RMSprop and Adagrad against their formulas."""

import numpy as np
import pytest

from skneural.solvers import Adagrad, RMSprop


def run(solver, reference, n_steps=8, size=30):
    """Let both make steps at changing rates and compare after each."""
    theta, gradient = np.ones(size), np.zeros(size)
    solver.start(theta, gradient)
    expected, rng = theta.copy(), np.random.RandomState(0)
    for t in range(1, n_steps + 1):
        gradient[...] = rng.normal(size=size)
        solver.step(0.1 / t)
        expected = expected - reference(t, gradient, 0.1 / t)
        np.testing.assert_allclose(theta, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(("beta_2", "epsilon"), [(0.999, 1e-8), (0.9, 1e-2), (0.0, 1e-8)])
def test_rmsprop_is_its_formula(beta_2, epsilon):
    past = []

    def reference(t, g, rate):
        past.append(g.copy())
        v = (1 - beta_2) * sum(beta_2 ** (t - i) * g**2 for i, g in enumerate(past, start=1))
        return rate * np.sqrt(1 - beta_2**t) * g / (np.sqrt(v) + epsilon)

    run(RMSprop(beta_2, epsilon), reference)


@pytest.mark.parametrize("epsilon", [1e-8, 0.1])
def test_adagrad_is_its_formula(epsilon):
    past = []

    def reference(t, g, rate):
        past.append(g.copy())
        return rate * g / (np.sqrt(np.sum(np.square(past), axis=0)) + epsilon)

    run(Adagrad(epsilon), reference)


@pytest.mark.parametrize("solver", [RMSprop(), Adagrad()], ids=repr)
def test_the_first_step_has_the_length_of_the_rate(solver):
    theta, gradient = np.zeros(3), np.array([1e-2, -1.0, 1e3])
    solver.start(theta, gradient)
    solver.step(0.01)
    np.testing.assert_allclose(theta, [-0.01, 0.01, -0.01], rtol=1e-4)


@pytest.mark.parametrize("solver", [RMSprop(), Adagrad()], ids=repr)
def test_a_vanishing_gradient_divides_by_epsilon_not_by_zero(solver):
    theta, gradient = np.ones(3, np.float32), np.zeros(3, np.float32)
    solver.start(theta, gradient)
    solver.step(0.01)
    np.testing.assert_array_equal(theta, 1)


@pytest.mark.parametrize("solver", [RMSprop(beta_2=1), RMSprop(epsilon=0), Adagrad(epsilon=-1)], ids=repr)
def test_out_of_range(solver):
    with pytest.raises(ValueError, match=r"must be a float in the range"):
        solver.check()
