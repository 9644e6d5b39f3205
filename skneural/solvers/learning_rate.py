"""The learning rate of each mini-batch: the initial rate, times the schedule's factor, times those of the plateaus."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skneural.constraints import POSITIVE
from skneural.signatures import check_signature
from skneural.solvers.batches import Batches
from skneural.solvers.schedules import SCHEDULES, Progress, Schedule

Array = NDArray[Any]

PACKAGE_SCHEDULES = {type(schedule) for schedule in SCHEDULES.values()}  # these may be called before their epoch


class LearningRate:
    """The learning rate of each batch, by a schedule.

    Parameters
    ----------
    schedule : Schedule or callable
        Progress -> factors on the initial rate.
    initial_rate : float
    batches : Batches
        Of each epoch.

    Attributes
    ----------
    plateau_factor : float
        Product of the factors of all plateaus so far.

    Examples
    --------
    >>> from skneural.solvers import Batches, Cosine
    >>> from skneural.solvers.learning_rate import LearningRate
    >>> learning_rate = LearningRate(Cosine(), 0.1, Batches(20, 10, shuffle=False))
    >>> learning_rate.of_batches(n_completed=0, n_epochs=2, n_samples_seen=0, max_iter=2).round(4)
    array([[0.1   , 0.0854],
           [0.05  , 0.0146]])
    """

    def __init__(self, schedule: Schedule | Callable[[Progress], Any], initial_rate: float, batches: Batches):
        self.schedule, self.initial_rate, self.plateau_factor = schedule, initial_rate, 1.0
        self.has_package_schedule = type(schedule) in PACKAGE_SCHEDULES
        self._call_schedule = schedule if self.has_package_schedule else partial(call_schedule, schedule)
        self._batch_starts = np.arange(len(batches)) / len(batches)  # in fractions of an epoch
        self._n_rows = batches.n_rows

    def of_batches(self, n_completed: int, n_epochs: int, n_samples_seen: int, max_iter: int) -> Array:
        """Return the rates of some epochs, an array of shape (n_epochs, n_batches).

        Parameters
        ----------
        n_completed, n_samples_seen : int
            Epochs completed and rows seen before the first of them.
        n_epochs : int
            How many there are.
        max_iter : int
            The number of epochs after which schedules end.
        """
        fractions = self._fractions(n_completed, n_epochs, max_iter)
        rates = np.empty_like(fractions)
        for i, fraction in enumerate(fractions):
            rates[i] = self._call_schedule(Progress(n_completed + i, n_samples_seen + i * self._n_rows, fraction))
        rates *= self.initial_rate * self.plateau_factor
        return rates

    def shrink_on_plateau(self, learning_rate: float) -> bool:
        """Let the schedule shrink the rate; return whether it does, rather than stop training."""
        factor = call_on_plateau(self.schedule, learning_rate) if isinstance(self.schedule, Schedule) else None
        self.plateau_factor *= 1.0 if factor is None else factor
        return factor is not None

    @property
    def completes(self) -> bool:
        """Whether the schedule comes to its own end: see :class:`Schedule`."""
        return isinstance(self.schedule, Schedule) and self.schedule.completes

    def is_finished(self, n_completed: int, n_samples_seen: int, max_iter: int) -> bool:
        """Return whether the schedule has brought the rate down for good; False for callables, which cannot tell."""
        if not isinstance(self.schedule, Schedule):
            return False
        progress = Progress(n_completed, n_samples_seen, self._fractions(n_completed, 1, max_iter)[0])
        return self.schedule.is_finished(progress, self.initial_rate * self.plateau_factor, self.initial_rate)

    def _fractions(self, n_completed: int, n_epochs: int, max_iter: int) -> Array:
        """Return the fraction of training done before each batch of the next epochs, of shape (n_epochs, n_batches)."""
        epoch_starts = np.arange(n_completed, n_completed + n_epochs)
        return np.minimum((epoch_starts[:, None] + self._batch_starts) / max_iter, 1)


def call_schedule(schedule: Callable[[Progress], Any], progress: Progress) -> Array:
    """Return the factors of an epoch's batches by a user's schedule; a ValueError if they are not finite and >= 0.

    Parameters
    ----------
    schedule : Schedule or callable
        Progress -> one factor, or one per batch.
    progress : Progress
        At the start of the epoch.

    Returns
    -------
    factors : ndarray of shape (n_batches,)
        What the schedule returned.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.solvers.learning_rate import call_schedule
    >>> from skneural.solvers.schedules import Progress
    >>> start = Progress(epoch=0, n_samples_seen=0, fraction=np.array([0.0, 0.5]))
    >>> call_schedule(lambda progress: 1 - progress.fraction, start)
    array([1. , 0.5])
    """
    returned, n_batches = _returned_by(schedule, progress), len(progress.fraction)
    real = _are_real_factors(returned, n_batches)
    factors = np.broadcast_to(np.asarray(returned if real else np.nan, dtype=np.float64), n_batches)
    if not (np.isfinite(factors).all() and (factors >= 0).all()):
        raise ValueError(
            f"learning_rate={schedule!r} must return a finite factor >= 0, or an array with one for each of the "
            f"epoch's {n_batches} batches. Got {returned!r} in epoch {progress.epoch + 1}."
        )
    return factors


def _returned_by(schedule: Callable[[Progress], Any], progress: Progress) -> Any:
    """Return what a schedule returns; a TypeError that names the schedule if it cannot be called."""
    check_signature(f"learning_rate={schedule!r}", schedule, "(progress)", progress)
    try:
        return schedule(progress)
    except TypeError as error:  # of a function that is for something else, such as len
        raise TypeError(f"learning_rate={schedule!r}, called with {progress!r}, failed: {error}") from error


def _are_real_factors(returned: Any, n_batches: int) -> bool:
    """Return whether a schedule's result is a real number, or an array with one for each batch."""
    try:
        return np.asarray(returned).dtype.kind in "fiub" and np.shape(returned) in ((), (n_batches,))
    except ValueError:  # lists of different lengths
        return False


def call_on_plateau(schedule: Schedule, learning_rate: float) -> float | None:
    """Return the factor by which a schedule shrinks the rate on a plateau, or None to stop; a ValueError for others.

    Parameters
    ----------
    schedule : Schedule
        Its method ``on_plateau`` is called.
    learning_rate : float
        At present.

    Returns
    -------
    factor : float or None
        What the method returned.

    Examples
    --------
    >>> from skneural.solvers import Adaptive
    >>> from skneural.solvers.learning_rate import call_on_plateau
    >>> call_on_plateau(Adaptive(divisor=4), 0.1)
    0.25
    """
    factor = schedule.on_plateau(learning_rate)
    if factor is not None and not POSITIVE.is_satisfied_by(factor):
        raise ValueError(f"learning_rate={schedule!r}: on_plateau must return None or a factor > 0. Got {factor!r}.")
    return factor
