"""The epoch loop: what a run does, when it ends, what it leaves behind."""

import math

import numpy as np
import pytest

from skneural.activations import ReLU, Tanh
from skneural.losses import SoftmaxCrossEntropy, SquaredError
from skneural.network import Layout, Network, Objective, TrainingRows
from skneural.penalties import L1, L2, MaxNorm
from skneural.solvers import (
    SGD,
    SOLVERS,
    Adaptive,
    Batches,
    Constant,
    Cosine,
    DivergenceError,
    EarlyStopping,
    InverseScaling,
    OneCycle,
    TrainingLoop,
    TrainingMonitor,
)

N_ROWS, SIZES, HIDDEN = 23, [3, 5, 2], [Tanh()]
every_solver = pytest.mark.parametrize("name", sorted(SOLVERS))


def data(scale=1.0):
    rng = np.random.RandomState(0)
    X = scale * rng.normal(size=(N_ROWS, 3))
    return X, np.stack([X[:, 0] - X[:, 1], X[:, 2]], axis=1)


def build_objective(*, rows=None, penalties=(), max_norm=None, hidden=HIDDEN, dtype=np.float64):
    parameters = 0.3 * np.random.RandomState(1).normal(size=Layout(SIZES, hidden).size)
    network = Network(SIZES, hidden, parameters.astype(dtype))
    return Objective(network, SquaredError(), penalties, rows or TrainingRows(*data()), N_ROWS, max_norm)


def build(objective=None, solver=None, schedule=None, *, batch_size=5, shuffle=True, tol=0.0, patience=1e9, **monitor):
    objective = objective or build_objective()
    settings = {name: monitor.pop(name) for name in ("learning_rate", "clip_norm") if name in monitor}
    return TrainingLoop(
        objective,
        solver or SGD(0.9),
        schedule or Constant(),
        Batches(N_ROWS, batch_size, shuffle),
        TrainingMonitor(objective, EarlyStopping(tol, patience), **monitor),
        **{"learning_rate": 0.05, **settings},
        rng=np.random.RandomState(2),
    )


class Recorder:
    """A callback that keeps all epochs, and a copy of the parameters after each."""

    def __init__(self, objective, stop_after=None):
        self.objective, self.stop_after = objective, stop_after
        self.epochs, self.parameters = [], []

    def __call__(self, epoch):
        self.epochs.append(epoch)
        self.parameters.append(self.objective.parameters.copy())
        return epoch.number == self.stop_after


class Rates(SGD):
    """SGD that writes down the rates it is given."""

    def initialize(self, parameters, gradient):
        super().initialize(parameters, gradient)
        self.rates = getattr(self, "rates", [])  # also those before a fresh start

    def step(self, learning_rate):
        super().step(learning_rate)
        self.rates.append(learning_rate)


# A run.


@every_solver
def test_every_solver_makes_the_loss_smaller(name):
    objective = build_objective()
    before = objective.evaluate(slice(0, N_ROWS))
    assert build(objective, SOLVERS[name](), learning_rate=0.02).run(1, 60, 60) is False
    assert objective.evaluate(slice(0, N_ROWS)) < 0.5 * before


def test_an_epoch_is_a_step_per_batch_written_by_hand():
    objective, by_hand = build_objective(), build_objective()
    build(objective, SGD(0.0, False), shuffle=False, learning_rate=0.1).run(1, 2, 2)
    for start in [0, 5, 10, 15, 20] * 2:
        by_hand.evaluate(slice(start, min(start + 5, N_ROWS)))
        by_hand.parameters -= 0.1 * by_hand.gradient
    np.testing.assert_allclose(objective.parameters, by_hand.parameters, rtol=1e-13)


def test_the_loss_of_an_epoch_is_the_mean_over_its_rows_plus_the_penalty():
    objective = build_objective(penalties=[L2(0.3)])
    recorder = Recorder(objective)
    build(objective, learning_rate=0.0, callbacks=[recorder]).run(1, 3, 3)
    expected = objective.evaluate(slice(0, N_ROWS)) + objective.penalty()
    np.testing.assert_allclose([epoch.loss for epoch in recorder.epochs], expected, rtol=1e-12)


def test_epochs_are_numbered_and_counted():
    recorder = Recorder(build_objective())
    training = build(recorder.objective, callbacks=[recorder])
    training.run(1, 3, 10)
    training.run(4, 5, 10)
    assert [epoch.number for epoch in recorder.epochs] == [1, 2, 3, 4, 5]
    assert (training.n_epochs, training.n_samples_seen) == (5, 5 * N_ROWS)
    assert all(epoch.seconds >= 0 and epoch.score is None for epoch in recorder.epochs)


