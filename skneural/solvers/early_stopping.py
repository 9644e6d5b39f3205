"""Early stopping: when there has been no progress for too many epochs."""

from __future__ import annotations

import math


class EarlyStopping:
    """Counts the epochs without progress.

    Parameters
    ----------
    tol : float
        The monitored value must fall below the smallest so far by at least `tol` to count as progress.
    patience : float
        Training should stop after more than `patience` epochs without progress.

    Attributes
    ----------
    best : float
        Smallest value so far.
    count : int
        Epochs since the last progress.

    Examples
    --------
    >>> from skneural.solvers import EarlyStopping
    >>> stopping = EarlyStopping(tol=0.01, patience=1)
    >>> for loss in [1.0, 0.5, 0.499, 0.498]:
    ...     improved = stopping.update(loss)
    >>> stopping.best, stopping.count, stopping.should_stop
    (0.498, 2, True)
    """

    def __init__(self, tol: float, patience: float):
        self.tol, self.patience = tol, patience
        self.best, self.count = math.inf, 0

    def update(self, value: float) -> bool:
        """Count an epoch with this value; return whether it is the best so far."""
        self.count = 0 if value <= self.best - self.tol else self.count + 1  # NaN is no progress
        improved = value < self.best
        self.best = min(self.best, value)
        return improved

    @property
    def epochs_left(self) -> float:
        """The number of epochs after which training should stop if none of them is progress."""
        return self.patience + 1 - self.count

    @property
    def should_stop(self) -> bool:
        """Whether there has been no progress for too many epochs."""
        return self.count > self.patience
