"""The preprocessors of numbers in the real onnxruntime: as they are here, also far from zero and at the extremes."""

import numpy as np
import pytest
from sklearn.datasets import load_iris

from skneural import MeanCenterer, PCAWhitener, PiecewiseLinearEncoder, SmoothClipper, StdScaler

pytest.importorskip("onnxruntime")
pytest.importorskip("skl2onnx")

X, _ = load_iris(return_X_y=True)
TOLERANCE = {np.float32: 1e-5, np.float64: 1e-10}
both = pytest.mark.parametrize("dtype", [np.float32, np.float64])

TRANSFORMERS = [
    MeanCenterer(),
    MeanCenterer(n_channels=2),
    StdScaler(),
    StdScaler(with_mean=False),
    StdScaler(with_std=False),
    StdScaler(with_mean=False, with_std=False),
    PCAWhitener(),
    PCAWhitener(n_components=2),
    PCAWhitener(method="zca", epsilon=1e-3),
    PCAWhitener(whiten=False),
    SmoothClipper(limit=0.5),
    SmoothClipper(limit=1e300),
    PiecewiseLinearEncoder(min_rows=1),
    PiecewiseLinearEncoder(),
]


@both
@pytest.mark.parametrize("offset", [0, 1e4], ids=["centred", "far from zero"])
@pytest.mark.parametrize("transformer", TRANSFORMERS, ids=str)
def test_each_transformer(transformer, offset, dtype, assert_same):
    rows = (X + offset).astype(dtype)
    scale = max(1, np.abs(transformer.fit(rows).transform(rows)).max())
    assert_same(transformer, rows, scale * TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_extremes_and_missing_values(dtype, assert_same):
    largest = np.finfo(dtype).max
    rows = np.array([[largest, 1], [-largest, np.nan], [1e-30, np.nan], [0, 3]], dtype=dtype)
    assert_same(SmoothClipper().fit(rows), rows, 1e-6)
    assert_same(StdScaler().fit(rows[2:]), rows[2:], 1e-6)
    assert_same(StdScaler().fit(rows[1:, 1:]), rows[1:, 1:], 1e-6)
