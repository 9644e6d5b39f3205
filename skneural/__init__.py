"""Neural networks for scikit-learn: activations from sigmoid to Maxout, searchable, with honest preprocessing."""

__version__ = "0.1.0"
