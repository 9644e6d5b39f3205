"""Compare activations, at one or several learning rates, by cross-validation on the same splits."""

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
from skneural.custom_component_checks import check_activations
from skneural.estimators import ActivationMLPClassifier, ActivationMLPRegressor
from skneural.estimators.base import BaseActivationMLP
from skneural.estimators.builder import TrainingBuilder
from skneural.inspection.comparison.fit_and_score import FitResult, fit_and_score
from skneural.inspection.text_tables import data_frame, format_or_dash, text_table
from skneural.inspection.unwrapping import final_estimator
from skneural.preprocessing import StdScaler

Array = NDArray[Any]

# One name for each activation: the first, if it has several.
ACTIVATION_NAMES = list({each: name for name, each in reversed(ACTIVATIONS.items())}.values())[::-1]


AVERAGED_OVER_SPLITS = ("score", "fit_time", "dead", "saturated", "mean_activation")

COMPARISON_HEADER = ["activation", "rate", "score", "±", "fit s", "epochs", "seconds", "dead", "saturated", "mean"]
COMPARISON_HEADER += ["parameters"]
# How the table prints the numbers of a candidate, in the order of its columns.
CANDIDATE_FORMATS = {
    "score": ".4f",
    "score_std": ".4f",
    "fit_time": ".3f",
    "epochs_to_target": ".0f",
    "seconds_to_target": ".3f",
    "dead": ".0%",
    "saturated": ".0%",
    "mean_activation": ".2g",
}


@dataclass(frozen=True)
class Candidate:
    """One activation at one learning rate: averages over the splits of cross-validation.

    Parameters
    ----------
    activation : str
        Name of the activation; of an object, its repr.
    learning_rate : float
        Value of `learning_rate_init`.
    score, score_std : float
        Mean and standard deviation of the test scores; NaN if training diverged in one of the splits.
    fit_time : float
        Seconds to fit, including the other steps of a Pipeline.
    epochs_to_target, seconds_to_target : float
        Epochs and seconds until the training loss reached the target loss; NaN if it did not in one of the splits.
    dead, saturated : float
        Fractions of the hidden units, on the training rows.
    mean_activation : float
        Mean over the hidden units, on the training rows.
    n_parameters : int
        Number of trained parameters.

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
    epochs_to_target: float
    seconds_to_target: float
    dead: float
    saturated: float
    mean_activation: float
    n_parameters: int


@dataclass(frozen=True)
class ActivationComparison:
    """The result of :func:`skneural.inspection.compare_activations`. Print it to see a table.

    Parameters
    ----------
    candidates : list of Candidate
        All learning rates of the first activation, then those of the next one.
    target_loss : float
        The training loss for `epochs_to_target` and `seconds_to_target`; NaN if every fit diverged.

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
        """The candidate with the highest score."""
        return max(self.candidates, key=lambda candidate: -math.inf if math.isnan(candidate.score) else candidate.score)

    def grid(self, column: str = "score") -> tuple[list[str], list[float], Array]:
        """Return the activations, the learning rates, and one column as an array of shape (n_activations, n_rates)."""
        activations = list(dict.fromkeys(candidate.activation for candidate in self.candidates))
        rates = list(dict.fromkeys(candidate.learning_rate for candidate in self.candidates))
        values = np.array([getattr(candidate, column) for candidate in self.candidates], dtype=float)
        return activations, rates, values.reshape(len(activations), len(rates))

    def to_frame(self) -> Any:
        """Return a pandas DataFrame with one row per candidate."""
        return data_frame([asdict(candidate) for candidate in self.candidates])

    def __str__(self) -> str:
        table = text_table(COMPARISON_HEADER, [_candidate_row(candidate) for candidate in self.candidates])
        return f"{table}\nepochs, seconds: until the training loss reached {format_or_dash(self.target_loss, '.4g')}"

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
    """Cross-validate activations, at one or several learning rates, on the same splits.

    A fit that diverges does not raise an error: its score is NaN.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Rows for training and testing.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Targets, as for `fit`.
    estimator : ActivationMLPClassifier, ActivationMLPRegressor or Pipeline, default=None
        The estimator to fit. None uses a Pipeline of StdScaler and, depending on `y`, a classifier or a regressor with
        default parameters. With sparse `X`, that StdScaler does not centre.
    activations : sequence, default=None
        Values for the estimator's `activation`. None uses every activation that has a name.
    learning_rates : sequence of float, default=None
        Values for the estimator's `learning_rate_init`. None uses its present value.
    cv : int, splitter or iterable, default=5
        As in :func:`sklearn.model_selection.cross_validate`.
    scoring : str or callable, default=None
        The name of a scorer, or a callable ``scoring(estimator, X, y)`` that returns one number. None uses the
        estimator's `score` method.
    target_loss : float or None, default=None
        Training loss for `epochs_to_target` and `seconds_to_target`. None uses the median of the candidates' smallest
        losses, so that half of the candidates reach it.
    n_jobs : int, default=None
        Number of fits to run in parallel, as in scikit-learn.

    Returns
    -------
    comparison : ActivationComparison
        One candidate per activation and learning rate. Print it to see a table.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skneural.inspection import compare_activations
    >>> X, y = load_iris(return_X_y=True)
    >>> comparison = compare_activations(X, y, activations=["relu", "tanh"], learning_rates=[0.01, 0.1], cv=2)
    >>> comparison.grid("score")[:2]
    (['relu', 'tanh'], [0.01, 0.1])
    """
    estimator = _default_estimator(X, y) if estimator is None else estimator
    default_rates = [final_estimator(estimator).learning_rate_init]
    rates = _list_compared(learning_rates, "learning_rates", "learning rate", default_rates)
    activations = _list_compared(activations, "activations", "activation", ACTIVATION_NAMES)
    for activation in activations:
        _check_activation(final_estimator(_with_params(estimator, activation, rates[0])))
    scorer, splits = check_scoring(estimator, scoring), _list_splits(estimator, X, y, cv)
    by_name = {str(activation): activation for activation in activations}
    pairs = [(name, rate) for name in by_name for rate in rates]
    results = Parallel(n_jobs=n_jobs)(
        delayed(fit_and_score)(_with_params(estimator, by_name[name], rate), X, y, split, scorer)
        for name, rate in pairs
        for split in splits
    )
    by_pair = [results[start : start + len(splits)] for start in range(0, len(results), len(splits))]
    target_loss = _median_of_min_losses(by_pair) if target_loss is None else target_loss
    candidates = [_average_over_splits(*pair, fits, target_loss) for pair, fits in zip(pairs, by_pair, strict=True)]
    return ActivationComparison(candidates, target_loss)


