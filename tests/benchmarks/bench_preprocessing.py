"""Time and memory of the preprocessors beside scikit-learn's, measured side by side in one process.

Run ``python tests/benchmarks/bench_preprocessing.py [speed] [memory] [solvers] [--repeats N] [--data FILE.npz]``.
Both sides of a row alternate within one run; medians and their ratio are printed. ``--data`` adds rows
on the array ``X`` of a file.
"""

from __future__ import annotations

import argparse
import functools
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

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


def interleaved(ours: Callable, theirs: Callable, repeats: int) -> tuple[float, float]:
    """Median seconds of both, called in turn; the first call of each is not counted."""
    seconds: tuple[list[float], list[float]] = ([], [])
    for repeat in range(repeats + 1):
        for side, call in zip(seconds, (ours, theirs), strict=True):
            start = time.perf_counter()
            call()
            if repeat:
                side.append(time.perf_counter() - start)
    return statistics.median(seconds[0]), statistics.median(seconds[1])


def row(label: str, ours: Callable, theirs: Callable, repeats: int) -> None:
    a, b = interleaved(ours, theirs, repeats)
    print(f"{label:58s} ours {a:8.4f} s   theirs {b:8.4f} s   theirs/ours {b / a:5.2f}", flush=True)


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


def solvers(arguments: argparse.Namespace) -> None:
    """The whitener's exact solvers beside PCA's, on rows without and with a dependent feature."""
    X = np.random.default_rng(0).standard_normal((60_000, 784))
    full = functools.partial(PCA, whiten=True, svd_solver="full")
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", default=["speed", "solvers", "memory"])
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--data", help="a .npz file")
    parser.add_argument("--key", default="X", help="the array in the file")
    parser.add_argument("--megabytes", type=int, default=4096)
    parser.add_argument("--scratch", help="folder for the mapped file")
    arguments = parser.parse_args()
    for part in arguments.parts:
        {"speed": speed, "solvers": solvers, "memory": memory}[part](arguments)


if __name__ == "__main__":
    main()
