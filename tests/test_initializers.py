"""Variance, bounds and structure of the initial weights; what users' own functions may return."""

import numpy as np
import pytest

from skneural.activations import ACTIVATIONS, SELU, Identity, LeakyReLU, Logistic, Maxout, ReLU, Tanh
from skneural.initializers import (
    INITIALIZERS,
    AutoInitializer,
    FunctionInitializer,
    Initializer,
    Normal,
    Orthogonal,
    VarianceScaling,
    Zeros,
    resolve_initializer,
)

every_initializer = pytest.mark.parametrize("name", sorted(INITIALIZERS))
every_activation = pytest.mark.parametrize("activation", ACTIVATIONS.values(), ids=repr)
every_shape = pytest.mark.parametrize(("fan_in", "fan_out"), [(300, 200), (100, 400)])


def drawn(initializer, fan_in, fan_out, seed=0):
    return initializer(fan_in, fan_out, np.random.RandomState(seed))


@every_initializer
@pytest.mark.parametrize(("fan_in", "fan_out"), [(1, 1), (7, 3), (3, 7)])
def test_shape_dtype_and_spread(name, fan_in, fan_out):
    W = drawn(INITIALIZERS[name], fan_in, fan_out)
    assert W.shape == (fan_in, fan_out)
    assert W.dtype == np.float64
    assert np.isfinite(W).all()
    assert INITIALIZERS[name].bias_bound(fan_in, fan_out) == 0


@every_initializer
def test_the_generator_alone_decides(name):
    initializer = INITIALIZERS[name]
    np.testing.assert_array_equal(drawn(initializer, 6, 4), drawn(initializer, 6, 4))
    if name != "zeros":
        assert (drawn(initializer, 6, 4, seed=1) != drawn(initializer, 6, 4)).all()


def test_one_generator_gives_two_layers_different_weights():
    rng = np.random.RandomState(0)
    assert (Normal()(5, 5, rng) != Normal()(5, 5, rng)).all()


VARIANCES = {
    "he": lambda fan_in, fan_out: 2 / fan_in,
    "glorot": lambda fan_in, fan_out: 2 / (fan_in + fan_out),
    "lecun": lambda fan_in, fan_out: 1 / fan_in,
}


@every_shape
@pytest.mark.parametrize("init_scheme", VARIANCES)
@pytest.mark.parametrize("distribution", ["normal", "uniform"])
def test_variance_of_the_named_schemes(init_scheme, distribution, fan_in, fan_out):
    W = drawn(INITIALIZERS[f"{init_scheme}_{distribution}"], fan_in, fan_out)
    variance = VARIANCES[init_scheme](fan_in, fan_out)
    np.testing.assert_allclose(W.var(), variance, rtol=0.03)
    np.testing.assert_allclose(W.mean(), 0, atol=5 * np.sqrt(variance / W.size))
    largest = np.abs(W).max() / np.sqrt(3 * variance)
    assert largest > 1.5 if distribution == "normal" else 0.99 < largest <= 1


@every_shape
@pytest.mark.parametrize("gain", [1.0, 2.5])
def test_orthogonal_weights_are_an_isometry_of_the_smaller_side(fan_in, fan_out, gain):
    W = drawn(Orthogonal(gain), fan_in, fan_out)
    W = W if fan_in >= fan_out else W.T
    np.testing.assert_allclose(W.T @ W, gain**2 * np.eye(W.shape[1]), atol=1e-12)


def test_orthogonal_weights_prefer_no_direction():
    # Bare QR gives a diagonal of one sign; over many draws the mean of each entry must vanish.
    draws = np.mean([drawn(Orthogonal(), 3, 3, seed) for seed in range(2000)], axis=0)
    np.testing.assert_allclose(draws, 0, atol=5 * np.sqrt(1 / 3 / 2000))


def test_small_random_numbers_have_the_standard_deviation_asked_for():
    np.testing.assert_allclose(drawn(Normal(), 300, 200).std(), 0.01, rtol=0.02)
    np.testing.assert_allclose(drawn(Normal(0.5), 300, 200).std(), 0.5, rtol=0.02)


def test_zeros_are_zero():
    assert not drawn(Zeros(), 4, 3).any()


@pytest.mark.parametrize(
    ("initializer", "message"),
    [
        (VarianceScaling(scale=0), r"'scale' .* \(0\.0, inf\). Got 0"),
        (VarianceScaling(mode="fan_out"), "'mode' .* one of 'fan_avg', 'fan_in'. Got 'fan_out'"),
        (VarianceScaling(distribution="cauchy"), "'distribution' .* one of 'normal', 'uniform'. Got 'cauchy'"),
        (Orthogonal(gain=-1), r"'gain' parameter of Orthogonal must be a float in the range \(0\.0, inf\). Got -1"),
        (Normal(std=0), r"'std' parameter of Normal must be a float in the range \(0\.0, inf\). Got 0"),
    ],
    ids=repr,
)
def test_out_of_range(initializer, message):
    with pytest.raises(ValueError, match=message):
        resolve_initializer(initializer, ReLU())


# AutoInitializer.


