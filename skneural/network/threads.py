"""Whether others train beside this thread."""

from __future__ import annotations

import threading

from joblib.parallel import get_active_backend


def has_company() -> bool:
    """Return whether this is a thread in which joblib runs one of several jobs.

    BLAS is then better left alone: its threads serve one product at a time, and the jobs would wait for one another.
    """
    backend, _ = get_active_backend()
    return bool(backend.nesting_level) and threading.current_thread() is not threading.main_thread()
