"""A feed-forward network: parameters, and the forward pass that prediction uses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from skneural.activations import Activation, Identity
from skneural.backend import active_extension
from skneural.initializers import Initializer
from skneural.network.batch_normalization import EPSILON
from skneural.network.layout import Layout

Array = NDArray[Any]

PREDICTION_BLOCK_ROWS = 4096  # rows of a prediction at once: enough for the matrix products, bounded memory
FUSED_PREDICTION_BLOCK_ROWS = 512  # the same, small enough for the activations to stay in the cache


class Network:
    """Fully connected layers, each but the last followed by an activation.

    Parameters
    ----------
    sizes : sequence of int
        Number of features, of units of each hidden layer, of outputs.
    activations : sequence of Activation
        One per hidden layer.
    parameters : ndarray of shape (n_parameters,)
        The flat vector; weights, biases and learned slopes are views on it.
    batch_norm : bool, default=False
        Whether each hidden layer's pre-activations are normalised, by running statistics that `parameters` holds too;
        the biases are then added after the normalisation.

    Attributes
    ----------
    weights, biases, activation_params : list of ndarray
        The views. A weight matrix has shape (fan_in, n_units * n_pieces).
    views : Views
        All of them, those of batch normalisation included.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.activations import ReLU
    >>> from skneural.network import Network
    >>> network = Network.zeros([2, 1, 1], [ReLU()], np.float64)
    >>> network.weights[0][...] = [[1.0], [-1.0]]
    >>> network.weights[1][...] = 2.0
    >>> network.raw_output(np.array([[5.0, 2.0], [2.0, 5.0]]))
    array([[6.],
           [0.]])
    >>> network.parameters
    array([ 1., -1.,  2.,  0.,  0.])
    """

    def __init__(
        self, sizes: Sequence[int], activations: Sequence[Activation], parameters: Array, batch_norm: bool = False
    ):
        self.sizes = list(sizes)
        self.activations = list(activations)
        self.parameters = parameters
        self.batch_norm = batch_norm
        self.layout = Layout(sizes, activations, batch_norm)
        self.views = self.layout.views(parameters)
        self.weights, self.biases, self.activation_params = self.views[:3]
        self._prediction: Any = None

    @classmethod
    def zeros(
        cls, sizes: Sequence[int], activations: Sequence[Activation], dtype: Any, batch_norm: bool = False
    ) -> Network:
        """Return a network whose parameters are all zero."""
        size = Layout(sizes, activations, batch_norm).size
        return cls(sizes, activations, np.zeros(size, dtype=dtype), batch_norm)

    def initialize(
        self, initializer_for: Callable[[Activation], Initializer], bias_init: float, rng: np.random.RandomState
    ) -> None:
        """Draw new parameters.

        Parameters
        ----------
        initializer_for : callable
            Activation -> initializer of the weights in front of it.
        bias_init : float
            Centre of the initial biases of the hidden units; that of the output biases is 0.
        rng : RandomState
            Where the numbers come from.
        """
        activations = [*self.activations, Identity()]
        for W, b, n_units, activation in zip(self.weights, self.biases, self.sizes[1:], activations, strict=True):
            initializer = initializer_for(activation)
            # Each piece of a Maxout unit is a linear map of its own.
            pieces = [initializer.draw(len(W), n_units, rng) for _ in range(activation.n_pieces)]
            W[...] = np.concatenate(pieces, axis=1)
            bias_bound = initializer.bias_bound(len(W), n_units)
            b[...] = rng.uniform(-bias_bound, bias_bound, b.shape)
        for b in self.biases[:-1]:
            b += bias_init
        for params, activation, n_units in zip(self.activation_params, self.activations, self.sizes[1:], strict=False):
            params[...] = activation.init_params(n_units)
        for ones in [*self.views.scales, *self.views.running_variances]:
            ones[...] = 1

    def hidden_activations(self, X: Any) -> Iterator[Array]:
        """Yield the activations of each hidden layer, of shape (n_rows, n_units), for all rows at once."""
        return (A for _, A in self.iter_layers(X))

    def iter_layers(self, X: Any) -> Iterator[tuple[Array, Array]]:
        """Yield Z, of shape (n_rows, n_units * n_pieces), and A, of shape (n_rows, n_units), of each hidden layer."""
        A = X
        layers = zip(self.weights, self.biases, self.activations, self.activation_params, strict=False)
        for i, (W, b, activation, params) in enumerate(layers):
            Z = matmul(A, W)
            if self.batch_norm:
                Z -= self.views.running_means[i]
                Z *= self.views.scales[i] / np.sqrt(self.views.running_variances[i] + EPSILON)
            Z += b
            A = activation.forward(Z, params) if params.size else activation.forward(Z)
            yield Z, A

    def features(self, X: Any, layer: int) -> Array:
        """Return the activations of hidden layer number `layer`, of shape (n_rows, n_units), block by block."""
        A = np.empty((X.shape[0], self.sizes[layer + 1]), dtype=self.parameters.dtype)
        with np.errstate(all="ignore"):  # underflow is no error, and what overflows is not finite in A
            for start in range(0, X.shape[0], PREDICTION_BLOCK_ROWS):
                rows = X[start : start + PREDICTION_BLOCK_ROWS]
                A[start : start + PREDICTION_BLOCK_ROWS] = next(islice(self.hidden_activations(rows), layer, None))
        return A

    def raw_output(self, X: Any) -> Array:
        """Return the last layer's output, before the inverse link of the loss, computed block by block.

        Parameters
        ----------
        X : {ndarray, CSR array or matrix} of shape (n_rows, n_features)
            Checked rows, in the parameters' dtype.

        Returns
        -------
        F : ndarray of shape (n_rows, n_outputs), in the parameters' dtype
            Scores, or predictions for losses whose link is the identity.
        """
        if (fused := self._fused_prediction()) is not None:
            return fused.raw_output(X, FUSED_PREDICTION_BLOCK_ROWS)
        F = np.empty((X.shape[0], self.sizes[-1]), dtype=self.parameters.dtype)
        with np.errstate(all="ignore"):  # underflow is no error, and what overflows is not finite in F
            for start in range(0, X.shape[0], PREDICTION_BLOCK_ROWS):
                rows = X[start : start + PREDICTION_BLOCK_ROWS]
                last = [rows, *self.hidden_activations(rows)][-1]
                F[start : start + PREDICTION_BLOCK_ROWS] = last @ self.weights[-1]
            F += self.biases[-1]
        return F

    def _fused_prediction(self) -> Any:
        """Return the fused form of prediction; None where NumPy is asked for, or an activation is a user's own."""
        fused = active_extension("skneural.network.fused")
        if fused is None or not fused.supports(self):
            return None
        if self._prediction is None:
            self._prediction = fused.FusedPrediction(self)
        return self._prediction


def matmul(A: Any, W: Array) -> Array:
    """Return A W, in native code where that can do it: NumPy's BLAS would start its threads for a few rows.

    Parameters
    ----------
    A : {ndarray, CSR array or matrix} of shape (n_rows, n)
    W : ndarray of shape (n, m), C-contiguous

    Returns
    -------
    product : ndarray of shape (n_rows, m)
    """
    fused = active_extension("skneural.network.fused")
    supported = W.flags.aligned and W.flags.c_contiguous and W.dtype in (np.float32, np.float64)
    if fused is None or issparse(A) or not (supported and A.dtype == W.dtype):
        return A @ W
    return fused.matmul(A, W)