def test_the_bound_on_the_norms_holds_after_every_step():
    objective = build_objective(max_norm=MaxNorm(0.2))
    recorder = Recorder(objective)
    build(objective, callbacks=[recorder]).run(1, 5, 5)
    for parameters in recorder.parameters:
        for W in Network(SIZES, HIDDEN, parameters).weights:
            assert (np.linalg.norm(W, axis=0) <= 0.2 * (1 + 1e-12)).all()


@every_solver
@pytest.mark.parametrize("shuffle", [False, True])
def test_training_resumes_to_the_bit(name, shuffle):
    straight, first, second = build_objective(), build_objective(), build_objective()
    build(straight, SOLVERS[name](), shuffle=shuffle).run(1, 6, 6)
    begun = build(first, SOLVERS[name](), shuffle=shuffle)
    begun.run(1, 3, 6)
    second.parameters[...] = first.parameters
    resumed = build(second, SOLVERS[name](), shuffle=shuffle)
    resumed.set_state(begun.get_state())
    begun.run(4, 6, 6)  # the state that was handed over is not affected
    resumed.run(4, 6, 6)
    np.testing.assert_array_equal(second.parameters, straight.parameters)
    np.testing.assert_array_equal(first.parameters, straight.parameters)


def test_counts_and_plateaus_are_part_of_the_state():
    settings = {"schedule": Adaptive(10.0), "tol": 1e9, "patience": 1}
    begun, solver = build(**settings), Rates()
    begun.run(1, 4, 10)  # progress, twice none, which shrinks the rate, and once none again
    resumed = build(solver=solver, **settings)
    resumed.set_state(begun.get_state())
    assert (resumed.n_epochs, resumed.n_samples_seen) == (4, 4 * N_ROWS)
    assert (resumed.monitor.early_stopping.best, resumed.monitor.early_stopping.count) == (
        begun.monitor.early_stopping.best,
        1,
    )
    resumed.run(5, 6, 10)
    np.testing.assert_allclose(np.reshape(solver.rates, (2, -1))[:, 0], [0.005, 0.0005])


# Rates.


def rates_of(schedule, n_epochs=4, **settings):
    solver = Rates()
    build(solver=solver, schedule=schedule, **settings).run(1, n_epochs, n_epochs)
    return np.reshape(solver.rates, (n_epochs, -1))


@pytest.mark.parametrize("schedule", [Cosine(0.1), OneCycle()], ids=repr)
def test_smooth_schedules_go_from_batch_to_batch(schedule):
    rates = rates_of(schedule).ravel()
    fraction = np.arange(20) / 20  # four epochs of five batches
    if isinstance(schedule, Cosine):
        expected = 0.1 + 0.9 * (1 + np.cos(np.pi * fraction)) / 2
    else:
        rise, fall = (1 - np.cos(np.pi * fraction / 0.3)) / 2, (1 + np.cos(np.pi * (fraction - 0.3) / 0.7)) / 2
        expected = np.where(fraction < 0.3, 0.04 + 0.96 * rise, 4e-6 + (1 - 4e-6) * fall)
    np.testing.assert_allclose(rates, 0.05 * expected, rtol=1e-12)


def test_inverse_scaling_goes_from_epoch_to_epoch_by_rows_seen():
    expected = 0.05 / np.sqrt(N_ROWS * np.arange(4) + 1)
    np.testing.assert_allclose(rates_of(InverseScaling()), np.repeat(expected[:, None], 5, axis=1))


def test_any_callable_is_a_schedule():
    np.testing.assert_allclose(rates_of(lambda progress: 0.5**progress.epoch)[:, 0], 0.05 / 2 ** np.arange(4))
    seen = rates_of(lambda progress: progress.fraction)
    np.testing.assert_allclose(seen.ravel(), 0.05 * np.arange(20) / 20)


def test_schedules_go_on_where_training_goes_on():
    solver = Rates()
    training = build(solver=solver, schedule=Cosine())
    training.run(1, 2, 4)
    training.run(3, 4, 4)
    np.testing.assert_array_equal(solver.rates, rates_of(Cosine()).ravel())


def test_beyond_the_last_epoch_a_smooth_schedule_stays_at_its_end():
    solver = Rates()
    build(solver=solver, schedule=Cosine(0.25)).run(5, 6, 4)
    np.testing.assert_allclose(solver.rates, 0.05 * 0.25)


class Ending(Constant):
    """A user's own schedule, which ends after two epochs of `build`."""

    def is_finished(self, progress, learning_rate, learning_rate_init):
        return progress.n_samples_seen >= 2 * N_ROWS


