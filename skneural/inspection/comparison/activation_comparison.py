"""Compare activations, at one or several learning rates, by cross-validation on the same splits."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.base import clone, is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import check_scoring
from sklearn.model_selection import check_cv
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.parallel import Parallel, delayed

from skneural._sklearn_compat import _safe_indexing
from skneural.activations import ACTIVATIONS
from skneural.custom_component_checks import check_activations
from skneural.estimators import ActivationMLPClassifier, ActivationMLPRegressor, DeadUnitsWarning
from skneural.estimators.base import BaseActivationMLP
from skneural.estimators.builder import TrainingBuilder
from skneural.inspection.text_tables import data_frame, format_or_dash, text_table
from skneural.inspection.units.unit_report import UnitReport, unit_report
from skneural.inspection.unwrapping import final_estimator
from skneural.preprocessing import StdScaler
from skneural.solvers import DivergenceError

Array = NDArray[Any]

# One name for each activation: the first, if it has several.
ACTIVATION_NAMES = list({each: name for name, each in reversed(ACTIVATIONS.items())}.values())[::-1]


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
        return max(self.candidates, key=lambda each: -math.inf if math.isnan(each.score) else each.score)

    def grid(self, column: str = "score") -> tuple[list[str], list[float], Array]:
        """Return the activations, the learning rates, and one column as an array of shape (n_activations, n_rates)."""
        activations = list(dict.fromkeys(each.activation for each in self.candidates))
        rates = list(dict.fromkeys(each.learning_rate for each in self.candidates))
        values = np.array([getattr(each, column) for each in self.candidates], dtype=float)
        return activations, rates, values.reshape(len(activations), len(rates))

    def to_frame(self) -> Any:
        """Return a pandas DataFrame with one row per candidate."""
        return data_frame([asdict(each) for each in self.candidates])

    def __str__(self) -> str:
        header = ["activation", "rate", "score", "±", "fit s", "epochs", "seconds", "dead", "saturated", "mean"]
        table = text_table([*header, "parameters"], [_table_row(each) for each in self.candidates])
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
    rates = default_rates if learning_rates is None else _as_list(learning_rates, "learning_rates", "learning rate")
    values = ACTIVATION_NAMES if activations is None else _as_list(activations, "activations", "activation")
    by_name = {str(activation): activation for activation in values}
    for activation in values:
        _check(final_estimator(_with_params(estimator, activation, rates[0])))
    scorer = check_scoring(estimator, scoring)
    splits = list(check_cv(cv, y, classifier=is_classifier(estimator)).split(X, y))
    if not splits:
        raise ValueError(f"cv must give at least one split. Got {cv!r}, which gives none.")
    pairs = [(name, rate) for name in by_name for rate in rates]
    results = Parallel(n_jobs=n_jobs)(
        delayed(fit_and_score)(_with_params(estimator, by_name[name], rate), X, y, split, scorer)
        for name, rate in pairs
        for split in splits
    )
    by_pair = [results[start : start + len(splits)] for start in range(0, len(results), len(splits))]
    target_loss = _median_of_min_losses(by_pair) if target_loss is None else target_loss
    candidates = [_average_over_splits(*pair, each, target_loss) for pair, each in zip(pairs, by_pair, strict=True)]
    return ActivationComparison(candidates, target_loss)


def _default_estimator(X: Any, y: Any) -> Pipeline:
    regression = type_of_target(y).startswith("continuous")
    network = (ActivationMLPRegressor if regression else ActivationMLPClassifier)(random_state=0)
    return make_pipeline(StdScaler(with_mean=not issparse(X)), network)


def _as_list(values: Any, parameter: str, element: str) -> list[Any]:
    elements = [] if isinstance(values, str) or not np.iterable(values) else list(values)
    if not elements:
        raise ValueError(f"{parameter} must be a sequence of at least one {element}. Got {values!r} instead.")
    return elements


def _check(network: BaseActivationMLP) -> None:
    network._validate_params()
    builder = TrainingBuilder(network)
    check_activations(builder.activations, builder.hidden_sizes)


def _with_params(estimator: Any, activation: Any, rate: float) -> Any:
    prefix = f"{estimator.steps[-1][0]}__" if isinstance(estimator, Pipeline) else ""
    return clone(estimator).set_params(**{f"{prefix}activation": activation, f"{prefix}learning_rate_init": rate})


def _median_of_min_losses(by_pair: Sequence[Sequence[FitResult]]) -> float:
    """Return the median of the candidates' smallest losses, without those that diverged."""
    losses = np.array([np.mean([result.min_loss for result in results]) for results in by_pair])
    finite = losses[np.isfinite(losses)]
    return float(np.median(finite)) if finite.size else math.nan


