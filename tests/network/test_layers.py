"""The layers as training sees them: formulas, reused memory, sparse input."""

import numpy as np
import pytest
from scipy import sparse

from skneural.activations import ACTIVATIONS, Activation
from skneural.network.layers import ActivationLayer, AffineLayer

every_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])
TOLERANCE = {np.float32: 1e-5, np.float64: 1e-12}


def affine(dtype, n_rows=8):
    rng = np.random.RandomState(0)
    W, b = rng.normal(size=(4, 3)).astype(dtype), rng.normal(size=3).astype(dtype)
    return AffineLayer(W, b, np.full_like(W, np.nan), np.full_like(b, np.nan), n_rows)


def rows(n_rows, dtype, n_columns=4, seed=1):
    return np.random.RandomState(seed).normal(size=(n_rows, n_columns)).astype(dtype)


@every_dtype
@pytest.mark.parametrize("convert", [np.asarray, np.asfortranarray, sparse.csr_array, sparse.csr_matrix])
@pytest.mark.parametrize("n_rows", [8, 5, 1])
def test_affine(dtype, convert, n_rows):
    layer, X, dZ = affine(dtype), rows(n_rows, dtype), rows(n_rows, dtype, 3, seed=2)
    Z = layer.forward(convert(X))
    layer.parameter_gradients(dZ)
    dX = layer.input_gradient(dZ)
    close = {"rtol": TOLERANCE[dtype], "atol": TOLERANCE[dtype]}
    np.testing.assert_allclose(Z, [x @ layer.W + layer.b for x in X], **close)
    np.testing.assert_allclose(layer.dW, sum(np.outer(x, dz) for x, dz in zip(X, dZ, strict=True)), **close)
    np.testing.assert_allclose(layer.db, sum(dZ), **close)
    np.testing.assert_allclose(dX, [layer.W @ dz for dz in dZ], **close)
    assert (Z.dtype, dX.dtype) == (dtype, dtype)


def test_a_long_pass_after_a_short_one_and_back():
    layer = affine(np.float64)
    for n_rows in (2, 8, 1, 8):
        X, dZ = rows(n_rows, np.float64, seed=n_rows), rows(n_rows, np.float64, 3)
        np.testing.assert_allclose(layer.forward(X), X @ layer.W + layer.b)
        np.testing.assert_allclose(layer.input_gradient(dZ), dZ @ layer.W.T)


def test_affine_leaves_its_input_alone():
    layer, X, dZ = affine(np.float64), rows(8, np.float64), rows(8, np.float64, 3)
    X.flags.writeable = dZ.flags.writeable = False
    layer.forward(X)
    layer.parameter_gradients(dZ)  # writing to a read-only array raises
    layer.input_gradient(dZ)


def activate(activation, dtype, n_units=3, n_rows=8):
    activation_params = activation.init_params(n_units).astype(dtype)
    return ActivationLayer(activation, activation_params, np.full_like(activation_params, np.nan), n_rows, n_units)


@every_dtype
@pytest.mark.parametrize("activation", ACTIVATIONS.values(), ids=repr)
@pytest.mark.parametrize("n_rows", [8, 5])
def test_activate_does_what_the_activation_does(activation, dtype, n_rows):
    layer = activate(activation, dtype)
    Z, dA = rows(n_rows, dtype, 3 * activation.n_pieces), rows(n_rows, dtype, 3, seed=2)
    A = layer.forward(Z)
    dZ = layer.input_gradient(dA)
    layer.parameter_gradients(dA)
    expected = activation.forward(Z, *layer.activation_params)
    np.testing.assert_array_equal(A, expected)
    np.testing.assert_array_equal(dZ, activation.backward(dA, Z, expected, *layer.activation_params))
    if layer.activation_params:
        gradient = activation.params_gradient(dA, Z, expected, *layer.activation_params)
        np.testing.assert_array_equal(layer.dactivation_params, gradient)


class Doubling(Activation):
    """Computes in double precision whatever comes in, and ignores ``out``."""

    def forward(self, Z, out=None):
        return Z * np.float64(2)

    def backward(self, dA, Z, A, out=None):
        return dA * np.float64(2)


@every_dtype
def test_a_users_double_precision_does_not_spread(dtype):
    layer, Z = activate(Doubling(), dtype), rows(8, dtype, 3)
    np.testing.assert_array_equal(layer.forward(Z), 2 * Z)
    np.testing.assert_array_equal(layer.input_gradient(Z), 2 * Z)
    assert (layer.forward(Z).dtype, layer.input_gradient(Z).dtype) == (dtype, dtype)
