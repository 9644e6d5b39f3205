"""Dry run: what the next training step of an estimator would do, computed on a copy."""

from __future__ import annotations

import copy
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.utils.class_weight import compute_sample_weight

from skneural.custom_component_checks import check_activations
from skneural.estimators.base import BaseActivationMLP
from skneural.estimators.builder import TrainingBuilder
from skneural.estimators.checked_data import CheckedData, FitArguments
from skneural.network import Network, Objective, TrainingRows
from skneural.network.objective import penalized_weights
from skneural.sample_weight import finite_sample_weight
from skneural.solvers import LBFGS, TrainingLoop

Array = NDArray[Any]


class DryRun:
    """The network, objective and solver with which an estimator would train, as copies in double precision.

    The network of a fitted estimator has the fitted parameters. The network of an unfitted estimator has the initial
    parameters that `fit` would draw.

    Parameters
    ----------
    estimator : BaseActivationMLP
        It is not changed.
    X, y, sample_weight : array-like
        As for `fit`.
    n_rows : int or None, default=None
        Largest number of rows to use. They are drawn from the rows with positive weight. None uses all of them.
    seed : int, default=0
        Seed for the choice of rows, for dropout masks, and for initial parameters if `random_state` is not an int.

    Attributes
    ----------
    network : Network
    rows : CheckedData
        The rows in use, after validation and encoding.
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
        self._estimator, self._seed = _copy_in_double_precision(estimator, seed), seed
        builder = TrainingBuilder(self._estimator)
        check_activations(builder.activations, builder.hidden_sizes)
        all_rows = _check_rows(self._estimator, X, y, sample_weight)
        self.rows = _sample_rows(all_rows, n_rows, seed)
        self.network: Network
        if _is_fitted(estimator):
            self.network = self._estimator._copy_fitted_network(self.rows.X.shape[1], builder.activations)
        else:
            self.network = self._estimator._new_network(builder, all_rows, self._estimator._make_rng())

    def minimizer(self, **params: Any) -> TrainingLoop | LBFGS:
        """Return the training loop, or L-BFGS, that minimises the objective with all rows in one batch.

        Parameters
        ----------
        **params
            Parameters of the estimator to change for this purpose.
        """
        one_batch = TrainingRows(self.rows.X, self.rows.Y, self.rows.sample_weight)
        builder = TrainingBuilder(clone(self._estimator).set_params(**params, batch_size=len(one_batch)))
        loss = self._estimator._loss
        if self._estimator.solver == "lbfgs":
            return builder.build_lbfgs(self.network, loss, one_batch)
        return builder.build_training_loop(self.network, loss, one_batch, np.random.RandomState(self._seed))

    def objective(self, **params: Any) -> DeterministicObjective:
        """Return the objective over all rows, as a function of the network's parameters.

        Parameters
        ----------
        **params
            Parameters of the estimator to change for this purpose.
        """
        minimizer = self.minimizer(**params)
        return DeterministicObjective(minimizer.objective, getattr(minimizer, "rng", None), self.rows.X.shape[0])

    def penalty_gradient(self) -> Array:
        """Return the gradient of the penalties alone, as the penalties compute it."""
        objective = self.minimizer().objective
        gradient = np.zeros_like(objective.gradient)
        for penalty, W, dW in penalized_weights(self.network, objective.penalties, gradient):
            penalty.add_gradient(W, dW)
        return gradient


class DeterministicObjective:
    """An objective that uses the same dropout masks in each evaluation.

    Parameters
    ----------
    objective : Objective
    rng : RandomState or None
        Generator of the dropout masks; None if there are none.
    n_rows : int
        Number of rows in an evaluation: the first `n_rows` of the training rows.

    Attributes
    ----------
    parameters : ndarray of shape (n_parameters,)
        The point at which the objective is evaluated. Write into it to move the point.
    """

    def __init__(self, objective: Objective, rng: np.random.RandomState | None, n_rows: int):
        self.n_rows, self.parameters = n_rows, objective.parameters
        self._objective, self._rng = objective, rng
        self._rng_state: Any = None if rng is None else rng.get_state()

    def mean_loss(self) -> float:
        """Return the mean loss, without the penalty."""
        if self._rng is not None:
            self._rng.set_state(self._rng_state)
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):  # as training does
            return self._objective.evaluate(slice(0, self.n_rows))

    def penalty(self) -> float:
        """Return the penalty."""
        return self._objective.penalty()

    def gradient(self) -> Array:
        """Return a copy of the gradient of mean loss plus penalty."""
        self.mean_loss()
        return self._objective.gradient.copy()


def _copy_in_double_precision(estimator: BaseActivationMLP, seed: int) -> BaseActivationMLP:
    copied = copy.copy(estimator)
    copied._validate_params()
    copied.__dict__["dtype"] = "float64"
    if not isinstance(copied.random_state, Integral):
        copied.random_state = seed
    if _is_fitted(copied):
        copied.__dict__.update(_fitted_settings(copied), parameters_=copied.parameters_.astype(np.float64))
    return copied


def _is_fitted(estimator: BaseActivationMLP) -> bool:
    return hasattr(estimator, "parameters_")


def _fitted_settings(estimator: BaseActivationMLP) -> dict[str, Any]:
    """Return the parameters of the network that was fitted, which a later set_params does not change."""
    network_shape = {"hidden_layer_sizes": estimator._sizes[1:-1], "activation": estimator.activations_}
    return {**network_shape, "batch_norm": estimator._batch_norm, "n_members": estimator._n_members}


def _check_rows(estimator: BaseActivationMLP, X: Any, y: Any, sample_weight: Any) -> CheckedData:
    """Return validated rows; a fitted estimator validates as in `partial_fit`, because it knows its classes."""
    fitted = _is_fitted(estimator)
    if fitted and isinstance(getattr(estimator, "class_weight", None), str):
        sample_weight, estimator.class_weight = _balanced_sample_weight(estimator, X, y, sample_weight), None
    arguments = FitArguments(X, y, sample_weight)
    return estimator._check_training_data(arguments, resume=fitted, incremental=fitted)


def _balanced_sample_weight(estimator: BaseActivationMLP, X: Any, y: Any, sample_weight: Any) -> Array:
    """Balance the classes: partial_fit cannot, because it does not see all rows. Here all are known, as in fit."""
    balanced = compute_sample_weight(estimator.class_weight, y)
    given = 1.0 if sample_weight is None else finite_sample_weight(sample_weight, X)
    return given * balanced


def _sample_rows(rows: CheckedData, n_rows: int | None, seed: int) -> CheckedData:
    indices = np.arange(rows.X.shape[0]) if rows.sample_weight is None else np.flatnonzero(rows.sample_weight)
    if n_rows is not None and len(indices) > n_rows:
        indices = np.sort(np.random.RandomState(seed).choice(indices, n_rows, replace=False))
    return rows.take(indices)
