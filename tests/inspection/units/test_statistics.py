"""Counts of what hidden units do, against counts by hand."""

import numpy as np
import pytest
from scipy import sparse

from skneural.activations import ACTIVATIONS, ELU, Activation, LeakyReLU, Maxout
from skneural.inspection.units.statistics import has_two_sides, largest_gradient, unit_statistics
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


def counted(activation, biases, rows=X):
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
    found = counted(HardTanh() if name == "hard tanh" else ACTIVATIONS[name], FAR, X.astype(dtype))
    assert (found.dead.tolist(), found.always_on.tolist(), found.saturated.tolist()) == UNITS[name]


def test_saturation_by_hand():
    found = counted(ACTIVATIONS["tanh"], [0.0, 2.0, 3.0])
    Z = X[:, :1] + np.array([0.0, 2.0, 3.0])
    np.testing.assert_array_equal(found.n_saturated, (1 - np.tanh(Z) ** 2 < 0.01).sum(axis=0))
    assert 0 < found.n_saturated[0] < found.n_saturated[1] < found.n_saturated[2]
    assert found.saturated.tolist() == []
    assert counted(ACTIVATIONS["tanh"], [0.0, 2.0, 5.0]).saturated.tolist() == [2]
    assert counted(ACTIVATIONS["logistic"], [-1e5, 0.0, 1e5]).saturated.tolist() == [0, 2]


@pytest.mark.parametrize("name", ["relu", "gelu"])
def test_only_what_is_active_is_saturated(name):
    found = counted(ACTIVATIONS[name], [-12.0])
    assert (np.abs(ACTIVATIONS[name].forward(X[:, :1] - 12)) <= 1e-6).all()  # nor has it a gradient
    assert found.n_saturated == [0]


def test_sums_over_blocks_are_those_of_all_rows():
    found = counted(ELU(), [-1.0, 0.0, 1.0])
    A = ELU().forward(X[:, :1] + np.array([-1.0, 0.0, 1.0]))
    np.testing.assert_allclose(found.sum, A.sum(axis=0))
    np.testing.assert_allclose(found.squares, (A**2).sum(axis=0))
    assert found.n_rows == 5000


def test_wins_of_pieces():
    made = network(Maxout(3), [0.0, 0.0])
    made.weights[0][...] = np.random.RandomState(1).normal(size=(4, 6))
    made.biases[0][4:] = [-100, 0]  # the third piece of the first unit never wins
    found = unit_statistics(made, X)[0]
    Z = (X @ made.weights[0] + made.biases[0]).reshape(-1, 3, 2)
    expected = [[(Z[:, :, unit].argmax(axis=1) == piece).sum() for unit in range(2)] for piece in range(3)]
    np.testing.assert_array_equal(found.wins, expected)
    assert found.wins[2, 0] == 0
    np.testing.assert_array_equal(found.wins.sum(axis=0), 5000)


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
    assert unit_statistics(made, X)[0].dead.tolist() == [1]


def test_facts_that_the_counts_rest_on():
    sided = [name for name, each in ACTIVATIONS.items() if has_two_sides(each)]
    assert sided == ["relu", "leaky_relu", "prelu", "elu", "selu", "gelu", "silu", "swish", "softplus", "mish"]
    assert not has_two_sides(LeakyReLU(1.0))
    assert largest_gradient(ACTIVATIONS["logistic"]) == pytest.approx(0.25)
    assert largest_gradient(Maxout(3)) == largest_gradient(ACTIVATIONS["tanh"]) == 1
