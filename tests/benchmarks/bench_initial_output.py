"""What it is worth that a classifier's output biases start at the log-odds of the classes, beside a start without them.

Run ``python tests/benchmarks/bench_initial_output.py [FOLDER] [--only NAME ...]``. The folder, else the environment
variable SKNEURAL_DATA, holds files ``NAME.npz`` with the arrays ``X`` and ``y``.

For each of 3 splits into training and test rows, stratified by class (at most 20,000 and 10,000 rows), and each of 3
seeds, both networks have the same random numbers. They train for a fixed number of epochs behind StdScaler, with
default parameters otherwise. "phoneme 2 %" is phoneme with one row of the rarer class to 50 of the other.

Printed are means of the test accuracy and the test log loss after the last epoch, with the mean difference and its
standard error, the log loss after the first epoch, and the number of epochs in which each reaches the training loss
that the network without them has after a quarter of the epochs.
"""

from __future__ import annotations

import argparse
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from skneural import ActivationMLPClassifier, StdScaler

EPOCHS = {
    "phoneme 2 %": 60,
    "ijcnn1": 15,
    "credit_g": 60,
    "adult": 15,
    "phoneme": 60,
    "steel_plates": 60,
    "satimage": 40,
    "letter": 30,
}
SOLVERS = {"adam": {}, "sgd": {"solver": "sgd", "learning_rate_init": 0.01}}
N_SPLITS = N_SEEDS = 3


def read(folder: Path, name: str) -> tuple[np.ndarray, np.ndarray]:
    with np.load(folder / f"{name.split()[0]}.npz") as data:
        X, y = data["X"].astype(np.float32), data["y"]
    if name.endswith("2 %"):
        usual = np.flatnonzero(y == 0)
        rare = np.random.RandomState(0).permutation(np.flatnonzero(y == 1))[: len(usual) // 50]
        X, y = X[np.r_[usual, rare]], y[np.r_[usual, rare]]
    return X, y


@contextmanager
def without_log_odds() -> Iterator[None]:
    with patch.object(ActivationMLPClassifier, "_initialize_output_layer", lambda self, network, data: None):
        yield


def curves(X: np.ndarray, y: np.ndarray, n_epochs: int, params: dict) -> Iterator[list[dict[str, list[float]]]]:
    """Yield the histories of the network without and the network with log-odds, for each split and seed."""
    for split in range(N_SPLITS):
        X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.25, random_state=split, stratify=y)
        scaler = StdScaler().fit(X_train[:20000])
        given = {"X_val": scaler.transform(X_test[:10000]), "y_val": y_test[:10000]}
        for seed in range(N_SEEDS):
            model = ActivationMLPClassifier(max_iter=n_epochs, n_iter_no_change=np.inf, random_state=seed, **params)
            rows = scaler.transform(X_train[:20000]), y_train[:20000]
            with without_log_odds():
                before = model.fit(*rows, **given).history_
            yield [before, model.fit(*rows, **given).history_]


def line(name: str, solver: str, histories: list[list[dict[str, list[float]]]]) -> str:
    def values(key: str, epoch: int) -> np.ndarray:
        """The value after an epoch, of shape (n_runs, 2)."""
        return np.array([[history[key][epoch] for history in pair] for pair in histories])

    quarter = len(histories[0][0]["loss"]) // 4 - 1
    target = values("loss", quarter)[:, 0]
    reached = [
        [next((i for i, loss in enumerate(history["loss"], 1) if loss <= goal), np.nan) for history in pair]
        for pair, goal in zip(histories, target, strict=True)
    ]
    cells = [f"{name:13s}{solver:6s}"]
    for key in ("validation_score", "validation_loss"):
        both = values(key, -1)
        gain = both[:, 1] - both[:, 0]
        error = gain.std(ddof=1) / np.sqrt(len(gain))
        cells.append("{:.4f} {:.4f} ({:+.4f} ± {:.4f})".format(*both.mean(axis=0), gain.mean(), error))
    cells.append("first {:.3f} {:.3f}".format(*values("validation_loss", 0).mean(axis=0)))
    cells.append("epochs {:.1f} {:.1f}".format(*np.nanmean(reached, axis=0)))
    return "  ".join(cells)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", default=os.environ.get("SKNEURAL_DATA"), type=Path)
    parser.add_argument("--only", nargs="+", default=list(EPOCHS))
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore", category=ConvergenceWarning)
    print("data         solver  accuracy without, with (gain)  log loss without, with (gain)")
    for name in arguments.only:
        X, y = read(Path(arguments.folder), name)
        for solver, params in SOLVERS.items():
            print(line(name, solver, list(curves(X, y, EPOCHS[name], params))), flush=True)


if __name__ == "__main__":
    main()
