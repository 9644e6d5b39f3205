"""Which units of a network are alive: on some row active, or open to the gradient."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skneural.activations import Activation
from skneural.network.network import Network

Array = NDArray[Any]

NEGLIGIBLE = 1e-6
FIRST, NEXT = 64, 256  # rows at once; after the first nearly every network has shown that most of its units live
LARGEST = 16384  # rows that are looked at at most


def zero_threshold(activation: Activation) -> float:
    """Return up to what size activations and local gradients count as none.

    1e-6; but where the activation saturates on both sides, small values may be one of its two extremes, and the unit is
    saturated rather than dead. Then it is 0 if there is a stretch of exact zeros, as in ReLU6, and else -1, which no
    size is below: a logistic unit is never dead, not even where it underflows.
    """
    if activation.properties().saturates != "both":
        return NEGLIGIBLE
    Z = np.repeat(np.linspace(-20, 20, 401)[:, None], activation.n_pieces, axis=1)
    A = activation.forward(Z, *_given(activation.init_params(1)))
    return 0.0 if ((A == 0).ravel() & (activation.derivative(Z) == 0).all(axis=1)).any() else -1.0


def local_gradient(network: Network, layer: int, Z: Array, A: Array) -> Array:
    """Return |dA/dZ| of each unit of a hidden layer, of the shape of `A`; with several pieces that of the steepest."""
    activation, activation_params = network.activations[layer], network.activation_params[layer]
    dZ = activation.backward(np.ones_like(A), Z, A, *_given(activation_params))
    return np.abs(dZ).reshape(len(A), activation.n_pieces, A.shape[1]).max(axis=1)


def _given(activation_params: Array) -> tuple[Array, ...]:
    """Return the learned parameters as the activation wants them: not at all, if there are none."""
    return (activation_params,) if activation_params.size else ()


def alive_units(network: Network, X: Any, enough: float = 1.0) -> list[Array]:
    """Return for each hidden layer which units are seen to live: to have activation or local gradient on some row.

    Rows are taken evenly from all of `X`, few at first, and no more than it takes to see enough; 16384 at most.

    Parameters
    ----------
    network : Network
    X : {ndarray, CSR array or matrix} of shape (n_rows, n_features)
    enough : float, default=1.0
        Share of each layer's units that are to be seen to live before looking ends.

    Returns
    -------
    alive_units : list of ndarray of bool of shape (n_units,)
    """
    seen = [np.zeros(n_units, dtype=bool) for n_units in network.sizes[1:-1]]
    least = cache(lambda layer: zero_threshold(network.activations[layer]))
    for rows in _scattered(X.shape[0]):
        with np.errstate(all="ignore"):
            for layer, (Z, A) in enumerate(network.iter_layers(X[rows])):
                seen[layer] |= np.abs(A).max(axis=0) > NEGLIGIBLE
                if seen[layer].mean() < enough:
                    largest = np.maximum(np.abs(A), local_gradient(network, layer, Z, A)).max(axis=0)
                    seen[layer] |= largest > least(layer)
        if all(units.mean() >= enough for units in seen):
            break
    return seen


def _scattered(n_rows: int) -> list[Array]:
    """Return the numbers of the rows to be looked at, block by block, each block from everywhere."""
    rows = np.linspace(0, n_rows - 1, min(n_rows, LARGEST)).astype(np.intp)
    if len(rows) <= FIRST:
        return [rows]
    n_blocks = -(-len(rows) // NEXT)
    return [rows[:: -(-len(rows) // FIRST)], *(rows[start::n_blocks] for start in range(n_blocks))]
