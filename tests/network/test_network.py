"""Prediction's forward pass against one written by hand; how parameters are drawn."""

import numpy as np
import pytest
from scipy import sparse

from skneural.activations import ACTIVATIONS, Activation, Maxout, PReLU, ReLU, Tanh
from skneural.initializers import INITIALIZERS, AutoInitializer, FunctionInitializer
from skneural.network import Layout, Network
from skneural.network.network import PREDICTION_BLOCK_ROWS, matmul

every_activation = pytest.mark.parametrize("activation", [*ACTIVATIONS.values(), Maxout(3)], ids=repr)
every_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def random_network(sizes, activations, dtype=np.float64):
    size = Layout(sizes, activations).size
    return Network(sizes, activations, np.random.RandomState(0).normal(size=size).astype(dtype))


def rows(n_rows, n_features=4, dtype=np.float64):
    return np.random.RandomState(1).normal(size=(n_rows, n_features)).astype(dtype)


def by_hand(network, X):
    A = X
    for i, activation in enumerate(network.activations):
        Z = A @ network.weights[i] + network.biases[i]
        A = (
            activation.forward(Z, network.activation_params[i])
            if network.activation_params[i].size
            else activation.forward(Z)
        )
    return A @ network.weights[-1] + network.biases[-1]


@every_activation
def test_the_raw_output_is_that_of_a_network_written_by_hand(activation):
    network, X = random_network([4, 5, 3, 2], [activation, activation]), rows(7)
    np.testing.assert_allclose(network.raw_output(X), by_hand(network, X), rtol=1e-12)


def test_different_activations_in_different_layers_know_their_place():
    network, X = random_network([4, 5, 3, 2, 2], [PReLU(), Tanh(), Maxout(3)]), rows(7)
    (W1, W2, W3, W4), (b1, b2, b3, b4) = network.weights, network.biases
    Z = X @ W1 + b1
    A = np.where(Z > 0, Z, network.activation_params[0] * Z)
    A = np.tanh(A @ W2 + b2)
    A = (A @ W3 + b3).reshape(len(X), 3, 2).max(axis=1)
    np.testing.assert_allclose(network.raw_output(X), A @ W4 + b4, rtol=1e-12)


def test_without_hidden_layers_it_is_a_linear_model():
    network, X = random_network([4, 3], []), rows(7)
    np.testing.assert_allclose(network.raw_output(X), X @ network.weights[0] + network.biases[0], rtol=1e-13)
    assert list(network.hidden_activations(X)) == []


@pytest.mark.parametrize(
    "n_rows",
    [0, 1, PREDICTION_BLOCK_ROWS - 1, PREDICTION_BLOCK_ROWS, PREDICTION_BLOCK_ROWS + 1, 2 * PREDICTION_BLOCK_ROWS + 3],
)
@pytest.mark.parametrize("convert", [np.asarray, sparse.csr_array])
def test_blocks_leave_no_trace(n_rows, convert):
    network, X = random_network([4, 3, 2], [ReLU()]), rows(n_rows)
    F = network.raw_output(convert(X))
    assert F.shape == (n_rows, 2)
    np.testing.assert_allclose(F, by_hand(network, X), rtol=1e-12, atol=1e-13)


@every_activation
@every_dtype
@pytest.mark.parametrize("convert", [sparse.csr_array, sparse.csr_matrix])
def test_sparse_rows_are_rows(activation, dtype, convert):
    network, X = random_network([4, 3, 2], [activation], dtype), rows(9, dtype=dtype)
    X[X < 0.3] = 0
    F = network.raw_output(convert(X))
    assert F.dtype == dtype
    np.testing.assert_allclose(F, network.raw_output(X), rtol=2e-5, atol=1e-5)


@every_activation
@every_dtype
def test_prediction_changes_nothing(activation, dtype):
    network, X = random_network([4, 3, 2], [activation], dtype), rows(9, dtype=dtype)
    network.parameters.flags.writeable = X.flags.writeable = False
    for view in [*network.weights, *network.biases, *network.activation_params]:
        view.flags.writeable = False
    assert network.raw_output(X).dtype == dtype  # writing to a read-only array raises


@every_activation
def test_hidden_activations_are_those_that_lead_to_the_output(activation):
    network, X = random_network([4, 5, 3, 2], [activation, activation]), rows(7)
    first, second = network.hidden_activations(X)
    assert (first.shape, second.shape) == ((7, 5), (7, 3))
    np.testing.assert_allclose(second @ network.weights[-1] + network.biases[-1], network.raw_output(X), rtol=1e-12)


def test_the_parts_are_views_on_the_vector():
    network = Network.zeros([4, 3, 2], [PReLU()], np.float32)
    assert network.parameters.dtype == np.float32
    assert not network.parameters.any()
    for part in [*network.weights, *network.biases, *network.activation_params]:
        part[...] = 1
    np.testing.assert_array_equal(network.parameters, 1)


def initialized(activations, sizes=(40, 30, 20, 10), bias_init=0.0, weight_init=AutoInitializer, seed=0):
    network = Network.zeros(sizes, activations, np.float64)
    network.initialize(weight_init, bias_init, np.random.RandomState(seed))
    return network


