"""Schedule-free AdamW against its formula; what it trains."""

import numpy as np
import pytest

from skneural.activations import Tanh
from skneural.backend import use_backend
from skneural.losses import SquaredError
from skneural.network import Layout, Network, Objective, TrainingRows
from skneural.penalties import MaxNorm
from skneural.solvers import (
    AdamW,
    Batches,
    Constant,
    EarlyStopping,
    ScheduleFreeAdamW,
    TrainingLoop,
    TrainingMonitor,
)

N_ROWS, SIZES, HIDDEN = 23, [3, 5, 2], [Tanh()]
SETTINGS = [(0.9, 0.999, 1e-8, 0.3), (0.5, 0.9, 1e-3, 0.0), (0.98, 0.0, 1e-8, 0.1)]


class Reference:
    """The algorithm as published, with all three sequences, and the whole gradient at y."""

    def __init__(self, theta, beta_1, beta_2, epsilon, weight_decay, n_decayed):
        self.x, self.z, self.v, self.t, self.sum = theta.copy(), theta.copy(), np.zeros_like(theta), 0, 0.0
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon
        self.decay = np.where(np.arange(len(theta)) < n_decayed, weight_decay, 0.0)

    @property
    def y(self):
        return (1 - self.beta_1) * self.z + self.beta_1 * self.x

    def step(self, rate, gradient):
        y, self.t, self.sum = self.y, self.t + 1, self.sum + rate**2
        self.v = self.beta_2 * self.v + (1 - self.beta_2) * gradient**2
        step = np.sqrt(1 - self.beta_2**self.t) * gradient / (np.sqrt(self.v) + self.epsilon)
        self.z = self.z - rate * (step + self.decay * y)
        c = rate**2 / self.sum
        self.x = (1 - c) * self.x + c * self.z