@pytest.mark.parametrize(
    ("schedule", "finished"),
    [(Cosine(), [False] * 3 + [True] * 2), (Ending(), [False] + [True] * 4), (Constant(), [False] * 5)],
    ids=["cosine", "own", "constant"],
)
def test_the_loop_knows_when_its_schedule_is_finished(schedule, finished):
    training = build(schedule=schedule)
    assert not training.is_schedule_finished(4)
    for number in range(1, 6):
        training.run(number, number, 4)
        assert training.is_schedule_finished(4) == finished[number - 1]


def test_adaptive_is_finished_after_its_last_plateau_also_where_training_is_resumed():
    settings = {"schedule": Adaptive(10.0, smallest=1e-3), "tol": 1e9, "patience": 1}
    training = build(**settings)
    for number in range(1, 6):
        training.run(number, number, 100)
        assert training.is_schedule_finished(100) == (number == 5)  # rates 0.05, 0.005 and 0.0005
    resumed = build(**settings)
    assert not resumed.is_schedule_finished(100)
    resumed.set_state(training.get_state())
    assert resumed.is_schedule_finished(100)


def test_a_callable_never_is():
    training = build(schedule=lambda progress: 0.0)
    training.run(1, 3, 2)
    assert not training.is_schedule_finished(2)


# The end.


def test_without_progress_training_ends():
    recorder = Recorder(build_objective())
    assert build(recorder.objective, tol=1e9, patience=3, callbacks=[recorder]).run(1, 100, 100) is True
    assert len(recorder.epochs) == 1 + 4  # the first epoch is always progress


def test_adaptive_shrinks_the_rate_at_each_plateau_and_ends_when_it_is_small():
    recorder, solver = Recorder(build_objective()), Rates()
    schedule = Adaptive(10.0, smallest=1e-3)
    training = build(recorder.objective, solver, schedule, tol=1e9, patience=1, callbacks=[recorder])
    assert training.run(1, 100, 100) is True
    rates = [epoch.learning_rate for epoch in recorder.epochs]
    np.testing.assert_allclose(rates, [0.05] * 3 + [0.005] * 2 + [0.0005] * 2)
    np.testing.assert_allclose(np.reshape(solver.rates, (-1, 5))[:, 0], rates)


def test_a_callback_can_stop_training_and_all_callbacks_see_the_last_epoch():
    objective = build_objective()
    one, other = Recorder(objective, stop_after=3), Recorder(objective)
    assert build(objective, callbacks=[one, other]).run(1, 100, 100) is True
    assert [epoch.number for epoch in one.epochs] == [epoch.number for epoch in other.epochs] == [1, 2, 3]


def test_what_a_callback_returns_besides_true_does_not_matter():
    calls = []
    assert build(callbacks=[calls.append]).run(1, 3, 3) is False
    assert len(calls) == 3


# Scores.


def scored(scores, **settings):
    """Train with the scores given, epoch by epoch, and let the best parameters come back."""
    objective = build_objective()
    recorder, remaining = Recorder(objective), iter(scores)
    monitor = {"validate": lambda: (0.0, next(remaining)), "use_score": True, "callbacks": [recorder]}
    training = build(objective, **monitor, **settings)
    converged = training.run(1, len(scores), len(scores))
    training.monitor.restore_best()
    return objective, recorder, converged


@pytest.mark.parametrize("scores", [[0.1, 0.9, 0.5], [0.9, 0.1, 0.5], [0.1, 0.5, 0.9], [0.9, 0.9, 0.1]])
def test_with_a_score_the_parameters_of_the_first_best_epoch_are_restored(scores):
    objective, recorder, converged = scored(scores)
    assert converged is False
    assert [epoch.score for epoch in recorder.epochs] == scores
    np.testing.assert_array_equal(objective.parameters, recorder.parameters[np.argmax(scores)])


def test_a_score_that_is_not_a_number_hides_no_better_one():
    objective, recorder, _ = scored([0.1, math.nan, 0.9, 0.2])
    np.testing.assert_array_equal(objective.parameters, recorder.parameters[2])


def test_without_a_better_score_training_ends():
    objective, recorder, converged = scored([0.5] + [0.4] * 50, patience=2)
    assert converged is True
    assert len(recorder.epochs) == 4
    np.testing.assert_array_equal(objective.parameters, recorder.parameters[0])


def test_without_a_score_the_last_parameters_stay():
    recorder = Recorder(build_objective())
    build(recorder.objective, callbacks=[recorder], learning_rate=0.3).run(1, 5, 5)
    np.testing.assert_array_equal(recorder.objective.parameters, recorder.parameters[-1])


