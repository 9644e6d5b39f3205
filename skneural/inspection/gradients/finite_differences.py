"""Finite differences: the derivative of a function from its values alone, and whether there is a kink."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

DIFFERENCE_STEPS = [10.0**-k for k in range(4, 13)]
SMOOTH_TOLERANCE = 2e-7  # relative; rounding and curvature may make two differences of a smooth function differ so much
MAX_RELATIVE_ROUNDING = 1e-5  # of a difference by a shorter step; with more rounding, no kink can be told
FLOOR_FACTOR = 3e6  # times the rounding error of a difference; then rounding causes relative errors below 1e-7


@dataclass(frozen=True)
class Derivative:
    """The estimated derivative of a function in one variable.

    Parameters
    ----------
    value : float
        The derivative.
    floor : float
        A derivative far below this value cannot be told from the rounding error of the function.
    is_smooth : bool
        False if the function has a kink within the step; `value` is then meaningless.
    """

    value: float
    floor: float
    is_smooth: bool


class FiniteDifferences:
    """Derivatives of a function, computed from its values alone.

    Let f₋₂ … f₂ be the values at θ - 2h … θ + 2h, and D(h) = (f₁ - f₋₁) / 2h. The derivative is the Richardson
    extrapolation (4 D(h) - D(2h)) / 3.

    Where f is smooth, D(h) ≈ D(2h), and the difference between the right and the left one-sided slope is proportional
    to h. At a kink, one of these two fails. The step is then shortened until the kink is outside of it, or until the
    rounding error of f is too large to tell.

    Parameters
    ----------
    function : callable
        Takes no argument, reads `theta`, and returns a float.
    theta : ndarray of shape (n,), float64
        Changed for each evaluation and restored afterwards.

    Attributes
    ----------
    function_value : float
        The function at `theta`.
    rounding_error : float
        Standard deviation of the rounding error of the function.
    """

    def __init__(self, function: Callable[[], float], theta: Array):
        self.function, self.theta = function, theta
        self.function_value = function()
        self.rounding_error = self._estimate_rounding_error()

    def derivative(self, entry: int) -> Derivative:
        """Return the derivative with respect to one entry of `theta`."""
        for step in DIFFERENCE_STEPS:
            estimate = self._estimate(entry, step * max(1.0, abs(self.theta[entry])))
            is_resolved = step == DIFFERENCE_STEPS[0] or self._relative_rounding(estimate, step) < MAX_RELATIVE_ROUNDING
            if estimate.is_smooth or not is_resolved:
                break
        return Derivative(estimate.value, estimate.floor, estimate.is_smooth and is_resolved)

    def _estimate(self, entry: int, h: float) -> Derivative:
        f_minus2, f_minus1, f_plus1, f_plus2 = (self._value_at_shift(entry, k * h) for k in (-2, -1, 1, 2))
        difference_h, difference_2h = (f_plus1 - f_minus1) / (2 * h), (f_plus2 - f_minus2) / (4 * h)
        value, rounding = (4 * difference_h - difference_2h) / 3, 10 * self.rounding_error / h
        # Right minus left one-sided slope: proportional to h, so that the second is twice the first.
        slope_change_h = (f_plus1 - 2 * self.function_value + f_minus1) / h
        slope_change_2h = (f_plus2 - 2 * self.function_value + f_minus2) / (2 * h)
        nonsmooth = max(abs(difference_2h - difference_h), abs(slope_change_2h - 2 * slope_change_h))
        return Derivative(value, FLOOR_FACTOR * rounding, nonsmooth <= SMOOTH_TOLERANCE * abs(value) + rounding)

    def _value_at_shift(self, entry: int, shift: float) -> float:
        original = self.theta[entry]
        self.theta[entry] = original + shift
        value = self.function()
        self.theta[entry] = original
        return value

    def _value_at(self, theta: Array) -> float:
        self.theta[...] = theta
        return self.function()

    def _relative_rounding(self, estimate: Derivative, step: float) -> float:
        return self.rounding_error / step / abs(estimate.value) if estimate.value else math.inf

    def _estimate_rounding_error(self) -> float:
        """Return the standard deviation of the rounding error, estimated from third differences of tiny steps."""
        original, direction = self.theta.copy(), np.random.RandomState(0).choice([-1.0, 1.0], self.theta.size)
        values = [self._value_at(original + k * 1e-11 * direction) for k in range(8)]
        self.theta[...] = original
        third_differences = np.diff(values, n=3)  # of independent errors with variance v: variance 20 v
        smallest_error = max(np.finfo(float).eps * abs(self.function_value), np.finfo(float).tiny)
        return float(max(np.sqrt(np.mean(third_differences**2) / 20), smallest_error))
