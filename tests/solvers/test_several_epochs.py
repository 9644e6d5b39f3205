"""Epochs that nobody looks at in between are one native call: nothing but their time tells them from single ones."""

import dataclasses
import math

import numpy as np
import pytest

from skneural.activations import Tanh
from skneural.backend import built
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
    InverseScaling,
    OneCycle,
    StochasticMinimization,
    Stopping,
    Watch,
)

pytestmark = pytest.mark.skipif(built("skneural.solvers.fused") is None, reason="the extension modules are not built")

N_ROWS, SIZES, HIDDEN = 23, [4, 5, 2], [Tanh()]


def build(*, n_rows=N_ROWS, tol=0.0, patience=4, max_norm=None, used=None, batch_size=5, shuffle=True, **settings):
    """Return a loop, and the list of epochs that it records."""
    rng, told = np.random.RandomState(0), []
    X = rng.normal(size=(n_rows, 4))
    rows = TrainingRows(X, np.stack([X[:, 0] - X[:, 1], X[:, 2]], axis=1), used=used)
    network = Network(SIZES, HIDDEN, 0.3 * rng.normal(size=Layout(SIZES, HIDDEN).size))
    objective = Objective(network, SquaredError(), [L2(0.01)], rows, batch_size, max_norm)
    loop = StochasticMinimization(
        objective,
        settings.pop("solver", Adam()),
        settings.pop("schedule", Constant()),
        Batches(len(rows), batch_size, shuffle),
        Watch(objective, Stopping(tol, patience), record=told.append, **settings.pop("watch", {})),
        **{"learning_rate": 0.05, "clip_norm": None, "rng": np.random.RandomState(3), **settings},
    )
    return loop, told


def run(last=40, error=None, **settings):
    """Train; return the loop, and what was recorded of each epoch but its time."""
    loop, told = build(**settings)
    if error is None:
        loop.run(1, last, last)
    else:
        with pytest.raises(error):
            loop.run(1, last, last)
    assert all(epoch.seconds > 0 for epoch in told)
    return loop, [dataclasses.replace(epoch, seconds=0.0) for epoch in told]


def assert_the_same(got, expected):
    (loop, told), (other, told_by_other) = got, expected
    assert told == told_by_other
    assert loop.n_epochs == len(told)
    np.testing.assert_array_equal(loop.objective.state, other.objective.state)
    np.testing.assert_array_equal(loop.watch.best, other.watch.best)
    np.testing.assert_equal(loop.get_state(), other.get_state())


@pytest.fixture
def one_by_one(monkeypatch):
    """Return what ends calls of several epochs."""
    return lambda: monkeypatch.setattr(StochasticMinimization, "_together", lambda loop, n_left: 1)


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
    "some rows": {"used": np.arange(0, N_ROWS, 2)[::-1]},
    "one batch": {"batch_size": N_ROWS},
    "bounds": {"clip_norm": 0.1, "max_norm": MaxNorm(0.5)},
    "decay": {"solver": AdamW(weight_decay=0.1)},
    "momentum": {"solver": SGD(0.9), "learning_rate": 0.3},
}


@pytest.mark.parametrize("name", USES)
def test_several_epochs_are_those_of_one_by_one_to_the_bit(name, monkeypatch, one_by_one):
    together, numbers = StochasticMinimization._together, []
    monkeypatch.setattr(StochasticMinimization, "_together", lambda *a: numbers.append(together(*a)) or numbers[-1])
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


class OwnWatch(Watch):
    pass


class OwnStopping(Stopping):
    pass


@pytest.mark.parametrize(
    "settings",
    [
        {"watch": {"guests": [lambda epoch: False]}},
        {"watch": {"validate": lambda: (1.0, 0.5)}},
        {"watch": {"validate": lambda: (1.0, 0.5), "early_stopping": True}},
        {"schedule": Own()},
        {"schedule": lambda progress: 1.0},
    ],
)
def test_where_somebody_looks_on_epochs_come_one_by_one(settings):
    loop, _ = build(patience=100, **settings)
    assert loop._together(50) == 1


def test_nor_is_anything_of_a_users_own_passed_by():
    loop, _ = build(patience=100)
    assert loop._together(50) == 50
    for watch in (
        OwnWatch(loop.objective, Stopping(0.0, 100)),
        Watch(loop.objective, OwnStopping(0.0, 100)),
        Watch(build()[0].objective, Stopping(0.0, 100)),
    ):
        loop.watch = watch
        assert loop._together(50) == 1


class Interrupted:
    """Steps during which Ctrl-C is pressed: Python hears of it when the call has ended."""

    def __init__(self, steps):
        self.steps = steps

    def __getattr__(self, name):
        return getattr(self.steps, name)

    def take_epochs(self, *arguments):
        self.steps.take_epochs(*arguments)
        raise KeyboardInterrupt


@pytest.mark.parametrize("when", ["at the end of the call", "while epochs are told of"])
def test_ctrl_c_loses_no_epoch(when, monkeypatch):
    loop, told = build()
    if when == "while epochs are told of":
        record = loop.watch._record

        def pressed(epoch):
            record(epoch)
            if epoch.number == 2:
                raise KeyboardInterrupt

        monkeypatch.setattr(loop.watch, "_record", pressed)
    else:
        loop._steps = Interrupted(loop._steps)
    with pytest.raises(KeyboardInterrupt):
        loop.run(1, 40, 40)
    assert [epoch.number for epoch in told] == [1, 2, 3, 4, 5]  # a patience of 4 lets five be one call
    assert (loop.n_epochs, loop.n_samples_seen, loop.solver.n_steps) == (5, 5 * N_ROWS, 25)
    assert loop.watch.stopping.best == min(epoch.loss for epoch in told)


def test_short_epochs_are_many_in_one_call_and_long_ones_come_by_themselves():
    assert build()[0]._steps.together > 100
    assert build(n_rows=2_000_000)[0]._steps.together == 1
    assert build(batch_size=1)[0]._steps.together < build()[0]._steps.together / 4  # a step costs more than its rows


def test_wrong_rows_rates_and_room_are_refused():
    loop, _ = build()
    best = loop.objective.state.copy()

    def take(n_epochs=2, order=None, rates=(2, 5), found=(2, 3), first=best):
        loop._steps.take_epochs([order] * n_epochs, np.zeros(rates), 1, np.zeros(found), math.inf, best, first)

    for match, wrong in {
        "Got 4 rates": {"rates": (2, 4)},
        "22 rows": {"order": np.arange(22)},
        "3 epochs need": {"n_epochs": 3},
        "Got 2 rows, and room of shape .1, 3.": {"found": (1, 3)},
        "Got 2 rows, and room of shape .2, 2.": {"found": (2, 2)},
    }.items():
        with pytest.raises(ValueError, match=match):
            take(**wrong)
    for other in (best[1:], best.astype("float32"), np.stack([best, best], axis=1)[:, 0]):
        with pytest.raises(ValueError, match="must be as the state"):
            take(first=other)
    with pytest.raises(IndexError, match="from 0 to 22"):
        take(order=np.arange(1, 24))
    np.testing.assert_array_equal(loop.objective.state, best)


def test_ctrl_c_before_the_call_takes_no_order_but_the_next(monkeypatch):
    loop, told = build()
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
    assert len(told) == 5
    np.testing.assert_equal(loop.rng.get_state(), rng.get_state())
