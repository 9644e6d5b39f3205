"""What happens between epochs: validation, early stopping, callbacks; and the best parameters so far."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from skneural.network import Objective
from skneural.solvers.early_stopping import EarlyStopping


class TrainingMonitor:
    """Validates after each epoch, keeps the best parameters, and asks callbacks whether to stop.

    Parameters
    ----------
    objective : Objective
        Its state is kept and restored.
    early_stopping : EarlyStopping
        Counts the epochs without progress.
    validate : callable or None, default=None
        () -> (loss, score) on the validation rows at the present parameters; a larger score is better.
    use_score : bool, default=False
        What counts as progress, and which parameters are the best. True: the score; the best parameters are those at
        the end of the epoch with the best score, and while no score was finite the latest ones. False: the training
        loss; since it is measured on the way to the end of an epoch, the best parameters are those at the beginning of
        the epoch with the smallest loss.
    callbacks : sequence of callable
        Called with each :class:`Epoch`, when it ends; training stops when one returns True.
    record : callable or None, default=None
        Called with each :class:`Epoch` too, but for epochs that run in one native call only after all of them.

    Attributes
    ----------
    best_state, epoch_start_state : ndarray of shape (n_parameters,)
        Copies of the objective's state: the best so far, and, unless `use_score`, that at the beginning of the epoch.
    latest_is_best : bool
        Whether the best state is that at the end of the latest epoch, which is told by scores alone.

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
        early_stopping: EarlyStopping,
        validate: Callable[[], tuple[float, float]] | None = None,
        use_score: bool = False,
        callbacks: Sequence[Callable[[Epoch], Any]] = (),
        record: Callable[[Epoch], Any] | None = None,
    ):
        self.objective, self.early_stopping, self.use_score = objective, early_stopping, use_score
        self._validate, self.callbacks, self._record = validate, callbacks, record
        self.best_state, self.epoch_start_state = objective.state.copy(), objective.state.copy()
        self.latest_is_best = False

    @property
    def can_defer_epochs(self) -> bool:
        """Whether several epochs may run before any is reported: there is no validation, no callback, no own class."""
        built_in = type(self) is TrainingMonitor and type(self.early_stopping) is EarlyStopping
        return built_in and self._validate is None and not (self.callbacks or self.use_score)

    def on_epoch_begin(self) -> None:
        """Keep the state that the epoch begins with."""
        if not self.use_score:
            np.copyto(self.epoch_start_state, self.objective.state)

    def validation(self) -> dict[str, float]:
        """Return the validation's part of an :class:`Epoch`."""
        return {} if self._validate is None else dict(zip(("validation_loss", "score"), self._validate(), strict=True))

    def on_epoch_end(self, epoch: Epoch) -> bool:
        """Keep the best state, and report the epoch; return whether a callback asks to stop."""
        self._keep_best_state(epoch)
        if self._record is not None:
            self._record(epoch)
        requests = [bool(callback(epoch)) for callback in self.callbacks]
        return any(requests)

    def _keep_best_state(self, epoch: Epoch) -> None:
        """Tell early stopping the score or the loss; keep the state that it belongs to, if it is the best so far."""
        monitored = -epoch.score if self.use_score and epoch.score is not None else epoch.loss
        improved = self.early_stopping.update(monitored)
        self.latest_is_best = self.use_score and (improved or self.early_stopping.best == math.inf)
        if self.latest_is_best:
            np.copyto(self.best_state, self.objective.state)
        elif improved:
            np.copyto(self.best_state, self.epoch_start_state)

    def on_deferred_epoch_end(self, epoch: Epoch) -> None:
        """Report an epoch of a native call that is over, and that has kept the best state itself."""
        self.early_stopping.update(epoch.loss)
        if self._record is not None:
            self._record(epoch)

    def get_state(self) -> dict[str, Any]:
        """Return what is needed to continue later, as plain values.

        The best parameters are included only where they differ from the present ones. After they were restored they do
        not, and a large network is not kept, nor pickled, twice.

        Returns
        -------
        state : dict
            The smallest value so far, the epochs since then, and the best parameters or None.
        """
        differs = self.use_score and not np.array_equal(self.best_state, self.objective.state)
        best_state = self.best_state if differs else None
        return {"best": self.early_stopping.best, "count": self.early_stopping.count, "best_state": best_state}

    def set_state(self, state: dict[str, Any]) -> None:
        """Continue where :meth:`get_state` was called; the objective must have the parameters of that time."""
        self.early_stopping.best, self.early_stopping.count = state["best"], state["count"]
        if self.use_score and state["best_state"] is not None:
            self.best_state = state["best_state"].copy()

    def restore_best(self) -> None:
        """Restore the best parameters, and the running statistics that belong to them."""
        np.copyto(self.objective.state, self.best_state)


@dataclass(frozen=True)
class Epoch:
    """Results of one pass over the training set, or of one iteration of lbfgs; NaN where unknown.

    Parameters
    ----------
    number : int
        Counted from 1.
    loss : float
        Mean loss during the epoch, plus the penalties at its end.
    seconds : float
        Wall time. Epochs that ran in one native call share its time equally.
    learning_rate : float
        Learning rate of the last batch.
    gradient_norm : float
        Euclidean norm of the last batch's gradient, before clipping.
    update_ratio : float
        Norm of the last step over the norm of the parameters; around 1e-3 is usual.
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
