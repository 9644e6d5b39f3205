"""The layers in training: each remembers its forward pass and owns the memory of its results.

``forward`` returns the layer's output. Given the gradient in that output, ``parameter_gradients`` stores the gradient
in the layer's own parameters and ``input_gradient`` returns the gradient in its input. Results are valid until the
next call.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from skneural.activations import Activation

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
