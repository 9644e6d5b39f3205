"""Which numerical core runs: native (fused, compiled) or NumPy (the reference); arrays as compiled code needs them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
from scipy.sparse import issparse

BACKENDS = ("native", "numpy")
EXTENSIONS = ("skneural.network.fused", "skneural.solvers.fused")

_selected: ContextVar[str | None] = ContextVar("skneural_backend", default=None)


@contextmanager
def use_backend(name: str) -> Iterator[None]:
    """Choose the implementation of the numerical core within a ``with`` block, in this thread.

    Outside of such blocks the environment variable ``SKNEURAL_BACKEND`` decides. Without it the native implementation
    runs wherever it was compiled and all parts of a model are the package's own.

    Parameters
    ----------
    name : {"native", "numpy"}
        "numpy" is for comparisons and bug reports; "native" is the default.

    Raises
    ------
    ValueError
        If there is no backend of that name.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skneural import ActivationMLPClassifier, use_backend
    >>> X, y = load_iris(return_X_y=True)
    >>> with use_backend("numpy"):
    ...     model = ActivationMLPClassifier(solver="lbfgs", tol=1e-2, alpha=0.1, random_state=0).fit(X, y)
    >>> model.backend_
    'numpy'
    """
    token = _selected.set(_check_backend_name(name, "name"))
    try:
        yield
    finally:
        _selected.reset(token)


def active_extension(name: str) -> ModuleType | None:
    """Return an extension module of the package; None if NumPy is selected or the module was not built."""
    selected = _selected.get() or _backend_of_environment()
    return built_extension(name) if selected == "native" else None


def _backend_of_environment() -> str:
    # Asked for each prediction: `get` would take some of its time to raise and catch a KeyError.
    name = os.environ["SKNEURAL_BACKEND"] if "SKNEURAL_BACKEND" in os.environ else ""  # noqa: SIM401
    return _check_backend_name(name or "native", "SKNEURAL_BACKEND")


def _check_backend_name(name: str, origin: str) -> str:
    if name not in BACKENDS:
        raise ValueError(f"{origin} must be one of {', '.join(BACKENDS)}. Got {name!r} instead.")
    return name


@cache
def built_extension(name: str) -> ModuleType | None:
    """Return an extension module of the package; None if it was not built."""
    try:
        return import_module(name)
    except ImportError:
        return None


def readable_array(X: Any) -> Any:
    """Return X as compiled code needs it: aligned, in native byte order, the arrays of sparse X contiguous."""
    if issparse(X):
        sparse_parts = [part for part in vars(X).values() if isinstance(part, np.ndarray)]
        is_readable = all(part.flags.aligned and part.flags.c_contiguous for part in sparse_parts)
    else:
        is_readable = X.flags.aligned
    X = X if is_readable else X.copy()
    return X if X.dtype.isnative else X.astype(X.dtype.newbyteorder("="))