@every_activation
def test_drawn_parameters_are_finite_and_depend_on_the_generator_alone(activation):
    one, same, other = (initialized([activation] * 2, seed=seed).parameters for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, same)
    assert np.isfinite(one).all()
    assert (one != other).any()


@every_activation
def test_each_layer_is_drawn_for_the_activation_behind_it(activation):
    network = initialized([activation, Tanh()])
    bounds = [np.abs(W).max() for W in network.weights]
    expected = [
        AutoInitializer(activation).bias_bound(40, 30),
        AutoInitializer(Tanh()).bias_bound(30, 20),
        AutoInitializer(ACTIVATIONS["identity"]).bias_bound(20, 10),
    ]
    np.testing.assert_allclose(bounds, expected, rtol=0.02)


@pytest.mark.parametrize("bias_init", [0.0, 0.5])
def test_hidden_biases_lie_around_bias_init_and_output_biases_around_zero(bias_init):
    biases = initialized([ReLU(), Tanh()], bias_init=bias_init).biases
    rules = AutoInitializer(ReLU()), AutoInitializer(Tanh()), AutoInitializer(ACTIVATIONS["identity"])
    reaches = [rule.bias_bound(*fans) for rule, fans in zip(rules, [(40, 30), (30, 20), (20, 10)], strict=True)]
    for b, reach, centre in zip(biases, reaches, [bias_init, bias_init, 0], strict=True):
        assert 0.7 * reach < np.abs(b - centre).max() <= reach


@pytest.mark.parametrize("name", sorted(INITIALIZERS))
def test_named_initializers_leave_all_hidden_biases_at_bias_init(name):
    *hidden, output = initialized([ReLU(), Tanh()], bias_init=0.1, weight_init=lambda _: INITIALIZERS[name]).biases
    assert [set(b) for b in hidden] == [{0.1}, {0.1}]
    assert not output.any()


def test_the_pieces_of_a_maxout_unit_are_drawn_one_by_one_with_the_units_fan():
    fans = []

    def record(fan_in, fan_out, rng):
        fans.append((fan_in, fan_out))
        return np.full((fan_in, fan_out), float(len(fans)))

    network = initialized([Maxout(2)], (4, 3, 2), weight_init=lambda _: FunctionInitializer(record))
    assert fans == [(4, 3), (4, 3), (3, 2)]
    np.testing.assert_array_equal(network.weights[0], [[1, 1, 1, 2, 2, 2]] * 4)


@pytest.mark.parametrize("shared", [False, True])
def test_learned_slopes_start_where_they_are_told(shared):
    network = initialized([PReLU(0.1, shared), PReLU(0.3, shared)])
    assert [set(slopes) for slopes in network.activation_params] == [{0.1}, {0.3}]


class HardTanh(Activation):
    def forward(self, Z, out=None):
        return np.clip(Z, -1, 1)

    def backward(self, dA, Z, A, out=None):
        return dA * (np.abs(Z) < 1)


def test_a_users_own_activation():
    network, X = random_network([4, 5, 2], [HardTanh()]), rows(7)
    A = np.clip(X @ network.weights[0] + network.biases[0], -1, 1)
    np.testing.assert_allclose(network.raw_output(X), A @ network.weights[1] + network.biases[1], rtol=1e-12)
    assert np.isfinite(initialized([HardTanh()], (4, 3, 2)).parameters).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("convert", [np.asarray, np.asfortranarray, lambda A: A[::-1], sparse.csr_array])
@pytest.mark.parametrize("shape", [(1, 1, 1), (7, 300, 33), (3000, 70, 50)])
def test_products_of_rows_and_weights(dtype, convert, shape, backend):
    n, k, m = shape
    rng = np.random.RandomState(0)
    A, W = convert(rng.normal(size=(n, k)).astype(dtype)), rng.normal(size=(k, m)).astype(dtype)
    product = matmul(A, W)
    assert product.dtype == dtype
    np.testing.assert_allclose(product, A @ W, rtol=0, atol=1e-12 if dtype == "float64" else 1e-4)


@every_activation
@every_dtype
@pytest.mark.parametrize("batch_norm", [False, True])
def test_the_callers_floating_point_errors_are_not_raised_and_stay_as_set(activation, dtype, batch_norm, backend):
    network = Network.zeros([4, 3, 2], [activation], dtype, batch_norm)
    network.parameters[...] = np.random.RandomState(0).normal(size=network.parameters.size) ** 2
    signs = np.array([[1, -1, 0, 1], [-1, -1, -1, -1]], dtype)
    for X in (1e-37 * signs, signs, 1e37 * signs):
        with np.errstate(all="ignore"):
            expected = network.raw_output(X), network.features(X, 0)
        with np.errstate(all="raise"):
            np.testing.assert_array_equal(network.raw_output(X), expected[0])
            np.testing.assert_array_equal(network.features(X, 0), expected[1])
            assert set(np.geterr().values()) == {"raise"}
