"""How many threads a fit or a prediction may use."""

from __future__ import annotations

import os
import threading
from functools import cache

from joblib import cpu_count
from joblib.parallel import get_active_backend

from skneural.backend import built_extension

# Loaded with the package, not with the first fit: threadpoolctl limits what is loaded when it is called.
_openmp = built_extension("skneural.network.openmp")
_was_forked = False


def max_threads() -> int:
    """Return how many threads the native core may use for a fit that is made by this thread.

    That is what OpenMP allows, and so the environment variable ``OMP_NUM_THREADS``, ``threadpoolctl`` and joblib's
    ``inner_max_num_threads`` decide; without ``OMP_NUM_THREADS``, at most one for each physical core that this process
    may use. It is one where the package was compiled without OpenMP, in threads of joblib's threading backend, and in
    forked processes.

    Returns
    -------
    n_threads : int

    Examples
    --------
    >>> from threadpoolctl import threadpool_limits
    >>> from skneural.network.threads import max_threads
    >>> with threadpool_limits(1):
    ...     max_threads()
    1
    """
    # GNU's OpenMP hangs in a forked process whose parent has used it, be it in another library.
    if _openmp is None or _was_forked or in_joblib_thread():
        return 1
    n_threads = _openmp.max_threads()
    return n_threads if n_threads == 1 or "OMP_NUM_THREADS" in os.environ else min(n_threads, _n_cores())


def in_joblib_thread() -> bool:
    """Return whether this is a thread of joblib's threading backend, which runs jobs side by side.

    Each job then does better with one thread of its own.
    """
    if threading.current_thread() is threading.main_thread():
        return False
    return bool(get_active_backend()[0].nesting_level)


@cache
def _n_cores() -> int:
    """Return the physical cores that this process may use: containers may have fewer than the machine."""
    return cpu_count(only_physical_cores=True)


def _after_fork() -> None:
    global _was_forked
    _was_forked = True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
