"""Cross-validation of the epochs: one network for each part of the rows, which all train an epoch at a time."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skneural.estimators.builder import TrainingBuilder
from skneural.estimators.checked_data import CheckedData
from skneural.estimators.validation_set import ValidationScorer
from skneural.network import TrainingRows
from skneural.solvers import TrainingLoop

Array = NDArray[Any]

# Measured on tables, see docs/tabular.md: a quarter of fewer rows tells too little, where the best epoch comes early.
FEW_ROWS, EARLY = 1_000, 1 / 3
MIN_WEIGHTED_ROWS = 4  # two folds of two rows


def is_best_epoch_uncertain(estimator: Any, builder: TrainingBuilder, data: CheckedData) -> bool:
    """Return whether, with early_stopping="auto", several networks should find the best epoch anew.

    They should if there are few rows, and the best epoch is an early one: then the target is noisy, or soon learned,
    and the noise of the held-out rows decides. Where training goes on for long, it matters little when it ends. A
    scorer of the user's own is not asked to score the small parts.

    Parameters
    ----------
    estimator : BaseActivationMLP
        After the training that has found the best epoch by the rows that were held out.
    builder : TrainingBuilder
        The estimator's.
    data : CheckedData
        All training rows, those held out included.
    """
    is_early = estimator._best_epoch() <= EARLY * estimator.max_iter
    can_cross_validate = estimator._validation_scoring in (None, "loss") and not _obstacle(estimator, builder)
    return is_early and can_cross_validate and MIN_WEIGHTED_ROWS <= data.n_weighted_rows < FEW_ROWS


def start_cross_validation(
    estimator: Any, builder: TrainingBuilder, data: CheckedData, rng: np.random.RandomState
) -> tuple[TrainingRows, CrossValidationScorer]:
    """Return the rows for the estimator's network, and what trains the other networks and validates all.

    Parameters
    ----------
    estimator : BaseActivationMLP
        With the network that holds out the first fold of the rows.
    builder : TrainingBuilder
        The estimator's.
    data : CheckedData
        All rows.
    rng : RandomState
        Gives each of the others a seed.

    Raises
    ------
    ValueError
        If the rows cannot be divided, or the networks cannot train side by side.
    """
    if obstacle := _obstacle(estimator, builder):
        raise ValueError(
            "early_stopping='cross_validation' trains several networks side by side, an epoch at a time. Got "
            f"{obstacle}; use another, or early_stopping='refit'."
        )
    n_rows, labels = len(data.y), estimator._stratify_labels(data.y)
    folds = split_folds(n_rows, estimator.validation_fraction, estimator._split_seed, labels, data.sample_weight)
    rows, *other_rows = [data.training_rows(np.setdiff1d(np.arange(n_rows), fold)) for fold in folds]
    others = [FoldTraining(estimator, data, each, rng.randint(2**31 - 1)) for each in other_rows]
    return rows, CrossValidationScorer(estimator, others, data, folds)


def _obstacle(estimator: Any, builder: TrainingBuilder) -> str:
    """Return what keeps several networks from training side by side, or nothing."""
    if estimator.solver == "lbfgs":
        return "solver='lbfgs', whose iterations are not epochs"
    if builder.lowers_rate_on_plateau:
        return f"learning_rate={estimator.learning_rate!r}, which depends on the progress of a single network"
    return ""


def split_folds(
    n_rows: int, validation_fraction: float, seed: int, labels: Array | None, sample_weight: Array | None
) -> list[Array]:
    """Return the indices of each fold of the rows. Each has about as many rows of each class, and of weight 0.

    Parameters
    ----------
    n_rows : int
    validation_fraction : float
        About the share of a fold, so that there are 1 / `validation_fraction`, at least two.
    seed : int
    labels : ndarray of shape (n_rows,) or None
    sample_weight : ndarray of shape (n_rows,) or None

    Raises
    ------
    ValueError
        If there are too few rows of positive weight for two folds, or the fraction is 0.

    Examples
    --------
    >>> from skneural.estimators.cross_validation import split_folds
    >>> [len(fold) for fold in split_folds(10, 0.25, seed=0, labels=None, sample_weight=None)]
    [3, 3, 2, 2]
    """
    has_no_weight = np.zeros(n_rows) if sample_weight is None else sample_weight == 0
    n_weighted = n_rows - int(np.count_nonzero(has_no_weight))
    if n_weighted < MIN_WEIGHTED_ROWS or not validation_fraction:
        raise ValueError(
            f"early_stopping='cross_validation' cannot hold out validation_fraction={validation_fraction} of "
            f"n_samples={n_rows} in turn, {n_weighted} of them with a positive weight. Expected at least "
            f"{MIN_WEIGHTED_ROWS} of these, and a fraction above 0."
        )
    n_folds = min(max(2, round(1 / validation_fraction)), n_weighted // 2)
    order = np.random.RandomState(seed).permutation(n_rows)
    labels = np.zeros(n_rows) if labels is None else labels
    order = order[np.lexsort((labels[order], has_no_weight[order]))]  # stable: rows that are alike stay as drawn
    return [order[i::n_folds] for i in range(n_folds)]


class FoldTraining:
    """The training of one further network, on the rows of its fold.

    Parameters
    ----------
    estimator : BaseActivationMLP
        Tells how to train; it is not changed.
    data : CheckedData
        All rows.
    rows : TrainingRows
        Those to train on.
    seed : int

    Attributes
    ----------
    estimator : BaseActivationMLP
        A copy, with the network.
    """

    def __init__(self, estimator: Any, data: CheckedData, rows: TrainingRows, seed: int):
        rng = np.random.RandomState(seed)
        self.estimator = copy.copy(estimator)
        self.estimator.early_stopping, self.estimator.n_iter_no_change = False, np.inf  # nothing ends it but the scorer
        if estimator.batch_size != "auto":
            self.estimator.batch_size = min(estimator.batch_size, len(rows))  # of which the first training has warned
        builder = TrainingBuilder(self.estimator)
        network = self.estimator._new_network(builder, data, rng)
        self.estimator._set_network(network)
        self._loop: TrainingLoop = builder.build_training_loop(network, estimator._loss, rows, rng)

    def train_epoch(self) -> None:
        """Train for one more epoch."""
        number = self._loop.n_epochs + 1
        self._loop.run(number, number, self.estimator.max_iter)


class CrossValidationScorer(ValidationScorer):
    """Computes loss and score of the cross-validation: on all rows, each by the network that did not train on it.

    The estimator's own network trains elsewhere. Each call trains the others for an epoch, so that all are as far.

    Parameters
    ----------
    estimator : BaseActivationMLP
        With its network, for the first fold of the rows.
    others : list of FoldTraining
        For the other folds.
    data : CheckedData
        All rows.
    folds : list of ndarray of int
        The rows that each network is validated on.
    """

    def __init__(self, estimator: Any, others: list[FoldTraining], data: CheckedData, folds: list[Array]):
        super().__init__(estimator, data)
        estimators = [estimator, *(other.estimator for other in others)]
        self._others, self._folds = others, folds
        self._scorers = [ValidationScorer(each, data.take(fold)) for each, fold in zip(estimators, folds, strict=True)]
        self._best_cv_score, self._best_output = -math.inf, np.empty(0)

    def __call__(self) -> tuple[float, float]:
        """Train the other networks for an epoch; return loss and score."""
        for other in self._others:
            other.train_epoch()
        outputs = self.raw_output()
        cv_loss, cv_score = self.evaluate(outputs)
        if cv_score > self._best_cv_score or self._best_cv_score == -math.inf:  # without a score the latest is the best
            self._best_cv_score, self._best_output = max(self._best_cv_score, cv_score), outputs
        return cv_loss, cv_score

    def raw_output(self) -> Array:
        """Return the raw outputs for all rows."""
        by_fold = [scorer.raw_output() for scorer in self._scorers]
        outputs = np.empty((*by_fold[0].shape[:-2], len(self.data.y), by_fold[0].shape[-1]), by_fold[0].dtype)
        for fold, output in zip(self._folds, by_fold, strict=True):
            outputs[..., fold, :] = output
        return outputs

    def best_output(self) -> Array:
        """Return the raw outputs of the epoch with the best score."""
        return self._best_output

    def _score(self) -> float:
        """Return the mean of the networks' scores, each with the weight of its rows."""
        sample_weight = self.data.sample_weight if self._pass_sample_weight else None
        fold_weights = [len(fold) if sample_weight is None else sample_weight[fold].sum() for fold in self._folds]
        return float(np.average([scorer._score() for scorer in self._scorers], weights=fold_weights))
