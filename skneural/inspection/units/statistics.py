"""Counting what the hidden units do, over any number of rows, block by block."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skneural.activations import Activation
from skneural.network import Network
from skneural.network.alive_units import local_gradient, zero_threshold

Array = NDArray[Any]

LITTLE = 0.01  # where an activation is not nothing, a local gradient below this share of the largest is saturated
BLOCK = 2048  # rows at once
OFTEN = 0.9  # a unit that is saturated on at least this share of the rows counts as saturated


class UnitStatistics:
    """Sums over rows, for each unit of a hidden layer.

    Parameters
    ----------
    network : Network
    layer : int
        Number of the hidden layer, from 0.
    """

    def __init__(self, network: Network, layer: int):
        self.network, self.layer = network, layer
        self.activation, self.n_units = network.activations[layer], network.sizes[layer + 1]
        n_units = self.n_units
        self._nothing, self._little = zero_threshold(self.activation), LITTLE * largest_gradient(self.activation)
        self.n_rows = self.n_one_sign = 0
        self.alive_units, self.always_positive = np.zeros(n_units, bool), np.ones(n_units, bool)
        self.n_saturated, self.sum, self.squares = np.zeros(n_units, int), np.zeros(n_units), np.zeros(n_units)
        self.wins = np.zeros((self.activation.n_pieces, n_units), int)

    def add(self, inputs: Any, Z: Array, A: Array) -> None:
        """Count some rows: the layer's inputs (dense or CSR), pre-activations and activations."""
        gradient = local_gradient(self.network, self.layer, Z, A)
        active = np.abs(A) > self._nothing
        self.n_rows += len(A)
        self.n_one_sign += int(_one_sign(inputs).sum())
        self.alive_units |= (active | (gradient > self._nothing)).any(axis=0)
        self.n_saturated += (active & (gradient < self._little)).sum(axis=0)
        self.sum += A.sum(axis=0, dtype=np.float64)
        self.squares += np.einsum("ij,ij->j", A, A, dtype=np.float64)
        pieces = Z.reshape(len(Z), *self.wins.shape)
        self.always_positive &= (pieces > 0).any(axis=1).all(axis=0)
        winners = pieces.argmax(axis=1)
        for piece, wins in enumerate(self.wins):
            wins += (winners == piece).sum(axis=0)

    @property
    def dead(self) -> Array:
        """Numbers of the units that have neither activation nor local gradient on any row."""
        return np.flatnonzero(~self.alive_units)

    @property
    def always_on(self) -> Array:
        """Numbers of the units whose pre-activation is positive on all rows, if that side differs from the other."""
        return np.flatnonzero(self.always_positive & has_two_sides(self.activation))

    @property
    def saturated(self) -> Array:
        """Numbers of the living units that on at least 90 % of the rows are active and have little local gradient."""
        return np.flatnonzero(self.alive_units & (self.n_saturated >= OFTEN * self.n_rows))


def unit_statistics(network: Network, X: Any) -> list[UnitStatistics]:
    """Return what the units of each hidden layer do on checked rows."""
    layers = [UnitStatistics(network, i) for i in range(len(network.activations))]
    for start in range(0, X.shape[0], BLOCK):
        inputs = X[start : start + BLOCK]
        with np.errstate(all="ignore"):
            for layer, (Z, A) in zip(layers, network.iter_layers(inputs), strict=True):
                layer.add(inputs, Z, A)
                inputs = A
    return layers


def largest_gradient(activation: Activation) -> float:
    """Return the largest |f'| for pre-activations from -10 to 10."""
    z = np.linspace(-10, 10, 401)[:, None]
    return float(np.abs(activation.derivative(np.repeat(z, activation.n_pieces, axis=1))).max())


def has_two_sides(activation: Activation) -> bool:
    """Return whether f is steeper for positive than for negative pre-activations, as that of the ReLU family is."""
    z = np.repeat([[-3.0], [3.0]], activation.n_pieces, axis=1)
    left, right = np.abs(activation.derivative(z)).max(axis=1)
    return bool(left < 0.99 * right)


def _one_sign(inputs: Any) -> Array:
    """Return for each row whether its entries that are not zero have one sign: so have its weights' gradients."""
    low, high = inputs.min(axis=1), inputs.max(axis=1)
    if hasattr(low, "toarray"):
        low, high = low.toarray().ravel(), high.toarray().ravel()
    return (low >= 0) != (high <= 0)
