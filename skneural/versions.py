"""``show_versions``: versions and libraries of the installation, for bug reports."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import version

from threadpoolctl import threadpool_info

from skneural.backend import EXTENSIONS, active_extension, built_extension
from skneural.network.threads import max_threads


def show_versions() -> None:
    """Print what a bug report should say: versions, backend of the numerical core, its threads, BLAS and its threads.

    Examples
    --------
    >>> import skneural
    >>> skneural.show_versions()
    skneural: ...
    """
    for package in ("skneural", "scikit-learn", "numpy", "scipy", "joblib"):
        print(f"{package}: {version(package)}")
    print(f"python: {sys.version.split()[0]} on {platform.platform()}")
    built = all(built_extension(name) for name in EXTENSIONS)
    print(f"native core: {'built' if built else 'not built, as there was no C compiler; NumPy is used, more slowly'}")
    print(f"backend: {'native' if all(active_extension(name) for name in EXTENSIONS) else 'numpy'}")
    openmp = built_extension("skneural.network.openmp")
    print(f"threads of a fit: {max_threads() if openmp else '1, as the native core was built without OpenMP'}")
    for library in threadpool_info():
        print(
            f"{library['user_api']}: {library['internal_api']} {library['version']}, {library['num_threads']} threads"
        )
