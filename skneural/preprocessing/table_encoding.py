"""From a table of numbers, categories and missing cells to a matrix for a neural network."""

from __future__ import annotations

from collections import Counter
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from sklearn import config_context
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from skneural._sklearn_compat import RealNotInt, _check_feature_names_in, _fit_context, validate_table
from skneural.constraints import Interval, StrOptions
from skneural.preprocessing.base import ignore_float_errors
from skneural.preprocessing.clipping import SmoothClipper
from skneural.preprocessing.level_encoding import (
    complete_table,
    cross_fitted_target_means,
    level_codes,
    one_hot_table,
    target_columns,
    target_mean_table,
    target_scaler,
)
from skneural.preprocessing.piecewise_linear import PiecewiseLinearEncoder
from skneural.preprocessing.scaling import StdScaler
from skneural.preprocessing.table_columns import Column, read_columns
from skneural.saved_state import SavedStateMixin, unchanged_on_error

# A category whose levels are more than this fraction of its rows is free text, of which no target encoding can learn.
FREE_TEXT = 0.95


class TableEncoder(SavedStateMixin, TransformerMixin, BaseEstimator):
    """Turn a table of numbers, categories and missing cells into a matrix for a neural network."""

    _parameter_constraints: dict[str, list] = {
        "categorical_features": ["array-like", StrOptions({"from_dtype"}), None],
        "max_levels": [Interval(Integral, 1, None, closed="left")],
        "min_frequency": [
            Interval(Integral, 1, None, closed="left"),
            Interval(RealNotInt, 0, 1, closed="neither"),
            None,
        ],
        "n_bins": [Interval(Integral, 2, None, closed="left")],
        "max_columns": [Interval(Integral, 0, None, closed="left")],
        "limit": [Interval(Real, 0, None, closed="neither")],
        "target_type": [StrOptions({"auto", "continuous", "binary", "multiclass"})],
        "random_state": ["random_state"],
    }
    _fitted_names = frozenset(
        {
            "n_features_in_",
            "feature_names_in_",
            "is_categorical_",
            "missing_share_",
            "scaler_",
            "clipper_",
            "piecewise_encoder_",
            "levels_",
            "level_tables_",
            "_name_endings",
        }
    )

    def __init__(
        self,
        categorical_features="from_dtype",
        *,
        max_levels=30,
        min_frequency=0.001,
        n_bins=8,
        max_columns=1000,
        limit=3.0,
        target_type="auto",
        random_state=None,
    ):
        self.categorical_features = categorical_features
        self.max_levels = max_levels
        self.min_frequency = min_frequency
        self.n_bins = n_bins
        self.max_columns = max_columns
        self.limit = limit
        self.target_type = target_type
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    @ignore_float_errors
    def fit(self, X, y=None) -> Self:
        """Learn moments, quantiles and levels."""
        with unchanged_on_error(self), config_context(transform_output="default"):
            self._fit(X, y)
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    @ignore_float_errors
    def fit_transform(self, X, y=None) -> np.ndarray:
        """Fit, and encode the training rows, with cross-fitted target encodings."""
        with unchanged_on_error(self), config_context(transform_output="default"):
            columns, Y = self._fit(X, y)
            blocks = self._encode_categories(columns)
            if Y is not None:
                random_state = check_random_state(self.random_state)
                for j in self._target_encoded():
                    blocks[j] = self._cross_fit(j, columns[j], Y, random_state)
            return np.hstack([self._encode_numbers(columns), *blocks.values()])

    @ignore_float_errors
    def transform(self, X) -> np.ndarray:
        """Encode rows."""
        check_is_fitted(self)
        with config_context(transform_output="default"):
            columns = read_columns(validate_table(self, X, reset=False))
            return np.hstack([self._encode_numbers(columns), *self._encode_categories(columns).values()])

    def get_feature_names_out(self, input_features=None) -> np.ndarray:
        """Return the names of the columns that `transform` returns."""
        check_is_fitted(self)
        names = _check_feature_names_in(self, input_features)
        numbers = names[self._numbers()]
        if len(numbers):
            numbers = self.piecewise_encoder_.get_feature_names_out(numbers)
        missing = [f"{name}_missing" for name in names[self._numbers_with_indicator()]]
        levels = [f"{name}{end}" for name, ends in zip(names, self._name_endings, strict=True) for end in ends]
        return np.array(unique_names([*numbers, *missing, *levels]), dtype=object)

    def _fit(self, X, y) -> tuple[list[Column], np.ndarray | None]:
        """Set the fitted attributes; return the columns of X, and y as columns of numbers if it was needed."""
        X = validate_table(self, X, reset=True)
        columns = read_columns(X)
        self.is_categorical_ = find_categories(self.categorical_features, columns, getattr(X, "columns", None))
        self.missing_share_ = np.array([column.missing.mean() for column in columns])
        self.levels_: list[list[str]] = [
            column.levels() if categorical else []
            for column, categorical in zip(columns, self.is_categorical_, strict=True)
        ]
        self._fit_numbers(columns)
        Y, class_names = self._target_columns(columns, y)
        fitted = [self._fit_levels(j, column, Y, class_names) for j, column in enumerate(columns)]
        self.level_tables_: list[np.ndarray] = [table for table, _ in fitted]
        self._name_endings: list[list[str]] = [endings for _, endings in fitted]
        return columns, Y

    def _fit_numbers(self, columns: list[Column]) -> None:
        """Set the steps that numbers take; None where there are no numbers."""
        self.scaler_ = self.clipper_ = self.piecewise_encoder_ = None
        if len(self._numbers()):
            X = self._stack_numbers(columns)
            self.scaler_ = StdScaler().fit(X)
            self.clipper_ = SmoothClipper(limit=self.limit).fit(X)
            encoder = PiecewiseLinearEncoder(n_bins=self.n_bins, max_columns=self.max_columns)
            self.piecewise_encoder_ = encoder.fit(self._scale_numbers(X))

    def _scale_numbers(self, X: np.ndarray) -> np.ndarray:
        # In double precision up to here, where no value is larger than the limit.
        return self.clipper_.transform(self.scaler_.transform(X)).astype(np.float32)

    def _target_columns(self, columns: list[Column], y: Any) -> tuple[np.ndarray | None, list[str]]:
        """The target as columns of numbers, and the classes' names, if there are categories of many levels."""
        many = self._target_encoded()
        for j in many:
            label, n_levels, n_present = columns[j].label, len(self.levels_[j]), (~columns[j].missing).sum()
            if n_levels > FREE_TEXT * n_present:
                raise ValueError(
                    f"{label} of X has {n_levels} different texts in {n_present} rows, too many to learn from each. "
                    "Drop the column, or encode free text first, for example with skrub.StringEncoder or "
                    "skrub.TextEncoder."
                )
            if y is None:
                raise ValueError(
                    f"{label} of X has {n_levels} levels, more than max_levels={self.max_levels}, and needs y in fit, to "
                    "be encoded by the mean target of each level. Pass y, or raise max_levels for a column per level."
                )
        return target_columns(y, self.target_type, self.max_levels) if len(many) else (None, [])

    def _fit_levels(
        self, j: int, column: Column, Y: np.ndarray | None, class_names: list[str]
    ) -> tuple[np.ndarray, list[str]]:
        """The table of a category, see `complete_table`, and what follows its name in those of its columns."""
        levels, share = self.levels_[j], self.missing_share_[j]
        if not levels:
            return np.empty((2, 0), np.float32), []
        codes = level_codes(column.texts, levels)
        codes = codes[codes < len(levels)]
        if len(levels) > self.max_levels:
            means = target_mean_table(codes, len(levels), Y[~column.missing])
            table = target_scaler(means, codes, self.limit).transform(means)
            endings = [f"_{name}" for name in class_names] or [""]
        else:
            table, column_levels = one_hot_table(codes, len(levels), self.min_frequency)
            endings = [f"_{[*levels, 'rare'][level]}" for level in column_levels]
        return complete_table(table, share), endings + ["_missing"] * int(0 < share < 1)

    def _cross_fit(self, j: int, column: Column, Y: np.ndarray, random_state: Any) -> np.ndarray:
        """The training rows of a category, each encoded by the targets of other rows."""
        codes, n_levels = level_codes(column.texts, self.levels_[j]), len(self.levels_[j])
        present = codes < n_levels
        Z = self.level_tables_[j][codes]
        codes, Y = codes[present], Y[present]
        scaler = target_scaler(target_mean_table(codes, n_levels, Y), codes, self.limit)
        means = cross_fitted_target_means(codes, n_levels, Y, random_state)
        Z[present, : Y.shape[1]] = scaler.transform(means)
        return Z

    def _encode_numbers(self, columns: list[Column]) -> np.ndarray:
        if self.scaler_ is None:
            return np.empty((len(columns[0].cells), 0), np.float32)
        X = self._stack_numbers(columns)
        Z = self.piecewise_encoder_.transform(self._scale_numbers(X))
        Z[np.isnan(Z)] = 0.0
        with_indicator = self._numbers_with_indicator()
        is_missing = np.column_stack([np.empty((len(X), 0)), *(columns[j].missing for j in with_indicator)])
        return np.hstack([Z, is_missing - self.missing_share_[with_indicator]], dtype=np.float32)

    def _encode_categories(self, columns: list[Column]) -> dict[int, np.ndarray]:
        blocks = {}
        for j in np.flatnonzero(self.is_categorical_):
            columns[j].refuse_numbers_for(self.levels_[j])
            blocks[int(j)] = self.level_tables_[j][level_codes(columns[j].texts, self.levels_[j])]
        return blocks

    def _stack_numbers(self, columns: list[Column]) -> np.ndarray:
        return np.column_stack([columns[j].numbers() for j in self._numbers()])

    def _numbers(self) -> np.ndarray:
        """The features that are numbers; without those that training rows know nothing of."""
        return np.flatnonzero(~self.is_categorical_ & (self.missing_share_ < 1))

    def _numbers_with_indicator(self) -> np.ndarray:
        return np.flatnonzero(~self.is_categorical_ & (self.missing_share_ > 0) & (self.missing_share_ < 1))

    def _target_encoded(self) -> list[int]:
        return [j for j, levels in enumerate(self.levels_) if len(levels) > self.max_levels]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


