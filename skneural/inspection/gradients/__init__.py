"""Gradient checking: analytic gradients against centred differences."""

from skneural.inspection.gradients.check import check_gradient
from skneural.inspection.gradients.report import ArrayCheck, GradientError, GradientReport

__all__ = ["ArrayCheck", "GradientError", "GradientReport", "check_gradient"]
