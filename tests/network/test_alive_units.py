"""Which units live: against brute force."""

import numpy as np
import pytest
from scipy import sparse

from skneural.activations import ACTIVATIONS, Activation, Maxout, PReLU
from skneural.network import Network
from skneural.network.alive_units import alive_units, local_gradient, zero_threshold


def network(activations, dtype=np.float64, seed=0, n_units=6):
    sizes = [4, *[n_units] * len(activations), 2]
    made = Network.zeros(sizes, activations, dtype)
    made.parameters[...] = np.random.RandomState(seed).normal(size=made.parameters.size)
    return made


def rows(n_rows=50, dtype=np.float64):
    return np.random.RandomState(1).normal(size=(n_rows, 4)).astype(dtype)


class ReLU6(Activation):
    """A user's own: off on the left, saturated on the right."""

    def forward(self, Z, out=None):
        return np.clip(Z, 0, 6, out=out)

    def backward(self, dA, Z, A, out=None):
        return np.multiply(dA, (Z > 0) & (Z < 6), out=out)


@pytest.mark.parametrize("activation", [*ACTIVATIONS.values(), PReLU(shared=True), Maxout(3), ReLU6()], ids=repr)
def test_the_local_gradient_is_that_of_differences(activation):
    made = network([activation])
    Z, A = next(made.iter_layers(rows()))
    activation_params = [made.activation_params[0]] if made.activation_params[0].size else []
    ahead, behind = (activation.forward(Z + step, *activation_params) for step in (1e-6, -1e-6))
    np.testing.assert_allclose(local_gradient(made, 0, Z, A), np.abs(ahead - behind) / 2e-6, atol=1e-6)


def mostly_dead(network, X):
    """Return how many units are dead in the layers of which most are."""
    seen = alive_units(network, X, min_fraction=0.5)
    return {i: int((~units).sum()) for i, units in enumerate(seen) if units.mean() < 0.5}


@pytest.mark.parametrize("n_dead", [0, 2, 3, 4, 6])
@pytest.mark.parametrize("layer", [0, 1])
@pytest.mark.parametrize("activation", [ACTIVATIONS["relu"], ReLU6(), ACTIVATIONS["gelu"], ACTIVATIONS["softplus"]])
def test_a_layer_is_named_if_more_than_half_of_it_is_dead(activation, layer, n_dead):
    made = network([ACTIVATIONS["tanh"]] * 2)
    made.activations[layer] = activation
    made.biases[layer][...] = 0
    made.biases[layer][:n_dead] = -1000
    assert mostly_dead(made, rows()) == ({layer: n_dead} if n_dead > 3 else {})


@pytest.mark.parametrize("name", ["logistic", "tanh", "leaky_relu", "prelu", "maxout", "identity", "elu"])
def test_what_saturates_or_leaks_is_not_dead(name):
    made = network([ACTIVATIONS[name]])
    made.biases[0][...] = -50
    assert mostly_dead(made, rows()) == {}


def test_units_that_are_always_zero_but_open_to_the_gradient_are_not_dead():
    for name, expected in [("tanh", {}), ("identity", {}), ("relu", {0: 6})]:
        assert mostly_dead(Network.zeros([4, 6, 2], [ACTIVATIONS[name]], np.float64), rows()) == expected


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("convert", [np.asarray, sparse.csr_array])
def test_one_row_that_activates_a_unit_is_found_wherever_it_is(dtype, convert):
    made = Network.zeros([4, 3, 2], [ACTIVATIONS["relu"]], dtype)
    made.weights[0][0] = 1
    for place in (0, 255, 256, 700, 999):
        X = np.zeros((1000, 4), dtype)
        X[place, 0] = 1
        assert mostly_dead(made, convert(X)) == {}
    assert mostly_dead(made, convert(np.zeros((1000, 4), dtype))) == {0: 3}


def test_no_more_rows_are_looked_at_than_needed(monkeypatch):
    seen = []
    made = network([ACTIVATIONS["relu"]])
    iter_layers = made.iter_layers
    monkeypatch.setattr(made, "iter_layers", lambda X: seen.append(len(X)) or iter_layers(X))
    X = np.broadcast_to(rows(1), (100_000, 4))
    mostly_dead(made, rows(100_000))
    assert seen == [64]
    seen.clear()
    made.biases[0][...] = -1000
    assert mostly_dead(made, X) == {0: 6}
    assert seen == [64] + [256] * 64


def test_all_units_are_looked_for_if_asked():
    made = network([ACTIVATIONS["relu"]] * 2)
    made.biases[1][...] = 0
    made.biases[1][:2] = -1000
    X = rows(3000)
    expected = [(A > 0).any(axis=0) for A in made.hidden_activations(X)]
    for seen, brute in zip(alive_units(made, X), expected, strict=True):
        np.testing.assert_array_equal(seen, brute)


def test_no_hidden_layer_and_one_row():
    assert mostly_dead(network([]), rows(1)) == {}
    assert mostly_dead(network([ACTIVATIONS["tanh"]]), rows(1)) == {}


def test_what_counts_as_nothing():
    assert {zero_threshold(ACTIVATIONS[name]) for name in ("relu", "gelu", "elu", "prelu", "identity", "maxout")} == {
        1e-6
    }
    assert zero_threshold(ReLU6()) == 0
    assert zero_threshold(ACTIVATIONS["logistic"]) == zero_threshold(ACTIVATIONS["tanh"]) == -1


def test_a_logistic_unit_is_not_even_dead_where_it_underflows():
    made = network([ACTIVATIONS["logistic"]], np.float32)
    made.biases[0][...] = -10_000
    assert not next(made.hidden_activations(rows(dtype=np.float32))).any()
    assert mostly_dead(made, rows(dtype=np.float32)) == {}
