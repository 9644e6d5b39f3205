"""The version of the package, ``__version__``, which is written nowhere else."""

__version__ = "0.1.0"
