"""Which units of a network are alive: active on some row, or with a gradient there."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skneural.activations import Activation
from skneural.network.network import Network
from skneural.network.training_rows import evenly_spaced_rows

Array = NDArray[Any]

NEGLIGIBLE_ACTIVATION = 1e-6
FIRST_BLOCK_ROWS, BLOCK_ROWS = 64, 256  # in nearly every network the first block shows that most units are alive
MAX_SAMPLED_ROWS = 16384


def zero_threshold(activation: Activation) -> float:
    """Return the size up to which activations and local gradients count as zero.

    1e-6; but where the activation saturates on both sides, small values may be one of its two extremes, and the unit is
    saturated rather than dead. Then it is 0 if there is a stretch of exact zeros, as in ReLU6, and otherwise -1: no
    value counts as zero, and a logistic unit is never dead, not even where it underflows.
    """
    if activation.properties().saturates != "both":
        return NEGLIGIBLE_ACTIVATION
    grid_Z = np.repeat(np.linspace(-20, 20, 401)[:, None], activation.n_pieces, axis=1)
    grid_A = activation.forward(grid_Z, *_learned_arguments(activation.init_params(1)))
    return 0.0 if ((grid_A == 0).ravel() & (activation.derivative(grid_Z) == 0).all(axis=1)).any() else -1.0


def local_gradient(network: Network, layer: int, Z: Array, A: Array) -> Array:
    """Return |dA/dZ| of each unit of a hidden layer, of the shape of `A`; with several pieces that of the steepest."""
    activation, activation_params = network.activations[layer], network.activation_params[layer]
    local_gradients = activation.backward(np.ones_like(A), Z, A, *_learned_arguments(activation_params))
    return np.abs(local_gradients).reshape(len(A), activation.n_pieces, A.shape[1]).max(axis=1)


def _learned_arguments(activation_params: Array) -> tuple[Array, ...]:
    """Return the learned parameters as arguments for the activation's methods: none, if there are none."""
    return (activation_params,) if activation_params.size else ()


def alive_units(network: Network, X: Any, min_fraction: float = 1.0) -> list[Array]:
    """Return for each hidden layer which units are alive: have an activation or a local gradient on some row.

    Blocks of rows, each taken evenly from all of `X`, are tried until `min_fraction` of each layer's units are known to
    be alive; 16384 rows at most.

    Parameters
    ----------
    network : Network
    X : {ndarray, CSR array or matrix} of shape (n_rows, n_features)
    min_fraction : float, default=1.0
        Fraction of each layer's units after which the other rows need not be looked at.

    Returns
    -------
    alive_units : list of ndarray of bool of shape (n_units,)
    """
    alive = [np.zeros(n_units, dtype=bool) for n_units in network.sizes[1:-1]]
    threshold = cache(lambda layer: zero_threshold(network.activations[layer]))
    for rows in _sampled_row_blocks(X.shape[0]):
        with np.errstate(all="ignore"):
            for layer, (Z, A) in enumerate(network.iter_layers(X[rows])):
                alive[layer] |= np.abs(A).max(axis=0) > NEGLIGIBLE_ACTIVATION
                if alive[layer].mean() < min_fraction:
                    alive[layer] |= _largest_activity(network, layer, Z, A) > threshold(layer)
        if all(units.mean() >= min_fraction for units in alive):
            break
    return alive


def _largest_activity(network: Network, layer: int, Z: Array, A: Array) -> Array:
    """Return the largest activation or local gradient of each unit."""
    return np.maximum(np.abs(A), local_gradient(network, layer, Z, A)).max(axis=0)


def _sampled_row_blocks(n_rows: int) -> list[Array]:
    """Return the indices of the rows to look at, block by block, each block taken evenly from all rows."""
    sampled_rows = evenly_spaced_rows(n_rows, MAX_SAMPLED_ROWS)
    if len(sampled_rows) <= FIRST_BLOCK_ROWS:
        return [sampled_rows]
    first_block = sampled_rows[:: -(-len(sampled_rows) // FIRST_BLOCK_ROWS)]
    n_blocks = -(-len(sampled_rows) // BLOCK_ROWS)
    return [first_block, *(sampled_rows[start::n_blocks] for start in range(n_blocks))]
