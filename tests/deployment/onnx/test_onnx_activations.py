"""Each activation and each link in the real runtime, from the smallest to the largest numbers."""

import numpy as np
import pytest
from scipy.special import ndtr
from sklearn.pipeline import make_pipeline

from skneural import (
    ACTIVATIONS,
    ELU,
    Activation,
    ActivationMLPClassifier,
    ActivationMLPRegressor,
    LeakyReLU,
    Maxout,
    PReLU,
)
from skneural.deployment import to_onnx
from skneural.deployment.onnx.onnx_activations import FORMULAS, LINKS, activation_formula, link_formula
from skneural.losses import LOSSES, SquaredError

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("skl2onnx")
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

WIDE = np.concatenate(
    [np.linspace(-40, 40, 4001), np.geomspace(1e-30, 1e30, 301), -np.geomspace(1e-30, 1e30, 301), [0]]
)
SETTINGS = [
    *ACTIVATIONS.values(),
    ELU(0.3),
    ELU(30.0),
    LeakyReLU(0.3),
    LeakyReLU(1.0),
    PReLU(shared=True),
    Maxout(1),
    Maxout(5),
]


class HardTanh(Activation):
    """A user's own."""

    def forward(self, Z, out=None):
        return np.clip(Z, -1, 1, out=out)

    def backward(self, dA, Z, A, out=None):
        return np.multiply(dA, np.abs(Z) < 1, out=out)


def computed(model, X):
    graph = to_onnx(model, X)
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"X": X})


def fed_directly(activation, dtype):
    """Return a fitted network whose first pre-activations are its features."""
    n_units = 2
    width = n_units * activation.n_pieces
    settings = {"hidden_layer_sizes": (n_units,), "max_iter": 1, "dtype": np.dtype(dtype).name, "random_state": 0}
    network = ActivationMLPRegressor(**settings, activation=activation).fit(np.eye(width), np.arange(width))
    network.coefs_ = [np.eye(width), network.coefs_[1]]
    network.intercepts_ = [np.zeros(width), network.intercepts_[1]]
    return network


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("activation", SETTINGS, ids=str)
def test_each_activation_over_the_whole_range(activation, dtype):
    Z = np.column_stack([np.roll(WIDE, 997 * i) for i in range(2 * activation.n_pieces)]).astype(dtype)
    network = fed_directly(activation, dtype)
    (A,) = computed(make_pipeline(network, "passthrough"), Z)
    assert A.dtype == dtype
    np.testing.assert_allclose(A, network.transform(Z), rtol=8 * np.finfo(dtype).eps, atol=8 * np.finfo(dtype).eps)


def test_gelu_keeps_the_digits_of_small_values_in_float64():
    z = np.linspace(-30, 5, 5001)
    (A,) = computed(make_pipeline(fed_directly(ACTIVATIONS["gelu"], np.float64), "passthrough"), np.c_[z, z])
    np.testing.assert_allclose(A[:, 0], z * ndtr(z), rtol=1e-12)


def test_everything_native_has_a_formula():
    assert {type(activation) for activation in ACTIVATIONS.values()} <= set(FORMULAS)
    assert {type(loss) for loss in LOSSES.values()} <= set(LINKS)


X, y = np.random.default_rng(0).normal(size=(40, 3)), np.arange(40) % 3


def test_a_users_own_activation_is_told_how_to_get_a_formula(monkeypatch):
    model = ActivationMLPClassifier((4,), HardTanh(), max_iter=2).fit(X, y)
    with pytest.raises(ValueError, match=r"FORMULAS\[HardTanh\] = lambda activation, Z: Z.maximum\(-1\).minimum\(1\)"):
        to_onnx(model, X)
    monkeypatch.setitem(FORMULAS, HardTanh, lambda activation, Z: Z.maximum(-1).minimum(1))  # as the message says
    np.testing.assert_allclose(computed(model, X)[1], model.predict_proba(X), atol=1e-12)


def test_a_subclass_does_not_inherit_the_formula():
    class Shifted(ELU):
        def forward(self, Z, out=None):
            return super().forward(Z, out=out) + 1

    with pytest.raises(ValueError, match="Shifted has no formula in ONNX"):
        activation_formula(Shifted())


def test_a_users_own_loss_is_told_how_to_get_a_link():
    class Doubled(SquaredError):
        def predict(self, F):
            return 2 * F

    with pytest.raises(ValueError, match=r"LINKS\[Doubled\] = lambda F: F.exp\(\)"):
        link_formula(Doubled())
