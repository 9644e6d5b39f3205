"""The training steps of an epoch, in both forms."""

import math
import signal
import threading
import time

import numpy as np
import pytest

from skneural.activations import Tanh
from skneural.backend import built_extension, use_backend
from skneural.losses import SquaredError
from skneural.network import Dropout, Layout, Network, Objective, TrainingRows
from skneural.penalties import L2, MaxNorm
from skneural.solvers import SGD, SOLVERS, AdamW, Batches, DivergenceError, ScheduleFreeAdamW
from skneural.solvers.training_steps import TrainingSteps, create_training_steps

N_ROWS, SIZES, HIDDEN = 23, [4, 5, 2], [Tanh()]
N_PARAMETERS = Layout(SIZES, HIDDEN).size
needs_native = pytest.mark.skipif(
    built_extension("skneural.solvers.fused") is None, reason="the extension modules are not built"
)


def make(solver=None, clip_norm=None, dtype="float64", batch_size=5, shuffle=False, subset=None, X=None, **settings):
    """Return steps, their objective and their solver."""
    rng = np.random.RandomState(0)
    X = rng.normal(size=(N_ROWS, 4)).astype(dtype) if X is None else X
    rows = TrainingRows(X, np.stack([X[:, 0] - X[:, 1], X[:, 2]], axis=1), subset=subset)
    parameters = 0.3 * rng.normal(size=N_PARAMETERS)
    network = Network(SIZES, HIDDEN, parameters.astype(dtype))
    objective = Objective(network, SquaredError(), [L2(0.01)], rows, batch_size, **settings)
    solver = solver or SGD()
    solver.initialize(objective.parameters, objective.gradient)
    steps = create_training_steps(objective, solver, Batches(len(rows), batch_size, shuffle), clip_norm)
    return steps, objective, solver


def trajectory(steps, objective):
    """Return all that three epochs leave behind."""
    rng, seen = np.random.RandomState(1), []
    for number in (1, 2, 3):
        rates = 0.1 / np.arange(1, len(steps.batches) + 1)
        loss = steps.run_epoch(steps.batches.order(rng), rates, number)
        seen += [loss, steps.gradient_norm, steps.update_ratio]
    return np.concatenate([seen, objective.parameters])


SETTINGS = {
    "plain": {},
    "clipped": {"clip_norm": 0.3},
    "bounded": {"max_norm": MaxNorm(0.4)},
    "some rows": {"subset": np.arange(0, N_ROWS, 2)[::-1]},
    "clipped and bounded": {"clip_norm": 0.3, "max_norm": MaxNorm(0.4)},
}
MAKE = {
    **SOLVERS,
    "decay": lambda: AdamW(weight_decay=0.5, n_decayed=20),
    "decay of all": lambda: AdamW(weight_decay=0.5, n_decayed=1000),
    "schedule-free decay": lambda: ScheduleFreeAdamW(weight_decay=0.5, n_decayed=20),
    "schedule-free decay of all": lambda: ScheduleFreeAdamW(weight_decay=0.5, n_decayed=1000),
}


@needs_native
@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("name", MAKE)
def test_both_forms_go_the_same_way(name, settings, dtype, shuffle):
    ends = []
    for backend in ("numpy", "native"):
        with use_backend(backend):
            steps, objective, solver = make(MAKE[name](), dtype=dtype, shuffle=shuffle, **settings)
            ends.append(trajectory(steps, objective))
        assert type(steps).__name__ == ("FusedTrainingSteps" if backend == "native" else "TrainingSteps")
        assert solver.n_steps == 3 * len(steps.batches)
    tolerance = {"float64": 1e-10, "float32": 1e-4}[dtype]
    np.testing.assert_allclose(ends[1], ends[0], rtol=tolerance, atol=tolerance)
    assert np.abs(ends[0]).max() < 100


@pytest.mark.usefixtures("backend")
class TestTrainingSteps:
    def test_are_those_written_by_hand(self):
        steps, objective, _ = make(SGD(0.0, False))
        by_hand = make()[1]
        loss = steps.run_epoch(None, np.full(5, 0.1), 1)
        expected = 0.0
        for start in range(0, N_ROWS, 5):
            rows = slice(start, min(start + 5, N_ROWS))
            expected += by_hand.evaluate(rows) * (rows.stop - rows.start)
            before = by_hand.parameters.copy()
            by_hand.parameters -= 0.1 * by_hand.gradient
        np.testing.assert_allclose(objective.parameters, by_hand.parameters, rtol=1e-13)
        assert loss == pytest.approx(expected / N_ROWS + by_hand.penalty(), rel=1e-13)
        assert steps.gradient_norm == pytest.approx(np.linalg.norm(by_hand.gradient))
        step = np.linalg.norm(by_hand.parameters - before)
        assert steps.update_ratio == pytest.approx(step / np.linalg.norm(by_hand.parameters))

    def test_the_norm_is_that_before_clipping(self):
        rates = np.zeros(5)
        free, clipped = make()[0], make(clip_norm=1e-3)[0]
        for each in (free, clipped):
            each.run_epoch(None, rates, 1)
        assert clipped.gradient_norm == pytest.approx(free.gradient_norm)
        assert clipped.gradient_norm > 1e-3

    def test_no_step_is_made_where_the_loss_is_not_finite(self):
        X = np.random.RandomState(0).normal(size=(N_ROWS, 4))
        X[12] = math.nan  # in the third batch
        steps, objective, solver = make(X=X)
        rates = np.array([0.1, 0.2, 0.3, 0.4, 0.5])
        with pytest.raises(DivergenceError) as error:
            steps.run_epoch(None, rates, 7)
        assert (error.value.epoch, error.value.learning_rate, solver.n_steps) == (7, 0.3, 2)
        assert np.isfinite(objective.parameters).all()

    @pytest.mark.parametrize("where", [0, 7, 8, N_PARAMETERS - 1])
    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
    def test_parameters_that_end_up_beyond_all_numbers_are_divergence(self, where, value):
        steps, _, solver = make(batch_size=N_ROWS)
        solver.slots[0][where] = value  # a velocity: the loss before the step does not know
        with pytest.raises(DivergenceError) as error:
            steps.run_epoch(None, np.array([0.1]), 3)
        assert (error.value.epoch, error.value.learning_rate, solver.n_steps) == (3, 0.1, 1)

    @pytest.mark.parametrize("n_rates", [4, 6])
    def test_there_is_a_rate_for_each_batch(self, n_rates):
        with pytest.raises(ValueError, match=r"rates|zip"):
            make()[0].run_epoch(None, np.zeros(n_rates), 1)


