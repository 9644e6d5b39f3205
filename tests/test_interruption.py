"""Ctrl-C, as the system sends it: a model alone keeps what it has learned and says so, a pipeline or a search stops."""

import os
import re
import signal
import subprocess
import sys
import time

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there Ctrl-C is no signal to a process")

ALONE = """
import pickle, sys, warnings
import numpy as np
from sklearn.pipeline import make_pipeline
from skneural import ActivationMLPRegressor, StdScaler
from skneural.solvers import TrainingInterrupted

warnings.simplefilter("ignore")  # of training that ends early
X = np.random.default_rng(0).standard_normal((500_000, 2))
y = 3 + X[:, 0] * X[:, 1]
few, all_rows = slice(0, 20_000), slice(None)
settings = {"max_iter": 10**6, "max_fun": 10**9, "tol": 0, "n_iter_no_change": np.inf, "random_state": 0}

def announcing(progress):
    print("training")
    return 1.0

def interrupted(model, train, rows):
    try:
        train(X[rows], y[rows])
    except TrainingInterrupted as interruption:
        print("told:", interruption)
    network = model[-1] if hasattr(model, "steps") else model
    assert network.backend_ == sys.argv[1], network.backend_
    assert network.n_iter_ == len(network.loss_curve_)
    assert (network.n_iter_ > 0) == (rows == few)
    P = model.predict(X[few])
    assert np.isfinite(P).all() and np.array_equal(pickle.loads(pickle.dumps(model)).predict(X[few]), P)
    network.set_params(max_iter=3, warm_start=True, verbose=False, learning_rate="constant", batch_size=200)
    network.fit(X[few], y[few])  # one can go on
    error = np.mean((P - y[few]) ** 2) / np.mean(y**2)
    print("learned:", bool(error < 0.5 if rows == few else error < 2))

for solver in ("adam", "sgd", "lbfgs"):
    model = ActivationMLPRegressor(solver=solver, verbose=True, **settings)
    interrupted(model, model.fit, few)
    model = make_pipeline(StdScaler(), ActivationMLPRegressor(solver=solver, verbose=True, **settings))
    interrupted(model, model.fit, few)
for solver in ("adam", "sgd"):
    model = ActivationMLPRegressor(solver=solver, batch_size=1, learning_rate=announcing, **settings)
    interrupted(model, model.partial_fit, all_rows)  # one epoch of many seconds
"""


def started(script, *arguments, environment=None):
    """Start Python on a script in a process group of its own, as a terminal does."""
    return subprocess.Popen(
        [sys.executable, "-u", "-c", script, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, **(environment or {})},
    )


def test_a_model_alone_can_be_used_and_its_user_is_told(backend):
    with started(ALONE, backend, environment={"SKNEURAL_BACKEND": backend}) as run:
        lines = []
        for line in run.stdout:
            lines.append(line)
            if line == "training\n":
                time.sleep(0.2)
            if line == "training\n" or line.split()[0] == "3":  # after the third epoch, of those who print them
                run.send_signal(signal.SIGINT)
        errors = run.stderr.read()
    assert run.returncode == 0, errors
    told = [line for line in lines if re.match(r"told: Training was interrupted after \d+ full epochs. .*keeps", line)]
    assert len(told) == 8
    assert lines.count("learned: True\n") == 8


SEARCH = """
import sys, time
import numpy as np
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from skneural import ActivationMLPClassifier, StdScaler

class Announcing(StdScaler):
    def fit(self, X, y=None):
        print("fitting", flush=True)
        return super().fit(X, y)

X = np.random.default_rng(0).standard_normal((2000, 20))
model = make_pipeline(Announcing(), ActivationMLPClassifier(max_iter=10**6, tol=0, n_iter_no_change=np.inf))
search = GridSearchCV(model, {"activationmlpclassifier__alpha": [1, 2]}, n_jobs=int(sys.argv[1]), error_score=0.0)
try:
    search.fit(X, (X[:, 0] > 0).astype(int))
finally:
    print("found:", hasattr(search, "cv_results_"))
"""


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_search_stops(n_jobs):
    with started(SEARCH, str(n_jobs)) as run:
        assert [run.stdout.readline() for _ in range(n_jobs)] == ["fitting\n"] * n_jobs
        time.sleep(0.3)  # then all of them train
        os.killpg(run.pid, signal.SIGINT)
        out, err = run.communicate(timeout=60)
    assert out == "found: False\n"
    assert run.returncode != 0
    assert "KeyboardInterrupt" in err or "TrainingInterrupted" in err
