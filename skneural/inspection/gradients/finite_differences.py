"""Centred differences of a function, one entry of its argument at a time, which know what they cannot see."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

STEPS = [10.0**-k for k in range(4, 13)]
SMOOTH = 2e-7  # relative disagreement of two differences that rounding and curvature may cause
RESOLVED = 1e-5  # largest share of rounding in a difference by a shorter step
FLOOR = 3e6  # times the noise: then rounding alone stays below a relative error of 1e-7


@dataclass(frozen=True)
class Difference:
    """The derivative in one entry, or the knowledge that it has none.

    Parameters
    ----------
    slope : float
        The derivative.
    floor : float
        Derivatives far below are lost in the rounding of the function.
    smooth : bool
        Whether the function has no kink within the step.
    """

    slope: float
    floor: float
    smooth: bool


class FiniteDifferences:
    """Derivatives of a function by its values alone.

    With f₋₂ … f₂ the values at θ - 2h … θ + 2h, the derivative is the extrapolated (4 D(h) - D(2h)) / 3, where
    D(h) = (f₁ - f₋₁) / 2h. Where f is smooth, D(h) ≈ D(2h) and the one-sided slopes part in proportion to h; at a kink
    one of the two fails, and the steps are shortened until the kink is outside, or the rounding of f too large.

    Parameters
    ----------
    function : callable
        () -> float; reads `theta`.
    theta : ndarray of shape (n,), float64
        Changed for each evaluation, and restored.

    Attributes
    ----------
    value : float
        The function at `theta`.
    rounding : float
        How exact the function's values are.
    """

    def __init__(self, function: Callable[[], float], theta: Array):
        self.function, self.theta = function, theta
        self.value = function()
        self.rounding = self._measure_rounding()

    def at(self, entry: int) -> Difference:
        """Return the derivative in one entry of `theta`."""
        for step in STEPS:
            difference = self._by_step(entry, step * max(1.0, abs(self.theta[entry])))
            resolved = step == STEPS[0] or self._share_of_rounding(difference, step) < RESOLVED
            if difference.smooth or not resolved:
                break
        return Difference(difference.slope, difference.floor, difference.smooth and resolved)

    def _by_step(self, entry: int, h: float) -> Difference:
        below, left, right, above = (self._shifted(entry, k * h) for k in (-2, -1, 1, 2))
        near, far = (right - left) / (2 * h), (above - below) / (4 * h)
        bend_near = (right - 2 * self.value + left) / h
        bend_far = (above - 2 * self.value + below) / (2 * h)
        slope, noise = (4 * near - far) / 3, 10 * self.rounding / h
        nonsmooth = max(abs(far - near), abs(bend_far - 2 * bend_near))
        return Difference(slope, noise * FLOOR, nonsmooth <= SMOOTH * abs(slope) + noise)

    def _shifted(self, entry: int, shift: float) -> float:
        here = self.theta[entry]
        self.theta[entry] = here + shift
        value = self.function()
        self.theta[entry] = here
        return value

    def _share_of_rounding(self, difference: Difference, step: float) -> float:
        return self.rounding / step / abs(difference.slope) if difference.slope else math.inf

    def _measure_rounding(self) -> float:
        """Return the standard deviation of the function's error, read off third differences of minute steps."""
        here, direction = self.theta.copy(), np.random.RandomState(0).choice([-1.0, 1.0], self.theta.size)
        values = []
        for k in range(8):
            self.theta[...] = here + k * 1e-11 * direction
            values.append(self.function())
        self.theta[...] = here
        third = np.diff(values, n=3)
        return float(max(np.sqrt(np.mean(third**2) / 20), np.finfo(float).eps * abs(self.value), np.finfo(float).tiny))
