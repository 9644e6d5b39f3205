"""An estimator's own objective and steps, on a copy: what training would do, without training."""

from __future__ import annotations

import copy
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils.class_weight import compute_sample_weight

from skneural._sklearn_compat import _check_sample_weight
from skneural.estimators.base import BaseActivationMLP
from skneural.estimators.training import Recipe
from skneural.estimators.validation import Rows
from skneural.network import Network, Objective, TrainingRows
from skneural.solvers import LBFGS, StochasticMinimization

Array = NDArray[Any]


def unwrapped(estimator: Any, X: Any, y: Any = None) -> tuple[BaseActivationMLP, Any]:
    """Return the network estimator, at the end of a Pipeline or by itself, and `X` as it gets it.

    Raises
    ------
    TypeError
        If there is no network.
    """
    last = estimator[-1] if isinstance(estimator, Pipeline) else estimator
    if not isinstance(last, BaseActivationMLP):
        raise TypeError(
            "estimator must be an ActivationMLPClassifier or ActivationMLPRegressor, or a Pipeline that ends with one "
            f"(of a search, its best_estimator_). Got {type(last).__name__} instead."
        )
    if last is estimator or len(estimator.steps) == 1:
        return last, X
    before = estimator[:-1]
    return last, before.transform(X) if hasattr(last, "parameters_") else clone(before).fit_transform(X, y)


class Rehearsal:
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
    **changed
        Parameters of the estimator to be changed beforehand.

    Attributes
    ----------
    network : Network
    minimization : StochasticMinimization or LBFGS
    objective : Objective
        Of all the rows: ``objective.evaluate(self.all)``.
    all : slice
    """

    def __init__(
        self,
        estimator: BaseActivationMLP,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        n_rows: int | None = None,
        seed: int = 0,
        **changed: Any,
    ):
        model = _copied(estimator, seed, changed)
        fitted = hasattr(model, "parameters_")
        recipe = Recipe(model)
        rows = _some(_read(model, X, y, sample_weight, fitted), n_rows, seed)
        rng = model._random_numbers()
        self.network: Network = model._grown(recipe, rows.X) if fitted else model._new_network(recipe, rows.X, rng)
        self.all = slice(0, rows.X.shape[0])
        self.rng = np.random.RandomState(seed)
        self.minimization = self._minimization(model, recipe, TrainingRows(rows.X, rows.Y, rows.weights))
        self.objective: Objective = self.minimization.objective
        self._masks = self.rng.get_state()

    def _minimization(
        self, model: BaseActivationMLP, recipe: Recipe, rows: TrainingRows
    ) -> StochasticMinimization | LBFGS:
        if model.solver == "lbfgs":
            return recipe.lbfgs(self.network, model._loss, rows)
        model.batch_size = len(rows)  # evaluations are of all rows at once
        return recipe.stochastic(self.network, model._loss, rows, self.rng)

    def evaluate(self) -> float:
        """Return the mean loss over all rows, always with the same dropout masks, and store the gradient."""
        self.rng.set_state(self._masks)
        return self.objective.evaluate(self.all)


def _copied(estimator: BaseActivationMLP, seed: int, changed: dict[str, Any]) -> BaseActivationMLP:
    model = copy.copy(estimator)
    model._validate_params()
    model.__dict__.update(changed, dtype="float64")
    if not isinstance(model.random_state, Integral):
        model.random_state = seed
    if hasattr(model, "parameters_"):
        model.parameters_ = model.parameters_.astype(np.float64)
    return model


def _read(model: BaseActivationMLP, X: Any, y: Any, sample_weight: Any, fitted: bool) -> Rows:
    """Return checked rows; for a fitted model as `partial_fit` would, which knows the classes."""
    if fitted and isinstance(getattr(model, "class_weight", None), str):
        # What partial_fit cannot know, and fit would do.
        balanced = compute_sample_weight(model.class_weight, y)
        weights = 1.0 if sample_weight is None else _check_sample_weight(sample_weight, X, dtype=np.float64)
        sample_weight, model.class_weight = weights * balanced, None
    return model._read(X, y, sample_weight, resume=fitted, incremental=fitted)


def _some(rows: Rows, n_rows: int | None, seed: int) -> Rows:
    weighty = np.arange(rows.X.shape[0]) if rows.weights is None else np.flatnonzero(rows.weights)
    if n_rows is None or len(weighty) <= n_rows:
        return rows if len(weighty) == rows.X.shape[0] else rows.take(weighty)
    return rows.take(np.sort(np.random.RandomState(seed).choice(weighty, n_rows, replace=False)))
