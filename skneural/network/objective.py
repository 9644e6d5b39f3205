"""The objective that solvers minimise: weighted mean loss plus penalties, evaluated on any rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse, vstack

from skneural.backend import active_extension
from skneural.custom_component_checks import evaluate_checked
from skneural.losses import Loss
from skneural.network.batch_normalization import BatchNormalization
from skneural.network.dropout import Dropout
from skneural.network.layers import training_layers
from skneural.network.network import Network
from skneural.network.training_rows import RowIndex, TrainingRows
from skneural.penalties import L1, L2, MaxNorm

Array = NDArray[Any]
PenalizedWeights = tuple[L1 | L2, Array, Array]


class Objective:
    """J = Σ sᵢ ℓᵢ / Σ sᵢ + penalties(W), as a function of the network's flat parameter vector.

    With several members J is the mean of what each member would minimise alone: ℓᵢ is the mean of the members' own
    losses, never the loss of their mean prediction, and the weights of each output layer count as 1 / n_members.

    Parameters
    ----------
    network : Network
        Its parameters are the point at which the objective is evaluated.
    loss : Loss
        The loss of each row, with its gradient.
    penalties : sequence of L1, L2
        Added to the mean loss.
    rows : TrainingRows
        The training set.
    n_rows : int
        The largest number of rows in one evaluation.
    max_norm : MaxNorm or None
        The bound that :meth:`project` enforces.
    dropout : sequence of Dropout or None
        For the input, then for each hidden layer; empty for no dropout. Every evaluation draws new masks.

    Attributes
    ----------
    parameters : ndarray of shape (n_trainable,)
        What solvers change.
    gradient : ndarray of shape (n_trainable,)
        The gradient at the last evaluation.
    state : ndarray of shape (n_parameters,)
        The network's whole vector: the parameters and the running statistics of batch normalisation.
    forward_backward : ForwardBackward
        The passes through the network, or their fused form.
    backend : {"native", "numpy"}
        Which form they have: fused, or NumPy's.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.losses import SquaredError
    >>> from skneural.network import Network, Objective, TrainingRows
    >>> from skneural.penalties import L2
    >>> X = np.array([[1.0], [2.0]])
    >>> network = Network.zeros([1, 1], [], X.dtype)
    >>> objective = Objective(network, SquaredError(), [L2(0.1)], TrainingRows(X, X), n_rows=2)
    >>> objective.evaluate(slice(0, 2))
    1.25
    >>> objective.gradient
    array([-2.5, -1.5])
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
        n_trainable = network.layout.n_trainable
        self.parameters, self.gradient = self.state[:n_trainable], whole_gradient[:n_trainable]
        self.loss, self.penalties, self.rows, self.max_norm = loss, penalties, rows, max_norm
        self._has_batch_norm = network.batch_norm
        self.forward_backward = create_forward_backward(network, whole_gradient, loss, penalties, rows, n_rows, dropout)
        self.backend = self.forward_backward.backend

    def evaluate(self, rows: RowIndex) -> float:
        """Return the mean loss over some rows, and store the gradient of J (penalties included) on these rows."""
        return self.forward_backward.evaluate(rows)

    def penalty(self) -> float:
        """Return the sum of the penalties at the present parameters."""
        return self.forward_backward.penalty()

    def project(self) -> None:
        """Project the parameters back into the region that `max_norm` allows."""
        if self.max_norm is not None:
            self.forward_backward.project(self.max_norm)

    def reset_running_statistics(self) -> None:
        """Let the next evaluation alone decide the running statistics of batch normalisation."""
        self.forward_backward.reset_running_statistics()

    def update_running_statistics(self, rows: RowIndex) -> None:
        """Make the running statistics of batch normalisation those of some rows, at the present parameters."""
        if self._has_batch_norm:
            self.reset_running_statistics()
            self.evaluate(rows)


