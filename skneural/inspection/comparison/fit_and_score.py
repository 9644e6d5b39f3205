"""One fit of a comparison: train on the training rows of a split, score on its test rows, and take the time."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from skneural._sklearn_compat import _safe_indexing
from skneural.estimators import DeadUnitsWarning
from skneural.inspection.units.unit_report import average_over_units, unit_report
from skneural.inspection.unwrapping import final_estimator
from skneural.solvers import DivergenceError

Array = NDArray[Any]
Scorer = Callable[[Any, Any, Any], Any]


@dataclass(frozen=True)
class FitResult:
    """The result of one fit.

    Parameters
    ----------
    score : float
        Score on the test rows; NaN if training diverged.
    fit_time : float
        Seconds to fit.
    losses : ndarray of shape (n_epochs,)
        Training loss of each epoch.
    seconds : ndarray of shape (n_epochs,)
        Seconds from the start of training to the end of each epoch.
    dead, saturated : float
        Fractions of all hidden units, on the training rows.
    mean_activation : float
        Mean over all hidden units, on the training rows.
    n_parameters : int
        Number of trained parameters.
    """

    score: float
    fit_time: float
    losses: Array
    seconds: Array
    dead: float
    saturated: float
    mean_activation: float
    n_parameters: int

    @property
    def min_loss(self) -> float:
        """The smallest training loss; infinite if no epoch was completed."""
        return float(self.losses.min(initial=math.inf))

    def time_to_loss(self, target_loss: float) -> tuple[float, float]:
        """Return the epochs and the seconds until the training loss reached the target; NaN if it never did."""
        reached = np.flatnonzero(self.losses <= target_loss)
        return (float(reached[0] + 1), float(self.seconds[reached[0]])) if reached.size else (math.nan, math.nan)


def fit_and_score(estimator: Any, X: Any, y: Any, split: tuple[Array, Array], scorer: Scorer) -> FitResult:
    """Fit an estimator or Pipeline on the training rows of a split, and score it on the test rows.

    Warnings of dead units and of too few epochs are silenced, because the result contains both.

    Parameters
    ----------
    estimator : ActivationMLPClassifier, ActivationMLPRegressor or Pipeline
        It is fitted in place.
    X, y : array-like
        All rows and their targets.
    split : tuple of ndarray of int
        Indices of the training rows and of the test rows.
    scorer : callable
        Called as ``scorer(estimator, X_test, y_test)``; must return one number.
    """
    (X_train, y_train), (X_test, y_test) = ((_safe_indexing(X, rows), _safe_indexing(y, rows)) for rows in split)
    start = time.perf_counter()
    diverged = _fit_or_diverge(estimator, X_train, y_train)
    fit_time = time.perf_counter() - start
    score = math.nan if diverged else _score(scorer, estimator, X_test, y_test)
    network = final_estimator(estimator)
    losses, seconds = np.array(network.loss_curve_), np.cumsum(network.history_["seconds"])
    dead, saturated, mean = average_over_units(unit_report(estimator, X_train), ("dead", "saturated", "mean"))
    return FitResult(score, fit_time, losses, seconds, dead, saturated, mean, network._network.layout.n_trainable)


def _fit_or_diverge(estimator: Any, X: Any, y: Any) -> bool:
    """Fit, and return whether training diverged."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", DeadUnitsWarning)
        try:
            estimator.fit(X, y)
        except DivergenceError:
            return True
    return False


def _score(scorer: Scorer, estimator: Any, X: Any, y: Any) -> float:
    score = _call_scorer(scorer, estimator, X, y)
    score = score.item() if isinstance(score, np.generic | np.ndarray) and score.size == 1 else score
    if not isinstance(score, Real):
        raise TypeError(
            f"scoring, called as scoring(estimator, X, y), must return one number. Got {score!r}, of type "
            f"{type(score).__name__}, from {scorer!r}."
        )
    return float(score)


def _call_scorer(scorer: Scorer, estimator: Any, X: Any, y: Any) -> Any:
    try:
        return scorer(estimator, X, y)
    except (AttributeError, TypeError) as error:  # a score of probabilities for a regressor, or a wrong signature
        raise TypeError(
            f"scoring, called as scoring(estimator, X, y), does not suit this estimator: {error}. Got {scorer!r}."
        ) from error