@pytest.mark.parametrize("settings", SETTINGS)
def test_it_is_its_formula(settings):
    theta, gradient, rng = np.linspace(-2, 2, 30), np.zeros(30), np.random.RandomState(0)
    solver, expected = ScheduleFreeAdamW(*settings, n_decayed=20), Reference(theta, *settings, n_decayed=20)
    solver.initialize(theta, gradient)
    for rates in ([0.1, 0.05, 0.2], [0.0, 0.1, 0.1, 0.01]):  # two epochs
        np.testing.assert_allclose(theta, expected.x, rtol=1e-12, atol=1e-14)
        solver.to_training()
        for rate in rates:
            np.testing.assert_allclose(theta, expected.y, rtol=1e-12, atol=1e-14)
            gradient[...] = rng.normal(size=30)
            expected.step(rate, gradient)
            solver.step(rate)
        assert solver.to_evaluation()
        np.testing.assert_allclose(solver.slots, [expected.z, expected.v], rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(theta, expected.x, rtol=1e-12, atol=1e-14)


def test_what_is_returned_is_the_average_of_all_z_by_their_squared_rates():
    theta, gradient, rng, rates = np.ones(10), np.zeros(10), np.random.RandomState(0), np.linspace(0.1, 0.02, 8)
    solver, sequence = ScheduleFreeAdamW(), []
    solver.initialize(theta, gradient)
    solver.to_training()
    for rate in rates:
        gradient[...] = rng.normal(size=10)
        solver.step(rate)
        sequence.append(solver.slots[0].copy())
    solver.to_evaluation()
    np.testing.assert_allclose(theta, np.average(sequence, axis=0, weights=rates**2), rtol=1e-12)


def noisy_bowl(solver, n_steps=3000, rate=0.05):
    """Return the distance from the minimum after steps of constant rate with gradients as noisy as those of batches."""
    theta, gradient, rng = np.full(50, 3.0), np.zeros(50), np.random.RandomState(0)
    solver.initialize(theta, gradient)
    solver.to_training()
    for _ in range(n_steps):
        gradient[...] = theta + rng.normal(size=50)
        solver.step(rate)
    solver.to_evaluation()
    return np.linalg.norm(theta)


def test_at_a_constant_rate_it_comes_closer_to_the_minimum_than_adamw():
    assert noisy_bowl(ScheduleFreeAdamW(weight_decay=0)) < 0.3 * noisy_bowl(AdamW(weight_decay=0))


def data():
    X = np.random.RandomState(0).normal(size=(N_ROWS, 3))
    return X, np.stack([X[:, 0] - X[:, 1], X[:, 2]], axis=1)


def build(*, max_norm=None, interrupt_at=None, **monitor):
    """Return a loop; `interrupt_at` is the evaluation at which Ctrl-C is pressed."""
    parameters = 0.3 * np.random.RandomState(1).normal(size=Layout(SIZES, HIDDEN).size)
    objective = Objective(Network(SIZES, HIDDEN, parameters), SquaredError(), [], TrainingRows(*data()), 5, max_norm)
    if interrupt_at is not None:
        evaluate, calls = objective.evaluate, iter(range(1000))

        def evaluate_or_interrupt(rows):
            if next(calls) == interrupt_at:
                raise KeyboardInterrupt
            return evaluate(rows)

        objective.evaluate = evaluate_or_interrupt
    monitor = TrainingMonitor(objective, EarlyStopping(0.0, 1e9), **monitor)
    solver, rng = ScheduleFreeAdamW(weight_decay=0.1, n_decayed=25), np.random.RandomState(0)
    return TrainingLoop(objective, solver, Constant(), Batches(N_ROWS, 5, False), monitor, learning_rate=0.05, rng=rng)


def by_hand(n_batches):
    """Return x after some steps on the batches in their order."""
    objective = build().objective
    reference = Reference(objective.parameters, 0.9, 0.999, 1e-8, 0.1, 25)
    for i in range(n_batches):
        objective.parameters[...] = reference.y
        start = 5 * (i % 5)
        objective.evaluate(slice(start, min(start + 5, N_ROWS)))
        reference.step(0.05, objective.gradient)
    return reference.x


@pytest.mark.usefixtures("backend")
def test_validation_callbacks_and_predictions_are_at_x():
    seen = []
    loop = build(
        validate=lambda: (0.0, float(seen.append(loop.objective.parameters.copy()) is None)),
        callbacks=[lambda epoch: seen.append(loop.objective.parameters.copy())],
    )
    loop.run(1, 2, 2)
    for parameters, n_batches in zip([*seen, loop.objective.parameters], [5, 5, 10, 10, 10], strict=True):
        np.testing.assert_allclose(parameters, by_hand(n_batches), rtol=1e-10)


def test_ctrl_c_within_an_epoch_leaves_x():
    with use_backend("numpy"):  # the native form never calls what is replaced; test_training_steps.py interrupts it
        loop = build(interrupt_at=8)
        with pytest.raises(KeyboardInterrupt):
            loop.run(1, 2, 2)
    np.testing.assert_allclose(loop.objective.parameters, by_hand(8), rtol=1e-10)


def test_parameters_changed_between_epochs_are_the_next_x():
    loop = build()
    loop.run(1, 1, 9)
    moved, z = loop.objective.parameters + 1, loop.solver.slots[0].copy()
    loop.objective.parameters[...] = moved
    loop.solver.to_training()
    np.testing.assert_allclose(loop.objective.parameters, 0.1 * z + 0.9 * moved, rtol=1e-12)


def test_the_bound_on_the_norms_holds_at_x():
    norms = []

    def record(epoch):
        for W in Network(SIZES, HIDDEN, loop.objective.parameters).weights:
            norms.extend(np.linalg.norm(W, axis=0))

    loop = build(max_norm=MaxNorm(0.2), callbacks=[record])
    loop.run(1, 20, 20)
    assert max(norms) <= 0.2 * (1 + 1e-12)
    assert max(norms) > 0.19


@pytest.mark.parametrize(
    "solver",
    [
        ScheduleFreeAdamW(beta_1=0),
        ScheduleFreeAdamW(beta_1=1),
        ScheduleFreeAdamW(beta_2=1),
        ScheduleFreeAdamW(epsilon=0),
        ScheduleFreeAdamW(weight_decay=-1),
        ScheduleFreeAdamW(n_decayed=0.5),
    ],
    ids=repr,
)
def test_out_of_range(solver):
    with pytest.raises(ValueError, match="parameter of ScheduleFreeAdamW must be"):
        solver.check()
