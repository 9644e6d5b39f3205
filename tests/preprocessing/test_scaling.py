import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse
from sklearn.preprocessing import StandardScaler

from skneural.preprocessing import MeanCenterer, StdScaler, scaling
from skneural.preprocessing.scaling import inverse_standardize, standardize

# Tests of scikit-learn's StandardScaler that StdScaler fails, each with its reason.
EXPECTED_FAILURES = {
    "test_standard_scaler_callback_support[fit]": "set_callbacks is scikit-learn's own protocol for its classes",
    "test_standard_scaler_callback_support[partial_fit]": "as above: fitting takes no callbacks",
}


def test_standard_scalers_own_tests():
    script = Path(__file__).with_name("sklearn_scaler_suite.py")
    result = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True)
    found = json.loads(result.stdout.splitlines()[-1])
    assert set(found["failed"]) <= set(EXPECTED_FAILURES)
    assert found["passed"] >= 200


@pytest.mark.parametrize("with_mean", [True, False])
@pytest.mark.parametrize("with_std", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("missing", [True, False])
def test_agrees_with_standard_scaler(with_mean, with_std, weighted, missing):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200, 5)) * [1, 10, 0.1, 1, 1] + [0, 5, 100, 0, 3]
    X[:, 3] = 2.5
    if missing:
        X[rng.random(X.shape) < 0.1] = np.nan
    weight = rng.random(200) if weighted else None
    ours = StdScaler(with_mean=with_mean, with_std=with_std).fit(X, sample_weight=weight)
    theirs = StandardScaler(with_mean=with_mean, with_std=with_std).fit(X, sample_weight=weight)
    # Without mean and deviation StandardScaler counts rows of dense input whatever their weights.
    counts = ("n_samples_seen_",) if with_mean or with_std or not weighted else ()
    for name in ("mean_", "var_", "scale_", *counts):
        expected = getattr(theirs, name)
        if expected is None:
            assert getattr(ours, name) is None
        else:
            np.testing.assert_allclose(getattr(ours, name), expected, rtol=1e-10, atol=1e-20)
    np.testing.assert_allclose(ours.transform(X), theirs.transform(X), atol=1e-9)
    np.testing.assert_allclose(ours.inverse_transform(ours.transform(X)), X, atol=1e-9)


def test_a_float32_column_far_from_zero_is_centred():
    X = (1e4 + 0.04 * np.random.default_rng(0).standard_normal((10_000, 1))).astype(np.float32)
    scaled = StdScaler().fit_transform(X)
    assert scaled.dtype == np.float32
    assert abs(scaled.mean(dtype=float)) <= 1e-6
    assert abs(scaled.std(dtype=float) - 1) <= 1e-6


def test_near_constant_features_keep_scale_one():
    rng = np.random.default_rng(0)
    X = np.column_stack([np.full(100, 0.1), 1e8 + 1e-8 * rng.random(100), rng.random(100)])
    scaler = StdScaler().fit(X)
    np.testing.assert_array_equal(scaler.scale_[:2], 1.0)
    assert scaler.var_[0] == 0
    moved = X.copy()
    moved[:, 0] += 1e-3
    assert np.abs(scaler.transform(moved)).max() < 10


@pytest.mark.parametrize("container", [sparse.csr_array, sparse.csc_array, sparse.csr_matrix, sparse.csc_matrix])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sparse_input(container, dtype):
    rng = np.random.default_rng(0)
    dense = np.where(rng.random((60, 5)) < 0.3, rng.standard_normal((60, 5)), 0).astype(dtype)
    X = container(dense)
    scaler = StdScaler(with_mean=False).fit(X)
    expected = StdScaler(with_mean=False).fit(dense)
    np.testing.assert_allclose(scaler.var_, expected.var_)
    found = scaler.transform(X)
    assert sparse.issparse(found)
    assert found.dtype == dtype
    np.testing.assert_allclose(found.toarray(), expected.transform(dense), rtol=1e-5)
    np.testing.assert_allclose(scaler.inverse_transform(found).toarray(), dense, rtol=1e-5)
    np.testing.assert_array_equal(X.toarray(), dense)
    streamed = StdScaler(with_mean=False).partial_fit(X[:7]).merge(StdScaler(with_mean=False).fit(X[7:]))
    np.testing.assert_allclose(streamed.var_, scaler.var_, rtol=1e-10)


def test_centring_sparse_input_is_refused():
    X = sparse.csr_array(np.eye(3))
    with pytest.raises(ValueError, match="Pass with_mean=False"):
        StdScaler().fit(X)
    fitted = StdScaler().fit(np.eye(3))
    for verb in (fitted.transform, fitted.inverse_transform):
        with pytest.raises(ValueError, match="Pass with_mean=False"):
            verb(X)


def test_float16_is_computed_in_more_precision():
    X = np.random.default_rng(0).uniform(5, 10, (200_000, 1)).astype(np.float16)
    found = StdScaler().fit_transform(X)
    assert found.dtype == np.float16
    np.testing.assert_allclose(found, StdScaler().fit_transform(X.astype(float)), atol=1e-2)


