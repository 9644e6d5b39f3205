"""What the preprocessors of numbers compute, as operations on a Tensor."""

from __future__ import annotations

import numpy as np

from skneural.deployment.onnx.onnx_graph import Tensor
from skneural.preprocessing import MeanCenterer, PCAWhitener, PiecewiseLinearEncoder, SmoothClipper, StdScaler
from skneural.preprocessing.standardizing import nonzero_scale, split_mean


def standardize(model: MeanCenterer | StdScaler, X: Tensor) -> Tensor:
    """Z = (X - shift) / scale, the shift in two parts where one would lose digits in float32."""
    shift, scale = model._mean_and_scale()
    for part in split_mean(shift, X.dtype):
        X = X if part is None else X - part
    return X if scale is None else X / nonzero_scale(scale, X.dtype)


def whiten(model: PCAWhitener, X: Tensor) -> Tensor:
    """Z = (X - mean) V / spread (and back, with "zca"), in float64 as in the model."""
    components = model.components_
    scores = (X.cast(np.float64) - model.mean_) @ (components / model._component_scale()[:, np.newaxis]).T
    return (scores @ components if model.method == "zca" else scores).cast(X.dtype)


def clip_smoothly(model: SmoothClipper, X: Tensor) -> Tensor:
    """Z = limit · X / hypot(X, limit), the larger of the two factored out so that no square overflows."""
    limit, size = model.limit, X.abs()
    larger = size.maximum(limit)
    ratio = size.minimum(limit) / larger
    return X / larger / (ratio * ratio + 1).sqrt() * limit


def encode_piecewise_linear(model: PiecewiseLinearEncoder, X: Tensor) -> Tensor:
    """X, and behind it for each bin (clip(X, low, high) - low) / (high - low), centred."""
    column = np.concatenate([np.full(max(len(edges) - 1, 0), i) for i, edges in enumerate(model.bin_edges_)])
    if not len(column):
        return X.apply("Identity")
    low = np.concatenate([edges[:-1] for edges in model.bin_edges_]).astype(X.dtype)
    high = np.concatenate([edges[1:] for edges in model.bin_edges_]).astype(X.dtype)
    inside = X.take(column, axis=1).maximum(low).minimum(high)
    return X.hstack((inside - low) / np.maximum(high - low, np.finfo(X.dtype).tiny) - model.encoding_mean_)
