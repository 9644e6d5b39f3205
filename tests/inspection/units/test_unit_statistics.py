"""Counts of what hidden units do, against counts by hand."""

import numpy as np
import pytest
from scipy import sparse

from skneural.activations import ACTIVATIONS, ELU, Activation, LeakyReLU, Maxout
from skneural.inspection.units.unit_statistics import is_rectifier, max_local_gradient, unit_statistics
from skneural.network import Network

SEED = np.random.RandomState(0)
X = SEED.normal(size=(5000, 4))


class HardTanh(Activation):
    def forward(self, Z, out=None):
        return np.clip(Z, -1, 1, out=out)

    def backward(self, dA, Z, A, out=None):
        return np.multiply(dA, np.abs(Z) < 1, out=out)


def network(activation, biases, dtype=np.float64):
    """Return one hidden layer whose pre-activations are standard normal around its biases."""
    n_units = len(biases)
    made = Network.zeros([4, n_units, 1], [activation], dtype)
    made.weights[0][...] = np.tile(np.eye(4)[:, :1], activation.n_pieces * n_units)
    made.biases[0][...] = np.tile(biases, activation.n_pieces)
    made.activation_params[0][...] = activation.init_params(n_units)
    return made


def statistics_of(activation, biases, rows=X):
    return unit_statistics(network(activation, biases, rows.dtype), rows)[0]


FAR = [-100, -1, 0, 1, 100]
UNITS = {  # dead, always on, saturated
    "relu": ([0], [4], []),
    "leaky_relu": ([], [4], []),
    "prelu": ([], [4], []),
    "elu": ([], [4], [0]),
    "selu": ([], [4], [0]),
    "gelu": ([0], [4], []),
    "silu": ([0], [4], []),
    "softplus": ([0], [4], []),
    "mish": ([0], [4], []),
    "tanh": ([], [], [0, 4]),
    "logistic": ([], [], [0, 4]),
    "identity": ([], [], []),
    "maxout": ([], [], []),
    "hard tanh": ([], [], [0, 4]),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", UNITS)
def test_dead_always_on_and_saturated_units(name, dtype):
    found = statistics_of(HardTanh() if name == "hard tanh" else ACTIVATIONS[name], FAR, X.astype(dtype))
    assert (found.dead_units.tolist(), found.always_on_units.tolist(), found.saturated_units.tolist()) == UNITS[name]


def test_saturation_by_hand():
    found = statistics_of(ACTIVATIONS["tanh"], [0.0, 2.0, 3.0])
    Z = X[:, :1] + np.array([0.0, 2.0, 3.0])
    np.testing.assert_array_equal(found.n_saturated, (1 - np.tanh(Z) ** 2 < 0.01).sum(axis=0))
    assert 0 < found.n_saturated[0] < found.n_saturated[1] < found.n_saturated[2]
    assert found.saturated_units.tolist() == []
    assert statistics_of(ACTIVATIONS["tanh"], [0.0, 2.0, 5.0]).saturated_units.tolist() == [2]
    assert statistics_of(ACTIVATIONS["logistic"], [-1e5, 0.0, 1e5]).saturated_units.tolist() == [0, 2]


@pytest.mark.parametrize("name", ["relu", "gelu"])
def test_only_what_is_active_is_saturated(name):
    found = statistics_of(ACTIVATIONS[name], [-12.0])
    assert (np.abs(ACTIVATIONS[name].forward(X[:, :1] - 12)) <= 1e-6).all()  # nor has it a gradient
    assert found.n_saturated == [0]


def test_sums_over_blocks_are_those_of_all_rows():
    found = statistics_of(ELU(), [-1.0, 0.0, 1.0])
    A = ELU().forward(X[:, :1] + np.array([-1.0, 0.0, 1.0]))
    np.testing.assert_allclose(found.sum, A.sum(axis=0))
    np.testing.assert_allclose(found.sum_of_squares, (A**2).sum(axis=0))
    assert found.n_rows == 5000


def test_counts_of_pieces():
    made = network(Maxout(3), [0.0, 0.0])
    made.weights[0][...] = np.random.RandomState(1).normal(size=(4, 6))
    made.biases[0][4:] = [-100, 0]  # the third piece of the first unit is never the largest
    found = unit_statistics(made, X)[0]
    Z = (X @ made.weights[0] + made.biases[0]).reshape(-1, 3, 2)
    expected = [[(Z[:, :, unit].argmax(axis=1) == piece).sum() for unit in range(2)] for piece in range(3)]
    np.testing.assert_array_equal(found.piece_counts, expected)
    assert found.piece_counts[2, 0] == 0
    np.testing.assert_array_equal(found.piece_counts.sum(axis=0), 5000)


@pytest.mark.parametrize("convert", [np.asarray, sparse.csr_array, sparse.csr_matrix])
def test_rows_of_one_sign(convert):
    rows = np.array([[1.0, 2, 0, 3], [0, 0, 0, 0], [-1, 0, 0, -2], [1, -1, 0, 0], [0, 0, 5, 0]])
    layers = unit_statistics(
        Network.zeros([4, 3, 2, 1], [ACTIVATIONS["logistic"], ACTIVATIONS["tanh"]], float), convert(rows)
    )
    assert [layer.n_one_sign for layer in layers] == [3, 5]


def test_batch_normalisation_counts_as_in_prediction():
    made = Network.zeros([4, 2, 1], [ACTIVATIONS["relu"]], float, batch_norm=True)
    made.weights[0][0] = 1
    made.views.scales[0][...] = 1
    made.views.running_variances[0][...] = 1
    made.views.running_means[0][...] = [0, 100]
    assert unit_statistics(made, X)[0].dead_units.tolist() == [1]


def test_properties_of_activations_that_the_counts_use():
    rectifiers = [name for name, each in ACTIVATIONS.items() if is_rectifier(each)]
    assert rectifiers == ["relu", "leaky_relu", "prelu", "elu", "selu", "gelu", "silu", "swish", "softplus", "mish"]
    assert not is_rectifier(LeakyReLU(1.0))
    assert max_local_gradient(ACTIVATIONS["logistic"]) == pytest.approx(0.25)
    assert max_local_gradient(Maxout(3)) == max_local_gradient(ACTIVATIONS["tanh"]) == 1
