"""A grid search over activations and rates, against as many fits of MLPClassifier; and how it scales over threads.

usage: python tests/benchmarks/bench_search.py [peer] [jobs] [large] [--rounds 3] [--epochs 20]

peer: 7 activations x 4 rates x 5 folds on digits. MLPClassifier knows three of the activations (relu, tanh, logistic),
which take turns until there are as many fits. Both sides make the same number of epochs.
jobs: the same search by one job, two threads, and two processes, which share nothing: they show what the machine gives.
large: two fits of a network whose products are large enough for threads of BLAS's: one job has these, two jobs have a
thread each.
All sides of a part take turns; unless parts are named, all of them run.
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


def peer(rounds, settings):
    """Print how long a search takes beside as many fits of MLPClassifier."""
    single = ActivationMLPClassifier(dtype="float32", **settings)
    double = ActivationMLPClassifier(**settings)
    turns = [
        (
            # 3 activations, each 7 / 3 times as often
            seconds(MLPClassifier(**settings), THEIRS) * len(OURS) / len(THEIRS),
            seconds(single, OURS),
            seconds(double, OURS),
        )
        for _ in range(rounds)
    ]
    theirs, in_single, in_double = np.min(turns, axis=0)
    print(f"140 fits of {settings['max_iter']} epochs, minima of {rounds} rounds: MLPClassifier {theirs:.1f} s,")
    print(f"ours in single precision {in_single:.1f} s (ratio {theirs / in_single:.2f}),")
    print(f"with the default dtype {in_double:.1f} s (ratio {theirs / in_double:.2f})")


def jobs(rounds, settings):
    """Print how long a search takes by one job and by two."""
    model = ActivationMLPClassifier(**settings)

    def search(backend, n_jobs):
        with joblib.parallel_config(backend):
            return seconds(model, OURS, n_jobs)

    ways = {"one job": ("threading", 1), "two threads": ("threading", 2), "two processes": ("loky", 2)}
    for way in ways.values():
        search(*way)  # lets processes start
    turns = np.array([[search(*way) for way in ways.values()] for _ in range(rounds)])
    minima, medians = turns.min(axis=0), np.median(turns, axis=0)
    print(f"the search with the default dtype, {rounds} rounds")
    for name, least, median, each in zip(ways, minima, medians, (turns[:, :1] / turns).T, strict=True):
        print(
            f"{name:13}: minimum {least:.2f} s (ratio {minima[0] / least:.2f}), median {median:.2f} s "
            f"(ratio {medians[0] / median:.2f}); ratios of the rounds {each.min():.2f} to {each.max():.2f}"
        )


def large(rounds, settings):
    """Print how long two fits of a large network take by one job and by two threads."""
    X, y = make_classification(6000, 784, n_informative=50, n_classes=10, random_state=0)
    settings = settings | {"hidden_layer_sizes": (256, 128, 100), "max_iter": 5}

    def fit(model, n_jobs):
        started = time.perf_counter()
        joblib.Parallel(n_jobs=n_jobs, backend="threading")([joblib.delayed(clone(model).fit)(X, y) for _ in range(2)])
        return time.perf_counter() - started

    models = [MLPClassifier(**settings), ActivationMLPClassifier(**settings)]
    for model in models:
        fit(model, 2)
    turns = [[fit(model, n_jobs) for model in models for n_jobs in (1, 2)] for _ in range(rounds)]
    for model, (one, two) in zip(models, np.min(turns, axis=0).reshape(2, 2), strict=True):
        print(f"two large fits, threads: {type(model).__name__} one job {one:.2f} s, two jobs {two:.2f} s")


PARTS = {"peer": peer, "jobs": jobs, "large": large}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("parts", nargs="*", metavar="part", help=", ".join(PARTS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=20)
    options = parser.parse_args()
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"parts are {', '.join(PARTS)}. Got {', '.join(unknown)}.")
    warnings.filterwarnings("ignore", category=ConvergenceWarning)
    warnings.filterwarnings("ignore", category=DeadUnitsWarning)
    settings = {"max_iter": options.epochs, "n_iter_no_change": options.epochs + 1, "random_state": 0}
    for name in options.parts or PARTS:
        PARTS[name](options.rounds, settings)


if __name__ == "__main__":
    main()
