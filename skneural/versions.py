"""What a report of a fault should say of the installation."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import version

from threadpoolctl import threadpool_info

from skneural.backend import EXTENSIONS, built, extension


def show_versions() -> None:
    """Print what a report of a fault should say: versions, the form of the numerical core, BLAS and its threads.

    Examples
    --------
    >>> import skneural
    >>> skneural.show_versions()
    skneural: ...
    """
    for package in ("skneural", "scikit-learn", "numpy", "scipy", "joblib"):
        print(f"{package}: {version(package)}")
    print(f"python: {sys.version.split()[0]} on {platform.platform()}")
    there = all(built(name) for name in EXTENSIONS)
    print(f"native core: {'built' if there else 'not built, for want of a compiler; NumPy does the work, more slowly'}")
    print(f"backend: {'native' if all(extension(name) for name in EXTENSIONS) else 'numpy'}")
    for library in threadpool_info():
        print(
            f"{library['user_api']}: {library['internal_api']} {library['version']}, {library['num_threads']} threads"
        )
