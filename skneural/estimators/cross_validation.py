"""Cross-validation of the epochs: one network for each part of the rows, which all train an epoch at a time."""

from __future__ import annotations

import copy
import math
import warnings
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skneural.estimators.builder import TrainingBuilder
from skneural.estimators.checked_data import CheckedData
from skneural.estimators.validation_set import ValidationScorer, check_weights_of_split, cross_validation_splits
from skneural.network import TrainingRows
from skneural.solvers import TrainingLoop

Array = NDArray[Any]

# Measured on tables, see docs/tabular.md: a quarter of fewer rows tells too little, where the best epoch comes early.
FEW_ROWS, EARLY = 1_000, 1 / 3


def is_best_epoch_uncertain(estimator: Any, n_rows: int, best_epoch: int) -> bool:
    """Return whether, with early_stopping="auto", several networks should find the best epoch anew.

    They should if there are few rows, and the best epoch is an early one: then the target is noisy, or soon learned,
    and the noise of the held-out rows decides. Where training goes on for long, it matters little when it ends.

    Parameters
    ----------
    estimator : BaseActivationMLP
    n_rows : int
        All training rows, those held out included.
    best_epoch : int
        By the rows that were held out.

    Examples
    --------
    >>> from skneural import ActivationMLPRegressor
    >>> from skneural.estimators.cross_validation import is_best_epoch_uncertain
    >>> model = ActivationMLPRegressor(max_iter=60)
    >>> is_best_epoch_uncertain(model, 500, best_epoch=8), is_best_epoch_uncertain(model, 500, best_epoch=40)
    (True, False)
    """
    return n_rows < FEW_ROWS and best_epoch <= EARLY * estimator.max_iter and estimator.solver != "lbfgs"


def cross_validate(
    estimator: Any, builder: TrainingBuilder, data: CheckedData, rng: np.random.RandomState
) -> tuple[TrainingRows, CrossValidationScorer]:
    """Return the rows for the estimator's network, and what trains the other networks and validates all.

    Parameters
    ----------
    estimator : BaseActivationMLP
        With the network that holds out the first part of the rows.
    builder : TrainingBuilder
        Builds the trainings of the others.
    data : CheckedData
        All rows.
    rng : RandomState
        Gives each of the others a seed.

    Raises
    ------
    ValueError
        If the rows cannot be divided, or the solver makes no epochs.
    """
    if estimator.solver == "lbfgs":
        raise ValueError(
            "early_stopping='cross_validation' trains several networks an epoch at a time. Got solver='lbfgs', whose "
            "iterations are not epochs; use a stochastic solver, or early_stopping='refit'."
        )
    labels = estimator._stratify_labels(data.y)
    splits = cross_validation_splits(len(data.y), estimator.validation_fraction, estimator._split_seed, labels)
    for split in splits:
        check_weights_of_split(data.sample_weight, *split)
    rows, *other_rows = [TrainingRows(data.X, data.Y, data.sample_weight, subset=train) for train, _ in splits]
    others = [FoldTraining(estimator, builder, data, each, rng.randint(2**31 - 1)) for each in other_rows]
    return rows, CrossValidationScorer(estimator, others, data, [validation for _, validation in splits])


class FoldTraining:
    """The training of one further network, on the rows of its fold.

    Parameters
    ----------
    estimator : BaseActivationMLP
        Tells how to train; it is not changed.
    builder : TrainingBuilder
    data : CheckedData
        All rows.
    rows : TrainingRows
        Those to train on. A schedule that waits for progress looks at the loss on them.
    seed : int

    Attributes
    ----------
    estimator : BaseActivationMLP
        A copy, with the network.
    """

    def __init__(self, estimator: Any, builder: TrainingBuilder, data: CheckedData, rows: TrainingRows, seed: int):
        rng = np.random.RandomState(seed)
        self.estimator = copy.copy(estimator)
        network = self.estimator._new_network(builder, data, rng)
        self.estimator._set_network(network, builder)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of small batches, as the estimator's own training warns
            self._loop: TrainingLoop = builder.build_training_loop(network, estimator._loss, rows, rng)

    def train_epoch(self) -> None:
        """Train for one more epoch."""
        number = self._loop.n_epochs + 1
        self._loop.run(number, number, self.estimator.max_iter)


class CrossValidationScorer(ValidationScorer):
    """Computes loss and score on all rows, each by the network that did not train on it.

    The estimator's own network trains elsewhere. Each call trains the others for an epoch, so that all are as far.

    Parameters
    ----------
    estimator : BaseActivationMLP
        With its network, for the first part of the rows.
    others : list of FoldTraining
        For the other parts.
    data : CheckedData
        All rows.
    parts : list of ndarray of int
        The rows that each network is validated on.
    """

    def __init__(self, estimator: Any, others: list[FoldTraining], data: CheckedData, parts: list[Array]):
        super().__init__(estimator, data.take(np.concatenate(parts)))
        bounds = pairwise(accumulate(map(len, parts), initial=0))
        estimators = [estimator, *(fold.estimator for fold in others)]
        self._others = others
        self._scorers = [
            ValidationScorer(each, self.data.take(slice(*rows))) for each, rows in zip(estimators, bounds, strict=True)
        ]
        self._best_score, self._output, self._best_output = -math.inf, np.empty(0), np.empty(0)

    def __call__(self) -> tuple[float, float]:
        """Train the other networks for an epoch; return loss and score."""
        for fold in self._others:
            fold.train_epoch()
        loss, score = super().__call__()
        if score > self._best_score or not self._best_output.size:
            self._best_score, self._best_output = max(score, self._best_score), self._output
        return loss, score

    def best_output(self) -> Array:
        """Return the raw outputs of the epoch with the best score."""
        return self._best_output

    def _raw_output(self) -> Array:
        self._output = np.concatenate([scorer._raw_output() for scorer in self._scorers], axis=-2)
        return self._output

    def _score(self) -> float:
        """Return the mean of the networks' scores, each counted as often as it has rows."""
        scores = [scorer._score() for scorer in self._scorers]
        return float(np.average(scores, weights=[len(scorer.data.y) for scorer in self._scorers]))
