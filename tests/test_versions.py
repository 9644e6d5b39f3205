"""What a report of a fault says of the installation."""

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

import skneural
from skneural.backend import EXTENSIONS, built_extension

BUILT = all(built_extension(name) for name in EXTENSIONS)


def test_the_report_names_versions_backend_and_blas(capsys):
    skneural.show_versions()
    lines = dict(line.split(": ", 1) for line in capsys.readouterr().out.splitlines())
    assert lines["skneural"] == skneural.__version__
    assert lines["numpy"] == np.__version__
    assert lines["native core"].startswith("built" if BUILT else "not built")
    assert lines["backend"] == ("native" if BUILT else "numpy")
    assert "threads" in lines["blas"]


@pytest.mark.skipif(built_extension("skneural.network.openmp") is None, reason="built without OpenMP")
def test_the_report_says_how_many_threads_a_fit_may_use(capsys):
    with threadpool_limits(1):
        skneural.show_versions()
    assert "threads of a fit: 1\n" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["numpy", "native"])
def test_the_report_follows_the_choice(name, capsys):
    with skneural.use_backend(name):
        skneural.show_versions()
    expected = name if BUILT else "numpy"
    assert f"backend: {expected}" in capsys.readouterr().out
