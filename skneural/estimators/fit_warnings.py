"""What `fit` warns of at its end, and why: dead units, rows that are fitted poorly, training that did not converge."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.base import is_regressor

from skneural.estimators.builder import TrainingBuilder
from skneural.network import Network, Objective
from skneural.network.alive_units import alive_units

Array = NDArray[Any]

N_UNTRAINED = 5  # untrained networks whose mean fraction of dead units is computed
LARGE = 30.0  # a spread or a mean this many times what initial weights are made for slows training down, or worse
RISEN = 1.05  # the loss has risen if its latest value is this many times its smallest
SAMPLED_ROWS = 1000  # evenly from all, on which the network is compared with a constant
TIE = 1e-3  # losses this close are equal
FALLING = 0.01  # the loss still falls if it lost this share of its value in the last tenth of the epochs


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
    used = np.arange(len(rows.Y)) if rows.subset is None else rows.subset
    used = used if rows.sample_weight is None else used[rows.sample_weight[used] > 0]
    weight = None if rows.sample_weight is None else rows.sample_weight[used]
    constant = loss.initial_output(rows.Y[used], weight)
    if constant is None and loss.in_target_units:
        constant = np.average(rows.Y[used], axis=0, weights=weight)
    if constant is None or not estimator.loss_curve_:
        return ""
    sampled = used[np.linspace(0, len(used) - 1, min(len(used), SAMPLED_ROWS)).astype(np.intp)]
    Y, weight = rows.Y[sampled], None if rows.sample_weight is None else rows.sample_weight[sampled]
    outputs = np.broadcast_to(np.asarray(constant, rows.X.dtype), (len(Y), len(constant)))
    baseline = float(np.average(loss.evaluate(outputs, Y)[0], weights=weight))
    known = estimator.loss_curve_[-1]  # with the penalty; beside a constant target no network is any use
    if known <= baseline or (rows.Y[used] == rows.Y[used[0]]).all():
        return ""
    F = loss.combine_members(estimator._network.raw_output(rows.X[sampled]))
    reached = float(np.average(loss.evaluate(F, Y)[0], weights=weight))
    if reached <= baseline * (1 + TIE):
        return ""
    losses = f"loss {reached:.3g} against {baseline:.3g}"
    return f"The network fits its own training rows worse than a constant does: {losses}. "


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
        worst = int(np.argmax(np.abs(Y).max(axis=0)))
        target = Target(float(Y[:, worst].mean()), float(Y[:, worst].std()), may_be_scaled=True)
    return advise_on_scale(objective.rows.X, target) or advise_on_loss(estimator.loss_curve_[-estimator.n_iter_ :])


def advise_on_loss(loss_curve: Sequence[float]) -> str:
    """Return a sentence on what the loss of the last epochs asks for.

    Parameters
    ----------
    loss_curve : sequence of float
        Loss of each epoch.
    """
    last, least = loss_curve[-1], min(loss_curve)
    if last > RISEN * least and least >= 0:
        return (
            f"The loss has risen from {least:.3g} in epoch {loss_curve.index(least) + 1} to {last:.3g}: lower "
            "learning_rate_init, or choose a schedule that ends low (learning_rate='cosine')."
        )
    n_before = max(1, len(loss_curve) // 10)
    before = loss_curve[-1 - n_before] if len(loss_curve) > n_before else math.inf
    if before - last > FALLING * abs(last):
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
    sizes = _feature_sizes(X)
    worst = int(np.argmax(sizes))
    if sizes[worst] > LARGE:
        return (
            f"Feature {worst} has a root mean square of {sizes[worst]:.3g}, where the initial weights expect about 1: "
            "scale the features (StdScaler)."
        )
    return None


def _feature_sizes(X: Any) -> Array:
    """Return the root mean square of each feature, on rows that are taken evenly from all."""
    sampled = X[np.linspace(0, X.shape[0] - 1, min(X.shape[0], SAMPLED_ROWS)).astype(np.intp)]
    with np.errstate(over="ignore", under="ignore"):
        squares = sampled.multiply(sampled) if issparse(sampled) else np.square(sampled, dtype=np.float64)
        return np.sqrt(np.asarray(squares.mean(axis=0), dtype=np.float64).ravel())


class DeadUnitsWarning(UserWarning):
    """More than half of a hidden layer's units are inactive on every training row, so that they cannot learn.

    Examples
    --------
    >>> import warnings
    >>> from sklearn.datasets import load_iris
    >>> from skneural import ActivationMLPClassifier, DeadUnitsWarning
    >>> X, y = load_iris(return_X_y=True)
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always", DeadUnitsWarning)
    ...     model = ActivationMLPClassifier((20,), bias_init=-50.0, solver="lbfgs", random_state=0).fit(X, y)
    >>> [warning.category.__name__ for warning in caught]
    ['DeadUnitsWarning']
    >>> print(str(caught[0].message).split(":")[0])
    20 of 20 units of hidden layer 0 are dead
    """


def dead_units_warnings(estimator: Any, X: Any) -> list[Warning]:
    """Return a warning if more than half of a hidden layer is dead, else nothing.

    Parameters
    ----------
    estimator : BaseActivationMLP
        Fitted.
    X : {ndarray, CSR array or matrix} of shape (n_rows, n_features)
        The training data.
    """
    alive = alive_units(estimator._network, X, min_fraction=0.5)
    dead = {i: units.size - int(units.sum()) for i, units in enumerate(alive) if units.mean() < 0.5}
    if not dead:
        return []
    where = " and ".join(f"{n} of {alive[i].size} units of hidden layer {i}" for i, n in dead.items())
    first = min(dead)
    explanation = explain_dead_units(
        estimator, dead[first] / alive[first].size, dead_fraction_untrained(estimator, X)[first]
    )
    return [
        DeadUnitsWarning(
            f"{where} are dead: no training row activates them, so that they cannot learn. {explanation} "
            "See skneural.inspection.unit_report."
        )
    ]


def dead_fraction_untrained(estimator: Any, X: Any) -> list[float]:
    """Return the mean fraction of dead units in each hidden layer before training, in networks like the fitted one.

    Parameters
    ----------
    estimator : BaseActivationMLP
        Fitted.
    X : {ndarray, CSR array or matrix} of shape (n_rows, n_features)
    """
    fitted = estimator._network
    dtype = fitted.parameters.dtype
    untrained = Network.zeros(fitted.sizes, fitted.activations, dtype, fitted.batch_norm, fitted.n_members)
    fractions = []
    for seed in range(N_UNTRAINED):
        untrained.initialize(TrainingBuilder(estimator).initializer, estimator.bias_init, np.random.RandomState(seed))
        fractions.append([1 - units.mean() for units in alive_units(untrained, X)])
    return np.mean(fractions, axis=0).tolist()


def explain_dead_units(estimator: Any, dead_fraction: float, untrained_fraction: float) -> str:
    """Return why units of a layer are dead, and what helps.

    Parameters
    ----------
    estimator : BaseActivationMLP
    dead_fraction, untrained_fraction : float
        Fraction of the layer's units that are dead, after and before training.
    """
    rate = estimator.learning_rate_init
    if 2 * untrained_fraction >= dead_fraction:
        reason, remedy = " already", "scale the features (StdScaler), use another weight_init or bias_init=0.01"
    elif estimator.solver == "lbfgs":
        reason, remedy = ", so training is the cause", "scale the features (StdScaler), or raise alpha"
    else:
        reason, remedy = ", so the steps were too long", f"lower learning_rate_init, now {rate:g} (try {rate / 10:g})"
    return (
        f"In an untrained network {untrained_fraction:.0%} are dead{reason}: {remedy}; or use an activation that "
        "cannot die: leaky_relu, prelu, elu, maxout."
    )
