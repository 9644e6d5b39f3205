"""The layers in training: each remembers its forward pass and owns the memory of its results.

``forward`` returns the layer's output. Given the gradient in that output, ``parameter_gradients`` stores the gradient
in the layer's own parameters and ``input_gradient`` returns the gradient in its input. Results are valid until the
next call.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from skneural.activations import Activation
from skneural.network.batch_normalization import BatchNormalization
from skneural.network.dropout import Dropout
from skneural.network.network import Network

Array = NDArray[Any]


class AffineLayer:
    """Z = X W + b.

    Parameters
    ----------
    W, b : ndarray of shape (fan_in, fan_out) and (fan_out,)
        The parameters; `b` (and `db`) is None in front of a normalisation, which has a shift of its own.
    dW, db : ndarray of the same shapes
        Where their gradient goes.
    n_rows : int
        The largest number of rows in one pass.
    """

    def __init__(self, W: Array, b: Array | None, dW: Array, db: Array | None, n_rows: int):
        self.W, self.b, self.dW, self.db = W, b, dW, db
        self._Z = np.empty((n_rows, W.shape[1]), W.dtype)
        self._dX = np.empty((n_rows, 0), W.dtype)

    def forward(self, X: Any) -> Array:
        """Return Z, of shape (n_rows, fan_out)."""
        self.X = X
        Z = self._Z[: X.shape[0]]
        if issparse(X):
            Z[...] = X @ self.W
        else:
            np.dot(X, self.W, out=Z)
        if self.b is not None:
            Z += self.b
        return Z

    def parameter_gradients(self, dZ: Array) -> None:
        """DW = Xᵀ dZ and db = Σ dZ."""
        if issparse(self.X):
            self.dW[...] = self.X.T @ dZ
        else:
            np.dot(self.X.T, dZ, out=self.dW)
        if self.db is not None:
            np.add.reduce(dZ, axis=0, out=self.db)

    def input_gradient(self, dZ: Array) -> Array:
        """Return dX = dZ Wᵀ."""
        if not self._dX.size:  # the first layer is never asked, so its (wide) memory is never taken
            self._dX = np.empty((self._Z.shape[0], self.W.shape[0]), self.W.dtype)
        return np.dot(dZ, self.W.T, out=self._dX[: dZ.shape[0]])


class MemberAffineLayer:
    """Zⱼ = (Xⱼ ∘ rⱼ) Wⱼ + bⱼ for each member j of a network, the rows of one member below those of another.

    The first layer has scales rⱼ and shares W and b; the output layer has a W and a b for each member. Where the first
    layer is the output layer, it has all of them.

    Parameters
    ----------
    W, b : ndarray of shape (fan_in, fan_out) and (fan_out,), or (n_members, fan_in, fan_out) and (n_members, fan_out)
        The parameters; `b` (and `db`) is None in front of a normalisation.
    dW, db : ndarray of the same shapes
        Where their gradient goes.
    scales, dscales : ndarray of shape (n_members, fan_in) or None
        The scales and where their gradient goes.
    shares_input : bool
        Whether all members see the same rows, so that X has them once.
    n_members, n_rows : int
        The number of members; the largest number of rows of each in one pass.
    """

    def __init__(
        self,
        W: Array,
        b: Array | None,
        dW: Array,
        db: Array | None,
        scales: Array | None,
        dscales: Array | None,
        shares_input: bool,
        n_members: int,
        n_rows: int,
    ):
        self.W, self.b, self.dW, self.db, self.scales, self.dscales = W, b, dW, db, scales, dscales
        self.n_members, self._shares_input = n_members, shares_input
        self._matrices = np.broadcast_to(W, (n_members, *W.shape[-2:]))
        self._Z = np.empty((n_members * n_rows, W.shape[-1]), W.dtype)

    def forward(self, X: Any) -> Array:
        """Return Z, of shape (n_members * n_rows, fan_out)."""
        self.X = [X] * self.n_members if self._shares_input else _row_blocks(X, self.n_members)
        matrices = self._matrices if self.scales is None else self._matrices * self.scales[:, :, None]
        Z = self._by_member(self._Z[: sum(X_j.shape[0] for X_j in self.X)])
        for X_j, W_j, Z_j in zip(self.X, matrices, Z, strict=True):
            Z_j[...] = X_j @ W_j
        if self.b is not None:
            Z += self.b.reshape(-1, 1, Z.shape[2])
        return Z.reshape(-1, Z.shape[2])

    def parameter_gradients(self, dZ: Array) -> None:
        """With Gⱼ = Xⱼᵀ dZⱼ: dWⱼ = rⱼ Gⱼ (their sum where W is shared), drⱼ = the row sums of Wⱼ ∘ Gⱼ."""
        gradients = np.stack([X_j.T @ dZ_j for X_j, dZ_j in zip(self.X, self._by_member(dZ), strict=True)])
        if self.scales is not None:
            np.einsum("kij,kij->ki", self._matrices, gradients, out=self.dscales)
            gradients *= self.scales[:, :, None]
        self.dW[...] = gradients if self.dW.ndim == 3 else gradients.sum(axis=0)
        if self.db is not None:
            self.db[...] = self._by_member(dZ).sum(axis=1) if self.db.ndim == 2 else dZ.sum(axis=0)

    def input_gradient(self, dZ: Array) -> Array:
        """Return dXⱼ = dZⱼ Wⱼᵀ; not for the first layer, which is never asked."""
        dX = np.matmul(self._by_member(dZ), self._matrices.transpose(0, 2, 1))
        return dX.reshape(-1, dX.shape[2])

    def _by_member(self, rows: Array) -> Array:
        return rows.reshape(self.n_members, -1, rows.shape[1])


def _row_blocks(X: Any, n_blocks: int) -> list[Any]:
    n = X.shape[0] // n_blocks
    return [X[start : start + n] for start in range(0, X.shape[0], n)]


class ActivationLayer:
    """A = activation(Z), with the activation's learned parameters, if it has any.

    Parameters
    ----------
    activation : Activation
    activation_params, dactivation_params : ndarray of shape (n_params,)
        Learned parameters and where their gradient goes.
    n_rows, n_units : int
        The largest number of rows in one pass; the width of A.
    """

    def __init__(
        self, activation: Activation, activation_params: Array, dactivation_params: Array, n_rows: int, n_units: int
    ):
        self.activation = activation
        self.activation_params = (activation_params,) if activation_params.size else ()
        self.dactivation_params = dactivation_params
        self._A = np.empty((n_rows, n_units), activation_params.dtype)
        self._dZ = np.empty((n_rows, n_units * activation.n_pieces), activation_params.dtype)

    def forward(self, Z: Array) -> Array:
        """Return A, of shape (n_rows, n_units)."""
        self.Z = Z
        A = self.activation.forward(Z, *self.activation_params, out=self._A[: Z.shape[0]])
        self.A = np.asarray(A, self._A.dtype)  # a user's own may compute in double precision
        return self.A

    def parameter_gradients(self, dA: Array) -> None:
        """Store the gradient in the learned parameters."""
        if self.activation_params:
            self.dactivation_params[...] = self.activation.params_gradient(dA, self.Z, self.A, *self.activation_params)

    def input_gradient(self, dA: Array) -> Array:
        """Return dZ."""
        dZ = self.activation.backward(dA, self.Z, self.A, *self.activation_params, out=self._dZ[: dA.shape[0]])
        return np.asarray(dZ, self._dZ.dtype)


TrainingLayer = AffineLayer | MemberAffineLayer | BatchNormalization | ActivationLayer | Dropout


class LayerFactory:
    """Creates the layers of a network: their parameters are views on its vector, their gradients views on another.

    Parameters
    ----------
    network : Network
    gradient : ndarray of shape (n_parameters,)
        Where the gradients go.
    n_rows : int
        The largest number of rows in one pass.
    shares_input : bool
        Whether all members see the same rows, which are then passed once.
    """

    def __init__(self, network: Network, gradient: Array, n_rows: int, shares_input: bool):
        self.network, self.n_rows, self.shares_input = network, n_rows, shares_input
        self.n_rows_of_all = network.n_members * n_rows
        self.parameters, self.gradients = network.views, network.layout.views(gradient)

    def affine(self, i: int, has_bias: bool = True) -> AffineLayer | MemberAffineLayer:
        """Return the affine map of layer `i`."""
        p, d, n_members = self.parameters, self.gradients, self.network.n_members
        bias, bias_gradient = (p.biases[i], d.biases[i]) if has_bias else (None, None)
        layer_arrays = (p.weights[i], bias, d.weights[i], bias_gradient)
        if n_members == 1 or (i > 0 and p.weights[i].ndim == 2):
            return AffineLayer(*layer_arrays, self.n_rows_of_all)
        scales, dscales = (p.member_scales[0], d.member_scales[0]) if i == 0 else (None, None)
        shares_input = self.shares_input and i == 0
        return MemberAffineLayer(*layer_arrays, scales, dscales, shares_input, n_members, self.n_rows)

    def batch_normalization(self, i: int) -> BatchNormalization:
        """Return the normalisation of hidden layer `i`."""
        p, d = self.parameters, self.gradients
        running = (p.running_means[i], p.running_variances[i], p.batch_counts[i])
        return BatchNormalization(p.scales[i], p.biases[i], d.scales[i], d.biases[i], running, self.n_rows_of_all)

    def activation(self, i: int) -> ActivationLayer:
        """Return the activation of hidden layer `i`."""
        learned = (self.parameters.activation_params[i], self.gradients.activation_params[i])
        return ActivationLayer(self.network.activations[i], *learned, self.n_rows_of_all, self.network.sizes[i + 1])

    def hidden(self, i: int, dropout: Dropout | None) -> list[TrainingLayer]:
        """Return what makes up hidden layer `i`."""
        affine = self.affine(i, has_bias=not self.network.batch_norm)
        normalization = [self.batch_normalization(i)] if self.network.batch_norm else []
        return [affine, *normalization, self.activation(i), *([] if dropout is None else [dropout])]


def training_layers(
    network: Network, gradient: Array, n_rows: int, dropout: Sequence[Dropout | None], shares_input: bool = True
) -> list[TrainingLayer]:
    """Return the layers of a network in the order of the forward pass; `dropout` is that behind each hidden layer.

    The other arguments are those of `LayerFactory`.
    """
    factory, n_hidden = LayerFactory(network, gradient, n_rows, shares_input), len(network.activations)
    hidden_layers = [layer for i in range(n_hidden) for layer in factory.hidden(i, dropout[i])]
    return [*hidden_layers, factory.affine(n_hidden)]
