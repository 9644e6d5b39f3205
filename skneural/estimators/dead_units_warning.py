"""The warning that units of a hidden layer are dead after training, with the cause and what helps."""

from __future__ import annotations

from typing import Any

import numpy as np

from skneural.estimators.builder import TrainingBuilder
from skneural.network import Network
from skneural.network.alive_units import alive_units

# Untrained networks whose mean fraction of dead units is computed: so many that each layer has 100 units, up to 5.
MIN_UNTRAINED_UNITS, MAX_UNTRAINED = 100, 5


class DeadUnitsWarning(UserWarning):
    """More than half of a hidden layer's units are inactive on every training row, so they cannot learn.

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
    n_dead = {i: units.size - int(units.sum()) for i, units in enumerate(alive) if units.mean() < 0.5}
    if not n_dead:
        return []
    first_layer = min(n_dead)
    dead_fraction = n_dead[first_layer] / alive[first_layer].size
    explanation = explain_dead_units(estimator, dead_fraction, dead_fraction_untrained(estimator, X)[first_layer])
    dead_units = " and ".join(f"{n} of {alive[i].size} units of hidden layer {i}" for i, n in n_dead.items())
    message = (
        f"{dead_units} are dead: no training row activates them, so they cannot learn. {explanation} "
        "Layers are counted from 0. See skneural.inspection.unit_report."
    )
    return [DeadUnitsWarning(message)]


def dead_fraction_untrained(estimator: Any, X: Any) -> list[float]:
    """Return the mean fraction of dead units in each hidden layer before training, in networks like the fitted one.

    Parameters
    ----------
    estimator : BaseActivationMLP
        Fitted.
    X : {ndarray, CSR array or matrix} of shape (n_rows, n_features)
    """
    n_untrained = min(MAX_UNTRAINED, -(-MIN_UNTRAINED_UNITS // min(estimator._network.sizes[1:-1])))
    alive_untrained = [alive_units(_untrained_network(estimator, seed), X) for seed in range(n_untrained)]
    return np.mean([[1 - units.mean() for units in layers] for layers in alive_untrained], axis=0).tolist()


def _untrained_network(estimator: Any, seed: int) -> Network:
    """Return a network like the fitted one as it may have been before training."""
    fitted = estimator._network
    dtype = fitted.parameters.dtype
    untrained = Network.zeros(fitted.sizes, fitted.activations, dtype, fitted.batch_norm, fitted.n_members)
    untrained.initialize(TrainingBuilder(estimator).initializer, estimator.bias_init, np.random.RandomState(seed))
    return untrained


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
        reason = ", so the updates were too large"
        remedy = f"lower learning_rate_init, now {rate:g} (try {rate / 10:g})"
    return (
        f"In an untrained network {untrained_fraction:.0%} are dead{reason}: {remedy}; or use an activation "
        "function whose units cannot die: leaky_relu, prelu, elu, maxout."
    )
