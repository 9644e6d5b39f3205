"""The training set, of which a solver asks for any rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

Array = NDArray[Any]
RowIndex = slice | Array


def _scaled_to_mean_one(sample_weight: Array, subset: Array | None, dtype: Any) -> Array:
    """Return weights of mean 1 over the rows of the subset; zero for the others, which may be too large beside them."""
    rows = slice(None) if subset is None else subset
    with np.errstate(over="ignore"):  # NumPy before 2 warns where weights are divided by a subnormal one
        subset_weight = sample_weight[rows] / sample_weight[rows].max()  # so that their mean is not subnormal
    scaled_weight = np.zeros(len(sample_weight), dtype)
    scaled_weight[rows] = subset_weight / subset_weight.mean()
    return scaled_weight


class TrainingRows:
    """The training set, of which any rows can be taken.

    Parameters
    ----------
    X : {ndarray, CSR array or matrix} of shape (n_samples, n_features)
        Features, in the dtype of the computation.
    Y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        Targets as the loss expects them.
    sample_weight : ndarray of shape (n_samples,) or None, default=None
        Scaled here, once, to mean 1 over the rows of `subset`. A mini-batch is then an unbiased sample of the weighted
        mean, and a batch of zero weights contributes zero.
    subset : ndarray of int or None, default=None
        The rows to train on; None for all.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.network import TrainingRows
    >>> rows = TrainingRows(np.eye(3), np.array([0, 1, 1]), sample_weight=np.array([1.0, 1.0, 4.0]))
    >>> X, y, sample_weight = rows.take(slice(1, 3))
    >>> y, sample_weight
    (array([1, 1]), array([0.5, 2. ]))
    """

    def __init__(self, X: Any, Y: Array, sample_weight: Array | None = None, subset: Array | None = None):
        self.X, self.Y, self.subset = X, Y, subset
        self.sample_weight = None if sample_weight is None else _scaled_to_mean_one(sample_weight, subset, X.dtype)
        self._X_buffer = np.empty((0, X.shape[1]), X.dtype)

    def __len__(self) -> int:
        return self.X.shape[0] if self.subset is None else len(self.subset)

    def take(self, rows: RowIndex) -> tuple[Any, Array, Array | None]:
        """Return X, Y and sample weights of some rows; a slice of a dense X is not copied."""
        rows = rows if self.subset is None else self.subset[rows]
        sample_weight = None if self.sample_weight is None else self.sample_weight[rows]
        return self._take_X(rows), self.Y[rows], sample_weight

    def _take_X(self, rows: RowIndex) -> Any:
        if isinstance(rows, slice) or issparse(self.X):
            return self.X[rows]
        if len(rows) > len(self._X_buffer):
            self._X_buffer = np.empty((len(rows), self.X.shape[1]), self.X.dtype)
        # mode="clip" (the indices are valid) spares np.take a hidden copy.
        return np.take(self.X, rows, axis=0, out=self._X_buffer[: len(rows)], mode="clip")


def evenly_spaced_rows(n_rows: int, max_rows: int) -> NDArray[np.intp]:
    """Return the indices of up to `max_rows` rows, taken evenly from all.

    Examples
    --------
    >>> from skneural.network.training_rows import evenly_spaced_rows
    >>> evenly_spaced_rows(9, 3), evenly_spaced_rows(2, 3)
    (array([0, 4, 8]), array([0, 1]))
    """
    return np.linspace(0, n_rows - 1, min(n_rows, max_rows)).astype(np.intp)
