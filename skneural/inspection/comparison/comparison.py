"""All activations, and rates, on the same data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.base import clone, is_classifier
from sklearn.metrics import check_scoring
from sklearn.model_selection import check_cv
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.parallel import Parallel, delayed

from skneural.activations import ACTIVATIONS
from skneural.estimators import ActivationMLPClassifier, ActivationMLPRegressor
from skneural.inspection.comparison.fit_and_score import Fold, fit_and_score
from skneural.inspection.table import aligned, frame, number
from skneural.inspection.unwrapping import network_of
from skneural.preprocessing import StdScaler

Array = NDArray[Any]

# Of several names of one activation the first.
DISTINCT = list({each: name for name, each in reversed(ACTIVATIONS.items())}.values())[::-1]


@dataclass(frozen=True)
class Candidate:
    """What cross-validation found for one activation at one learning rate: means over the folds.

    Parameters
    ----------
    activation : str
        Its name, or how the object prints.
    learning_rate : float
        Value of `learning_rate_init`.
    score, score_std : float
        Mean and standard deviation of the test scores; NaN if training diverged in a fold.
    fit_time : float
        Seconds to fit, the other steps of a Pipeline included.
    epochs, seconds : float
        To the target loss; NaN if a fold never reached it.
    dead, saturated : float
        Shares of the hidden units, on the training rows.
    mean : float
        Mean hidden activation.
    n_parameters : int
        Trained parameters.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skneural.inspection import compare_activations
    >>> comparison = compare_activations(*load_iris(return_X_y=True), activations=["tanh"], learning_rates=[0.1], cv=2)
    >>> candidate = comparison.best
    >>> candidate.activation, candidate.learning_rate, candidate.dead, candidate.n_parameters
    ('tanh', 0.1, 0.0, 803)
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
    """The result of :func:`skneural.inspection.compare_activations`; prints as a table.

    Parameters
    ----------
    candidates : list of Candidate
        Activation by activation, rate by rate.
    target_loss : float
        The training loss to which epochs and seconds are counted; NaN if all training diverged.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skneural.inspection import compare_activations
    >>> X, y = load_iris(return_X_y=True)
    >>> comparison = compare_activations(X, y, activations=["relu", "elu"], learning_rates=[0.1], cv=2)
    >>> activations, rates, scores = comparison.grid("score")
    >>> activations, rates, scores.shape
    (['relu', 'elu'], [0.1], (2, 1))
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
        return f"{table}\nepochs, seconds: to a training loss of {number(self.target_loss, '.4g')}"

    __repr__ = __str__


def compare_activations(
    X: Any,
    y: Any,
    *,
    estimator: Any = None,
    activations: Sequence[Any] | None = None,
    learning_rates: Sequence[float] | None = None,
    cv: Any = 5,
    scoring: Any = None,
    target_loss: float | None = None,
    n_jobs: int | None = None,
) -> ActivationComparison:
    """Cross-validate activations, at one or several learning rates, on the same folds.

    Training that diverges is a result, a score of NaN.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Rows to train and to test on.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Their targets, as for `fit`.
    estimator : ActivationMLPClassifier, ActivationMLPRegressor or Pipeline, default=None
        What to train; None is a Pipeline of StdScaler, which does not centre sparse `X`, and, by `y`, a classifier or
        regressor with default parameters.
    activations : sequence, default=None
        Whatever the estimator's `activation` can be; None is each one that has a name.
    learning_rates : sequence of float, default=None
        Values of `learning_rate_init`; None is that of the estimator.
    cv : int, splitter or iterable, default=5
        As in :func:`sklearn.model_selection.cross_validate`.
    scoring : str or callable, default=None
        As there; None is the estimator's own score.
    target_loss : float or None, default=None
        Training loss to which epochs and seconds are counted; None is the median of the candidates' best losses, which
        half of them reach.
    n_jobs : int, default=None
        Fits at a time, as there.

    Returns
    -------
    comparison : ActivationComparison
        One candidate for each pair; it prints as a table.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skneural.inspection import compare_activations
    >>> X, y = load_iris(return_X_y=True)
    >>> comparison = compare_activations(X, y, activations=["relu", "tanh"], learning_rates=[0.01, 0.1], cv=2)
    >>> comparison.grid("score")[:2]
    (['relu', 'tanh'], [0.01, 0.1])
    """
    estimator = _default(X, y) if estimator is None else estimator
    rates = [network_of(estimator).learning_rate_init] if learning_rates is None else list(learning_rates)
    labels = _labelled(DISTINCT if activations is None else activations)
    scorer = check_scoring(estimator, scoring)
    folds = list(check_cv(cv, y, classifier=is_classifier(estimator)).split(X, y))
    trials = [(label, rate) for label in labels for rate in rates]
    found = Parallel(n_jobs=n_jobs)(
        delayed(fit_and_score)(_candidate(estimator, labels[label], rate), X, y, fold, scorer)
        for label, rate in trials
        for fold in folds
    )
    by_trial = [found[start : start + len(folds)] for start in range(0, len(found), len(folds))]
    target_loss = _median_loss(by_trial) if target_loss is None else target_loss
    candidates = [_summary(*trial, each, target_loss) for trial, each in zip(trials, by_trial, strict=True)]
    return ActivationComparison(candidates, target_loss)


def _default(X: Any, y: Any) -> Pipeline:
    regression = type_of_target(y).startswith("continuous")
    network = (ActivationMLPRegressor if regression else ActivationMLPClassifier)(random_state=0)
    return make_pipeline(StdScaler(with_mean=not issparse(X)), network)


def _labelled(activations: Sequence[Any]) -> dict[str, Any]:
    if isinstance(activations, str) or not len(activations):
        raise ValueError(f"activations must be a sequence of at least one activation. Got {activations!r} instead.")
    return {str(each): each for each in activations}


def _candidate(estimator: Any, activation: Any, rate: float) -> Any:
    prefix = f"{estimator.steps[-1][0]}__" if isinstance(estimator, Pipeline) else ""
    return clone(estimator).set_params(**{f"{prefix}activation": activation, f"{prefix}learning_rate_init": rate})


def _median_loss(by_trial: Sequence[Sequence[Fold]]) -> float:
    """Return the median of the best losses, over the candidates that did not diverge."""
    losses = np.array([np.mean([fold.best_loss for fold in folds]) for folds in by_trial])
    finite = losses[np.isfinite(losses)]
    return float(np.median(finite)) if finite.size else math.nan


def _summary(activation: str, rate: float, folds: Sequence[Fold], target_loss: float) -> Candidate:
    reached = np.array([fold.reached(target_loss) for fold in folds])
    names = ("fit_time", "dead", "saturated", "mean")
    means = {name: float(np.mean([getattr(fold, name) for fold in folds])) for name in names}
    return Candidate(
        activation=activation,
        learning_rate=rate,
        score=float(np.mean([fold.score for fold in folds])),
        score_std=float(np.std([fold.score for fold in folds])),
        epochs=float(reached[:, 0].mean()),
        seconds=float(reached[:, 1].mean()),
        n_parameters=folds[0].n_parameters,
        **means,
    )


def _cells(each: Candidate) -> list[str]:
    score = [number(each.score, ".4f"), number(each.score_std, ".4f")]
    reached = [number(each.epochs, ".0f"), number(each.seconds, ".2f")]
    units = [number(each.dead, ".0%"), number(each.saturated, ".0%"), number(each.mean, ".2g")]
    rate, fit_time = f"{each.learning_rate:g}", f"{each.fit_time:.2f}"
    return [each.activation, rate, *score, fit_time, *reached, *units, f"{each.n_parameters}"]
