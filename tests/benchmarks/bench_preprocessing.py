"""Accuracy, time and memory of the preprocessors beside scikit-learn's, measured side by side in one process.

Run ``python tests/benchmarks/bench_preprocessing.py [accuracy] [precision] [speed] [components] [solvers] [memory]
[--repeats N] [--data FILE.npz --key NAME] [--megabytes N --scratch FOLDER]``. Both sides of a row alternate within one
run; the least and the median seconds of each, and their ratios, are printed. ``--data`` adds rows on an array of a file
to the speed, ``X`` if no key names another; the mapped file of the memory part has 4096 megabytes and lies in the
folder for temporary files, unless told otherwise.
"""

from __future__ import annotations

import argparse
import pickle
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from skneural.preprocessing import MeanCenterer, PCAWhitener, StdScaler

SHAPES = ((60_000, 784), (1_000_000, 30))
DTYPES = (np.float32, np.float64)

MEMORY_PROBE = """
import gc, sys
import numpy as np
from skneural.preprocessing import MeanCenterer, PCAWhitener, StdScaler

def resident(field):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(field + ":")) / 1024

name, path = sys.argv[1:]
transformer = {"MeanCenterer": MeanCenterer, "StdScaler": StdScaler, "PCAWhitener": PCAWhitener}[name]()
transformer.fit(np.random.default_rng(0).standard_normal((2000, 256), dtype=np.float32))
X = np.load(path, mmap_mode="r")
gc.collect()
open("/proc/self/clear_refs", "w").write("5")
before = resident("VmRSS")
transformer.fit(X)
print(X.nbytes / 2**20, resident("VmHWM") - before)
"""


def rows_of_few_scales(dtype: type, mean: float, rotated: bool) -> np.ndarray:
    """5000 rows of 6 features with standard deviations from 1 to 0.02."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((5000, 6)) * np.geomspace(1, 0.02, 6)
    if rotated:
        X = X @ np.linalg.qr(rng.standard_normal((6, 6)))[0]
    return (X + mean).astype(dtype)


def from_identity(Z: np.ndarray) -> float:
    """The largest deviation of the covariance of whitened rows from the identity."""
    return float(np.abs(np.cov(Z, rowvar=False, dtype=np.float64) - np.eye(Z.shape[1])).max())


def largest(transformer: Any, X: np.ndarray, unseen: np.ndarray) -> float:
    return float(np.abs(transformer.fit(X).transform(unseen)).max())


def digits_accuracy(whitener: Any) -> float:
    """Mean test accuracy of scikit-learn's network on whitened digits, over five splits."""
    X, y = load_digits(return_X_y=True)
    scores = []
    for seed in range(5):
        X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=seed, stratify=y)
        model = make_pipeline(whitener, MLPClassifier(random_state=0, max_iter=1000)).fit(X_train, y_train)
        scores.append(model.score(X_test, y_test))
    return statistics.mean(scores)


def accuracy(arguments: argparse.Namespace) -> None:
    """What scikit-learn loses where features have large means, are constant, or outnumber the rows."""
    warnings.simplefilter("ignore", UserWarning)  # of directions that are dropped
    peers = {"PCA auto": PCA(whiten=True), "PCA full": PCA(whiten=True, svd_solver="full"), "here": PCAWhitener()}
    for dtype, mean in ((np.float32, 100), (np.float64, 1e4)):
        for rotated in (False, True):
            X = rows_of_few_scales(dtype, mean, rotated)
            found = ", ".join(f"{name} {from_identity(peer.fit_transform(X)):.1e}" for name, peer in peers.items())
            print(
                f"covariance from identity, {X.dtype}, mean {mean:g}, {'rotated' if rotated else 'as drawn'}: {found}"
            )
    rng = np.random.default_rng(0)
    X = rng.standard_normal((500, 5))
    X[:, 2] = 1
    moved = X + 1e-3 * (np.arange(5) == 2)
    few, unseen = rng.standard_normal((20, 50)), rng.standard_normal((100, 50))
    for name, peer in peers.items():
        print(f"largest output, {name}: constant column that moves by 1e-3 {largest(peer, X, moved):.1e}", end="; ")
        print(f"20 rows of 50 features, unseen rows {largest(peer, few, unseen):.1e}")
    column = (1e4 + 0.1 * rng.standard_normal((10_000, 1))).astype(np.float32)
    for scaler in (StandardScaler(), StdScaler()):
        mean = abs(scaler.fit_transform(column).mean(dtype=float))
        print(f"float32 column, mean 1e4, standard deviation 0.1: mean {mean:.1e} behind {type(scaler).__name__}")
    for name, peer in (peers | {"StdScaler": StdScaler()}).items():
        print(f"digits, then MLPClassifier, mean accuracy of five splits: {name} {digits_accuracy(peer):.3f}")


