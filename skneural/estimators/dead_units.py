"""The warning that most units of a layer have died."""

from __future__ import annotations

import warnings
from typing import Any

from skneural.network import Network, mostly_dead


class DeadUnitsWarning(UserWarning):
    """More than half of a hidden layer's units are active on no row of the training data: they can never learn."""


def warn_of_dead_units(network: Network, X: Any, learning_rate: float | None, stacklevel: int) -> None:
    """Warn, once, if more than half of a hidden layer is dead on the training data.

    Parameters
    ----------
    network : Network
    X : {ndarray, CSR array or matrix} of shape (n_rows, n_features)
    learning_rate : float or None
        For the message; None if there is none.
    stacklevel : int
        Whose line the warning names.
    """
    dead = mostly_dead(network, X)
    if not dead:
        return
    where = ", ".join(f"{n} of {network.sizes[i + 1]} units of hidden layer {i}" for i, n in dead.items())
    rate = "" if learning_rate is None else f"lower learning_rate_init (now {learning_rate:g}), "
    warnings.warn(
        f"{where} are dead: active on no training row, so that they cannot learn. Usual remedies: {rate}scale the "
        "features (StdScaler), or take an activation that cannot die (leaky_relu, elu, maxout). "
        "skneural.inspection.unit_report shows which units.",
        DeadUnitsWarning,
        stacklevel=stacklevel,
    )
