"""An estimator's own objective and steps, on a copy: what training would do, without training."""

from __future__ import annotations

import copy
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.utils.class_weight import compute_sample_weight

from skneural._sklearn_compat import _check_sample_weight
from skneural.estimators.base import BaseActivationMLP
from skneural.estimators.builder import TrainingBuilder
from skneural.estimators.checked_data import CheckedData, FitArguments
from skneural.network import Network, Objective, TrainingRows
from skneural.solvers import LBFGS, TrainingLoop

Array = NDArray[Any]


class DryRun:
    """The parts with which an estimator would train on some rows, in double precision, all of them copies.

    An estimator that is fitted is seen at its parameters, any other at new ones.

    Parameters
    ----------
    estimator : BaseActivationMLP
        Not changed.
    X, y, sample_weight : array-like
        As for `fit`.
    n_rows : int or None, default=None
        Largest number of rows, drawn among those of positive weight; None takes all.
    seed : int, default=0
        Decides the rows, the dropout masks, and new parameters where `random_state` is not an int.

    Attributes
    ----------
    network : Network
    rows : CheckedData
        Those that were drawn, checked and encoded.
    """

    def __init__(
        self,
        estimator: BaseActivationMLP,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        n_rows: int | None = None,
        seed: int = 0,
    ):
        self._model, self._seed = _copied(estimator, seed), seed
        fitted = hasattr(estimator, "parameters_")
        builder = TrainingBuilder(self._model)
        self.rows = _some(_read(self._model, X, y, sample_weight, fitted), n_rows, seed)
        rng = self._model._make_rng()
        self.network: Network = (
            self._model._resume_network(builder, self.rows.X)
            if fitted
            else self._model._new_network(builder, self.rows.X, rng)
        )

    def minimization(self, **changed: Any) -> TrainingLoop | LBFGS:
        """Return what would minimise the objective, in one batch of all rows, from the present parameters.

        Parameters
        ----------
        **changed
            Parameters of the estimator with other values.
        """
        return self._minimization(TrainingRows(self.rows.X, self.rows.Y, self.rows.sample_weight), changed)

    def objective(self, **changed: Any) -> RepeatedObjective:
        """Return the objective, of all rows, as a function of the network's parameters."""
        loop = self.minimization(**changed)
        return RepeatedObjective(loop.objective, getattr(loop, "rng", None), slice(0, self.rows.X.shape[0]))

    def penalties(self) -> RepeatedObjective:
        """Return the objective of a row without weight, of which the gradient is that of the penalties."""
        twice = self.rows.take(np.zeros(2, dtype=np.intp))
        loop = self._minimization(TrainingRows(twice.X, twice.Y, np.array([0.0, 1.0])), {})
        return RepeatedObjective(loop.objective, getattr(loop, "rng", None), slice(0, 1))

    def _minimization(self, rows: TrainingRows, changed: dict[str, Any]) -> TrainingLoop | LBFGS:
        builder = TrainingBuilder(clone(self._model).set_params(**changed, batch_size=len(rows)))
        if self._model.solver == "lbfgs":
            return builder.build_lbfgs(self.network, self._model._loss, rows)
        return builder.build_training_loop(self.network, self._model._loss, rows, np.random.RandomState(self._seed))


class RepeatedObjective:
    """An objective at some rows, with the same dropout masks in each evaluation.

    Parameters
    ----------
    objective : Objective
    rng : RandomState or None
        What the masks are drawn from, if there are any.
    rows : slice

    Attributes
    ----------
    n_rows : int
    """

    def __init__(self, objective: Objective, rng: np.random.RandomState | None, rows: slice):
        self.objective, self._rng, self._rows = objective, rng, rows
        self.n_rows = rows.stop - rows.start
        self._masks: Any = None if rng is None else rng.get_state()

    def evaluate(self) -> float:
        """Return the mean loss; its gradient, and that of the penalties, is then in ``objective.gradient``."""
        if self._rng is not None:
            self._rng.set_state(self._masks)
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):  # as training does
            return self.objective.evaluate(self._rows)

    def gradient(self) -> Array:
        """Return a copy of the gradient of mean loss and penalties."""
        self.evaluate()
        return self.objective.gradient.copy()


def _copied(estimator: BaseActivationMLP, seed: int) -> BaseActivationMLP:
    model = copy.copy(estimator)
    model._validate_params()
    model.__dict__["dtype"] = "float64"
    if not isinstance(model.random_state, Integral):
        model.random_state = seed
    if hasattr(model, "parameters_"):
        # Whatever set_params has asked for since, the network is what was fitted.
        fitted = {"hidden_layer_sizes": model._sizes[1:-1], "activation": model.activations_}
        model.__dict__.update(fitted, batch_norm=model._batch_norm, parameters_=model.parameters_.astype(np.float64))
    return model


def _read(model: BaseActivationMLP, X: Any, y: Any, sample_weight: Any, fitted: bool) -> CheckedData:
    """Return checked rows; for a fitted model as `partial_fit` would, which knows the classes."""
    if fitted and isinstance(getattr(model, "class_weight", None), str):
        # What partial_fit cannot know, and fit would do.
        balanced = compute_sample_weight(model.class_weight, y)
        weights = 1.0 if sample_weight is None else _check_sample_weight(sample_weight, X, dtype=np.float64)
        sample_weight, model.class_weight = weights * balanced, None
    arguments = FitArguments(X, y, sample_weight)
    return model._check_training_data(arguments, resume=fitted, incremental=fitted)


def _some(rows: CheckedData, n_rows: int | None, seed: int) -> CheckedData:
    weighty = np.arange(rows.X.shape[0]) if rows.sample_weight is None else np.flatnonzero(rows.sample_weight)
    if n_rows is not None and len(weighty) > n_rows:
        weighty = np.sort(np.random.RandomState(seed).choice(weighty, n_rows, replace=False))
    return rows.take(weighty)
