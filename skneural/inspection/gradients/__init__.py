"""Gradient checking: the gradient that trains a network against centred differences."""

from skneural.inspection.gradients.gradient_check import check_gradient
from skneural.inspection.gradients.gradient_report import ArrayCheck, GradientError, GradientReport

__all__ = ["ArrayCheck", "GradientError", "GradientReport", "check_gradient"]
