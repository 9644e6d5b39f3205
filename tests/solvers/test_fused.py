"""The fused updates against those in NumPy, which specify them; and whole trainings with both forms."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from skneural import ActivationMLPClassifier, ActivationMLPRegressor, Maxout, PReLU
from skneural.activations import ACTIVATIONS
from skneural.backend import built_extension, use_backend
from skneural.solvers import SGD, SOLVERS

if built_extension("skneural.solvers.fused") is None:
    pytest.skip("the extension modules are not built", allow_module_level=True)

TOLERANCE = {"float64": 1e-10, "float32": 1e-4}
every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])


def trajectory(solver, dtype):
    rng, theta, gradient = np.random.RandomState(0), np.ones(100, dtype), np.empty(100, dtype)
    solver.initialize(theta, gradient)
    for _ in range(20):
        gradient[...] = rng.normal(size=100) * 10.0 ** rng.randint(-6, 6, 100)
        solver.step(0.01)
    return [theta, *solver.get_state()["slots"]]


@pytest.mark.parametrize("make", [*SOLVERS.values(), lambda: SGD(nesterovs_momentum=False)])
@every_dtype
def test_parameters_and_state_are_those_of_numpy(make, dtype):
    with use_backend("numpy"):
        expected = trajectory(make(), dtype)
    for got, wanted in zip(trajectory(make(), dtype), expected, strict=True):
        np.testing.assert_allclose(got, wanted, rtol={"float64": 1e-13, "float32": 1e-4}[dtype], atol=1e-30)


def test_a_subclass_is_a_users_own():
    class Frozen(SGD):
        def update(self, rate, *block):
            pass

    theta = np.ones(3)
    frozen = Frozen()
    frozen.initialize(theta, np.ones(3))
    frozen.step(0.1)
    np.testing.assert_array_equal(theta, 1)


@st.composite
def trainings(draw):
    """A drawn estimator, and data for it."""
    loss = draw(
        st.sampled_from(["classes", "yes or no", "labels", "squared_error", "absolute_error", "huber", "poisson"])
    )
    settings = {
        "hidden_layer_sizes": draw(st.sampled_from([(6,), (7, 5), (20, 3, 9)])),
        "activation": draw(st.sampled_from([*ACTIVATIONS, Maxout(3), PReLU(shared=True)])),
        "solver": draw(st.sampled_from(list(SOLVERS))),
        "batch_norm": draw(st.booleans()),
        "dropout": draw(st.sampled_from([0.0, 0.3])),
        "input_dropout": draw(st.sampled_from([0.0, 0.2])),
        "max_norm": draw(st.sampled_from([None, 1.0])),
        "clip_norm": draw(st.sampled_from([None, 0.5])),
        "l1_ratio": draw(st.sampled_from([0.0, 0.5])),
        "alpha": draw(st.sampled_from([0.0, 0.01])),
        "shuffle": draw(st.booleans()),
    }
    return loss, settings, draw(st.booleans()), draw(st.booleans()), draw(st.sampled_from(list(TOLERANCE)))


def trained(loss, settings, is_sparse, is_weighted, dtype):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(40, 6)).astype(dtype)
    signal = X[:, :2] + X[:, 2:4] ** 2
    y = {"classes": np.digitize(signal[:, 0], [0, 1]), "yes or no": signal[:, 0] > 1, "labels": signal > 1}.get(loss)
    # Steps of size 1e-3, or what SGD needs: small enough for rounding not to grow.
    settings = {"max_iter": 5, "batch_size": 16, "random_state": 0, "learning_rate_init": 1e-3, **settings}
    if y is None:
        y = rng.poisson(np.exp(X[:, 0])) if loss == "poisson" else signal
        model = ActivationMLPRegressor(loss=loss, **settings)
    else:
        model = ActivationMLPClassifier(**settings)
    sample_weight = rng.choice([0.0, 1.0, 2.0], 40) if is_weighted else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(sparse.csr_array(X) if is_sparse else X, y, sample_weight=sample_weight)


@settings(max_examples=150, deadline=None)
@given(trainings())
def test_five_epochs_are_those_of_numpy(training):
    with use_backend("numpy"):
        expected = trained(*training)
    got, tolerance = trained(*training), TOLERANCE[training[-1]]
    assert (expected.backend_, got.backend_) == ("numpy", "native")
    np.testing.assert_allclose(got.parameters_, expected.parameters_, rtol=0, atol=tolerance)
    np.testing.assert_allclose(got.loss_curve_, expected.loss_curve_, rtol=tolerance)


@pytest.mark.parametrize("activation", [*ACTIVATIONS.values(), Maxout(3), PReLU(shared=True)], ids=repr)
@pytest.mark.parametrize("solver", SOLVERS)
def test_every_activation_with_every_solver(activation, solver):
    for loss in ("classes", "labels", "squared_error", "absolute_error", "huber", "poisson"):
        for is_sparse, is_weighted in ((False, False), (True, True)):
            training = loss, {"activation": activation, "solver": solver}, is_sparse, is_weighted, "float64"
            with use_backend("numpy"):
                expected = trained(*training)
            np.testing.assert_allclose(trained(*training).parameters_, expected.parameters_, rtol=0, atol=1e-10)


@every_dtype
def test_lbfgs_goes_the_same_way(dtype):
    settings = {"solver": "lbfgs", "activation": "tanh"}
    with use_backend("numpy"):
        expected = trained("classes", settings, False, True, dtype)
    got = trained("classes", settings, False, True, dtype)
    np.testing.assert_allclose(
        got.parameters_, expected.parameters_, rtol=0, atol={"float64": 1e-8, "float32": 1e-3}[dtype]
    )
