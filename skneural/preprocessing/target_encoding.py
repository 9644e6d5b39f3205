"""Target encoding of a category: the mean target of its rows stands for each level."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from sklearn.model_selection import KFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import TargetEncoder
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_consistent_length

from skneural._sklearn_compat import check_array
from skneural.preprocessing.clipping import SmoothClipper
from skneural.preprocessing.level_texts import level_codes
from skneural.preprocessing.scaling import StdScaler
from skneural.preprocessing.table_columns import Column

N_FOLDS = 5


def target_columns(y: Any, target_type: str, max_classes: int) -> tuple[np.ndarray, list[str]]:
    """The target as columns of numbers: itself, or one indicator per class; of two classes that of the second.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
    target_type : {"auto", "continuous", "binary", "multiclass"}
    max_classes : int
        With "auto", more classes than these among numbers are refused: they may be meant as numbers.

    Returns
    -------
    Y : ndarray of shape (n_samples, n_columns), float64
    class_names : list of str
        One per column if there are several.
    """
    y = np.ravel(y) if np.ndim(y) == 2 and np.shape(y)[1] == 1 else y
    found_type = type_of_target(y, input_name="y") if target_type == "auto" else target_type
    if np.ndim(y) != 1 or found_type not in ("continuous", "binary", "multiclass"):
        got = repr(found_type) if np.ndim(y) == 1 else f"an array of shape {np.shape(y)}"
        raise ValueError(
            f"Expected y to be one target, classes or numbers, for the target encoding of a category. Got {got}: "
            "raise max_levels, or leave out the categories of more levels."
        )
    if found_type == "continuous":
        return _continuous_target(y), []
    return _class_indicators(y, max_classes if target_type == "auto" else None)


def _continuous_target(y: Any) -> np.ndarray:
    """The target divided by its largest magnitude, so that no square overflows."""
    Y = check_array(y, ensure_2d=False, dtype=np.float64, input_name="y").reshape(-1, 1)
    return Y / max(np.abs(Y).max(), np.finfo(float).tiny)


def _class_indicators(y: Any, max_classes: int | None) -> tuple[np.ndarray, list[str]]:
    target_classes, target_codes = _unique_classes(y)
    n_classes = len(target_classes)
    if max_classes is not None and n_classes > max_classes and target_classes.dtype.kind in "iuf":
        raise ValueError(
            f"y has {n_classes} different whole numbers, which may be classes or numbers. Pass "
            "target_type='continuous' for a regression, or target_type='multiclass' for a classification."
        )
    if n_classes <= 2:
        return (target_codes == 1).astype(np.float64)[:, np.newaxis], []
    return np.eye(n_classes)[target_codes], [str(label) for label in target_classes]


def _unique_classes(y: Any) -> tuple[np.ndarray, np.ndarray]:
    try:
        return np.unique(np.asarray(y), return_inverse=True)
    except TypeError as error:  # from a comparison
        raise ValueError(
            "y has labels that cannot be sorted, such as None beside text. Expected labels of one kind: leave out rows "
            "without a label."
        ) from error


def target_mean_table(row_levels: np.ndarray, n_levels: int, Y: np.ndarray) -> np.ndarray:
    """The mean target of each level's rows, shrunk towards the overall mean, which also stands for unknown levels.

    By :class:`sklearn.preprocessing.TargetEncoder`, for which classes are indicators too.

    Returns
    -------
    table : ndarray of shape (n_levels + 1, n_columns)
    """
    levels = np.arange(n_levels + 1)[:, np.newaxis]
    target_encoders = (TargetEncoder(target_type="continuous").fit(row_levels[:, np.newaxis], y) for y in Y.T)
    return np.hstack([encoder.transform(levels) for encoder in target_encoders])


@dataclass
class TargetMeans:
    """The mean targets of a category's levels, standardised as those of the training rows, then clipped smoothly.

    A level of a single training row counts as unknown: the overall mean stands for it.

    Attributes
    ----------
    row_levels : ndarray of shape (n_present,), int
        Levels of the training rows.
    n_levels : int
    Y : ndarray of shape (n_present, n_columns), float64
        See `target_columns`.
    limit : float
        See :class:`skneural.SmoothClipper`.
    """

    row_levels: np.ndarray
    n_levels: int
    Y: np.ndarray
    limit: float

    @cached_property
    def _means(self) -> np.ndarray:
        means = target_mean_table(self.row_levels, self.n_levels, self.Y)
        # Of a single row the mean is the row's own target: training rows would carry theirs in `transform`, while
        # `cross_fitted` cannot learn of it.
        means[:-1][self._counts(self.row_levels) == 1] = means[-1]
        return means

    @cached_property
    def _scaler(self) -> Pipeline:
        return make_pipeline(StdScaler(), SmoothClipper(limit=self.limit)).fit(self._means[self.row_levels])

    def table(self) -> np.ndarray:
        """What stands for each level, and in the last row for unknown ones: of shape (n_levels + 1, n_columns)."""
        return self._scaler.transform(self._means)

    def cross_fitted(self, random_state: Any) -> np.ndarray:
        """What stands for each training row, by the mean targets of rows in other folds: as long as `row_levels`."""
        cross_fitted_means = np.empty(self.Y.shape)
        folds = KFold(min(N_FOLDS, len(self.row_levels)), shuffle=True, random_state=random_state)
        for train, test in folds.split(self.row_levels):
            cross_fitted_means[test] = self._means_of_rows(train)[self.row_levels[test]]
        return self._scaler.transform(cross_fitted_means)

    def _means_of_rows(self, rows: np.ndarray) -> np.ndarray:
        means = target_mean_table(self.row_levels[rows], self.n_levels, self.Y[rows])
        # Not the mean of these rows, which tells of the left-out targets: the higher those, the lower it is.
        means[:-1][self._counts(self.row_levels[rows]) == 0] = self._means[-1]
        return means

    def _counts(self, row_levels: np.ndarray) -> np.ndarray:
        return np.bincount(row_levels, minlength=self.n_levels)


def fit_target_means(
    columns: list[Column], levels: list[list[str]], y: Any, max_levels: int, target_type: str, limit: float
) -> tuple[dict[int, TargetMeans], list[str]]:
    """The mean targets of categories of many levels, and the names of the classes they are of, if several.

    Parameters
    ----------
    columns : list of Column
        Of the training rows.
    levels : list of list of str
        Of each column; none for numbers.
    y : array-like of shape (n_samples,) or None
    max_levels, target_type, limit
        As in :class:`skneural.TableEncoder`.
    """
    n_levels = {j: len(column_levels) for j, column_levels in enumerate(levels) if len(column_levels) > max_levels}
    for j in n_levels:
        columns[j].refuse_free_text(n_levels[j])
        if y is None:
            _refuse_missing_target(columns[j], n_levels[j], max_levels)
    if not n_levels:
        return {}, []
    check_consistent_length(columns[0].cells, y)
    Y, class_names = target_columns(y, target_type, max_levels)
    return {j: _target_means(columns[j], levels[j], Y, limit) for j in n_levels}, class_names


def _refuse_missing_target(column: Column, n_levels: int, max_levels: int) -> None:
    raise ValueError(
        f"{column.label} of X has {n_levels} levels, more than max_levels={max_levels}, and is encoded "
        "by their mean targets. Expected y in fit; or raise max_levels for a column per level."
    )


def _target_means(column: Column, levels: list[str], Y: np.ndarray, limit: float) -> TargetMeans:
    is_present = ~column.missing
    return TargetMeans(level_codes(column.texts[is_present], levels), len(levels), Y[is_present], limit)
