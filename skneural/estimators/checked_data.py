"""The data of `fit`: as the user gave them, and after all checks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import joblib
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from skneural.network import TrainingRows

Array = NDArray[Any]


@dataclass(frozen=True)
class FitArguments:
    """The arguments of `fit` and `partial_fit`, not checked yet.

    Parameters
    ----------
    X, y, sample_weight : array-like
        The rows to train on.
    X_val, y_val, sample_weight_val : array-like or None
        The validation set.
    classes : array-like or None, default=None
        All labels, for the first call of `partial_fit` of a classifier.
    """

    X: Any
    y: Any
    sample_weight: Any
    X_val: Any = None
    y_val: Any = None
    sample_weight_val: Any = None
    classes: Any = None

    @property
    def has_validation_set(self) -> bool:
        """Whether any part of a validation set was given."""
        return any(each is not None for each in (self.X_val, self.y_val, self.sample_weight_val))


@dataclass(frozen=True)
class CheckedData:
    """Checked arrays with one entry per row.

    Parameters
    ----------
    X : {ndarray, CSR array or matrix} of shape (n_rows, n_features)
        In the dtype of the computation.
    Y : ndarray
        Targets as the loss expects them.
    y : ndarray
        Targets as the user gave them.
    sample_weight : ndarray of shape (n_rows,) or None
        The largest is 1.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.estimators.checked_data import CheckedData
    >>> data = CheckedData(np.eye(3), np.array([0, 1, 1]), np.array(["no", "yes", "yes"]), None)
    >>> data.take(np.array([0, 2])).y.tolist()
    ['no', 'yes']
    """

    X: Any
    Y: Array
    y: Array
    sample_weight: Array | None

    @property
    def n_weighted_rows(self) -> int:
        """Number of rows of positive weight."""
        return len(self.y) if self.sample_weight is None else int(np.count_nonzero(self.sample_weight))

    def take(self, indices: Array) -> CheckedData:
        """Return some of the rows."""
        sample_weight = None if self.sample_weight is None else self.sample_weight[indices]
        return CheckedData(self.X[indices], self.Y[indices], self.y[indices], sample_weight)

    def training_rows(self, subset: Array | None = None) -> TrainingRows:
        """Return what a solver takes rows from; with a subset, from these rows only."""
        return TrainingRows(self.X, self.Y, self.sample_weight, subset)

    def digest(self) -> str:
        """Return a hash of the content, which does not depend on how it lies in memory."""
        X = (self.X.data, self.X.indices, self.X.indptr) if issparse(self.X) else (self.X,)
        data_arrays = (*X, self.Y, np.ones(1) if self.sample_weight is None else self.sample_weight)
        return joblib.hash([np.ascontiguousarray(array) for array in data_arrays])
