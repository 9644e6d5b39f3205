"""Which units of a network are alive: on some row active, or open to the gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skneural.network.network import Network

Array = NDArray[Any]

NOTHING = 1e-6  # activations and local gradients below are none
FIRST = 256  # rows after which nearly every network has shown that its units live
LARGEST = 16384  # rows that are looked at at most


def local_gradient(network: Network, layer: int, Z: Array, A: Array) -> Array:
    """Return |dA/dZ| of each unit of a hidden layer, of the shape of `A`; with several pieces that of the largest."""
    activation, learned = network.activations[layer], network.learned[layer]
    dZ = activation.backward(np.ones_like(A), Z, A, *((learned,) if learned.size else ()))
    return np.abs(dZ).reshape(len(A), activation.n_pieces, A.shape[1]).max(axis=1)


def alive(network: Network, layer: int, Z: Array, A: Array) -> Array:
    """Return whether each unit of a hidden layer has, on any of the rows, an activation or a local gradient."""
    living = np.abs(A).max(axis=0) > NOTHING
    if not living.all():
        living = living | (local_gradient(network, layer, Z, A).max(axis=0) > NOTHING)
    return living


def mostly_dead(network: Network, X: Any) -> dict[int, int]:
    """Return the hidden layers of which more than half of the units are dead on `X`, and how many are.

    Rows are taken evenly from all of `X`, few at first, and not more than it takes to see half of each layer alive;
    16384 at most.

    Parameters
    ----------
    network : Network
    X : {ndarray, CSR array or matrix} of shape (n_rows, n_features)
    """
    n_rows = min(X.shape[0], LARGEST)
    spread = np.linspace(0, X.shape[0] - 1, n_rows).astype(np.intp)
    order = np.argsort(np.arange(n_rows) % max(n_rows // FIRST, 1), kind="stable")  # each block from everywhere
    living = [np.zeros(n_units, dtype=bool) for n_units in network.sizes[1:-1]]
    for start in range(0, n_rows, FIRST):
        rows = np.sort(spread[order[start : start + FIRST]])
        with np.errstate(all="ignore"):
            for layer, (Z, A) in enumerate(network.traced(X[rows])):
                living[layer] |= alive(network, layer, Z, A)
        if all(2 * units.sum() >= units.size for units in living):
            return {}
    return {i: int((~units).sum()) for i, units in enumerate(living) if 2 * units.sum() < units.size}
