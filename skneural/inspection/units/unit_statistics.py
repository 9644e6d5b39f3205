"""Statistics of hidden units over any number of rows, computed block by block, and histograms of their activations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse, vstack

from skneural.activations import Activation
from skneural.network import Network
from skneural.network.alive_units import local_gradient, zero_threshold

Array = NDArray[Any]

STATISTICS_BLOCK_ROWS = 2048  # rows at once
SATURATED_GRADIENT = 0.01  # of the activation's largest local gradient: an active unit below it is saturated on the row
SATURATED_ROWS = 0.9  # a unit that is saturated on at least this fraction of the rows counts as saturated
OUTSIDE_PERCENT = 0.1  # of the activations may lie outside of a histogram, at each end


class UnitStatistics:
    """Statistics of each unit of a hidden layer, summed over rows.

    Parameters
    ----------
    network : Network
    layer : int
        Number of the hidden layer, from 0.

    Attributes
    ----------
    n_rows : int
        Number of rows added so far.
    n_one_sign : int
        Number of rows on which all inputs of the layer have one sign.
    is_alive : ndarray of shape (n_units,), bool
        Whether the unit had an activation or a local gradient on some row.
    always_positive : ndarray of shape (n_units,), bool
        Whether the pre-activation was positive on every row.
    n_saturated : ndarray of shape (n_units,), int
        Number of rows on which the unit was saturated.
    sum, sum_of_squares : ndarray of shape (n_units,)
        Sum of the activations, and of their squares.
    mean, std, saturation : float
        Mean, standard deviation and fraction of saturated activations, over all units and rows.
    piece_counts : ndarray of shape (n_pieces, n_units), int
        Number of rows on which each piece was the largest.
    """

    def __init__(self, network: Network, layer: int):
        self.network, self.layer = network, layer
        self.activation, self.n_units = network.activations[layer], network.sizes[layer + 1]
        self._zero_threshold = zero_threshold(self.activation)
        self._saturated_threshold = SATURATED_GRADIENT * max_local_gradient(self.activation)
        self.n_rows = self.n_one_sign = 0
        self.is_alive, self.always_positive = np.zeros(self.n_units, bool), np.ones(self.n_units, bool)
        self.n_saturated = np.zeros(self.n_units, int)
        self.sum, self.sum_of_squares = np.zeros((2, self.n_units))
        self.piece_counts = np.zeros((self.activation.n_pieces, self.n_units), int)

    def add_rows(self, inputs: Any, Z: Array, A: Array) -> None:
        """Add some rows: the layer's inputs (dense or CSR), pre-activations and activations."""
        self.n_rows += len(A)
        self.n_one_sign += int(_rows_of_one_sign(inputs).sum())
        self._add_to_sums(A)
        self._count_alive_and_saturated(Z, A)
        self._count_largest_pieces(Z)

    def _add_to_sums(self, A: Array) -> None:
        self.sum += A.sum(axis=0, dtype=np.float64)
        self.sum_of_squares += np.einsum("ij,ij->j", A, A, dtype=np.float64)

    def _count_alive_and_saturated(self, Z: Array, A: Array) -> None:
        gradient, is_active = local_gradient(self.network, self.layer, Z, A), np.abs(A) > self._zero_threshold
        self.is_alive |= (is_active | (gradient > self._zero_threshold)).any(axis=0)
        self.n_saturated += (is_active & (gradient < self._saturated_threshold)).sum(axis=0)

    def _count_largest_pieces(self, Z: Array) -> None:
        pieces = Z.reshape(len(Z), *self.piece_counts.shape)
        self.always_positive &= (pieces > 0).any(axis=1).all(axis=0)
        largest_piece = pieces.argmax(axis=1)
        for piece, counts in enumerate(self.piece_counts):
            counts += (largest_piece == piece).sum(axis=0)

    @property
    def mean(self) -> float:
        """Mean of the activations."""
        return float(self.sum.sum() / self._n_activations)

    @property
    def std(self) -> float:
        """Standard deviation of the activations."""
        mean, mean_square = self.sum.sum() / self._n_activations, self.sum_of_squares.sum() / self._n_activations
        return math.sqrt(max(mean_square - mean**2, 0))

    @property
    def saturation(self) -> float:
        """Fraction of saturated activations."""
        return float(self.n_saturated.sum() / self._n_activations)

    @property
    def _n_activations(self) -> int:
        return self.n_rows * self.n_units

    @property
    def dead_units(self) -> Array:
        """Numbers of the units that have neither activation nor local gradient on any row."""
        return np.flatnonzero(~self.is_alive)

    @property
    def always_on_units(self) -> Array:
        """Numbers of the units whose pre-activation is positive on all rows, if the activation is a rectifier."""
        return np.flatnonzero(self.always_positive & is_rectifier(self.activation))

    @property
    def saturated_units(self) -> Array:
        """Numbers of the alive units that are saturated on at least 90 % of the rows."""
        return np.flatnonzero(self.is_alive & (self.n_saturated >= SATURATED_ROWS * self.n_rows))


