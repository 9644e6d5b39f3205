"""The columns of ``history_``: one entry per epoch, of a bounded number of earlier epochs."""

from __future__ import annotations

import math

import numpy as np

from skneural.solvers import Epoch

# Column of `history_` -> attribute of `Epoch`.
HISTORY_COLUMNS = {
    "loss": "loss",
    "validation_loss": "validation_loss",
    "validation_score": "score",
    "learning_rate": "learning_rate",
    "gradient_norm": "gradient_norm",
    "update_ratio": "update_ratio",
    "seconds": "seconds",
}

MAX_EARLIER_EPOCHS = 1000  # each call copies them, and a file holds them

History = dict[str, list[float]]


def new_history() -> History:
    """Return a history without epochs.

    Examples
    --------
    >>> from skneural.estimators.history import append_epoch, new_history
    >>> from skneural.solvers import Epoch
    >>> history = new_history()
    >>> append_epoch(history, Epoch(number=1, loss=0.5, seconds=0.1))
    >>> append_epoch(history, Epoch(number=2, loss=0.4, seconds=0.1, score=0.9))
    >>> history["loss"], history["validation_score"], history["validation_loss"]
    ([0.5, 0.4], [nan, 0.9], [])
    """
    return {name: [] for name in HISTORY_COLUMNS}


def copy_recent(history: History) -> History:
    """Return a copy of the last 1000 epochs, to which the next call appends its own."""
    start = max(0, len(history["loss"]) - MAX_EARLIER_EPOCHS)
    return {name: column[start:] for name, column in history.items()}


def first_epochs(history: History, n_epochs: int) -> History:
    """Return a copy of the first epochs."""
    return {name: column[:n_epochs] for name, column in history.items()}


def best_scored_epoch(history: History) -> int | None:
    """Return the number, from 1, of the epoch with the best validation score; None if no epoch has a score."""
    scores = np.array(history["validation_score"], dtype=float)
    return None if np.isnan(scores).all() else int(np.nanargmax(scores)) + 1


def append_epoch(history: History, epoch: Epoch) -> None:
    """Append an epoch to each column; a column without a value so far stays empty, later gaps are NaN."""
    n_before = len(history["loss"])
    for name, attribute in HISTORY_COLUMNS.items():
        epoch_value, column = getattr(epoch, attribute), history[name]
        if epoch_value is None and not column:
            continue
        column += [math.nan] * (n_before - len(column))  # earlier epochs without this value
        column.append(math.nan if epoch_value is None else epoch_value)


def without_seconds(history: History) -> History:
    """Return the history without the measured times, which differ between equal fits."""
    return {name: column for name, column in history.items() if name != "seconds"}


def with_unknown_seconds(history: History) -> History:
    """Return a history from a file, of which the times are unknown."""
    return {**history, "seconds": [math.nan] * len(history["loss"])}