@needs_native
def test_python_is_asked_only_where_it_is_needed():
    class OwnSolver(SGD):
        pass

    class OwnObjective(Objective):
        pass

    class OwnBatches(Batches):
        pass

    steps, objective, solver = make()
    assert type(steps).__name__ == "FusedTrainingSteps"
    assert type(make(OwnSolver())[0]) is TrainingSteps
    assert type(create_training_steps(objective, solver, OwnBatches(N_ROWS, 5, False), None)) is TrainingSteps
    objective.__class__ = OwnObjective
    assert type(create_training_steps(objective, solver, steps.batches, None)) is TrainingSteps
    with use_backend("numpy"):
        assert type(make()[0]) is TrainingSteps


@needs_native
def test_an_epoch_in_portions_is_the_same_to_the_bit(monkeypatch):
    whole = trajectory(*make()[:2])
    fused = built_extension("skneural.solvers.fused")
    monkeypatch.setattr(fused, "MAX_CALL_COST", 1)  # Ctrl-C is looked for after each step
    np.testing.assert_array_equal(trajectory(*make()[:2]), whole)


@needs_native
def test_rows_that_are_not_there_and_batches_that_are_too_long_are_refused():
    steps, objective, solver = make()
    before = objective.parameters.copy()
    with pytest.raises(IndexError, match="from 0 to 22"):
        steps.run_epoch(np.arange(1, N_ROWS + 1), np.zeros(5), 1)
    steps = create_training_steps(objective, solver, Batches(N_ROWS, 6, shuffle=False), None)
    with pytest.raises(ValueError, match="passes over 5 rows"):
        steps.run_epoch(None, np.zeros(4), 1)
    np.testing.assert_array_equal(objective.parameters, before)


@needs_native
def test_an_epoch_can_be_interrupted():
    steps, _, solver = make(X=np.zeros((2_000_000, 4)))
    n_batches = len(steps.batches)
    started = time.perf_counter()
    steps.run_epoch(None, np.zeros(n_batches), 1)
    timer = threading.Timer((time.perf_counter() - started) / 4, signal.raise_signal, [signal.SIGINT])
    timer.start()
    with pytest.raises(KeyboardInterrupt):  # noqa: PT012
        for _ in range(100):
            steps.run_epoch(None, np.zeros(n_batches), 2)
    timer.join()
    assert solver.n_steps % n_batches  # in the middle of an epoch


@needs_native
def test_an_interrupted_epoch_of_schedule_free_steps_leaves_the_average():
    X = np.random.RandomState(3).normal(size=(2_000_000, 4))
    steps, _, _ = make(ScheduleFreeAdamW(), X=X)
    rates = np.full(len(steps.batches), 1e-4)
    started = time.perf_counter()
    steps.run_epoch(None, rates, 1)
    duration = time.perf_counter() - started
    steps, objective, solver = make(ScheduleFreeAdamW(), X=X)
    timer = threading.Timer(duration / 2, signal.raise_signal, [signal.SIGINT])
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        steps.run_epoch(None, rates, 1)
    timer.join()
    assert 0 < solver.n_steps < len(steps.batches)
    again, expected, _ = make(ScheduleFreeAdamW(), X=X, subset=np.arange(5 * solver.n_steps))
    again.run_epoch(None, np.full(solver.n_steps, 1e-4), 1)
    np.testing.assert_array_equal(objective.parameters, expected.parameters)


@needs_native
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_both_forms_drop_the_same_entries(dtype):
    ends = []
    for backend in ("numpy", "native"):
        with use_backend(backend):
            rng = np.random.RandomState(2)
            steps, objective, _ = make(ScheduleFreeAdamW(), dtype=dtype, dropout=[Dropout(0.2, rng), Dropout(0.5, rng)])
            ends.append([*trajectory(steps, objective), rng.random_sample()])
    assert type(steps).__name__ == "FusedTrainingSteps"
    np.testing.assert_allclose(ends[1], ends[0], rtol=1e-10 if dtype == "float64" else 1e-4, atol=1e-6)
