"""The target in units of its own spread: what a regressor learns, and the way back to the user's units."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def mean_and_std(Y: Array, sample_weight: Array | None) -> tuple[Array, Array]:
    """Return weighted mean and standard deviation of each target, in float64.

    Parameters
    ----------
    Y : ndarray of shape (n_rows, n_targets)
        Finite numbers of any size.
    sample_weight : ndarray of shape (n_rows,) or None
        A row of weight zero counts as absent.

    Returns
    -------
    mean, std : ndarray of shape (n_targets,)
        The standard deviation of a constant target is exactly zero, and its mean the constant: deviations are taken
        from a row of the data.
    """
    Y = Y.astype(np.float64)
    if sample_weight is not None:
        Y, sample_weight = Y[sample_weight > 0], sample_weight[sample_weight > 0]
    largest = np.abs(Y).max(axis=0)
    with np.errstate(under="ignore"):  # of what is next to nothing beside the largest
        unit = np.where(largest > 0, largest, 1)
        origin = Y[0] / unit
        deviations = Y / unit - origin
        shift = np.average(deviations, axis=0, weights=sample_weight)
        deviations -= shift
        spread = np.abs(deviations).max(axis=0)
        spread[spread == 0] = 1
        deviations /= spread
        std = np.sqrt(np.average(deviations**2, axis=0, weights=sample_weight)) * spread
        return (origin + shift) * unit, std * unit


def orientation(Z: Array, sample_weight: Array | None) -> Array:
    """Return for each target the sign of its skewness, +1 where it is symmetric: -1 or 1, of shape (n_targets,).

    A target and its mirror image have opposite signs. With output weights that start with this sign, training for
    one is the mirror image of training for the other.
    """
    cubes = np.average(np.asarray(Z, np.float64) ** 3, axis=0, weights=sample_weight)
    return np.where(cubes < -1e-9, -1.0, 1.0)


def standardized(Y: Array, mean: Array, scale: Array) -> Array:
    """Return (Y - mean) / scale in float64; zero where the scale is zero, as for a constant target."""
    with np.errstate(under="ignore"):
        return (Y.astype(np.float64) - mean) / np.where(scale > 0, scale, np.inf)


def restored(F: Array, mean: Array, scale: Array) -> Array:
    """Return mean + scale · F in the dtype of F; infinity where that is too large for it."""
    with np.errstate(over="ignore", under="ignore"):
        return (mean + scale * F).astype(F.dtype)