def _default_estimator(X: Any, y: Any) -> Pipeline:
    regression = type_of_target(y).startswith("continuous")
    network = (ActivationMLPRegressor if regression else ActivationMLPClassifier)(random_state=0)
    return make_pipeline(StdScaler(with_mean=not issparse(X)), network)


def _list_compared(compared: Any, parameter: str, element: str, default: list[Any]) -> list[Any]:
    """Return the activations or the learning rates to compare."""
    if compared is None:
        return default
    if isinstance(compared, str) or not np.iterable(compared) or not (listed := list(compared)):
        raise ValueError(f"{parameter} must be a sequence of at least one {element}. Got {compared!r} instead.")
    return listed


def _list_splits(estimator: Any, X: Any, y: Any, cv: Any) -> list[tuple[Array, Array]]:
    splits = list(check_cv(cv, y, classifier=is_classifier(estimator)).split(X, y))
    if not splits:
        raise ValueError(f"cv must give at least one split. Got {cv!r}, which gives none.")
    return splits


def _check_activation(network: BaseActivationMLP) -> None:
    network._validate_params()
    builder = TrainingBuilder(network)
    check_activations(builder.activations, builder.hidden_sizes)


def _with_params(estimator: Any, activation: Any, rate: float) -> Any:
    prefix = f"{estimator.steps[-1][0]}__" if isinstance(estimator, Pipeline) else ""
    return clone(estimator).set_params(**{f"{prefix}activation": activation, f"{prefix}learning_rate_init": rate})


def _median_of_min_losses(by_pair: Sequence[Sequence[FitResult]]) -> float:
    """Return the median of the candidates' smallest losses, without those that diverged."""
    min_losses = np.array([np.mean([fit.min_loss for fit in fits]) for fits in by_pair])
    finite_losses = min_losses[np.isfinite(min_losses)]
    return float(np.median(finite_losses)) if finite_losses.size else math.nan


def _average_over_splits(activation: str, rate: float, fits: Sequence[FitResult], target_loss: float) -> Candidate:
    means = {name: float(np.mean([getattr(fit, name) for fit in fits])) for name in AVERAGED_OVER_SPLITS}
    score_std = float(np.std([fit.score for fit in fits]))
    epochs, seconds = zip(*(fit.time_to_loss(target_loss) for fit in fits), strict=True)
    times = {"epochs_to_target": float(np.mean(epochs)), "seconds_to_target": float(np.mean(seconds))}
    return Candidate(activation, rate, score_std=score_std, n_parameters=fits[0].n_parameters, **times, **means)


def _candidate_row(candidate: Candidate) -> list[str]:
    cells = [candidate.activation, f"{candidate.learning_rate:g}"]
    cells += [format_or_dash(getattr(candidate, name), spec) for name, spec in CANDIDATE_FORMATS.items()]
    return [*cells, f"{candidate.n_parameters}"]
