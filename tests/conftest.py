"""One BLAS thread per test process, Ctrl-C that is heard, the same numbers each time, both forms of the core."""

import signal
from importlib.util import find_spec

import numpy as np  # loaded first, so that there are libraries to limit
import pytest
import scipy.linalg  # noqa: F401
from hypothesis import settings
from threadpoolctl import threadpool_limits

from skneural.backend import BACKENDS, EXTENSIONS, built_extension, use_backend

# The same examples in each run, so that what passed passes again; --hypothesis-profile=default draws others.
settings.register_profile("repeatable", derandomize=True)
settings.load_profile("repeatable")

collect_ignore = ["fuzzing/guided.py"]  # a program of its own

# Modules whose examples need a package that an extra brings.
NEEDED = {
    "skneural.deployment.persistence": "skops",
    "skneural.deployment.reproducible_skops": "skops",
    "skneural.deployment.onnx": "onnxruntime",
    "skneural.deployment.onnx.onnx_graph": "onnxruntime",
}


def pytest_configure(config):
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as shells start what runs in the background
        signal.signal(signal.SIGINT, signal.default_int_handler)  # tests interrupt themselves and their children
    if hasattr(config, "workerinput"):  # set by pytest-xdist
        threadpool_limits(1)  # the processes share the cores, and would wait for one another


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.path.name != "test_examples.py")  # the longest first: nobody waits for them then
    for item in items:
        package = NEEDED.get(item.name.rpartition(".")[0])
        if package and find_spec(package) is None:
            item.add_marker(pytest.mark.skip(reason=f"could not import {package!r}"))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup():
    np.random.seed(0)  # what estimators without random_state draw from


@pytest.fixture(params=BACKENDS)
def backend(request):
    """Run the test with each form of the numerical core."""
    if request.param == "native" and not all(built_extension(name) for name in EXTENSIONS):
        pytest.skip("the extension modules are not built")
    with use_backend(request.param):
        yield request.param