class ForwardBackward:
    """Mean loss over some rows of the training set, and the gradient of the objective on these rows.

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
        For the input, then for each hidden layer; empty for no dropout. Every evaluation draws new masks.
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
        self.loss, self.rows = loss, rows
        self._penalized = penalized_weights(network, penalties, gradient)
        self._matrices, self._n_members = network.weights, network.n_members
        self._input_dropout, *hidden_dropout = dropout or [None] * len(network.weights)
        shares_input = self._input_dropout is None
        self._layers = training_layers(network, gradient, n_rows, hidden_dropout, shares_input)
        self._normalizations = [layer for layer in self._layers if isinstance(layer, BatchNormalization)]
        self._dF = np.empty((network.n_members * n_rows, network.sizes[-1]), network.parameters.dtype)
        self._evaluate_loss: Callable[..., tuple[Array, Array]] = partial(evaluate_checked, loss)

    def evaluate(self, rows: RowIndex) -> float:
        """Return the mean loss over some rows, and store the gradient of J (penalties included) on these rows."""
        X, Y, sample_weight = self.rows.take(rows)
        if self._n_members > 1:
            X, Y, sample_weight = self._repeat_for_members(X, Y, sample_weight)
        F = self._forward(X, sample_weight)
        losses, dF = self._evaluate_loss(F, Y, out=self._dF[: F.shape[0]])
        self._evaluate_loss = self.loss.evaluate  # only the first evaluation is checked
        loss, dF = self._average(losses, dF, sample_weight)
        self._backward(dF)
        for penalty, W, dW in self._penalized:
            penalty.add_gradient(W, dW)
        return loss

    def penalty(self) -> float:
        """Return the sum of the penalties at the present parameters."""
        return sum(penalty.value(W) for penalty, W, _ in self._penalized)

    def reset_running_statistics(self) -> None:
        """Let the next evaluation alone decide the running statistics of batch normalisation."""
        for normalization in self._normalizations:
            normalization.reset_running_statistics()

    def project(self, max_norm: MaxNorm) -> None:
        """Shorten the incoming weights of units that exceed the bound."""
        for W in self._matrices:
            max_norm.project(W)

    def _repeat_for_members(self, X: Any, Y: Array, sample_weight: Array | None) -> tuple[Any, Array, Array | None]:
        """Return the rows of each member one below the other; X only if each member drops other entries of it."""
        k = self._n_members
        if self._input_dropout is not None:
            X = vstack([X] * k, format="csr") if issparse(X) else np.concatenate([X] * k)
        return X, np.concatenate([Y] * k), None if sample_weight is None else np.concatenate([sample_weight] * k)

    def _average(self, losses: Array, dF: Array, sample_weight: Array | None) -> tuple[float, Array]:
        """Return the mean of the losses and its gradient, in the memory for it: `dF` of a user's loss may be any."""
        n, out = len(losses), self._dF[: len(losses)]
        if sample_weight is None:
            return float(losses.sum()) / n, np.multiply(dF, 1 / n, out=out, casting="same_kind")
        return float(np.dot(sample_weight, losses)) / n, np.multiply(dF, (sample_weight / n)[:, None], out=out)

    def _forward(self, X: Any, sample_weight: Array | None) -> Array:
        """Return the raw output; the sample weights are for the means and variances of batch normalisation."""
        for normalization in self._normalizations:
            normalization.set_sample_weight(sample_weight)
        F = X if self._input_dropout is None else self._input_dropout.forward(X)
        for layer in self._layers:
            F = layer.forward(F)
        return F

    def _backward(self, gradient: Array) -> None:
        """Store the gradient in all layers' parameters, given that in the raw output."""
        first, *others = self._layers
        for layer in reversed(others):
            layer.parameter_gradients(gradient)
            gradient = layer.input_gradient(gradient)
        first.parameter_gradients(gradient)


def penalized_weights(network: Network, penalties: Sequence[L1 | L2], gradient: Array) -> list[PenalizedWeights]:
    """Return penalties, each with the weights that it penalises and their gradient, as views.

    The weights that each member has for itself count as 1 / n_members.
    """
    layout, k = network.layout, network.n_members
    shared_weights, member_weights = slice(layout.n_shared_weights), slice(layout.n_shared_weights, layout.n_weights)
    penalized = [(penalty, shared_weights) for penalty in penalties]
    if k > 1:
        penalized += [(type(penalty)(penalty.alpha / k), member_weights) for penalty in penalties]
    return [(penalty, network.parameters[weights], gradient[weights]) for penalty, weights in penalized]


def create_forward_backward(
    network: Network, gradient: Array, loss: Loss, penalties: Sequence[L1 | L2], rows: TrainingRows, *others: Any
) -> Any:
    """Return a ForwardBackward, in the fused form where that supports all parts; the arguments are its own."""
    if (fused := active_extension("skneural.network.fused")) and fused.supports(network, loss, penalties):
        return fused.FusedForwardBackward(network, gradient, loss, penalties, rows, *others)
    return ForwardBackward(network, gradient, loss, penalties, rows, *others)
