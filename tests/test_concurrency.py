"""One model in many threads, many fits in threads and processes, and forks: nothing that is shared changes."""

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from copy import deepcopy

import joblib
import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone

from skneural import (
    ACTIVATIONS,
    ActivationMLPClassifier,
    ActivationMLPRegressor,
    MeanCenterer,
    PCAWhitener,
    SmoothClipper,
    StdScaler,
    TableEncoder,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N_THREADS = 8
X = np.random.default_rng(0).standard_normal((9000, 6))  # more than one block of a prediction
Y = (X[:, 0] * X[:, 1] > 0).astype(int)
SMALL = {"hidden_layer_sizes": (12, 8), "max_iter": 3, "random_state": 0}


def max_epochs_per_call(call, arguments):
    """Call from as many threads as there are arguments, all at the same moment; return the results."""
    start = threading.Barrier(len(arguments))

    def wait_and_call(context, argument):
        start.wait()
        return context.run(call, argument)

    contexts = [copy_context() for _ in arguments]  # in which the backend is chosen
    with ThreadPoolExecutor(len(arguments)) as threads:
        return list(threads.map(wait_and_call, contexts, arguments))


@pytest.mark.parametrize("activation", [*ACTIVATIONS])
@pytest.mark.parametrize("method", ["predict_proba", "transform"])
def test_eight_threads_predict_with_one_model(backend, activation, method):
    model = ActivationMLPClassifier(activation=activation, batch_norm=True, **SMALL).fit(X[:500], Y[:500])
    inputs = [X[i : len(X) - 700 * i] for i in range(N_THREADS)]
    inputs[1], inputs[2] = sparse.csr_array(inputs[1]), np.asfortranarray(inputs[2])
    expected = [getattr(model, method)(each) for each in inputs]
    for _ in range(3):
        found = max_epochs_per_call(getattr(model, method), inputs)
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    "fitted", [MeanCenterer(), StdScaler(), PCAWhitener(), SmoothClipper(), TableEncoder()], ids=repr
)
def test_eight_threads_transform_with_one_transformer(fitted):
    rows = [X[i::N_THREADS] for i in range(N_THREADS)]
    expected = [clone(fitted).fit(X).transform(each) for each in rows]
    for _ in range(20):
        # After merging, the whitener's directions are computed by the first who asks.
        shared = clone(fitted).fit(X)
        if hasattr(shared, "merge"):
            shared = clone(fitted).fit(X[:4000]).merge(clone(fitted).fit(X[4000:]))
        for one, other in zip(max_epochs_per_call(shared.transform, rows), expected, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-9)


def models():
    """Models that differ in what they train with."""
    settings = {**SMALL, "hidden_layer_sizes": (10,)}
    return [
        ActivationMLPClassifier(**settings),
        ActivationMLPClassifier(**settings, activation="maxout", dropout=0.3, batch_norm=True),
        ActivationMLPClassifier(**settings, solver="sgd", early_stopping=True, dtype="float32"),
        ActivationMLPRegressor(**settings, solver="lbfgs", activation="prelu"),
    ]


def trained(model):
    return model.fit(X[:1000], Y[:1000]).parameters_


@pytest.fixture(scope="module")
def alone():
    return [trained(model) for model in models()]


def test_fits_in_threads_are_those_of_one_thread(alone):
    for found in (max_epochs_per_call(trained, models()), max_epochs_per_call(trained, models())):
        for one, other in zip(found, alone, strict=True):
            np.testing.assert_array_equal(one, other)


def test_fits_in_processes_are_those_of_one_process(alone):
    with joblib.parallel_config("loky", n_jobs=2, inner_max_num_threads=1):
        found = joblib.Parallel()(joblib.delayed(trained)(model) for model in models())
    for one, other in zip(found, alone, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-7)


def test_training_does_not_disturb_those_who_predict():
    served = ActivationMLPClassifier(**SMALL, warm_start=True).fit(X[:500], Y[:500])
    expected, model = served.predict_proba(X), deepcopy(served)
    answers = max_epochs_per_call(
        lambda who: model.fit(X[:500], Y[:500]) if who is None else served.predict_proba(X), [None, 1, 2]
    )
    for answer in answers[1:]:
        np.testing.assert_array_equal(answer, expected)


# A process of its own, since that of the tests may have threads that do not survive a fork.
FORK = """
import multiprocessing, warnings
import numpy as np
from sklearn.exceptions import ConvergenceWarning
from skneural import ActivationMLPClassifier, PCAWhitener
warnings.simplefilter("ignore", ConvergenceWarning)

X = np.random.default_rng(0).standard_normal((3000, 20))
y = (X[:, 0] > 0).astype(int)
def fit(): return ActivationMLPClassifier((30,), max_iter=3, random_state=0).fit(PCAWhitener().fit_transform(X), y)
model = fit()  # by now the parent's BLAS has its threads

def work(pipe):
    pipe.send((model.predict_proba(X), fit().parameters_))

context = multiprocessing.get_context("fork")
for _ in range(2):
    here, there = context.Pipe()
    child = context.Process(target=work, args=(there,))
    child.start()
    assert here.poll(100), "the child does not answer"
    P, parameters = here.recv()
    child.join(60)
    np.testing.assert_allclose(P, model.predict_proba(X), rtol=1e-12)
    np.testing.assert_allclose(parameters, model.parameters_, rtol=1e-6, atol=1e-9)
print("both answered")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_predicting_and_fitting_after_a_fork():
    run = subprocess.run([sys.executable, "-c", FORK], capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr
    assert run.stdout == "both answered\n"
