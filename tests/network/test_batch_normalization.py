"""Batch normalisation: the formula, its gradient, weights, and the running statistics."""

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils._testing import ignore_warnings

from skneural import ActivationMLPClassifier
from skneural.network.batch_normalization import EPSILON, MOMENTUM, BatchNormalization

N_ROWS, N_UNITS = 12, 3
WEIGHTS = np.array([0.0, 1, 2, 0.5, 3, 0, 1, 1, 4, 0.1, 2, 1])


def build(dtype=np.float64, n_rows=N_ROWS):
    scale, shift = np.array([1.0, -0.5, 2.0], dtype), np.array([0.0, 1.0, -3.0], dtype)
    running = (np.zeros(N_UNITS, dtype), np.ones(N_UNITS, dtype), np.zeros(1, dtype))
    return BatchNormalization(scale, shift, np.zeros_like(scale), np.zeros_like(shift), running, n_rows)


def batch(seed=0, n_rows=N_ROWS):
    return np.random.RandomState(seed).normal(loc=3.0, scale=[0.1, 1.0, 10.0], size=(n_rows, N_UNITS))


def expected(layer, Z, sample_weight=None):
    mean = np.average(Z, axis=0, weights=sample_weight)
    variance = np.average((Z - mean) ** 2, axis=0, weights=sample_weight)
    return layer.scale * (Z - mean) / np.sqrt(variance + EPSILON) + layer.shift, mean, variance


@pytest.mark.parametrize("sample_weight", [None, WEIGHTS], ids=["unweighted", "weighted"])
def test_the_formula(sample_weight):
    layer, Z = build(), batch()
    before = Z.copy()
    layer.set_sample_weight(sample_weight)
    Y = layer.forward(Z)
    want, mean, variance = expected(layer, Z, sample_weight)
    np.testing.assert_allclose(Y, want, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(layer.running[0], mean)
    np.testing.assert_allclose(layer.running[1], variance)
    np.testing.assert_array_equal(Z, before)


def value(layer, Z, dY, sample_weight):
    layer.set_sample_weight(sample_weight)
    return np.sum(layer.forward(Z) * dY)


@pytest.mark.parametrize("n_rows", [1, 2, N_ROWS])
@pytest.mark.parametrize("weighting", ["none", "some", "zero"])
def test_the_gradient_agrees_with_centred_differences(weighting, n_rows):
    sample_weight = {"none": None, "some": WEIGHTS[1 : n_rows + 1], "zero": np.zeros(n_rows)}[weighting]
    if sample_weight is not None and len(sample_weight) < n_rows:
        sample_weight = WEIGHTS
    layer, Z, dY = build(), batch(n_rows=n_rows), np.random.RandomState(5).normal(size=(n_rows, N_UNITS))
    Z[:, 0] = 0.3  # a unit that is constant in the batch
    value(layer, Z, dY, sample_weight)
    layer.parameter_gradients(dY)
    got = [layer.input_gradient(dY).copy(), layer.dscale.copy(), layer.dshift.copy()]
    for array, gradient in zip((Z, layer.scale, layer.shift), got, strict=True):
        for i in np.ndindex(array.shape):
            here, values = array[i], []
            for step in (1e-6, -1e-6):
                array[i] = here + step
                values.append(value(layer, Z, dY, sample_weight))
            array[i] = here
            assert gradient[i] == pytest.approx((values[0] - values[1]) / 2e-6, rel=1e-4, abs=1e-6)


def test_weights_equal_repetition():
    counts = np.array([0, 1, 2, 3, 1, 0, 2, 1, 1, 4, 1, 1])
    weighted, repeated = build(), build(n_rows=counts.sum())
    Z = batch()
    weighted.set_sample_weight(counts.astype(float))
    Y, Y_repeated = weighted.forward(Z), repeated.forward(np.repeat(Z, counts, axis=0))
    np.testing.assert_allclose(np.repeat(Y, counts, axis=0), Y_repeated)
    for a, b in zip(weighted.running, repeated.running, strict=True):
        np.testing.assert_allclose(a, b)


def test_running_statistics_are_a_plain_average_at_first_then_one_that_favours_the_newest():
    layer, means = build(), []
    for k in range(25):
        Z = batch(seed=k) + k
        layer.forward(Z)
        means.append(Z.mean(axis=0))
        if k < 1 / MOMENTUM:
            np.testing.assert_allclose(layer.running[0], np.mean(means, axis=0))
    expected = np.mean(means[:10], axis=0)
    for mean in means[10:]:
        expected = (1 - MOMENTUM) * expected + MOMENTUM * mean
    np.testing.assert_allclose(layer.running[0], expected)
    assert layer.running[2] == 25
    layer.reset_running_statistics()
    layer.forward(Z)
    np.testing.assert_allclose(layer.running[0], Z.mean(axis=0))
    np.testing.assert_allclose(layer.running[1], Z.var(axis=0))


def test_a_short_batch_counts_as_the_part_of_a_batch_that_it_is():
    layer, rng = build(n_rows=10), np.random.RandomState(0)
    parts = [rng.normal(size=(n, N_UNITS)) for n in (10, 5, 10, 1)]
    for Z in parts:
        layer.forward(Z)
    sizes = [len(Z) for Z in parts]
    np.testing.assert_allclose(layer.running[0], np.average([Z.mean(axis=0) for Z in parts], axis=0, weights=sizes))
    np.testing.assert_allclose(layer.running[1], np.average([Z.var(axis=0) for Z in parts], axis=0, weights=sizes))
    assert layer.running[2] == pytest.approx(2.6)


@pytest.mark.usefixtures("backend")
def test_one_row_left_over_does_not_decide_how_units_are_scaled_in_prediction():
    X, y = make_classification(201, 10, n_informative=5, random_state=0)
    model = ActivationMLPClassifier(batch_size=100, batch_norm=True, max_iter=30, random_state=0)
    model = ignore_warnings(category=ConvergenceWarning)(model.fit)(X, y)
    variance = (X @ model.coefs_[0]).var(axis=0)
    assert np.median(model._network.views.running_variances[0] / variance) == pytest.approx(1, abs=0.1)


def test_rows_without_weight_leave_no_trace():
    layer = build()
    layer.set_sample_weight(WEIGHTS)
    layer.forward(batch())
    before = [statistic.copy() for statistic in layer.running]
    layer.set_sample_weight(np.zeros(N_ROWS))
    assert np.isfinite(layer.forward(batch(1) * 1e6)).all()
    for statistic, old in zip(layer.running, before, strict=True):
        np.testing.assert_array_equal(statistic, old)
    layer.set_sample_weight(None)
    layer.forward(batch(2))
    assert layer.running[2] == 2


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("weighted", [False, True])
def test_precision_is_kept(dtype, weighted):
    layer, dY = build(dtype), np.ones((N_ROWS, N_UNITS), dtype)
    layer.set_sample_weight(WEIGHTS.astype(dtype) if weighted else None)
    Y = layer.forward(batch().astype(dtype))
    layer.parameter_gradients(dY)
    assert Y.dtype == layer.input_gradient(dY).dtype == layer.running[0].dtype == dtype
    want = expected(layer, batch(), WEIGHTS if weighted else None)[0]
    np.testing.assert_allclose(Y, want, atol=1e-3 if dtype == np.float32 else 1e-12)
