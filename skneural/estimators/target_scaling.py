"""The target in units of its own spread: what a regressor learns, and the way back to the user's units."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skneural.preprocessing.clipping import clip_outliers
from skneural.weighted_quantiles import weighted_quantiles

Array = NDArray[Any]
MeanAndScale = Callable[[Array, "Array | None"], tuple[Array, Array]]

# In units of the scale. Of an outlier that lies further away, a robust loss needs the side only: its distance would
# hide the other rows in the rounding error of the mean loss.
LARGEST_OUTLIER = 1e6


def no_scaling(Y: Array, sample_weight: Array | None) -> tuple[Array, Array]:
    """Return for each target mean 0 and scale 1: the network learns the targets as they come."""
    return np.zeros(Y.shape[1]), np.ones(Y.shape[1])


def zero_and_mean(Y: Array, sample_weight: Array | None) -> tuple[Array, Array]:
    """Return for each target 0, and as its scale the weighted mean; 1 where that is not positive."""
    Y = Y.astype(np.float64)
    with np.errstate(under="ignore"):  # of what is next to nothing beside the largest
        target_unit = np.maximum(np.abs(Y).max(axis=0), np.finfo(np.float64).tiny)
        mean = np.average(Y / target_unit, axis=0, weights=sample_weight) * target_unit
    return np.zeros(Y.shape[1]), np.where(mean > 0, mean, 1)


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
        target_deviations = Y / target_unit - first_target
        mean_deviation = np.average(target_deviations, axis=0, weights=sample_weight)
        target_deviations -= mean_deviation
        std = _overwritten_root_mean_square(target_deviations, sample_weight)
        return (first_target + mean_deviation) * target_unit, std * target_unit


def _overwritten_root_mean_square(deviations: Array, sample_weight: Array | None) -> Array:
    """Return the weighted root mean square of each column, which is overwritten; no square underflows to zero."""
    largest_deviation = np.abs(deviations).max(axis=0)
    deviations /= (deviation_unit := np.where(largest_deviation > 0, largest_deviation, 1))
    return np.sqrt(np.average(deviations**2, axis=0, weights=sample_weight)) * deviation_unit


def robust_mean_and_std(Y: Array, sample_weight: Array | None) -> tuple[Array, Array]:
    """Return weighted mean and standard deviation of each target after its outliers are bounded, in float64.

    Without outliers they are those of `target_mean_and_std`, to the bit. `clip_outliers` has the bounds.

    Parameters
    ----------
    Y : ndarray of shape (n_rows, n_targets)
        Finite numbers of any size.
    sample_weight : ndarray of shape (n_rows,) or None
        A row of weight zero counts as absent, one of weight 3 as three rows.

    Returns
    -------
    mean, std : ndarray of shape (n_targets,)
        The standard deviation of a constant target is exactly zero, and its mean the constant.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.estimators.target_scaling import robust_mean_and_std, target_mean_and_std
    >>> Y = np.array([[1.0], [2.0], [3.0], [4.0], [1e6]])  # the outlier is bounded at 23
    >>> mean, std = robust_mean_and_std(Y, None)
    >>> mean.round(1), std.round(1)
    (array([6.6]), array([8.3]))
    """
    Y = Y.astype(np.float64)
    weights = np.ones(len(Y)) if sample_weight is None else sample_weight
    Y, weights = Y[weights > 0], weights[weights > 0]
    with np.errstate(under="ignore"):
        bounded = clip_outliers(Y, quantile=partial(weighted_quantiles, sample_weight=weights))
    return target_mean_and_std(bounded, None if sample_weight is None else weights)


def weighted_rows(Y: Array, sample_weight: Array | None) -> Array:
    """Return the rows of positive weight."""
    return Y if sample_weight is None else Y[sample_weight > 0]


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
    >>> from skneural.estimators.target_scaling import TargetScaling, target_mean_and_std
    >>> first = TargetScaling.from_targets(np.array([[5.0], [5.0]]), None, target_mean_and_std)
    >>> later_targets = np.array([[1.0], [7.0]])
    >>> resumed = first.resume(later_targets, None, target_mean_and_std)  # the first rows have no scale
    >>> resumed.mean, resumed.scale, resumed.range.ravel()
    (array([4.]), array([3.]), array([1., 7.]))
    """

    mean: Array
    scale: Array
    range: Array

    @classmethod
    def from_targets(cls, Y: Array, sample_weight: Array | None, mean_and_scale: MeanAndScale) -> TargetScaling:
        """Return the scaling of new targets, by a function such as `target_mean_and_std`."""
        weighted_targets = weighted_rows(Y, sample_weight)
        target_range = np.stack([weighted_targets.min(axis=0), weighted_targets.max(axis=0)])
        return cls(*mean_and_scale(Y, sample_weight), target_range)

    def resume(self, Y: Array, sample_weight: Array | None, mean_and_scale: MeanAndScale) -> TargetScaling:
        """Return the scaling of later targets: this one, where there is one, with a range that includes theirs."""
        has_scale = (self.scale > 0) & self.range.any(axis=0)  # zeros leave the scale open, whatever the loss
        later = TargetScaling.from_targets(Y, sample_weight, no_scaling if has_scale.all() else mean_and_scale)
        lowest = np.minimum(self.range[0], later.range[0])
        highest = np.maximum(self.range[1], later.range[1])
        # Where all targets so far were equal, nothing was learned: the first others decide.
        later_scale = np.where(later.scale > 0, later.scale, highest / 2 - lowest / 2)  # of halves: no overflow
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
    with np.errstate(over="ignore", under="ignore"):
        return (Y.astype(np.float64) - mean) / np.where(scale > 0, scale, np.inf)


def restore_targets(F: Array, mean: Array, scale: Array) -> Array:
    """Return mean + scale · F in the dtype of F; infinity where that is too large for it."""
    with np.errstate(over="ignore", under="ignore"):
        return (mean + scale * F).astype(F.dtype)


def range_in_dtype(target_range: Array, dtype: Any) -> Array:
    """Return the smallest and largest numbers of a dtype within the range; the nearest ones if there are none.

    Parameters
    ----------
    target_range : ndarray of shape (2, n_targets), float64
        Smallest and largest target.
    dtype : dtype
        float32 or float64.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.estimators.target_scaling import range_in_dtype
    >>> low, high = range_in_dtype(np.array([[0.1], [0.7]]), np.float32)
    >>> bool(low.astype(float) >= 0.1), bool(high.astype(float) <= 0.7)
    (True, True)
    """
    largest, infinity = float(np.finfo(dtype).max), np.dtype(dtype).type(np.inf)
    with np.errstate(over="ignore", under="ignore"):
        lowest, highest = nearest = np.clip(target_range, -largest, largest).astype(dtype)
        lowest = np.where(lowest < target_range[0], np.nextafter(lowest, infinity), lowest)
        highest = np.where(highest > target_range[1], np.nextafter(highest, -infinity), highest)
    return np.where(lowest <= highest, [lowest, highest], nearest)
