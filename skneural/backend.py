"""Which form of the numerical core works: the native one, fused and compiled, or NumPy's, which specifies it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib import import_module
from types import ModuleType

BACKENDS = ("native", "numpy")
EXTENSIONS = ("skneural.network.fused", "skneural.solvers.fused")

_chosen: ContextVar[str | None] = ContextVar("skneural_backend", default=None)


@contextmanager
def use_backend(name: str) -> Iterator[None]:
    """Choose the form of the numerical core within a ``with`` block, in this thread.

    Outside of such blocks the environment variable ``SKNEURAL_BACKEND`` decides, and without it the native form works
    wherever it is installed and all parts of a model are the package's own.

    Parameters
    ----------
    name : {"native", "numpy"}
        "numpy" is for comparisons and reports of faults. "native" is what happens anyway.

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
    ...     model = ActivationMLPClassifier((8,), learning_rate_init=0.1, random_state=0).fit(X, y)
    >>> model.backend_
    'numpy'
    """
    token = _chosen.set(_checked(name, "name"))
    try:
        yield
    finally:
        _chosen.reset(token)


def extension(name: str) -> ModuleType | None:
    """Return an extension module of the package; None if it is not wanted now or was not built."""
    wanted = _chosen.get() or _checked(os.environ.get("SKNEURAL_BACKEND") or "native", "SKNEURAL_BACKEND")
    return built(name) if wanted == "native" else None


def _checked(name: str, origin: str) -> str:
    if name not in BACKENDS:
        raise ValueError(f"{origin} must be one of {', '.join(BACKENDS)}. Got {name!r} instead.")
    return name


@cache
def built(name: str) -> ModuleType | None:
    """Return an extension module of the package; None if it was not built."""
    try:
        return import_module(name)
    except ImportError:
        return None
