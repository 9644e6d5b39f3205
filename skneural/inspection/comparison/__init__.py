"""Activations compared on the same data: score, epochs, seconds, dead units."""

from skneural.inspection.comparison.comparison import ActivationComparison, Candidate, compare_activations

__all__ = ["ActivationComparison", "Candidate", "compare_activations"]
