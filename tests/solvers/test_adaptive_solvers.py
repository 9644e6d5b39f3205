"""Adagrad, RMSprop, Adam and AdamW against their formulas or scikit-learn's."""

import numpy as np
import pytest
from sklearn.neural_network._stochastic_optimizers import AdamOptimizer

from skneural.solvers import Adagrad, Adam, AdamW, RMSprop


@pytest.mark.parametrize("epsilon", [1e-8, 0.1])
def test_adagrad_is_its_formula(epsilon):
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


def test_the_first_step_of_adagrad_has_the_length_of_the_rate():
    theta, gradient = np.zeros(3), np.array([1e-2, -1.0, 1e3])
    solver = Adagrad()
    solver.initialize(theta, gradient)
    solver.step(0.01)
    np.testing.assert_allclose(theta, [-0.01, 0.01, -0.01], rtol=1e-4)


def test_a_vanishing_gradient_of_adagrad_divides_by_epsilon_not_by_zero():
    theta, gradient = np.ones(3, np.float32), np.zeros(3, np.float32)
    solver = Adagrad()
    solver.initialize(theta, gradient)
    solver.step(0.01)
    np.testing.assert_array_equal(theta, 1)


@pytest.mark.parametrize("epsilon", [0, -1])
def test_adagrad_out_of_range(epsilon):
    with pytest.raises(ValueError, match=r"'epsilon' parameter of Adagrad must be a float in the range"):
        Adagrad(epsilon).check()


@pytest.mark.parametrize(("beta_2", "epsilon"), [(0.999, 1e-8), (0.9, 1e-2), (0.0, 1e-8)])
def test_rmsprop_is_its_formula(beta_2, epsilon):
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


def test_the_first_step_of_rmsprop_has_the_length_of_the_rate():
    theta, gradient = np.zeros(3), np.array([1e-2, -1.0, 1e3])
    solver = RMSprop()
    solver.initialize(theta, gradient)
    solver.step(0.01)
    np.testing.assert_allclose(theta, [-0.01, 0.01, -0.01], rtol=1e-4)


def test_a_vanishing_gradient_of_rmsprop_divides_by_epsilon_not_by_zero():
    theta, gradient = np.ones(3, np.float32), np.zeros(3, np.float32)
    solver = RMSprop()
    solver.initialize(theta, gradient)
    solver.step(0.01)
    np.testing.assert_array_equal(theta, 1)


@pytest.mark.parametrize("solver", [RMSprop(beta_2=1), RMSprop(epsilon=0)], ids=repr)
def test_rmsprop_out_of_range(solver):
    with pytest.raises(ValueError, match=r"parameter of RMSprop must be a float in the range"):
        solver.check()


ADAM_SETTINGS = [(0.9, 0.999, 1e-8), (0.5, 0.9, 1e-3), (0.0, 0.99, 1e-8), (0.9, 0.0, 1e-8)]


def gradients(n_steps=8, size=30):
    return np.random.RandomState(0).normal(size=(n_steps, size))


@pytest.mark.parametrize(("beta_1", "beta_2", "epsilon"), ADAM_SETTINGS)
def test_steps_are_sklearns(beta_1, beta_2, epsilon):
    ours, theirs, gradient = np.ones(30), np.ones(30), np.zeros(30)
    solver = Adam(beta_1, beta_2, epsilon)
    solver.initialize(ours, gradient)
    reference = AdamOptimizer([theirs], 0.1, beta_1, beta_2, epsilon)
    for gradient[...] in gradients():
        solver.step(0.1)
        reference.update_params([theirs], [gradient.copy()])
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-14)


def test_the_first_step_of_adam_has_the_length_of_the_rate():
    theta, gradient = np.zeros(3), np.array([1e-3, -1.0, 1e3])
    solver = Adam()
    solver.initialize(theta, gradient)
    solver.step(0.01)
    np.testing.assert_allclose(theta, [-0.01, 0.01, -0.01], rtol=1e-3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_vanishing_gradient_of_adam_divides_by_epsilon_not_by_zero(dtype):
    theta, gradient = np.ones(3, dtype), np.zeros(3, dtype)
    solver = Adam()
    solver.initialize(theta, gradient)
    solver.step(0.01)
    np.testing.assert_array_equal(theta, 1)


@pytest.mark.parametrize(("beta_1", "beta_2", "epsilon"), ADAM_SETTINGS)
def test_adamw_is_its_formula(beta_1, beta_2, epsilon):
    theta, gradient, n_decayed, decay = np.linspace(-2, 2, 30), np.zeros(30), 20, 0.3
    expected, m, v = theta.copy(), np.zeros(30), np.zeros(30)
    solver = AdamW(beta_1, beta_2, epsilon, decay, n_decayed)
    solver.initialize(theta, gradient)
    for t, (g, rate) in enumerate(zip(gradients(), np.linspace(0.1, 0.01, 8), strict=True), start=1):
        gradient[...] = g
        solver.step(rate)
        m, v = beta_1 * m + (1 - beta_1) * g, beta_2 * v + (1 - beta_2) * g**2
        step = rate * np.sqrt(1 - beta_2**t) / (1 - beta_1**t) * m / (np.sqrt(v) + epsilon)
        expected = expected - rate * decay * np.where(np.arange(30) < n_decayed, expected, 0) - step
        np.testing.assert_allclose(theta, expected, rtol=1e-12, atol=1e-14)


def test_without_decay_adamw_is_adam():
    ours, theirs, gradient = np.ones(30), np.ones(30), np.zeros(30)
    solvers = AdamW(weight_decay=0, n_decayed=30), Adam()
    for solver, theta in zip(solvers, (ours, theirs), strict=True):
        solver.initialize(theta, gradient)
    for gradient[...] in gradients():
        for solver in solvers:
            solver.step(0.1)
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    ("solver", "message"),
    [
        (Adam(beta_1=1), r"'beta_1' parameter of Adam must be a float in the range \[0\.0, 1\.0\). Got 1"),
        (Adam(beta_2=-0.1), r"'beta_2' .* Got -0.1"),
        (Adam(epsilon=0), r"'epsilon' parameter of Adam must be a float in the range \(0\.0, inf\). Got 0"),
        (AdamW(beta_2=1.0), r"'beta_2' parameter of AdamW"),
        (AdamW(weight_decay=-1), r"'weight_decay' .* \[0\.0, inf\). Got -1"),
        (AdamW(n_decayed=1.5), r"'n_decayed' parameter of AdamW must be an int .* Got 1.5"),
    ],
    ids=repr,
)
def test_adam_out_of_range(solver, message):
    with pytest.raises(ValueError, match=message):
        solver.check()
