"""The target in units of its own spread: what a regressor learns, and the way back to the user's units."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def target_mean_and_std(Y: Array, sample_weight: Array | None) -> tuple[Array, Array]:
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
    largest_target = np.abs(Y).max(axis=0)
    with np.errstate(under="ignore"):  # of what is next to nothing beside the largest
        target_unit = np.where(largest_target > 0, largest_target, 1)
        first_target = Y[0] / target_unit
        deviations = Y / target_unit - first_target
        mean_deviation = np.average(deviations, axis=0, weights=sample_weight)
        deviations -= mean_deviation
        largest_deviation = np.abs(deviations).max(axis=0)
        largest_deviation[largest_deviation == 0] = 1
        deviations /= largest_deviation
        std = np.sqrt(np.average(deviations**2, axis=0, weights=sample_weight)) * largest_deviation
        return (first_target + mean_deviation) * target_unit, std * target_unit


class TargetScaling(NamedTuple):
    """What a regressor subtracts from the targets and divides them by, and their range.

    Parameters
    ----------
    mean, scale : ndarray of shape (n_targets,), float64
    range : ndarray of shape (2, n_targets), float64
        Smallest and largest targets of positive weight.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.estimators.target_scaling import TargetScaling
    >>> first = TargetScaling.from_targets(np.array([[5.0], [5.0]]), None, standardize=True)
    >>> later = TargetScaling.from_targets(np.array([[1.0], [7.0]]), None, standardize=True)
    >>> resumed = first.resume(later)  # the constant target of the first rows has no scale
    >>> resumed.mean, resumed.scale, resumed.range.ravel()
    (array([4.]), array([3.]), array([1., 7.]))
    """

    mean: Array
    scale: Array
    range: Array

    @classmethod
    def from_targets(cls, Y: Array, sample_weight: Array | None, standardize: bool) -> TargetScaling:
        """Return the scaling of new targets: to mean 0 and standard deviation 1, or none."""
        weighted_targets = Y if sample_weight is None else Y[sample_weight > 0]
        target_range = np.stack([weighted_targets.min(axis=0), weighted_targets.max(axis=0)])
        if standardize:
            return cls(*target_mean_and_std(Y, sample_weight), target_range)
        return cls(np.zeros(Y.shape[1]), np.ones(Y.shape[1]), target_range)

    def resume(self, later: TargetScaling) -> TargetScaling:
        """Return the scaling of later targets: this one, where there is one, with a range that includes theirs."""
        lowest = np.minimum(self.range[0], later.range[0])
        highest = np.maximum(self.range[1], later.range[1])
        # Where all targets so far were equal, nothing was learned: the first others decide.
        later_scale = np.where(later.scale > 0, later.scale, (highest - lowest) / 2)
        has_scale = self.scale > 0
        return TargetScaling(
            np.where(has_scale, self.mean, later.mean),
            np.where(has_scale, self.scale, later_scale),
            np.stack([lowest, highest]),
        )


def skewness_sign(Z: Array, sample_weight: Array | None) -> Array:
    """Return for each target the sign of its skewness, +1 where it is symmetric: -1 or 1, of shape (n_targets,).

    A target and its mirror image have opposite signs. With output weights that start with this sign, training for
    one is the mirror image of training for the other.
    """
    target_skewness = np.average(np.asarray(Z, np.float64) ** 3, axis=0, weights=sample_weight)
    return np.where(target_skewness < -1e-9, -1.0, 1.0)


def standardize_targets(Y: Array, mean: Array, scale: Array) -> Array:
    """Return (Y - mean) / scale in float64; zero where the scale is zero, as for a constant target."""
    with np.errstate(under="ignore"):
        return (Y.astype(np.float64) - mean) / np.where(scale > 0, scale, np.inf)


def restore_targets(F: Array, mean: Array, scale: Array) -> Array:
    """Return mean + scale · F in the dtype of F; infinity where that is too large for it."""
    with np.errstate(over="ignore", under="ignore"):
        return (mean + scale * F).astype(F.dtype)
