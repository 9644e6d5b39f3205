"""All activations, and rates, on the same data."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, FitFailedWarning
from sklearn.model_selection import cross_validate
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils.multiclass import type_of_target

from skneural.activations import ACTIVATIONS
from skneural.estimators import ActivationMLPClassifier, ActivationMLPRegressor, DeadUnitsWarning
from skneural.inspection.table import aligned, frame
from skneural.inspection.unit_report import unit_report
from skneural.preprocessing import StdScaler

Array = NDArray[Any]


@dataclass(frozen=True)
class Candidate:
    """What cross-validation found for one activation at one learning rate: means over the folds.

    Parameters
    ----------
    activation : str
    learning_rate : float
    score, score_std : float
        Mean and standard deviation of the test scores; NaN if training failed in a fold.
    fit_time : float
        Seconds to fit.
    epochs, seconds : float
        To the target loss; NaN if a fold never reached it.
    dead, saturated : float
        Shares of the hidden units.
    mean : float
        Mean hidden activation.
    n_parameters : int
        Trained parameters.
    """

    activation: str
    learning_rate: float
    score: float
    score_std: float
    fit_time: float
    epochs: float
    seconds: float
    dead: float
    saturated: float
    mean: float
    n_parameters: int


@dataclass(frozen=True)
class ActivationComparison:
    """The result of :func:`compare_activations`; prints as a table.

    Parameters
    ----------
    candidates : list of Candidate
        Activation by activation, rate by rate.
    target_loss : float
        The training loss to which epochs and seconds are counted.
    """

    candidates: list[Candidate]
    target_loss: float

    @property
    def best(self) -> Candidate:
        """The candidate of the highest score."""
        return max(self.candidates, key=lambda each: -math.inf if math.isnan(each.score) else each.score)

    def grid(self, column: str = "score") -> tuple[list[str], list[float], Array]:
        """Return activations, learning rates, and one column as an array of shape (n_activations, n_rates)."""
        activations = list(dict.fromkeys(each.activation for each in self.candidates))
        rates = list(dict.fromkeys(each.learning_rate for each in self.candidates))
        values = np.array([getattr(each, column) for each in self.candidates], dtype=float)
        return activations, rates, values.reshape(len(activations), len(rates))

    def to_frame(self) -> Any:
        """Return a pandas DataFrame with one row per candidate."""
        return frame([asdict(each) for each in self.candidates])

    def __str__(self) -> str:
        header = ["activation", "rate", "score", "±", "fit s", "epochs", "seconds", "dead", "saturated", "mean"]
        table = aligned([*header, "parameters"], [_cells(each) for each in self.candidates])
        return f"{table}\nepochs and seconds: to a training loss of {self.target_loss:.4g}"

    __repr__ = __str__


def compare_activations(
    X: Any,
    y: Any,
    *,
    estimator: Any = None,
    activations: Sequence[Any] | None = None,
    learning_rates: Sequence[float] = (0.001,),
    cv: Any = 5,
    scoring: Any = None,
    target_loss: float | None = None,
    n_jobs: int | None = None,
) -> ActivationComparison:
    """Cross-validate activations, at several learning rates, on the same folds.

    Parameters
    ----------
    X, y : array-like
        Data.
    estimator : estimator or Pipeline, default=None
        What to train; None is StdScaler and a network with default parameters, classifier or regressor by `y`.
    activations : sequence of str or Activation, default=None
        None is all that have a name.
    learning_rates : sequence of float, default=(0.001,)
        Values of `learning_rate_init`.
    cv, scoring, n_jobs
        As in :func:`sklearn.model_selection.cross_validate`.
    target_loss : float or None, default=None
        Training loss to which epochs and seconds are counted; None is the median of the candidates' best losses, so
        that half of them reach it.

    Returns
    -------
    comparison : ActivationComparison

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skneural.inspection import compare_activations
    >>> X, y = load_iris(return_X_y=True)
    >>> comparison = compare_activations(X, y, activations=["relu", "tanh"], learning_rates=[0.01, 0.1], cv=2)
    >>> len(comparison.candidates)
    4
    >>> comparison.grid("score")[2].shape
    (2, 2)
    """
    estimator = _default(y) if estimator is None else estimator
    prefix = f"{estimator.steps[-1][0]}__" if isinstance(estimator, Pipeline) else ""
    chosen = list(ACTIVATIONS.values()) if activations is None else list(activations)
    runs = []
    for activation in {repr(each): each for each in chosen}.values():
        for rate in learning_rates:
            candidate = clone(estimator).set_params(
                **{f"{prefix}activation": activation, f"{prefix}learning_rate_init": rate}
            )
            found = _cross_validated(candidate, X, y, cv=cv, scoring=scoring, n_jobs=n_jobs)
            runs.append((str(activation), rate, found))
    if target_loss is None:
        losses = [_best_loss(found) for _, _, found in runs]
        target_loss = float(np.nanmedian(losses)) if not np.isnan(losses).all() else math.nan
    return ActivationComparison([_candidate(*run, X, target_loss) for run in runs], target_loss)


def _default(y: Any) -> Pipeline:
    kind = type_of_target(y)
    network = ActivationMLPRegressor if kind.startswith("continuous") else ActivationMLPClassifier
    return make_pipeline(StdScaler(), network(random_state=0))


def _cross_validated(candidate: Any, X: Any, y: Any, **how: Any) -> dict[str, Any]:
    with warnings.catch_warnings():
        for category in (ConvergenceWarning, DeadUnitsWarning, FitFailedWarning):
            warnings.simplefilter("ignore", category)
        return cross_validate(candidate, X, y, return_estimator=True, **how)


def _networks(found: dict[str, Any]) -> list[Any]:
    return [each[-1] if isinstance(each, Pipeline) else each for each in found["estimator"]]


def _best_loss(found: dict[str, Any]) -> float:
    return float(np.mean([min(network.loss_curve_, default=math.nan) for network in _networks(found)]))


def _candidate(activation: str, rate: float, found: dict[str, Any], X: Any, target_loss: float) -> Candidate:
    layers = [layer for fitted in found["estimator"] for layer in unit_report(fitted, X).layers]
    weights = [layer.n_units for layer in layers]
    reached = [_reached(network, target_loss) for network in _networks(found)]
    return Candidate(
        activation=activation,
        learning_rate=rate,
        score=float(np.mean(found["test_score"])),
        score_std=float(np.std(found["test_score"])),
        fit_time=float(np.mean(found["fit_time"])),
        epochs=float(np.mean([epochs for epochs, _ in reached])),
        seconds=float(np.mean([seconds for _, seconds in reached])),
        **{
            name: float(np.average([getattr(layer, name) for layer in layers], weights=weights))
            for name in ("dead", "saturated", "mean")
        },
        n_parameters=_networks(found)[0]._network.layout.n_trained,
    )


def _reached(network: Any, target_loss: float) -> tuple[float, float]:
    """Return the epochs and seconds after which the training loss was at most the target."""
    below = np.flatnonzero(np.array(network.loss_curve_) <= target_loss)
    if not below.size:
        return math.nan, math.nan
    epoch = int(below[0]) + 1
    return float(epoch), float(np.sum(network.history_["seconds"][:epoch]))


def _cells(each: Candidate) -> list[str]:
    cells = [f"{each.learning_rate:g}", f"{each.score:.4f}", f"{each.score_std:.4f}", f"{each.fit_time:.2f}"]
    cells += [f"{each.epochs:.0f}", f"{each.seconds:.2f}", f"{each.dead:.0%}", f"{each.saturated:.0%}"]
    return [each.activation, *cells, f"{each.mean:.2f}", f"{each.n_parameters}"]
