"""Comparison of activations on the same data: score, time, dead and saturated units."""

from skneural.inspection.comparison.activation_comparison import ActivationComparison, Candidate, compare_activations

__all__ = ["ActivationComparison", "Candidate", "compare_activations"]
