"""What the history costs: its own work, as a share of an epoch.

usage: python tests/benchmarks/bench_history.py [--rounds 20]

An epoch's work for the history is to compute three norms (of the last gradient, the last step and the parameters) and
to write down what is known. It is timed by itself, on vectors of the network's size, in turns with whole fits; printed
are medians over the rounds.
"""

import argparse
import time
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from skneural import ActivationMLPClassifier
from skneural.solvers import Epoch
from skneural.solvers.step_norms import create_step_norms

# Rows, features, classes, epochs; 100 hidden units, batches of 200. The first has one batch an epoch.
CASES = [(200, 4, 3, 100), (1500, 30, 3, 60), (1800, 64, 10, 60), (10000, 100, 10, 15)]


def fitted(n_rows, n_features, n_classes, epochs):
    """Return a fitted model and the processor seconds of an epoch."""
    rng = np.random.RandomState(0)
    X, y = rng.randn(n_rows, n_features).astype("float32"), rng.randint(0, n_classes, n_rows)
    model = ActivationMLPClassifier(batch_size=200, max_iter=epochs, n_iter_no_change=epochs + 1, random_state=0)
    started = time.thread_time()
    model.fit(X, y)
    return model, (time.thread_time() - started) / epochs


def history_seconds(model, epochs):
    """Return the processor seconds of the history's work in an epoch."""
    theta = model.parameters_.copy()
    norms, epoch = create_step_norms(theta, np.ones_like(theta)), Epoch(1, 0.5, 0.1, 0.001, 1.0, 0.01)
    started = time.thread_time()
    for _ in range(epochs):
        norms.save_parameters()
        norms.gradient_norm()
        norms.update_ratio()
        model._record_epoch(epoch)
    return (time.thread_time() - started) / epochs


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    warnings.filterwarnings("ignore", category=ConvergenceWarning)
    for case in CASES:
        rounds = []
        with threadpool_limits(1):
            for _ in range(options.rounds):
                model, epoch = fitted(*case)
                rounds.append((epoch, history_seconds(model, 1000)))
        epoch, history = 1e6 * np.median(rounds, axis=0)
        size = f"{case[0]:6d} x {case[1]:3d}, {model.parameters_.size} parameters"
        print(f"{size}: {epoch:6.0f} us per epoch, {history:.1f} us of them ({history / epoch:.1%}) for the history")


if __name__ == "__main__":
    main()
