"""Who looks on while a solver works: validation, the best parameters so far, guests."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from skneural.network import Objective
from skneural.solvers.early_stopping import EarlyStopping


@dataclass(frozen=True)
class Epoch:
    """What one pass over the training set (one iteration of lbfgs) came to; NaN where it is not known.

    Parameters
    ----------
    number : int
        Counted from 1.
    loss : float
        Mean loss during the epoch, plus the penalties at its end.
    seconds : float
        Wall time. Epochs that were one native call share theirs equally.
    learning_rate : float
        Learning rate of the last batch.
    gradient_norm : float
        Euclidean norm of the last batch's gradient, before clipping.
    update_ratio : float
        Length of the last step relative to the length of the parameter vector; around 1e-3 is usual.
    validation_loss, score : float or None
        Mean loss and score on the validation rows at the end; None without validation rows.

    Examples
    --------
    >>> from skneural.solvers import Epoch
    >>> epoch = Epoch(number=3, loss=0.25, seconds=0.1)
    >>> epoch.loss, epoch.validation_loss
    (0.25, None)
    """

    number: int
    loss: float
    seconds: float
    learning_rate: float = float("nan")
    gradient_norm: float = float("nan")
    update_ratio: float = float("nan")
    validation_loss: float | None = None
    score: float | None = None


class TrainingMonitor:
    """Validates, keeps the best parameters, and tells when training stalls or a guest wants it to end.

    Parameters
    ----------
    objective : Objective
        Its state is what is kept and restored.
    stopping : Stopping
        Counts the epochs without progress.
    validate : callable or None, default=None
        () -> (loss, score) on the validation rows at the present parameters; a larger score is better.
    early_stopping : bool, default=False
        Whether stalling is judged by the score, instead of by the training loss, and the best parameters are restored
        at the end. While no score was a finite number, the latest parameters count as the best. The score is that of
        the parameters at an epoch's end; the loss was measured on the way there, so that without a score the best
        parameters are those with which the best epoch began.
    callbacks : sequence of callable
        Called with each :class:`Epoch`, when it ends; training ends when one returns True.
    record : callable or None, default=None
        Called with each :class:`Epoch` as well, but perhaps only when some more have ended.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.losses import SquaredError
    >>> from skneural.network import Network, Objective, TrainingRows
    >>> from skneural.solvers import Epoch, EarlyStopping, TrainingMonitor
    >>> X = np.linspace(-1, 1, 20)[:, None]
    >>> line = Network.zeros([1, 1], [], X.dtype)
    >>> objective = Objective(line, SquaredError(), [], TrainingRows(X, 3 * X + 1), n_rows=20)
    >>> monitor = TrainingMonitor(objective, EarlyStopping(0.0, 10), callbacks=[lambda epoch: epoch.loss < 0.1])
    >>> monitor.on_epoch_end(Epoch(1, loss=0.5, seconds=0.1)), monitor.on_epoch_end(Epoch(2, loss=0.05, seconds=0.1))
    (False, True)
    """

    def __init__(
        self,
        objective: Objective,
        stopping: EarlyStopping,
        validate: Callable[[], tuple[float, float]] | None = None,
        early_stopping: bool = False,
        callbacks: Sequence[Callable[[Epoch], Any]] = (),
        record: Callable[[Epoch], Any] | None = None,
    ):
        self.objective, self.stopping, self.callbacks = objective, stopping, callbacks
        self.early_stopping = early_stopping
        self._validate, self._record = validate, record
        self.best_state = objective.state.copy()
        self.epoch_start_state = objective.state.copy()

    @property
    def can_defer_epochs(self) -> bool:
        """Whether epochs may be told of when some more have ended: nothing is validated, and nobody else has a say."""
        own = type(self) is TrainingMonitor and type(self.stopping) is EarlyStopping
        return own and self._validate is None and not (self.callbacks or self.early_stopping)

    def on_epoch_begin(self) -> None:
        """Take note that an epoch begins."""
        if not self.early_stopping:
            np.copyto(self.epoch_start_state, self.objective.state)

    def validation(self) -> dict[str, float]:
        """Return the validation's part of an :class:`Epoch`."""
        return {} if self._validate is None else dict(zip(("validation_loss", "score"), self._validate(), strict=True))

    def on_epoch_end(self, epoch: Epoch) -> bool:
        """Take note of an epoch; return whether a guest wants it to be the last."""
        monitored = -epoch.score if self.early_stopping and epoch.score is not None else epoch.loss
        improved = self.stopping.update(monitored)
        if self.early_stopping and (improved or self.stopping.best == math.inf):
            np.copyto(self.best_state, self.objective.state)
        elif improved:
            self.best_state, self.epoch_start_state = self.epoch_start_state, self.best_state
        if self._record is not None:
            self._record(epoch)
        asked = [bool(callback(epoch)) for callback in self.callbacks]
        return any(asked)

    def get_state(self) -> dict[str, Any]:
        """Return what is needed to go on watching later, as plain values.

        The best parameters are among them only where they are not the present ones, as they are once restored: a
        large network is then not kept, nor pickled, twice.

        Returns
        -------
        state : dict
            The smallest value so far, the epochs since then, and the best parameters or None.
        """
        kept = self.early_stopping and not np.array_equal(self.best_state, self.objective.state)
        best_state = self.best_state if kept else None
        return {"best": self.stopping.best, "count": self.stopping.count, "best_state": best_state}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`get_state` was called; the objective must have the parameters of then."""
        self.stopping.best, self.stopping.count = state["best"], state["count"]
        if self.early_stopping and state["best_state"] is not None:
            self.best_state = state["best_state"].copy()

    def restore_best(self) -> None:
        """Bring the parameters of the best epoch back."""
        np.copyto(self.objective.state, self.best_state)
