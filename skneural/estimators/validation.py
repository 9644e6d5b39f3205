"""Rows that training does not see: which ones, and how well the network does on them."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import get_scorer
from sklearn.model_selection import train_test_split

from skneural._sklearn_compat import accepts_sample_weight

Array = NDArray[Any]


@dataclass(frozen=True)
class Rows:
    """Checked rows: features, targets as the loss wants them, targets as the user gave them, sample weights."""

    X: Any
    Y: Array
    y: Array
    weights: Array | None

    def take(self, index: Array) -> Rows:
        """Return some of the rows."""
        weights = None if self.weights is None else self.weights[index]
        return Rows(self.X[index], self.Y[index], self.y[index], weights)


def split(n_rows: int, fraction: float, seed: int, stratify: Array | None) -> tuple[Array, Array]:
    """Return the numbers of the rows to train on, and of those to hold out.

    Raises
    ------
    ValueError
        If fewer than two rows would be held out, or a class is too rare for both sides.
    """
    asked = f"validation_fraction={fraction} of {n_rows} rows"
    try:
        train, test = train_test_split(np.arange(n_rows), test_size=fraction, random_state=seed, stratify=stratify)
    except ValueError as error:
        raise ValueError(f"Early stopping cannot hold out {asked}: {error}") from error
    if len(test) < 2:
        raise ValueError(
            "The validation set is too small. Increase 'validation_fraction' or the size of your dataset. "
            f"Got {asked}, expected at least 2 rows."
        )
    return train, test


class Validation:
    """Mean loss and score of an estimator's network on some rows, at its present parameters.

    Parameters
    ----------
    estimator : BaseActivationMLP
        With its network, of which the parameters may change between calls.
    rows : Rows
    """

    def __init__(self, estimator: Any, rows: Rows):
        self.rows = rows
        self._network, self._loss, self._score_raw = estimator._network, estimator._loss, estimator._score_raw
        self._scoring = estimator.scoring
        if estimator.scoring not in (None, "loss"):
            self._scorer = get_scorer(estimator.scoring)
            self._weighted = rows.weights is not None and accepts_sample_weight(self._scorer)
            self._estimator = copy.copy(estimator)  # shares the parameters
            self._estimator.__dict__.pop("feature_names_in_", None)  # the rows have lost their names

    def __call__(self) -> tuple[float, float]:
        """Return loss and score; a larger score is better."""
        F = self._network.raw_output(self.rows.X)
        losses, _ = self._loss.evaluate(F, self.rows.Y)
        loss = float(np.average(losses, weights=self.rows.weights))
        if self._scoring == "loss":
            return loss, -loss
        if not np.isfinite(F).all():
            return loss, math.nan
        if self._scoring is None:
            return loss, self._score_raw(F, self.rows.Y, self.rows.weights)
        weights = {"sample_weight": self.rows.weights} if self._weighted else {}
        try:
            return loss, float(self._scorer(self._estimator, self.rows.X, self.rows.y, **weights))
        except (AttributeError, TypeError) as error:  # a score of probabilities for a regressor, or what is no scorer
            raise TypeError(
                f"scoring={self._scoring!r}, called with (estimator, X, y), does not suit this estimator: {error}"
            ) from error