def interleaved(ours: Callable, theirs: Callable, repeats: int) -> tuple[list[float], list[float]]:
    """Seconds of both, called in turn; the first call of each is not counted."""
    seconds: tuple[list[float], list[float]] = ([], [])
    for repeat in range(repeats + 1):
        for side, call in zip(seconds, (ours, theirs), strict=True):
            start = time.perf_counter()
            call()
            if repeat:
                side.append(time.perf_counter() - start)
    return seconds


def row(label: str, ours: Callable, theirs: Callable, repeats: int) -> None:
    a, b = interleaved(ours, theirs, repeats)
    least, median = (min(a), min(b)), (statistics.median(a), statistics.median(b))
    print(
        f"{label:58s} least: ours {least[0]:8.4f} s, theirs {least[1]:8.4f} s, ours/theirs {least[0] / least[1]:5.2f}; "
        f"median: {median[0]:8.4f} s, {median[1]:8.4f} s, {median[0] / median[1]:5.2f}",
        flush=True,
    )


def speed_rows(X: np.ndarray, label: str, repeats: int) -> None:
    label = f"{label} {X.shape[0]} x {X.shape[1]} {X.dtype}"
    ours, theirs = StdScaler().fit(X), StandardScaler().fit(X)
    row(f"StdScaler.fit {label}", lambda: StdScaler().fit(X), lambda: StandardScaler().fit(X), repeats)
    row(f"StdScaler.transform {label}", lambda: ours.transform(X), lambda: theirs.transform(X), repeats)
    row(
        f"StdScaler.inverse_transform {label}",
        lambda: ours.inverse_transform(X),
        lambda: theirs.inverse_transform(X),
        repeats,
    )
    centerer, peer = MeanCenterer().fit(X), StandardScaler(with_std=False)
    row(f"MeanCenterer.fit {label}", lambda: centerer.fit(X), lambda: peer.fit(X), repeats)
    whitener, pca = PCAWhitener(), PCA(whiten=True, svd_solver="covariance_eigh")
    row(f"PCAWhitener.fit {label}", lambda: whitener.fit(X), lambda: pca.fit(X), repeats)
    row(f"PCAWhitener.transform {label}", lambda: whitener.transform(X), lambda: pca.transform(X), repeats)


def speed(arguments: argparse.Namespace) -> None:
    for shape in SHAPES:
        for dtype in DTYPES:
            X = np.random.default_rng(0).standard_normal(shape, dtype=dtype) + dtype(1)
            speed_rows(X, "normal", arguments.repeats)
    if arguments.data:
        raw = np.load(arguments.data)
        raw = raw[arguments.key].reshape(len(raw[arguments.key]), -1)
        for dtype in DTYPES:
            speed_rows(raw.astype(dtype), Path(arguments.data).stem, arguments.repeats)


def components(arguments: argparse.Namespace) -> None:
    """Ten components of large matrices, and all of 784 single-precision features, beside PCA's own choice of solver."""
    rng = np.random.default_rng(0)
    cases = [((3000, 3000), 10, "auto"), ((200, 20_000), 10, "auto"), ((60_000, 784), None, "covariance_eigh")]
    for shape, n_components, svd_solver in cases:
        for dtype in DTYPES if n_components else DTYPES[:1]:
            X = rng.standard_normal(shape, dtype=dtype) + dtype(1)
            ours = PCAWhitener(n_components, random_state=0)
            theirs = PCA(n_components, whiten=True, svd_solver=svd_solver, random_state=0)
            label = f"{n_components or 'all'} of {shape[0]} x {shape[1]} {X.dtype}"
            for n_threads in (1, 2):
                with threadpool_limits(n_threads):
                    name = f"{label}, threads: {n_threads}"
                    row(name, partial(ours.fit, X), partial(theirs.fit, X), arguments.repeats)
            sizes = [len(pickle.dumps(each)) / 2**20 for each in (ours, theirs)]
            found = [each.explained_variance_.sum() for each in (ours, theirs)]
            errors = [from_identity(each.transform(X)) for each in (ours, theirs)]
            print(
                f"{label}: {ours.svd_solver_}; pickle {sizes[0]:.2f} MiB, {sizes[1]:.2f} MiB; "
                f"variance of the components, over PCA's, {found[0] / found[1]:.6f}; "
                f"covariance from identity {errors[0]:.1e}, {errors[1]:.1e}"
            )


