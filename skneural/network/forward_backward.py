"""Forward and backward passes of training, in NumPy: the reference implementation of the fused ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skneural.backend import active_extension
from skneural.losses import Loss
from skneural.network.batch_normalization import BatchNormalization
from skneural.network.dropout import Dropout
from skneural.network.layers import ActivationLayer, AffineLayer
from skneural.network.network import Network
from skneural.network.training_rows import Rows, TrainingRows
from skneural.penalties import L1, L2, MaxNorm

Array = NDArray[Any]


class ForwardBackward:
    """Mean loss over some rows of the training set, and the gradient of the objective as seen by them.

    Parameters
    ----------
    network : Network
        Its parameters are the point at which everything is evaluated.
    gradient : ndarray of shape (n_parameters,)
        Where the gradient goes.
    loss : Loss
    penalties : sequence of L1, L2
    rows : TrainingRows
    n_rows : int
        The largest number of rows in one evaluation.
    dropout : sequence of Dropout or None
        For the input, then for each hidden layer; empty for none at all. Every evaluation draws new masks.
    """

    backend = "numpy"

    def __init__(
        self,
        network: Network,
        gradient: Array,
        loss: Loss,
        penalties: Sequence[L1 | L2],
        rows: TrainingRows,
        n_rows: int,
        dropout: Sequence[Dropout | None],
    ):
        n_weights = network.layout.n_weights
        self.loss, self.penalties, self.rows = loss, penalties, rows
        self._weights, self._dweights = network.parameters[:n_weights], gradient[:n_weights]
        self._matrices = network.weights
        self._input_dropout, *after = dropout or [None] * len(network.weights)
        self._layers = training_layers(network, gradient, n_rows, after)
        self._normalizations = [layer for layer in self._layers if isinstance(layer, BatchNormalization)]
        self._dF = np.empty((n_rows, network.sizes[-1]), network.parameters.dtype)

    def evaluate(self, rows: Rows) -> float:
        """Return the mean loss over some rows and store the gradient of J (penalties included) as seen by them."""
        X, Y, weights = self.rows.take(rows)
        for normalization in self._normalizations:
            normalization.set_sample_weight(weights)
        F = X if self._input_dropout is None else self._input_dropout.forward(X)
        for layer in self._layers:
            F = layer.forward(F)
        losses, dF = self.loss.evaluate(F, Y, out=self._dF[: F.shape[0]])
        loss = self._average(losses, dF, weights)
        self._backward(dF)
        for penalty in self.penalties:
            penalty.add_gradient(self._weights, self._dweights)
        return loss

    def penalty(self) -> float:
        """Return the sum of the penalties at the present parameters."""
        return sum(penalty.value(self._weights) for penalty in self.penalties)

    def reset_running_statistics(self) -> None:
        """Let the next evaluation alone decide the running statistics of batch normalisation."""
        for normalization in self._normalizations:
            normalization.reset_running_statistics()

    def project(self, max_norm: MaxNorm) -> None:
        """Shorten the incoming weights of units that exceed the bound."""
        for W in self._matrices:
            max_norm.project(W)

    def _average(self, losses: Array, dF: Array, weights: Array | None) -> float:
        n = len(losses)
        if weights is None:
            dF *= 1 / n
            return float(losses.sum()) / n
        dF *= (weights / n)[:, None]
        return float(np.dot(weights, losses)) / n

    def _backward(self, gradient: Array) -> None:
        first, *others = self._layers
        for layer in reversed(others):
            layer.parameter_gradients(gradient)
            gradient = layer.input_gradient(gradient)
        first.parameter_gradients(gradient)


def training_layers(
    network: Network, gradient: Array, n_rows: int, dropout: Sequence[Dropout | None]
) -> list[AffineLayer | BatchNormalization | ActivationLayer | Dropout]:
    """Return the layers of a network in the order of the forward pass, their gradients views on `gradient`."""
    of, d = network.views, network.layout.views(gradient)
    layers: list[AffineLayer | BatchNormalization | ActivationLayer | Dropout] = []
    for i, (activation, n_units) in enumerate(zip(network.activations, network.sizes[1:], strict=False)):
        if network.batch_norm:
            running = (of.means[i], of.variances[i], of.counts[i])
            layers.append(AffineLayer(of.weights[i], None, d.weights[i], None, n_rows))
            layers.append(BatchNormalization(of.scales[i], of.biases[i], d.scales[i], d.biases[i], running, n_rows))
        else:
            layers.append(AffineLayer(of.weights[i], of.biases[i], d.weights[i], d.biases[i], n_rows))
        layers.append(ActivationLayer(activation, of.activation_params[i], d.activation_params[i], n_rows, n_units))
        mask = dropout[i]
        if mask is not None:
            layers.append(mask)
    return [*layers, AffineLayer(of.weights[-1], of.biases[-1], d.weights[-1], d.biases[-1], n_rows)]


def forward_backward(
    network: Network,
    gradient: Array,
    loss: Loss,
    penalties: Sequence[L1 | L2],
    rows: TrainingRows,
    *others: Any,
) -> Any:
    """Return the fused form where all parts are the package's own, else NumPy's; arguments of `ForwardBackward`."""
    fused = active_extension("skneural.network.fused")
    if fused is not None and fused.knows(network, loss, penalties):
        return fused.FusedForwardBackward(network, gradient, loss, penalties, rows, *others)
    return ForwardBackward(network, gradient, loss, penalties, rows, *others)
