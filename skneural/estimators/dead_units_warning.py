"""The warning that most units of a layer have died, and what to do about it."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from skneural.estimators.builder import TrainingBuilder
from skneural.network import Network
from skneural.network.alive_units import alive_units

N_NEW = 5  # networks, of which the mean tells how many units a new one has dead


class DeadUnitsWarning(UserWarning):
    """More than half of a hidden layer's units are active on no row of the training data: they cannot learn.

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


def warn_of_dead_units(estimator: Any, X: Any) -> None:
    """Warn, once, if more than half of a hidden layer is dead; to be called by `fit`, whose caller the warning names.

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
        return
    where = " and ".join(f"{n} of {alive[i].size} units of hidden layer {i}" for i, n in dead.items())
    first = min(dead)
    why = remedy(estimator, dead[first] / alive[first].size, dead_in_new(estimator, X)[first])
    warnings.warn(
        f"{where} are dead: no training row activates them, so that they cannot learn. {why} "
        "See skneural.inspection.unit_report.",
        DeadUnitsWarning,
        stacklevel=5,
    )


def dead_in_new(estimator: Any, X: Any) -> list[float]:
    """Return the share of dead units in each hidden layer of networks like the fitted one that have not been trained.

    Parameters
    ----------
    estimator : BaseActivationMLP
        Fitted.
    X : {ndarray, CSR array or matrix} of shape (n_rows, n_features)
    """
    fitted = estimator._network
    new = Network.zeros(fitted.sizes, fitted.activations, fitted.parameters.dtype, fitted.batch_norm)
    shares = []
    for seed in range(N_NEW):
        new.initialize(TrainingBuilder(estimator).initializer, estimator.bias_init, np.random.RandomState(seed))
        shares.append([1 - units.mean() for units in alive_units(new, X)])
    return np.mean(shares, axis=0).tolist()


def remedy(estimator: Any, dead: float, new: float) -> str:
    """Return why units are dead, and what helps.

    Parameters
    ----------
    estimator : BaseActivationMLP
    dead, new : float
        Share of a layer's units that are dead, and that of a network that has not been trained.
    """
    if 2 * new >= dead:
        why = f"In a new network {new:.0%} are so already: scale the features (StdScaler), take another weight_init or "
        why += "a positive bias_init (0.01)"
    elif estimator.solver == "lbfgs":
        why = f"In a new network {new:.0%} are: training did it; scale the features (StdScaler), or raise alpha"
    else:
        rate = estimator.learning_rate_init
        why = f"In a new network {new:.0%} are: the steps were too long; lower learning_rate_init, now {rate:g} "
        why += f"(try {rate / 10:g})"
    return f"{why}; or take an activation that cannot die: leaky_relu, prelu, elu, maxout."
