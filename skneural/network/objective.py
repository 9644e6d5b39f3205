"""The objective that solvers minimise: weighted mean loss plus penalties, over the rows they ask for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skneural.losses import Loss
from skneural.network.dropout import Dropout
from skneural.network.forward_backward import forward_backward
from skneural.network.network import Network
from skneural.network.training_rows import Rows, TrainingRows
from skneural.penalties import L1, L2, MaxNorm

Array = NDArray[Any]


class Objective:
    """J = Σ sᵢ ℓᵢ / Σ sᵢ + penalties(W), as a function of the network's flat parameter vector.

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
        For the input, then for each hidden layer; empty for none at all. Every evaluation draws new masks.

    Attributes
    ----------
    parameters : ndarray of shape (n_trained,)
        What solvers change.
    gradient : ndarray of shape (n_trained,)
        The gradient at the last evaluation.
    state : ndarray of shape (n_parameters,)
        The network's whole vector: the parameters and the running statistics of batch normalisation.
    forward_backward : Passes or its fused form
        The passes through the network.
    backend : {"native", "numpy"}
        Their form.

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
        n_trained = network.layout.n_trained
        self.parameters, self.gradient = self.state[:n_trained], whole_gradient[:n_trained]
        self.loss, self.penalties, self.rows, self.max_norm = loss, penalties, rows, max_norm
        self._normalises = network.batch_norm
        self.forward_backward = forward_backward(network, whole_gradient, loss, penalties, rows, n_rows, dropout)
        self.backend = self.forward_backward.backend

    def evaluate(self, rows: Rows) -> float:
        """Return the mean loss over some rows and store the gradient of J (penalties included) as seen by them."""
        return self.forward_backward.evaluate(rows)

    def penalty(self) -> float:
        """Return the sum of the penalties at the present parameters."""
        return self.forward_backward.penalty()

    def project(self) -> None:
        """Bring the parameters back into the region that is allowed."""
        if self.max_norm is not None:
            self.forward_backward.project(self.max_norm)

    def reset_running_statistics(self) -> None:
        """Let the next evaluation alone decide the running statistics of batch normalisation."""
        self.forward_backward.reset_running_statistics()

    def update_running_statistics(self, rows: Rows) -> None:
        """Make the running statistics of batch normalisation those of some rows, at the present parameters."""
        if self._normalises:
            self.reset_running_statistics()
            self.evaluate(rows)
