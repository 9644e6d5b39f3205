"""One BLAS thread per test process, and both forms of the numerical core for the tests that ask for them."""

import numpy  # noqa: F401  loaded first, so that there are libraries to limit
import pytest
import scipy.linalg  # noqa: F401
from threadpoolctl import threadpool_limits

from skneural.backend import BACKENDS, EXTENSIONS, built, use_backend


def pytest_configure(config):
    if hasattr(config, "workerinput"):  # set by pytest-xdist
        threadpool_limits(1)  # the processes share the cores, and would wait for one another


@pytest.fixture(params=BACKENDS)
def backend(request):
    """Run the test with each form of the numerical core."""
    if request.param == "native" and not all(built(name) for name in EXTENSIONS):
        pytest.skip("the extension modules are not built")
    with use_backend(request.param):
        yield request.param
