"""What holds for every activation, and what each one is by its formula."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats
from sklearn.base import clone

from skneural.activations import (
    ACTIVATIONS,
    ELU,
    GELU,
    SELU,
    Activation,
    ActivationProperties,
    Identity,
    LeakyReLU,
    Logistic,
    Maxout,
    Mish,
    PReLU,
    ReLU,
    SiLU,
    Softplus,
    Tanh,
)

VARIANTS = [
    LeakyReLU(0.0),
    LeakyReLU(0.3),
    LeakyReLU(1),
    LeakyReLU(np.float64(0.2)),
    PReLU(-0.5),
    PReLU(shared=True),
    ELU(0.3),
    ELU(2),
    ELU(np.float64(0.7)),
    Maxout(1),
    Maxout(3),
    Maxout(np.int64(5)),
]
EVERY = [*ACTIVATIONS.values(), *VARIANTS]
N_UNITS = 3

every_activation = pytest.mark.parametrize("activation", EVERY, ids=repr)
every_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def params_of(activation, dtype=np.float64, n_units=N_UNITS):
    """Return the learned parameters as positional arguments, all different so that no mix-up goes unnoticed."""
    initial = activation.init_params(n_units)
    return ((initial * np.linspace(0.5, 1.5, initial.size)).astype(dtype),) if initial.size else ()


def without_kinks(activation, n_rows=20, dtype=np.float64):
    """Return pre-activations of which no two are equal and none is near 0."""
    shape = (n_rows, N_UNITS * activation.n_pieces)
    grid = np.linspace(-4, 4, n_rows * shape[1])  # of an even number of points, hence without 0
    return np.random.RandomState(0).permutation(grid).reshape(shape).astype(dtype)


def finite_differences(function, point, step=1e-5):
    """Return the gradient of a scalar function by centred differences."""
    gradient = np.zeros_like(point)
    for i in np.ndindex(point.shape):
        shift = np.zeros_like(point)
        shift[i] = step
        gradient[i] = (function(point + shift) - function(point - shift)) / (2 * step)
    return gradient


def relative_error(got, expected):
    return np.abs(got - expected).max() / np.abs(expected).max()


@every_activation
def test_the_gradient_in_z_agrees_with_centred_differences(activation):
    Z, params = without_kinks(activation), params_of(activation)
    A = activation.forward(Z, *params)
    dA = np.random.RandomState(1).normal(size=A.shape)
    expected = finite_differences(lambda Z: np.sum(dA * activation.forward(Z, *params)), Z)
    assert relative_error(activation.backward(dA, Z, A, *params), expected) < 1e-6


WITH_PARAMS = [activation for activation in EVERY if activation.init_params(N_UNITS).size]


@pytest.mark.parametrize("activation", WITH_PARAMS, ids=repr)
def test_the_gradient_in_the_learned_parameters_agrees_with_centred_differences(activation):
    Z, (params,) = without_kinks(activation), params_of(activation)
    A = activation.forward(Z, params)
    dA = np.random.RandomState(1).normal(size=A.shape)
    expected = finite_differences(lambda params: np.sum(dA * activation.forward(Z, params)), params)
    got = activation.params_gradient(dA, Z, A, params)
    assert got.shape == params.shape
    assert relative_error(got, expected) < 1e-6


@every_activation
def test_local_gradient_is_that_of_the_initial_parameters(activation):
    Z = without_kinks(activation)
    initial = activation.init_params(N_UNITS)
    arguments = (initial,) if initial.size else ()
    expected = finite_differences(lambda Z: np.sum(activation.forward(Z, *arguments)), Z)
    assert relative_error(activation.derivative(Z), expected) < 1e-6


@every_activation
@every_dtype
def test_memory_given_or_not_makes_no_difference(activation, dtype):
    Z, params = without_kinks(activation, dtype=dtype), params_of(activation, dtype)
    A = activation.forward(Z, *params)
    dA = np.random.RandomState(1).normal(size=A.shape).astype(dtype)
    dZ = activation.backward(dA, Z, A, *params)
    out_A, out_dZ = np.full_like(A, np.nan), np.full_like(Z, np.nan)
    assert activation.forward(Z, *params, out=out_A) is out_A
    assert activation.backward(dA, Z, A, *params, out=out_dZ) is out_dZ
    np.testing.assert_array_equal(out_A, A)
    np.testing.assert_array_equal(out_dZ, dZ)


@every_activation
@every_dtype
def test_the_arguments_stay_as_they_are(activation, dtype):
    Z, params = without_kinks(activation, dtype=dtype), params_of(activation, dtype)
    for array in (Z, *params):
        array.flags.writeable = False
    A = activation.forward(Z, *params)
    dA = np.ones_like(A)
    A.flags.writeable = dA.flags.writeable = False
    activation.backward(dA, Z, A, *params)  # writing to a read-only array raises
    activation.params_gradient(dA, Z, A, *(params or (np.empty(0),)))


@every_activation
@every_dtype
def test_what_comes_in_single_precision_goes_out_in_single_precision(activation, dtype):
    Z, params = without_kinks(activation, dtype=dtype), params_of(activation, dtype)
    A = activation.forward(Z, *params)
    dZ = activation.backward(A, Z, A, *params)
    assert (A.dtype, dZ.dtype, activation.derivative(Z).dtype) == (dtype, dtype, dtype)


@every_activation
def test_single_precision_agrees_with_double(activation):
    Z, params = without_kinks(activation), params_of(activation)
    A = activation.forward(Z, *params)
    dZ = activation.backward(np.ones_like(A), Z, A, *params)
    single = [array.astype(np.float32) for array in params]
    A32 = activation.forward(Z.astype(np.float32), *single)
    dZ32 = activation.backward(np.ones_like(A32), Z.astype(np.float32), A32, *single)
    np.testing.assert_allclose(A32, A, rtol=2e-6, atol=2e-6)
    np.testing.assert_allclose(dZ32, dZ, rtol=2e-6, atol=2e-6)


@every_activation
def test_shapes(activation):
    Z = without_kinks(activation)
    A = activation.forward(Z, *params_of(activation))
    assert A.shape == (len(Z), N_UNITS)
    assert activation.backward(A, Z, A, *params_of(activation)).shape == Z.shape


@every_activation
@every_dtype
@pytest.mark.parametrize("size", [1e4, 1e30, 3e38])
def test_huge_pre_activations_do_no_harm(activation, dtype, size):
    signs = np.array(np.meshgrid(*[[-1, 0, 1]] * activation.n_pieces)).reshape(activation.n_pieces, -1).T
    Z, params = (size * signs).astype(dtype), params_of(activation, dtype, n_units=1)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        A = activation.forward(Z, *params)
        dZ = activation.backward(np.ones_like(A), Z, A, *params)
    assert np.isfinite(A).all()
    assert np.isfinite(dZ).all()


@every_activation
def test_units_do_not_touch_each_other(activation):
    Z, params = without_kinks(activation), params_of(activation)
    A = activation.forward(Z, *params)
    dA = np.zeros_like(A)
    dA[:, 1] = 1.0
    dZ = activation.backward(dA, Z, A, *params).reshape(len(Z), activation.n_pieces, N_UNITS)
    assert dZ[:, :, 1].any()
    assert not dZ[:, :, [0, 2]].any()


# Values.


def elu(z, alpha=1.0):
    return np.where(z > 0, z, alpha * (np.exp(np.minimum(z, 0)) - 1))


def softplus(z):
    return np.logaddexp(0, z)


FORMULAS = {
    Identity: lambda z, _: z,
    Logistic: lambda z, _: 1 / (1 + np.exp(-z)),
    Tanh: lambda z, _: (np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z)),
    ReLU: lambda z, _: np.where(z > 0, z, 0),
    LeakyReLU: lambda z, a: np.where(z > 0, z, a.negative_slope * z),
    PReLU: lambda z, a: np.where(z > 0, z, a.init * z),
    ELU: lambda z, a: elu(z, a.alpha),
    Maxout: lambda z, _: z,  # with all pieces alike
    SELU: lambda z, _: 1.0507009873554805 * elu(z, 1.6732632423543772),
    GELU: lambda z, _: z * stats.norm.cdf(z),
    SiLU: lambda z, _: z / (1 + np.exp(-z)),
    Softplus: lambda z, _: softplus(z),
    Mish: lambda z, _: z * np.tanh(softplus(z)),
}


@every_activation
def test_values_are_those_of_the_formula(activation):
    z = np.concatenate([np.linspace(-30, 30, 601), np.random.RandomState(0).normal(size=100)])
    initial = activation.init_params(1)
    Z = np.repeat(z[:, None], activation.n_pieces, axis=1)
    got = activation.forward(Z, *((initial,) if initial.size else ())).ravel()
    np.testing.assert_allclose(got, FORMULAS[type(activation)](z, activation), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("alpha", [0.1, 1.0, 3.0])
def test_elu_saturates_at_minus_alpha(alpha):
    assert ELU(alpha).forward(np.array([[-1e3]])).item() == -alpha
    assert ELU(alpha).properties().range == (-alpha, np.inf)


@pytest.mark.parametrize("activation", [ReLU(), LeakyReLU(0.1), PReLU(0.1)], ids=repr)
def test_at_the_kink_the_gradient_is_that_of_the_left_side(activation):
    left = activation.derivative(np.array([[-1.0]]))
    np.testing.assert_array_equal(activation.derivative(np.array([[0.0]])), left)


def test_the_slopes_of_prelu_belong_to_the_units():
    Z = np.array([[-1.0, -1.0, 2.0], [-2.0, 3.0, -4.0]])
    slopes = np.array([0.1, 0.2, 0.3])
    A = PReLU().forward(Z, slopes)
    np.testing.assert_allclose(A, [[-0.1, -0.2, 2.0], [-0.2, 3.0, -1.2]])
    per_unit = PReLU().params_gradient(np.ones_like(A), Z, A, slopes)
    np.testing.assert_allclose(per_unit, [-3.0, -1.0, -4.0])
    shared = PReLU(shared=True).params_gradient(np.ones_like(A), Z, A, slopes[:1])
    np.testing.assert_allclose(shared, [-8.0])


def test_shared_or_not_decides_how_many_slopes_there_are():
    np.testing.assert_array_equal(PReLU(0.1).init_params(4), [0.1] * 4)
    np.testing.assert_array_equal(PReLU(0.1, shared=True).init_params(4), [0.1])
    assert (PReLU().properties().n_params, PReLU(shared=True).properties().n_params) == (1, 0)


# Maxout.


def test_the_pieces_of_maxout_lie_one_after_another():
    Z = np.array([[1.0, 2.0, 30.0, 4.0, 5.0, 6.0]])
    np.testing.assert_array_equal(Maxout(2).forward(Z), [[4.0, 5.0, 30.0]])
    np.testing.assert_array_equal(Maxout(3).forward(Z), [[30.0, 6.0]])


def test_maxout_with_one_piece_is_the_identity():
    Z = without_kinks(Maxout(1))
    np.testing.assert_array_equal(Maxout(1).forward(Z), Z)
    np.testing.assert_array_equal(Maxout(1).backward(2 * Z, Z, Z), 2 * Z)


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 5), st.integers(1, 4), st.integers(1, 6), st.randoms(use_true_random=False))
def test_maxout_gives_each_gradient_to_exactly_one_largest_piece(n_pieces, n_units, n_rows, random):
    Z = np.array([[random.randint(0, 2) for _ in range(n_pieces * n_units)] for _ in range(n_rows)], dtype=float)
    activation = Maxout(n_pieces)
    A = activation.forward(Z)
    dA = np.arange(1.0, A.size + 1).reshape(A.shape)
    pieces = activation.backward(dA, Z, A).reshape(n_rows, n_pieces, n_units)
    np.testing.assert_array_equal((pieces != 0).sum(axis=1), 1)
    np.testing.assert_array_equal(pieces.sum(axis=1), dA)
    largest = Z.reshape(pieces.shape) == A[:, None]
    assert largest[pieces != 0].all()


# Properties.

SATURATES = {
    Identity: "neither",
    Logistic: "both",
    Tanh: "both",
    ReLU: "left",
    LeakyReLU: "neither",
    PReLU: "neither",
    ELU: "left",
    Maxout: "neither",
    SELU: "left",
    GELU: "left",
    SiLU: "left",
    Softplus: "left",
    Mish: "left",
}


@pytest.mark.parametrize("activation", ACTIVATIONS.values(), ids=repr)
def test_the_side_on_which_the_gradient_dies(activation):
    assert activation.properties().saturates == SATURATES[type(activation)]


def test_a_leak_of_zero_is_relu_again():
    leaky, relu = LeakyReLU(0).properties(), ReLU().properties()
    assert leaky == relu


@every_activation
def test_range_and_mean_hold_for_random_normal_input(activation):
    properties = activation.properties()
    Z = np.random.RandomState(0).normal(size=(200_000, activation.n_pieces))
    initial = activation.init_params(1)
    A = activation.forward(Z, *((initial,) if initial.size else ()))
    assert properties.range[0] - 1e-4 <= A.min()
    assert A.max() <= properties.range[1] + 1e-4
    np.testing.assert_allclose(properties.mean, A.mean(), atol=0.01)
    assert properties.n_pieces == activation.n_pieces


@pytest.mark.parametrize("activation", [a for a in EVERY if a.init_scheme == "he"], ids=repr)
def test_gain_of_the_he_scheme_keeps_the_mean_square(activation):
    Z = np.random.RandomState(0).normal(size=(400_000, activation.n_pieces))
    initial = activation.init_params(1)
    A = activation.forward(Z, *((initial,) if initial.size else ()))
    np.testing.assert_allclose(np.mean((activation.gain * A) ** 2), 1, rtol=0.02)


@pytest.mark.parametrize(
    ("activation", "gain"),
    [
        (Identity(), 1),
        (Logistic(), 4 / np.sqrt(5)),  # 1/4 + z/16 has the mean square 1/4 + 1/16
        (Tanh(), 1),
        (SELU(), 1),
        (ReLU(), np.sqrt(2)),
        (LeakyReLU(0.3), np.sqrt(2 / (1 + 0.3**2))),
        (PReLU(-0.4), np.sqrt(2 / (1 + 0.4**2))),
        (Maxout(1), 1),
        (Maxout(2), 1),  # max(z1, z2)² and min(z1, z2)² have the same mean, and they sum to 2
        (Maxout(3), 1 / np.sqrt(1 + np.sqrt(3) / (2 * np.pi))),
    ],
    ids=repr,
)
def test_gain(activation, gain):
    np.testing.assert_allclose(activation.gain, gain, rtol=1e-3)


@pytest.mark.parametrize("init_scheme", ["he", "glorot"])
def test_what_is_zero_has_no_gain(init_scheme):
    class Zero(ReLU):
        def forward(self, Z, out=None):
            return np.zeros_like(Z)

        def backward(self, dA, Z, A, out=None):
            return np.zeros_like(Z)

    Zero.init_scheme = init_scheme
    with pytest.raises(
        ValueError, match=rf"scheme '{init_scheme}' has no gain for Zero\(\), .* is 0.0. Set init_scheme"
    ):
        _ = Zero().gain


@pytest.mark.parametrize(
    ("n_pieces", "mean"), [(1, 0), (2, 1 / np.sqrt(np.pi)), (3, 1.5 / np.sqrt(np.pi)), (5, 1.1629644736)]
)
def test_mean_of_maxout_is_that_of_the_largest_of_k_normals(n_pieces, mean):
    np.testing.assert_allclose(Maxout(n_pieces).properties().mean, mean, atol=1e-8)


def test_selu_keeps_mean_zero_and_variance_one():
    A = SELU().forward(np.random.RandomState(0).normal(size=(1_000_000, 1)))
    np.testing.assert_allclose([A.mean(), A.var()], [0, 1], atol=5e-3)


@pytest.mark.parametrize(("mean", "centred"), [(0.19, True), (-0.19, True), (0.21, False), (-0.21, False)])
def test_zero_centred_means_a_small_mean(mean, centred):
    assert ActivationProperties((0, 1), mean, "both", "he", 1.0, 1, 0).zero_centred is centred


def test_facts_of_the_lecture():
    assert not Logistic().properties().zero_centred
    assert Tanh().properties().zero_centred
    assert Logistic().properties().range == (0, 1)
    assert Tanh().properties().range == (-1, 1)
    assert ReLU().properties().range == (0, np.inf)


# What a setting may be.


@pytest.mark.parametrize(
    ("activation", "message"),
    [
        (
            LeakyReLU(-0.1),
            r"'negative_slope' parameter of LeakyReLU must be a float in the range \[0\.0, 1\.0\]. Got -0.1",
        ),
        (LeakyReLU(1.1), r"'negative_slope' .* \[0\.0, 1\.0\]. Got 1.1"),
        (PReLU(init=-1.5), r"'init' parameter of PReLU must be a float in the range \[-1\.0, 1\.0\]. Got -1.5"),
        (PReLU(shared=1), r"'shared' parameter of PReLU must be a bool. Got 1"),
        (ELU(0), r"'alpha' parameter of ELU must be a float in the range \(0\.0, inf\). Got 0"),
        (Maxout(0), r"'n_pieces' parameter of Maxout must be an int in the range \[1, inf\). Got 0"),
        (Maxout(2.0), r"'n_pieces' parameter of Maxout must be an int .*Got 2.0"),
    ],
    ids=repr,
)
def test_out_of_range(activation, message):
    with pytest.raises(ValueError, match=message):
        activation.check()


# A user's own.


class HardTanh(Activation):
    """Written as the documentation says, without a thought for ``out``."""

    init_scheme = "glorot"

    def forward(self, Z, out=None):
        return np.clip(Z, -1, 1)

    def backward(self, dA, Z, A, out=None):
        return dA * (np.abs(Z) < 1)


class Swish(Activation):
    """z · sigmoid(beta · z), beta learned per unit."""

    def __init__(self, beta=1.0):
        self.beta = beta

    def init_params(self, n_units):
        return np.full(n_units, self.beta)

    def forward(self, Z, betas, out=None):
        return Z * special.expit(betas * Z)

    def backward(self, dA, Z, A, betas, out=None):
        s = special.expit(betas * Z)
        return dA * (s + betas * Z * s * (1 - s))

    def params_gradient(self, dA, Z, A, betas):
        s = special.expit(betas * Z)
        return np.sum(dA * Z**2 * s * (1 - s), axis=0)


def test_a_users_own_activation_has_facts():
    properties = HardTanh().properties()
    assert (properties.range, properties.saturates, properties.gain, properties.n_params) == ((-1, 1), "both", 1, 0)
    assert clone(HardTanh()) == HardTanh()


def test_a_users_own_learned_activation_has_facts():
    properties = Swish().properties()
    assert (properties.saturates, properties.n_params) == ("left", 1)
    np.testing.assert_allclose([properties.mean, properties.gain], [SiLU().properties().mean, SiLU().gain])
    assert clone(Swish(0.5)) == Swish(0.5) != Swish(2.0)
