"""The warning that training did not converge: whether the fit is worse than a constant, and what would help."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.base import is_regressor
from sklearn.exceptions import ConvergenceWarning

from skneural.network import Objective, TrainingRows
from skneural.network.training_rows import evenly_spaced_rows
from skneural.solvers.lbfgs import OptimizationResult

Array = NDArray[Any]

LARGE = 30.0  # a spread or a mean this many times what initial weights are made for slows training down, or worse
RISEN_LOSS = 1.05  # the loss has risen if its latest value is this many times its smallest
SAMPLED_ROWS = 1000  # evenly from all, on which the network is compared with a constant
EQUAL_LOSS = 1e-3  # losses this close are equal
FALLING_LOSS = 0.01  # the loss still falls if it lost this share of its value in the last tenth of the epochs


@dataclass(frozen=True)
class Target:
    """The targets as the loss sees them.

    Parameters
    ----------
    mean, std : float
        Of the target for which their size is largest.
    may_be_scaled : bool
        Whether ``normalize_y=True`` would standardize them, and has not.
    """

    mean: float
    std: float
    may_be_scaled: bool


def stochastic_convergence_warnings(estimator: Any, objective: Objective, max_epochs: int | None) -> list[Warning]:
    """Return a warning if training on mini-batches needs more epochs, or ended worse than a constant; else nothing.

    Parameters
    ----------
    estimator : BaseActivationMLP
        After training.
    objective : Objective
        Which it minimised.
    max_epochs : int or None
        The largest number of epochs, if training should have converged before; else None.
    """
    problem = compare_with_constant(estimator, objective)
    if max_epochs is not None:
        limit = f"Maximum iterations ({max_epochs}) reached"
        problem = f"Stochastic Optimizer: {limit} and the optimization hasn't converged yet. {problem}"
    return [ConvergenceWarning(problem + advise(estimator, objective))] if problem else []


def lbfgs_convergence_warnings(
    estimator: Any, objective: Objective, unconverged: OptimizationResult | None
) -> list[Warning]:
    """Return a warning if lbfgs did not converge, or ended worse than a constant; else nothing.

    Parameters
    ----------
    estimator : BaseActivationMLP
        After training.
    objective : Objective
        Which it minimised.
    unconverged : OptimizationResult or None
        How lbfgs ended, if it should have converged and has not.
    """
    problem = compare_with_constant(estimator, objective)
    if unconverged is not None:
        problem = f"lbfgs failed to converge after {unconverged.n_iter} iteration(s): {unconverged.message} {problem}"
    advice = "Increase max_iter or max_fun, or scale the data (StdScaler)."
    return [ConvergenceWarning(problem + advice)] if problem else []


def schedule_end_warning(estimator: Any) -> ConvergenceWarning:
    """Return the warning that the learning-rate schedule ends, while calls of `partial_fit` go on."""
    return ConvergenceWarning(
        f"The schedule learning_rate={estimator.learning_rate!r} has ended: this and all later calls of partial_fit "
        f"train at a learning rate of {estimator.history_['learning_rate'][-1]:.3g}. For streams use "
        "learning_rate='constant' or 'invscaling'; else raise max_iter, or call fit."
    )


def compare_with_constant(estimator: Any, objective: Objective) -> str:
    """Return a sentence if a regressor fits its training rows worse than a constant does; else an empty string.

    Parameters
    ----------
    estimator : BaseActivationMLP
        After training.
    objective : Objective
        Which it minimised.
    """
    if not is_regressor(estimator) or not estimator.loss_curve_:
        return ""
    trained_rows = _rows_with_weight(objective.rows)
    sampled_rows = trained_rows[evenly_spaced_rows(len(trained_rows), SAMPLED_ROWS)]
    constant_loss = _constant_loss(objective, trained_rows, sampled_rows)
    last_loss, targets = estimator.loss_curve_[-1], objective.rows.Y[trained_rows]  # the loss with the penalty
    if last_loss <= constant_loss or (targets == targets[0]).all():  # beside a constant target no network is any use
        return ""
    F = objective.loss.combine_members(estimator._network.raw_output(objective.rows.X[sampled_rows]))
    network_loss = _mean_loss(objective, F, sampled_rows)
    if network_loss <= constant_loss * (1 + EQUAL_LOSS):
        return ""
    losses = f"loss {network_loss:.3g} against {constant_loss:.3g}"
    return f"The network fits its own training rows worse than a constant does: {losses}. "


def _constant_loss(objective: Objective, trained_rows: Array, sampled_rows: Array) -> float:
    """Return the mean loss of the best constant on sampled rows; infinity if the loss has none."""
    Y, weight = _targets_and_weight(objective.rows, trained_rows)
    constant = objective.loss.initial_output(Y, weight)
    if constant is None and objective.loss.in_target_units:
        constant = np.average(Y, axis=0, weights=weight)
    if constant is None:
        return math.inf
    constant_output = np.asarray(constant, objective.rows.X.dtype)
    return _mean_loss(objective, np.broadcast_to(constant_output, (len(sampled_rows), len(constant))), sampled_rows)


def _mean_loss(objective: Objective, F: Array, indices: Array) -> float:
    """Return the mean loss of raw outputs for some rows, without the penalty."""
    Y, weight = _targets_and_weight(objective.rows, indices)
    return float(np.average(objective.loss.evaluate(F, Y)[0], weights=weight))


def _targets_and_weight(rows: TrainingRows, indices: Array) -> tuple[Array, Array | None]:
    return rows.Y[indices], None if rows.sample_weight is None else rows.sample_weight[indices]


def _rows_with_weight(rows: TrainingRows) -> Array:
    """Return the indices of the rows that were trained on and have a positive weight."""
    indices = np.arange(len(rows.Y)) if rows.subset is None else rows.subset
    return indices if rows.sample_weight is None else indices[rows.sample_weight[indices] > 0]


def advise(estimator: Any, objective: Objective) -> str:
    """Return a sentence on what keeps the network from fitting its rows better: scales first, then rate and epochs.

    Parameters
    ----------
    estimator : BaseActivationMLP
        After training.
    objective : Objective
        Which it minimised.
    """
    target = Target(0.0, 1.0, may_be_scaled=False)
    if objective.loss.in_target_units and not estimator.normalize_y:
        largest_target = objective.rows.Y[:, np.abs(objective.rows.Y).max(axis=0).argmax()]
        target = Target(float(largest_target.mean()), float(largest_target.std()), may_be_scaled=True)
    return advise_on_scale(objective.rows.X, target) or advise_on_loss(estimator.loss_curve_[-estimator.n_iter_ :])


def advise_on_loss(loss_curve: Sequence[float]) -> str:
    """Return a sentence on what the loss of the last epochs asks for.

    Parameters
    ----------
    loss_curve : sequence of float
        Loss of each epoch.
    """
    last, least = loss_curve[-1], min(loss_curve)
    if last > RISEN_LOSS * least and least >= 0:
        return (
            f"The loss has risen from {least:.3g} in epoch {loss_curve.index(least) + 1} to {last:.3g}: lower "
            "learning_rate_init, or choose a schedule that ends low (learning_rate='cosine')."
        )
    n_before = max(1, len(loss_curve) // 10)
    before = loss_curve[-1 - n_before] if len(loss_curve) > n_before else math.inf
    if before - last > FALLING_LOSS * abs(last):
        return "The loss still falls: increase max_iter, or learning_rate_init."
    return "The loss hardly falls any more: increase tol to stop earlier, or change learning_rate_init."


def advise_on_scale(X: Any, target: Target) -> str | None:
    """Return a sentence if features or targets are far from the scale that initial weights are made for.

    Parameters
    ----------
    X : {ndarray, CSR array or matrix} of shape (n_rows, n_features)
        Features.
    target : Target
        The targets.
    """
    is_far = target.std > LARGE or target.std * LARGE < 1 or abs(target.mean) > LARGE
    if target.may_be_scaled and is_far:
        return (
            f"The target has mean {target.mean:.3g} and standard deviation {target.std:.3g}, and the network learns it "
            "in this unit: set normalize_y=True."
        )
    return _advise_on_features(X)


def _advise_on_features(X: Any) -> str | None:
    feature_sizes = _feature_sizes(X)
    largest_feature = int(np.argmax(feature_sizes))
    if feature_sizes[largest_feature] > LARGE:
        return (
            f"Feature {largest_feature} has a root mean square of {feature_sizes[largest_feature]:.3g}, where the "
            "initial weights expect about 1: scale the features (StdScaler)."
        )
    return None


def _feature_sizes(X: Any) -> Array:
    """Return the root mean square of each feature, on rows that are taken evenly from all."""
    sampled = X[evenly_spaced_rows(X.shape[0], SAMPLED_ROWS)]
    with np.errstate(over="ignore", under="ignore"):
        squares = sampled.multiply(sampled) if issparse(sampled) else np.square(sampled, dtype=np.float64)
        return np.sqrt(np.asarray(squares.mean(axis=0), dtype=np.float64).ravel())
