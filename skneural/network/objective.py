"""The objective that solvers minimise: weighted mean loss plus penalties, over the rows they ask for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from skneural.losses import Loss
from skneural.network.dropout import Dropout
from skneural.network.layers import Activate, Affine
from skneural.network.network import Network
from skneural.network.normalization import Normalize
from skneural.penalties import L1, L2, MaxNorm

Array = NDArray[Any]
Rows = slice | Array


class TrainingRows:
    """The training set, of which any rows can be taken.

    Parameters
    ----------
    X : {ndarray, CSR array or matrix} of shape (n_rows, n_features)
    Y : ndarray of shape (n_rows,) or (n_rows, n_outputs)
        Targets as the loss expects them.
    weights : ndarray of shape (n_rows,) or None, default=None
        Sample weights.
    used : ndarray of int or None, default=None
        The rows that training uses; None is all. Over these the weights are scaled to mean 1 once, here, so that a
        mini-batch is a fair sample of the weighted mean and a batch of zero weights counts for nothing.
    """

    def __init__(self, X: Any, Y: Array, weights: Array | None = None, used: Array | None = None):
        self.X, self.Y, self.used = X, Y, used
        self.weights = None
        if weights is not None:
            self.weights = (weights / np.mean(weights if used is None else weights[used])).astype(X.dtype)
        self._gathered = np.empty((0, X.shape[1]), X.dtype)

    def __len__(self) -> int:
        return self.X.shape[0] if self.used is None else len(self.used)

    def take(self, rows: Rows) -> tuple[Any, Array, Array | None]:
        """Return X, Y and weights of the rows; for a slice of a dense X without copying it."""
        if self.used is not None:
            rows = self.used[rows]
        weights = None if self.weights is None else self.weights[rows]
        return self._take_X(rows), self.Y[rows], weights

    def _take_X(self, rows: Rows) -> Any:
        if isinstance(rows, slice) or issparse(self.X):
            return self.X[rows]
        if len(rows) > len(self._gathered):
            self._gathered = np.empty((len(rows), self.X.shape[1]), self.X.dtype)
        # mode="clip" (the indices are valid) spares np.take a hidden copy.
        return np.take(self.X, rows, axis=0, out=self._gathered[: len(rows)], mode="clip")


class Objective:
    """J = Σ sᵢ ℓᵢ / Σ sᵢ + penalties(W), as a function of the network's flat parameter vector.

    Parameters
    ----------
    network : Network
        Its parameters are the point at which the objective is evaluated.
    loss : Loss
    penalties : sequence of L1, L2
        Added to the mean loss.
    rows : TrainingRows
    n_rows : int
        The largest number of rows in one evaluation.
    max_norm : MaxNorm or None
        The bound that :meth:`project` enforces.
    dropout : sequence of Dropout or None
        For the input, then for each hidden layer; empty for none at all. Every evaluation draws new masks.

    Attributes
    ----------
    parameters : ndarray of shape (n_trained,)
        What solvers change.
    gradient : ndarray of shape (n_trained,)
        The gradient at the last evaluation.
    state : ndarray of shape (n_parameters,)
        The network's whole vector: the parameters and the running statistics of batch normalisation.
    """

    def __init__(
        self,
        network: Network,
        loss: Loss,
        penalties: Sequence[L1 | L2],
        rows: TrainingRows,
        n_rows: int,
        max_norm: MaxNorm | None = None,
        dropout: Sequence[Dropout | None] = (),
    ):
        self.state = network.parameters
        whole_gradient = np.zeros_like(self.state)
        n_weights, n_trained = network.layout.n_weights, network.layout.n_trained
        self.parameters, self.gradient = self.state[:n_trained], whole_gradient[:n_trained]
        self.loss, self.penalties, self.rows, self.max_norm = loss, penalties, rows, max_norm
        self.weights = network.weights
        self._flat_weights, self._flat_dweights = self.state[:n_weights], whole_gradient[:n_weights]
        self._corrupt, *after = dropout or [None] * len(network.weights)
        self._layers = training_layers(network, whole_gradient, n_rows, after)
        self._normalizations = [layer for layer in self._layers if isinstance(layer, Normalize)]
        self._dF = np.empty((n_rows, network.sizes[-1]), self.state.dtype)

    def evaluate(self, rows: Rows) -> float:
        """Return the mean loss over some rows and store the gradient of J (penalties included) as seen by them."""
        X, Y, weights = self.rows.take(rows)
        for normalization in self._normalizations:
            normalization.weigh(weights)
        F = X if self._corrupt is None else self._corrupt.forward(X)
        for layer in self._layers:
            F = layer.forward(F)
        losses, dF = self.loss.evaluate(F, Y, out=self._dF[: F.shape[0]])
        loss = self._average(losses, dF, weights)
        self._backward(dF)
        for penalty in self.penalties:
            penalty.add_gradient(self._flat_weights, self._flat_dweights)
        return loss

    def penalty(self) -> float:
        """Return the sum of the penalties at the present parameters."""
        return sum(penalty.value(self._flat_weights) for penalty in self.penalties)

    def project(self) -> None:
        """Bring the parameters back into the region that is allowed."""
        if self.max_norm is not None:
            for W in self.weights:
                self.max_norm.project(W)

    def forget(self) -> None:
        """Let the next evaluation alone decide the running statistics of batch normalisation."""
        for normalization in self._normalizations:
            normalization.forget()

    def settle(self, rows: Rows) -> None:
        """Make the running statistics of batch normalisation those of some rows, at the present parameters."""
        if self._normalizations:
            self.forget()
            self.evaluate(rows)

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
            layer.accumulate(gradient)
            gradient = layer.propagate(gradient)
        first.accumulate(gradient)


def training_layers(
    network: Network, gradient: Array, n_rows: int, dropout: Sequence[Dropout | None]
) -> list[Affine | Normalize | Activate | Dropout]:
    """Return the layers of a network in the order of the forward pass, their gradients views on `gradient`."""
    of, d = network.views, network.layout.views(gradient)
    layers: list[Affine | Normalize | Activate | Dropout] = []
    for i, (activation, n_units) in enumerate(zip(network.activations, network.sizes[1:], strict=False)):
        if network.batch_norm:
            running = (of.means[i], of.variances[i], of.counts[i])
            layers.append(Affine(of.weights[i], None, d.weights[i], None, n_rows))
            layers.append(Normalize(of.scales[i], of.biases[i], d.scales[i], d.biases[i], running, n_rows))
        else:
            layers.append(Affine(of.weights[i], of.biases[i], d.weights[i], d.biases[i], n_rows))
        layers.append(Activate(activation, of.learned[i], d.learned[i], n_rows, n_units))
        mask = dropout[i]
        if mask is not None:
            layers.append(mask)
    return [*layers, Affine(of.weights[-1], of.biases[-1], d.weights[-1], d.biases[-1], n_rows)]
