"""Learning-rate schedules: progress -> factor on ``learning_rate_init``, once per epoch for all its batches."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from skneural.component import Component
from skneural.constraints import FRACTION, NON_NEGATIVE, Interval

Array = NDArray[Any]

NEGLIGIBLE = 1e-3  # a factor on the learning rate up to which training changes next to nothing


@dataclass(frozen=True)
class Progress:
    """How far training is at the start of an epoch.

    Parameters
    ----------
    epoch : int
        Epochs completed.
    n_samples_seen : int
        Rows seen since training began, over all calls of ``partial_fit`` and warm starts.
    fraction : ndarray of shape (n_batches,)
        Share of ``max_iter`` epochs done before each batch of this epoch, from 0 to 1.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.solvers import Cosine
    >>> from skneural.solvers.schedules import Progress
    >>> halfway = Progress(epoch=50, n_samples_seen=5000, fraction=np.array([0.5]))
    >>> Cosine()(halfway)
    array([0.5])
    """

    epoch: int
    n_samples_seen: int
    fraction: Array


class Schedule(Component):
    """Base of all schedules: ``schedule(progress)`` returns one factor, or one per batch.

    Any callable with that signature serves as well, for instance
    ``learning_rate=lambda progress: 0.9 ** progress.epoch``.

    Attributes
    ----------
    completes : bool
        Whether the schedule comes to its own end after ``max_iter`` epochs: then to reach them is no lack of progress.

    Examples
    --------
    >>> from skneural import ActivationMLPClassifier
    >>> from skneural.solvers import Schedule
    >>> class Halving(Schedule):
    ...     def __init__(self, every=10):
    ...         self.every = every
    ...
    ...     def __call__(self, progress):
    ...         return 0.5 ** (progress.epoch // self.every)
    >>> model = ActivationMLPClassifier(learning_rate=Halving()).set_params(learning_rate__every=20)
    >>> model.learning_rate
    Halving(every=20)
    """

    completes: ClassVar[bool] = False

    def __call__(self, progress: Progress) -> float | Array:
        """Return one factor, or one per batch."""
        raise TypeError(f"{type(self).__name__} must define __call__(progress)")

    def on_plateau(self, learning_rate: float) -> float | None:
        """Return the factor by which to shrink the rate when progress stalls, or None to stop training."""
        return None

    def is_finished(self, progress: Progress, learning_rate: float, learning_rate_init: float) -> bool:
        """Return whether the rate has come down for good, so that further training changes next to nothing.

        Parameters
        ----------
        progress : Progress
            At the start of the next epoch.
        learning_rate : float
            The initial rate times the factors of all plateaus so far, without that of ``schedule(progress)``.
        learning_rate_init : float
            The initial rate.

        Returns
        -------
        is_finished : bool
            False for schedules that never end, as those of users do unless they define this method.
        """
        return False


class Constant(Schedule):
    """The rate stays as it is.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.solvers import Constant
    >>> from skneural.solvers.schedules import Progress
    >>> Constant()(Progress(epoch=5, n_samples_seen=500, fraction=np.array([0.5])))
    1.0
    """

    def __call__(self, progress: Progress) -> float:
        """Return 1."""
        return 1.0


class InverseScaling(Schedule):
    """rate / (t + 1)^power_t, t the number of rows seen before this epoch.

    Parameters
    ----------
    power_t : float in [0, inf), default=0.5
        Exponent.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.solvers import InverseScaling
    >>> from skneural.solvers.schedules import Progress
    >>> InverseScaling(power_t=0.5)(Progress(epoch=1, n_samples_seen=99, fraction=np.array([0.5])))
    0.1
    """

    _parameter_constraints = {"power_t": [NON_NEGATIVE]}

    def __init__(self, power_t: float = 0.5):
        self.power_t = power_t

    def __call__(self, progress: Progress) -> float:
        """Return (t + 1)^-power_t."""
        return float((progress.n_samples_seen + 1.0) ** -self.power_t)


class Adaptive(Schedule):
    """The rate is divided by `divisor` whenever training stalls, and training stops when it is below `smallest`.

    Parameters
    ----------
    divisor : float in (1, inf), default=5
        What the rate is divided by.
    smallest : float in [0, inf), default=1e-6
        Where training stops.

    Examples
    --------
    >>> from skneural.solvers import Adaptive
    >>> schedule = Adaptive(divisor=5.0, smallest=1e-6)
    >>> schedule.on_plateau(learning_rate=0.1)
    0.2
    >>> schedule.on_plateau(learning_rate=1e-7) is None
    True
    """

    _parameter_constraints = {"divisor": [Interval(Real, 1, None, closed="neither")], "smallest": [NON_NEGATIVE]}

    def __init__(self, divisor: float = 5.0, smallest: float = 1e-6):
        self.divisor = divisor
        self.smallest = smallest

    def __call__(self, progress: Progress) -> float:
        """Return 1: all changes come from plateaus."""
        return 1.0

    def on_plateau(self, learning_rate: float) -> float | None:
        """Return 1 / divisor, or None below `smallest`."""
        return 1 / self.divisor if learning_rate > self.smallest else None

    def is_finished(self, progress: Progress, learning_rate: float, learning_rate_init: float) -> bool:
        """Return whether plateaus have brought the rate down to `smallest`, where `fit` would stop."""
        return learning_rate < learning_rate_init and learning_rate <= self.smallest


class Cosine(Schedule):
    """Half a cosine wave from 1 down to `final`, over ``max_iter`` epochs.

    Source: Loshchilov & Hutter 2017, :arxiv:`1608.03983`.

    Parameters
    ----------
    final : float in [0, 1], default=0.0
        Last factor.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.solvers import Cosine
    >>> from skneural.solvers.schedules import Progress
    >>> Cosine(final=0.1)(Progress(epoch=0, n_samples_seen=0, fraction=np.array([0.0, 0.5, 1.0])))
    array([1.  , 0.55, 0.1 ])
    """

    completes = True
    _parameter_constraints = {"final": [FRACTION]}

    def __init__(self, final: float = 0.0):
        self.final = final

    def __call__(self, progress: Progress) -> Array:
        """Return final + (1 - final) · (1 + cos(π · fraction)) / 2."""
        return _cosine_factor(1.0, self.final, progress.fraction)

    def is_finished(self, progress: Progress, learning_rate: float, learning_rate_init: float) -> bool:
        """Return whether ``max_iter`` epochs are over, if `final` is at most a thousandth."""
        return _training_is_over(progress) and self.final <= NEGLIGIBLE


class OneCycle(Schedule):
    """Up from `start` to 1 during `warmup`, then down to `final`, each half a cosine wave.

    Source: Smith 2018, :arxiv:`1803.09820`.

    Parameters
    ----------
    warmup : float in (0, 1), default=0.3
        Share of ``max_iter`` epochs in which the rate rises.
    start, final : float in [0, 1], default=0.04 and 4e-6
        First and last factor; the peak is ``learning_rate_init`` itself.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.solvers import OneCycle
    >>> from skneural.solvers.schedules import Progress
    >>> OneCycle()(Progress(epoch=0, n_samples_seen=0, fraction=np.array([0.0, 0.3, 1.0])))
    array([4.e-02, 1.e+00, 4.e-06])
    """

    completes = True
    _parameter_constraints = {
        "warmup": [Interval(Real, 0, 1, closed="neither")],
        "start": [FRACTION],
        "final": [FRACTION],
    }

    def __init__(self, warmup: float = 0.3, start: float = 0.04, final: float = 4e-6):
        self.warmup = warmup
        self.start = start
        self.final = final

    def __call__(self, progress: Progress) -> Array:
        """Return the factor of each batch."""
        rise = progress.fraction / self.warmup
        fall = (progress.fraction - self.warmup) / (1 - self.warmup)
        return np.where(rise < 1, _cosine_factor(self.start, 1.0, rise), _cosine_factor(1.0, self.final, fall))

    def is_finished(self, progress: Progress, learning_rate: float, learning_rate_init: float) -> bool:
        """Return whether ``max_iter`` epochs are over, if `final` is at most a thousandth."""
        return _training_is_over(progress) and self.final <= NEGLIGIBLE


def _training_is_over(progress: Progress) -> bool:
    return bool((progress.fraction >= 1).all())


def _cosine_factor(first: float, last: float, fraction: Array) -> Array:
    return last + (first - last) * (1 + np.cos(np.pi * np.clip(fraction, 0, 1))) / 2


SCHEDULES: dict[str, Schedule] = {
    "constant": Constant(),
    "invscaling": InverseScaling(),
    "adaptive": Adaptive(),
    "cosine": Cosine(),
    "one_cycle": OneCycle(),
}