def precision(arguments: argparse.Namespace) -> None:
    """Whitened float32 rows of 256 features, whose product is in single precision where they allow it."""
    warnings.simplefilter("ignore", UserWarning)
    rng = np.random.default_rng(0)
    rotation = np.linalg.qr(rng.standard_normal((256, 256)))[0]
    for smallest in (1, 0.3, 0.1, 0.001):
        for mean in (0, 100, 1e4):
            X = rng.standard_normal((20_000, 256)) * np.geomspace(1, smallest, 256) @ rotation
            X = (X + mean * X.std()).astype(np.float32)
            found = [from_identity(each.fit(X).transform(X)) for each in (PCAWhitener(), PCA(whiten=True))]
            print(f"standard deviations 1 to {smallest:g}, mean {mean:g}: here {found[0]:.1e}, PCA {found[1]:.1e}")


def solvers(arguments: argparse.Namespace) -> None:
    """The whitener's exact solvers beside PCA's, on rows without and with a dependent feature."""
    X = np.random.default_rng(0).standard_normal((60_000, 784))
    full = partial(PCA, whiten=True, svd_solver="full")
    row(
        "full, 60000 x 784",
        lambda: PCAWhitener(svd_solver="full").fit(X),
        lambda: full().fit(X),
        min(3, arguments.repeats),
    )
    wide = X[:300].reshape(300, -1).repeat(6, axis=1) + X[:300, :1]
    wide += 0.1 * np.random.default_rng(1).standard_normal(wide.shape)
    wide_whitener = PCAWhitener(n_components=250)
    row("auto, 300 x 4704", lambda: wide_whitener.fit(wide), lambda: full(250).fit(wide), arguments.repeats)
    leading = PCAWhitener(n_components=20, svd_solver="randomized", random_state=0)
    peer = PCA(n_components=20, whiten=True, svd_solver="randomized", random_state=0)
    row("randomized, 20 of 784", lambda: leading.fit(X), lambda: peer.fit(X), min(3, arguments.repeats))


def memory(arguments: argparse.Namespace) -> None:
    """Extra resident memory at its highest while a 4 GB file is fitted, in a process of its own (Linux)."""
    with tempfile.TemporaryDirectory(dir=arguments.scratch) as folder:
        path = Path(folder) / "rows.npy"
        shape = (arguments.megabytes * 2**20 // (4 * 256), 256)
        rows = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=shape)
        block = np.random.default_rng(0).standard_normal((2**16, 256), dtype=np.float32)
        for start in range(0, len(rows), len(block)):
            rows[start : start + len(block)] = block[: len(rows) - start]
        rows.flush()
        del rows
        for name in ("MeanCenterer", "StdScaler", "PCAWhitener"):
            command = [sys.executable, "-c", MEMORY_PROBE, name, str(path)]
            result = subprocess.run(command, capture_output=True, text=True, check=True)
            size, extra = map(float, result.stdout.split())
            print(f"{name}.fit on a mapped file of {size:.0f} MiB: {extra:.1f} MiB extra resident", flush=True)


PARTS = {
    "accuracy": accuracy,
    "precision": precision,
    "speed": speed,
    "components": components,
    "solvers": solvers,
    "memory": memory,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", default=list(PARTS))
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--data", help="a .npz file")
    parser.add_argument("--key", default="X", help="the array in the file")
    parser.add_argument("--megabytes", type=int, default=4096)
    parser.add_argument("--scratch", help="folder for the mapped file")
    arguments = parser.parse_args()
    for part in arguments.parts:
        PARTS[part](arguments)


if __name__ == "__main__":
    main()
