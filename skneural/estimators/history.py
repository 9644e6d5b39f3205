"""The course of training: the columns of ``history_``, one entry per epoch, and the curves and best scores in them."""

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
    return {name: column[-MAX_EARLIER_EPOCHS:] for name, column in history.items()}


def best_scored_epoch(history: History) -> int | None:
    """Return the number, from 1, of the epoch with the best validation score; None if none has a score, or -inf."""
    scores = np.array(history["validation_score"], dtype=float)
    return int(np.nanargmax(scores)) + 1 if (scores > -np.inf).any() else None


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


class HistoryMixin:
    """The attributes of an estimator that describe its training epoch by epoch."""

    history_: History
    _n_epochs: int
    t_: int

    @property
    def loss_curve_(self) -> list[float]:
        """Objective after each epoch."""
        return self.history_["loss"]

    @property
    def validation_loss_curve_(self) -> list[float] | None:
        """Loss on the validation rows after each epoch, if there are any."""
        return self.history_["validation_loss"] or None

    @property
    def validation_scores_(self) -> list[float] | None:
        """Score on the validation rows after each epoch, if there are any."""
        return self.history_["validation_score"] or None

    @property
    def best_validation_score_(self) -> float | None:
        """Best score on the validation rows, if there are any."""
        scores = [score for score in self.validation_scores_ or [] if not math.isnan(score)]
        return max(scores, default=None)

    @property
    def _latest_loss(self) -> float:
        """Objective after the last epoch; NaN before the first."""
        return self.loss_curve_[-1] if self.loss_curve_ else math.nan

    def _start_history(self) -> None:
        """Start a new network's history, without epochs."""
        self.history_ = new_history()
        self._n_epochs = self.t_ = 0

    def _continue_history(self) -> None:
        """Replace the history by a copy of its latest epochs, to which a later call appends its own."""
        self.history_ = copy_recent(self.history_)

    def _return_history_to(self, epoch: int) -> None:
        """Forget the epochs after this one, from which training goes on."""
        self.history_ = {name: column[:epoch] for name, column in self.history_.items()}
        self._n_epochs = epoch

    def _best_epoch(self) -> int:
        """Return the number of the epoch with the best validation score; the last one if none has a score, or -inf."""
        return best_scored_epoch(self.history_) or len(self.loss_curve_)

    def _record_epoch(self, epoch: Epoch) -> None:
        """Append an epoch that is over."""
        append_epoch(self.history_, epoch)
        self._n_epochs += 1
