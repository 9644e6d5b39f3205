import numpy as np
import pytest

from skneural.preprocessing import standardizing
from skneural.preprocessing.standardizing import inverse_standardize, standardize

rng = np.random.default_rng(0)
X64 = rng.standard_normal((100, 5)) * 3 + 50
MEAN, SCALE = X64.mean(axis=0), X64.std(axis=0)


@pytest.mark.parametrize("mean", [None, MEAN])
@pytest.mark.parametrize("scale", [None, SCALE])
@pytest.mark.parametrize("block_bytes", [40, 2**19])
@pytest.mark.parametrize(("dtype", "rtol"), [(np.float16, 2e-2), (np.float32, 1e-5), (np.float64, 1e-14)])
def test_there_and_back(mean, scale, block_bytes, dtype, rtol, monkeypatch):
    monkeypatch.setattr(standardizing, "BLOCK_BYTES", block_bytes)
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
