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
    n_members : int, default=1
        Networks that share all weights of the hidden layers. Member j sees the features times its own
        ``views.member_scales[0][j]`` and has its own output layer.

    Attributes
    ----------
    weights, biases, activation_params : list of ndarray
        The views. A weight matrix has shape (fan_in, n_units * n_pieces). With several members the output layer's
        weights have shape (n_members, fan_in, n_outputs), its biases (n_members, n_outputs).
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
        self,
        sizes: Sequence[int],
        activations: Sequence[Activation],
        parameters: Array,
        batch_norm: bool = False,
        n_members: int = 1,
    ):
        self.sizes, self.activations, self.parameters = list(sizes), list(activations), parameters
        self.batch_norm, self.n_members = batch_norm, n_members
        self.layout = Layout(sizes, activations, batch_norm, n_members)
        self.views = self.layout.views(parameters)
        self.weights, self.biases, self.activation_params = self.views[:3]
        self._prediction: Any = None

    @classmethod
    def zeros(
        cls,
        sizes: Sequence[int],
        activations: Sequence[Activation],
        dtype: Any,
        batch_norm: bool = False,
        n_members: int = 1,
    ) -> Network:
        """Return a network whose parameters are all zero."""
        size = Layout(sizes, activations, batch_norm, n_members).size
        return cls(sizes, activations, np.zeros(size, dtype=dtype), batch_norm, n_members)

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
        for W, b, activation in zip(self.weights, self.biases, [*self.activations, Identity()], strict=True):
            draw_weights_and_biases(W, b, activation.n_pieces, initializer_for(activation), rng)
        for b in self.biases[:-1]:
            b += bias_init
        for scales in self.views.member_scales:
            scales[...] = rng.choice([-1.0, 1.0], scales.shape)
        self._set_initial_constants()

    def _set_initial_constants(self) -> None:
        """Set the parameters that are not drawn: those of the activations and of batch normalisation."""
        for params, activation, n_units in zip(self.activation_params, self.activations, self.sizes[1:], strict=False):
            params[...] = activation.init_params(n_units)
        for ones in [*self.views.scales, *self.views.running_variances]:
            ones[...] = 1

    def hidden_activations(self, X: Any) -> Iterator[Array]:
        """Yield the activations of each hidden layer, of shape (n_members * n_rows, n_units), member after member."""
        return (A for _, A in self.iter_layers(X))

    def iter_layers(self, X: Any) -> Iterator[tuple[Array, Array]]:
        """Yield Z, of width n_units * n_pieces, and A, of width n_units, of each hidden layer; member after member."""
        A = X
        layers = zip(self.biases, self.activations, self.activation_params, strict=False)
        for i, (b, activation, params) in enumerate(layers):
            Z = self._affine(i, A)
            if self.batch_norm:
                Z -= self.views.running_means[i]
                Z *= self.views.scales[i] / np.sqrt(self.views.running_variances[i] + EPSILON)
            Z += b
            A = activation.forward(Z, params) if params.size else activation.forward(Z)
            yield Z, A

    def _affine(self, i: int, A: Any) -> Array:
        """Return the product of a layer's input with its weights.

        Where each member has weights of its own, the result has the rows of one member below those of another; so has
        the input, but for that of the first layer, which all members share.
        """
        W, k = self.weights[i], self.n_members
        if k == 1 or (i > 0 and W.ndim == 2):
            return matmul(A, W)
        inputs = [A] * k if i == 0 else np.split(A, k)
        matrices = np.broadcast_to(W, (k, *W.shape[-2:]))
        if i == 0:
            matrices = matrices * self.views.member_scales[0][:, :, None]
        return np.concatenate([matmul(A_j, W_j) for A_j, W_j in zip(inputs, matrices, strict=True)])

    def features(self, X: Any, layer: int) -> Array:
        """Return the activations of hidden layer `layer`, of shape (n_rows, n_units), the mean of all members."""
        A = np.empty((X.shape[0], self.sizes[layer + 1]), dtype=self.parameters.dtype)
        with np.errstate(all="ignore"):  # underflow is no error, and what overflows is not finite in A
            for rows in self._prediction_blocks(X.shape[0]):
                members = next(islice(self.hidden_activations(X[rows]), layer, None))
                A[rows] = members.reshape(self.n_members, -1, A.shape[1]).mean(axis=0)
        return A

    def _prediction_blocks(self, n_rows: int) -> list[slice]:
        """Return slices of rows that are computed at once."""
        block_rows = max(1, PREDICTION_BLOCK_ROWS // self.n_members)
        return [slice(start, start + block_rows) for start in range(0, n_rows, block_rows)]

    def raw_output(self, X: Any) -> Array:
        """Return the last layer's output, before the inverse link of the loss, computed block by block.

        Parameters
        ----------
        X : {ndarray, CSR array or matrix} of shape (n_rows, n_features)
            Checked rows, in the parameters' dtype.

        Returns
        -------
        F : ndarray of shape (n_rows, n_outputs), in the parameters' dtype
            Scores, or predictions for losses whose link is the identity. With several members one such array for each,
            of shape (n_members, n_rows, n_outputs); `Loss.combine_members` makes one of them.
        """
        if (fused := self._fused_prediction()) is not None:
            return fused.raw_output(X, FUSED_PREDICTION_BLOCK_ROWS)
        k, n_outputs = self.n_members, self.sizes[-1]
        F = np.empty((k, X.shape[0], n_outputs), dtype=self.parameters.dtype)
        with np.errstate(all="ignore"):  # underflow is no error, and what overflows is not finite in F
            for rows in self._prediction_blocks(X.shape[0]):
                block = X[rows]
                last = [block, *self.hidden_activations(block)][-1]
                F[:, rows] = self._affine(len(self.weights) - 1, last).reshape(k, -1, n_outputs)
            F += self.biases[-1].reshape(k, 1, n_outputs)
        return F if k > 1 else F[0]

    def _fused_prediction(self) -> Any:
        """Return the fused form of prediction; None where NumPy is asked for, or an activation is a user's own."""
        if (fused := active_extension("skneural.network.fused")) is None:
            return None
        if self._prediction is None and fused.supports(self):
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
    is_native_matrix = W.flags.aligned and W.flags.c_contiguous and W.dtype in (np.float32, np.float64)
    if fused is None or issparse(A) or not (is_native_matrix and A.dtype == W.dtype):
        return A @ W
    return fused.matmul(A, W)


def draw_weights_and_biases(
    W: Array, b: Array, n_pieces: int, initializer: Initializer, rng: np.random.RandomState
) -> None:
    """Draw a layer's weights and biases; those of each member, in an output layer of several members."""
    fan_in, n_units = W.shape[-2], W.shape[-1] // n_pieces
    for matrix in W.reshape(-1, *W.shape[-2:]):
        # Each piece of a Maxout unit is a linear map of its own.
        matrix[...] = np.concatenate([initializer.draw(fan_in, n_units, rng) for _ in range(n_pieces)], axis=1)
    bias_bound = initializer.bias_bound(fan_in, n_units)
    b[...] = rng.uniform(-bias_bound, bias_bound, b.shape)
