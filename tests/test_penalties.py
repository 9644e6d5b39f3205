"""Values and gradients of the penalties, and what the projection of max-norm leaves alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skneural.penalties import L1, L2, PENALTIES, MaxNorm, elastic_net

every_penalty = pytest.mark.parametrize(
    "penalty", [*PENALTIES.values(), L1(0.3), L2(0.3), L2(0), L1(np.float64(2))], ids=repr
)
every_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def away_from_zero(dtype=np.float64):
    rng = np.random.RandomState(0)
    return (rng.choice([-1, 1], 40) * rng.uniform(0.1, 2, 40)).astype(dtype)


@every_penalty
def test_the_gradient_is_added_and_agrees_with_centred_differences(penalty):
    W, step = away_from_zero(), 1e-5
    already_there = np.random.RandomState(1).normal(size=W.size)
    gradient = already_there.copy()
    penalty.add_gradient(W, gradient)
    shifts = step * np.eye(W.size)
    expected = [(penalty.value(W + shift) - penalty.value(W - shift)) / (2 * step) for shift in shifts]
    np.testing.assert_allclose(gradient - already_there, expected, rtol=1e-6, atol=1e-10)


@every_penalty
@every_dtype
def test_a_part_of_a_longer_vector_is_changed_in_place_and_nothing_else(penalty, dtype):
    W, gradient = away_from_zero(dtype), np.zeros(50, dtype)
    before = W.copy()
    penalty.add_gradient(W, gradient[5:45])
    np.testing.assert_array_equal(W, before)
    assert gradient[5:45].any() == (penalty.alpha > 0)
    assert not gradient[:5].any()
    assert not gradient[45:].any()


@pytest.mark.parametrize("alpha", [0.0, 1e-4, 0.5])
def test_values(alpha):
    W = np.array([3.0, -4.0, 0.0])
    np.testing.assert_allclose(L2(alpha).value(W), alpha / 2 * 25)
    np.testing.assert_allclose(L1(alpha).value(W), alpha * 7)


def test_the_gradient_of_l1_at_zero_is_zero():
    gradient = np.zeros(3)
    L1(1.0).add_gradient(np.array([-2.0, 0.0, 5.0]), gradient)
    np.testing.assert_array_equal(gradient, [-1, 0, 1])


@every_penalty
def test_a_value_is_a_plain_float(penalty):
    assert type(penalty.value(away_from_zero(np.float32))) is float


@settings(deadline=None, max_examples=50)
@given(st.floats(0, 10), st.floats(0, 1))
def test_elastic_net_is_the_formula(alpha, l1_ratio):
    W = away_from_zero()
    value = sum(penalty.value(W) for penalty in elastic_net(alpha, l1_ratio))
    expected = alpha * ((1 - l1_ratio) / 2 * np.sum(W**2) + l1_ratio * np.sum(np.abs(W)))
    np.testing.assert_allclose(value, expected, rtol=1e-12)


def test_elastic_net_leaves_out_what_has_no_strength():
    assert elastic_net(0, 0.5) == []
    assert elastic_net(2.0, 0) == [L2(2.0)]
    assert elastic_net(2.0, 1) == [L1(2.0)]
    assert elastic_net(2.0, 0.25) == [L2(1.5), L1(0.5)]


@pytest.mark.parametrize(
    ("penalty", "message"),
    [
        (L2(-1), r"'alpha' parameter of L2 must be a float in the range \[0\.0, inf\). Got -1"),
        (L1(np.nan), r"'alpha' parameter of L1 .* Got nan"),
        (MaxNorm(0), r"'max_norm' parameter of MaxNorm must be a float in the range \(0\.0, inf\). Got 0"),
    ],
    ids=repr,
)
def test_out_of_range(penalty, message):
    with pytest.raises(ValueError, match=message):
        penalty.check()


# Max-norm.

MATRICES = st.sampled_from([np.float32, np.float64]).flatmap(
    lambda dtype: arrays(dtype, st.tuples(st.integers(1, 6), st.integers(1, 5)), elements=st.floats(-8, 8, width=32))
)


def norms(W):
    return np.linalg.norm(W.astype(np.float64), axis=0)


@settings(deadline=None, max_examples=100)
@given(MATRICES, st.floats(0.01, 10))
def test_the_projection_shortens_what_is_too_long_and_leaves_the_rest_to_the_bit(W, max_norm):
    before = W.copy()
    MaxNorm(max_norm).project(W)
    eps = 8 * np.finfo(W.dtype).eps
    expected = np.minimum(norms(before), max_norm)
    np.testing.assert_allclose(norms(W), expected, rtol=eps, atol=1e-30)
    short = norms(before) < max_norm * (1 - eps)
    np.testing.assert_array_equal(W[:, short], before[:, short])
    direction = norms(before) * W - norms(W) * before  # vanishes where the direction is kept
    np.testing.assert_allclose(direction, 0, atol=100 * eps * max(1, norms(before).max(initial=0)) ** 2)


@settings(deadline=None, max_examples=100)
@given(MATRICES, st.floats(0.01, 10))
def test_projecting_twice_is_projecting_once(W, max_norm):
    MaxNorm(max_norm).project(W)
    once = W.copy()
    MaxNorm(max_norm).project(W)
    np.testing.assert_allclose(W, once, rtol=8 * np.finfo(W.dtype).eps)


def test_the_columns_are_what_is_bounded():
    W = np.array([[3.0, 0.3], [4.0, 0.4]])
    MaxNorm(1.0).project(W)
    np.testing.assert_allclose(W, [[0.6, 0.3], [0.8, 0.4]])


def test_zero_weights_stay_zero():
    W = np.zeros((3, 2))
    MaxNorm(1.0).project(W)
    assert not W.any()
