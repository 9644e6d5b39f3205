"""Training on several threads: the same numbers to the bit, and no more threads than the user allows."""

import json
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import joblib
import numpy as np
import pytest
from scipy import sparse
from threadpoolctl import threadpool_info, threadpool_limits

from skneural import ACTIVATIONS, ActivationMLPClassifier, ActivationMLPRegressor, Maxout, PReLU
from skneural.backend import EXTENSIONS, built_extension

OPENMP = "skneural.network.openmp"

if not all(built_extension(name) for name in (*EXTENSIONS, OPENMP)):
    pytest.skip("the extension modules are not built", allow_module_level=True)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

# Sizes that no number of threads divides, and batches with rows for four threads.
N_ROWS, N_FEATURES, HIDDEN, BATCH = 1201, 61, (85, 45), 600
DTYPES = ["float32", "float64"]
LOSSES = ["squared_error", "absolute_error", "huber", "quantile", "poisson"]


def table(dtype, is_sparse=False):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(N_ROWS, N_FEATURES)).astype(dtype)
    if is_sparse:
        X = sparse.csr_array(np.where(rng.uniform(size=X.shape) < 0.7, 0, X).astype(dtype))
    return X, rng.uniform(0.1, 2, N_ROWS)


def fitted(estimator, dtype="float64", is_sparse=False, weighted=False, is_binary=False, **settings):
    X, y = table(dtype, is_sparse)
    if estimator is ActivationMLPClassifier:
        y = (y > 1 if is_binary else 3 * y).astype(int)
    weights = {"sample_weight": np.linspace(0, 2, N_ROWS)} if weighted else {}
    defaults = {"hidden_layer_sizes": HIDDEN, "batch_size": BATCH, "max_iter": 2, "tol": 0, "random_state": 0}
    return estimator(**{**defaults, **settings}).fit(X, y, **weights)


def cases():
    """Name and arguments of fits that together call every kernel."""
    classify, regress = ActivationMLPClassifier, ActivationMLPRegressor
    activations = {**ACTIVATIONS, "maxout of 5": Maxout(5), "shared prelu": PReLU(shared=True)}
    for dtype in DTYPES:
        for name, activation in activations.items():
            for batch_norm in (False, True):
                settings = {"activation": activation, "batch_norm": batch_norm, "dtype": dtype}
                yield f"{name}, {batch_norm=}, {dtype}", (classify, settings)
                yield f"{name}, {batch_norm=}, {dtype}, members", (classify, {**settings, "n_members": 3})
        for loss in LOSSES:
            yield f"{loss}, {dtype}", (regress, {"loss": loss, "dtype": dtype, "weighted": True})
        for n_members in (1, 3):
            settings = {"dtype": dtype, "n_members": n_members}
            yield f"sparse, {settings}", (classify, {**settings, "is_sparse": True, "input_dropout": 0.1})
            for activation in ("relu", "tanh", "maxout"):
                dropout = {**settings, "activation": activation, "dropout": 0.2, "input_dropout": 0.1}
                yield f"dropout, {dropout}", (classify, dropout)
            binary = {**settings, "is_binary": True, "label_smoothing": 0.1}
            yield f"two classes, {settings}", (classify, binary)
            more = {"l1_ratio": 0.5, "alpha": 0.01, "max_norm": 0.5, "clip_norm": 0.1, "batch_norm": True}
            yield f"penalties, {settings}", (classify, {**settings, **more, "weighted": True})
            yield f"linear, {settings}", (classify, {**settings, "hidden_layer_sizes": (), "batch_size": 750})
        for solver in ("sgd", "adamw", "schedule_free_adamw", "rmsprop", "adagrad", "lbfgs"):
            yield f"{solver}, {dtype}", (classify, {"solver": solver, "dtype": dtype})
        large = {"hidden_layer_sizes": (2200, 30), "max_norm": 0.5, "input_dropout": 0.1}  # a matrix is shared out
        yield f"large matrix, {dtype}", (classify, {**large, "dtype": dtype})
        yield (
            f"large second matrix, {dtype}",
            (regress, {"hidden_layer_sizes": (400, 340), "dropout": 0.1, "dtype": dtype}),
        )
        for n_members in (1, 8):
            for batch_norm in (False, True):
                settings = {"n_members": n_members, "batch_norm": batch_norm, "dtype": dtype, "weighted": True}
                yield f"eight segments, {settings}", (classify, {**settings, "batch_size": 1150})


