"""The gradient of each hidden layer's weights, and the size of the solver's next update."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skneural.estimators.base import BaseActivationMLP
from skneural.estimators.hyperparameters import resolve_batch_size
from skneural.inspection.dry_run import DryRun
from skneural.solvers import LBFGS, DivergenceError, TrainingLoop

Array = NDArray[Any]

GRADIENT_ROWS = 1000  # enough for a mean gradient


class WeightUpdates:
    """How the incoming weights of each hidden layer would change if training went on.

    Parameters
    ----------
    estimator : BaseActivationMLP
        Fitted. It is not changed.
    X, y, sample_weight : array-like
        As for `fit`. At most 1000 rows are drawn for the gradient, and one batch for the step.

    Attributes
    ----------
    gradient_norms : list of float
        Euclidean norm of the gradient of the mean loss, without penalty and dropout.
    one_sign_gradients : list of float
        Fraction of the units whose incoming-weight gradients all have one sign. Units without gradient do not count.
    update_ratios : list of float
        Euclidean norm of the next update, divided by the norm of the weights. NaN for L-BFGS.
    """

    def __init__(self, estimator: BaseActivationMLP, X: Any, y: Any, sample_weight: Any = None):
        hidden_dW = _gradients_of_hidden_weights(DryRun(estimator, X, y, sample_weight, GRADIENT_ROWS))
        self.gradient_norms = [float(np.linalg.norm(dW)) for dW in hidden_dW]
        self.one_sign_gradients = [_fraction_of_one_sign(dW) for dW in hidden_dW]
        batch_size = resolve_batch_size(estimator.batch_size)
        self.update_ratios = _update_ratios_of_one_step(estimator, DryRun(estimator, X, y, sample_weight, batch_size))


def _gradients_of_hidden_weights(dry_run: DryRun) -> list[Array]:
    layout = dry_run.network.layout
    gradient = np.zeros(layout.size)
    gradient[: layout.n_trainable] = dry_run.objective(alpha=0, dropout=0.0, input_dropout=0.0).gradient()
    return layout.views(gradient).weights[:-1]


def _fraction_of_one_sign(dW: Array) -> float:
    dW_with_gradient = dW[:, dW.any(axis=0)]
    has_one_sign = (dW_with_gradient >= 0).all(axis=0) | (dW_with_gradient <= 0).all(axis=0)
    return float(has_one_sign.mean()) if has_one_sign.size else math.nan


def _update_ratios_of_one_step(estimator: BaseActivationMLP, dry_run: DryRun) -> list[float]:
    """Make one step of the solver, on one batch, and return the relative change of each layer's weights."""
    weights_before = [W.copy() for W in dry_run.network.weights[:-1]]
    minimizer = dry_run.minimizer()
    if isinstance(minimizer, LBFGS):
        return [math.nan] * len(weights_before)
    _restore_solver_state(minimizer, estimator)
    # The learning rate of the last epoch: after it, a schedule may have come to zero.
    last_epoch = max(estimator._n_epochs, 1)
    try:
        minimizer.run(last_epoch, last_epoch, estimator.max_iter)
    except DivergenceError:
        return [math.inf] * len(weights_before)
    return [_relative_change(old, new) for old, new in zip(weights_before, dry_run.network.weights, strict=False)]


def _restore_solver_state(minimizer: TrainingLoop, estimator: BaseActivationMLP) -> None:
    training_state = estimator._training_state
    if training_state is not None and training_state["solver"] == estimator.solver:
        minimizer.set_state(training_state)


def _relative_change(weights_before: Array, weights_after: Array) -> float:
    norm_before = float(np.linalg.norm(weights_before))
    return float(np.linalg.norm(weights_after - weights_before)) / norm_before if norm_before else math.inf
