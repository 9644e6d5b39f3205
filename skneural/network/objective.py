"""The objective that solvers minimise: weighted mean loss plus penalties, evaluated on any rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skneural.losses import Loss
from skneural.network.dropout import Dropout
from skneural.network.forward_backward import create_forward_backward
from skneural.network.network import Network
from skneural.network.training_rows import RowIndex, TrainingRows
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
