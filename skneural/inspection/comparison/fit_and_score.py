"""One training of a comparison, and what is to be known of it."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from skneural._sklearn_compat import _safe_indexing
from skneural.estimators import DeadUnitsWarning
from skneural.inspection.units.report import UnitReport, unit_report
from skneural.inspection.unwrapping import network_of
from skneural.solvers import DivergenceError

Array = NDArray[Any]


@dataclass(frozen=True)
class Fold:
    """What training on the rows of one fold came to.

    Parameters
    ----------
    score : float
        On the rows that were left out; NaN if training diverged.
    fit_time : float
        Seconds.
    losses, seconds : ndarray of shape (n_epochs,)
        Training loss of each epoch, and seconds since the beginning.
    dead, saturated, mean : float
        Of all hidden units, on the training rows.
    n_parameters : int
        Trained parameters.
    """

    score: float
    fit_time: float
    losses: Array
    seconds: Array
    dead: float
    saturated: float
    mean: float
    n_parameters: int

    @property
    def best_loss(self) -> float:
        """The smallest training loss; infinite if no epoch was finished."""
        return float(self.losses.min(initial=math.inf))

    def reached(self, target_loss: float) -> tuple[float, float]:
        """Return the epochs and seconds until the training loss was at most the target; NaN if it never was."""
        below = np.flatnonzero(self.losses <= target_loss)
        return (float(below[0] + 1), float(self.seconds[below[0]])) if below.size else (math.nan, math.nan)


def fit_and_score(
    estimator: Any, X: Any, y: Any, fold: tuple[Array, Array], scorer: Callable[[Any, Any, Any], float]
) -> Fold:
    """Fit an estimator, or Pipeline, on the first part of a fold and judge it by the second.

    What would be warned of (dead units, the end of the epochs) is part of the result instead.
    """
    (X_train, y_train), (X_test, y_test) = ((_safe_indexing(X, rows), _safe_indexing(y, rows)) for rows in fold)
    started = time.perf_counter()
    finished = _fit(estimator, X_train, y_train)
    fit_time = time.perf_counter() - started
    network = network_of(estimator)
    return Fold(
        score=float(scorer(estimator, X_test, y_test)) if finished else math.nan,
        fit_time=fit_time,
        losses=np.array(network.loss_curve_),
        seconds=np.cumsum(network.history_["seconds"]),
        n_parameters=network._network.layout.n_trainable,
        **_overall(unit_report(estimator, X_train)),
    )


def _fit(estimator: Any, X: Any, y: Any) -> bool:
    """Fit; return whether it did not diverge."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", DeadUnitsWarning)
        try:
            estimator.fit(X, y)
        except DivergenceError:
            return False
    return True


def _overall(report: UnitReport) -> dict[str, float]:
    """Return the means over all hidden units; NaN if there are none."""
    names = ("dead", "saturated", "mean")
    if not report.layers:
        return dict.fromkeys(names, math.nan)
    weights = [layer.n_units for layer in report.layers]
    values = [[getattr(layer, name) for name in names] for layer in report.layers]
    return dict(zip(names, np.average(values, axis=0, weights=weights).tolist(), strict=True))
