"""What happens between epochs: the best parameters, early stopping, callbacks."""

import dataclasses
import math

import numpy as np
import pytest

from skneural.activations import Tanh
from skneural.losses import SquaredError
from skneural.network import Layout, Network, Objective, TrainingRows
from skneural.solvers import LBFGS, SGD, Batches, Constant, EarlyStopping, Epoch, TrainingLoop, TrainingMonitor

NAN = math.nan


def objective(batch_norm=False):
    rng = np.random.RandomState(0)
    X, size = rng.normal(size=(20, 3)), Layout([3, 4, 1], [Tanh()], batch_norm).size
    network = Network([3, 4, 1], [Tanh()], 0.3 * rng.normal(size=size), batch_norm)
    network.parameters[network.layout.n_trainable :] = 1
    return Objective(network, SquaredError(), [], TrainingRows(X, X[:, :1] * X[:, 1:2]), 20)


def monitored(scores, *, losses=None, use_score=True, patience=1e9, tol=0.0):
    """Return a monitor after epochs with these scores, at which the parameters were 1, 2, 3, ..."""
    monitor = TrainingMonitor(objective(), EarlyStopping(tol, patience), use_score=use_score)
    monitor.objective.state[...] = 0
    monitor.best_state[...] = 0
    for i, score in enumerate(scores):
        monitor.on_epoch_begin()
        monitor.objective.state[...] = i + 1
        loss = 1.0 if losses is None else losses[i]
        monitor.on_epoch_end(Epoch(i + 1, loss, 0.0, score=score))
    return monitor


@pytest.mark.parametrize(
    ("scores", "best"),
    [
        ([0.1, 0.3, 0.2], 2),
        ([0.3, 0.3, 0.3], 1),
        ([NAN, 0.2, 0.1], 2),
        ([0.2, NAN, NAN], 1),
        ([NAN, NAN, NAN], 3),
        ([-math.inf, NAN, -math.inf], 3),
        ([-math.inf, -5.0, NAN], 2),
        ([math.inf, 0.5, 0.6], 1),
        ([-3.0, -2.0, -2.5], 2),
        ([], 0),
    ],
)
def test_the_best_epoch_is_restored(scores, best):
    monitor = monitored(scores)
    monitor.restore_best()
    np.testing.assert_array_equal(monitor.objective.state, best)


def test_without_early_stopping_the_loss_decides_for_the_beginning_of_its_epoch():
    monitor = monitored([0.9, 0.1, 0.2], losses=[3.0, 1.0, 2.0], use_score=False)
    monitor.restore_best()
    np.testing.assert_array_equal(monitor.objective.state, 1)
    assert monitor.early_stopping.best == 1.0


def test_scores_that_are_no_numbers_end_training():
    assert monitored([NAN] * 4, patience=3).early_stopping.should_stop
    assert not monitored([NAN] * 3, patience=3).early_stopping.should_stop


def test_every_callback_is_called_even_if_the_first_asks_to_stop():
    seen = []
    callbacks = [lambda epoch: True, lambda epoch: seen.append(epoch.number)]
    monitor = TrainingMonitor(objective(), EarlyStopping(0, 1), callbacks=callbacks)
    assert monitor.on_epoch_end(Epoch(1, 1.0, 0.0)) is True
    assert seen == [1]
    assert (
        TrainingMonitor(objective(), EarlyStopping(0, 1), callbacks=callbacks[1:]).on_epoch_end(Epoch(2, 1.0, 0.0))
        is False
    )


@pytest.mark.parametrize("scores", [[0.3, 0.1], [NAN, NAN]], ids=str)
def test_a_monitor_continues_where_another_was(scores):
    first = monitored(scores)
    second = TrainingMonitor(objective(), EarlyStopping(0.0, 1e9), use_score=True)
    second.set_state(first.get_state())
    second.objective.state[...] = 9
    second.on_epoch_end(Epoch(3, 1.0, 0.0, score=0.2))
    second.restore_best()
    np.testing.assert_array_equal(second.objective.state, 1 if scores[0] == 0.3 else 9)
    np.testing.assert_array_equal(first.best_state, 1 if scores[0] == 0.3 else 2)


def test_the_best_parameters_are_kept_only_where_they_are_not_the_present_ones():
    first = monitored([0.3, 0.1])
    assert first.get_state()["best_state"] is not None
    first.restore_best()
    assert first.get_state()["best_state"] is None
    goal = objective()
    goal.state[...] = first.objective.state
    second = TrainingMonitor(goal, EarlyStopping(0.0, 1e9), use_score=True)
    second.set_state(first.get_state())
    goal.state[...] = 9
    second.on_epoch_end(Epoch(3, 1.0, 0.0, score=0.2))
    second.restore_best()
    np.testing.assert_array_equal(goal.state, 1)


def test_without_validation_there_is_nothing_to_report():
    assert TrainingMonitor(objective(), EarlyStopping(0, 1)).validation() == {}
    monitor = TrainingMonitor(objective(), EarlyStopping(0, 1), validate=lambda: (2.0, 0.5))
    assert monitor.validation() == {"validation_loss": 2.0, "score": 0.5}


@pytest.mark.parametrize("solver", ["sgd", "lbfgs"])
@pytest.mark.parametrize("batch_norm", [False, True])
def test_the_best_epoch_comes_back_with_its_statistics(solver, batch_norm):
    """The score after the run is, to the last bit, the one that was best."""
    goal, scores = objective(batch_norm), []

    def validate():
        scores.append(-abs(goal.evaluate_network() - 0.37))
        return 0.0, scores[-1]

    X, Y = goal.rows.X, goal.rows.Y
    network = Network([3, 4, 1], [Tanh()], goal.state, batch_norm)
    goal.evaluate_network = lambda: float(np.mean((network.raw_output(X) - Y) ** 2))
    monitor = TrainingMonitor(goal, EarlyStopping(0.0, 1e9), validate=validate, use_score=True)
    if solver == "sgd":
        rng = np.random.RandomState(0)
        loop = TrainingLoop(goal, SGD(0.9), Constant(), Batches(20, 5, True), monitor, learning_rate=0.1, rng=rng)
        loop.run(1, 30, 30)
    else:
        LBFGS(goal, 1000, 1e-9, monitor).run(30)
    best, last = max(scores), scores[-1]
    assert best > last
    monitor.restore_best()
    assert -abs(goal.evaluate_network() - 0.37) == best


def test_lbfgs_validates_at_statistics_of_the_very_parameters():
    goal = objective(batch_norm=True)
    network = Network([3, 4, 1], [Tanh()], goal.state, True)
    pairs = []

    def validate():
        predicted = float(np.mean((network.raw_output(goal.rows.X) - goal.rows.Y) ** 2)) / 2
        pairs.append((predicted, goal.evaluate(slice(0, 20))))
        return predicted, -predicted

    LBFGS(goal, 1000, 1e-9, TrainingMonitor(goal, EarlyStopping(0.0, 1e9), validate=validate)).run(20)
    assert len(pairs) > 5
    for predicted, trained in pairs:
        assert predicted == pytest.approx(trained, rel=1e-10)


def test_what_is_unknown_is_nan_or_none():
    epoch = Epoch(1, 0.5, 0.1)
    assert all(math.isnan(value) for value in (epoch.learning_rate, epoch.gradient_norm, epoch.update_ratio))
    assert epoch.validation_loss is epoch.score is None


def test_a_report_does_not_change():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Epoch(1, 0.5, 0.1).loss = 0.0
