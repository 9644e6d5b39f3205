"""Accuracy and fitting time on tabular data beside scikit-learn's MLPClassifier, measured side by side in one process.

Run ``python tests/benchmarks/bench_tabular.py [FOLDER] [--splits N] [--rows N] [--seed N] [--only NAME ...]``. The
folder, else the environment variable SKNEURAL_DATA, holds files ``NAME.npz`` with the arrays ``X`` and ``y``.

For each data set of n rows and each of 3 splits, min(n, 10,000) rows are drawn at random, stratified by class, three
quarters of them to train on and one quarter to test on (``StratifiedShuffleSplit`` with ``random_state=0``, or --seed;
``X`` in float32). On each split all models are fitted in turn, from the seed that is the split's number:

- theirs: ``make_pipeline(StandardScaler(), MLPClassifier())``
- ours: ``make_pipeline(StdScaler(), ActivationMLPClassifier())``
- recipe: ``tabular_classifier()``

Accuracies are means over the splits; seconds are processor seconds of ``fit``, scaling included, summed over the
splits. Processor time is that of one core only if BLAS has one thread: set OPENBLAS_NUM_THREADS=1.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import StratifiedShuffleSplit
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skneural import ActivationMLPClassifier, StdScaler
from skneural.estimators.tabular import tabular_classifier

MODELS: dict[str, Callable] = {
    "theirs": lambda seed: make_pipeline(StandardScaler(), MLPClassifier(random_state=seed)),
    "ours": lambda seed: make_pipeline(StdScaler(), ActivationMLPClassifier(random_state=seed)),
    "recipe": lambda seed: tabular_classifier(random_state=seed),
}


def splits(path: Path, n_splits: int, n_rows: int, seed: int) -> Iterator[tuple[np.ndarray, ...]]:
    """Yield X and y to train on, X and y to test on."""
    with np.load(path) as data:
        X, y = data["X"].astype(np.float32), data["y"]
    n_rows = min(n_rows, len(y))
    n_train = round(0.75 * n_rows)
    draw = StratifiedShuffleSplit(n_splits, train_size=n_train, test_size=n_rows - n_train, random_state=seed)
    for train, test in draw.split(X, y):
        yield X[train], y[train], X[test], y[test]


def measure(path: Path, names: list[str], arguments: argparse.Namespace) -> np.ndarray:
    """Accuracy (mean) and seconds (sum) of each model, in an array of shape (n_models, 2)."""
    found = np.zeros((arguments.splits, len(names), 2))
    drawn = splits(path, arguments.splits, arguments.rows, arguments.seed)
    for seed, (X_train, y_train, X_test, y_test) in enumerate(drawn):
        for i, name in enumerate(names):
            model = MODELS[name](seed)
            start = time.process_time()
            model.fit(X_train, y_train)
            found[seed, i, 1] = time.process_time() - start
            found[seed, i, 0] = model.score(X_test, y_test)
    return np.stack([found[:, :, 0].mean(axis=0), found[:, :, 1].sum(axis=0)], axis=1)


def line(label: str, figures: np.ndarray) -> str:
    accuracies = "".join(f"{accuracy:10.4f}" for accuracy in figures[:, 0])
    seconds = "".join(f"{second:10.1f}" for second in figures[:, 1])
    return f"{label:16s}{accuracies}   {seconds}"


def summary(names: list[str], mean: np.ndarray, total: np.ndarray) -> Iterator[str]:
    """Yield a sentence on each model but the first, beside the first."""
    for i, name in enumerate(names[1:], start=1):
        gain, ratio = mean[i] - mean[0], total[i] / total[0]
        yield f"{name} - {names[0]}: accuracy {gain:+.4f}, at {ratio:.2f} times the seconds"


def data_sets(folder: str | None, only: list[str] | None) -> list[Path]:
    """The files to measure on; ends the program with a message if there are none."""
    if folder is None:
        sys.exit("No data: name a folder of .npz files as argument, or in the environment variable SKNEURAL_DATA.")
    paths = [path for path in sorted(Path(folder).glob("*.npz")) if not only or path.stem in only]
    if not paths:
        sys.exit(f"No data: expected .npz files in {folder}{' named ' + ', '.join(only) if only else ''}, found none.")
    return paths


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", default=os.environ.get("SKNEURAL_DATA"))
    parser.add_argument("--splits", type=int, default=3)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0, help="draws the splits")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="names of data sets")
    parser.add_argument("--models", nargs="+", choices=list(MODELS), default=list(MODELS))
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)  # 200 epochs are part of the defaults
    paths, names = data_sets(arguments.folder, arguments.only), arguments.models
    header = "".join(f"{name:>10s}" for name in names)
    print(f"{'':16s}{'accuracy':>10s}{'':{10 * len(names) - 10}s}   {'seconds':>10s}")
    print(f"{'data set':16s}{header}   {header}", flush=True)
    figures = []
    for path in paths:
        figures.append(measure(path, names, arguments))
        print(line(path.stem, figures[-1]), flush=True)
    mean, total = np.mean(figures, axis=0)[:, 0], np.sum(figures, axis=0)[:, 1]
    print(line("mean / total", np.stack([mean, total], axis=1)))
    print("\n".join(summary(names, mean, total)))


if __name__ == "__main__":
    main()
