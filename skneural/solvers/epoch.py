"""What is reported of an epoch."""

from __future__ import annotations

from dataclasses import dataclass


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
