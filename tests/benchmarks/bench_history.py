"""What the history costs: fits that measure and record nothing per epoch beside fits as they are.

usage: python tests/benchmarks/bench_history.py [--pairs 100]

Each pair is one fit without and one with; printed is the median over the pairs of the processor time that comes on top.
Without means that no length is measured, and nothing but the loss is kept.
"""

import argparse
import time
import warnings
from unittest.mock import patch

import numpy as np
from bench_epoch import CASES, Case, data
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from skneural import ActivationMLPClassifier
from skneural.solvers.lengths import Lengths

SMALLEST = Case(200, 4, (100,), 3, 200, 100)  # one batch an epoch


class Nothing(Lengths):
    """Lengths that are not measured."""

    def begin_step(self):
        pass

    def gradient(self):
        return 0.0

    def update_ratio(self):
        return 0.0


def seconds(case, X, y):
    """Return the processor seconds of an epoch."""
    settings = {"batch_size": case.batch, "max_iter": case.epochs, "n_iter_no_change": case.epochs + 1}
    model = ActivationMLPClassifier(case.hidden, **settings, random_state=0)
    started = time.thread_time()
    model.fit(X, y)
    return (time.thread_time() - started) / case.epochs


def seconds_without(case, X, y):
    def record(estimator, epoch):
        estimator.history_["loss"].append(epoch.loss)

    with patch.object(Lengths, "of", Nothing), patch.object(ActivationMLPClassifier, "_record", record):
        return seconds(case, X, y)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pairs", type=int, default=100)
    options = parser.parse_args()
    warnings.filterwarnings("ignore", category=ConvergenceWarning)
    for case in (SMALLEST, CASES[0], CASES[1], CASES[3]):
        X, y = data(case, "float32")
        with threadpool_limits(1):
            pairs = np.array([(seconds_without(case, X, y), seconds(case, X, y)) for _ in range(options.pairs)])
        epoch, share = 1e3 * np.median(pairs[:, 1]), np.median(pairs[:, 1] / pairs[:, 0]) - 1
        print(f"{case.rows:6d} x {case.features:3d}: {epoch:6.2f} ms per epoch, {share:.1%} more")


if __name__ == "__main__":
    main()
