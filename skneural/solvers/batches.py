"""Mini-batches: the rows of each training step."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Batches:
    """The mini-batches of an epoch.

    Parameters
    ----------
    n_rows : int
        Size of the training set.
    batch_size : int
        Rows per batch; the last one may have fewer.
    shuffle : bool
        Whether each epoch has a new random order. A single batch of all rows is never shuffled: the gradient is the
        same in any order.

    Attributes
    ----------
    bounds : ndarray of shape (n_batches + 1,)
        Where the batches begin in the order of the rows, and where the last one ends.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.solvers import Batches
    >>> batches = Batches(5, 2, shuffle=False)
    >>> list(batches.split(batches.order(np.random.RandomState(0))))
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """

    def __init__(self, n_rows: int, batch_size: int, shuffle: bool):
        self.n_rows = n_rows
        self.batch_size = min(batch_size, n_rows)
        self.shuffle = shuffle and self.batch_size < n_rows
        self.bounds = self._bounds(-(-n_rows // self.batch_size))

    def __len__(self) -> int:
        return len(self.bounds) - 1

    def order(self, rng: np.random.RandomState) -> NDArray[Any] | None:
        """Draw the order of the rows in an epoch; None for the order of the training set."""
        return rng.permutation(self.n_rows) if self.shuffle else None

    def split(self, order: NDArray[Any] | None) -> Iterator[slice | NDArray[Any]]:
        """Yield the rows of each batch: a slice, or an array of indices if there is an order."""
        for start, stop in pairwise(self.bounds.tolist()):
            rows = slice(start, stop)
            yield rows if order is None else order[rows]

    def _bounds(self, n_batches: int) -> NDArray[np.intp]:
        """Return where the batches begin in the order of the rows, and where the last one ends."""
        return np.minimum(np.arange(n_batches + 1, dtype=np.intp) * self.batch_size, self.n_rows)


class EqualBatches(Batches):
    """As many mini-batches, whose sizes differ by one row at most.

    For batch normalisation, which takes means and variances from each batch: those of a last batch of one or two rows
    would be far from those of the others.

    Parameters
    ----------
    n_rows : int
        Size of the training set.
    batch_size : int
        Largest number of rows per batch.
    shuffle : bool
        As in :class:`Batches`.

    Examples
    --------
    >>> from skneural.solvers import EqualBatches
    >>> batches = EqualBatches(5, 4, shuffle=False)
    >>> list(batches.split(None))
    [slice(0, 2, None), slice(2, 5, None)]
    """

    def _bounds(self, n_batches: int) -> NDArray[np.intp]:
        return np.arange(n_batches + 1, dtype=np.intp) * self.n_rows // n_batches