@every_activation
def test_automatic_weights_have_the_variance_of_the_activations_scheme_and_gain(activation):
    fan_in, fan_out = 300, 200
    fan = fan_in if activation.init_scheme == "lecun" else (fan_in + fan_out) / 2
    W = drawn(AutoInitializer(activation), fan_in, fan_out)
    variance = activation.gain**2 / fan
    np.testing.assert_allclose(W.var(), variance, rtol=0.03)
    assert np.abs(W).max() <= np.sqrt(3 * variance)


@every_activation
def test_automatic_biases_spread_as_far_as_the_weights(activation):
    automatic = AutoInitializer(activation)
    reach = np.abs(drawn(automatic, 300, 200)).max()
    np.testing.assert_allclose(automatic.bias_bound(300, 200), reach, rtol=0.01)
    assert automatic.bias_bound(300, 200) >= reach


@pytest.mark.parametrize(
    ("activation", "scale", "mode"),
    [
        (ReLU(), 2, "fan_avg"),
        (LeakyReLU(0.5), 1.6, "fan_avg"),
        (Maxout(2), 1, "fan_avg"),
        (SELU(), 1, "fan_in"),
        (Tanh(), 1, "fan_avg"),
        (Logistic(), 3.2, "fan_avg"),
        (Identity(), 1, "fan_avg"),
    ],
    ids=repr,
)
def test_what_automatic_comes_to(activation, scale, mode):
    rule = AutoInitializer(activation).variance_scaling
    np.testing.assert_allclose(rule.scale, scale, rtol=1e-3)
    assert (rule.mode, rule.distribution) == (mode, "uniform")


@every_activation
def test_the_signal_keeps_its_size_through_many_automatic_layers(activation):
    rng = np.random.RandomState(0)
    A = rng.normal(size=(500, 100))
    for _ in range(6):
        pieces = [AutoInitializer(activation)(100, 100, rng) for _ in range(activation.n_pieces)]
        initial = activation.init_params(100)
        A = activation.forward(A @ np.concatenate(pieces, axis=1), *((initial,) if initial.size else ()))
    assert 0.3 < np.sqrt(np.mean(A**2)) < 3


# Names, objects, functions.


@every_initializer
def test_a_name_stands_for_its_initializer(name):
    assert resolve_initializer(name, ReLU()) == INITIALIZERS[name]


def test_auto_knows_the_activation():
    assert resolve_initializer("auto", Tanh()) == AutoInitializer(Tanh())
    assert resolve_initializer("auto", Tanh()) != AutoInitializer(ReLU())


def test_a_users_function_is_called_with_the_fans_and_the_generator():
    rng = np.random.RandomState(0)
    initializer = resolve_initializer(lambda *received: [[float(received == (1, 2, rng)), 3]], ReLU())
    np.testing.assert_array_equal(initializer(1, 2, rng), [[1.0, 3.0]])
    assert initializer.bias_bound(1, 2) == 0


def test_a_users_own_class_needs_no_registration():
    class Ones(Initializer):
        def __call__(self, fan_in, fan_out, rng):
            return np.ones((fan_in, fan_out))

    assert resolve_initializer(Ones(), ReLU()) == Ones()


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (np.zeros((2, 3)), r"shape \(fan_in, fan_out\) = \(3, 2\). Got an array of shape \(2, 3\)"),
        (np.zeros(6), r"Got an array of shape \(6,\)"),
        (0.5, r"Got an array of shape \(\)"),
        (np.full((3, 2), np.nan), "Got NaN or infinity"),
        (np.full((3, 2), -np.inf), "Got NaN or infinity"),
        (None, "an array of real numbers. Got None"),
        ("random", "an array of real numbers. Got 'random'"),
        (np.ones((3, 2)) * 1j, "an array of real numbers. Got array"),
        ([[1, 2], [3]], "an array of real numbers. Got "),
    ],
    ids=str,
)
def test_what_a_users_function_or_class_must_not_return(result, message):
    class Own(Initializer):
        def __call__(self, fan_in, fan_out, rng):
            return result

    for initializer in (FunctionInitializer(lambda fan_in, fan_out, rng: result), Own()):
        with pytest.raises((TypeError, ValueError), match=rf"^weight_init={type(initializer).__name__}.*{message}"):
            initializer.draw(3, 2, np.random.RandomState(0))


def test_what_a_user_returns_may_be_a_list_or_integers():
    W = FunctionInitializer(lambda fan_in, fan_out, rng: [[1, 2], [3, 4]]).draw(2, 2, None)
    np.testing.assert_array_equal(W, [[1.0, 2.0], [3.0, 4.0]])
    assert W.dtype == np.float64


def test_a_signature_of_its_own():
    class Own(Initializer):
        def __call__(self, fan_in, fan_out):
            return np.ones((fan_in, fan_out))

    for initializer in (FunctionInitializer(lambda fan_in, fan_out: np.ones((fan_in, fan_out))), Own()):
        with pytest.raises(TypeError, match=r"must have the signature \(fan_in, fan_out, rng\): too many"):
            initializer.draw(2, 2, np.random.RandomState(0))


@pytest.mark.parametrize("choice", [Orthogonal, 5, None], ids=repr)
def test_a_class_or_a_number_is_no_initializer(choice):
    with pytest.raises(TypeError, match="'weight_init' parameter must be a name or an object"):
        resolve_initializer(choice, ReLU())


def test_an_unknown_name():
    with pytest.raises(ValueError, match=r"'weight_init' parameter must be one of .* Got 'xavier' instead"):
        resolve_initializer("xavier", ReLU())