@pytest.mark.parametrize("factor", [1e-300, 1.0, 1e20, 1e300])
def test_only_the_ratios_of_weights_count(factor):
    rng = np.random.default_rng(0)
    X, weight = rng.standard_normal((50, 3)) + 5, rng.random(50)
    expected = StdScaler().fit(X, sample_weight=weight)
    np.testing.assert_allclose(StdScaler().fit(X, sample_weight=factor * weight).scale_, expected.scale_)


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_a_result_that_overflows_is_an_error(container):
    scaler = StdScaler(with_mean=False).fit(container(np.array([[1e-30], [2e-30], [0.0]])))
    X = container(np.array([[1e20]], dtype=np.float32))
    with pytest.raises(ValueError, match="leaves the range of its dtype"):
        scaler.transform(X)
    np.testing.assert_allclose(X.max(), 1e20, rtol=1e-6)
    large = StdScaler(with_mean=False).fit(np.array([[1e30], [-1e30]]))
    with pytest.raises(ValueError, match="leaves the range of its dtype"):
        large.inverse_transform(X)


@pytest.mark.parametrize("with_mean", [True, False])
@pytest.mark.parametrize("with_std", [True, False])
def test_parameters_hold_that_were_changed_after_fit(with_mean, with_std):
    X = np.random.default_rng(0).standard_normal((50, 3)) * 4 + 7
    settings = {"with_mean": with_mean, "with_std": with_std}
    ours, theirs = (each.fit(X).set_params(**settings) for each in (StdScaler(), StandardScaler()))
    np.testing.assert_allclose(ours.transform(X), theirs.transform(X), rtol=1e-12)
    np.testing.assert_allclose(ours.inverse_transform(X), theirs.inverse_transform(X), rtol=1e-12)


@pytest.mark.parametrize(("parameter", "name"), [("with_mean", "mean_"), ("with_std", "scale_")])
def test_what_was_not_learned_cannot_be_asked_for_later(parameter, name):
    X = np.random.default_rng(0).standard_normal((50, 3))
    scaler = StdScaler(with_mean=False, with_std=False).fit(X).set_params(**{parameter: True})
    for verb in (scaler.transform, scaler.inverse_transform):
        with pytest.raises(ValueError, match=f"Got {parameter}=True, but .* has no {name}.* set {parameter}=False"):
            verb(X)
    np.testing.assert_allclose(scaler.fit(X).inverse_transform(scaler.transform(X)), X)


# Centring alone.


def test_subtracts_the_mean_image():
    X = np.random.default_rng(0).random((30, 6)) * 255
    centerer = MeanCenterer().fit(X)
    np.testing.assert_allclose(centerer.mean_, X.mean(axis=0), rtol=1e-13)
    np.testing.assert_allclose(centerer.transform(X), X - X.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(centerer.inverse_transform(centerer.transform(X)), X, rtol=1e-13)


def test_centred_integers_become_float64():
    found = MeanCenterer().fit_transform(np.array([[0, 255], [2, 5]], dtype=np.uint8))
    np.testing.assert_array_equal(found, [[-1.0, 125.0], [1.0, -125.0]])


def test_centring_ignores_and_keeps_missing_values():
    X = np.array([[1.0, np.nan, np.nan], [3.0, 4.0, np.nan]])
    centerer = MeanCenterer().fit(X)
    np.testing.assert_array_equal(centerer.mean_, [2.0, 4.0, np.nan])
    np.testing.assert_array_equal(centerer.n_samples_seen_, [2, 1, 0])
    np.testing.assert_array_equal(centerer.transform(X), [[-1.0, np.nan, np.nan], [1.0, 0.0, np.nan]])
    assert centerer.partial_fit([[5.0, 5.0, 5.0]]).mean_[2] == 5.0


def test_sparse_input_is_not_centred():
    with pytest.raises(TypeError, match="dense data is required"):
        MeanCenterer().fit(sparse.csr_array(np.eye(3)))


# The arithmetic, in every precision.

rng = np.random.default_rng(0)
X64 = rng.standard_normal((100, 5)) * 3 + 50
MEAN, SCALE = X64.mean(axis=0), X64.std(axis=0)


@pytest.mark.parametrize("mean", [None, MEAN])
@pytest.mark.parametrize("scale", [None, SCALE])
@pytest.mark.parametrize("block_bytes", [40, 2**19])
@pytest.mark.parametrize(("dtype", "rtol"), [(np.float16, 2e-2), (np.float32, 1e-5), (np.float64, 1e-14)])
def test_there_and_back(mean, scale, block_bytes, dtype, rtol, monkeypatch):
    monkeypatch.setattr(scaling, "BLOCK_BYTES", block_bytes)
    X = X64.astype(dtype)
    before = X.copy()
    found = standardize(X, mean, scale, in_place=False)
    expected = (X.astype(float) - (0.0 if mean is None else MEAN)) / (1.0 if scale is None else SCALE)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=rtol)
    np.testing.assert_allclose(inverse_standardize(found, mean, scale, in_place=False), X, rtol=rtol)
    np.testing.assert_array_equal(X, before)


@pytest.mark.parametrize("order", ["C", "F"])
def test_in_place_writes_the_input_if_it_may(order):
    X = np.array(X64, order=order)
    expected = standardize(X, MEAN, SCALE, in_place=False)
    assert standardize(X, MEAN, SCALE, in_place=True) is X
    np.testing.assert_array_equal(X, expected)
    X.flags.writeable = False
    assert inverse_standardize(X, MEAN, SCALE, in_place=True) is not X


def test_single_precision_keeps_the_mean():
    X = (1e4 + 0.04 * rng.standard_normal((10_000, 1))).astype(np.float32)
    found = standardize(X, X.mean(axis=0, dtype=float), None, in_place=False)
    assert abs(found.mean(dtype=float)) < 1e-8
