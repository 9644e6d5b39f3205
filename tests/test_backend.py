"""Which form of the numerical core works, and who decides."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from sklearn.datasets import load_iris

from skneural import ActivationMLPClassifier, ReLU, Tanh, use_backend
from skneural.backend import EXTENSIONS, active_extension, built_extension

X, Y = load_iris(return_X_y=True)
NATIVE = "native" if all(built_extension(name) for name in EXTENSIONS) else "numpy"


class OwnReLU(ReLU):
    """A user's own: a subclass may compute anything."""


def backend_of(**parameters):
    return ActivationMLPClassifier((20,), max_iter=300, tol=1e-2, random_state=0, **parameters).fit(X, Y).backend_


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_the_native_form_works_by_itself(solver):
    assert backend_of(solver=solver) == NATIVE


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_a_part_of_the_users_own_falls_back(solver):
    assert backend_of(solver=solver, activation=OwnReLU()) == "numpy"


def test_a_choice_holds_within_its_block_and_its_thread():
    with ThreadPoolExecutor(1) as pool, use_backend("numpy"):
        assert backend_of() == "numpy"
        assert pool.submit(backend_of).result() == NATIVE
        with use_backend("native"):
            assert backend_of() == NATIVE
        assert backend_of() == "numpy"
    assert backend_of() == NATIVE


def test_a_choice_ends_with_an_error():
    with pytest.raises(ZeroDivisionError), use_backend("numpy"):
        1 / 0  # noqa: B018
    assert backend_of() == NATIVE


def test_both_forms_predict_the_same():
    model = ActivationMLPClassifier((5, 4), activation=["prelu", Tanh()], max_iter=500, tol=1e-2, random_state=0).fit(
        X, Y
    )
    with use_backend("numpy"):
        expected = model.predict_proba(X)
    np.testing.assert_allclose(model.predict_proba(X), expected, rtol=1e-12)


@pytest.mark.parametrize("chosen", ["numpy", "native", ""])
def test_the_environment_decides_elsewhere(chosen):
    code = (
        "from skneural.backend import active_extension; print(active_extension('skneural.network.fused') is not None)"
    )
    environment = {**os.environ, "SKNEURAL_BACKEND": chosen}
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == str(chosen != "numpy" and NATIVE == "native")


def test_an_unknown_backend_is_an_error(monkeypatch):
    with pytest.raises(ValueError, match=r"name must be one of native, numpy. Got 'cuda'"), use_backend("cuda"):
        pass
    monkeypatch.setenv("SKNEURAL_BACKEND", "fast")
    with pytest.raises(ValueError, match=r"SKNEURAL_BACKEND must be one of native, numpy. Got 'fast'"):
        active_extension(EXTENSIONS[0])