def fingerprints():
    """Return for each case the bits of losses, norms and parameters, and of predictions; for a process of its own.

    Teams take whatever comes: else small passes, and those on a busy machine, would have one thread. In the last cases
    segments are few, with more rows than a product sums up at once.
    """
    import hashlib

    from skneural.network import fused

    fused.MIN_THREAD_COST, fused.MIN_PREDICTION_THREAD_COST, fused.TRIAL_PERIOD = 1, 1, 0
    found = {}
    few = {f"two segments, {dtype}": (ActivationMLPClassifier, {"dtype": dtype, "batch_size": 800}) for dtype in DTYPES}
    for name, (estimator, settings) in [*cases(), *few.items()]:
        fused.MIN_SEGMENT_ROWS = 300 if name in few else 96
        model = fitted(estimator, **settings)
        X, _ = table(settings["dtype"], settings.get("is_sparse", False))
        predict = getattr(model, "predict_proba", model.predict)
        parts = [model.parameters_, np.array(model.loss_curve_), predict(X)]
        found[name] = [model.backend_, *(hashlib.sha256(part.tobytes()).hexdigest() for part in parts)]
    return found


def run_with(n_threads, code):
    environment = {**os.environ, "OMP_NUM_THREADS": str(n_threads)}
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], env=environment, capture_output=True, text=True, timeout=900
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


FINGERPRINTS = f"""
import json, runpy
names = runpy.run_path({__file__!r})
print(json.dumps(names["fingerprints"]()))
"""


@pytest.fixture(scope="module")
def alone():
    return run_with(1, FINGERPRINTS)


@pytest.mark.parametrize("n_threads", [2, 8])
def test_fits_and_predictions_are_equal_to_the_bit_on_any_number_of_threads(alone, n_threads):
    found = run_with(n_threads, FINGERPRINTS)
    assert {backend for backend, *_ in found.values()} == {"native"}
    assert [name for name in alone if found[name] != alone[name]] == []


# What the system says, not what the package says of itself: threads of the process after a fit, less those before.
COUNT = """
import json, os
import numpy as np
from skneural import ActivationMLPClassifier
from threadpoolctl import threadpool_limits
X, y = np.random.RandomState(0).normal(size=(2000, 64)), np.arange(2000) % 2
def started(fit):
    before = len(os.listdir("/proc/self/task"))
    fit()
    return len(os.listdir("/proc/self/task")) - before
def fit(hidden=(100,)):
    ActivationMLPClassifier(hidden, batch_size=1000, max_iter=2, random_state=0).fit(X, y)
fit((2,))  # which starts what is not ours
"""
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts the threads that Linux lists")


@linux
@pytest.mark.parametrize("n_threads", [1, 2, 3])
def test_the_environment_limits_the_threads(n_threads):
    assert run_with(n_threads, COUNT + "print(json.dumps(started(fit)))") == n_threads - 1


@linux
def test_threadpoolctl_limits_the_threads():
    code = COUNT + "with threadpool_limits(1): first = started(fit)\nprint(json.dumps([first, started(fit)]))"
    assert run_with(4, code) == [0, 3]


@pytest.mark.parametrize("what", ["skneural", "skneural.network.threads"])
def test_threadpoolctl_limits_the_first_fit_too(what):
    code = f"""
import json, {what}
from threadpoolctl import threadpool_limits
with threadpool_limits(1):
    from skneural.network.threads import max_threads
    print(json.dumps(max_threads()))
"""
    assert run_with(4, code) == 1


@linux
def test_small_fits_start_no_threads():
    assert run_with(4, COUNT + "print(json.dumps(started(lambda: fit((5,)))))") == 0


TIMED = """
import json
import numpy as np
from skneural import Tanh
from skneural.network import Network, Objective, TrainingRows, fused
from skneural.losses import SquaredError
X = np.random.RandomState(0).normal(size=(1000, 64))
network = Network.zeros([64, 100, 1], [Tanh()], X.dtype)
def timed(period, n_calls, n_rows=1000):
    fused.TRIAL_PERIOD = period
    objective = Objective(network, SquaredError(), [], TrainingRows(X, X[:, :1]), n_rows=n_rows)
    for _ in range(n_calls):
        objective.forward_backward.evaluate(slice(n_rows))
    return [value > 0 for value in objective.forward_backward.nanoseconds_per_row]
print(json.dumps([timed(16, 1), timed(16, 2), timed(16, 3), timed(0, 9), timed(16, 9, 10)]))
"""


