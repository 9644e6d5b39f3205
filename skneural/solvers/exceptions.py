"""Exceptions that end training: divergence, and the user's Ctrl-C."""

from __future__ import annotations


class DivergenceError(ValueError):
    """Training diverged: the loss or a parameter is not finite any more.

    Attributes
    ----------
    epoch : int
        The epoch, counted from 1, in which it happened.
    learning_rate : float or None
        The learning rate at that time; None for lbfgs.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural import ActivationMLPRegressor, DivergenceError
    >>> X, y = np.arange(20.0)[:, None], np.arange(20.0)
    >>> try:
    ...     ActivationMLPRegressor(activation="elu", solver="sgd", learning_rate_init=100.0, random_state=0).fit(X, y)
    ... except DivergenceError as error:
    ...     print("learning rate", error.learning_rate)
    learning rate 100.0
    """

    epoch: int
    learning_rate: float | None

    @classmethod
    def at(cls, epoch: int, learning_rate: float | None) -> DivergenceError:
        """Return the error with its message."""
        rate = "" if learning_rate is None else f" at learning rate {learning_rate:.3g}"
        remedy = ""
        if learning_rate is not None:
            remedy = f", lower learning_rate_init (below {learning_rate / 3:.1g}), bound the gradient (clip_norm)"
        error = cls(
            "Solver produced non-finite parameter weights. The input data may contain large values and need to be "
            f"preprocessed. Training diverged in epoch {epoch}{rate}; the best finite weights so far are kept. "
            f"Scale the input (StdScaler){remedy} or raise alpha."
        )
        error.epoch, error.learning_rate = epoch, learning_rate
        return error


class TrainingInterrupted(KeyboardInterrupt):
    """The user interrupted training (Ctrl-C); the estimator keeps what was learned until then and can be used.

    A KeyboardInterrupt, so that whatever called `fit` stops as well: a Pipeline, a search, a script.

    Examples
    --------
    >>> from skneural.solvers import TrainingInterrupted
    >>> print(TrainingInterrupted.after(7))
    Training was interrupted after 7 full epochs. The estimator keeps what it has learned so far and can be used; to go
    on, call partial_fit, or fit with warm_start=True.
    """

    @classmethod
    def after(cls, n_iter: int, remedy: str = "call partial_fit, or fit with warm_start=True") -> TrainingInterrupted:
        """Return the error with its message, after so many epochs; `remedy` says how training goes on."""
        return cls(
            f"Training was interrupted after {n_iter} full epochs. The estimator keeps what it has learned so far and "
            f"can be used; to go on, {remedy}."
        )
