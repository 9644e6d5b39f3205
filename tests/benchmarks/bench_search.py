"""A grid search over activations and rates, against as many fits of MLPClassifier; and how it scales over threads.

usage: python tests/benchmarks/bench_search.py [--rounds 3] [--epochs 20]

7 activations x 4 rates x 5 folds on digits. MLPClassifier knows three of the activations (relu, tanh, logistic), which
take turns until there are as many fits. Both sides make the same number of epochs. Then the same search again with one
and with two jobs, which are first threads, then processes. Last, two fits of a network whose products are large enough
for threads of BLAS's: one job has these, two jobs have a thread each.
"""

import argparse
import time
import warnings

import joblib
import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_digits, make_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier

from skneural import ActivationMLPClassifier, DeadUnitsWarning, Maxout

RATES = [1e-4, 1e-3, 1e-2, 1e-1]
OURS = ["logistic", "tanh", "relu", "leaky_relu", "prelu", "elu", Maxout(n_pieces=2)]
THEIRS = ["relu", "tanh", "logistic"]
X, Y = load_digits(return_X_y=True)
X = X / 16


def seconds(model, activations, n_jobs=1):
    """Return the seconds of a search over some activations and all rates."""
    search = GridSearchCV(model, {"activation": activations, "learning_rate_init": RATES}, n_jobs=n_jobs, refit=False)
    started = time.perf_counter()
    search.fit(X, Y)
    return time.perf_counter() - started


def larger(model, X, y, n_jobs):
    """Return the seconds of two fits by jobs in threads."""
    started = time.perf_counter()
    joblib.Parallel(n_jobs=n_jobs, backend="threading")([joblib.delayed(clone(model).fit)(X, y) for _ in range(2)])
    return time.perf_counter() - started


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=20)
    options = parser.parse_args()
    warnings.filterwarnings("ignore", category=ConvergenceWarning)
    warnings.filterwarnings("ignore", category=DeadUnitsWarning)
    settings = {"max_iter": options.epochs, "n_iter_no_change": options.epochs + 1, "random_state": 0}
    single = ActivationMLPClassifier(dtype="float32", **settings)
    double = ActivationMLPClassifier(**settings)
    turns = [
        (
            # 3 activations, each 7 / 3 times as often
            seconds(MLPClassifier(**settings), THEIRS) * len(OURS) / len(THEIRS),
            seconds(single, OURS),
            seconds(double, OURS),
        )
        for _ in range(options.rounds)
    ]
    theirs, in_single, in_double = np.min(turns, axis=0)
    print(
        f"140 fits of {options.epochs} epochs: MLPClassifier {theirs:.1f} s, ours in single precision {in_single:.1f} s"
    )
    print(
        f"(ratio {theirs / in_single:.2f}), with the default dtype {in_double:.1f} s (ratio {theirs / in_double:.2f})"
    )
    for backend in ("threading", "loky"):
        with joblib.parallel_config(backend):
            seconds(double, OURS[:1], 2)  # lets processes start
            turns = [[seconds(double, OURS, n_jobs) for n_jobs in (1, 2)] for _ in range(options.rounds)]
        one, two = np.min(turns, axis=0)
        print(f"{backend} backend, default dtype: one job {one:.2f} s, two jobs {two:.2f} s, ratio {one / two:.2f}")
    X_large, y_large = make_classification(6000, 784, n_informative=50, n_classes=10, random_state=0)
    settings |= {"hidden_layer_sizes": (256, 128, 100), "max_iter": 5}
    for model in (MLPClassifier(**settings), ActivationMLPClassifier(**settings)):
        larger(model, X_large, y_large, 2)
        turns = [[larger(model, X_large, y_large, n_jobs) for n_jobs in (1, 2)] for _ in range(options.rounds)]
        one, two = np.min(turns, axis=0)
        print(f"two large fits, threads: {type(model).__name__} one job {one:.2f} s, two jobs {two:.2f} s")


if __name__ == "__main__":
    main()