def test_training_times_the_team_and_one_thread_where_there_is_enough_to_do():
    first_call, then_waking, three_calls, without_trials, few_rows = run_with(2, TIMED)
    assert (first_call, then_waking, three_calls) == ([True, False], [True, False], [True, True])
    assert (without_trials, few_rows) == ([False, True], [False, False])
    assert run_with(1, TIMED) == [[False, False]] * 5


@pytest.mark.parametrize("ratio", [1.1, 2.0, 30.0])
@pytest.mark.parametrize("team_is_faster", [True, False])
def test_the_faster_of_team_and_one_thread_works_and_trials_take_little_time(ratio, team_is_faster):
    calls_of_team = built_extension("skneural.network.fused").calls_of_team
    fast, slow = 100.0, 100.0 * ratio
    by_team = np.array(calls_of_team(*((slow, fast) if team_is_faster else (fast, slow)), 1000))
    assert by_team[:3].tolist() == [False, True, True]  # the first call of a team wakes its threads
    trials = np.flatnonzero(by_team[3:] != team_is_faster)
    assert trials[0] == int(16 * ratio)  # the first three calls found out how many times faster one is
    assert trials.size * (ratio - 1) / 16 <= 0.01 * 1000  # such calls are so much shorter
    if not team_is_faster:  # two calls each time
        assert (trials[1::2] == trials[: trials[1::2].size * 2 : 2] + 1).all()


def test_calls_that_find_out_whether_a_team_is_faster_are_short():
    code = f"""
import json, runpy
from skneural.network import fused
build = runpy.run_path({str(Path(__file__).with_name("test_several_epochs.py"))!r})["build"]
steps = build(n_rows=2_000, n_units=200, batch_size=2_000)[0]._steps
with_trials, fused.TRIAL_PERIOD = steps.max_epochs_per_call, 0
print(json.dumps([with_trials, steps.max_epochs_per_call]))
"""
    short, full = run_with(2, code)
    assert 1 <= short <= full // 16 + 1 < full
    assert run_with(1, code) == [full, full]


@linux
def test_jobs_in_threads_have_one_thread_each():
    code = COUNT + (
        "import joblib\n"
        "def both(): joblib.Parallel(2, backend='threading')(joblib.delayed(f)() for f in [fit] * 2)\n"
        "with joblib.Parallel(2, backend='threading') as pool:\n"
        "    pool(joblib.delayed(len)('') for _ in range(2))\n"
        "    print(json.dumps(started(lambda: pool(joblib.delayed(fit)() for _ in range(2)))))"
    )
    assert run_with(4, code) == 0


def openmp_threads():
    return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "openmp"]


def allowed_in_job():
    fitted(ActivationMLPClassifier)
    return openmp_threads()


def test_processes_of_joblib_keep_to_their_limit():
    with joblib.parallel_config("loky", n_jobs=2, inner_max_num_threads=1):
        found = joblib.Parallel()(joblib.delayed(allowed_in_job)() for _ in range(2))
    assert {n for numbers in found for n in numbers} == {1}


def send_fit(pipe):
    pipe.send(fitted(ActivationMLPClassifier).parameters_)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_trains_alone_after_its_parent_trained_on_threads():
    expected = fitted(ActivationMLPClassifier).parameters_
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe()
    child = context.Process(target=send_fit, args=(there,), daemon=True)
    child.start()
    assert here.poll(100), "the child does not answer"
    np.testing.assert_array_equal(here.recv(), expected)
    child.join(60)


def test_a_limit_in_this_process_changes_no_bit():
    with threadpool_limits(1):
        expected = fitted(ActivationMLPClassifier, activation="maxout", dtype="float32")
    found = fitted(ActivationMLPClassifier, activation="maxout", dtype="float32")
    np.testing.assert_array_equal(found.parameters_, expected.parameters_)
    assert found.loss_curve_ == expected.loss_curve_
