"""What people pass for a target or for weights: recipes, each (rng, n_rows) -> the thing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from hypothesis import strategies as st
from scipy import sparse

Array = np.ndarray


def _read_only(y: Array) -> Array:
    y.flags.writeable = False
    return y


def _labels(choices: list[Any], dtype: Any, rng: np.random.Generator, n: int) -> Array:
    pool = np.empty(len(choices), dtype=dtype)
    pool[:] = choices
    return pool[np.arange(n) % len(choices)]


def _indicator(rng: np.random.Generator, n: int) -> Array:
    return (rng.random((n, 3)) < 0.4).astype(int)


Vector = Callable[[np.random.Generator, int], Any]

CLASSES: dict[str, Vector] = {
    "three classes": partial(_labels, [0, 1, 2], np.int64),
    "two classes": partial(_labels, [-1, 1], np.int32),
    "names": partial(_labels, ["cat", "dog", "ä"], "U3"),
    "name objects": partial(_labels, ["cat", "dog", ""], object),
    "truths": partial(_labels, [True, False], bool),
    "floats that are classes": partial(_labels, [0.0, 1.0, 2.0], float),
    "column of classes": lambda rng, n: (np.arange(n) % 2)[:, None],
    "indicator": _indicator,
}
NUMBERS: dict[str, Vector] = {
    "three classes": partial(_labels, [0, 1, 2], np.int64),
    "regression": lambda rng, n: rng.standard_normal(n),
    "positive": lambda rng, n: rng.random(n) + 0.1,
    "single precision": lambda rng, n: rng.standard_normal(n).astype(np.float32),
    "two outputs": lambda rng, n: rng.standard_normal((n, 2)),
    "column": lambda rng, n: rng.standard_normal((n, 1)),
    "constant": lambda rng, n: np.full(n, 2.5),
}
STRANGE_TARGETS: dict[str, Vector] = {
    "indicator of nothing": lambda rng, n: np.zeros((n, 2), int),
    "sparse indicator": lambda rng, n: sparse.csr_array(_indicator(rng, n)),
    "one class": partial(_labels, [7], np.int64),
    "mixed labels": partial(_labels, [1, "a"], object),
    "labels with None": partial(_labels, ["a", None], object),
    "labels with NaN": partial(_labels, [1.0, np.nan], float),
    "infinite": partial(_labels, [1.0, np.inf], float),
    "enormous": partial(_labels, [1e308, -1e308, 0.0], float),
    "1e200": lambda rng, n: rng.standard_normal(n) * 1e200,
    "1e30": lambda rng, n: rng.standard_normal(n) * 1e30,
    "subnormal": lambda rng, n: rng.standard_normal(n) * 1e-310,
    "far off": lambda rng, n: rng.standard_normal(n) + 1e8,
    "negative": lambda rng, n: -rng.random(n),
    "unsigned": partial(_labels, [2**64 - 1, 0], np.uint64),
    "huge integers": partial(_labels, [2**62, -(2**62)], np.int64),
    "very huge integers": partial(_labels, [10**30, 1], object),
    "complex": partial(_labels, [1j, 1.0], complex),
    "bytes": partial(_labels, [b"a", b"b"], "S1"),
    "dates": lambda rng, n: np.arange(n).astype("datetime64[D]"),
    "numbers as text": partial(_labels, ["1", "2.5"], "U3"),
    "series": lambda rng, n: pd.Series(np.arange(n) % 2, index=range(5, n + 5)),
    "categories": lambda rng, n: pd.Series(np.arange(n) % 2).map({0: "a", 1: "b"}).astype("category"),
    "missing values": lambda rng, n: pd.Series([1, None] * n, dtype="Int64")[:n],
    "polars series": lambda rng, n: pl.Series(np.arange(n) % 2),
    "list": lambda rng, n: (np.arange(n) % 2).tolist(),
    "list of lists": lambda rng, n: _indicator(rng, n).tolist(),
    "sets of labels": lambda rng, n: [{1, 2}, {3}] * n,
    "read-only": lambda rng, n: _read_only(np.arange(n) % 3),
    "every second": lambda rng, n: (np.arange(2 * n) // 2 % 3)[::2],
    "big-endian": lambda rng, n: (np.arange(n) % 2).astype(">i4"),
    "too long": lambda rng, n: np.arange(n + 1) % 2,
    "too short": lambda rng, n: np.arange(n - 1) % 2,
    "cube": lambda rng, n: np.zeros((n, 2, 2)),
    "number": lambda rng, n: 1,
    "None": lambda rng, n: None,
    "text": lambda rng, n: "ab",
    "dict": lambda rng, n: dict.fromkeys(range(n), 1),
}
WEIGHTS: dict[str, Vector] = {
    "None": lambda rng, n: None,
    "ones": lambda rng, n: np.ones(n),
    "counts": lambda rng, n: rng.integers(0, 3, n),
    "some": lambda rng, n: rng.random(n),
    "single precision": lambda rng, n: rng.random(n).astype(np.float32),
    "first only": lambda rng, n: np.eye(1, n).ravel(),
    "list": lambda rng, n: [1.0] * n,
    "read-only": lambda rng, n: _read_only(np.ones(n)),
    "every second": lambda rng, n: rng.random(2 * n)[::2],
    "huge": lambda rng, n: rng.random(n) * 1e308,
    "tiny": lambda rng, n: rng.random(n) * 1e-300,
    "subnormal": lambda rng, n: np.full(n, 5e-324),
    "of all magnitudes": lambda rng, n: 10.0 ** rng.integers(-300, 300, n),
    "zeros": lambda rng, n: np.zeros(n),
    "negative": lambda rng, n: rng.standard_normal(n),
    "with NaN": partial(_labels, [1.0, np.nan], float),
    "infinite": partial(_labels, [1.0, np.inf], float),
    "too long": lambda rng, n: np.ones(n + 1),
    "matrix": lambda rng, n: np.ones((n, 2)),
    "column": lambda rng, n: np.ones((n, 1)),
    "number": lambda rng, n: 2.0,
    "not a number": lambda rng, n: float("nan"),
    "text": lambda rng, n: "balanced",
    "texts": lambda rng, n: ["a"] * n,
    "texts of numbers": lambda rng, n: ["1"] * n,
    "complex": lambda rng, n: np.ones(n) * 1j,
    "dict": lambda rng, n: {0: 1.0},
    "series": lambda rng, n: pd.Series(np.ones(n), index=range(3, n + 3)),
}


POOLS = {"target": CLASSES | NUMBERS | STRANGE_TARGETS, "weight": WEIGHTS}


@dataclass(frozen=True)
class Column:
    """A recipe for a target or for weights."""

    pool: str
    name: str
    seed: int = 0

    def build(self, n_rows: int) -> Any:
        """Return what is passed for that many rows."""
        return POOLS[self.pool][self.name](np.random.default_rng(self.seed), n_rows)


def _columns(pool: str, names: Any) -> Any:
    return st.builds(Column, st.just(pool), st.sampled_from([*names]), st.integers(0, 2**16))


classes, numbers = _columns("target", CLASSES), _columns("target", NUMBERS)
strange_targets = _columns("target", POOLS["target"])
tame_weights, strange_weights = _columns("weight", ["None", "ones", "some", "counts"]), _columns("weight", WEIGHTS)
