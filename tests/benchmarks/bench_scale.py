"""What the engines of docs/scale.md are worth on this machine: searches, merged blocks, a table larger than memory.

usage: python tests/benchmarks/bench_scale.py

Set OPENBLAS_NUM_THREADS=1. The table is a file of 1 GiB in a temporary folder, read by processes that may allocate
400 MiB (Linux only).
"""

import os
import pickle
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from functools import reduce

import joblib
import numpy as np
from distributed import Client, LocalCluster
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline

from skneural import ActivationMLPClassifier, MeanCenterer, PCAWhitener, StdScaler

LIMIT = 400 * 2**20
SHAPE = (2**30 // 400, 100)  # of float32: 1 GiB
WAYS = ("in memory", "fit on the mapped file", "partial_fit on blocks")


def seconds(call):
    start = time.perf_counter()
    value = call()
    return time.perf_counter() - start, value


def compare_searches():
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0, stratify=y)
    model = make_pipeline(StdScaler(), ActivationMLPClassifier((64,), learning_rate="cosine", random_state=0))
    name = "activationmlpclassifier__"
    grid = {
        f"{name}activation": ["logistic", "tanh", "relu", "elu", "gelu", "maxout"],
        f"{name}learning_rate_init": [0.0003, 0.001, 0.003, 0.01, 0.03, 0.1],
    }

    def search(n_jobs=None):
        full = model.set_params(**{f"{name}max_iter": 36})
        return GridSearchCV(full, grid, cv=3, n_jobs=n_jobs).fit(X_train, y_train)

    def halving():
        how = {"resource": f"{name}max_iter", "min_resources": 4, "max_resources": 36, "random_state": 0}
        return HalvingGridSearchCV(model, grid, cv=3, **how).fit(X_train, y_train)

    def on_cluster():
        with joblib.parallel_config("dask", scatter=[X_train, y_train]):
            return search()

    search(n_jobs=2)  # starts the processes
    ways = {"one process": search, "n_jobs=2": lambda: search(2), "halving, one process": halving}
    print(f"{'36 candidates, 3 folds':24} seconds  accuracy")
    for way, call in ways.items():
        took, found = seconds(call)
        print(f"{way:24} {took:7.1f}  {found.score(X_test, y_test):.3f}", flush=True)
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster):
        on_cluster()
        took, found = seconds(on_cluster)
        print(f"{'dask, two workers':24} {took:7.1f}  {found.score(X_test, y_test):.3f}", flush=True)


def compare_merging(n_features=100):
    X = np.random.default_rng(0).standard_normal((200_000, n_features)) @ np.diag(np.linspace(1, 50, n_features)) + 7
    print(f"\n200,000 x {n_features} in 20 blocks  one fit  blocks, merged  KiB per block  largest difference")
    for kind in (MeanCenterer, StdScaler, PCAWhitener):
        alone, whole = seconds(lambda: kind().fit(X))  # noqa: B023
        blocks, parts = seconds(lambda: [kind().partial_fit(block) for block in np.split(X, 20)])  # noqa: B023
        travels = len(pickle.dumps(parts[0])) / 1024
        merging, merged = seconds(lambda: reduce(kind.merge, parts))  # noqa: B023
        difference = np.abs(merged.transform(X[:1000]) - whole.transform(X[:1000])).max()
        print(f"{kind.__name__:26} {alone:6.2f} s {blocks + merging:13.2f} s {travels:14.0f} {difference:19.1e}")


def train(path, way):
    """Train one epoch; print rows, seconds, accuracy."""
    if way != WAYS[0]:
        resource.setrlimit(resource.RLIMIT_DATA, (LIMIT, LIMIT))
    X = np.load(path, mmap_mode=None if way == WAYS[0] else "r")
    y = np.array(X[:, 0] * X[:, 1] > 0, dtype=np.int8)
    model = ActivationMLPClassifier((32,), batch_size=1000, learning_rate_init=0.01, max_iter=1, random_state=0)
    start = time.perf_counter()
    if way == WAYS[2]:
        for first in range(0, len(X), 50_000):
            rows = slice(first, first + 50_000)
            model.partial_fit(X[rows], y[rows], classes=[0, 1])
    else:
        model.fit(X, y)
    took = time.perf_counter() - start
    print(f"{way:24} {took:7.1f}  {model.score(X[:50_000], y[:50_000]):.3f}", flush=True)


def compare_tables():
    print(f"\n{SHAPE[0]:,} x {SHAPE[1]}, one epoch   seconds  accuracy", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "table.npy")
        table = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=SHAPE)
        for first in range(0, len(table), 50_000):
            block = table[first : first + 50_000]
            block[...] = np.random.default_rng(first).standard_normal(block.shape, dtype=np.float32)
        table.flush()
        for way in WAYS:
            subprocess.run([sys.executable, "-W", "ignore", __file__, path, way], check=True)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        train(*sys.argv[1:])
    else:
        warnings.simplefilter("ignore", ConvergenceWarning)
        os.environ["PYTHONWARNINGS"] = "ignore"  # of the processes
        compare_searches()
        compare_merging()
        compare_tables()
