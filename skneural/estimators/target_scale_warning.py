"""The warning that targets of later calls have another scale than those of the first, whose scale is kept."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skneural.estimators.target_scaling import TargetScaling
from skneural.saved_state import check_numbers, require

Array = NDArray[Any]

# Measured on streams of one scale in batches of 1, 16 and 200 rows: normal, log-normal, Pareto, counts, mostly zeros.
# No batches are warned of. Of streams of single rows one to three in a thousand are: their first two targets are a
# thousand times as close to one another as the others, and the fit is as bad as the warning says.
FAR = 1000.0  # scales from the mean: a target there is far
MIN_ROWS_FAR = 20  # after which most targets may be found to be far
RECENT_ROWS = 100  # whose fraction of far targets counts
NARROW = 0.01  # scales: a range this narrow ruins the fit
MIN_ROWS_NARROW = 100  # whose range may be found to be narrow; at least as many as the first call had


def new_record(n_rows: int, n_targets: int) -> dict[str, Any]:
    """Return the record of later targets before there are any.

    Parameters
    ----------
    n_rows : int
        Number of rows that the scale was computed from.
    n_targets : int
    """
    return {"n_first": n_rows, "n_rows": 0, "far_fraction": np.zeros(n_targets), "range": np.zeros((2, n_targets))}


def updated_record(record: dict[str, Any], Y: Array, scaling: TargetScaling) -> dict[str, Any]:
    """Return a record that includes the targets of a later call.

    Parameters
    ----------
    record : dict
        From `new_record` or this function; it is not changed.
    Y : ndarray of shape (n_rows, n_targets)
        Targets of positive weight, at least one row.
    scaling : TargetScaling
        Mean and scale of the first call, and the range of all targets, with those of this call.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.estimators.target_scale_warning import describe_mismatch, new_record, updated_record
    >>> from skneural.estimators.target_scaling import TargetScaling
    >>> scaling = TargetScaling(np.array([0.0]), np.array([1e-6]), np.array([[-1.0], [1.0]]))
    >>> record = updated_record(new_record(2, 1), np.linspace(-1, 1, 30)[:, None], scaling)
    >>> describe_mismatch(record, scaling.scale)
    'most of the latest targets are more than 1000 of these scales away from target_mean_'
    """
    with np.errstate(over="ignore", under="ignore"):
        far_fraction, later_range = _far_fraction(record, Y, scaling), _later_range(record, Y, scaling.scale)
    return {**record, "n_rows": record["n_rows"] + len(Y), "far_fraction": far_fraction, "range": later_range}


def _far_fraction(record: dict[str, Any], Y: Array, scaling: TargetScaling) -> Array:
    """Return which part of the latest targets is far from the mean."""
    far_distance = FAR * scaling.scale
    far_fraction: Array = record["far_fraction"]
    if not (np.abs(scaling.range - scaling.mean) > far_distance).any():  # no target of any call is
        return far_fraction
    weight = len(Y) / min(record["n_rows"] + len(Y), max(RECENT_ROWS, len(Y)))
    return far_fraction + weight * ((np.abs(Y - scaling.mean) > far_distance).mean(axis=0) - far_fraction)


def _later_range(record: dict[str, Any], Y: Array, target_scale: Array) -> Array | None:
    """Return smallest and largest later targets; None once their range is not narrow, and never will be."""
    if record["range"] is None:
        return None
    later_range = np.stack([Y.min(axis=0), Y.max(axis=0)])
    if record["n_rows"]:
        smallest, largest = record["range"]
        later_range = np.stack([np.minimum(later_range[0], smallest), np.maximum(later_range[1], largest)])
    return None if (np.ptp(later_range, axis=0) >= NARROW * target_scale).all() else later_range


def describe_mismatch(record: dict[str, Any], target_scale: Array) -> str:
    """Return what tells that the scale is not that of the later targets; an empty string if nothing does.

    Equal targets tell nothing, nor do fewer rows than the constants of this module say.
    """
    n_later_rows = record["n_rows"]
    if n_later_rows >= MIN_ROWS_FAR and (record["far_fraction"] > 0.5).any():
        return f"most of the latest targets are more than {FAR:.0f} of these scales away from target_mean_"
    if record["range"] is None or n_later_rows < max(MIN_ROWS_NARROW, record["n_first"]):
        return ""
    later_width = np.ptp(record["range"], axis=0)
    narrow = (later_width > 0) & (later_width < NARROW * target_scale)
    if not narrow.any():
        return ""
    narrowest = (later_width[narrow] / target_scale[narrow]).min()
    return f"the {n_later_rows} targets since then lie within {narrowest:.2g} of these scales"


def check_record(record: Any, n_targets: int) -> None:
    """Raise ValueError unless this is a record as it is saved."""
    require(isinstance(record, dict), f"_later_targets must be a dict. Got {record!r} instead.")
    for name in ("n_first", "n_rows"):
        count = record.get(name)
        require(isinstance(count, int) and count >= 0, f"{name} must be an int >= 0. Got {count!r} instead.")
    check_numbers("far_fraction", record.get("far_fraction"), (n_targets,))
    if record.get("range") is not None:
        check_numbers("range", record["range"], (2, n_targets))
