"""The validation set: which rows are held out of training, and the network's loss and score on them."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import get_scorer
from sklearn.model_selection import train_test_split

from skneural._sklearn_compat import accepts_sample_weight
from skneural.estimators.caller_warning import warn_caller
from skneural.estimators.checked_data import CheckedData, FitArguments
from skneural.estimators.temperature_scaling import TemperatureScaling
from skneural.network import TrainingRows
from skneural.sample_weight import check_sample_weight, scale_sample_weight

Array = NDArray[Any]


def train_validation_split(
    n_rows: int, validation_fraction: float, seed: int, stratify: Array | None
) -> tuple[Array, Array]:
    """Return the indices of the rows to train on, and those of the rows to hold out.

    Parameters
    ----------
    n_rows : int
    validation_fraction : float
        Share of the rows that is held out.
    seed : int
    stratify : ndarray of shape (n_rows,) or None
        Labels that both parts have in the same proportions, if they can; else a warning says why not.

    Raises
    ------
    ValueError
        If fewer than two rows would be held out, or none would be left.

    Examples
    --------
    >>> from skneural.estimators.validation_set import train_validation_split
    >>> train, validation = train_validation_split(20, 0.1, seed=0, stratify=None)
    >>> len(train), len(validation)
    (18, 2)
    """
    options = {"test_size": validation_fraction, "random_state": seed}
    train, validation = _random_split(n_rows, options)
    if stratify is None:
        return train, validation
    if obstacle := _obstacle_to_stratification(stratify, len(train), len(validation)):
        warn_caller(
            f"Early stopping holds out {len(validation)} of {n_rows} rows at random, not in the proportions of the "
            f"classes, since {obstacle}. A class may be missing among the rows to train on, or among those held out."
        )
        return train, validation
    return tuple(train_test_split(np.arange(n_rows), stratify=stratify, **options))


def _random_split(n_rows: int, options: dict[str, Any]) -> tuple[Array, Array]:
    request = f"validation_fraction={options['test_size']} of {n_rows} rows"
    try:
        train, validation = train_test_split(np.arange(n_rows), **options)
    except ValueError as error:
        raise ValueError(f"Early stopping cannot hold out {request}: {error}") from error
    if len(validation) < 2:
        raise ValueError(
            "The validation set is too small. Increase 'validation_fraction' or the size of your dataset. "
            f"Got {request}, expected at least 2 rows."
        )
    return train, validation


def _obstacle_to_stratification(labels: Array, n_train: int, n_validation: int) -> str:
    """Return why the two parts cannot both have all classes, or nothing."""
    classes, counts = np.unique(labels, return_counts=True)
    if counts.min() < 2:
        single = classes[counts < 2].tolist()
        more = f" and {len(single) - 3} more" if len(single) > 3 else ""
        return f"some classes have one row only: {', '.join(map(repr, single[:3]))}{more}"
    smaller = min(n_train, n_validation)
    return f"there are {len(classes)} classes, and one part has {smaller} rows" if smaller < len(classes) else ""


def hold_out_rows(estimator: Any, data: CheckedData) -> tuple[TrainingRows, ValidationScorer]:
    """Return the rows to train on, and what validates on the rows that are held out.

    Parameters
    ----------
    estimator : BaseActivationMLP
        With its network.
    data : CheckedData
        All rows.

    Raises
    ------
    ValueError
        If one of the two parts has too few rows, or none of positive weight.
    """
    labels, sample_weight = estimator._stratify_labels(data.y), data.sample_weight
    train, validation = train_validation_split(
        len(data.y), estimator.validation_fraction, estimator._split_seed, labels
    )
    if sample_weight is not None and not (sample_weight[train].any() and sample_weight[validation].any()):
        raise ValueError(
            f"sample_weight must be positive for some of the {len(train)} rows to train on and some of the "
            f"{len(validation)} rows that early stopping holds out. Got only zeros there."
        )
    return data.training_rows(train), ValidationScorer(estimator, data.take(validation))


def check_validation_data(estimator: Any, arguments: FitArguments) -> CheckedData:
    """Return the user's validation set after all checks.

    Parameters
    ----------
    estimator : BaseActivationMLP
        With its network, and what it knows of the training targets.
    arguments : FitArguments

    Raises
    ------
    ValueError, TypeError
        If the validation set lacks a part, or is not like the training data.
    """
    if arguments.X_val is None or arguments.y_val is None:
        missing = "X_val" if arguments.X_val is None else "y_val"
        raise ValueError(f"X_val and y_val must be given together. Got no {missing}.")
    with name_validation_set():
        dtype = estimator.parameters_.dtype
        X, y = estimator._validate_X_y(arguments.X_val, arguments.y_val, dtype=dtype, reset=False)
    sample_weight = scale_sample_weight(check_sample_weight(arguments.sample_weight_val, X, "sample_weight_val"))
    return CheckedData(X, estimator._encode_targets(y, X.dtype), y, sample_weight)


@contextmanager
def name_validation_set() -> Iterator[None]:
    """Let errors say that they are about `X_val` and `y_val`, and what these must be.

    Examples
    --------
    >>> from skneural.estimators.validation_set import name_validation_set
    >>> with name_validation_set():
    ...     raise ValueError("X has 3 features, expected 2.")
    Traceback (most recent call last):
        ...
    ValueError: X_val or y_val cannot be used: X has 3 features, expected 2. They must be like the X and y that this
    estimator gets; a Pipeline transforms X_val by the steps before it only with transform_input=["X_val"].
    """
    try:
        yield
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(
            f"X_val or y_val cannot be used: {error} They must be like the X and y that this estimator gets; a "
            'Pipeline transforms X_val by the steps before it only with transform_input=["X_val"].'
        ) from error


class ValidationScorer:
    """Computes loss and score of an estimator's network on the validation set, at its present parameters.

    Parameters
    ----------
    estimator : BaseActivationMLP
        With its network, whose parameters may change between calls.
    data : CheckedData
        The validation set.
    """

    def __init__(self, estimator: Any, data: CheckedData):
        self.data = data
        self._network, self._loss = estimator._network, estimator._loss
        self._default_score = estimator._score_raw_output
        self._scoring = estimator._validation_scoring
        self._temperature_scaling: TemperatureScaling | None = estimator._temperature_scaling(data)
        if self._scoring not in (None, "loss"):
            self._scorer = get_scorer(self._scoring)
            self._pass_sample_weight = data.sample_weight is not None and accepts_sample_weight(self._scorer)
            self._estimator = copy.copy(estimator)  # shares the parameters
            self._estimator.__dict__.pop("feature_names_in_", None)  # X is an array without names

    def __call__(self) -> tuple[float, float]:
        """Return loss and score; a larger score is better."""
        return self.evaluate(self.raw_output())

    def raw_output(self) -> Array:
        """Return the network's raw outputs for the validation set."""
        return self._network.raw_output(self.data.X)

    def best_output(self) -> Array:
        """Return the raw outputs at the best parameters, which must be the present ones."""
        return self.raw_output()

    def evaluate(self, outputs: Array) -> tuple[float, float]:
        """Return loss and score of raw outputs."""
        data, loss = self.data, self._mean_loss(outputs)
        if self._scoring == "loss":
            return loss, -loss
        F = self._loss.combine_members(outputs)
        if not np.isfinite(F).all():
            return loss, math.nan
        if self._scoring is None:
            return loss, self._default_score(F, data.Y, data.sample_weight)
        return loss, self._score()

    def _mean_loss(self, outputs: Array) -> float:
        if self._temperature_scaling is not None:
            return self._temperature_scaling.minimize(outputs)
        losses, _ = self._loss.evaluate(self._loss.combine_members(outputs), self.data.Y)
        return float(np.average(losses, weights=self.data.sample_weight))

    def _score(self) -> float:
        """Return what the scorer returns; errors name the parameter, since the scorer may be the user's own."""
        call = f"scoring={self._scoring!r}, called with (estimator, X, y),"
        score = self._call_scorer(call)
        if np.ndim(score) or np.asarray(score).dtype.kind not in "biuf":
            raise TypeError(
                f"{call} does not suit this estimator: expected a number, got {score!r} of type {type(score).__name__}."
            )
        if callable(self._scoring) and math.isnan(score):  # scikit-learn's own scores may be undefined, and then warn
            raise ValueError(f"{call} returned NaN. Expected a number; where there is no score, return -inf.")
        return float(score)

    def _call_scorer(self, call: str) -> Any:
        options = {"sample_weight": self.data.sample_weight} if self._pass_sample_weight else {}
        try:
            return self._scorer(self._estimator, self.data.X, self.data.y, **options)
        except (AttributeError, TypeError) as error:  # a score of probabilities for a regressor, or what is no scorer
            raise TypeError(f"{call} does not suit this estimator: {error}") from error
        except Exception as error:
            raise ValueError(f"{call} failed on the validation set: {type(error).__name__}: {error}") from error
