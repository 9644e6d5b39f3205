"""One-hot encoding of a category: a table with a row of columns for each level, for unknown ones and for missing cells.

A category is encoded by looking up its levels' codes, 0 to n_levels - 1, in a table of n_levels + 2 rows, of which the
last but one is for unknown levels and the last one for missing cells.
"""

from __future__ import annotations

import numpy as np
from sklearn.preprocessing import OneHotEncoder

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
    level_table[~level_table.any(axis=1)] = np.nan
    column_levels = _column_levels(n_levels, encoder.infrequent_categories_[0] if min_frequency is not None else None)
    if len(column_levels) <= 2:
        level_table, column_levels = level_table[:, 1:], column_levels[1:]
    level_frequency = np.bincount(row_levels, minlength=n_levels) / len(row_levels)
    return level_table - level_frequency @ level_table[:n_levels], column_levels


def _column_levels(n_levels: int, rare_levels: np.ndarray | None) -> np.ndarray:
    levels = np.arange(n_levels)
    return levels if rare_levels is None else np.append(np.setdiff1d(levels, rare_levels), n_levels)


def small_one_hot_table(
    row_levels: np.ndarray, n_levels: int, min_frequency: float | None
) -> tuple[np.ndarray, np.ndarray]:
    """`one_hot_table` for use beside mean targets: its columns times `LEVEL_SCALE`, of levels in enough rows.

    A mean target alone says nothing of what a level changes about other features' effects. Small columns do, where many
    rows repeat it, and cost little where they say nothing (docs/tabular.md). There are none for more than
    `MAX_TABLE_LEVELS` levels.
    """
    min_rows = _min_rows(min_frequency or 0, len(row_levels))
    if n_levels > MAX_TABLE_LEVELS or np.bincount(row_levels).max() < min_rows:
        return np.empty((n_levels + 1, 0)), np.empty(0, int)
    level_table, column_levels = one_hot_table(row_levels, n_levels, min_rows)
    return LEVEL_SCALE * level_table, column_levels


def _min_rows(min_frequency: float, n_rows: int) -> int:
    """How many rows of a level give it a small column."""
    min_count = np.ceil(min_frequency * n_rows) if min_frequency < 1 else min_frequency  # a fraction or a number
    return max(MIN_LEVEL_ROWS, int(min_count))


def add_missing_indicator(level_table: np.ndarray, missing_share: float) -> np.ndarray:
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
