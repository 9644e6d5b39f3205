"""One BLAS thread per test process: the processes share the cores, and would wait for one another."""

import numpy  # noqa: F401  loaded first, so that there are libraries to limit
import scipy.linalg  # noqa: F401
from threadpoolctl import threadpool_limits


def pytest_configure(config):
    if hasattr(config, "workerinput"):  # set by pytest-xdist
        threadpool_limits(1)