# Divergence.


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_divergence_ends_training_at_once_with_the_best_finite_parameters(dtype):
    X, Y = data()
    rows = TrainingRows(X.astype(dtype), Y.astype(dtype))
    recorder = Recorder(build_objective(rows=rows, hidden=[ReLU()], dtype=dtype))
    rate = iter([0.05] * 3 + [1e6] * 100)
    training = build(
        recorder.objective, schedule=lambda progress: next(rate), learning_rate=1.0, shuffle=False, callbacks=[recorder]
    )
    with pytest.raises(DivergenceError, match=r"epoch \d+ at learning rate 1e\+06.*lower learning_rate_init") as error:
        training.run(1, 100, 100)
    assert error.value.epoch == len(recorder.epochs) + 1 <= 60
    assert error.value.learning_rate == 1e6
    best = np.argmin([epoch.loss for epoch in recorder.epochs])
    assert best > 0
    # The loss of an epoch was measured from where it began, which is where the one before ended.
    np.testing.assert_array_equal(recorder.objective.parameters, recorder.parameters[best - 1])


def test_divergence_keeps_parameters_whose_loss_is_no_worse_than_at_the_beginning():
    objective = build_objective(hidden=[ReLU()])
    before = objective.evaluate(slice(0, N_ROWS))
    with pytest.raises(DivergenceError):
        build(objective, learning_rate=1e3, batch_size=N_ROWS).run(1, 100, 100)
    assert objective.evaluate(slice(0, N_ROWS)) <= before


def test_divergence_in_the_first_epoch_restores_the_beginning():
    objective = build_objective(hidden=[ReLU()])
    before = objective.parameters.copy()
    with pytest.raises(DivergenceError) as error:
        build(objective, learning_rate=1e150).run(1, 10, 10)
    assert error.value.epoch == 1
    np.testing.assert_array_equal(objective.parameters, before)


def test_the_step_that_diverges_is_the_last():
    solver = Rates()
    X, Y = data()
    X[12] = np.nan  # in the third batch
    with pytest.raises(DivergenceError):
        build(build_objective(rows=TrainingRows(X, Y)), solver, shuffle=False).run(1, 10, 10)
    assert len(solver.rates) == 2


def test_parameters_that_only_the_last_batch_spoils_are_noticed():
    objective = build_objective()
    loop = build(objective, schedule=lambda progress: [0.01, 0.01, 0.01, 0.01, 1e308], learning_rate=10.0)
    with pytest.raises(DivergenceError) as error:
        loop.run(1, 10, 10)
    assert error.value.epoch == 1
    assert np.isfinite(objective.parameters).all()


def test_a_penalty_beyond_all_numbers_is_divergence_too():
    objective = build_objective(penalties=[L2(1.0)])
    objective.parameters[0] = 1e200  # a saturated unit: the mean loss stays finite
    with pytest.raises(DivergenceError):
        build(objective, learning_rate=1e-12).run(1, 1, 1)


@every_solver
def test_after_divergence_training_can_start_again_at_a_lower_rate(name):
    objective = build_objective(hidden=[ReLU()])
    training = build(objective, SOLVERS[name](), learning_rate=1e300)
    with pytest.raises(DivergenceError):
        training.run(1, 10, 10)
    assert training.get_state()["n_steps"] == 0
    calm = build(objective, SOLVERS[name](), learning_rate=0.01)
    calm.set_state(training.get_state())
    before = objective.evaluate(slice(0, N_ROWS))
    calm.run(1, 20, 20)
    assert objective.evaluate(slice(0, N_ROWS)) < before


def test_other_losses_train_as_well():
    rng = np.random.RandomState(0)
    X = rng.normal(size=(N_ROWS, 3))
    y = (X[:, 0] > 0).astype(int)
    network = Network(SIZES, HIDDEN, 0.3 * rng.normal(size=Layout(SIZES, HIDDEN).size))
    objective = Objective(network, SoftmaxCrossEntropy(), [], TrainingRows(X, y), 5)
    build(objective, learning_rate=0.1).run(1, 200, 200)
    assert (network.raw_output(X).argmax(axis=1) == y).all()


# Floating-point errors that the caller has set to raise.


@every_solver
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rate", [1e-300, 0.05, 1e30])
def test_the_callers_floating_point_errors_are_not_raised_and_stay_as_set(name, dtype, rate, backend):
    objectives = []
    for error in ("ignore", "raise"):
        X, Y = data()
        X[:, 0] *= 1e-30  # with squares that underflow in single precision
        rows = TrainingRows(X.astype(dtype), Y.astype(dtype))
        objectives.append(build_objective(rows=rows, penalties=[L1(1e-30), L2(1e-30)], dtype=dtype))
        with np.errstate(all=error):
            try:
                build(objectives[-1], SOLVERS[name](), learning_rate=rate).run(1, 5, 5)
            except DivergenceError:
                assert rate > 1
            assert set(np.geterr().values()) == {error}
    np.testing.assert_array_equal(objectives[1].state, objectives[0].state)
