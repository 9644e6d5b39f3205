"""What holds for every stochastic solver: blocks leave no trace, state can be kept, arrays are updated in place."""

import copy

import numpy as np
import pytest

from skneural.solvers import SOLVERS
from skneural.solvers.base import UPDATE_BLOCK_SIZE

every_solver = pytest.mark.parametrize("name", sorted(SOLVERS))
every_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def build(name, n_parameters):
    """Return a solver of which all parameters decay, if any do."""
    cls = SOLVERS[name]
    return cls(weight_decay=0.1, n_decayed=n_parameters) if "n_decayed" in cls().get_params() else cls()


def random(seed, size, dtype=np.float64):
    return np.random.RandomState(seed).normal(size=size).astype(dtype)


class Run:
    """A solver at work on random gradients."""

    def __init__(self, name, size, dtype=np.float64):
        self.theta, self.gradient = random(0, size, dtype), np.zeros(size, dtype)
        self.solver = build(name, size)
        self.solver.initialize(self.theta, self.gradient)

    def steps(self, first, last, order=slice(None)):
        """Make the steps `first` to `last` - 1, with entries in some order."""
        for number in range(first, last):
            self.gradient[...] = random(100 + number, self.theta.size, self.theta.dtype)[order]
            self.solver.step(0.01 * (number + 1))
        return self.theta


@every_solver
@every_dtype
@pytest.mark.parametrize(
    "size", [1, UPDATE_BLOCK_SIZE - 1, UPDATE_BLOCK_SIZE, UPDATE_BLOCK_SIZE + 1, 2 * UPDATE_BLOCK_SIZE + 7]
)
def test_an_entry_moves_the_same_wherever_it_stands(name, dtype, size):
    forward, backward = Run(name, size, dtype), Run(name, size, dtype)
    backward.theta[...] = forward.theta[::-1]
    forward.steps(0, 3)
    backward.steps(0, 3, order=slice(None, None, -1))
    assert (forward.theta != random(0, size, dtype)).all()
    np.testing.assert_allclose(backward.theta[::-1], forward.theta, rtol=20 * np.finfo(dtype).eps)


@every_solver
@every_dtype
def test_training_resumes_to_the_bit(name, dtype):
    straight = Run(name, 50, dtype).steps(0, 6)
    first, second = Run(name, 50, dtype), Run(name, 50, dtype)
    second.theta[...] = first.steps(0, 3)
    second.solver.set_state(first.solver.get_state())
    np.testing.assert_array_equal(second.steps(3, 6), straight)


@every_solver
def test_a_state_that_was_taken_stays_as_it_was(name):
    run = Run(name, 50)
    run.steps(0, 3)
    state = run.solver.get_state()
    kept = copy.deepcopy(state)
    run.steps(3, 6)
    assert state["n_steps"] == kept["n_steps"] == 3
    np.testing.assert_array_equal(state["slots"], kept["slots"])


@every_solver
def test_a_state_that_was_given_stays_as_it_was(name):
    giver, taker = Run(name, 50), Run(name, 50)
    giver.steps(0, 3)
    state = giver.solver.get_state()
    kept = copy.deepcopy(state)
    taker.solver.set_state(state)
    taker.steps(3, 6)
    np.testing.assert_array_equal(state["slots"], kept["slots"])


@every_solver
def test_starting_again_forgets_everything(name):
    run = Run(name, 50)
    once = run.steps(0, 3).copy()
    run.theta[...] = random(0, 50)
    run.solver.initialize(run.theta, run.gradient)
    np.testing.assert_array_equal(run.steps(0, 3), once)


@every_solver
@every_dtype
def test_the_gradient_is_only_read(name, dtype):
    run = Run(name, 50, dtype)
    run.gradient[...] = random(1, 50, dtype)
    run.solver.step(0.1)
    np.testing.assert_array_equal(run.gradient, random(1, 50, dtype))


@every_solver
def test_single_precision_agrees_with_double(name):
    double, single = Run(name, 50), Run(name, 50, np.float32)
    np.testing.assert_allclose(single.steps(0, 5), double.steps(0, 5), rtol=1e-4, atol=1e-5)


@every_solver
def test_a_rate_of_zero_moves_nothing(name):
    run = Run(name, 50)
    run.gradient[...] = 1
    run.solver.step(0.0)
    np.testing.assert_array_equal(run.theta, random(0, 50))


@every_solver
def test_a_bowl_is_descended(name):
    theta, gradient = np.array([3.0, -2.0]), np.zeros(2)
    solver = build(name, 0)
    solver.initialize(theta, gradient)
    for number in range(2000):
        gradient[...] = theta * [1, 10]
        solver.step(0.05 if number < 1000 else 0.001)
    np.testing.assert_allclose(theta, 0, atol=1e-2 if name != "adagrad" else 1.5)
