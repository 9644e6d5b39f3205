"""R² and fitting time of regressors at their defaults, side by side in one process.

Run ``python tests/benchmarks/bench_regression.py [FOLDER] [--splits N] [--rows N] [--seed N] [--only NAME ...]
[--models NAME ...] [--quantiles]``. The folder, else the environment variable SKNEURAL_DATA, holds files ``NAME.npz``
with the arrays ``X`` and ``y``, as they come: nothing scaled.

Of each data set min(n, 10,000) rows are drawn at random (seed 0). ``ShuffleSplit`` with 3 splits, a quarter of the rows
to test on and ``random_state=1``, or --seed, divides them. On each split all models are fitted in turn, on one thread,
from the seed that is the split's number; networks stand behind a scaler of the inputs:

- theirs: ``MLPRegressor()``; theirs, scaled: the same inside ``TransformedTargetRegressor`` with ``StandardScaler``
- ours: ``ActivationMLPRegressor()``; ours, scaled: with ``normalize_y=False`` inside ``TransformedTargetRegressor``
- trees: ``HistGradientBoostingRegressor()``; lightgbm, catboost: their regressors, where they are installed

R² are means over the splits, seconds are processor seconds of one fit. With --quantiles the 0.05, 0.5 and 0.95
quantiles are predicted instead, by one network and by three ``HistGradientBoostingRegressor(loss="quantile")``: mean
pinball loss, share of the test rows within the 90 % band, and seconds.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import mean_pinball_loss
from sklearn.model_selection import ShuffleSplit
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from skneural import ActivationMLPRegressor, StdScaler
from skneural.inspection import DeadUnitsWarning
from skneural.losses import Quantile

QUANTILES = [0.05, 0.5, 0.95]


def scaled(regressor):
    return TransformedTargetRegressor(regressor, transformer=StandardScaler())


def lightgbm(seed):
    from lightgbm import LGBMRegressor

    return LGBMRegressor(random_state=seed, n_jobs=1, verbose=-1)


def catboost(seed):
    from catboost import CatBoostRegressor

    return CatBoostRegressor(random_seed=seed, thread_count=1, verbose=False, allow_writing_files=False)


MODELS: dict[str, Callable] = {
    "theirs": lambda seed: make_pipeline(StandardScaler(), MLPRegressor(random_state=seed)),
    "theirs, scaled": lambda seed: make_pipeline(StandardScaler(), scaled(MLPRegressor(random_state=seed))),
    "ours": lambda seed: make_pipeline(StdScaler(), ActivationMLPRegressor(random_state=seed)),
    "ours, scaled": lambda seed: make_pipeline(
        StdScaler(), scaled(ActivationMLPRegressor(random_state=seed, normalize_y=False))
    ),
    "trees": lambda seed: HistGradientBoostingRegressor(random_state=seed),
    "lightgbm": lightgbm,
    "catboost": catboost,
}


class TreesOfQuantiles:
    """One HistGradientBoostingRegressor for each quantile."""

    def __init__(self, seed):
        self.models = [HistGradientBoostingRegressor(loss="quantile", quantile=q, random_state=seed) for q in QUANTILES]

    def fit(self, X, y):
        for model in self.models:
            model.fit(X, y)
        return self

    def predict(self, X):
        return np.stack([model.predict(X) for model in self.models], axis=1)


# The same settings for all data sets: a wide network with dropout, which keeps the outer quantiles honest.
QUANTILE_SETTINGS = {
    "hidden_layer_sizes": (256, 256),
    "solver": "adamw",
    "alpha": 1e-2,
    "dropout": 0.1,
    "learning_rate": "cosine",
    "learning_rate_init": 3e-3,
    "max_iter": 100,
}
QUANTILE_MODELS: dict[str, Callable] = {
    "ours": lambda seed: make_pipeline(
        StdScaler(), ActivationMLPRegressor(Quantile(QUANTILES), **QUANTILE_SETTINGS, random_state=seed)
    ),
    "trees": TreesOfQuantiles,
}


def splits(path: Path, arguments: argparse.Namespace) -> Iterator[tuple[np.ndarray, ...]]:
    """Yield X and y to train on, X and y to test on."""
    with np.load(path) as data:
        X, y = data["X"].astype(np.float32), data["y"].astype(np.float64)
    if len(y) > arguments.rows:
        drawn = np.random.RandomState(0).choice(len(y), arguments.rows, replace=False)
        X, y = X[drawn], y[drawn]
    for train, test in ShuffleSplit(arguments.splits, test_size=0.25, random_state=arguments.seed).split(X):
        yield X[train], y[train], X[test], y[test]


def figures(model, X: np.ndarray, y: np.ndarray, quantiles: bool) -> list[float]:
    """R² of a fitted model; or mean pinball loss and coverage of the outer quantiles."""
    if not quantiles:
        return [model.score(X, y)]
    predicted = model.predict(X)
    loss = np.mean([mean_pinball_loss(y, predicted[:, i], alpha=q) for i, q in enumerate(QUANTILES)])
    return [float(loss), float(np.mean((predicted[:, 0] <= y) & (y <= predicted[:, -1])))]


def measure(path: Path, models: dict[str, Callable], arguments: argparse.Namespace) -> np.ndarray:
    """Mean figures and seconds of each model, in an array of shape (n_models, n_figures + 1)."""
    found = []
    for seed, (X_train, y_train, X_test, y_test) in enumerate(splits(path, arguments)):
        rows = []
        for build in models.values():
            model, started = build(seed), time.process_time()
            with warnings.catch_warnings():
                for category in (ConvergenceWarning, DeadUnitsWarning):
                    warnings.simplefilter("ignore", category)
                model.fit(X_train, y_train)
            seconds = time.process_time() - started
            rows.append([*figures(model, X_test, y_test, arguments.quantiles), seconds])
        found.append(rows)
    return np.mean(found, axis=0)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", nargs="?", default=os.environ.get("SKNEURAL_DATA"))
    parser.add_argument("--splits", type=int, default=3)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="+")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--quantiles", action="store_true")
    return parser.parse_args()


def main() -> None:
    arguments = parsed()
    if not arguments.folder:
        sys.exit("Name the folder with the data sets (NAME.npz), or set SKNEURAL_DATA to it.")
    paths = [p for p in sorted(Path(arguments.folder).glob("*.npz")) if not arguments.only or p.stem in arguments.only]
    if not paths:
        sys.exit(f"There are no data sets NAME.npz in {arguments.folder}.")
    models = QUANTILE_MODELS if arguments.quantiles else {name: MODELS[name] for name in arguments.models}
    models = {name: build for name, build in models.items() if name not in ("lightgbm", "catboost") or find_spec(name)}
    kinds = ["pinball", "coverage"] if arguments.quantiles else ["R²"]
    print(f"{'':16}" + "".join(f"{name:>{10 * (len(kinds) + 1)}}" for name in models))
    print(f"{'':16}" + "".join(f"{kind:>10}" for _ in models for kind in [*kinds, "seconds"]))
    found = []
    with threadpool_limits(1):
        for path in paths:
            found.append(measure(path, models, arguments))
            print(f"{path.stem:16}" + "".join(f"{value:10.4g}" for value in found[-1].ravel()), flush=True)
    print(f"{'mean':16}" + "".join(f"{value:10.4g}" for value in np.mean(found, axis=0).ravel()))


if __name__ == "__main__":
    main()
