"""A use of an estimator, drawn: which one, its parameters, what it is fitted on and what it is then asked."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, get_type_hints

import numpy as np
from columns import Column, classes, numbers, strange_targets, strange_weights, tame_weights
from hypothesis import strategies as st
from parameters import choices, value
from sklearn.base import BaseEstimator, is_classifier
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags
from sklearn.utils.multiclass import unique_labels
from tables import Literal, Table, dense_tables, frame_tables, sparse_tables, strange_tables

import skneural


def _makes_estimators(entry: Any) -> bool:
    """Whether it is a class of estimators, or a function that returns a pipeline."""
    if inspect.isclass(entry):
        return issubclass(entry, BaseEstimator)
    return inspect.isfunction(entry) and get_type_hints(entry).get("return") is Pipeline


# Found, not listed, so that a new estimator is fuzzed too.
ESTIMATORS: dict[str, Callable[..., Any]] = {
    name: entry for name in skneural.__all__ if _makes_estimators(entry := getattr(skneural, name))
}
LABELS: dict[str, Callable[[], Any]] = {
    "three": lambda: [0, 1, 2],
    "none": lambda: None,
    "names": lambda: np.array(["cat", "dog", "ä"]),
    "name objects": lambda: np.array(["cat", "dog", ""], dtype=object),
    "numbers": lambda: (-1.0, 1.0),
    "truths": lambda: [True, False],
    "one": lambda: [7],
    "empty": list,
    "repeated": lambda: [1, 0, 1, 2],
    "mixed": lambda: [1, "a", None],
    "NaN": lambda: [0.0, np.nan],
    "matrix": lambda: np.eye(3),
    "text": lambda: "abc",
    "number": lambda: 3,
    "set": lambda: {0, 1},
    "ragged": lambda: [[1], [2, 3]],
}


def steps(estimator: Any) -> list[tuple[str, Any]]:
    """Return the steps of a pipeline by name; of any other estimator itself, as a step without a name."""
    return estimator.steps if isinstance(estimator, Pipeline) else [("", estimator)]


def takes_categories(estimator: Any) -> bool:
    """Return whether columns may be categories."""
    return get_tags(steps(estimator)[0][1]).input_tags.categorical


@cache
def _parameters(estimator: str) -> list[str]:
    """Names of the parameters, those of all steps if it is a pipeline."""
    return sorted({name for _, step in steps(ESTIMATORS[estimator]()) for name in step.get_params(deep=False)})


@dataclass(frozen=True)
class Case:
    """One use of an estimator; everything in it is built anew each time."""

    estimator: str
    settings: tuple[tuple[str, str | int], ...]
    X: Table | Literal
    y: Column
    weight: Column
    query: Table | Literal
    entry: str
    twice: bool
    labels: str = "those of y"
    validates: bool = False

    @property
    def n_rows(self) -> int:
        """How many rows target and weights are made for."""
        return getattr(self.X, "n_rows", 4)

    def parameters(self) -> dict[str, Any]:
        """The constructor's arguments."""
        known = _parameters(self.estimator)
        quick = {name: setting for name, setting in {"max_iter": 2, "random_state": 0}.items() if name in known}
        return quick | {name: value(name, choice) for name, choice in self.settings}

    def arguments(self, estimator: Any, entry: str, X: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return what is passed to `fit` or `partial_fit`."""
        name, last = steps(estimator)[-1]
        known = inspect.signature(getattr(last, entry)).parameters
        y, named = self.y.build(self.n_rows), dict[str, Any]()
        weight = self.weight.build(self.n_rows)
        if "sample_weight" in known and weight is not None:
            named["sample_weight"] = weight
        if "classes" in known:
            named["classes"] = LABELS[self.labels]() if self.labels in LABELS else unique_labels(y)
        if "X_val" in known and self.validates and last is estimator:  # a pipeline would not encode X_val
            named |= {"X_val": self.query.build(), "y_val": self.y.build(getattr(self.query, "n_rows", 4))}
        return (X, y), {f"{name}__{argument}" if name else argument: value for argument, value in named.items()}


@cache
def _settings(estimator: str) -> Any:
    """Up to three parameters with their choices."""
    names = st.sampled_from(_parameters(estimator))
    setting = names.flatmap(lambda name: st.tuples(st.just(name), choices(name)))
    return st.lists(setting, max_size=3, unique_by=lambda pair: pair[0]).map(tuple)


@cache
def _entries(estimator: str) -> Any:
    return st.sampled_from([entry for entry in ("fit", "partial_fit") if hasattr(ESTIMATORS[estimator](), entry)])


@cache
def _tame_tables(estimator: str) -> list[Any]:
    """The usual tables that the estimator takes: sparse ones also if it must be told not to centre them."""
    new = ESTIMATORS[estimator]()
    takes_sparse = get_tags(new).input_tags.sparse or "with_mean" in _parameters(estimator)
    return [dense_tables, *[sparse_tables] * takes_sparse, *[frame_tables] * takes_categories(new)]


@st.composite
def cases(draw: Any) -> Case:
    """Draw a case that is strange in one respect, in all, or in none but its parameters."""
    estimator, strange = draw(st.sampled_from(sorted(ESTIMATORS))), draw(_respects)
    tame_tables = draw(st.sampled_from(_tame_tables(estimator)))
    X = draw(strange_tables if strange in ("table", "all") else tame_tables)
    tame_targets = classes if is_classifier(ESTIMATORS[estimator]()) else numbers
    y = draw(strange_targets if strange in ("target", "all") else tame_targets)
    weight = draw(strange_weights if strange in ("weight", "all") else tame_weights)
    query = draw(strange_tables if strange in ("query", "all") else tame_tables)
    if isinstance(X, Table) and isinstance(query, Table) and strange != "all":
        query = X if draw(st.booleans()) else replace(query, n_columns=X.n_columns)
    entry, twice = draw(_entries(estimator)), draw(st.booleans())
    labels = draw(st.sampled_from(sorted(LABELS))) if strange in ("target", "all") else "those of y"
    validates = draw(st.integers(0, 3)) == 0
    return Case(estimator, draw(_settings(estimator)), X, y, weight, query, entry, twice, labels, validates)


_respects = st.sampled_from(["none", "table", "target", "weight", "query", "all"])