def unit_statistics(network: Network, X: Any) -> list[UnitStatistics]:
    """Return the statistics of each hidden layer over validated rows."""
    layer_statistics = [UnitStatistics(network, i) for i in range(len(network.activations))]
    for start in range(0, X.shape[0], STATISTICS_BLOCK_ROWS):
        _add_block_of_rows(layer_statistics, network, X[start : start + STATISTICS_BLOCK_ROWS])
    return layer_statistics


def _add_block_of_rows(layer_statistics: list[UnitStatistics], network: Network, X: Any) -> None:
    inputs = _inputs_of_members(network, X)
    with np.errstate(all="ignore"):
        for statistics, (Z, A) in zip(layer_statistics, network.iter_layers(X), strict=True):
            statistics.add_rows(inputs, Z, A)
            inputs = A


def activation_bin_edges(activations: Sequence[Array], n_bins: int) -> Array:
    """Return the edges of bins for the activations of all layers, with zero inside or at an end."""
    percentiles = [np.percentile(A[A != 0], [OUTSIDE_PERCENT, 100 - OUTSIDE_PERCENT]) for A in activations if A.any()]
    lowest = min([0.0, *(lower for lower, _ in percentiles)])
    highest = max([0.0, *(upper for _, upper in percentiles)])
    return np.histogram_bin_edges([lowest, highest], n_bins)


def nonzero_density(A: Array, edges: Array) -> Array:
    """Return a histogram of the activations that are not exactly zero; it integrates to 1 if none lie outside."""
    counts, _ = np.histogram(A[A != 0], edges)
    return counts / (max(np.count_nonzero(A), 1) * np.diff(edges))


def max_local_gradient(activation: Activation) -> float:
    """Return the largest |f'(z)| for pre-activations z from -10 to 10."""
    z = np.linspace(-10, 10, 401)[:, None]
    return float(np.abs(activation.derivative(np.repeat(z, activation.n_pieces, axis=1))).max())


def is_rectifier(activation: Activation) -> bool:
    """Return whether f is steeper for positive than for negative pre-activations, as in the ReLU family."""
    z = np.repeat([[-3.0], [3.0]], activation.n_pieces, axis=1)
    left, right = np.abs(activation.derivative(z)).max(axis=1)
    return bool(left < 0.99 * right)


def _inputs_of_members(network: Network, X: Any) -> Any:
    """Return the features as each member of the network sees them, the rows of one below those of another."""
    if network.n_members == 1:
        return X
    member_scales = network.views.member_scales[0]
    if issparse(X):
        return vstack([X.multiply(scales) for scales in member_scales], format="csr")
    return (X * member_scales[:, None]).reshape(-1, X.shape[1])


def _rows_of_one_sign(inputs: Any) -> Array:
    """Return for each row whether its nonzero entries all have one sign."""
    lowest_input, highest_input = inputs.min(axis=1), inputs.max(axis=1)
    if issparse(inputs):
        lowest_input, highest_input = lowest_input.toarray().ravel(), highest_input.toarray().ravel()
    return (lowest_input >= 0) != (highest_input <= 0)
