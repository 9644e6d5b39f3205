"""The warning that most units of a layer have died, and what to do about it."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from skneural.estimators.training import Recipe
from skneural.network import Network, mostly_dead


class DeadUnitsWarning(UserWarning):
    """More than half of a hidden layer's units are active on no row of the training data: they cannot learn."""


def warn_of_dead_units(estimator: Any, X: Any) -> None:
    """Warn, once, if more than half of a hidden layer is dead; to be called by `fit`, whose caller the warning names.

    Parameters
    ----------
    estimator : BaseActivationMLP
        Fitted.
    X : {ndarray, CSR array or matrix} of shape (n_rows, n_features)
        The training data.
    """
    network = estimator._network
    dead = mostly_dead(network, X)
    if not dead:
        return
    where = " and ".join(f"{n} of {network.sizes[i + 1]} units of hidden layer {i}" for i, n in dead.items())
    at_start = set(dead) <= set(mostly_dead(untrained(estimator), X))
    warnings.warn(
        f"{where} are dead: no training row activates them, so that they cannot learn. {remedy(estimator, at_start)} "
        "Activations that cannot die: leaky_relu, prelu, elu, maxout. See skneural.inspection.unit_report.",
        DeadUnitsWarning,
        stacklevel=5,
    )


def untrained(estimator: Any) -> Network:
    """Return a network like that of a fitted estimator, with new weights, to tell what training has changed."""
    fitted = estimator._network
    new = Network.zeros(fitted.sizes, fitted.activations, fitted.parameters.dtype, fitted.batch_norm)
    new.initialize(Recipe(estimator).initializer, estimator.bias_init, np.random.RandomState(0))
    return new


def remedy(estimator: Any, at_start: bool) -> str:
    """Return why units are dead, and what helps: they were from the start, or training killed them."""
    if at_start:
        return (
            "They were so before training: scale the features (StdScaler), choose another weight_init, or raise "
            "bias_init (0.01)."
        )
    if estimator.solver == "lbfgs":
        return "They died in training: scale the features (StdScaler), or raise alpha."
    rate = estimator.learning_rate_init
    return f"They died in training, of too long steps: lower learning_rate_init, now {rate:g} (try {rate / 10:g})."
