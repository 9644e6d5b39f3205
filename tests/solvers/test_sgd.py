"""SGD against scikit-learn's."""

import numpy as np
import pytest
from sklearn.neural_network._stochastic_optimizers import SGDOptimizer

from skneural.solvers import SGD


def gradients(n_steps=8, size=30):
    return np.random.RandomState(0).normal(size=(n_steps, size))


@pytest.mark.parametrize("momentum", [0, 0.5, 0.9, 1])
@pytest.mark.parametrize("nesterovs_momentum", [False, True])
def test_steps_are_sklearns(momentum, nesterovs_momentum):
    ours, theirs = np.ones(30), np.ones(30)
    gradient = np.zeros(30)
    solver = SGD(momentum, nesterovs_momentum)
    solver.initialize(ours, gradient)
    reference = SGDOptimizer([theirs], 0.1, "constant", momentum, nesterovs_momentum)
    for gradient[...] in gradients():
        solver.step(0.1)
        reference.update_params([theirs], [gradient.copy()])
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    ("nesterovs_momentum", "first", "second"),
    [(False, -1.0, -1.0 - (0.5 + 1.0)), (True, -(1.0 + 0.5), -(1.0 + 0.5) - (0.5 * 1.5 + 1.0))],
)
def test_two_steps_by_hand(nesterovs_momentum, first, second):
    theta, gradient = np.zeros(1), np.ones(1)
    solver = SGD(0.5, nesterovs_momentum)
    solver.initialize(theta, gradient)
    solver.step(1.0)
    assert theta.item() == first
    solver.step(1.0)
    assert theta.item() == second


def test_a_changing_rate_enters_each_step_as_it_is():
    theta, gradient = np.zeros(1), np.ones(1)
    solver = SGD(0.0)
    solver.initialize(theta, gradient)
    for rate in (0.5, 0.25, 0.125):
        solver.step(rate)
    assert theta.item() == -0.875


@pytest.mark.parametrize(
    ("solver", "message"),
    [
        (SGD(momentum=1.1), r"'momentum' parameter of SGD must be a float in the range \[0\.0, 1\.0\]. Got 1.1"),
        (SGD(nesterovs_momentum="yes"), "'nesterovs_momentum' parameter of SGD must be a bool. Got 'yes'"),
    ],
    ids=repr,
)
def test_out_of_range(solver, message):
    with pytest.raises(ValueError, match=message):
        solver.check()
