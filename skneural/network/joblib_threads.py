"""Whether this thread is one of several jobs that joblib runs in threads."""

from __future__ import annotations

import threading

from joblib.parallel import get_active_backend


def in_joblib_thread() -> bool:
    """Return whether this is a thread of joblib's threading backend, which runs jobs side by side.

    Jobs then do better without BLAS: its threads serve one product at a time, and the jobs would wait for one another.
    """
    if threading.current_thread() is threading.main_thread():
        return False
    backend, _ = get_active_backend()
    return bool(backend.nesting_level)
