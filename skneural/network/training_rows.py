"""The training set, of which a solver asks for any rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

Array = NDArray[Any]
Rows = slice | Array


class TrainingRows:
    """The training set, of which any rows can be taken.

    Parameters
    ----------
    X : {ndarray, CSR array or matrix} of shape (n_rows, n_features)
        Features, in the dtype of the computation.
    Y : ndarray of shape (n_rows,) or (n_rows, n_outputs)
        Targets as the loss expects them.
    weights : ndarray of shape (n_rows,) or None, default=None
        Sample weights.
    used : ndarray of int or None, default=None
        The rows that training uses; None is all. Over these the weights are scaled to mean 1 once, here, so that a
        mini-batch is a fair sample of the weighted mean and a batch of zero weights counts for nothing.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.network import TrainingRows
    >>> rows = TrainingRows(np.eye(3), np.array([0, 1, 1]), weights=np.array([1.0, 1.0, 4.0]))
    >>> X, y, weights = rows.take(slice(1, 3))
    >>> y, weights
    (array([1, 1]), array([0.5, 2. ]))
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
