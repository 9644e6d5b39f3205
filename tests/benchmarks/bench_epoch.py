"""Seconds per epoch: this package's NumPy form against scikit-learn's MLPClassifier and the matrix products alone.

usage: python tests/benchmarks/bench_epoch.py [--threads 1 2] [--rounds 7]

Random data of the sizes in the table; the time does not depend on the values. The contestants take turns, the minimum
over the rounds counts. "products" is what the three matrix products of each layer cost by themselves in numpy.
"""

import argparse
import time
import warnings
from itertools import pairwise

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from skneural import ActivationMLPClassifier

# rows, features, hidden layers, classes, batch size
CASES = [
    (1500, 30, (100,), 3, 200),
    (1800, 64, (100,), 10, 200),
    (10000, 20, (32,), 2, 32),
    (10000, 100, (100,), 10, 200),
    (10000, 54, (128, 128, 128), 7, 256),
    (20000, 784, (100,), 10, 200),
    (20000, 784, (256, 128, 100), 10, 256),
]
EPOCHS = 4


def seconds_per_epoch(model, X, y):
    started = time.perf_counter()
    model.fit(X, y)
    return (time.perf_counter() - started) / EPOCHS


def products(X, sizes, batch_size):
    """Return the seconds of an epoch's matrix products: forward, both backward (the first layer needs one)."""
    rng = np.random.RandomState(0)
    A = [rng.rand(batch_size, size).astype(X.dtype) for size in sizes]
    W = [rng.rand(*shape).astype(X.dtype) for shape in pairwise(sizes)]
    outs = [np.empty((batch_size, size), X.dtype) for size in sizes]
    dW = [np.empty_like(w) for w in W]
    started = time.perf_counter()
    for _ in range(len(X) // batch_size):
        for layer, w in enumerate(W):
            np.dot(A[layer], w, out=outs[layer + 1])
            np.dot(A[layer].T, A[layer + 1], out=dW[layer])
            if layer:
                np.dot(A[layer + 1], w.T, out=outs[layer])
    return time.perf_counter() - started


def measure(case, dtype, rounds):
    n, d, hidden, k, batch_size = case
    rng = np.random.RandomState(0)
    X, y = rng.randn(n, d).astype(dtype), rng.randint(0, k, n)
    settings = {"batch_size": batch_size, "max_iter": EPOCHS, "random_state": 0}
    turns = [
        (
            products(X, [d, *hidden, 1 if k == 2 else k], batch_size),
            seconds_per_epoch(MLPClassifier(hidden, **settings), X, y),
            seconds_per_epoch(ActivationMLPClassifier(hidden, **settings), X, y),
        )
        for _ in range(rounds)
    ]
    return np.min(turns, axis=0)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    warnings.filterwarnings("ignore", category=ConvergenceWarning)
    print(
        "threads  dtype    rows  features  hidden           classes  batch | "
        "ms per epoch: products  sklearn  ours | sklearn / ours"
    )
    for threads in options.threads:
        for dtype in ("float32", "float64"):
            ratios = []
            for case in CASES:
                n, d, hidden, k, batch_size = case
                with threadpool_limits(threads):
                    times = 1e3 * measure(case, dtype, options.rounds)
                ratios.append(times[1] / times[2])
                print(
                    f"{threads:7d}  {dtype}  {n:5d}  {d:8d}  {hidden!s:15}  {k:7d}  {batch_size:5d} | "
                    f"{times[0]:22.2f} {times[1]:8.2f} {times[2]:5.2f} | {ratios[-1]:5.2f}",
                    flush=True,
                )
            print(
                f"geometric mean of sklearn / ours, {threads} threads, {dtype}: {np.exp(np.mean(np.log(ratios))):.2f}"
            )


if __name__ == "__main__":
    main()
