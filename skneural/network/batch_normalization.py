"""Batch normalisation in training, and the running statistics that prediction uses."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

EPSILON = 1e-5  # added to each variance, so that a constant unit is divided by something
MOMENTUM = 0.1  # weight of the newest batch in the running statistics


class BatchNormalization:
    """Y = scale · (Z - mean) / sqrt(variance + ε) + shift, mean and variance those of the batch.

    Source: Ioffe & Szegedy 2015, :arxiv:`1502.03167`. With sample weights mean and variance are weighted, so that a
    row of weight two counts as two rows here too.

    Parameters
    ----------
    scale, shift : ndarray of shape (n_units,)
        Learned parameters.
    dscale, dshift : ndarray of the same shape
        Where their gradient goes.
    running : tuple of ndarray
        Mean and variance of shape (n_units,) for prediction, and the number of batches they come from, of shape (1,):
        the plain average of the first batches, then a moving average with `MOMENTUM`. A batch of fewer rows than
        `n_rows`, as the last of an epoch may be, counts as a fraction of a batch.
    n_rows : int
        The number of rows of a full batch, the largest in one pass.
    """

    def __init__(
        self, scale: Array, shift: Array, dscale: Array, dshift: Array, running: tuple[Array, Array, Array], n_rows: int
    ):
        self.scale, self.shift, self.dscale, self.dshift = scale, shift, dscale, dshift
        self.running = running
        self._normalized = np.empty((n_rows, len(scale)), scale.dtype)
        self._normalized_and_scaled = np.empty_like(self._normalized)
        self._input_gradient = np.empty_like(self._normalized)
        self._row_weight: Array | None = None
        self._batch_has_weight = True

    def set_sample_weight(self, sample_weight: Array | None) -> None:
        """Set the sample weights of the next batch; None for equal weights.

        A batch of zero weights is normalised as if they were equal, and does not change the running statistics.
        """
        self._batch_has_weight = sample_weight is None or bool(sample_weight.any())
        self._row_weight = None
        if sample_weight is not None and self._batch_has_weight:
            self._row_weight = sample_weight / sample_weight.sum()

    def reset_running_statistics(self) -> None:
        """Let the next batch alone decide the running statistics."""
        self.running[2][...] = 0

    def forward(self, Z: Array) -> Array:
        """Return Y, of the shape of Z, and take the batch into the running statistics."""
        n = len(Z)
        self.row_weight = np.full(n, 1 / n, Z.dtype) if self._row_weight is None else self._row_weight
        mean, variance = self._normalize(Z)
        if self._batch_has_weight:
            self._update_running_statistics(mean, variance, n / len(self._normalized))
        Y = np.multiply(self.normalized, self.scale, out=self._normalized_and_scaled[:n])
        Y += self.shift
        return Y

    def _normalize(self, Z: Array) -> tuple[Array, Array]:
        """Set Ẑ and 1 / sqrt(variance + ε); return mean and variance of the batch."""
        n = len(Z)
        self.normalized, squares = self._normalized[:n], self._normalized_and_scaled[:n]
        mean = self.row_weight @ Z
        np.subtract(Z, mean, out=self.normalized)
        variance = self.row_weight @ np.multiply(self.normalized, self.normalized, out=squares)
        self.inv_std = 1 / np.sqrt(variance + EPSILON)
        self.normalized *= self.inv_std
        return mean, variance

    def parameter_gradients(self, dY: Array) -> None:
        """dscale = Σ dY · Ẑ and dshift = Σ dY, Ẑ the normalised Z."""
        np.einsum("ij,ij->j", dY, self.normalized, out=self.dscale)
        np.add.reduce(dY, axis=0, out=self.dshift)

    def input_gradient(self, dY: Array) -> Array:
        """dZᵢ = (Gᵢ - pᵢ Σ G - pᵢ Ẑᵢ Σ G Ẑ) / sqrt(variance + ε), G = scale · dY, p the normalised weights."""
        dZ = np.multiply(self.normalized, self.scale * -self.dscale, out=self._input_gradient[: len(dY)])
        dZ -= self.scale * self.dshift
        dZ *= self.row_weight[:, None]
        dZ += dY * self.scale
        dZ *= self.inv_std
        return dZ

    def _update_running_statistics(self, mean: Array, variance: Array, fraction: float) -> None:
        running_mean, running_variance, batch_count = self.running
        batch_count += fraction
        momentum = fraction * max(MOMENTUM, 1 / batch_count[0])
        running_mean += momentum * (mean - running_mean)
        running_variance += momentum * (variance - running_variance)
