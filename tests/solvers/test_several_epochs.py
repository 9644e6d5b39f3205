"""Several epochs in one native call: their results are those of single epochs, all but the time."""

import dataclasses
import linecache
import math
import sys
import time

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from skneural.activations import Tanh
from skneural.backend import built_extension
from skneural.losses import SquaredError
from skneural.network import Layout, Network, Objective, TrainingRows
from skneural.penalties import L2, MaxNorm
from skneural.solvers import (
    SGD,
    Adam,
    AdamW,
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

pytestmark = pytest.mark.skipif(
    built_extension("skneural.solvers.fused") is None, reason="the extension modules are not built"
)

N_ROWS = 23


def build(*, n_rows=N_ROWS, n_units=5, tol=0.0, patience=4, max_norm=None, batch_size=5, shuffle=True, **settings):
    """Return a loop, and the list of epochs that it records."""
    rng, reported = np.random.RandomState(0), []
    X = rng.normal(size=(n_rows, 4))
    rows = TrainingRows(X, np.stack([X[:, 0] - X[:, 1], X[:, 2]], axis=1), subset=settings.pop("subset", None))
    layers = [4, n_units, 2], [Tanh()]
    network = Network(*layers, 0.3 * rng.normal(size=Layout(*layers).size))
    objective = Objective(network, SquaredError(), [L2(0.01)], rows, batch_size, max_norm)
    loop = TrainingLoop(
        objective,
        settings.pop("solver", Adam()),
        settings.pop("schedule", Constant()),
        Batches(len(rows), batch_size, shuffle),
        TrainingMonitor(objective, EarlyStopping(tol, patience), record=reported.append, **settings.pop("monitor", {})),
        **{"learning_rate": 0.05, "clip_norm": None, "rng": np.random.RandomState(3), **settings},
    )
    return loop, reported


def run(last=40, error=None, **settings):
    """Train; return the loop, and what was recorded of each epoch but its time."""
    loop, reported = build(**settings)
    if error is None:
        loop.run(1, last, last)
    else:
        with pytest.raises(error):
            loop.run(1, last, last)
    assert all(epoch.seconds > 0 for epoch in reported)
    return loop, [dataclasses.replace(epoch, seconds=0.0) for epoch in reported]


def assert_the_same(got, expected):
    (loop, reported), (other, reported_by_other) = got, expected
    assert reported == reported_by_other
    assert loop.n_epochs == len(reported)
    np.testing.assert_array_equal(loop.objective.state, other.objective.state)
    np.testing.assert_array_equal(loop.monitor.best_state, other.monitor.best_state)
    np.testing.assert_equal(loop.get_state(), other.get_state())


@pytest.fixture
def one_by_one(monkeypatch):
    """Return what ends calls of several epochs."""
    return lambda: monkeypatch.setattr(TrainingLoop, "_n_epochs_per_call", lambda loop, n_left: 1)


USES = {
    "constant": {},
    "stops": {"tol": 0.01, "patience": 2, "last": 200},
    "stops as soon as it may": {"tol": 1e9, "patience": 3, "last": 200},
    "patience that is no integer": {"tol": 0.01, "patience": 2.5, "last": 200},
    "patience without end": {"patience": math.inf},
    "plateaus": {"tol": 0.01, "patience": 2, "schedule": Adaptive(smallest=1e-3), "last": 200},
    "inverse scaling": {"schedule": InverseScaling()},
    "cosine": {"schedule": Cosine()},
    "one cycle": {"schedule": OneCycle()},
    "as the rows come": {"shuffle": False},
    "some rows": {"subset": np.arange(0, N_ROWS, 2)[::-1]},
    "one batch": {"batch_size": N_ROWS},
    "bounds": {"clip_norm": 0.1, "max_norm": MaxNorm(0.5)},
    "decay": {"solver": AdamW(weight_decay=0.1)},
    "momentum": {"solver": SGD(0.9), "learning_rate": 0.3},
}


@pytest.mark.parametrize("name", USES)
def test_several_epochs_are_those_of_one_by_one_to_the_bit(name, monkeypatch, one_by_one):
    max_epochs_per_call, numbers = TrainingLoop._n_epochs_per_call, []
    monkeypatch.setattr(
        TrainingLoop, "_n_epochs_per_call", lambda *a: numbers.append(max_epochs_per_call(*a)) or numbers[-1]
    )
    several = run(**USES[name])
    assert max(numbers) > 1
    one_by_one()
    assert_the_same(several, run(**USES[name]))


@pytest.mark.parametrize("rate", [1.5, 3.0, 30.0, 1e6])
def test_so_is_divergence_and_what_it_leaves_behind(rate, one_by_one):
    settings = {"last": 2000, "error": DivergenceError, "solver": SGD(0.9), "learning_rate": rate, "patience": 1000}
    several = run(**settings)
    assert np.isfinite(several[0].objective.state).all()
    one_by_one()
    assert_the_same(several, run(**settings))


class Own(Constant):
    """A user's own schedule."""


class OwnMonitor(TrainingMonitor):
    pass


class OwnStopping(EarlyStopping):
    pass


@pytest.mark.parametrize(
    "settings",
    [
        {"monitor": {"callbacks": [lambda epoch: False]}},
        {"monitor": {"validate": lambda: (1.0, 0.5)}},
        {"monitor": {"use_score": True}},
        {"schedule": Own()},
        {"schedule": lambda progress: 1.0},
    ],
)
def test_with_callbacks_validation_or_own_schedules_epochs_are_single_calls(settings):
    loop, _ = build(patience=100, **settings)
    assert loop._n_epochs_per_call(50) == 1


def test_so_they_are_with_own_classes():
    loop, _ = build(patience=100)
    assert loop._n_epochs_per_call(50) == 50
    for monitor in (
        OwnMonitor(loop.objective, EarlyStopping(0.0, 100)),
        TrainingMonitor(loop.objective, OwnStopping(0.0, 100)),
        TrainingMonitor(build()[0].objective, EarlyStopping(0.0, 100)),
    ):
        loop.monitor = monitor
        assert loop._n_epochs_per_call(50) == 1


def test_where_training_should_have_stopped_before_there_is_one_epoch_more():
    loop, _ = build(patience=4)
    loop.monitor.early_stopping.count = 7
    assert loop._n_epochs_per_call(50) == 1


def test_epochs_of_a_call_share_its_seconds():
    loop, reported = build()
    started = time.perf_counter()
    loop.run(1, 5, 5)
    wall = time.perf_counter() - started
    assert len({epoch.seconds for epoch in reported}) == 1
    assert wall / 100 < sum(epoch.seconds for epoch in reported) < wall


PRESSED_IN = "_run_epochs", "_report_deferred_epochs", "_count_epoch", "n_finished", "on_deferred_epoch_end", "update"


def pressing(at):
    """Return a tracer that presses Ctrl-C before a line is run, counted from 0.

    Python listens where functions are called and loops go round: not at a line that only begins a block.
    """
    lines = iter(range(at + 1))

    def trace(frame, event, _):
        if frame.f_code.co_name not in (
            "_run_epochs",
            "_report_deferred_epochs",
            "n_finished",
            "on_deferred_epoch_end",
            "update",
        ):
            return None
        line = linecache.getline(frame.f_code.co_filename, frame.f_lineno).split()[0]
        if event == "line" and line not in ("try:", "except", "finally:") and next(lines, None) == at:
            raise KeyboardInterrupt
        return trace

    return trace


def run_pressed(loop, at):
    """Train with Ctrl-C pressed at some line; return what ended it."""
    sys.settrace(pressing(at))
    try:
        loop.run(1, 10, 10)
    except (KeyboardInterrupt, DivergenceError) as error:
        return error
    finally:
        sys.settrace(None)


def drawn(rng):
    """Return how many orders were drawn since the seed."""
    fresh = np.random.RandomState(3)
    for n in range(100):
        if fresh.get_state()[2] == rng.get_state()[2]:  # the place in the stream; a hundred orders do not use it up
            np.testing.assert_equal(fresh.get_state(), rng.get_state())
            return n
        fresh.permutation(N_ROWS)
    raise AssertionError("the random numbers are not those of any number of orders")


@pytest.mark.parametrize("rate", [0.05, 1e8], ids=["converges", "diverges"])
def test_ctrl_c_at_any_line_loses_no_epoch(rate, monkeypatch):
    monkeypatch.setattr(TrainingLoop, "restart_from_best", lambda loop: None)  # so that what is left can be seen
    most = 0
    for at in range(1000):
        loop, reported = build(solver=SGD(), learning_rate=rate, patience=100)
        if not isinstance(error := run_pressed(loop, at), KeyboardInterrupt):
            break
        most = max(most, len(reported))
        assert loop.n_epochs - len(reported) in (0, 1)  # the one that was being reported
        assert abs(loop.n_samples_seen - loop.n_epochs * N_ROWS) in (0, N_ROWS)
        assert 0 <= loop.solver.n_steps - 5 * loop.n_epochs <= (5 if rate > 1 else 0)
        assert drawn(loop.rng) <= loop.n_epochs + 1 or rate > 1  # two troubles at once may leave some orders drawn
        assert np.isfinite(loop.monitor.best_state).all()
    assert at > 20
    assert (type(error), most) == (DivergenceError, 3) if rate > 1 else (error, most) == (None, 10)


def test_what_is_long_by_its_rows_units_or_updates_is_a_call_of_fewer_epochs():
    multiplications = 1 << 28
    assert 1000 < build()[0]._steps.max_epochs_per_call < 10_000
    assert build(n_rows=2_000_000)[0]._steps.max_epochs_per_call == 1
    for rows, units, batch_size, least in [  # each is what decides in its case
        (100_000, 1, 100_000, lambda rows, units, n_parameters: 100 * rows),
        (2_000, 200, 2_000, lambda rows, units, n_parameters: 20 * rows * units),
        (200, 2_000, 1, lambda rows, units, n_parameters: 10 * rows * n_parameters),
    ]:
        loop, _ = build(n_rows=rows, n_units=units, batch_size=batch_size)
        with threadpool_limits(1):  # with more threads the first calls are shorter
            n_epochs = loop._steps.max_epochs_per_call
        assert 1 < n_epochs < multiplications / least(rows, units, loop.objective.parameters.size)


def test_wrong_rows_rates_and_results_are_refused():
    loop, _ = build()
    best = loop.objective.state.copy()

    monitor = loop.monitor

    def run_epochs(orders=(None, None), rates=(2, 5), results=(2, 3), first=best.copy):
        monitor.epoch_start_state = first()
        loop._steps.run_epochs(list(orders), np.zeros(rates), 1, np.zeros(results), monitor)

    for match, wrong in {
        "Got 4 rates": {"rates": (2, 4)},
        "23 rows. Got 22 rows": {"orders": [None, np.arange(22)]},
        "3 epochs need": {"orders": [None] * 3},
        "Got 2 rows, and results of shape .1, 3.": {"results": (1, 3)},
        "Got 2 rows, and results of shape .2, 2.": {"results": (2, 2)},
    }.items():
        with pytest.raises(ValueError, match=match):
            run_epochs(**wrong)
    for other in (best[1:], best.astype("float32"), np.stack([best, best], axis=1)[:, 0], np.broadcast_to(best, 37)):
        with pytest.raises(ValueError, match="copy of the state must be"):
            run_epochs(first=lambda other=other: other)
    with pytest.raises(IndexError, match="from 0 to 22"):
        run_epochs([None, np.arange(1, 24)])
    np.testing.assert_array_equal(loop.objective.state, best)


def test_some_epochs_may_have_an_order_and_others_none():
    backwards = np.arange(N_ROWS)[::-1]
    results, rates = np.empty((2, 3)), np.full((2, 5), 0.05)
    loop, _ = build()
    loop._steps.run_epochs([None, backwards], rates, 1, results, loop.monitor)
    other, _ = build()
    losses = [other._steps.run_epoch(order, rates[0], 1) for order in (None, backwards)]
    np.testing.assert_array_equal(results[:, 0], losses)
    np.testing.assert_array_equal(loop.objective.state, other.objective.state)


def test_ctrl_c_before_the_call_takes_no_order_but_the_next(monkeypatch):
    loop, reported = build()
    loop.run(1, 5, 40)
    orders, rng, order = [], np.random.RandomState(3), loop.batches.order
    for _ in range(6):
        rng.permutation(N_ROWS)

    def pressed(rng):
        orders.append(order(rng))
        if len(orders) == 3:
            raise KeyboardInterrupt
        return orders[-1]

    monkeypatch.setattr(loop.batches, "order", pressed)
    with pytest.raises(KeyboardInterrupt):
        loop.run(6, 40, 40)
    assert len(reported) == 5
    np.testing.assert_equal(loop.rng.get_state(), rng.get_state())
