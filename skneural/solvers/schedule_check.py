"""Check what a user's own schedule returns, before its faults show as NumPy errors or as divergence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skneural.component import check_signature
from skneural.constraints import POSITIVE
from skneural.solvers.schedules import Progress, Schedule

Array = NDArray[Any]


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
    >>> from skneural.solvers.schedule_check import call_schedule
    >>> from skneural.solvers.schedules import Progress
    >>> start = Progress(epoch=0, n_samples_seen=0, fraction=np.array([0.0, 0.5]))
    >>> call_schedule(lambda progress: 1 - progress.fraction, start)
    array([1. , 0.5])
    """
    check_signature(f"learning_rate={schedule!r}", schedule, "(progress)", progress)
    returned = schedule(progress)
    n_batches = len(progress.fraction)
    try:
        real = np.asarray(returned).dtype.kind in "fiub" and np.shape(returned) in ((), (n_batches,))
    except ValueError:  # lists of different lengths
        real = False
    factors = np.broadcast_to(np.asarray(returned if real else np.nan, dtype=np.float64), n_batches)
    if not (np.isfinite(factors).all() and (factors >= 0).all()):
        raise ValueError(
            f"learning_rate={schedule!r} must return a finite factor >= 0, or an array with one for each of the "
            f"epoch's {n_batches} batches. Got {returned!r} in epoch {progress.epoch + 1}."
        )
    return factors


def plateau_factor(schedule: Schedule, learning_rate: float) -> float | None:
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
    >>> from skneural.solvers.schedule_check import plateau_factor
    >>> plateau_factor(Adaptive(divisor=4), 0.1)
    0.25
    """
    factor = schedule.on_plateau(learning_rate)
    if factor is not None and not POSITIVE.is_satisfied_by(factor):
        raise ValueError(f"learning_rate={schedule!r}: on_plateau must return None or a factor > 0. Got {factor!r}.")
    return factor