def find_categories(categorical_features: Any, columns: list[Column], names: Any) -> np.ndarray:
    """A mask of the columns that are categories."""
    by_dtype = isinstance(categorical_features, str)
    if by_dtype or categorical_features is None:
        return np.array([by_dtype and column.categorical for column in columns])
    given = np.asarray(categorical_features)
    is_categorical, n = np.zeros(len(columns), dtype=bool), len(columns)
    if given.dtype.kind == "b" and given.shape == (n,):
        return given.copy()
    if given.dtype.kind in "iu" and given.ndim == 1 and ((given >= 0) & (given < n)).all():
        is_categorical[given] = True
    elif given.size and given.ndim == 1 and all(isinstance(name, str) for name in given):
        unknown = [str(name) for name in given if name not in list(names if names is not None else [])]
        if unknown:
            raise ValueError(f"categorical_features has {unknown}, but the columns of X have the names {names}.")
        is_categorical[[list(names).index(name) for name in given]] = True
    elif given.size:
        raise ValueError(
            "categorical_features must be 'from_dtype', None, or names of columns, their indices from 0 to "
            f"{n - 1}, or a mask of {n} bools. Got {categorical_features!r}."
        )
    return is_categorical


def unique_names(names: list[str]) -> list[str]:
    """The names, with a number behind each that has been there before."""
    seen: Counter[str] = Counter()
    unique = []
    for name in names:
        seen[name] += 1
        unique.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return unique