def _average_over_splits(activation: str, rate: float, results: Sequence[FitResult], target_loss: float) -> Candidate:
    times = np.array([result.time_to_loss(target_loss) for result in results])
    names = ("fit_time", "dead", "saturated", "mean_activation")
    means = {name: float(np.mean([getattr(result, name) for result in results])) for name in names}
    return Candidate(
        activation=activation,
        learning_rate=rate,
        score=float(np.mean([result.score for result in results])),
        score_std=float(np.std([result.score for result in results])),
        epochs_to_target=float(times[:, 0].mean()),
        seconds_to_target=float(times[:, 1].mean()),
        n_parameters=results[0].n_parameters,
        **means,
    )


def _table_row(each: Candidate) -> list[str]:
    score = [format_or_dash(each.score, ".4f"), format_or_dash(each.score_std, ".4f")]
    times = [format_or_dash(each.epochs_to_target, ".0f"), format_or_dash(each.seconds_to_target, ".3f")]
    fractions = [format_or_dash(each.dead, ".0%"), format_or_dash(each.saturated, ".0%")]
    mean, rate = format_or_dash(each.mean_activation, ".2g"), f"{each.learning_rate:g}"
    return [each.activation, rate, *score, f"{each.fit_time:.3f}", *times, *fractions, mean, f"{each.n_parameters}"]


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


def fit_and_score(
    estimator: Any, X: Any, y: Any, split: tuple[Array, Array], scorer: Callable[[Any, Any, Any], Any]
) -> FitResult:
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
    converged = _fit(estimator, X_train, y_train)
    fit_time = time.perf_counter() - start
    network = final_estimator(estimator)
    return FitResult(
        score=_score(scorer, estimator, X_test, y_test) if converged else math.nan,
        fit_time=fit_time,
        losses=np.array(network.loss_curve_),
        seconds=np.cumsum(network.history_["seconds"]),
        n_parameters=network._network.layout.n_trainable,
        **_average_over_units(unit_report(estimator, X_train)),
    )


def _fit(estimator: Any, X: Any, y: Any) -> bool:
    """Fit, and return False if training diverged."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", DeadUnitsWarning)
        try:
            estimator.fit(X, y)
        except DivergenceError:
            return False
    return True


def _score(scorer: Callable[[Any, Any, Any], Any], estimator: Any, X: Any, y: Any) -> float:
    try:
        score = scorer(estimator, X, y)
    except (AttributeError, TypeError) as error:  # a score of probabilities for a regressor, or a wrong signature
        raise TypeError(
            f"scoring, called as scoring(estimator, X, y), does not suit this estimator: {error}. Got {scorer!r}."
        ) from error
    score = score.item() if isinstance(score, np.generic | np.ndarray) and score.size == 1 else score
    if not isinstance(score, Real):
        raise TypeError(
            f"scoring, called as scoring(estimator, X, y), must return one number. Got {score!r}, of type "
            f"{type(score).__name__}, from {scorer!r}."
        )
    return float(score)


def _average_over_units(report: UnitReport) -> dict[str, float]:
    """Return averages over all hidden units; NaN if there are none."""
    names = {"dead": "dead", "saturated": "saturated", "mean": "mean_activation"}
    if not report.layers:
        return dict.fromkeys(names.values(), math.nan)
    n_units = [layer.n_units for layer in report.layers]
    values = [[getattr(layer, name) for name in names] for layer in report.layers]
    return dict(zip(names.values(), np.average(values, axis=0, weights=n_units).tolist(), strict=True))
