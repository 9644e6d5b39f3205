"""What the warning of training that did not converge says: is the fit worse than a constant, and what would help."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.base import is_regressor

from skneural.network import Objective, TrainingRows
from skneural.network.training_rows import evenly_spaced_rows

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


def compare_with_constant(estimator: Any, objective: Objective) -> str:
    """Return a sentence if a regressor fits its training rows worse than a constant does; else an empty string.

    Parameters
    ----------
    estimator : BaseActivationMLP
        After training.
    objective : Objective
        Which it minimised.
    """
    if not is_regressor(estimator):
        return ""
    rows, loss = objective.rows, objective.loss
    training_rows = _rows_with_weight(rows)
    weight = None if rows.sample_weight is None else rows.sample_weight[training_rows]
    constant = loss.initial_output(rows.Y[training_rows], weight)
    if constant is None and loss.in_target_units:
        constant = np.average(rows.Y[training_rows], axis=0, weights=weight)
    if constant is None or not estimator.loss_curve_:
        return ""
    sampled_rows = training_rows[evenly_spaced_rows(len(training_rows), SAMPLED_ROWS)]
    Y, weight = rows.Y[sampled_rows], None if rows.sample_weight is None else rows.sample_weight[sampled_rows]
    outputs = np.broadcast_to(np.asarray(constant, rows.X.dtype), (len(Y), len(constant)))
    constant_loss = float(np.average(loss.evaluate(outputs, Y)[0], weights=weight))
    last_loss = estimator.loss_curve_[-1]  # with the penalty; beside a constant target no network is any use
    if last_loss <= constant_loss or (rows.Y[training_rows] == rows.Y[training_rows[0]]).all():
        return ""
    F = loss.combine_members(estimator._network.raw_output(rows.X[sampled_rows]))
    network_loss = float(np.average(loss.evaluate(F, Y)[0], weights=weight))
    if network_loss <= constant_loss * (1 + EQUAL_LOSS):
        return ""
    losses = f"loss {network_loss:.3g} against {constant_loss:.3g}"
    return f"The network fits its own training rows worse than a constant does: {losses}. "


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
    Y = objective.rows.Y
    target = Target(0.0, 1.0, may_be_scaled=False)
    if objective.loss.in_target_units and not estimator.normalize_y:
        largest_target = int(np.argmax(np.abs(Y).max(axis=0)))
        target = Target(float(Y[:, largest_target].mean()), float(Y[:, largest_target].std()), may_be_scaled=True)
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
    if target.may_be_scaled and (target.std > LARGE or target.std * LARGE < 1 or abs(target.mean) > LARGE):
        return (
            f"The target has mean {target.mean:.3g} and standard deviation {target.std:.3g}, and the network learns it "
            "in this unit: set normalize_y=True."
        )
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
