"""What stands for each level of a category: rows of a table, by one-hot encoding or by the mean target of its rows.

A category is encoded by looking up its levels' codes, 0 to n_levels - 1, in a table of n_levels + 2 rows, of which the
last but one is for unknown levels and the last one for missing cells.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import count, repeat
from typing import Any

import numpy as np
from sklearn.model_selection import KFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, TargetEncoder
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_consistent_length

from skneural._sklearn_compat import check_array
from skneural.preprocessing.clipping import SmoothClipper
from skneural.preprocessing.scaling import StdScaler
from skneural.preprocessing.table_columns import BOOLS, Column

N_FOLDS = 5
# A category with this many present cells, of which more than this fraction differ, is free text or names the rows:
# hardly a level occurs twice, so that nothing can be learned about it. Fewer rows do not tell.
FREE_TEXT_ROWS, FREE_TEXT_FRACTION = 20, 0.95
# Of the columns of levels beside their mean targets: each counts where many rows repeat what it says.
LEVEL_SCALE = 0.1
MIN_LEVEL_ROWS, MAX_TABLE_LEVELS = 3, 1000  # a table of all levels has as many rows


def one_hot_table(row_levels: np.ndarray, n_levels: int, min_frequency: float | None) -> tuple[np.ndarray, np.ndarray]:
    """One column per level, centred on the training rows; rare levels share the last one.

    Of two columns the first is left out, since it says the same as the second.

    Parameters
    ----------
    row_levels : ndarray of shape (n_present,), int
        Levels of the training rows.
    n_levels : int
    min_frequency : int, float or None
        As in :class:`sklearn.preprocessing.OneHotEncoder`. Unknown levels count as rare, if there are rare ones.

    Returns
    -------
    level_table : ndarray of shape (n_levels + 1, n_columns)
    column_levels : ndarray of shape (n_columns,), int
        The level of each column; n_levels for that of the rare ones.
    """
    encoder = OneHotEncoder(
        categories=[np.arange(n_levels)],
        min_frequency=min_frequency,
        handle_unknown="infrequent_if_exist",
        sparse_output=False,
    ).fit(row_levels[:, np.newaxis])
    level_table = encoder.transform(np.arange(n_levels + 1)[:, np.newaxis])
    rare_levels = encoder.infrequent_categories_[0] if min_frequency is not None else None
    column_levels = np.arange(n_levels)
    if rare_levels is not None:
        column_levels = np.append(np.setdiff1d(column_levels, rare_levels), n_levels)
    level_table[~level_table.any(axis=1)] = np.nan
    if len(column_levels) <= 2:
        level_table, column_levels = level_table[:, 1:], column_levels[1:]
    level_frequency = np.bincount(row_levels, minlength=n_levels) / len(row_levels)
    return level_table - level_frequency @ level_table[:n_levels], column_levels


def small_one_hot_table(
    row_levels: np.ndarray, n_levels: int, min_frequency: float | None
) -> tuple[np.ndarray, np.ndarray]:
    """`one_hot_table` for use beside mean targets: its columns times `LEVEL_SCALE`, of levels in enough rows.

    A mean target alone says nothing of what a level changes about other features' effects. Small columns do, where many
    rows repeat it, and cost little where they say nothing (docs/tabular.md). There are none for more than
    `MAX_TABLE_LEVELS` levels.
    """
    if min_frequency is not None and min_frequency < 1:  # a fraction
        min_frequency = int(np.ceil(min_frequency * len(row_levels)))
    min_rows = max(MIN_LEVEL_ROWS, min_frequency or 0)
    if n_levels > MAX_TABLE_LEVELS or np.bincount(row_levels).max() < min_rows:
        return np.empty((n_levels + 1, 0)), np.empty(0, int)
    level_table, column_levels = one_hot_table(row_levels, n_levels, min_rows)
    return LEVEL_SCALE * level_table, column_levels


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
    found = type_of_target(y, input_name="y") if target_type == "auto" else target_type
    if np.ndim(y) != 1 or found not in ("continuous", "binary", "multiclass"):
        got = repr(found) if np.ndim(y) == 1 else f"an array of shape {np.shape(y)}"
        raise ValueError(
            f"Expected y to be one target, classes or numbers, for the target encoding of a category. Got {got}: "
            "raise max_levels, or leave out the categories of more levels."
        )
    if found == "continuous":
        Y = check_array(y, ensure_2d=False, dtype=np.float64, input_name="y").reshape(-1, 1)
        return Y / max(np.abs(Y).max(), np.finfo(float).tiny), []  # so that no square overflows
    return _class_indicators(y, max_classes if target_type == "auto" else None)


def _class_indicators(y: Any, max_classes: int | None) -> tuple[np.ndarray, list[str]]:
    try:
        classes, codes = np.unique(np.asarray(y), return_inverse=True)
    except TypeError as error:  # from a comparison
        raise ValueError(
            "y has labels that cannot be sorted, such as None beside text. Expected labels of one kind: leave out rows "
            "without a label."
        ) from error
    if max_classes is not None and len(classes) > max_classes and classes.dtype.kind in "iuf":
        raise ValueError(
            f"y has {len(classes)} different whole numbers, which may be classes or numbers. Pass "
            "target_type='continuous' for a regression, or target_type='multiclass' for a classification."
        )
    if len(classes) <= 2:
        return (codes == 1).astype(np.float64)[:, np.newaxis], []
    return np.eye(len(classes))[codes], [str(label) for label in classes]


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
            means = target_mean_table(self.row_levels[train], self.n_levels, self.Y[train])
            # Not the mean of these rows, which tells of the left-out targets: the higher those, the lower it is.
            means[:-1][self._counts(self.row_levels[train]) == 0] = self._means[-1]
            cross_fitted_means[test] = means[self.row_levels[test]]
        return self._scaler.transform(cross_fitted_means)

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
        refuse_free_text(columns[j], n_levels[j])
        if y is None:
            raise ValueError(
                f"{columns[j].label} of X has {n_levels[j]} levels, more than max_levels={max_levels}, and is encoded "
                "by their mean targets. Expected y in fit; or raise max_levels for a column per level."
            )
    if not n_levels:
        return {}, []
    check_consistent_length(columns[0].cells, y)
    Y, class_names = target_columns(y, target_type, max_levels)
    target_means = {}
    for j in n_levels:
        is_present = ~columns[j].missing
        row_levels = level_codes(columns[j].texts[is_present], levels[j])
        target_means[j] = TargetMeans(row_levels, n_levels[j], Y[is_present], limit)
    return target_means, class_names


def complete_table(level_table: np.ndarray, missing_share: float) -> np.ndarray:
    """Append a row for missing cells and, if training rows have some, a column that is 1 for them, centred.

    What is not known is the mean, zero, in all other columns.

    Parameters
    ----------
    level_table : ndarray of shape (n_levels + 1, n_columns)
    missing_share : float
        Fraction of the training rows.

    Returns
    -------
    level_table : ndarray of shape (n_levels + 2, n_columns) or (n_levels + 2, n_columns + 1), float32
    """
    with_missing = np.vstack([level_table, np.full(level_table.shape[1], np.nan)])
    with_missing[np.isnan(with_missing)] = 0.0
    if 0 < missing_share < 1:
        is_missing = np.arange(len(with_missing)) == len(with_missing) - 1
        with_missing = np.column_stack([with_missing, is_missing - missing_share])
    return with_missing.astype(np.float32)


def level_codes(texts: np.ndarray, levels: list[str]) -> np.ndarray:
    """Row of each text in a complete table: its level's, else the last but one; the last one for None."""
    lookup: dict[Any, int] = dict(zip(levels, range(len(levels)), strict=True))
    for aliases in (dict(zip(BOOLS, "01", strict=True)), dict(zip("01", BOOLS, strict=True))):
        if levels and lookup.keys() <= aliases.keys():  # False and True are 0 and 1 where an array holds both
            lookup |= {aliases[level]: code for level, code in lookup.items()}
    lookup[None] = len(levels) + 1
    return np.fromiter(map(lookup.get, texts, repeat(len(levels))), dtype=np.intp, count=len(texts))


def refuse_free_text(column: Column, n_levels: int) -> None:
    """Raise ValueError if nearly all cells of a category are different."""
    n_present = np.sum(~column.missing)
    if n_present >= FREE_TEXT_ROWS and n_levels > FREE_TEXT_FRACTION * n_present:
        raise ValueError(
            f"{column.label} of X has {n_levels} different texts in {n_present} rows, too many to learn about each. "
            "Drop the column, or encode free text first, for example with skrub.StringEncoder or skrub.TextEncoder."
        )


def unique_names(names: list[str]) -> list[str]:
    """The names, with a number behind each that has been there before."""
    unique: dict[str, None] = {}
    for name in names:
        free = (f"{name}_{i}" if i > 1 else name for i in count(1))
        unique[next(each for each in free if each not in unique)] = None
    return list(unique)
